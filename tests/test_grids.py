"""Ruled grids are found in any pose, and each cell gives back what was written in it."""

import time

import cv2
import numpy as np
import pytest

from digitscope.ink import lift
from digitscope.reading.grids import find_grids

CELL = 60


def write_digit(page, digit, x, y, size=1.3):
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(page, str(digit), (round(x), round(y)), font, size, 30, 3, cv2.LINE_AA)


def draw_grid(rows, columns, *, widths=None, thin=2, thick=2, digits=True, margin=80, shift=0):
    """Return a page with a grid, its corners, and what stands in its cells (-1: nothing)."""
    widths = np.full(columns, CELL) if widths is None else np.asarray(widths)
    xs = margin + np.concatenate([[0], widths.cumsum()])
    ys = margin + CELL * np.arange(rows + 1)
    page = np.full((ys[-1] + margin, xs[-1] + margin), 235, np.uint8)
    for k, y in enumerate(ys.tolist()):
        cv2.line(page, (int(xs[0]), y), (int(xs[-1]), y), 60, thick if k % 3 == 0 else thin)
    for k, x in enumerate(xs.tolist()):
        cv2.line(page, (x, int(ys[0])), (x, int(ys[-1])), 60, thick if k % 3 == 0 else thin)
    written = np.full((rows, columns), -1)
    if digits:
        rng = np.random.default_rng(rows * 100 + columns)
        for r in range(rows):
            for c in range(columns):
                if rng.random() < 0.75:
                    written[r, c] = rng.integers(10)
                    middle = (xs[c] + xs[c + 1]) / 2
                    write_digit(page, written[r, c], middle - 13 + shift, ys[r] + 44 + shift)
    corners = np.stack(np.meshgrid(xs, ys), axis=-1).astype(np.float64)
    return page, corners, written


def look(page):
    return find_grids(*lift(page))


def assert_found(page, corners, written=None, tolerance=4.0):
    (grid,) = look(page)
    assert grid.corners.shape == corners.shape
    assert np.linalg.norm(grid.corners - corners, axis=-1).max() <= tolerance
    if written is not None:
        empty = np.array([[cell.empty for cell in row] for row in grid.cells])
        assert (empty == (written < 0)).all()
    return grid


def project(page, corners, quad):
    height, width = page.shape
    frame = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    matrix = cv2.getPerspectiveTransform(frame, np.float32(quad) * np.float32([width, height]))
    warped = cv2.warpPerspective(page, matrix, (width, height), borderValue=235)
    return warped, cv2.perspectiveTransform(corners.reshape(-1, 1, 2), matrix).reshape(
        corners.shape
    )


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (3, 7), (9, 9), (12, 5)])
def test_a_grid_comes_back_with_its_corners_and_its_empty_cells(rows, columns):
    page, corners, written = draw_grid(rows, columns, thick=4 if rows == 9 else 2)
    assert_found(page, corners, written)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_it_may_lie_in_any_of_four_turns(quarters):
    page, corners, written = draw_grid(5, 7)
    size = np.array(page.shape[::-1])
    for _ in range(quarters):
        corners = np.stack([corners[..., 1], size[0] - 1 - corners[..., 0]], axis=-1)
        corners, size = np.rot90(corners), size[::-1]
    assert_found(np.rot90(page, quarters).copy(), corners, np.rot90(written, quarters))


@pytest.mark.parametrize("degrees", [-15, -7, 4, 15])
def test_it_may_be_skewed(degrees):
    page, corners, written = draw_grid(6, 6, margin=150)
    height, width = page.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    turned = cv2.warpAffine(page, matrix, (width, height), borderValue=235)
    assert_found(turned, corners @ matrix[:, :2].T + matrix[:, 2], written)


def test_it_may_be_seen_from_the_side():
    quad = [[0.1, 0.05], [0.93, 0.0], [1.0, 1.0], [0.0, 0.9]]
    page, corners, written = draw_grid(9, 9, thick=4)
    page, corners = project(page, corners, quad)
    assert_found(page, corners, written)


def test_it_may_be_bent():
    page, corners, written = draw_grid(7, 7, margin=100)
    y, x = np.mgrid[: page.shape[0], : page.shape[1]].astype(np.float32)
    bend = 20 * np.sin(2 * np.pi * x / page.shape[1])
    bent = cv2.remap(page, x, y - bend, cv2.INTER_LINEAR, borderValue=235)
    corners[..., 1] += 20 * np.sin(2 * np.pi * corners[..., 0] / page.shape[1])
    assert_found(bent, corners, written)


def test_light_on_dark_and_twice_as_large_is_the_same_grid():
    page, corners, written = draw_grid(4, 6)
    assert_found(255 - page, corners, written)
    large = cv2.resize(page, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    assert_found(large, corners * 3 + 1, written, tolerance=9)


def test_columns_may_differ_in_width():
    page, corners, written = draw_grid(5, 4, widths=[180, 60, 90, 130])
    assert_found(page, corners, written)


def test_a_shadow_and_a_tinted_cell_hide_nothing():
    page, corners, written = draw_grid(5, 5)
    page[80 + CELL : 80 + 2 * CELL, 80 : 80 + CELL] = (
        page[80 + CELL : 80 + 2 * CELL, 80 : 80 + CELL] * 0.8
    ).astype(np.uint8)
    light = np.linspace(1, 0.5, page.shape[1])
    assert_found((page * light).astype(np.uint8), corners, written)


def test_two_grids_are_two():
    left, _, _ = draw_grid(4, 4)
    right, _, _ = draw_grid(6, 3)
    page = np.full((max(len(left), len(right)), left.shape[1] + right.shape[1]), 235, np.uint8)
    page[: len(left), : left.shape[1]] = left
    page[: len(right), left.shape[1] :] = right
    found = look(page)
    assert sorted(grid.shape for grid in found) == [(4, 4), (6, 3)]


def test_a_grid_that_leaves_the_picture_keeps_its_whole_cells():
    page, corners, _ = draw_grid(6, 8)
    cut = page[:, : 80 + 6 * CELL + 25].copy()
    (grid,) = look(cut)
    assert grid.corners.shape == (7, 7, 2)
    assert np.abs(grid.corners - corners[:, :7]).max() < 4


def test_a_digit_that_crosses_its_rules_comes_out_whole():
    page, _, _ = draw_grid(3, 3, digits=False)
    plain = np.full_like(page, 235)
    for canvas in (page, plain):
        write_digit(canvas, 4, 80 + CELL + 8, 80 + 2 * CELL + 8, size=1.8)  # over the lower rule
    (grid,) = look(page)
    cell = grid.cells[1][1]
    assert not cell.empty
    assert sum(not other.empty for row in grid.cells for other in row) == 1
    margin = (np.array(cell.ink.shape) - CELL) // 2
    top, left = 80 + CELL - margin[0], 80 + CELL - margin[1]
    truth = 235 - plain[top : top + cell.ink.shape[0], left : left + cell.ink.shape[1]]
    got, wanted = cell.ink > 100, truth > 100
    assert (got & wanted).sum() / (got | wanted).sum() > 0.75


def text_page(rng):
    page = np.full((700, 900), 235, np.uint8)
    for y in range(60, 690, 45):
        words = "".join(rng.choice(list("0123456789 abcdefghi  "), 34))
        cv2.putText(page, words, (30, y), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 30, 2, cv2.LINE_AA)
    return page


def lined_paper(rng):
    page = text_page(rng)
    for y in range(30, 690, 45):
        cv2.line(page, (0, y), (899, y + 8), 150, 2)
    return page


def one_box(rng):
    page = np.full((400, 400), 235, np.uint8)
    cv2.rectangle(page, (100, 100), (300, 300), 30, 3)
    return page


def noise(rng):
    return rng.integers(0, 256, (900, 1100), np.uint8)


def blobs(rng):
    """Return something smooth, such as a face out of focus."""
    rough = rng.normal(size=(700, 700))
    smooth = cv2.GaussianBlur(rough, (0, 0), 25)
    return cv2.normalize(smooth, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize("make", [text_page, lined_paper, one_box, noise, blobs])
def test_no_grid_where_there_is_none(make):
    page = make(np.random.default_rng(0))
    started = time.process_time()
    assert look(page) == []
    assert time.process_time() - started < 5


@pytest.mark.parametrize("shape", [(1, 1), (1, 10_000), (10_000, 1), (3, 3), (500, 400)])
def test_nothing_on_a_page_of_one_colour(shape):
    assert look(np.full(shape, 200, np.uint8)) == []
