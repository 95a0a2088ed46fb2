"""From maps to a page: what the maps show comes back as numbers, lines and grids."""

import json
from dataclasses import replace

import numpy as np
import pytest

from digitscope.reading import ReadingParameters, read_page
from digitscope.reading.page import VERSION, Cell, Grid, Sign
from digitscope.synthesis.pages.truth import PageTruth
from ideal_maps import (
    FakeLooker,
    FakeNetwork,
    draw_picture,
    grid_truth,
    warped,
    write_number,
    write_truth,
)

P = ReadingParameters()
LINES = ["4207 65 38", "9 1352", "80046 27"]


def read_truth(truth, change=None):
    return read_page(draw_picture(truth), FakeNetwork(truth, change), P)


def test_lines_numbers_and_digits_come_back_in_order():
    page = read_truth(write_truth(LINES))
    assert page.text.split("\n") == LINES
    assert [number.text for number in page.numbers] == " ".join(LINES).split()
    assert page.grids == ()
    assert page.turn == 0


def test_boxes_are_those_of_the_truth():
    truth = write_truth(LINES)
    boxes = np.array([digit.box for digit in read_truth(truth).digits])
    true = np.array([(b[0], b[1], b[2] - b[0], b[3] - b[1]) for b in (g.box for g in truth.glyphs)])
    assert np.abs(boxes - true).max() <= 1.5


@pytest.mark.parametrize("height", [12, 20, 34, 48])
def test_the_height_of_writing_does_not_matter(height):
    truth = write_truth(LINES, height=height, size=(12 * height, 24 * height))
    assert read_truth(truth).text.split("\n") == LINES


def test_signs_belong_to_numbers():
    lines = ["-12.5 1.250,00", "12/05/2026 10:45", "7 - 3"]
    truth = write_truth(lines)
    network = FakeNetwork(truth)
    page = read_page(draw_picture(truth), network, P)
    assert page.text.split("\n") == ["-12.5 1.250,00", "12/05/2026 10:45", "7 3"]
    assert max(network.scales) < 1.3  # a point is no small writing
    values = [number.value for number in page.numbers]
    assert values == [-12.5, 1250.0, 12, 5, 2026, 10, 45, 7, 3]


def test_a_page_as_json_has_a_version_values_and_signs():
    truth = write_truth(["-12.5 10:45 1.250"])
    page = read_page(draw_picture(truth), FakeNetwork(truth), P)
    fields = json.loads(page.to_json())
    assert fields["version"] == VERSION
    numbers = fields["lines"][0]["numbers"]
    assert [(n["text"], n["value"], n["before"]) for n in numbers] == [
        ("-12.5", -12.5, ""),
        ("10", 10.0, ""),
        ("45", 45.0, ":"),
        ("1.250", None, ""),
    ]
    assert [(s["text"], s["place"]) for s in numbers[0]["signs"]] == [("-", 0), (".", 2)]


def test_the_decimal_mark_can_be_told():
    truth = write_truth(["1.250"])
    values = [
        read_page(draw_picture(truth), FakeNetwork(truth), P, mark).numbers[0].value
        for mark in ("auto", ".", ",")
    ]
    assert values == [None, 1.25, 1250.0]


def test_digits_only_leaves_out_every_sign_in_lines_and_grids():
    truth = write_truth(["-12.5 10:45"])
    page = read_page(draw_picture(truth), FakeNetwork(truth), P).digits_only()
    assert page.text == "125 10 45"
    cell = Cell(page.numbers[:1], (0, 0, 9, 9))
    signed = replace(page.numbers[0], signs=(Sign("-", 1.0, (0, 0, 1, 1), 0),))
    grid = Grid(((replace(cell, numbers=(signed,)), cell),))
    assert grid.rows == [["-125", "125"]]
    assert replace(page, grids=(grid,)).digits_only().grids[0].rows == [["125", "125"]]


def test_a_superscript_is_a_number_of_its_own():
    glyphs = write_number("35", 40, 60, 30, 0, 0)
    glyphs += write_number("2", 84, 46, 16, 1, 2, raised=True)
    glyphs += write_number("8", 130, 60, 30, 2, 3)
    page = read_truth(PageTruth((160, 300), tuple(glyphs)))
    assert page.text == "35^2 8"
    assert [number.raised for number in page.numbers] == [False, True, False]


@pytest.mark.parametrize("degrees", [-15, -6, 9, 15])
def test_a_page_that_lies_askew_reads(degrees):
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[c, -s, 150], [s, c, 200], [0, 0, 1]])
    truth = warped(write_truth(["4207 65 38 7", "9 1352 444", "80046 27 1"]), matrix, (800, 900))
    assert read_truth(truth).text.split("\n") == ["4207 65 38 7", "9 1352 444", "80046 27 1"]


SUDOKU = [
    [str((3 * r + r // 3 + c) % 9 + 1) if (r * c) % 4 != 3 else "" for c in range(9)]
    for r in range(9)
]


def test_a_grid_comes_back_cell_by_cell():
    page = read_truth(grid_truth(SUDOKU))
    assert [grid.rows for grid in page.grids] == [SUDOKU]
    assert page.lines == ()


def test_a_grid_in_perspective_and_askew():
    truth = grid_truth(SUDOKU, left=100, top=100)
    matrix = np.array([[0.9, -0.15, 60], [0.12, 0.8, 10], [2e-4, 3e-4, 1]])
    page = read_truth(warped(truth, matrix, (720, 720)))
    assert [grid.rows for grid in page.grids] == [SUDOKU]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_page_is_turned_back(quarters):
    truth = write_truth(LINES)
    picture = np.rot90(draw_picture(truth), quarters).copy()
    page = read_page(picture, FakeNetwork(truth), P, glyph=FakeLooker(quarters))
    assert page.text.split("\n") == LINES
    assert page.turn == (4 - quarters) * 90
    assert (page.height, page.width) == truth.size
    # Without a glyph network, and where that is in doubt, a page stays as it is.
    for glyph in (None, FakeLooker(quarters, sure=0.26)):
        assert read_page(picture, FakeNetwork(truth), P, glyph=glyph).turn == 0


def test_one_glyph_alone_does_not_tell_the_turn():
    for text, turn in (("7", 0), ("72", 270)):
        truth = PageTruth((120, 160), tuple(write_number(text, 50, 30, 40, 0, 0)))
        picture = np.rot90(draw_picture(truth)).copy()
        network = FakeNetwork(truth, lambda maps: np.minimum(1.8 * maps, 1))
        assert read_page(picture, network, P, glyph=FakeLooker(1, sure=0.98)).turn == turn


def test_a_single_digit_larger_than_the_network_knows():
    truth = PageTruth((900, 700), tuple(write_number("5", 150, 60, 800, 0, 0)))
    network = FakeNetwork(truth)
    page = read_page(draw_picture(truth), network, P)
    assert page.text == "5"
    assert np.abs(np.array(page.digits[0].box) - (150, 60, 440, 800)).max() < 20
    assert min(network.scales) * 800 < 60


def test_small_writing_is_looked_at_enlarged():
    truth = write_truth(LINES, height=13, size=(200, 300))
    network = FakeNetwork(truth)
    assert read_page(draw_picture(truth), network, P).text.split("\n") == LINES
    assert 1.5 < max(network.scales[:5]) < 2.1


@pytest.mark.parametrize(("width", "read"), [(420, "111"), (1500, "777")])
def test_a_small_picture_is_read_from_three_looks_and_a_large_one_from_one(width, read):
    truth = write_truth(["111"], size=(300, width))

    def mistaken(maps):
        if np.log2(network.scales[-1]) % 1 == 0:
            maps[7], maps[1] = 0.7 * maps[1], 0.3 * maps[1]
        return maps

    network = FakeNetwork(truth, mistaken)
    assert read_page(draw_picture(truth), network, P).text == read
    assert (1.26 in network.scales) == (read == "111")


def test_writing_of_usual_size_costs_little_more_than_one_look():
    truth = write_truth(LINES, size=(800, 1200))
    network = FakeNetwork(truth)
    read_page(draw_picture(truth), network, P)
    assert sum(scale**2 for scale in network.scales) < 1.4


def test_sizes_from_14_to_300_pixels_in_one_picture():
    glyphs = write_number("52", 40, 120, 300, 0, 0)
    glyphs += write_number("3047", 700, 240, 60, 1, 2)
    glyphs += write_number("265", 700, 406, 14, 2, 6)
    page = read_truth(PageTruth((700, 1400), tuple(glyphs)))
    assert {number.text for number in page.numbers} == {"52", "3047", "265"}
