"""Layout of drawings: lines, shapes, charts, codes and scribbles, which are not digits."""

from itertools import pairwise

import numpy as np

from digitscope.synthesis.pages.glyph_ink import Outline
from digitscope.synthesis.pages.handwriting import draw_handwriting
from digitscope.synthesis.pages.ink_layers import PEN, PEN_2, PRINT
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.fields import block_code, box
from digitscope.synthesis.pages.layouts.random_text import number, word
from digitscope.synthesis.pages.layouts.rows import circle


def scrawl(page: LayoutContext, x: float, y: float) -> None:
    """Draw a part of a signature or of joined letters, as strokes without glyphs."""
    h, n = page.height * page.uniform(0.6, 1.6), page.randint(6, 30)
    steps = np.cumsum(page.rng.uniform(0.05, 0.3, n)) * h
    heights = h * (page.rng.uniform(-0.6, 0.3, n))
    angle = np.linspace(0, page.uniform(6, 25), 6 * n)
    xs = np.interp(np.linspace(0, n - 1, 6 * n), np.arange(n), steps) + 0.25 * h * np.cos(angle)
    ys = np.interp(np.linspace(0, n - 1, 6 * n), np.arange(n), heights) + 0.3 * h * np.sin(angle)
    page.sheet.add_stroke(np.stack([x + xs, y + ys], 1), page.script.pen * page.height, PEN_2)


def drawing(page: LayoutContext) -> None:
    """Draw lines, shapes, curves and scribbles, with a few numbers or none."""
    height, width = page.size
    shapes = page.uniform(0, 0.9) if page.chance(0.5) else 0.0
    for _ in range(page.randint(1, 12)):
        pen, layer = page.uniform(0.8, 5), PEN if page.chance(0.5) else PRINT
        x, y = page.uniform(0, width), page.uniform(0, height)
        if page.chance(shapes):
            shape(page, x, y, pen, layer)
            continue
        kind = page.randint(0, 10)
        if kind == 0:  # a long line; short upright ones would be 1s
            end = np.array([x, y]) + page.rng.standard_normal(2) * 0.7 * width
            if np.hypot(*(end - [x, y])) > 4 * page.height:
                page.sheet.add_stroke(np.array([[x, y], end]), pen, layer)
        elif kind == 1:
            side = page.uniform(3, 8) * page.height
            box(page, x, y, x + side * page.uniform(0.6, 2), y + side, pen)
        elif kind == 2:
            radius = page.uniform(3, 8) * page.height
            circle(page, x, y, radius, radius * page.uniform(0.7, 1.3))
        elif kind == 3:
            scrawl(page, x, y)
        elif kind == 5:
            block_code(page, x, y)
        elif kind == 6:
            sideways(page, x, y)
        elif kind == 8:
            markers(page, x, y, pen, layer)
        elif kind == 9:
            bars(page, x, y)
        elif kind == 10:
            zigzag(page, x, y, pen, layer)
        elif kind == 4:  # hatching
            step, long = page.uniform(2, 8), page.uniform(30, 120)
            lean = page.rng.standard_normal(2)
            for i in range(page.randint(8, 30)):
                start = np.array([x + i * step, y])
                page.sheet.add_stroke(np.stack([start, start + lean * long]), pen, layer)
        else:  # a curve of a chart
            xs = np.linspace(x, x + width * page.uniform(0.3, 1), 60)
            ys = y + height * 0.2 * np.cumsum(page.rng.standard_normal(60)) / 8
            page.sheet.add_stroke(np.stack([xs, ys], 1), pen, layer)
    if page.chance(0.4):
        for _ in range(page.randint(1, 4)):
            page.sheet.write(page.script, number(page.rng, 4), page.uniform(0, 0.8) * width,
                         page.uniform(0.2, 1) * height, page.rng)  # fmt: skip


def markers(page: LayoutContext, x: float, y: float, pen: float, layer: int) -> None:
    """Draw a cloud of equal small triangles, squares or discs: the points of a chart."""
    radius = page.height * float(np.exp(page.uniform(-1.8, -0.4)))
    corners = (3, 4, 40)[page.randint(0, 2)]
    filled = corners == 40 or page.chance(0.7)  # an outlined disc would be a 0
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 4 * page.randint(0, 7)
    form = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    cloud = page.uniform(2, 12) * radius * page.rng.standard_normal((page.randint(3, 40), 2))
    tone = page.randint(80, 255)
    for centre in cloud + np.array([x, y]):
        if filled:
            page.sheet.fill(form + centre, tone, layer)
        else:
            page.sheet.add_stroke(
                np.concatenate([form, form[:1]]) + centre, min(pen, radius / 3), layer
            )


def bars(page: LayoutContext, x: float, y: float) -> None:
    """Draw a bar chart: upright bars of different heights on a line."""
    n, long = page.randint(3, 9), page.uniform(3, 9) * page.height
    step = page.height * float(np.exp(page.uniform(-0.5, 1.2)))
    wide = step * page.uniform(0.4, 0.95)
    for k, high in enumerate(page.rng.uniform(0.15, 1, n) * long):
        left = x + k * step
        corners = [[left, y], [left + wide, y], [left + wide, y - high], [left, y - high]]
        page.sheet.fill(np.array(corners), page.randint(60, 255), PRINT)
    if page.chance(0.7):
        end = x + n * step
        page.sheet.add_ruling(
            np.array([[x - 0.3 * step, y], [end, y]]), page.uniform(0.6, 2), PRINT
        )


def zigzag(page: LayoutContext, x: float, y: float, pen: float, layer: int) -> None:
    """Draw a zigzag line: shading, or a scribble over a mistake."""
    n = page.randint(10, 50)
    step = page.height * page.uniform(0.06, 0.35)
    high = page.height * page.uniform(0.8, 4)
    along = step * np.arange(n) + 0.3 * step * page.rng.standard_normal(n)
    across = high * (np.arange(n) % 2 + 0.12 * page.rng.standard_normal(n))
    turn = page.uniform(-0.6, 0.6)
    xs = along * np.cos(turn) + across * np.sin(turn)
    ys = across * np.cos(turn) - along * np.sin(turn)
    page.sheet.add_stroke(np.stack([x + xs, y - ys], 1), pen, layer)


def shape(page: LayoutContext, x: float, y: float, pen: float, layer: int) -> None:
    """Fill or outline a disc, a polygon or a star, as in charts, maps and logos."""
    corners = 40 if page.chance(0.3) else page.randint(3, 9)
    star = corners < 40 and page.chance(0.3)
    n = 2 * corners if star else corners
    radius = np.full(n, page.height * float(np.exp(page.uniform(-1, 1.6))))
    if star:
        radius[::2] *= page.uniform(0.3, 0.7)
    if corners < 40 and page.chance(0.4):
        radius *= np.exp(0.3 * page.rng.standard_normal(n))
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False) + page.uniform(0, 6)
    wide = page.uniform(0.6, 1.5)
    points = np.stack([x + wide * radius * np.cos(angle), y + radius * np.sin(angle)], 1)
    if corners == 40 or page.chance(0.6):  # an outlined disc would be a 0
        page.sheet.fill(points, page.randint(60, 255), layer)
    else:
        page.sheet.add_stroke(np.concatenate([points, points[:1]]), pen, layer)


def sideways(page: LayoutContext, x: float, y: float) -> None:
    """Write a word up or down along a margin, as strokes without glyphs."""
    hand = draw_handwriting(page.rng, page.sources, page.height * page.uniform(0.4, 1.0), PEN)
    turn = 1 if page.chance(0.5) else -1
    for character in word(page.rng, True):
        ink = hand.ink(character, page.rng)
        if not isinstance(ink, Outline):
            continue
        size = hand.height
        points = ink.points * size
        along = turn * points[:, 0]
        placed = np.stack([x - turn * points[:, 1], y + along], 1)
        for first, end in pairwise(ink.starts):
            if end - first > 1:
                page.sheet.add_stroke(placed[first:end], hand.pen * size, PEN)
        y += turn * (float(points[:, 0].max()) + hand.gap * size)
