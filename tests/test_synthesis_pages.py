"""Synthesised pages: what the truth says is what the picture shows."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from digitscope.models.glyph_classes import CLASSES, OTHER
from digitscope.synthesis.pages.generator import (
    PageSource,
    PageStyle,
    ignore_invisible,
    make_sources,
)
from digitscope.synthesis.pages.glyph_ink import Bitmap, Outline, scanned
from digitscope.synthesis.pages.handwriting import HandwritingStyle, Script, draw_handwriting
from digitscope.synthesis.pages.ink_layers import PEN, PRINT, RULING
from digitscope.synthesis.pages.layouts import LAYOUTS
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.random_text import digits, number, quantity
from digitscope.synthesis.pages.sheet import USUAL, Sheet
from digitscope.synthesis.pages.sign_strokes import draw_operator
from digitscope.synthesis.pages.typefaces import draw_typeface

SIZE = (224, 224)


@pytest.fixture(scope="module")
def sources():
    return make_sources([], [], [])


@pytest.fixture(scope="module")
def source(sources):
    return PageSource(sources)


def same(points):
    return np.asarray(points, np.float32)


def half_turn(points):
    return (224 - np.asarray(points)).astype(np.float32)


def drawn(sheet, to_picture=same, mask=None):
    """All layers together, 0 to 255, and the truth."""
    layers, truth = sheet.draw(to_picture, mask)
    planes = [plane for plane in layers if plane is not None]
    return np.max([np.zeros(SIZE, np.uint8), *planes], axis=0), truth


def bounds(ink):
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def test_what_pages_are_made_of_is_told_in_numbers(sources):
    text = repr(sources)
    fonts = re.search(rf"fonts={len(sources.fonts)} \(([0-9a-f]{{8}})\)", text)
    assert fonts, text
    moved = tuple(font and f"/elsewhere/{Path(font).name}" for font in sources.fonts)
    assert repr(replace(sources, fonts=moved)) == text  # the same fonts in another folder
    assert fonts[1] not in repr(replace(sources, fonts=sources.fonts[1:]))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_a_page_whose_truth_holds_together(sources, layout):
    pages = PageSource(sources, layouts=(layout,))
    for seed in range(6):
        size = (96, 320) if seed == 5 else SIZE
        picture, truth = pages.patch(np.random.default_rng([1, seed]), size)
        assert picture.shape == truth.size == size
        assert picture.dtype == np.uint8
        for glyph in truth.glyphs:
            left, top, right, bottom = glyph.box
            assert 0 <= left < right <= size[1]
            assert 0 <= top < bottom <= size[0]
            assert glyph.label in CLASSES
            assert glyph.label == OTHER or glyph.label == glyph.text
            if glyph.next >= 0:
                assert truth.glyphs[glyph.next].number == glyph.number >= 0
        targets = [glyph.next for glyph in truth.glyphs if glyph.next >= 0]
        assert len(targets) == len(set(targets))


def test_a_state_of_the_generator_gives_one_page(source):
    first, second = (source.patch(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[1].glyphs == second[1].glyphs
    assert not np.array_equal(first[0], source.patch(np.random.default_rng(6))[0])


@pytest.mark.parametrize("to_picture", [same, half_turn])
@pytest.mark.parametrize("kind", ["hand", "type", "scan"])
def test_a_box_is_the_bounds_of_its_ink(sources, kind, to_picture):
    for seed in range(12):
        rng = np.random.default_rng([2, seed])
        height = rng.uniform(14, 60)
        script: Script
        if kind == "type":
            script = draw_typeface(rng, sources, height, PRINT)
        else:
            script = hand = draw_handwriting(rng, sources, height, PEN)
            hand.pen = min(hand.pen, 0.1)  # a broader one may fill a loop
        if kind == "scan":
            disc = np.zeros((40, 30), np.uint8)
            disc[3:37, 4:26] = 255
            hand.scans, hand.weight = {d: [disc[3:37, 4:26]] for d in "0123456789"}, 0
            hand.nib = 0.2, 0.1  # of the hand's pen, with which no scan is drawn
        sheet = Sheet(SIZE)
        sheet.write_character(script, str(seed % 10), 90, 130, rng)
        ink, truth = drawn(sheet, to_picture)
        (glyph,) = truth.glyphs
        np.testing.assert_allclose(glyph.box, bounds(ink > 60), atol=2.0)


def test_the_outline_of_a_scan_follows_its_slant():
    square = np.full((20, 20), 255, np.uint8)
    ink = scanned(square)
    assert isinstance(ink, Bitmap)
    assert ink.hull[:, 1].min() == pytest.approx(-1, abs=0.06)
    assert ink.hull[:, 1].max() == pytest.approx(0, abs=0.06)


@pytest.mark.parametrize("points", [[[0, -1], [0, 0]], [[0, 0], [1, 0]]])
@pytest.mark.parametrize("edge", [(0.5, 0.0), (0.0, 0.5), (0.0, 0.0)])
def test_a_nib_widens_lines_by_its_edge(sources, points, edge):
    hand = draw_handwriting(np.random.default_rng(0), sources, 40, PEN)
    hand.pen, hand.nib = 0.05, edge
    hand.ink = lambda *_: Outline(np.array(points, np.float32), (0, 2))  # type: ignore[method-assign]
    sheet = Sheet(SIZE)
    sheet.write_character(hand, "1", 80, 120, np.random.default_rng(0))
    ink, truth = drawn(sheet)
    left, top, right, bottom = bounds(ink > 127)
    extent = 40 * (np.ptp(points, axis=0) + 0.05 + edge)  # of the line, the pen and the nib
    assert (right - left, bottom - top) == pytest.approx(tuple(extent), abs=2)
    assert (left, top, right, bottom) == pytest.approx(truth.glyphs[0].box, abs=1.6)


def test_slashes_are_longer_than_digits(sources):
    rng = np.random.default_rng(0)
    hand = draw_handwriting(rng, sources, 30.0, 0)
    hand.size_jitter = 0.0
    heights = [np.ptp(hand.ink("/", rng).points[:, 1]) for _ in range(200)]  # type: ignore[union-attr]
    assert min(heights) > 1.1


def test_digits_and_their_signs_are_one_number(sources):
    rng = np.random.default_rng(3)
    sheet = Sheet((80, 600))
    sheet.write(draw_typeface(rng, sources, 20, PRINT), "-1.5 12/07 a3-4 1.250,00,", 5, 50, rng)
    _, truth = sheet.draw(same)
    assert truth.numbers == ["-1.5", "12", "07", "3", "4", "1.250,00"]
    alone = [glyph.text for glyph in truth.glyphs if glyph.number < 0]
    assert alone == ["/", "a", "-", ","]
    chain, at = [], 0
    while at >= 0:
        chain.append(truth.glyphs[at].text)
        at = truth.glyphs[at].next
    assert "".join(chain) == "-1.5"


def test_boxed_characters_are_linked_until_a_gap(sources):
    rng = np.random.default_rng(4)
    sheet = Sheet(SIZE)
    places = [(20.0 + 40 * i, 100.0) for i in range(5)]
    sheet.write_boxed(draw_typeface(rng, sources, 20, PRINT), "12 34", places, rng)
    _, truth = sheet.draw(same)
    assert truth.numbers == ["12", "34"]
    centres = [(g.box[0] + g.box[2]) / 2 for g in truth.glyphs]
    np.testing.assert_allclose(centres, [20, 60, 140, 180], atol=2)


def test_what_is_cut_by_the_border_is_ignored_or_left_out(sources):
    rng = np.random.default_rng(5)
    script = draw_typeface(rng, sources, 40, PRINT)
    sheet = Sheet(SIZE)
    for x in (100, 208, 216, -22, 400):  # whole, two thirds, a third, less, and nothing of it
        sheet.write_character(script, "8", x, 100, rng)
    _, truth = sheet.draw(same)
    assert len(truth.glyphs) == 1
    assert len(truth.ignored) == 1
    assert truth.ignored[0][0] < 212


def test_nothing_is_written_beside_the_sheet(sources):
    rng = np.random.default_rng(6)
    sheet = Sheet(SIZE)
    script = draw_typeface(rng, sources, 30, PRINT)
    for x in (30, 150):
        sheet.write_character(script, "5", x, 100, rng)
    sheet.add_ruling(np.array([[0, 120], [224, 120]]), 2)
    sheet.add_crossings(np.array([[50, 120], [180, 120]]))
    mask = np.zeros(SIZE, np.float32)
    mask[:, :110] = 1
    ink, truth = drawn(sheet, same, mask)
    assert [glyph.box[0] > 20 for glyph in truth.glyphs] == [True]
    assert not ink[60:118, 120:].any()
    assert max(line[:, 0].max() for line in truth.rulings) <= 112
    assert truth.crossings.tolist() == [[50, 120]]


def test_a_grid_lies_on_its_ruling_lines(sources):
    setting = LayoutContext(np.random.default_rng(7), Sheet(SIZE), sources, 20)
    LAYOUTS["table"][0](setting)
    _, truth = drawn(setting.sheet)
    (grid,) = truth.grids
    assert len(grid.cells) == grid.crossings.shape[0] - 1
    assert all(len(row) == grid.crossings.shape[1] - 1 for row in grid.cells)
    known = {tuple(np.round(point, 2)) for point in truth.crossings}
    assert {tuple(np.round(point, 2)) for point in grid.crossings.reshape(-1, 2)} <= known


def test_boxed_fields_in_a_table_are_one_number_a_cell(sources):
    linked = 0
    for seed in range(8):
        setting = LayoutContext(np.random.default_rng([7, seed]), Sheet((400, 400)), sources, 20)
        LAYOUTS["combs in table"][0](setting)
        _, truth = setting.sheet.draw(same)
        (grid,) = truth.grids
        edges = grid.crossings[0, :, 0], grid.crossings[:, 0, 1]

        def cell(glyph, edges=edges):
            left, top, right, bottom = glyph.box
            middle = (left + right) / 2, (top + bottom) / 2
            return tuple(np.searchsorted(e, at) - 1 for e, at in zip(edges, middle, strict=True))

        for glyph in truth.glyphs:
            if glyph.next >= 0 and glyph.label in "0123456789":
                linked += 1
                assert cell(glyph) == cell(truth.glyphs[glyph.next])
    assert linked > 20


def ring(radius, turns=1.0):
    angle = np.linspace(0, 2 * np.pi * turns, 30)
    points = radius * np.stack([np.cos(angle), np.sin(angle)], 1) + [radius, -0.5]
    return Outline(points.astype(np.float32), (0, 30))


def test_a_broad_pen_fills_loops():
    assert ring(0.3).loops(0.05) == 1
    assert ring(0.3).loops(0.3) == 1
    assert ring(0.3).loops(0.65) == 0
    assert ring(0.3, turns=0.8).loops(0.05) == 0
    both = ring(0.3).points, ring(0.3).points + np.array([0.8, 0], np.float32)
    assert Outline(np.concatenate(both), (0, 30, 60)).loops(0.05) == 2


@pytest.mark.parametrize(("pen", "known"), [(0.05, True), (0.7, False)])
def test_a_0_that_is_a_blot_is_ignored(sources, pen, known):
    rng = np.random.default_rng(3)
    sheet = Sheet(SIZE)
    hand = draw_handwriting(rng, replace(sources, scans=()), 40, PEN)
    hand.pen, hand.nib, hand.ink = pen, (0.0, 0.0), lambda character, rng: ring(0.3)  # type: ignore[method-assign]
    sheet.write_character(hand, "0", 100, 100, rng)
    _, truth = drawn(sheet)
    assert (len(truth.glyphs), len(truth.ignored)) == (int(known), int(not known))


def test_the_longest_1s_reach_above_and_below_the_line(sources):
    style = HandwritingStyle(ones=(1.0, 0.0, 2.0), bend=(1e-6, 2e-6), size=(1e-6, 2e-6))
    tops, feet = [], []
    for seed in range(60):
        rng = np.random.default_rng([12, seed])
        hand = draw_handwriting(rng, replace(sources, scans=()), 1.0, PEN, style)
        ink = hand.ink("1", rng)
        tops.append(ink.points[:, 1].min())  # type: ignore[union-attr]
        feet.append(ink.points[:, 1].max())  # type: ignore[union-attr]
    assert min(tops) < -1.4
    assert max(feet) > 0.2


def test_small_0s_stand_on_the_line_beside_tall_digits(sources):
    style = HandwritingStyle(
        zeros=(1.0, 0.5, 0.5), sizes=0, bend=(1e-6, 2e-6), size=(1e-6, 2e-6), turn=0
    )
    for seed in range(20):
        rng = np.random.default_rng([13, seed])
        hand = draw_handwriting(rng, replace(sources, scans=()), 1.0, PEN, style)
        zero, eight = (hand.ink(text, rng).points[:, 1] for text in "08")  # type: ignore[union-attr]
        assert np.ptp(zero) < 0.7 * np.ptp(eight)
        assert zero.max() > -0.15


def test_some_hands_space_strokes_and_not_boxes(sources):
    widths = {0.0: 0.0, 1.0: 0.0}
    for seed in range(60):
        for kerned in widths:
            rng = np.random.default_rng([14, seed])
            hand = draw_handwriting(rng, sources, 20, PEN)
            hand.kerned, hand.gap, hand.pen, hand.monospaced = kerned, 0.1, 0.03, 0.0
            sheet = Sheet(SIZE)
            sheet.write(hand, "5010", 40, 100, rng)
            _, truth = drawn(sheet)
            boxes = [glyph.box for glyph in truth.glyphs]
            middles = [(box[0] + box[2]) / 2 for box in boxes]
            assert len(boxes) == 4
            assert sorted(middles) == middles
            assert len({glyph.number for glyph in truth.glyphs}) == 1
            widths[kerned] += boxes[-1][2] - boxes[0][0]
    assert widths[1.0] < 0.97 * widths[0.0]


@pytest.mark.parametrize("monospaced", [0.0, 0.5, 1.0])
def test_a_narrow_digit_stands_in_the_middle_of_its_space(sources, monospaced):
    rng = np.random.default_rng(15)
    script = draw_typeface(rng, sources, 20, PRINT)
    script.monospaced, script.aspect = monospaced, 0.5
    sheet = Sheet(SIZE)
    for character in "018,x":
        end = sheet.write_character(script, character, 50, 100, rng)
        glyph = sheet.glyphs[-1]
        missing = max(USUAL - glyph.ink.right, 0) if character.isdigit() else 0
        assert end - 50 == pytest.approx(20 * (glyph.ink.right + monospaced * missing))
        assert (glyph.x - 50) + 20 * glyph.ink.right / 2 == pytest.approx((end - 50) / 2)
        if character == "1":
            assert missing > 0.1


def test_letters_beside_numbers_look_like_no_digit():
    texts = [quantity(np.random.default_rng(k)) for k in range(2000)]
    assert all(any(character.isdigit() for character in text) for text in texts)
    assert len({re.sub(r"[-\d.,]+", "0", text) for text in texts}) > 200
    alone = {run for text in texts for run in re.findall("[A-Za-z]+", text) if len(run) == 1}
    assert alone
    assert not alone & set("lIoOsSzZqgi")


@pytest.mark.parametrize("enlarged", [0, 1])
def test_writing_has_the_heights_that_were_asked_for(sources, enlarged):
    style = PageStyle(height=(30, 31), outside=0, surface=0, enlarged=enlarged)
    pages = PageSource(sources, style, ("sudoku",))
    glyphs = [g for i in range(12) for g in pages.patch(np.random.default_rng([8, i]))[1].glyphs]
    digits = [glyph.height for glyph in glyphs if glyph.label in "0123456789"]
    assert len(digits) > 10
    assert all(23 < height < 47 for height in digits)  # clues may be half as large again


def test_a_glyph_without_ink_in_the_picture_is_ignored(sources):
    rng = np.random.default_rng(10)
    sheet = Sheet(SIZE)
    sheet.write(draw_typeface(rng, sources, 30, PRINT), "4071", 30, 100, rng)
    ink, truth = drawn(sheet)
    picture = 255 - ink
    assert ignore_invisible(truth, picture, ink) is truth
    left, _, right, _ = (int(edge) for edge in truth.glyphs[1].box)
    picture[:, left - 2 : right + 2] = 255
    kept = ignore_invisible(truth, picture, ink)
    assert [glyph.text for glyph in kept.glyphs] == ["4", "7", "1"]
    assert [glyph.next for glyph in kept.glyphs] == [-1, 2, -1]
    assert kept.ignored == (truth.glyphs[1].box,)


@pytest.mark.parametrize(("contrast", "kept"), [(12, 3), (0.5, 0)])
def test_a_glyph_in_uneven_light_is_kept_as_long_as_its_contrast_is_seen(sources, contrast, kept):
    rng = np.random.default_rng(16)
    sheet = Sheet(SIZE)
    sheet.write(draw_typeface(rng, sources, 30, PRINT), "407", 30, 100, rng)
    ink, truth = drawn(sheet)
    light = np.linspace(40, 250, SIZE[0])[:, None] + rng.standard_normal(SIZE)
    picture = (light - contrast * (ink > 128)).clip(0, 255).astype(np.uint8)
    assert len(ignore_invisible(truth, picture, ink).glyphs) == kept


@pytest.mark.parametrize(("layer", "ignored"), [(PRINT, 1), (RULING, 0)])
def test_a_glyph_under_a_drawn_area_is_ignored_and_one_on_shading_is_not(sources, layer, ignored):
    rng = np.random.default_rng(10)
    sheet = Sheet(SIZE)
    sheet.write(draw_typeface(rng, sources, 30, PEN), "4071", 30, 100, rng)
    left, top, right, bottom = drawn(sheet)[1].glyphs[1].box
    sheet.fill(np.array([[left, top], [right, top], [right, bottom], [left, bottom]]), 200, layer)
    truth = drawn(sheet)[1]
    assert len(truth.ignored) == ignored
    assert len(truth.glyphs) == 4 - ignored


def test_a_glyph_at_infinity_is_left_out(sources):
    rng = np.random.default_rng(10)
    sheet = Sheet(SIZE)
    hand = draw_handwriting(rng, sources, 30, PEN)
    for x in (30, 100):
        sheet.write_character(hand, "4", x, 100, rng)

    def far(points):
        """Send what is right of the middle of the second glyph to infinity."""
        points = np.array(points, np.float32)
        points[points[:, 0] > 106] = np.inf
        return points

    assert len(drawn(sheet)[1].glyphs) == 2
    assert [glyph.box[0] < 60 for glyph in drawn(sheet, far)[1].glyphs] == [True]


def test_drawings_hold_no_glyphs_but_numbers(sources):
    """Shapes, codes, scribbles and words along the margin are drawn, and not in the truth."""
    pages = PageSource(sources, layouts=("drawing",))
    pictures = [pages.patch(np.random.default_rng([5, seed])) for seed in range(30)]
    empty = [gray for gray, truth in pictures if not truth.glyphs]
    assert 8 < len(empty) < 30
    assert np.mean([gray.std() > 5 for gray in empty]) > 0.5
    labels = {glyph.label for _, truth in pictures for glyph in truth.glyphs}
    assert OTHER not in labels


def test_zeros_and_ones_are_more_frequent_than_other_digits():
    rng = np.random.default_rng(9)
    text = "".join(number(rng) for _ in range(4000))
    counts = np.array([text.count(digit) for digit in "0123456789"])
    usual = counts[2:].mean()
    assert counts[2:].min() > 0.9 * usual
    assert 1.3 * usual < counts[1] < 2 * usual
    assert 1.5 * usual < counts[0] < 2.5 * usual


def test_some_numbers_are_round():
    rng = np.random.default_rng(10)
    drawn = [digits(rng, 4) for _ in range(4000)]
    assert {len(text) for text in drawn} == {4}
    zeros = np.array([len(text) - len(text.rstrip("0")) for text in drawn])
    shares = np.bincount(zeros, minlength=5) / len(drawn)
    # A share of 0.18 has one, two or three zeros equally often; other numbers end with 0 by chance.
    assert (np.abs(shares[2:4] - 0.06) < 0.02).all()
    assert 0.1 < shares[1] < 0.2
    assert {len(text) for text in (digits(rng, 1) for _ in range(50))} == {1}


@pytest.mark.parametrize(
    ("operator", "strokes"), [("+", {1, 2}), ("=", {2}), ("×", {2}), ("÷", {3})]
)
def test_operators_stand_between_the_baseline_and_the_top_of_a_digit(operator, strokes):
    drawn = [draw_operator(operator, np.random.default_rng(k)) for k in range(60)]
    assert {len(starts) - 1 for _, starts in drawn} == strokes
    for points, starts in drawn:
        assert starts[0] == 0
        assert starts[-1] == len(points)
        assert -1.1 < points[:, 1].min() < points[:, 1].max() < 0.3
        assert 0.15 < np.ptp(points[:, 0]) < 1


def test_the_strokes_of_a_plus_cross():
    crossing = 0
    for k in range(60):
        points, starts = draw_operator("+", np.random.default_rng(k))
        if len(starts) == 3:
            crossing += 1
            one, other = (points[a:b] for a, b in pairwise(starts))
            wide, high = (one, other) if np.ptp(one[:, 0]) > np.ptp(other[:, 0]) else (other, one)
            assert wide[:, 0].min() < high[:, 0].mean() < wide[:, 0].max()
            assert high[:, 1].min() < wide[:, 1].mean() < high[:, 1].max()
    assert crossing > 40
