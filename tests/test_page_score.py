"""The score of a page: the reported numbers against the true ones."""

import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from digitscope.synthesis import CLEAN, draw_digits
from digitscope.synthesis.faulty_pages import make_page

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def page_score(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("page_score")


@pytest.fixture(scope="module")
def drawn():
    """Rings labelled 0 and bars labelled 1."""
    labels = np.array([0, 1] * 5, np.uint8)
    return draw_digits(labels, np.random.default_rng(0), style=CLEAN), labels


def perfect(truth):
    return [(number.text, number.box) for number in truth.numbers]


def test_a_perfect_reading_scores_in_full(page_score, drawn):
    page, truth = make_page(np.random.default_rng(0), *drawn, lines=3)
    score = page_score.score_page(truth, perfect(truth), page.shape[:2])
    assert score.exact == score.numbers == score.reported == len(truth.numbers) > 5
    assert score.right == score.digits == score.reported_digits
    assert (score.wrong, score.missed, score.extra, score.invented) == (0, 0, 0, 0)
    assert page_score.wrong_numbers(truth, perfect(truth), page.shape[:2]) == []


def test_each_kind_of_mistake_is_counted_once(page_score, drawn):
    page, truth = make_page(np.random.default_rng(0), *drawn, lines=3)
    right = perfect(truth)
    (text, box), rest = right[0], right[1:]
    size = page.shape[:2]
    n, digits = len(right), sum(len(text) for text, _ in right)

    def score(*reported):
        return page_score.score_page(truth, [*reported, *rest], size)

    missed = score()
    assert (missed.exact, missed.missed, missed.reported) == (n - 1, len(text), n - 1)
    wrong = score(("2" * len(text), box))
    assert (wrong.exact, wrong.wrong, wrong.right) == (n - 1, len(text), digits - len(text))
    longer = score((text + "7", box))
    assert (longer.exact, longer.extra, longer.right, longer.invented) == (n - 1, 1, digits, 0)
    elsewhere = score((text, box), ("45", (0, 0, 9, 9)))
    assert (elsewhere.exact, elsewhere.invented, elsewhere.extra) == (n, 1, 2)
    far = score((text, (0, 0, 9, 9)))
    assert (far.exact, far.invented, far.missed) == (n - 1, 1, len(text))


def test_a_number_in_two_parts_is_not_exact_but_its_digits_are_right(page_score, drawn):
    page, truth = make_page(np.random.default_rng(0), *drawn, lines=2)
    number = max(truth.numbers, key=lambda number: len(number.text))
    halves = [(digit.text, digit.box) for digit in number.digits][::-1]
    score = page_score.score_page(truth, halves, page.shape[:2])
    assert (score.exact, score.right, score.extra) == (0, len(number.text), 0)


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75])
def test_readings_of_turned_pages_are_turned_back(page_score, drawn, strength):
    """A reader that turns the page upright reports boxes there; they fit the page as it is."""
    upright, before = make_page(np.random.default_rng(5), *drawn)
    faults = {"turned": strength}
    given, truth = make_page(np.random.default_rng(5), *drawn, faults=faults)
    numbers = [
        SimpleNamespace(text=n.text, box=(a, b, c - a, d - b))
        for n in before.numbers
        for a, b, c, d in [n.box]
    ]
    height, width = upright.shape[:2]
    turn = 360 - 90 * truth.turns
    page = SimpleNamespace(width=width, height=height, turn=turn, numbers=numbers)
    reported = page_score.reported_by(page)
    assert reported == perfect(truth)
    # In the order of the writing, whichever way that runs on the page.
    parts = [(d.text, d.box) for n in truth.numbers for d in n.digits]
    assert page_score.score_page(truth, parts[::-1], given.shape[:2]).missed == 0
    assert page_score.score_page(truth, parts[::-1], given.shape[:2]).wrong == 0


def test_turns_of_a_box_undo_each_other(page_score):
    box, size = (3, 4, 10, 6), (20, 30)
    for turns in range(4):
        there = page_score.turned(box, size, turns)
        seen = size if turns % 2 == 0 else size[::-1]
        assert page_score.turned(there, seen, -turns) == box


def test_scores_add_up(page_score):
    total = page_score.Score(numbers=2, exact=1) + page_score.Score(numbers=3, extra=4)
    assert total == page_score.Score(numbers=5, exact=1, extra=4)


@pytest.mark.parametrize(
    ("true", "read", "expected"),
    [
        ("", "", (0, 0, 0, 0)),
        ("12", "", (0, 0, 2, 0)),
        ("", "12", (0, 0, 0, 2)),
        ("1234", "1284", (3, 1, 0, 0)),
        ("1234", "134", (3, 0, 1, 0)),
        ("1234", "12334", (4, 0, 0, 1)),
        ("71", "17", (1, 0, 1, 1)),
    ],
)
def test_alignment(page_score, true, read, expected):
    right, wrong, missed, extra = page_score.aligned(true, read)
    assert (right, wrong, missed, extra) == expected
    assert right + wrong + missed == len(true)
    assert right + wrong + extra == len(read)


def test_words_of_tesseract(page_score):
    head = "level\tleft\ttop\twidth\theight\tconf\ttext\n"
    rows = "5\t3\t4\t20\t10\t96\t42\n5\t30\t4\t20\t10\t95\t \n5\t1\t1\t1\t1\t9\t\n"
    assert page_score.words_in_tsv(head + rows) == [("42", (3, 4, 23, 14))]
