"""Readings are scored as the sets say, and pictures without digits are the same every time."""

import importlib
import json
import os
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
BOX = (0, 0, 9, 9)
SUDOKU = [[(3 * r + r // 3 + c) % 9 + 1 for c in range(9)] for r in range(9)]


@pytest.fixture
def benchmark(monkeypatch):
    """Return how to import a module of the benchmarks."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_THREAD_LIMIT"):
        monkeypatch.setenv(name, "1")  # the command sets them; they are put back after the test
    return importlib.import_module


@pytest.fixture
def sets(benchmark):
    return benchmark("reading_sets")


@pytest.fixture
def reading(benchmark):
    """Return how to make a reading of some numbers."""
    readers = benchmark("readers")

    def make(*texts, grids=None):
        return readers.Reading(tuple((text, BOX) for text in texts), grids)

    return make


def item(sets, truth):
    return sets.Item("a", Path("a.png"), truth)


@pytest.mark.parametrize(
    ("texts", "right", "found", "invented"),
    [
        (("2250",), True, 4, 0),
        (("2", "250"), True, 4, 0),  # what separates groups of digits is ignored
        (("225",), False, 3, 0),
        (("2258",), False, 3, 0),
        (("2250", "1"), False, 4, 1),
        ((), False, 0, 0),
    ],
)
def test_digits_in_a_row(sets, reading, texts, right, found, invented):
    outcome = sets.score_digits(item(sets, "2250"), reading(*texts))
    assert (outcome.right, outcome.wanted) == (right, 4)
    assert (outcome.found, outcome.invented) == (found, invented)


@pytest.mark.parametrize(
    ("texts", "right", "found", "invented"),
    [
        (("7", "1", "1"), True, 3, 0),  # in any order
        (("1", "7"), False, 2, 0),  # a number that is there twice must be read twice
        (("1", "1", "1", "7"), False, 3, 1),
        (("11", "7"), False, 1, 1),
    ],
)
def test_numbers_in_a_picture(sets, reading, texts, right, found, invented):
    outcome = sets.score_numbers(item(sets, ["1", "1", "7"]), reading(*texts))
    assert (outcome.right, outcome.wanted) == (right, 3)
    assert (outcome.found, outcome.invented) == (found, invented)


def test_a_picture_without_digits_is_right_only_without_numbers(sets, reading):
    nothing = sets.score_numbers(item(sets, []), reading())
    assert (nothing.right, nothing.wanted, nothing.invented) == (True, 0, 0)
    something = sets.score_numbers(item(sets, []), reading("1", "11"))
    assert (something.right, something.invented) == (False, 2)


def test_printed_numbers_that_the_truth_leaves_out_count_neither_way(sets, reading):
    page = sets.Item("a", Path("a.png"), ["7"], printed=("1", "2024"))
    read = sets.score_numbers(page, reading("7", "1", "1", "24"))
    assert (read.right, read.wanted, read.found, read.invented) == (False, 1, 1, 2)
    assert sets.score_numbers(page, reading("7", "1")).right
    assert sets.score_numbers(page, reading("7")).right


def test_printed_numbers_belong_to_pictures_of_the_set(sets):
    folder = Path(os.environ.get("DIGITSCOPE_DATA", "../shared/data")) / "pages-dev"
    if not folder.exists():
        pytest.skip("the development sets are not here")
    items = list(sets.lines("pages-dev")(folder.parent, Namespace(limit=None, seed=0)))
    named = set(json.loads(sets.PRINTED.read_text())) - {"about"}
    assert named == {item.name for item in items if item.printed}
    assert all(number.isdigit() for item in items for number in item.printed)


def grid(change=()):
    rows = [[str(entry) for entry in row] for row in SUDOKU]
    for r, c, text in change:
        rows[r][c] = text
    return SimpleNamespace(rows=rows)


def test_a_sudoku_counts_cells_of_the_best_grid(sets, reading):
    by_hand = [[int((r, c) == (0, 0)) for c in range(9)] for r in range(9)]
    truth = item(sets, (SUDOKU, by_hand))
    whole = sets.score_sudoku(truth, reading(grids=(grid(),)))
    assert (whole.right, whole.found, whole.wanted) == (True, 81, 81)
    grids = (grid([(i, 4, "") for i in range(9)]), grid([(0, 0, ""), (8, 8, "77")]))
    part = sets.score_sudoku(truth, reading(grids=grids))
    assert (part.right, part.found) == (False, 79)
    assert part.parts == {"printed": (80, 79), "by hand": (1, 0)}
    small = SimpleNamespace(rows=[["1", "2"]])
    assert sets.score_sudoku(truth, reading(grids=(small,))).found == 0
    assert sets.score_sudoku(truth, reading(grids=())).found == 0


def test_a_reader_without_grids_is_not_compared_on_sudokus(sets, reading):
    assert sets.score_sudoku(item(sets, (SUDOKU, None)), reading("1")) is None


def test_samples_are_the_same_for_one_seed(sets):
    things = list(range(100))
    few = sets.sample(things, Namespace(limit=10, seed=3), most=50)
    assert few == sets.sample(things, Namespace(limit=10, seed=3))
    assert few == sorted(few) != sets.sample(things, Namespace(limit=10, seed=4))
    assert len(sets.sample(things, Namespace(limit=None, seed=0), most=50)) == 50


def test_a_summary_counts_pictures_and_units(benchmark, sets):
    command = benchmark("reading")
    outcomes = [sets.Outcome(True, 2, 2, 0), sets.Outcome(False, 3, 1, 4, "12", "17")]
    tally = command.Tally([("a", "x", outcomes[0]), ("b", "y", outcomes[1])], [0.1, 0.3], [0, 0])
    made = tally.summary(sets.SETS["hard-dev"])
    assert (made["n"], made["right"]) == (2, 1)
    assert (made["wanted"], made["found"], made["invented"]) == (5, 3, 4)
    assert made["found_interval"] == pytest.approx([1 / 3, 1])  # of two pictures drawn again
    assert made["invented_interval"] == [0, 8]
    assert made["ms"]["median"] == pytest.approx(200)
    assert made["wrong"] == {"b": "1/3 +4: 17 as 12"}
    assert made["by_kind"]["y"] == {"n": 1, "right": 0, "invented": 4}
    lines = command.printed({"hard-dev": {"one": made}}, ["one"]).splitlines()
    assert lines[1].split()[:5] == ["hard-dev:", "pictures", "right", "1", "of"]


def test_what_cannot_be_compared_is_a_dash(benchmark, sets):
    command = benchmark("reading")
    no_grids = command.Tally([], [0.1], [0.1]).summary(sets.SETS["sudoku-mixed-dev"])
    whole = command.Tally([("a", "", sets.Outcome(True, 81, 81, 0))], [0.1], [0.1])
    with_grids = whole.summary(sets.SETS["sudoku-mixed-dev"])
    assert "invented" not in with_grids
    table = command.printed({"s": {"a": with_grids, "b": no_grids}}, ["a", "b"]).splitlines()
    assert table[1].endswith("–")
    assert not any("invented" in line for line in table)


def test_runs_of_digits_have_their_share_of_the_box(benchmark):
    readers = benchmark("readers")
    assert readers.runs_of_digits("x12,5", (10, 0, 60, 8)) == [
        ("12", (20, 0, 40, 8)),
        ("5", (50, 0, 60, 8)),
    ]
    assert readers.runs_of_digits("word", BOX) == []


def test_a_reader_that_is_missing_says_so(benchmark, tmp_path, capsys):
    missing = str(tmp_path / "none.onnx")
    ready, left_out = benchmark("reading").get_ready(["digitscope"], missing)
    assert ready == {}
    assert "no such model" in left_out["digitscope"]
    assert "left out: digitscope" in capsys.readouterr().err


def test_pictures_without_digits_depend_on_the_seed_and_their_place_alone(benchmark):
    pictures = benchmark("empty_pictures")
    n = len(pictures.KINDS)
    once, again = (list(pictures.make_all(n, seed=5)) for _ in range(2))
    assert [kind for kind, _ in once] == list(pictures.KINDS)
    for (kind, picture), (_, same) in zip(once, again, strict=True):
        assert picture.dtype == np.uint8, kind
        assert picture.ndim == 3, kind
        np.testing.assert_array_equal(picture, same, err_msg=kind)
    (_, first), (_, other) = once[0], next(iter(pictures.make_all(1, seed=6)))
    assert first.shape != other.shape or (first != other).any()


def test_words_have_no_digits_and_a_font_has_their_characters(benchmark):
    paper = benchmark("empty_paper")
    for language, words in paper.WORDS.items():
        assert not any(character.isdigit() for character in words)
        assert min(map(len, words.split())) > 1
        assert paper.fonts_for(language)


@pytest.mark.parametrize("kind", ["register cell", "boxed field", "score card", "notes"])
def test_fields_hold_the_numbers_of_their_truth(benchmark, monkeypatch, kind):
    fields = benchmark("fields")
    written = []
    digit = fields.Pen.digit

    def watch(pen, page, text, x, y):
        written.append((text, 0 <= x <= page.shape[1], y > 0.5 * pen.height))
        digit(pen, page, text, x, y)

    monkeypatch.setattr(fields.Pen, "digit", watch)
    labels = np.array(list("0123456789"))
    images = np.full((10, 28, 28), 255, np.uint8)
    images[:, 4:24, 10:18] = 0
    for seed in range(12):
        written.clear()
        picture, truth = fields.set_field(np.random.default_rng(seed), kind, images, labels)
        again, _ = fields.set_field(np.random.default_rng(seed), kind, images, labels)
        np.testing.assert_array_equal(picture, again)
        assert picture.dtype == np.uint8
        seen = [text for text, inside, whole in written[: len(written) // 2] if inside and whole]
        if kind == "score card":  # the printed numbers of its columns are not written
            truth = truth[next(i for i, text in enumerate(truth) if text != str(i + 1)) :]
        assert len(truth) > 0
        assert "".join(seen).endswith("".join(truth))
