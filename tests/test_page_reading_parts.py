"""The stages of page reading, each on maps with the faults that a real network's maps have."""

import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitscope.models import classifier
from digitscope.models.glyph_classes import CLASSES, HEAT, LINK, OFFSET, RULING, SIZE
from digitscope.reading import ReadingParameters, read_page
from digitscope.reading.glyphs import concatenate, find_glyphs, merge
from digitscope.reading.grids import cell_of, find_grids, find_lattices
from digitscope.reading.lines import find_lines, find_slope
from digitscope.reading.numbers import find_chains, find_runs
from digitscope.reading.page import Digit, Line, Number, Sign, to_value
from digitscope.reading.scales import Level, compute_level
from digitscope.reading.tiles import cut_tile
from digitscope.rendering.maps_picture import draw_maps as draw_maps_picture
from digitscope.synthesis.pages.truth import PageTruth
from ideal_maps import (
    FakeNetwork,
    add_noise,
    draw_maps,
    draw_peak,
    draw_picture,
    grid_truth,
    warped,
    write_number,
    write_truth,
)

P = ReadingParameters()
SEEDS = st.integers(0, 10_000)
QUICK = settings(deadline=None, max_examples=15)
# Always the same pages: one in a thousand is worn so much that a row of its grid is lost.
FEW = settings(deadline=None, max_examples=4, derandomize=True)
LINES = ["4207 65 38", "9 1352 -7.5", "80046 27"]


def texts(glyphs):
    runs = find_runs(glyphs, P)
    return ["".join(glyphs.labels[i] for i in run.glyphs) for run in runs]


# --- glyphs ----------------------------------------------------------------------------------


@QUICK
@given(SEEDS)
def test_noise_moves_no_glyph(seed):
    truth = write_truth(LINES)
    ideal = draw_maps(truth)
    clean = find_glyphs(ideal, (1.0, 1.0), P)
    noisy = find_glyphs(add_noise(ideal, np.random.default_rng(seed), 0.005), (1.0, 1.0), P)
    assert len(clean) == len(truth.glyphs)
    order = [np.lexsort(g.centre.T.round()) for g in (clean, noisy)]
    assert np.abs(clean.centre[order[0]] - noisy.centre[order[1]]).max() < 0.01
    assert clean[order[0]].labels == noisy[order[1]].labels


@QUICK
@given(SEEDS)
def test_a_second_peak_beside_a_glyph_is_the_same_glyph(seed):
    rng = np.random.default_rng(seed)
    truth = write_truth(["4207 65"], height=40)
    maps = draw_maps(truth)
    for x, y in find_glyphs(maps, (1.0, 1.0), P).centre / 4:
        # Two cells above, with the box that the glyph has.
        column, row = int(x), int(y) - 2
        maps[HEAT.start + rng.integers(10), row, column] = 0.5
        for part in (SIZE, LINK):
            maps[part, row, column] = maps[part, row + 2, column]
        maps[OFFSET, row, column] = (x - column, 0.99)
    assert sorted(texts(find_glyphs(maps, (1.0, 1.0), P))) == ["4207", "65"]


def test_touching_digits_are_two_even_if_their_boxes_overlap():
    glyphs = write_number("88", 40, 40, 30, 0, 0, pitch=0.4)
    one, other = (glyph.box for glyph in glyphs)
    assert other[0] < one[2] - 4
    assert texts(find_glyphs(draw_maps(PageTruth((110, 140), tuple(glyphs))), (1.0, 1.0), P)) == [
        "88"
    ]


def test_ones_written_closely_are_not_one():
    glyphs = write_number("1111", 40, 40, 30, 0, 0, pitch=0.75)
    assert texts(find_glyphs(draw_maps(PageTruth((110, 140), tuple(glyphs))), (1.0, 1.0), P)) == [
        "1111"
    ]


def test_of_several_scales_each_glyph_is_kept_once_and_at_its_best():
    truth = write_truth(LINES, height=26)
    network = FakeNetwork(truth)
    parts = [
        compute_level(draw_picture(truth), network, scale, P).glyphs for scale in (0.5, 1.5, 1.0)
    ]
    merged = merge(parts, P)
    assert len(merged) == len(truth.glyphs)
    digits = merged.is_digit
    assert (merged.scale[digits] == 1.0).all()


def test_parts_of_a_large_digit_are_no_digits_and_a_page_is_none():
    large = find_glyphs(
        draw_maps(PageTruth((400, 400), tuple(write_number("0", 100, 50, 300, 0, 0))), 0.1),
        (0.1, 0.1),
        P,
    )
    inner = PageTruth((400, 400), tuple(write_number("1", 180, 200, 30, 0, 0)))
    part = find_glyphs(0.6 * draw_maps(inner), (1.0, 1.0), P)
    assert merge([part, large], P).labels == ["0"]
    many = write_truth(["123", "456"], left=140, top=120, height=30, size=(400, 400))
    page = find_glyphs(draw_maps(many), (1.0, 1.0), P)
    assert sorted(merge([page, large], P).labels) == list("123456")


# --- numbers ---------------------------------------------------------------------------------


@QUICK
@given(SEEDS)
def test_numbers_stand_vectors_that_miss_by_a_quarter_of_a_digit(seed):
    rng = np.random.default_rng(seed)
    truth = write_truth(LINES)

    glyphs = find_glyphs(draw_maps(truth), (1.0, 1.0), P)
    glyphs.next[:] += rng.uniform(-7, 7, glyphs.next.shape)
    glyphs.link[:] = 0.5 + (glyphs.link - 0.5) * rng.uniform(0.2, 1, glyphs.link.shape)
    assert sorted(texts(glyphs)) == sorted(" ".join(LINES).split())


@QUICK
@given(SEEDS)
def test_each_glyph_is_in_one_chain_whatever_the_links(seed):
    rng = np.random.default_rng(seed)
    glyphs = find_glyphs(draw_maps(write_truth(LINES)), (1.0, 1.0), P)
    glyphs.next[:] = rng.normal(0, 40, glyphs.next.shape)
    glyphs.link[:] = rng.uniform(0, 1, glyphs.link.shape)
    chains = find_chains(glyphs, P)
    assert sorted(itertools.chain(*chains)) == list(range(len(glyphs)))


def test_a_number_is_not_linked_across_a_glyph_that_was_missed():
    glyphs = find_glyphs(draw_maps(write_truth(["4207"])), (1.0, 1.0), P)
    kept = glyphs[np.array([label != "2" for label in glyphs.labels])]
    assert sorted(texts(kept)) == ["07", "4"]


def test_a_superscript_is_cut_off_even_if_it_is_linked():
    glyphs = find_glyphs(draw_maps(write_truth(["352"])), (1.0, 1.0), P)
    glyphs.raised[glyphs.labels.index("2")] = 0.9
    assert sorted(texts(glyphs)) == ["2", "35"]


def test_two_numbers_close_together_are_two():
    left = write_number("12", 40, 40, 30, 0, 0)
    right = write_number("34", left[-1].box[2] + 6, 40, 30, 1, 2)
    maps = draw_maps(PageTruth((110, 200), (*left, *right)))
    assert sorted(texts(find_glyphs(maps, (1.0, 1.0), P))) == ["12", "34"]


def test_a_lower_threshold_holds_for_linked_digits_too():
    glyphs = find_glyphs(draw_maps(write_truth(["407"])), (1.0, 1.0), P)
    glyphs.heat[:] *= 0.12 / glyphs.heat.max(axis=1, keepdims=True)
    assert find_runs(glyphs, P) == []
    (run,) = find_runs(glyphs, replace(P, threshold=0.1))
    assert len(run.glyphs) == 3


def test_letters_cut_a_number_and_signs_alone_are_none():
    glyphs = write_number("12x4", 40, 40, 30, 0, 0)
    maps = draw_maps(PageTruth((110, 200), tuple(glyphs)))
    assert sorted(texts(find_glyphs(maps, (1.0, 1.0), P))) == ["12", "4"]
    for sign in ("-", ".", "-.", "x"):
        maps = draw_maps(PageTruth((110, 200), tuple(write_number(sign, 40, 40, 30, 0, 0))))
        assert texts(find_glyphs(maps, (1.0, 1.0), P)) == []
    maps = draw_maps(PageTruth((110, 200), tuple(write_number("3.-", 40, 40, 30, 0, 0))))
    assert texts(find_glyphs(maps, (1.0, 1.0), P)) == ["3"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("007", 7),
        ("-12.5", -12.5),
        ("12,5", 12.5),
        ("1.250", None),
        ("0.250", 0.25),
        ("1250.125", 1250.125),
        ("1.250,00", 1250),
        ("12,345,678.9", 12345678.9),
        ("1.250.000", 1250000),
        ("12.05.2026", None),
        (".5", 0.5),
        ("1-2", None),
        ("-", None),
        ("", None),
        (".", None),
    ],
)
def test_the_value_of_a_text(text, value):
    assert to_value(text) == value


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=2))
def test_a_value_is_what_was_written_with_its_own_decimal_mark(number):
    english = f"{number:,}"
    assert to_value(english, ".") == float(number)
    german = english.translate(str.maketrans(",.", ".,"))
    assert to_value(german, ",") == float(number)
    assert to_value(german) in (float(number), None)


def test_signs_stand_at_their_places():
    blank = np.zeros((30, 60), np.uint8)
    digits = tuple(
        Digit(k, 0.9, (10 * k, 0, 8, 20), blank, (10 * k, 0, 10 * k + 8, 20)) for k in range(4)
    )
    signs = (Sign("-", 0.5, (-10, 8, 8, 2), 0), Sign(",", 0.8, (18, 18, 2, 4), 2))
    number = Number(digits, signs=signs)
    assert (number.text, number.value) == ("-01,23", -1.23)
    assert number.confidence == pytest.approx(0.9**4 * 0.4)
    assert number.box == (-10, 0, 48, 22)
    assert Line((number, Number(digits[:1], before="/"), Number(digits[1:2], True))).text == (
        "-01,23/0^1"
    )


# --- lines -----------------------------------------------------------------------------------


@QUICK
@given(SEEDS, st.floats(-14, 14))
def test_rows_of_a_table_of_numbers_on_a_skewed_page(seed, degrees):
    rng = np.random.default_rng(seed)
    edges, rows = [], []
    slope = np.tan(np.radians(degrees))
    for row, column in itertools.product(range(6), range(5)):
        x, y = 120 * column + rng.uniform(0, 20), 60 * row + rng.uniform(-3, 3)
        edges.append((x, y + slope * x, x + 45, y + slope * x + rng.uniform(24, 32)))
        rows.append(row)
    boxes = np.array(edges, np.float32)
    found = find_slope(boxes, P)
    lines = find_lines(boxes, [False] * len(boxes), P, found)
    assert [[rows[k] for k in line] for line in lines] == [[row] * 5 for row in range(6)]
    assert all((np.diff(boxes[line, 0]) > 0).all() for line in lines)


def test_large_and_small_writing_side_by_side_are_different_lines():
    boxes = np.array([(0, 0, 80, 100), (100, 60, 140, 80), (100, 20, 140, 40)], np.float32)
    assert find_lines(boxes, [False] * 3, P, 0.0) == [[0], [2], [1]]


def test_numbers_one_above_the_other_are_different_lines_whatever_stands_beside():
    boxes = [(0, 0, 20, 44), (40, 0, 60, 22), (40, 22, 60, 44), (80, 0, 100, 44)]
    lines = find_lines(np.array(boxes, np.float32), [False] * 4, P, 0.0)
    assert not any({1, 2} <= set(line) for line in lines)


# --- grids -----------------------------------------------------------------------------------

SUDOKU = [
    [str((3 * r + r // 3 + c) % 9 + 1) if (r * c) % 4 != 3 else "" for c in range(9)]
    for r in range(9)
]
TILTED = np.array([[0.9, -0.15, 60], [0.12, 0.8, 10], [2e-4, 3e-4, 1]])


def photographed():
    return warped(grid_truth(SUDOKU, left=100, top=100), TILTED, (720, 720))


def rows_of(truth, change=None):
    page = read_page(draw_picture(truth), FakeNetwork(truth, change), P)
    return [grid.rows for grid in page.grids]


def without_crossings(maps, rng, share):
    maps = maps.copy()
    plane = maps[RULING.start + 2]
    for row, column in np.argwhere(plane > 0.99):
        if rng.random() < share:
            plane[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] = 0
    return maps


@FEW
@given(SEEDS)
def test_a_third_of_the_crossings_may_be_missing(seed):
    truth = photographed()
    rng = np.random.default_rng(seed)
    assert rows_of(truth, lambda maps: without_crossings(maps, rng, 0.33)) == [SUDOKU]


@FEW
@given(SEEDS)
def test_faint_broken_lines_and_false_crossings(seed):
    truth = photographed()
    rng = np.random.default_rng(seed)

    def worn(maps):
        maps = maps.copy()
        maps[RULING] = add_noise(np.float32(0.8) * maps, rng, 0.1)[RULING]
        for _ in range(maps[0].size // 90):
            row, column = (rng.integers(n) for n in maps.shape[1:])
            maps[RULING.start : RULING.start + 2, row : row + 3, column : column + 3] = 0
        for _ in range(10):
            x, y = rng.uniform(0, maps.shape[2]), rng.uniform(0, maps.shape[1])
            draw_peak(maps[RULING.start + 2], x, y, 0.8, 0.8)
        return maps

    assert rows_of(truth, worn) == [SUDOKU]


def test_false_crossings_on_ruling_lines_make_no_row():
    truth = grid_truth([["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]])

    def stained(maps):
        for x in (100, 160, 220):
            draw_peak(maps[RULING.start + 2], x / 4, 130 / 4, 0.8, 0.8)
        return maps

    assert rows_of(truth, stained) == [[["1", "2", "3"], ["4", "5", "6"], ["7", "8", "9"]]]


def test_grids_side_by_side_are_two_also_where_thick_lines_nearly_bridge_the_gap():
    left, right = [["1", "2"], ["4", "5"], ["7", "8"]], [["3", "6"], ["9", "0"], ["2", "1"]]
    one, other = grid_truth(left), grid_truth(right)
    gap = 30 + max(line[:, 0].max() for line in one.rulings) - min(other.crossings[:, 0])
    other = warped(other, np.array([[1, 0, gap], [0, 1, 0], [0, 0, 1]], float), one.size)
    size = (one.size[0], one.size[1] + 200)
    truth = PageTruth(
        size, one.glyphs + other.glyphs, (), one.rulings + other.rulings,
        np.concatenate([one.crossings, other.crossings]),
    )  # fmt: skip

    def thick(maps):
        maps = maps.copy()
        for plane in maps[RULING][:2]:
            plane[:] = cv2.dilate(plane, np.ones((5, 5), np.uint8))
        return maps

    assert sorted(rows_of(truth, thick)) == sorted([left, right])


def test_a_stray_line_does_not_join_a_grid_to_the_one_below():
    above, below = [["1", "2", "3"], ["4", "5", "6"]], [["7", "8", "9"], ["0", "2", "1"]]
    one, other = grid_truth(above), grid_truth(below)
    first, last = one.crossings[:, 1].min(), one.crossings[:, 1].max()
    other = warped(other, np.array([[1, 0, 0], [0, 1, last + 60 - first], [0, 0, 1]], float))
    x = float(one.grids[0].crossings[0, 1, 0])
    stray = np.array([[x, last], [x, last + 60]], np.float32)
    truth = PageTruth(
        (2 * one.size[0] + 60, one.size[1]), one.glyphs + other.glyphs, (),
        (*one.rulings, *other.rulings, stray), np.concatenate([one.crossings, other.crossings]),
    )  # fmt: skip
    assert sorted(rows_of(truth)) == sorted([above, below])


def test_levels_that_agree_outvote_one_that_sees_a_larger_grid():
    right, wrong = grid_truth([["1", "2", "3"]] * 3), grid_truth([["1", "2", "3", "4"]] * 4)
    levels = [
        Level((scale, scale), draw_maps(truth, scale), None)
        for scale, truth in ((1, right), (0.75, right), (0.5, wrong))
    ]
    shapes = {len(some): [x.shape for x in find_lattices(some, P)] for some in (levels, levels[1:])}
    assert shapes == {3: [(4, 4, 2)], 2: [(5, 5, 2)]}


def test_the_crossings_lie_where_they_are():
    truth = photographed()
    rng = np.random.default_rng(0)
    ((found, ruled),) = find_grids(without_crossings(draw_maps(truth), rng, 0.2), P)
    sides = [np.linalg.norm(np.diff(found * 4, axis=k), axis=2).sum() for k in (0, 1)]
    total = sum(sides)
    away = np.linalg.norm(found * 4 - truth.grids[0].crossings, axis=2)
    assert away.max() < 6
    assert 0.9 < ruled * 4 / total < 1.1


def test_a_bent_sheet():
    flat = grid_truth(SUDOKU)

    def bend(points):
        x, y = points[..., 0], points[..., 1]
        return np.stack([x, y + 25 * np.sin(np.pi * x / 600)], axis=-1).astype(np.float32)

    lines = [np.linspace(line[0], line[-1], 50) for line in flat.rulings]
    glyphs = []
    for glyph in flat.glyphs:
        left, top, right, bottom = glyph.box
        drop = 25 * np.sin(np.pi * (left + right) / 1200)
        glyphs.append(
            type(glyph)(glyph.label, glyph.text, (left, top + drop, right, bottom + drop), 26)
        )
    truth = PageTruth((680, 620), tuple(glyphs), (), tuple(map(bend, lines)), bend(flat.crossings))
    assert rows_of(truth) == [SUDOKU]


def ruled(x, y, glyphs, *, merged=()):
    """Return a page with a grid of lines at x and y; cells in `merged` lack their right side."""
    points = np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)
    lines, met = list(points), set()
    for c, r in itertools.product(range(len(x)), range(len(y) - 1)):
        if (r, c - 1) not in merged:
            lines.append(points[r : r + 2, c])
            met |= {(r, c), (r + 1, c)}
    crossings = np.array([points[place] for place in sorted(met)])
    return PageTruth((int(y[-1]) + 40, int(x[-1]) + 40), tuple(glyphs), (), tuple(lines), crossings)


def test_cells_of_all_sizes_and_a_merged_header():
    x, y = [40, 110, 220, 270, 340], [40, 80, 112, 144, 200]
    rows = [["2026", "", "", ""], ["12", "345", "", "7"], ["", "8", "90", ""], ["1", "", "", "2"]]
    glyphs = []
    for number, (r, c) in enumerate(itertools.product(range(4), range(4))):
        if rows[r][c]:
            at = (x[c] + 8, (y[r] + y[r + 1] - 20) / 2)
            glyphs += write_number(rows[r][c], *at, 20, number, len(glyphs))
    assert rows_of(ruled(x, y, glyphs, merged={(0, 0), (0, 1), (0, 2)})) == [rows]


def test_two_grids_side_by_side():
    one, other = grid_truth(SUDOKU), grid_truth(SUDOKU, left=620)
    glyphs = [
        type(g)(g.label, g.text, g.box, g.height, g.number, -1) for g in one.glyphs + other.glyphs
    ]
    truth = PageTruth(
        (620, 1220),
        tuple(glyphs),
        (),
        one.rulings + other.rulings,
        np.concatenate([one.crossings, other.crossings]),
    )
    assert rows_of(truth) == [SUDOKU, SUDOKU]


def test_outer_lines_that_only_a_coarse_level_shows():
    truth = grid_truth(SUDOKU)

    def thin_only(maps):
        if maps.shape[1] > truth.size[0] / 5:
            # Nothing is seen of the frame, from 40 to 580 pixels, nor of what meets it.
            inner = np.zeros(maps.shape[1:], bool)
            inner[12:143, 12:143] = True
            maps[RULING] *= inner
        return maps

    assert rows_of(truth, thin_only) == [SUDOKU]


def test_a_row_of_boxes_is_one_number():
    glyphs = write_number("40725", 52, 46, 28, 0, 0, pitch=40 / 28)
    truth = ruled(np.arange(40, 300, 40), [40, 80], glyphs)
    page = read_page(draw_picture(truth), FakeNetwork(truth), P)
    assert (page.text, page.grids) == ("40725", ())


@pytest.mark.parametrize("pitch", [20, 30])
def test_squared_paper_is_no_grid(pitch):
    written = write_truth(LINES)
    paper = ruled(np.arange(20, 600, pitch), np.arange(20, 400, pitch), written.glyphs)
    page = read_page(draw_picture(paper), FakeNetwork(paper), P)
    assert (page.text.split("\n"), page.grids) == (LINES, ())


def test_a_number_over_a_ruling_line_is_split_there():
    cells = [["12", "5", "6"], ["78", "", "8"], ["9", "1", "2"]]
    truth = grid_truth(cells)
    # The two digits of 12 stand in different cells, and the network links them.
    glyphs = list(truth.glyphs)
    left, top, right, bottom = glyphs[1].box
    glyphs[1] = type(glyphs[1])("2", "2", (left + 40, top, right + 40, bottom), 26, 0, -1)
    left, top, right, bottom = glyphs[2].box
    glyphs[2] = type(glyphs[2])("5", "5", (left + 22, top, right + 22, bottom), 26, 1, -1)
    truth = PageTruth(truth.size, tuple(glyphs), (), truth.rulings, truth.crossings)
    links = sum(glyph.next >= 0 for glyph in glyphs)
    assert links == 2  # one of them within a cell, or the grid would be taken for squared paper
    page = read_page(draw_picture(truth), FakeNetwork(truth), P)
    assert page.grids[0].rows == [["1", "2 5", "6"], *cells[1:]]


def test_points_and_their_cells():
    grid = photographed().grids[0].crossings
    middles = (grid[:-1, :-1] + grid[1:, 1:]) / 2
    which, rows, columns = cell_of(middles.reshape(-1, 2), [grid])
    assert (which == 0).all()
    assert (rows == np.repeat(np.arange(9), 9)).all()
    assert (columns == np.tile(np.arange(9), 9)).all()
    assert cell_of(np.array([[1, 1]], np.float32), [grid])[0].tolist() == [-1]


# --- what the classifier sees, and pictures ---------------------------------------------------


@pytest.fixture(scope="module")
def cnn():
    return classifier.load("cnn", threads=1)


def test_tiles_of_both_polarities_and_all_sizes_are_alike():
    truth = write_truth(["358"], height=30, size=(100, 200))
    boxes = np.array([glyph.box for glyph in truth.glyphs], np.float32)

    def cut_tiles(gray, boxes):
        return np.stack([cut_tile(gray, *box) for box in boxes.tolist()])

    dark = cut_tiles(draw_picture(truth), boxes)
    light = cut_tiles(255 - draw_picture(truth), boxes)
    assert np.abs(dark.astype(int) - light).max() <= 3
    large = cv2.resize(draw_picture(truth), None, fx=5, fy=5, interpolation=cv2.INTER_LINEAR)
    assert np.abs(cut_tiles(large, boxes * 5).astype(int) - dark).mean() < 10
    assert not cut_tiles(np.full((50, 50), 200, np.uint8), boxes[:1]).any()


@pytest.mark.parametrize("blur", [2.0, 5.0])
def test_the_loops_of_a_digit_out_of_focus_stay_lighter_than_its_strokes(blur):
    picture = np.full((80, 80), 210, np.uint8)
    for middle in (28, 52):
        cv2.circle(picture, (40, middle), 11, 60, 5)
    tile = cut_tile(cv2.GaussianBlur(picture, (0, 0), blur), 26, 14, 54, 66)
    for loop in (slice(7, 12), slice(16, 21)):
        assert tile[loop, 13:15].min() < 0.85 * tile[12:16, 12:16].max()


def test_digits_have_tiles_of_their_own_boxes():
    truth = write_truth(["735"], height=40, size=(120, 240))
    picture = draw_picture(truth)
    digits = read_page(picture, FakeNetwork(truth), P).digits
    assert len(digits) == 3
    for digit in digits:
        assert digit.image.max() == 255
        left, top, width, height = digit.box
        np.testing.assert_allclose(digit.edges[:2], (left, top), atol=0.51)
        np.testing.assert_allclose(digit.edges[2:], (left + width, top + height), atol=0.51)
        np.testing.assert_array_equal(digit.image, cut_tile(picture, *digit.edges))
        assert digit.image is digit.image  # cut once


def test_the_picture_of_the_maps_shows_each_class_in_its_colour():
    truth = write_truth(["17"], height=40, size=(120, 240))
    drawn = draw_maps_picture(draw_picture(truth), network=FakeNetwork(truth))
    assert drawn.mode == "RGB"
    scale = drawn.width / 240
    colours: list = []
    for glyph in truth.glyphs:
        left, top, right, bottom = glyph.box
        x, y = scale * (left + right) / 2, scale * (top + bottom) / 2
        colours.append(drawn.getpixel((round(x), round(y + 8 * scale))))
    assert colours[0] != colours[1]
    assert all(max(colour) - min(colour) > 20 for colour in colours)


@FEW
@given(SEEDS, st.integers(1, 20), st.integers(1, 20))
def test_maps_of_noise_give_a_page(seed, height, width):
    rng = np.random.default_rng(seed)

    class Noise:
        def maps(self, picture):
            shape = (28, *(-(-side // 4) for side in picture.shape))
            maps = rng.normal(0, 3, shape).astype(np.float32)
            for part in (HEAT, LINK, RULING):
                maps[part] = rng.uniform(0, 1, maps[part].shape)
            return maps

    picture = rng.integers(0, 256, (4 * height, 4 * width), np.uint8)
    page = read_page(picture, Noise(), P)
    page.to_json()
    for digit in page.digits:
        left, top, wide, high = digit.box
        assert 0 <= left < left + wide <= page.width
        assert 0 <= top < top + high <= page.height
    assert len(CLASSES) == HEAT.stop
    assert concatenate([find_glyphs(draw_maps(PageTruth((8, 8), ())), (1.0, 1.0), P)]).labels == []
