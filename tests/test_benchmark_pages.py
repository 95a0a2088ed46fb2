"""The truth about a synthetic page is where its ink is, whatever was done to the page."""

import importlib
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _benchmarks_on_the_path(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))


@pytest.fixture
def pages():
    return importlib.import_module("pages")


@pytest.fixture
def page_faults():
    return importlib.import_module("page_faults")


@pytest.fixture
def page_score():
    return importlib.import_module("page_score")


@pytest.fixture(scope="module")
def drawn():
    """Two kinds of digit in the manner of MNIST: rings labelled 0 and bars labelled 1."""
    images = np.zeros((2, 28, 28), np.uint8)
    cv2.circle(images[0], (14, 14), 8, 255, 3, cv2.LINE_AA)
    cv2.line(images[1], (14, 5), (14, 23), 255, 3, cv2.LINE_AA)
    return images, np.array([0, 1], np.uint8)


def ink_of(page):
    """The dark pixels of a page with dark ink on light paper, lit evenly."""
    gray = cv2.cvtColor(page, cv2.COLOR_RGB2GRAY).astype(int)
    return gray < (gray.min() + np.median(gray)) / 2


def covered(shape, boxes, slack):
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        mask[max(0, top - slack) : bottom + slack, max(0, left - slack) : right + slack] = True
    return mask


def test_the_same_seed_gives_the_same_page(pages, drawn):
    faults = {"shadow": 0.5, "skew": 0.4, "letters": 0.5}
    one, truth = pages.make_page(np.random.default_rng(3), *drawn, faults=faults)
    two, again = pages.make_page(np.random.default_rng(3), *drawn, faults=faults)
    assert (one == two).all()
    assert truth == again
    other, _ = pages.make_page(np.random.default_rng(4), *drawn, faults=faults)
    assert one.shape != other.shape or (one != other).any()


@pytest.mark.parametrize(
    "fault", ["none", "slant", "skew", "perspective", "bend", "turned", "sizes"]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_boxes_hold_all_ink_and_no_paper(pages, drawn, fault, seed):
    faults = {} if fault == "none" else {fault: 0.7}
    page, truth = pages.make_page(np.random.default_rng(seed), *drawn, faults=faults, height=60)
    ink = ink_of(page)
    boxes = [digit.box for number in truth.numbers for digit in number.digits]
    assert len(boxes) > 10
    assert not (ink & ~covered(ink.shape, boxes, 2)).any()
    for left, top, right, bottom in boxes:
        inside = ink[top:bottom, left:right]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        assert rows[0] <= 2
        assert columns[0] <= 2
        assert rows[-1] >= bottom - top - 3
        assert columns[-1] >= right - left - 3


def test_texts_are_the_labels_of_what_was_drawn(pages, drawn):
    _, truth = pages.make_page(np.random.default_rng(0), *drawn, height=60, lines=6)
    shapes = {"0": [], "1": []}
    for number in truth.numbers:
        assert number.text == "".join(digit.text for digit in number.digits)
        for digit in number.digits:
            left, top, right, bottom = digit.box
            shapes[digit.text].append((right - left) / (bottom - top))
    assert max(shapes["1"]) < 0.6 < min(shapes["0"])
    assert min(map(len, shapes.values())) > 5


def test_numbers_stand_apart_in_reading_order(pages, drawn):
    _, truth = pages.make_page(np.random.default_rng(1), *drawn, height=50, lines=6)
    assert len(truth.lines) == 6
    for line in truth.lines:
        for one, two in pairwise(line.numbers):
            assert two.box[0] - one.box[2] > 0.6 * 50
        for number in line.numbers:
            boxes = np.array([digit.box for digit in number.digits])
            assert number.box == (*boxes[:, :2].min(0), *boxes[:, 2:].max(0))
    feet = [max(number.box[3] for number in line.numbers) for line in truth.lines]
    assert feet == sorted(feet)


def test_turning_the_page_turns_its_boxes(pages, drawn):
    upright, before = pages.make_page(np.random.default_rng(5), *drawn)
    turned, after = pages.make_page(np.random.default_rng(5), *drawn, faults={"turned": 0.25})
    assert after.turns == 1
    assert (turned == np.rot90(upright)).all()
    for one, two in zip(before.numbers, after.numbers, strict=True):
        left, top, right, bottom = one.box
        (a, b, c, d) = two.box
        assert (np.rot90(upright[top:bottom, left:right]) == turned[b:d, a:c]).all()


def test_touching_digits_touch(pages, drawn):
    def blots(strength):
        faults = {"touching": strength} if strength else {}
        page, truth = pages.make_page(np.random.default_rng(2), *drawn, faults=faults, height=60)
        digits = sum(len(number.digits) for number in truth.numbers)
        return (cv2.connectedComponents(ink_of(page).astype(np.uint8))[0] - 1) / digits

    assert blots(0) == 1
    assert blots(1) < 0.6


def test_every_fault_gives_a_page_with_its_truth_inside(pages, page_faults, drawn):
    for i, name in enumerate(page_faults.FAULTS):
        rng = np.random.default_rng([7, i])
        page, truth = pages.make_page(rng, *drawn, faults={name: 0.4}, lines=2, ems=9)
        assert page.dtype == np.uint8
        assert page.std() > 3, name
        assert truth.numbers, name
        height, width = page.shape[:2]
        for number in truth.numbers:
            left, top, right, bottom = number.box
            assert 0 <= left < right <= width, name
            assert 0 <= top < bottom <= height, name


def test_a_fault_of_the_camera_leaves_the_writing_alone(pages, drawn):
    clean, truth = pages.make_page(np.random.default_rng(6), *drawn)
    noisy, same = pages.make_page(np.random.default_rng(6), *drawn, faults={"noise": 1.0})
    assert truth.lines == same.lines
    assert noisy.astype(float).std(axis=2).mean() > clean.astype(float).std(axis=2).mean()


def test_superscripts_are_numbers_of_their_own(pages, drawn):
    faults = {"superscripts": 1.0}
    _, truth = pages.make_page(np.random.default_rng(0), *drawn, faults=faults, height=60, ems=20)
    raised = [n for n in truth.numbers if n.raised]
    assert raised
    for line in truth.lines:
        for base, up in pairwise(line.numbers):
            if up.raised:
                assert len(up.text) == 1
                assert up.box[3] < base.box[3]
                assert up.box[3] - up.box[1] < 0.8 * (base.box[3] - base.box[1])


def test_gray_pages(pages, drawn):
    page, _ = pages.make_page(np.random.default_rng(0), *drawn, gray=True)
    assert page.ndim == 2


def test_mixed_faults_are_known_and_moderate(page_faults):
    rng = np.random.default_rng(0)
    seen = [page_faults.draw_faults(rng, every=True) for _ in range(1000)]
    for faults in seen:
        page_faults.check_faults(faults)
        assert 2 <= len(faults) <= 5
        assert all(0.15 <= strength <= 0.6 for strength in faults.values())
    assert len(set().union(*seen)) == len(page_faults.FAULTS)


def test_unknown_faults_and_strengths_are_refused(pages, drawn):
    with pytest.raises(ValueError, match="Received: 'fog'"):
        pages.make_page(np.random.default_rng(0), *drawn, faults={"fog": 0.5})
    with pytest.raises(ValueError, match="Received: skew=2"):
        pages.make_page(np.random.default_rng(0), *drawn, faults={"skew": 2})


def perfect(truth):
    return [(number.text, number.box) for number in truth.numbers]


def test_a_perfect_reading_scores_in_full(pages, page_score, drawn):
    page, truth = pages.make_page(np.random.default_rng(0), *drawn, lines=3)
    score = page_score.score_page(truth, perfect(truth), page.shape[:2])
    assert score.exact == score.numbers == score.reported == len(truth.numbers) > 5
    assert score.right == score.digits == score.reported_digits
    assert (score.wrong, score.missed, score.extra, score.invented) == (0, 0, 0, 0)
    assert page_score.wrong_numbers(truth, perfect(truth), page.shape[:2]) == []


def test_each_kind_of_mistake_is_counted_once(pages, page_score, drawn):
    page, truth = pages.make_page(np.random.default_rng(0), *drawn, lines=3)
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


def test_a_number_in_two_parts_is_not_exact_but_its_digits_are_right(pages, page_score, drawn):
    page, truth = pages.make_page(np.random.default_rng(0), *drawn, lines=2)
    number = max(truth.numbers, key=lambda number: len(number.text))
    halves = [(digit.text, digit.box) for digit in number.digits][::-1]
    score = page_score.score_page(truth, halves, page.shape[:2])
    assert (score.exact, score.right, score.extra) == (0, len(number.text), 0)


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75])
def test_readings_of_turned_pages_are_turned_back(pages, page_score, drawn, strength):
    """A reader that turns the page upright reports boxes there; they fit the page as it is."""
    upright, before = pages.make_page(np.random.default_rng(5), *drawn)
    faults = {"turned": strength}
    given, truth = pages.make_page(np.random.default_rng(5), *drawn, faults=faults)
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
