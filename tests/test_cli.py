"""The command line: exit codes, one line for each misuse, answers on stdout and nothing else."""

import csv
import errno
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitscope import __version__
from digitscope.cli import main, make_app
from digitscope.data import NAMES
from digitscope.runs import Run

PROGRAM = [sys.executable, "-c", "from digitscope.cli import main; main()"]
COMMANDS = [
    "batch",
    "compare",
    "data",
    "evaluate",
    "explain",
    "export",
    "lesson",
    "models",
    "predict",
    "read",
    "report",
    "serve",
    "train",
    "tune",
]


@pytest.fixture
def cli(capsys):
    """Return a function that runs a command and returns its code, stdout and stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return call


@pytest.fixture
def refused(cli, tmp_path, monkeypatch):
    """Return a function that sees a command fail as it should, and gives its one line."""
    empty = tmp_path / "here"
    empty.mkdir()
    monkeypatch.chdir(empty)

    def call(*arguments, code):
        found, out, err = cli(*arguments)
        assert (found, out) == (code, "")
        assert err.count("\n") == 1, err
        assert err.startswith("digitscope: ")
        assert "Traceback" not in err
        assert list(empty.iterdir()) == []
        return err

    return call


def draw(path, ink=0, paper=255, mode="L"):
    image = Image.new(mode, (30, 40), paper)
    image.paste(ink, (13, 6, 17, 34))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.JPG", "deeper/c.tif"):
        draw(tmp_path / "pictures" / name)
    (tmp_path / "pictures" / "notes.txt").write_text("not a picture")
    return tmp_path / "pictures"


# Help


def test_the_commands_are_these(cli):
    assert sorted(command.name for command in make_app().registered_commands) == COMMANDS
    code, out, _ = cli("--help")
    assert code == 0
    assert all(re.search(rf"^\W*{name} ", out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_examples_line_by_line(cli, command):
    code, out, err = cli(command, "--help")
    assert (code, err) == (0, "")
    assert re.search(r"^ +Examples?:\s*$", out, re.MULTILINE)
    assert re.search(rf"^ +digitscope {command}\b", out, re.MULTILINE)
    assert "\\b" not in out


def test_every_field_of_a_recipe_is_an_option(cli):
    from dataclasses import fields

    from digitscope.recipes import Recipe

    _, out, _ = cli("train", "--help")
    names = {f.name for f in fields(Recipe)} - {"name", "augmentation"} | {"augment"}
    assert all(f"--{name.replace('_', '-')}" in out for name in names)


def test_the_help_of_an_option_is_that_of_the_field():
    import typer

    from digitscope.cli import make_app
    from digitscope.recipes import Recipe
    from digitscope.recipes.described import descriptions

    train = typer.main.get_group(make_app(["train", "tune"])).commands["train"]
    options: dict = {option.name: option for option in train.params}
    assert list(options)[:3] == ["recipe", "data", "data_dir"]
    for name, description in descriptions(Recipe).items():
        if name not in ("name", "augmentation"):
            assert options[name].help.startswith(description.sentence)
            assert options[name].multiple == description.is_tuple
    assert options["activation"].help.endswith("gelu, silu, linear.")


def test_options_become_fields_of_the_recipe():
    from digitscope.cli.train_options import changed
    from digitscope.recipes import RECIPES, Augmentation, Recipe
    from digitscope.recipes.described import descriptions

    unset = dict.fromkeys(descriptions(Recipe)) | {"augment": None}
    del unset["name"], unset["augmentation"]
    cnn = RECIPES["cnn"]
    assert changed(cnn, unset) == cnn
    given = unset | {"hidden": [64, 32], "sources": ["none"], "epochs": 3, "augment": False}
    assert changed(cnn, given) == cnn.but(hidden=(64, 32), sources=(), epochs=3).with_augmentation(
        None
    )
    assert changed(cnn, unset | {"hidden": [0], "augment": True}) == cnn.but(hidden=())
    assert changed(RECIPES["mlp"], unset | {"augment": True}).augmentation == Augmentation()


def test_version_and_no_arguments(cli):
    assert cli("--version") == (0, f"digitscope {__version__}\n", "")
    code, out, err = cli()
    assert code == 2
    assert "Usage" in out + err


# Misuse: exit 2, one line, nothing written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["trian"], r"No such command 'trian'. Did you mean 'train'\?"),
        (
            ["train", "--epoch", "3"],
            "No such option: --epoch .*--epochs.* See digitscope train --help",
        ),
        (["train", "--epochs", "x"], "Invalid value for '--epochs'"),
        (["train", "--epochs", "0"], "epochs must be a whole number from 1 up. Received: 0"),
        (["train", "--epochs", "-3"], "epochs must be a whole number from 1 up. Received: -3"),
        (["train", "--learning-rate", "-1"], "learning_rate must be a number above 0. .*-1.0"),
        (["train", "--learning-rate", "nan"], "learning_rate must be a number above 0. .*nan"),
        (["train", "clasic"], "unknown recipe 'clasic'; .*Did you mean 'classic'"),
        (["train", "pgae"], "there are classic, .*, page, glyph. Did you mean 'page'"),
        (["train", "--activation", "rleu"], "activation must be one of .*Did you mean 'relu'"),
        (["train", "--optimizer", "addam"], "optimizer must be one of .*Did you mean 'adam'"),
        (["train", "--hidden", "-5"], "hidden must be up to 100 whole numbers from 1 to 65,536"),
        (["train", "--batch-size", "0"], "batch_size must be a whole number from 1 up"),
        (["train", "--data", "minst"], "unknown data set 'minst'; .*Did you mean 'mnist'"),
        (["train", "--resume", ".", "--epochs", "9"], "--resume continues a run with its own"),
        (["train", "--resume", ".", "--augment"], "--resume continues a run with its own"),
        (["data", "digit"], "unknown data set 'digit'; .*Did you mean 'digits'"),
        (["predict"], "Missing argument"),
        (["predict", "nothing.png", "-m", "{model}"], "no such file or folder: nothing.png"),
        (["predict", "{model}", "-m", "{model}", "--json", "--csv"], "exclude each other"),
        (
            ["evaluate", "{model}", "--data", "digits", "--split", "nope"],
            "split of digits must be train, test or all. Received: 'nope'",
        ),
        (["export", "{model}", "--format", "onyx"], "unknown format 'onyx'; .*Did you mean 'onnx'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_one_line_and_exit_2(refused, make_onnx, arguments, told):
    model = str(make_onnx())
    assert re.search(told, refused(*[a.format(model=model) for a in arguments], code=2))


# Failure: exit 1, one line, nothing written


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "--data", "mnist", "--out", "run"], "MNIST is not on this machine"),
        (
            ["train", "--data-dir", "nowhere", "--out", "run"],
            "MNIST is not in nowhere; expected train-images",
        ),
        (["train", "--data", "folder:nowhere"], "no such folder or CSV file: nowhere"),
        (["train", "--data", "folder:{tmp}"], "has no digit images; expected subfolders"),
        (
            ["train", "--data", "digits", "--validation", "1500"],
            "validation must be less than the 1,500 training images of digits",
        ),
        (["train", "--data", "digits", "--out", "{file}/run"], "Not a directory"),
        (["train", "--data", "digits", "--out", "{file}"], "File exists"),
        (["train", "--resume", "nowhere"], "nowhere is not a run; expected a folder with"),
        (["evaluate", "nowhere.onnx"], "no such model: nowhere.onnx; expected an .onnx file"),
        (["compare", "{file}", "{file}"], "is not an ONNX model"),
        (["predict", "{file}", "-m", "{tmp}"], "has no model.onnx"),
        (["predict", "{tmp}", "-m", "{model}"], "has no pictures; expected .bmp"),
        (["data", "digits", "--sheet", "{file}/sheet.png"], "a.txt: File exists"),
        (["export", "{file}"], "is not a .keras file: expected a zip archive"),
        (["report", "{tmp}"], "is not a run; expected a folder with a run.json"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_failure_is_one_line_and_exit_1(refused, make_onnx, tmp_path, arguments, told):
    (tmp_path / "empty").mkdir()
    file = tmp_path / "a.txt"
    file.write_text("seven")
    places = {"model": make_onnx(), "tmp": tmp_path / "empty", "file": file}
    assert re.search(told, refused(*[a.format(**places) for a in arguments], code=1))


def test_a_full_disk_is_one_line_and_leaves_no_half_file(refused, monkeypatch, tmp_path):
    def full(self, file, **options):
        file.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Image.Image, "save", full)
    err = refused("data", "digits", "--sheet", tmp_path / "out" / "sheet.png", code=1)
    assert "No space left on device" in err
    assert list((tmp_path / "out").iterdir()) == []


def test_a_disk_that_fills_up_during_the_fit_keeps_what_was_whole(cli, monkeypatch, tmp_path):
    """The model files cannot be written; the epochs that are done can be gone on from."""
    from digitscope.training import model_release

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "model.onnx"))

    monkeypatch.setattr(model_release, "write_onnx", full)
    out = tmp_path / "run"
    options = ["--data", "digits", "--hidden", "8", "--epochs", "1", "--no-report"]
    code, answer, err = cli("train", *options, "--out", out)
    assert (code, answer) == (1, "")
    assert err.endswith(f"digitscope: {tmp_path / 'model.onnx'}: No space left on device.\n")
    assert not list(out.glob("*.onnx"))
    assert not list(out.glob(".*"))
    assert Run(out).record["status"] != "finished"
    monkeypatch.undo()
    code, answer, err = cli("train", "--resume", out, "--no-report")
    assert code == 0, err
    assert f"model   {out / 'model.onnx'}" in answer


# What the commands answer


def test_train_answers_on_stdout_and_tells_on_stderr(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("train", "--hidden", "8", "--epochs", "1", "--no-report")
    assert code == 0
    assert "mlp-1 on the digits test images" in out
    assert "95 % interval" in out
    assert "calibration error" in out
    assert out.endswith("model   runs/mlp-1/model.onnx\n")
    first = err.splitlines()[0]
    assert first.startswith("MNIST is not on this machine and could not be downloaded")
    assert first.endswith("The bundled digits are used instead.")
    assert "784 → 8 → 10, 6,370 weights; digits: 1,200 images to learn from, 300 held out" in err
    assert (tmp_path / "runs" / "mlp-1" / "model.onnx").is_file()
    # The newest run is the one that is meant when none is named.
    code, out, err = cli("evaluate", "--data", "digits", "--json")
    assert code == 0
    metrics = Run(tmp_path / "runs" / "mlp-1").metrics
    assert json.loads(out)["accuracy"] == metrics["accuracy"]
    assert err == "model: runs/mlp-1\n"


def test_evaluate_as_a_table_and_as_json(cli, run):
    code, out, err = cli("evaluate", run.path, "--data", "digits")
    assert (code, err) == (0, "")
    accuracy = run.metrics["accuracy"]
    assert f"{accuracy:.2%}" in out
    assert len(re.findall(r"^ +\d  .*%.*%.*%", out, re.MULTILINE)) == 10
    content = json.loads(cli("evaluate", run.path, "--data", "digits", "--json")[1])
    assert content["accuracy"] == accuracy
    assert (content["data"], content["split"], content["n"]) == ("digits", "test", 297)
    everything = cli("evaluate", run.path, "--data", "digits", "--json", "--split", "all")[1]
    assert json.loads(everything)["n"] == 1_797


def test_evaluate_tells_writers_confusions_and_non_digits(cli, run, small_unipen, tmp_path):
    sheet = tmp_path / "misread.png"
    options = ["--data", "unipen", "--data-dir", small_unipen, "--split", "all", "--sheet", sheet]
    code, out, err = cli("evaluate", run.path, *options)
    assert code == 0
    assert "Doubtful labels are known only for the file with" in err
    content = json.loads(cli("evaluate", run.path, *options, "--json")[1])
    assert [w["n"] for w in content["writers"]] == [10] * 40
    shares = [w["accuracy"] for w in content["writers"]]
    assert shares == sorted(shares)
    assert f"40; mean of their accuracies {sum(shares) / 40:.2%}" in out
    worst = content["writers"][0]
    assert re.search(rf"^  {worst['writer']} +{worst['accuracy']:.2%} .* 10$", out, re.MULTILINE)
    first = content["confusions"][0]
    assert f"confusions         {first['true']} as {first['said']} ({first['count']:,})" in out
    wrong = sum(pair["count"] for pair in content["confusions"])
    assert wrong == 400 - round(content["accuracy"] * 400) > 0
    assert f"{sheet}   {wrong:,} misread digits" in out
    assert content["refusal"]["n_non_digits"] == 120
    kept = content["refusal"]["non_digits_kept_at_98"]
    assert f"98 % of digits     keeps {kept:.2%} of the non-digits" in out
    with Image.open(sheet) as image:
        assert image.width > 28 * 20
    part = json.loads(cli("evaluate", run.path, *options[:4], "--split", "validation", "--json")[1])
    assert (part["split"], part["n"]) == ("validation", 40)


def test_compare_lists_the_images_on_which_they_differ(cli, run, make_onnx, tmp_path):
    blank = make_onnx("zero.onnx", kernel=np.zeros((784, 10)))
    sheet = tmp_path / "differ.png"
    code, out, err = cli("compare", run.path, blank, "--data", "digits", "--sheet", sheet)
    assert (code, err) == (0, "")
    assert "McNemar's exact test: p = " in out
    assert "they differ" in out
    assert "more; --json lists all" in out
    content = json.loads(cli("compare", run.path, blank, "--data", "digits", "--json")[1])
    assert f"only A is right: {len(content['only_a'])};" in out
    assert content["p_value"] < 1e-9
    with Image.open(sheet) as image:
        assert image.width > 28 * 20
    same = cli("compare", run.path, run.path, "--data", "digits")[1]
    assert "p = 1; at 5 %, no significant difference" in same


def test_data_lists_counts_and_draws(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("data")
    assert (code, err) == (0, "")
    assert re.search(
        r"^mnist +– +– +– +– +– +CC BY-SA 3.0\n +not on this machine; downloaded once", out, re.M
    )
    assert re.search(r"^digits +1,500 +– +297 +– +– +CC BY 4.0\n", out, re.MULTILINE)
    assert re.search(
        r"^unipen +–.*\n +not on this machine; available from zenodo", out, re.MULTILINE
    )
    rows = json.loads(cli("data", "--json")[1])
    assert [row["name"] for row in rows] == list(NAMES)
    assert rows[-1]["counts"] == {"train": 60_000, "test": 10_000}
    assert all(row["licence"] for row in rows)
    content = json.loads(cli("data", "digits", "--json")[1])
    assert sum(content["counts"]["train"]) == 1_500
    with Image.open(tmp_path / content["sheet"]) as sheet:
        assert sheet.format == "PNG"


def test_data_of_several_writers(cli, small_unipen, tmp_path):
    rows = json.loads(cli("data", "--data-dir", small_unipen, "--json")[1])
    listed = next(row for row in rows if row["name"] == "unipen")
    assert listed["counts"] == {"train": 320, "validation": 40, "test": 40}
    assert (listed["writers"], listed["non_digits"]) == (40, 120)
    sheet = tmp_path / "sheet.png"
    code, out, _ = cli("data", "unipen", "--data-dir", small_unipen, "--sheet", sheet)
    assert code == 0
    assert re.search(r"^  validation +(4 +){10}40$", out, re.MULTILINE)
    assert "writers   40, each in one part only" in out
    assert "cite      I. Guyon" in out
    with Image.open(sheet) as image:
        assert image.width > 28 * 2 * 20 + 84  # the writers stand at the left


def test_export_says_where_to_and_how_near(cli, run, tmp_path):
    out = tmp_path / "again.onnx"
    code, answer, err = cli("export", run.path, "--out", out)
    assert (code, err) == (0, "")
    assert re.fullmatch(rf"{out}  largest difference from Keras: \d\.\de[-+]\d\d\n", answer)
    content = json.loads(cli("export", run.path, "--out", out, "--json")[1])
    assert content["largest_difference"] <= 1e-5


# predict


def test_predict_reads_every_picture_of_a_folder(cli, run, folder):
    code, out, err = cli("predict", folder, "-m", run.path)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[-1] for line in lines] == [
        str(folder / name) for name in ("a.png", "b.JPG", "deeper/c.tif")
    ]
    assert all(re.match(r"\d  [ \d]\d?\d\.\d\d%  ", line) for line in lines)


def test_predict_as_json_and_csv_say_the_same(cli, run, folder):
    content = json.loads(cli("predict", folder, "-m", run.path, "--json", "-p")[1])
    rows = list(
        csv.DictReader(io.StringIO(cli("predict", folder, "-m", run.path, "--csv", "-p")[1]))
    )
    assert len(content) == len(rows) == 3
    for answer, row in zip(content, rows, strict=True):
        assert answer["image"] == row["image"]
        assert answer["digit"] == int(row["digit"]) == np.argmax(answer["probabilities"])
        assert answer["confidence"] == float(row["confidence"]) == max(answer["probabilities"])
        assert answer["probabilities"] == [float(row[f"p{d}"]) for d in range(10)]
        assert sum(answer["probabilities"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".idx", "-images-idx3-ubyte.gz"])
def test_predict_reads_array_files(cli, run, digits, tmp_path, suffix):
    import gzip

    images, file = digits.test.images[:300], tmp_path / f"some{suffix}"
    raw = b"\0\0\x08\x03" + np.array(images.shape, ">i4").tobytes() + images.tobytes()
    match suffix:
        case ".npy":
            np.save(file, images)
        case ".npz":
            np.savez(file, images=images)
        case ".idx":
            file.write_bytes(raw)
        case _:
            file.write_bytes(gzip.compress(raw))
    code, out, _ = cli("predict", file, "-m", run.path, "--json")
    assert code == 0
    answers = json.loads(out)
    accuracy = np.mean([a["digit"] == y for a, y in zip(answers, digits.test.labels, strict=True)])
    assert accuracy == pytest.approx(run.metrics["accuracy"])
    assert answers[-1]["image"] == f"{file}[{len(images) - 1}]"


def test_predict_keeps_the_order_of_its_arguments(cli, run, folder, digits, tmp_path):
    np.save(tmp_path / "two.npy", digits.test.images[:2])
    inputs = [folder / "b.JPG", tmp_path / "two.npy", folder / "a.png"]
    out = cli("predict", *inputs, "-m", run.path, "--json")[1]
    names = [inputs[0], f"{inputs[1]}[0]", f"{inputs[1]}[1]", inputs[2]]
    assert [answer["image"] for answer in json.loads(out)] == [str(name) for name in names]


def test_one_bad_picture_does_not_end_the_rest(cli, run, folder):
    (folder / "aa.png").write_text("seven")
    Image.new("L", (9, 9), 255).save(folder / "ab.png")
    code, out, err = cli("predict", folder, "-m", run.path, "--csv")
    assert code == 1
    assert len(out.splitlines()) == 4
    first, second = err.splitlines()
    assert re.search(r"aa\.png is not a picture", first)
    assert re.search(r"ab\.png: nothing is written on it", second)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere file names are text")
def test_a_file_name_that_is_no_text_can_be_printed(run, tmp_path):
    name = os.fsencode(tmp_path) + b"/f\xfcnf.png"
    draw(tmp_path / "a.png").rename(os.fsdecode(name))
    command: list[str | bytes] = [*PROGRAM, "predict", name, "-m", str(run.path)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"f\udcfcnf.png" in done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("full", ["/dev/full", "a closed pipe"])
def test_stdout_that_takes_no_more(run, tmp_path, full, unbuffered):
    """A full disk is a failure; a pipe that the reader closed is not."""
    np.save(tmp_path / "many.npy", np.zeros((3_000, 28, 28), np.uint8))
    command = [*PROGRAM, "predict", tmp_path / "many.npy"]
    if full == "/dev/full":
        stdout = os.open(full, os.O_WRONLY)
    else:
        read, stdout = os.pipe()
        os.close(read)
    try:
        done = subprocess.run(
            [*command, "-m", run.path],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
    finally:
        os.close(stdout)
    if full == "/dev/full":
        assert (done.returncode, done.stderr) == (1, "digitscope: No space left on device.\n")
    else:
        assert (done.returncode, done.stderr) == (0, "")


def test_the_bar_on_stderr_takes_no_answers_from_stdout(cli, run, folder, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    plain = cli("predict", folder, "--model", run.path)
    monkeypatch.setattr("digitscope.cli.predict.SHOW_PROGRESS_FROM", 1)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert cli("predict", folder, "--model", run.path)[1] == plain[1]


# models


def test_models_lists_what_comes_with_digitscope_and_prints_cards(cli, run):
    code, out, _ = cli("models")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["name", "cnn", "mlp", "page", "glyph"]
    cards = json.loads(cli("models", "--json")[1])
    assert cards["cnn"] == {"path": cards["cnn"]["path"]} | json.loads(cli("models", "cnn")[1])
    assert cards["cnn"]["refusal"]["coverage"] == 0.99
    sizes = {name: Path(card["path"]).stat().st_size for name, card in cards.items()}
    assert sizes["page"] < 2_000_000
    assert sizes["cnn"] + sizes["mlp"] < 2_000_000
    assert json.loads(cli("models", run.path)[1])["recipe"]["name"] == "mlp"
