"""Rules go, digits stay."""

from itertools import groupby

import cv2
import numpy as np
import pytest

from digitscope.ink import lift
from digitscope.rules.removal import remove_rules
from digitscope.rules.tracing import runs, trace_rules


def write_digits(page, words, x, y, size=1.4, ink=25, width=4):
    cv2.putText(page, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, width, cv2.LINE_AA)


def blank(shape=(600, 900)):
    return np.full(shape, 235, np.uint8)


def clean(page):
    return remove_rules(lift(page)[0])


def overlap(got, wanted):
    return (got & wanted).sum() / max(1, (got | wanted).sum())


def with_lines(rules, *, slope=0.0, width=2, gray=120):
    """Return a page of numbers with lines through them, and the same numbers on plain paper."""
    plain = blank()
    for y, words in ((130, "3140592"), (260, "867 5309"), (420, "24 7 1 0")):
        write_digits(plain, words, 60, y)
    ruled = plain.copy()
    for y in rules:
        layer = blank()
        cv2.line(layer, (0, y), (899, round(y + 899 * slope)), gray, width, cv2.LINE_AA)
        ruled = np.minimum(ruled, layer)
    return ruled, plain


@pytest.mark.parametrize("slope", [-0.12, 0.0, 0.05, 0.2])
@pytest.mark.parametrize("gray", [60, 170])
def test_the_lines_of_lined_paper_go_and_the_numbers_stay(slope, gray):
    ruled, plain = with_lines(range(40, 560, 60), slope=slope, gray=gray)
    wanted = lift(plain)[0] > 90
    assert overlap(clean(ruled) > 90, wanted) > 0.85
    assert overlap(lift(ruled)[0] > 50, wanted) < 0.75


def test_the_squares_of_graph_paper_go():
    ruled, plain = with_lines(range(20, 600, 45), gray=150)
    for x in range(15, 900, 45):
        ruled[:, x : x + 2] = np.minimum(ruled[:, x : x + 2], 150)
    assert overlap(clean(ruled) > 90, lift(plain)[0] > 90) > 0.85


def test_a_row_of_boxes_goes_and_its_digits_stay():
    page, plain = blank(), blank()
    for k, digit in enumerate("704152"):
        for canvas in (page, plain):
            write_digits(canvas, digit, 70 + 60 * k, 250, size=1.3)
        cv2.rectangle(page, (55 + 60 * k, 205), (115 + 60 * k, 265), 90, 2)
    assert overlap(clean(page) > 90, lift(plain)[0] > 90) > 0.8


@pytest.mark.parametrize(
    "draw",
    [
        lambda page: write_digits(page, "7 - 1 = 4", 80, 250, size=4, width=5),
        lambda page: write_digits(page, "1", 300, 560, size=20, width=9),
        lambda page: write_digits(page, "1417", 20, 420, size=10, width=7),
        lambda page: cv2.rectangle(page, (300, 100), (480, 420), 25, 8),  # a square 0
        lambda page: cv2.polylines(
            page, [np.array([[100, 80], [100, 250], [320, 250]])], False, 25, 6
        ),
        lambda page: None,
    ],
    ids=["minus", "one", "straight digits", "square zero", "corner", "nothing"],
)
def test_what_is_no_rule_is_not_touched(draw):
    page = blank()
    draw(page)
    ink = lift(page)[0]
    assert (remove_rules(ink) == ink).all()


def test_a_page_of_numbers_is_not_touched():
    plain = with_lines([])[1]
    ink = lift(plain)[0]
    assert (remove_rules(ink) == ink).all()


def test_a_large_page_is_cleaned_in_full_size():
    ruled, plain = with_lines(range(40, 560, 60))
    large = [cv2.resize(page, None, fx=3, fy=3) for page in (ruled, plain)]
    out = clean(large[0])
    assert out.shape == large[0].shape
    assert overlap(out > 90, lift(large[1])[0] > 90) > 0.85


@pytest.mark.parametrize("shape", [(1, 1), (1, 10_000), (10_000, 1), (2, 2)])
def test_the_smallest_pages(shape):
    ink = np.zeros(shape, np.uint8)
    assert remove_rules(ink).shape == shape


def test_the_ink_that_was_given_is_not_changed():
    ruled, _ = with_lines(range(40, 560, 60))
    ink = lift(ruled)[0]
    before = ink.copy()
    remove_rules(ink)
    assert (ink == before).all()


@pytest.mark.parametrize("slope", [-0.44, -0.2, 0.0, 0.3, 0.44])
def test_a_steep_rule_is_followed_from_end_to_end(slope):
    ink = np.zeros((700, 800), np.uint8)
    cv2.line(ink, (40, round(350 - 360 * slope)), (760, round(350 + 360 * slope)), 255, 2)
    tracing = trace_rules(ink)
    (places,) = tracing.across.places
    assert tracing.across.lengths()[0] >= 0.95 * 720
    here = np.flatnonzero(~np.isnan(places))
    middle = (here + 0.5) * 4
    assert np.abs(places[here] - (350 + slope * (middle - 400))).max() < 3


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_runs_are_those_of_each_row(share):
    mask = (np.random.default_rng(2).random((9, 13)) < share).astype(np.uint8)
    expected = []
    for row, line in enumerate(mask.tolist()):
        for value, run in groupby(range(13), lambda k, line=line: line[k]):
            columns = list(run)
            if value:
                expected.append((row, columns[0], columns[-1]))
    assert list(zip(*(part.tolist() for part in runs(mask)), strict=True)) == expected
