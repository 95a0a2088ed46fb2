"""Layouts with ruled grids: tables, sudokus, score cards and registers."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.handwriting import Script
from digitscope.synthesis.pages.ink_layers import PEN, PRINT, RULING
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.fields import comb
from digitscope.synthesis.pages.layouts.random_text import LETTERS, digits, number, word
from digitscope.synthesis.pages.typefaces import draw_typeface


def sudoku(page: LayoutContext) -> None:
    """Fill a grid with single digits, printed and handwritten; every third line is thick."""
    h = page.height
    n = 9 if page.chance(0.75) else page.randint(4, 12)
    cell = h * page.uniform(1.15, 2.8)
    x0, y0 = (page.uniform(-0.7, 0.35) * n * cell for _ in range(2))
    at = np.arange(n + 1)
    table = np.stack(np.meshgrid(x0 + cell * at, y0 + cell * at), -1)
    thin, every = page.uniform(0.5, 2.5), 3 if page.chance(0.8) else n
    thick = thin * page.uniform(1.3, 3.0)
    _rule(page, table, [thick if i % every == 0 else thin for i in at])
    if page.chance(0.15):  # every other square shaded
        for i in range(0, n, every):
            for j in range(0, n, every):
                if (i // every + j // every) % 2:
                    a, b = min(i + every, n), min(j + every, n)
                    page.sheet.fill(table[[i, i, a, a], [j, b, b, j]], page.randint(20, 70))
    clue_height = min(h * page.uniform(0.8, 1.5), 0.85 * cell)
    clue = draw_typeface(page.rng, page.sources, clue_height, PRINT)
    share, clues = page.uniform(0.2, 1.0), page.uniform(0, 1)
    cells = [["" for _ in range(n)] for _ in range(n)]
    zeros = 0.01 if n == 9 and every == 3 else 0.1  # a puzzle has no 0; other tables have
    for i in range(n):
        for j in range(n):
            if not page.chance(share):
                continue
            script: Script = clue if page.chance(clues) else page.script
            text = "0" if page.chance(zeros) else str(page.randint(1, 9))
            spread = 0.08 * (cell - 0.8 * script.height) * page.rng.standard_normal(2)
            x, y = table[i, j] + 0.5 * cell + spread
            page.sheet.write_boxed(
                script, text, [(float(x), float(y) + script.height / 2)], page.rng
            )
            cells[i][j] = text
    page.sheet.add_grid(table, cells)
    if page.chance(0.5):
        _surround(page, table)


def _surround(page: LayoutContext, table: NDArray[np.float64]) -> None:
    """Print text around a grid, as in a newspaper."""
    label = draw_typeface(page.rng, page.sources, page.height * page.uniform(0.5, 1.0), PRINT)
    low, high = table.min(axis=(0, 1)), table.max(axis=(0, 1))
    pitch, size = 1.6 * label.height, label.height
    for start, end in ((0.0, low[1] - 0.3 * size), (high[1] + 1.5 * size, float(page.size[0]))):
        for y in np.arange(start + page.uniform(0, 2) * pitch, end, pitch):
            x = page.uniform(-2, 2) * size
            while x < page.size[1] and page.chance(0.8):
                x = page.sheet.write(label, word(page.rng, True), x, y, page.rng) + 0.5 * size
    if high[0] + 4 * size < page.size[1] and page.chance(0.7):
        for y in np.arange(max(low[1], 0.0) + pitch, page.size[0], pitch):
            page.sheet.write(label, word(page.rng, True), float(high[0]) + size, y, page.rng)


def _rule(page: LayoutContext, table: NDArray[np.float64], widths: list[float]) -> None:
    """Draw the ruling lines of a table; in some tables parts of them are missing."""
    layer = RULING if page.chance(0.8) else PRINT
    broken = page.uniform(0.02, 0.1) if page.chance(0.12) else 0.0
    lines = [*((table[i], i) for i in range(table.shape[0])),
             *((table[:, j], j) for j in range(table.shape[1]))]  # fmt: skip
    for points, i in lines:
        width = widths[min(i, len(widths) - 1)]
        if not broken:
            page.sheet.add_ruling(points[[0, -1]] if len(points) < 3 else points, width, layer)
            continue
        for a, b in pairwise(points):
            if page.chance(1 - broken):
                page.sheet.add_ruling(np.stack([a, b]), width, layer)
    page.sheet.add_crossings(table)


def table(page: LayoutContext) -> None:
    """Fill a table: numbers of several digits, words in the first row and column, empty cells."""
    h = page.height
    pitch = h * page.uniform(1.4, 2.6)
    longest = page.randint(1, 5)
    x0, y0 = page.uniform(-4, 1.5) * h, page.uniform(-3, 1.5) * h
    widths = [(0.8 * longest + page.uniform(0.6, 2)) * h for _ in range(12)]
    if page.chance(0.5):
        widths[0] = h * page.uniform(3, 7)
    xs: NDArray[np.floating] = x0 + np.concatenate([[0], np.cumsum(widths)])
    xs = xs[: int(np.searchsorted(xs, page.size[1] * page.uniform(0.6, 1.3))) + 1]
    ys: NDArray[np.floating] = np.arange(y0, page.size[0] * page.uniform(0.7, 1.3), pitch)
    if len(xs) < 3 or len(ys) < 3:
        xs, ys = x0 + np.arange(3) * widths[0], y0 + np.arange(3) * pitch
    grid = np.stack(np.meshgrid(xs, ys), -1)
    line = page.uniform(0.5, 3)
    _rule(page, grid, [line])
    label = draw_typeface(page.rng, page.sources, h * page.uniform(0.4, 0.9), PRINT)
    rows, columns = len(ys) - 1, len(xs) - 1
    cells = [["" for _ in range(columns)] for _ in range(rows)]
    head, first = page.chance(0.5), page.chance(0.5)
    share = page.uniform(0.3, 1.0)
    lettered = page.chance(0.3)  # columns and rows are named a, b, c
    wordy = page.uniform(0, 0.5) if page.chance(0.3) else 0.0  # share of cells with a written word
    for i in range(rows):
        for j in range(columns):
            left, base = float(xs[j]), float(ys[i]) + pitch / 2 + h / 2
            room = float(xs[j + 1]) - left
            if (head and i == 0) or (first and j == 0):
                text = LETTERS[(i + j) % len(LETTERS)] if lettered else word(page.rng, True)
                text = text[: max(1, int(room / (0.7 * label.height)) - 1)]
                page.sheet.write(label, text, left + 0.2 * h, base - 0.2 * h, page.rng)
                continue
            if not page.chance(share):
                continue
            if page.chance(wordy):
                text = word(page.rng, True)[: max(1, int(room / (0.8 * h)))]
                page.sheet.write(page.script, text, left + 0.2 * h, base, page.rng)
                continue
            text = number(page.rng, longest, 0.15)
            text = text[: max(1, int(room / (0.85 * h)))].rstrip(".,-") or digits(page.rng, 1)
            x = left + page.uniform(0.1, 0.4) * max(room - 0.75 * len(text) * h, 0.2 * h)
            page.sheet.write(
                page.script, text, x, base + 0.08 * h * page.rng.standard_normal(), page.rng
            )
            cells[i][j] = text
            if page.chance(0.02):  # struck out, so that any answer is accepted
                _strike(page, len(page.sheet.glyphs) - len(text), x, base)
    page.sheet.add_grid(grid, cells)


def combs_in_table(page: LayoutContext) -> None:
    """Fill a table with a comb field in each cell: one number per cell."""
    h = page.height
    n, kind = page.randint(1, 4), page.randint(0, 4)
    wide, high = h * page.uniform(1.0, 1.8), h * page.uniform(1.3, 2.0)
    room, pitch = n * wide + page.uniform(0.1, 1.0) * wide, high + page.uniform(0.1, 0.8) * h
    named = page.uniform(1.5, 5) * h if page.chance(0.4) else 0.0  # width of the column of names
    edges = named + room * np.arange(page.randint(2, 12))
    xs = page.uniform(-4, 0.5) * h + (np.concatenate([[0.0], edges]) if named else edges)
    ys: NDArray[np.floating] = np.arange(page.uniform(-2, 1) * h, page.size[0] + pitch, pitch)
    ys = ys[: max(3, round(len(ys) * page.uniform(0.5, 1.0)))]
    grid = np.stack(np.meshgrid(xs, ys), -1)
    line = page.uniform(0.6, 3)
    _rule(page, grid, [line * page.uniform(1.0, 2.0)])
    label = draw_typeface(page.rng, page.sources, h * page.uniform(0.4, 0.8), PRINT)
    cells = [["" for _ in range(len(xs) - 1)] for _ in range(len(ys) - 1)]
    for i, top in enumerate(ys[:-1].tolist()):
        if named:
            text = f"{i + 1}. {word(page.rng, True)}" if page.chance(0.5) else word(page.rng, True)
            text = text[: max(1, int(named / (0.7 * label.height)) - 1)]
            page.sheet.write(label, text, float(xs[0]) + 0.3 * h, top + 0.6 * pitch, page.rng)
        for j in range(1 if named else 0, len(xs) - 1):
            left = float(xs[j]) + (room - n * wide) * page.uniform(0.3, 0.7)
            if xs[j] < page.size[1]:
                cells[i][j] = comb(page, left, top + (pitch - high) / 2, n, wide, high, kind, line)
    page.sheet.add_grid(grid, cells)


def _strike(page: LayoutContext, first: int, x: float, base: float) -> None:
    """Strike out the last text."""
    h = page.height
    for glyph in page.sheet.glyphs[first:]:
        glyph.known = False
    end = page.sheet.glyphs[-1].x + page.sheet.glyphs[-1].ink.right * h if page.sheet.glyphs else x
    for _ in range(page.randint(1, 3)):
        y = base - h * page.rng.uniform(0.2, 0.8, 2)
        page.sheet.add_stroke(
            np.array([[x - 0.2 * h, y[0]], [end + 0.2 * h, y[1]]]), page.script.pen * h, PEN
        )
