"""The rooms of the reading: ink, lines, cuts, and the choice between readings."""

import itertools
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitscope.ink import components, find_ink, lift
from digitscope.reading.chains import NEVER, Chain
from digitscope.reading.judge import Judge, Verdict, to_tile
from digitscope.reading.lines import TextLine, find_lines, find_slant, find_slope
from digitscope.reading.numbers import Company
from digitscope.reading.pieces import Lean, Piece, extent, join, take_apart
from digitscope.reading.splits import find_cuts, part


def bar(left, top, width, height, level=255):
    return Piece(left, top, np.full((height, width), level, np.uint8))


# --- ink -------------------------------------------------------------------------------------


@pytest.mark.parametrize("invert", [False, True])
def test_ink_is_found_on_both_sides_of_a_shadow_in_either_polarity(invert):
    page = np.full((300, 400), 220, np.uint8)
    page[:, 200:] = 90
    strokes = np.zeros(page.shape, bool)
    for left in (60, 140, 260, 340):
        strokes[100:200, left : left + 8] = True
    page[strokes] = page[strokes] * 0.4
    page = cv2.GaussianBlur(page, (0, 0), 1)
    ink = find_ink(255 - page if invert else page)
    core = cv2.erode(strokes.astype(np.uint8), np.ones((3, 3))) > 0
    assert (ink[core] > 200).all()
    far = cv2.dilate(strokes.astype(np.uint8), np.ones((15, 15))) == 0
    far[:, 185:215] = False  # where light and shadow meet
    assert not ink[far].any()


def test_a_faint_stroke_keeps_its_soft_edge_and_reaches_full_ink():
    page = np.full((100, 100), 200, np.uint8)
    page[20:80, 48:54] = 160
    ink = find_ink(cv2.GaussianBlur(page, (0, 0), 1))
    assert ink[50, 50] > 230
    assert len(np.unique(ink[50, 40:62])) >= 4


def test_the_other_side_of_the_sheet_and_the_dirt_of_jpeg_are_no_ink():
    page = np.full((200, 400), 230, np.float32)
    behind = np.zeros_like(page)
    cv2.circle(behind, (300, 100), 40, 1, 8)
    page -= 60 * cv2.GaussianBlur(behind, (0, 0), 3)
    front = np.zeros_like(page)
    cv2.circle(front, (100, 100), 40, 1, 8)
    page -= 180 * cv2.GaussianBlur(front, (0, 0), 0.7)
    ink = find_ink(page.clip(0, 255).astype(np.uint8))
    assert ink[:, :200].any()
    assert not ink[:, 205:].any()


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 255))
@settings(deadline=None, max_examples=20)
def test_paper_of_any_size_and_shade_has_no_ink(height, width, level):
    assert not find_ink(np.full((height, width), level, np.uint8)).any()


# --- pieces ----------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [1.0, 2.0, 3.0])
def test_the_noise_of_the_paper_is_told_whatever_is_written_on_it(noise):
    page = np.full((400, 500), 120.0)
    page[100:300:20, 50:450] = 30
    page += np.random.default_rng(0).normal(0, noise, page.shape)
    _, told = lift(page.round().clip(0, 255).astype(np.uint8))
    # A median of whole gray levels is at most half of one off.
    assert told == pytest.approx(noise * 255 / 120, abs=1.4826 * 255 / 120 / 2)


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
def test_components_are_those_of_opencv_with_the_same_boxes(share):
    mask = np.random.default_rng(1).random((40, 70)) < share
    labels, boxes = components(mask)
    _, expected, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    assert (labels == expected).all()
    left, top, width, height, _ = stats[1:].T
    assert (boxes[1:] == np.stack([left, top, left + width, top + height], axis=1)).all()


def test_a_piece_carries_its_own_ink_alone():
    ink = np.zeros((40, 40), np.uint8)
    ink[5:35, 5:8] = 255  # an L around ...
    ink[32:35, 5:35] = 255
    ink[10:20, 20:24] = 255  # ... a bar inside its box
    pieces = take_apart(ink)
    assert [(p.left, p.top, p.width, p.height) for p in pieces] == [(5, 5, 30, 30), (20, 10, 4, 10)]
    assert not pieces[0].ink[5:15, 15:19].any()
    assert (join(pieces).ink == ink[5:35, 5:35]).all()


def test_the_extent_on_a_slope_is_that_of_the_piece_set_level():
    ink = np.zeros((120, 120), np.uint8)
    ink[40:80, 55:65] = 255
    turn = cv2.getRotationMatrix2D((60, 60), -12, 1.0)
    (piece,) = take_apart(cv2.warpAffine(ink, turn, (120, 120)))
    left, top, right, bottom = extent(piece, Lean(math.tan(math.radians(12))))
    assert right - left == pytest.approx(10, abs=1.5)
    assert bottom - top == pytest.approx(40, abs=1.5)
    assert extent(piece, Lean())[2] - extent(piece, Lean())[0] > 15


# --- lines -----------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [-15, -7.5, 0, 3, 12])
def test_the_slope_of_a_page_is_found(degrees):
    rng = np.random.default_rng(3)
    slope = math.tan(math.radians(degrees))
    boxes = []
    for row in range(4):
        for column in range(12):
            x, y = 50 + 45 * column, 60 + 90 * row + rng.normal(0, 2) + slope * 45 * column
            boxes.append((x, y, x + rng.integers(8, 30), y + 40 + rng.normal(0, 2)))
    assert math.degrees(math.atan(find_slope(np.array(boxes, np.float32)))) == pytest.approx(
        degrees, abs=1.01
    )


@pytest.mark.parametrize(("slope", "slant"), [(0.0, 0.6), (0.0, -0.4), (0.2, 0.5)])
def test_the_slant_of_a_hand_is_found_on_any_slope(slope, slant):
    back = np.linalg.inv(Lean(slope, slant).matrix)
    ink = np.zeros((300, 700), np.uint8)
    for left in range(60, 540, 80):  # narrow boxes, drawn where all is upright
        corners = np.array([(left, 40), (left + 18, 40), (left + 18, 90), (left, 90)])
        cv2.polylines(ink, [(corners @ back.T + (80, 90)).round().astype(np.int32)], True, 255, 4)
    pieces = take_apart(ink)
    boxes = np.array([extent(p, Lean(slope)) for p in pieces], np.float32)
    assert find_slant(pieces, boxes, slope) == pytest.approx(slant, abs=0.11)


def test_a_large_number_and_small_lines_beside_it_keep_apart():
    large = [bar(10 + 150 * k, 20, 100, 300) for k in range(2)]
    small = [bar(340 + 20 * k, 60 + 50 * row, 12, 20) for row in range(4) for k in range(5)]
    lines = find_lines(large + small)
    assert sorted(len(line.pieces) for line in lines) == [2, 5, 5, 5, 5]
    assert all(not line.small for line in lines)


def test_the_hat_of_a_digit_goes_along_with_its_line():
    digits = [bar(10 + 60 * k, 50, 30, 60) for k in range(3)]
    hat = bar(44, 46, 14, 8)
    (line,) = find_lines([*digits, hat])
    assert line.small == (hat,)


# --- cuts ------------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_cutting_loses_and_doubles_no_ink(seed):
    rng = np.random.default_rng(seed)
    ink = np.zeros((60, 110), np.uint8)
    for _ in range(4):
        ends = [tuple(int(v) for v in rng.integers((4, 4), (106, 56))) for _ in range(2)]
        cv2.line(ink, *ends, 255, 5, cv2.LINE_AA)
    piece = Piece(7, 9, ink)
    for cut in find_cuts(piece, 60):
        together = np.zeros_like(ink)
        for half in (part(piece, None, cut, 0), part(piece, cut, None, 0)):
            window = together[half.top - 9 :, half.left - 7 :][: half.height, : half.width]
            assert not (np.minimum(window, half.ink)).any()  # no pixel has two owners
            window += half.ink
        assert (together == ink).all()


def test_two_rings_that_touch_are_cut_where_they_touch():
    ink = np.zeros((60, 100), np.uint8)
    for middle in (25, 69):  # 0s with pointed sides
        corners = [(middle - 20, 30), (middle, 5), (middle + 20, 30), (middle, 55)]
        cv2.polylines(ink, [np.array(corners)], True, 255, 5)
    (piece,) = take_apart(ink)
    places = [cut.columns[20:40] + piece.left for cut in find_cuts(piece, 55)]
    assert any(np.abs(place - 47).max() <= 4 for place in places)


def test_digits_that_overlap_without_touching_are_parted_along_a_lean():
    ink = np.zeros((60, 90), np.uint8)
    cv2.line(ink, (10, 55), (50, 5), 255, 5)
    cv2.line(ink, (35, 55), (75, 5), 255, 5)
    piece = Piece(0, 0, ink)
    assert min(cut.cost for cut in find_cuts(piece, 55)) < 0.05


# --- readings --------------------------------------------------------------------------------


class Oracle(Judge):
    """Whose verdicts are drawn, not asked for."""

    def __init__(self, seed):
        self.rng, self.known = np.random.default_rng(seed), {}

    def ask(self, questions):
        for key, _ in questions:
            if key not in self.known:
                likely, digit = self.rng.random(2)
                self.known[key] = Verdict(np.zeros((28, 28), np.uint8), 0, likely, digit)

    def __getitem__(self, key):
        return self.known[key]


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_the_chosen_reading_is_the_best_of_all(n, seed):
    line = TextLine(tuple(bar(22 * k, 0, 20, 40) for k in range(n)), (), 40.0, Lean())
    chain, judge = Chain(line), Oracle(seed)
    judge.ask(chain.questions())
    readings = chain.read(judge)
    assert [piece for reading in readings for piece in reading.key] == list(line.pieces)

    # Every way to part the pieces into groups, each read as a digit or left aside.
    best = -math.inf
    groups = {span.key: span.price for span in chain._spans}
    for borders in itertools.product([False, True], repeat=n - 1):
        edges = [0, *(k + 1 for k, b in enumerate(borders) if b), n]
        total = 0.0
        for start, stop in itertools.pairwise(edges):
            key = line.pieces[start:stop]
            ways = [-math.inf]
            if key in groups:
                ways.append(math.log(max(judge[key].sure, NEVER)) + groups[key])
            if len(key) == 1:
                alone = math.log(max(1 - judge[key].digit, NEVER))
                ways.append(chain._price_of_stranger(*key) + alone)
            total += max(ways)
        best = max(best, total)
    assert sum(reading.score for reading in readings) == pytest.approx(best)


def test_a_piece_wider_than_any_digit_is_asked_about():
    chain = Chain(TextLine((bar(0, 0, 200, 40),), (), 40.0, Lean()))
    assert len(chain.questions()) == 1


def test_the_company_decides_about_the_doubtful():
    among_digits, among_letters = Company(12, 12), Company(1, 12)
    assert among_digits.welcomes(0.7, 0.9)
    assert not among_letters.welcomes(0.9, 0.9)
    assert Company(0, 0).welcomes(0.95, 0.9)
    assert not Company(0, 0).welcomes(0.85, 0.9)  # alone it stands for itself


def test_a_tile_on_a_slope_is_set_upright():
    ink = np.zeros((120, 120), np.uint8)
    ink[30:90, 56:64] = 255
    upright = to_tile(take_apart(ink)[0])
    turn = cv2.getRotationMatrix2D((60, 60), -12, 1.0)
    (piece,) = take_apart(cv2.warpAffine(ink, turn, (120, 120)))
    assert np.abs(to_tile(piece, Lean(math.tan(math.radians(12)))).astype(int) - upright).mean() < 6
    assert np.abs(to_tile(piece).astype(int) - upright).mean() > 9
