"""`digitscope read`: files, folders, globs and standard input; text, JSON, CSV and pictures."""

import io
import json
import sys

import numpy as np
import pytest
from PIL import Image

from digitscope.cli import main
from digitscope.synthesis.digits import draw_digits
from digitscope.synthesis.pen import CLEAN


def draw_page(path, lines=("407 25", "81")):
    """Write drawn digits, dark on light, three times as large as the network sees them."""
    page = np.full((100 * len(lines) + 60, 700), 245, np.uint8)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            if character.isdigit():
                tile = draw_digits([int(character)], np.random.default_rng(3), style=CLEAN)[0]
                large = np.asarray(Image.fromarray(tile).resize((84, 84), Image.Resampling.BICUBIC))
                top, left = 30 + 100 * row, 40 + 56 * column
                part = page[top : top + 84, left : left + 84]
                part[:] = np.minimum(part, 245 - (large * 0.8).astype(np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).save(path)
    return path


@pytest.fixture
def cli(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return call


@pytest.fixture
def folder(tmp_path):
    draw_page(tmp_path / "scans" / "a.png")
    draw_page(tmp_path / "scans" / "b.jpg", ("3960",))
    return tmp_path / "scans"


def test_a_picture_is_printed_line_by_line(cli, folder):
    assert cli("read", folder / "a.png") == (0, "407 25\n81\n", "")


def test_a_folder_a_glob_and_names_are_the_same(cli, folder):
    names = [folder / "a.png", folder / "b.jpg"]
    expected = f"# {names[0]}\n407 25\n81\n# {names[1]}\n3960\n"
    for inputs in (names, [folder], [folder / "*.[jp]*"]):
        assert cli("read", *inputs) == (0, expected, "")


def test_standard_input_is_a_picture(cli, folder, monkeypatch):
    content = (folder / "b.jpg").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert cli("read", "-") == (0, "3960\n", "")


def test_json_has_boxes_that_lie_on_the_ink(cli, folder):
    content = json.loads(cli("read", folder / "a.png", "--json")[1])
    (page,) = content
    assert page["image"] == str(folder / "a.png")
    numbers = [number for line in page["lines"] for number in line["numbers"]]
    assert [number["text"] for number in numbers] == ["407", "25", "81"]
    ink = np.asarray(Image.open(folder / "a.png")) < 150
    for number in numbers:
        left, top, width, height = number["box"]
        assert ink[top : top + height, left : left + width].any()


def test_the_decimal_mark_is_one_of_three(cli, folder):
    (page,) = json.loads(cli("read", folder / "a.png", "--json", "--decimal", ",")[1])
    assert page["lines"][0]["numbers"][0]["value"] == 407.0
    code, out, err = cli("read", folder / "a.png", "--decimal", ";")
    assert (code, out) == (2, "")
    assert "Received: ';'" in err


def test_digits_only_prints_the_same_where_there_is_no_sign(cli, folder):
    assert cli("read", folder / "a.png", "--digits-only") == (0, "407 25\n81\n", "")


def test_csv_of_lines_has_a_number_in_each_cell(cli, folder):
    assert cli("read", folder / "a.png", "--csv")[1] == "407,25\n81\n"


def test_annotate_draws_one_picture_or_a_folder_of_them(cli, folder, tmp_path):
    one = tmp_path / "seen.png"
    assert cli("read", folder / "a.png", "--annotate", one)[0] == 0
    with Image.open(one) as drawn:
        assert drawn.width > 700  # the page, and beside it what the network saw
    code, _, err = cli("read", folder, "--annotate", tmp_path / "seen")
    pictures = sorted((tmp_path / "seen").glob("*.png"))
    assert (code, len(pictures)) == (0, 2)
    assert all(str(path) in err for path in pictures)


def test_a_picture_without_digits_is_no_failure(cli, tmp_path):
    Image.new("L", (300, 200), 255).save(tmp_path / "empty.png")
    code, out, err = cli("read", tmp_path / "empty.png")
    assert (code, out) == (0, "")
    assert err == f"{tmp_path / 'empty.png'}: no digits found\n"


def test_one_bad_file_does_not_end_the_rest(cli, folder):
    (folder / "aa.png").write_bytes(b"no picture")
    code, out, err = cli("read", folder)
    assert code == 1
    assert out.endswith("3960\n")
    assert "aa.png is not a picture" in err
    pages = json.loads(cli("read", folder, "--json")[1])
    assert ["error" in page for page in pages] == [False, True, False]


def test_a_threshold_of_one_refuses_all(cli, folder):
    code, out, err = cli("read", folder / "a.png", "--threshold", "1")
    assert (code, out) == (0, "")
    assert "no digits found" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere.png"], "no such file or folder: nowhere.png"),
        (["nowhere-*.png"], "nothing matches nowhere-*.png"),
        (["-", "-"], "standard input can be read only once"),
        (["SCANS", "--annotate", "one.png"], "--annotate must be a folder for 2 pictures"),
        (["SCANS", "--json", "--csv"], "--json and --csv exclude each other"),
        (["SCANS", "--threshold", "2"], "Invalid value for '--threshold'"),
    ],
)
def test_misuse_is_one_line_and_exit_2(cli, folder, arguments, told):
    given = [str(folder) if argument == "SCANS" else argument for argument in arguments]
    code, out, err = cli("read", *given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_a_model_that_there_is_not_is_one_line_and_exit_1(cli, folder):
    code, _, err = cli("read", folder, "--model", "pgae")
    assert (code, err.count("\n")) == (1, 1)
    assert "no such model: pgae; expected an .onnx file" in err
    assert "Did you mean 'page'?" in err
