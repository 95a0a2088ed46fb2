"""The maps that a perfect page network would give, drawn from the truth of a page."""

import itertools
import math
from dataclasses import replace

import cv2
import numpy as np

from digitscope.image.contrast import normalise_contrast
from digitscope.models.glyph_classes import (
    CLASSES,
    HEAT,
    IGNORED,
    LARGEST,
    LINK,
    MAPS,
    NEXT,
    OFFSET,
    RAISED,
    RULING,
    SIZE,
    SMALLEST,
    STRIDE,
    UNIT,
)
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph, TrueGrid


def write_number(text, left, top, height, number, place, *, raised=False, pitch=0.75):
    """Return the glyphs of a number in a row, linked; `place` is that of the first on the page."""
    glyphs = []
    x = left
    for k, character in enumerate(text):
        width, high, drop = 0.55, 1.0, 0.0
        if character in ".,":
            width, high, drop = 0.12, 0.15 if character == "." else 0.3, 0.9
        elif character == "-":
            width, high, drop = 0.5, 0.08, 0.5
        elif character == "1":
            width = 0.15
        elif character == "/":
            width, high, drop = 0.4, 1.3, -0.1
        elif character == ":":
            width, high, drop = 0.12, 0.6, 0.35
        following = place + k + 1 if k + 1 < len(text) else -1
        box = (x, top + drop * height, x + width * height, top + (drop + high) * height)
        label = character if character in CLASSES else "*"
        glyphs.append(TrueGlyph(label, character, box, height, number, following, raised))
        x += (width + pitch - 0.55) * height
    return glyphs


def write_truth(lines, *, height=28, size=(400, 600), left=30, top=30, leading=2.0):
    """Return the truth of a page of lines, numbers in each spaced by a height."""
    glyphs, number = [], 0
    for row, line in enumerate(lines):
        x = left
        for word in line.split():
            new = write_number(word, x, top + row * leading * height, height, number, len(glyphs))
            glyphs += new
            x = new[-1].box[2] + 1.2 * height
            number += 1
    return PageTruth(size=size, glyphs=tuple(glyphs))


def grid_truth(cells, *, left=40, top=40, pitch=(60, 60), height=26, shape=None):
    """Return the truth of a page with one grid of cells."""
    rows, columns = len(cells), len(cells[0])
    x = left + pitch[0] * np.arange(columns + 1)
    y = top + pitch[1] * np.arange(rows + 1)
    crossings = np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)
    glyphs = []
    for r, row in enumerate(cells):
        for c, text in enumerate(row):
            if text:
                start = (x[c] + 0.2 * pitch[0], y[r] + (pitch[1] - height) / 2)
                glyphs += write_number(text, *start, height, len(glyphs), len(glyphs))
    size = shape or (int(y[-1]) + 40, int(x[-1]) + 40)
    rulings = tuple(crossings[r] for r in range(rows + 1))
    rulings += tuple(crossings[:, c] for c in range(columns + 1))
    return PageTruth(
        size=size,
        glyphs=tuple(glyphs),
        rulings=rulings,
        crossings=crossings.reshape(-1, 2),
        grids=(TrueGrid(crossings, tuple(map(tuple, cells))),),
    )


def warped(truth, matrix, size=None):
    """Return the truth of the page seen through a homography; boxes stay upright."""
    size = size or truth.size

    def move(points):
        points = np.asarray(points, np.float32)
        return cv2.perspectiveTransform(points.reshape(1, -1, 2), matrix).reshape(points.shape)

    glyphs = []
    for glyph in truth.glyphs:
        left, top, right, bottom = glyph.box
        quad = move([(left, top), (right, top), (right, bottom), (left, bottom)])
        # The box of an upright glyph as large as this one was, around its centre.
        centre = quad.mean(axis=0)
        wide = np.linalg.norm(quad[1] - quad[0] + quad[2] - quad[3]) / 2
        high = np.linalg.norm(quad[3] - quad[0] + quad[2] - quad[1]) / 2
        x, y = centre.tolist()
        box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
        grown = glyph.height * high / max(bottom - top, 1e-6)
        glyphs.append(
            TrueGlyph(glyph.label, glyph.text, box, grown, glyph.number, glyph.next, glyph.raised)
        )
    return PageTruth(
        size=size,
        glyphs=tuple(glyphs),
        rulings=tuple(move(line) for line in truth.rulings),
        crossings=move(truth.crossings) if len(truth.crossings) else truth.crossings,
        grids=tuple(TrueGrid(move(g.crossings), g.cells) for g in truth.grids),
    )


def draw_maps(truth, scale=1.0, *, everything=False):
    """Return the maps of a page, float32 of shape (28, height / 4, width / 4).

    Parameters
    ----------
    truth : PageTruth
    scale : float
        Of the picture that the network is given, to the page.
    everything : bool
        Whether glyphs beyond the heights that the network knows are drawn, too.
    """
    size = [max(1, math.ceil(round(n * scale) / STRIDE)) for n in truth.size]
    maps = np.zeros((MAPS, *size), np.float32)
    known = [
        glyph
        for glyph in truth.glyphs
        if everything or SMALLEST / IGNORED < glyph.height * scale < LARGEST * IGNORED
    ]
    for reach, glyph in itertools.product((1, 0), known):
        draw_glyph(maps, glyph, truth, scale, reach)
    for line in truth.rulings:
        points = line * scale / STRIDE
        for start, end in itertools.pairwise(points):
            plane = RULING.start + int(abs(end[1] - start[1]) > abs(end[0] - start[0]))
            ends = [tuple(np.floor(p).astype(int).tolist()) for p in (start, end)]
            cv2.line(maps[plane], ends[0], ends[1], 1.0, 1)
    for x, y in truth.crossings * scale / STRIDE:
        draw_peak(maps[RULING.start + 2], x, y, 0.8, 0.8)
    return maps


def add_noise(maps, rng, spread):
    """Return maps with noise, of a standard deviation, on every probability."""
    maps = maps.copy()
    for part in (HEAT, LINK, RAISED, RULING):
        maps[part] += rng.normal(0, spread, maps[part].shape)
        maps[part] = maps[part].clip(0, 1)
    return maps


def draw_glyph(maps, glyph, truth, scale, reach):
    box = np.array(glyph.box) * scale
    width, height = box[2] - box[0], box[3] - box[1]
    x, y = (box[0] + box[2]) / 2 / STRIDE, (box[1] + box[3]) / 2 / STRIDE
    spread = (max(width / 7 / STRIDE, 0.6), max(height / 7 / STRIDE, 0.6))
    draw_peak(maps[HEAT.start + CLASSES.index(glyph.label)], x, y, *spread)
    row, column = int(y), int(x)
    if not (0 <= row < maps.shape[1] and 0 <= column < maps.shape[2]):
        return
    # What belongs to the centre is known a cell around it, where no other glyph is nearer.
    rows = slice(max(0, row - reach), row + reach + 1)
    columns = slice(max(0, column - reach), column + reach + 1)
    maps[SIZE, rows, columns] = np.log(np.array([width, height]) / UNIT)[:, None, None]
    r, c = np.mgrid[: maps.shape[1], : maps.shape[2]][:, rows, columns]
    maps[OFFSET, rows, columns] = x - c, y - r
    this = next(k for k, other in enumerate(truth.glyphs) if other is glyph)
    maps[LINK.start, rows, columns] = glyph.next >= 0
    maps[LINK.start + 1, rows, columns] = any(g.next == this for g in truth.glyphs)
    maps[RAISED, rows, columns] = glyph.raised
    step = np.zeros(2)
    if glyph.next >= 0:
        other = np.array(truth.glyphs[glyph.next].box) * scale
        step = np.array([other[0] + other[2], other[1] + other[3]]) / 2 - np.array([x, y]) * STRIDE
    maps[NEXT, rows, columns] = (step / UNIT)[:, None, None]


def draw_peak(plane, x, y, across, down):
    """Draw a Gaussian with 1 in the cell that holds x and y."""
    x, y, reach = int(x), int(y), math.ceil(4 * max(across, down))
    rows = np.arange(max(0, y - reach), min(plane.shape[0], y + reach + 1))
    columns = np.arange(max(0, x - reach), min(plane.shape[1], x + reach + 1))
    if len(rows) and len(columns):
        far = ((columns - x) / across) ** 2 + ((rows[:, None] - y) / down) ** 2
        part = plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        np.maximum(part, np.exp(-far / 2), out=part)


def draw_picture(truth, *, paper=235, ink=30):
    """Return a gray picture in which each digit and sign is written in its box."""
    picture = np.full(truth.size, paper, np.uint8)
    for line in truth.rulings:
        cv2.polylines(picture, [line.round().astype(np.int32)], False, 110, 2)
    for glyph in truth.glyphs:
        left, top, right, bottom = (round(v) for v in glyph.box)
        thick = max(1, round(glyph.height / 9))
        if glyph.text in ".,:-":
            cv2.rectangle(picture, (left, top), (right, bottom), ink, -1)
        else:
            (wide, high), _ = cv2.getTextSize(glyph.text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, thick)
            stamp = np.zeros((high + 8, wide + 8), np.uint8)
            cv2.putText(stamp, glyph.text, (4, high + 3), cv2.FONT_HERSHEY_SIMPLEX, 1.0, 255, 3)
            rows, columns = np.flatnonzero(stamp.any(1)), np.flatnonzero(stamp.any(0))
            stamp = stamp[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            size = (max(1, right - left), max(1, bottom - top))
            stamp = cv2.resize(stamp, size, interpolation=cv2.INTER_AREA)
            y0, x0 = max(0, top), max(0, left)
            part = picture[y0:bottom, x0:right]
            stamp = stamp[y0 - top :, x0 - left :][: part.shape[0], : part.shape[1]]
            part[:] = np.where(stamp > 100, ink, part)
    return picture


class FakeNetwork:
    """A perfect network for one page, in any turn and scale.

    Parameters
    ----------
    truth : PageTruth
    change : callable, optional
        Takes the ideal maps and returns those that the network gives.
    everything : bool
        Whether it finds glyphs of any size.
    """

    def __init__(self, truth, change=None, *, everything=False):
        self.truth, self.change, self.everything = truth, change, everything
        self.upright = thumbnail(normalise_contrast(draw_picture(truth)))
        self.scales = []

    def maps(self, picture):
        alike = [(np.rot90(self.upright, k) * thumbnail(picture)).sum() for k in range(4)]
        quarters = int(np.argmax(alike))
        truth = turned(self.truth, quarters)
        scale = picture.shape[0] / truth.size[0]
        self.scales.append(round(scale, 3))
        maps = draw_maps(truth, scale, everything=self.everything)
        if quarters:
            maps[HEAT] *= 0.5  # nothing is sure that does not stand upright
        return self.change(maps) if self.change else maps


class FakeLooker:
    """A glyph network that knows how a page is turned, and has nothing to say of classes."""

    def __init__(self, quarters, sure=0.9):
        self.quarters, self.sure = quarters, sure

    def classify(self, crops, heat):
        return heat

    def turns(self, crops):
        turns = np.full((len(crops), 4), (1 - self.sure) / 3, np.float32)
        turns[:, self.quarters] = self.sure
        return turns


def thumbnail(picture):
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA).astype(float)
    return (small - small.mean()) / max(small.std(), 1e-9)


def turned(truth, quarters):
    """Return what a network sees of a page turned counter-clockwise: few digits stay digits."""
    if not quarters:
        return truth
    height, width = truth.size
    glyphs = []
    for glyph in truth.glyphs:
        left, top, right, bottom = glyph.box
        stays = quarters == 2 and glyph.label in "018"
        wide, high = width, height
        for _ in range(quarters):
            left, top, right, bottom = top, wide - right, bottom, wide - left
            wide, high = high, wide
        glyphs.append(
            replace(
                glyph,
                label=glyph.label if stays else "*",
                box=(left, top, right, bottom),
                next=-1,
            )
        )
    return PageTruth(truth.size[:: -1 if quarters % 2 else 1], tuple(glyphs))
