"""Ruled grids: tables, sudokus, score cards and registers."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.drawing import PEN, PRINT, RULING
from digitscope.synthesis.pages.hands import Script, draw_typeface
from digitscope.synthesis.pages.layouts.fields import comb
from digitscope.synthesis.pages.layouts.setting import LETTERS, Setting, digits, number, word


def sudoku(s: Setting) -> None:
    """Fill a grid of single digits, printed and written, with thick lines every third."""
    h = s.height
    n = 9 if s.chance(0.75) else s.count(4, 12)
    cell = h * s.between(1.15, 2.8)
    x0, y0 = (s.between(-0.7, 0.35) * n * cell for _ in range(2))
    at = np.arange(n + 1)
    table = np.stack(np.meshgrid(x0 + cell * at, y0 + cell * at), -1)
    thin, every = s.between(0.5, 2.5), 3 if s.chance(0.8) else n
    thick = thin * s.between(1.3, 3.0)
    _rule(s, table, [thick if i % every == 0 else thin for i in at])
    if s.chance(0.15):  # every other square shaded
        for i in range(0, n, every):
            for j in range(0, n, every):
                if (i // every + j // every) % 2:
                    a, b = min(i + every, n), min(j + every, n)
                    s.sheet.wash(table[[i, i, a, a], [j, b, b, j]], s.count(20, 70))
    clue_height = min(h * s.between(0.8, 1.5), 0.85 * cell)
    clue = draw_typeface(s.rng, s.sources, clue_height, PRINT)
    share, clues = s.between(0.2, 1.0), s.between(0, 1)
    cells = [["" for _ in range(n)] for _ in range(n)]
    zeros = 0.01 if n == 9 and every == 3 else 0.1  # a puzzle has no 0; other tables have
    for i in range(n):
        for j in range(n):
            if not s.chance(share):
                continue
            script: Script = clue if s.chance(clues) else s.hand
            text = "0" if s.chance(zeros) else str(s.count(1, 9))
            spread = 0.08 * (cell - 0.8 * script.height) * s.rng.standard_normal(2)
            x, y = table[i, j] + 0.5 * cell + spread
            s.sheet.boxed(script, text, [(float(x), float(y) + script.height / 2)], s.rng)
            cells[i][j] = text
    s.sheet.grid(table, cells)
    if s.chance(0.5):
        _surround(s, table)


def _surround(s: Setting, table: NDArray[np.float64]) -> None:
    """Print text around a grid, as in a newspaper."""
    label = draw_typeface(s.rng, s.sources, s.height * s.between(0.5, 1.0), PRINT)
    low, high = table.min(axis=(0, 1)), table.max(axis=(0, 1))
    pitch, size = 1.6 * label.height, label.height
    for start, end in ((0.0, low[1] - 0.3 * size), (high[1] + 1.5 * size, float(s.size[0]))):
        for y in np.arange(start + s.between(0, 2) * pitch, end, pitch):
            x = s.between(-2, 2) * size
            while x < s.size[1] and s.chance(0.8):
                x = s.sheet.text(label, word(s.rng, True), x, y, s.rng) + 0.5 * size
    if high[0] + 4 * size < s.size[1] and s.chance(0.7):
        for y in np.arange(max(low[1], 0.0) + pitch, s.size[0], pitch):
            s.sheet.text(label, word(s.rng, True), float(high[0]) + size, y, s.rng)


def _rule(s: Setting, table: NDArray[np.float64], widths: list[float]) -> None:
    """Draw the lines of a table; some are broken, and some tables lack lines of one direction."""
    layer = RULING if s.chance(0.8) else PRINT
    broken = s.between(0.02, 0.1) if s.chance(0.12) else 0.0
    lines = [*((table[i], i) for i in range(table.shape[0])),
             *((table[:, j], j) for j in range(table.shape[1]))]  # fmt: skip
    for points, i in lines:
        width = widths[min(i, len(widths) - 1)]
        if not broken:
            s.sheet.rule(points[[0, -1]] if len(points) < 3 else points, width, layer)
            continue
        for a, b in pairwise(points):
            if s.chance(1 - broken):
                s.sheet.rule(np.stack([a, b]), width, layer)
    s.sheet.cross(table)


def table(s: Setting) -> None:
    """Fill a table: numbers of several digits, words in the first row and column, empty cells."""
    h = s.height
    pitch = h * s.between(1.4, 2.6)
    longest = s.count(1, 5)
    x0, y0 = s.between(-4, 1.5) * h, s.between(-3, 1.5) * h
    widths = [(0.8 * longest + s.between(0.6, 2)) * h for _ in range(12)]
    if s.chance(0.5):
        widths[0] = h * s.between(3, 7)
    xs: NDArray[np.floating] = x0 + np.concatenate([[0], np.cumsum(widths)])
    xs = xs[: int(np.searchsorted(xs, s.size[1] * s.between(0.6, 1.3))) + 1]
    ys: NDArray[np.floating] = np.arange(y0, s.size[0] * s.between(0.7, 1.3), pitch)
    if len(xs) < 3 or len(ys) < 3:
        xs, ys = x0 + np.arange(3) * widths[0], y0 + np.arange(3) * pitch
    grid = np.stack(np.meshgrid(xs, ys), -1)
    line = s.between(0.5, 3)
    _rule(s, grid, [line])
    label = draw_typeface(s.rng, s.sources, h * s.between(0.4, 0.9), PRINT)
    rows, columns = len(ys) - 1, len(xs) - 1
    cells = [["" for _ in range(columns)] for _ in range(rows)]
    head, first = s.chance(0.5), s.chance(0.5)
    share = s.between(0.3, 1.0)
    lettered = s.chance(0.3)  # columns and rows are named a, b, c
    wordy = s.between(0, 0.5) if s.chance(0.3) else 0.0  # share of cells with a written word
    for i in range(rows):
        for j in range(columns):
            left, base = float(xs[j]), float(ys[i]) + pitch / 2 + h / 2
            room = float(xs[j + 1]) - left
            if (head and i == 0) or (first and j == 0):
                text = LETTERS[(i + j) % len(LETTERS)] if lettered else word(s.rng, True)
                text = text[: max(1, int(room / (0.7 * label.height)) - 1)]
                s.sheet.text(label, text, left + 0.2 * h, base - 0.2 * h, s.rng)
                continue
            if not s.chance(share):
                continue
            if s.chance(wordy):
                text = word(s.rng, True)[: max(1, int(room / (0.8 * h)))]
                s.sheet.text(s.hand, text, left + 0.2 * h, base, s.rng)
                continue
            text = number(s.rng, longest, 0.15)
            text = text[: max(1, int(room / (0.85 * h)))].rstrip(".,-") or digits(s.rng, 1)
            x = left + s.between(0.1, 0.4) * max(room - 0.75 * len(text) * h, 0.2 * h)
            s.sheet.text(s.hand, text, x, base + 0.08 * h * s.rng.standard_normal(), s.rng)
            cells[i][j] = text
            if s.chance(0.02):  # struck out; both readings are fair
                _strike(s, len(s.sheet.glyphs) - len(text), x, base)
    s.sheet.grid(grid, cells)


def combs_in_table(s: Setting) -> None:
    """Fill a table with a boxed field in each cell, as on forms of counts: one number a cell."""
    h = s.height
    n, kind = s.count(1, 4), s.count(0, 4)
    wide, high = h * s.between(1.0, 1.8), h * s.between(1.3, 2.0)
    room, pitch = n * wide + s.between(0.1, 1.0) * wide, high + s.between(0.1, 0.8) * h
    named = s.between(1.5, 5) * h if s.chance(0.4) else 0.0  # width of the column of names
    edges = named + room * np.arange(s.count(2, 12))
    xs = s.between(-4, 0.5) * h + (np.concatenate([[0.0], edges]) if named else edges)
    ys: NDArray[np.floating] = np.arange(s.between(-2, 1) * h, s.size[0] + pitch, pitch)
    ys = ys[: max(3, round(len(ys) * s.between(0.5, 1.0)))]
    grid = np.stack(np.meshgrid(xs, ys), -1)
    line = s.between(0.6, 3)
    _rule(s, grid, [line * s.between(1.0, 2.0)])
    label = draw_typeface(s.rng, s.sources, h * s.between(0.4, 0.8), PRINT)
    cells = [["" for _ in range(len(xs) - 1)] for _ in range(len(ys) - 1)]
    for i, top in enumerate(ys[:-1].tolist()):
        if named:
            text = f"{i + 1}. {word(s.rng, True)}" if s.chance(0.5) else word(s.rng, True)
            text = text[: max(1, int(named / (0.7 * label.height)) - 1)]
            s.sheet.text(label, text, float(xs[0]) + 0.3 * h, top + 0.6 * pitch, s.rng)
        for j in range(1 if named else 0, len(xs) - 1):
            left = float(xs[j]) + (room - n * wide) * s.between(0.3, 0.7)
            if xs[j] < s.size[1]:
                cells[i][j] = comb(s, left, top + (pitch - high) / 2, n, wide, high, kind, line)
    s.sheet.grid(grid, cells)


def _strike(s: Setting, first: int, x: float, base: float) -> None:
    """Strike out what was written last."""
    h = s.height
    for glyph in s.sheet.glyphs[first:]:
        glyph.known = False
    end = s.sheet.glyphs[-1].x + s.sheet.glyphs[-1].ink.right * h if s.sheet.glyphs else x
    for _ in range(s.count(1, 3)):
        y = base - h * s.rng.uniform(0.2, 0.8, 2)
        s.sheet.stroke(np.array([[x - 0.2 * h, y[0]], [end + 0.2 * h, y[1]]]), s.hand.pen * h, PEN)
