"""A sheet that is filled with writing and ruling lines, and drawn with its exact truth.

Layouts call `Sheet.number`, `Sheet.word`, `Sheet.rule` and so on, with places in pixels of the flat
sheet. `Sheet.draw` maps all points through a camera, draws them, and returns the coverage of each
layer of ink with the truth. Writing is drawn at twice the size and reduced, so that its edges are
smooth at any width of pen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.glyph_classes import CLASSES, OTHER
from digitscope.synthesis.pages.hands import Script
from digitscope.synthesis.pages.inks import Bitmap, Ink, Outline
from digitscope.synthesis.pages.spacing import overlap
from digitscope.synthesis.pages.truth import PageTruth, Points, TrueGlyph, TrueGrid

FINE = 2  # the drawing is so many times as large as the picture
BITS = 4  # of a pixel's fraction in OpenCV's coordinates
INSIDE = 0.8  # share of a glyph's box that must be in the picture for it to be in the truth
COVERED = 0.3  # share of a glyph's box under strokes of drawings from which on it is ignored
TRACE = 0.05  # a glyph with a smaller share inside leaves nothing to be ignored
DOT_GAP = 0.02  # heights of a digit; the smallest gap beside a point or comma
LOOPED = "0689"  # digits that cannot be told once their loops are filled
BROAD, THIN = 0.12, 0.02  # heights of a digit; pens that may fill loops, and one that fills none
JOIN = 0.9  # heights of a digit; the longest stroke that joins two characters
THINNEST = 0.9  # pixels of the picture; a finer pen leaves no line
JOINING = ".,-"  # signs that belong to a number
RULING, PRINT, PEN, PEN_2 = range(4)  # layers of ink, from below
LAYERS = 4
FARTHEST = 30_000  # pixels from the picture's corner; OpenCV takes no farther points

Map: TypeAlias = Callable[[NDArray[np.float32]], Points]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(eq=False)
class _Glyph:
    text: str
    ink: Ink
    x: float  # where the ink's origin is on the sheet, in pixels
    y: float
    height: float  # of a digit, in pixels
    pen: float  # pixels
    layer: int
    nib: tuple[float, float] = (0.0, 0.0)  # pixels
    number: int = -1
    next: int = -1
    raised: bool = False
    known: bool = True  # False: an answer at its place is neither right nor wrong
    silent: bool = False  # drawn, but not in the truth: drawings and scribbles


@dataclass(eq=False)
class Sheet:
    """What a layout fills.

    Attributes
    ----------
    size : tuple of int
        Height and width in pixels. Writing may reach beyond it.
    """

    size: tuple[int, int]
    glyphs: list[_Glyph] = field(default_factory=list)
    lines: list[tuple[Points, float, int, bool]] = field(default_factory=list)
    crossings: list[Points] = field(default_factory=list)
    grids: list[tuple[NDArray[np.float32], tuple[tuple[str, ...], ...]]] = field(
        default_factory=list
    )
    washes: list[tuple[Points, int, int]] = field(default_factory=list)
    numbers: int = 0

    def character(
        self, script: Script, text: str, x: float, y: float, rng: np.random.Generator
    ) -> float:
        """Write one character with its left edge at x on the baseline y; return its right edge."""
        ink = script.ink(text, rng)
        if ink is None:
            return x
        y -= script.rise(rng) * script.height
        self.glyphs.append(_glyph(script, text, ink, x, y))
        return x + ink.right * script.height

    def text(
        self,
        script: Script,
        text: str,
        x: float,
        y: float,
        rng: np.random.Generator,
        *,
        raised: bool = False,
        slope: float = 0.0,
    ) -> float:
        """Write a text from x on along the baseline y and return its right edge.

        Digits with ``.``, ``,`` and ``-`` between or before them are one number. Other characters
        separate numbers; a space leaves a gap as between two words.

        Parameters
        ----------
        script : Script
        text : str
        x, y : float
            In pixels of the sheet.
        rng : numpy.random.Generator
        raised : bool
            Whether it is a superscript.
        slope : float
            Pixels down for each pixel to the right.
        """
        start, number, before = x, -1, -1
        gap, first = 0.0, len(self.glyphs)
        for place, character in enumerate(text):
            if character == " ":
                x += max(0.55, gap + 0.45) * script.height
                number = before = -1
                continue
            if place and text[place - 1] != " ":
                gap = script.space(rng)
                if character in ".," or text[place - 1] in ".,":
                    gap = max(gap, DOT_GAP)  # or the dot would be hidden by the digit
                x += gap * script.height
            count = len(self.glyphs)
            x = self.character(script, character, x, y + slope * (x - start), rng)
            if len(self.glyphs) == count:
                number = before = -1
                continue
            glyph = self.glyphs[-1]
            glyph.raised = raised
            pair = text[max(place - 1, 0) : place + 1]
            if script.tucked and count > first and " " not in pair and "/" not in pair:
                closer = script.tucked * overlap(self.glyphs[-2].ink, glyph.ink)
                closer = max(closer + min(gap, 0), 0) * script.height  # a gap below 0 did a part
                glyph.x -= closer
                x -= closer
            if not _belongs(text, place):
                number = before = -1
                continue
            if number < 0:
                number, self.numbers = self.numbers, self.numbers + 1
            glyph.number = number
            if before >= 0:
                self.glyphs[before].next = count
                if script.joining and rng.random() < script.joining:
                    self._join(self.glyphs[before], glyph)
            before = count
        return x

    def _join(self, one: _Glyph, other: _Glyph) -> None:
        """Draw the pen's way from the end of a character to the start of the next."""
        if isinstance(one.ink, Outline) and isinstance(other.ink, Outline):
            end = one.ink.points[-1] * one.height + (one.x, one.y)
            start = other.ink.points[0] * other.height + (other.x, other.y)
            if np.hypot(*(start - end)) < JOIN * one.height:
                self.stroke(np.stack([end, start]), one.pen, one.layer)

    def boxed(
        self, script: Script, text: str, places: Sequence[tuple[float, float]],
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Write the characters of one number, each centred at its own place: x, and the baseline.

        A space leaves its place empty and ends the number.
        """
        number = before = -1
        for character, (x, y) in zip(text, places, strict=False):
            ink = None if character == " " else script.ink(character, rng)
            if ink is None:
                number = before = -1
                continue
            left = x - ink.right * script.height / 2
            rise = script.rise(rng) * script.height
            self.glyphs.append(_glyph(script, character, ink, left, y - rise))
            if number < 0:
                number, self.numbers = self.numbers, self.numbers + 1
            self.glyphs[-1].number = number
            if before >= 0:
                self.glyphs[before].next = len(self.glyphs) - 1
            before = len(self.glyphs) - 1

    def rule(self, points: NDArray[np.floating], width: float, layer: int = RULING) -> None:
        """Draw a ruling line, box side or frame that the truth knows."""
        self.lines.append((np.asarray(points, np.float32), width, layer, True))

    def cross(self, points: NDArray[np.floating]) -> None:
        """Say where ruling lines cross or meet."""
        self.crossings.append(np.asarray(points, np.float32).reshape(-1, 2))

    def stroke(self, points: NDArray[np.floating], width: float, layer: int) -> None:
        """Draw a line that is background: of a drawing, a signature, a stroke that was struck."""
        self.lines.append((np.asarray(points, np.float32), width, layer, False))

    def wash(self, outline: NDArray[np.floating], level: int, layer: int = RULING) -> None:
        """Fill an area with a tone from 0 to 255."""
        self.washes.append((np.asarray(outline, np.float32), level, layer))

    def grid(
        self, crossings: NDArray[np.floating], cells: Sequence[Sequence[str]] | None = None
    ) -> None:
        """Say that there is a grid; crossings are of shape (rows + 1, columns + 1, 2)."""
        table = np.asarray(crossings, np.float32)
        rows, columns = table.shape[0] - 1, table.shape[1] - 1
        texts = cells or [[""] * columns for _ in range(rows)]
        self.grids.append((table, tuple(tuple(row) for row in texts)))

    def draw(
        self, to_picture: Map, mask: NDArray[np.float32] | None = None
    ) -> tuple[list[NDArray[np.uint8] | None], PageTruth]:
        """Return the coverage of each layer, 0 to 255, and the truth.

        Parameters
        ----------
        to_picture : callable
            From points of the sheet to points of the picture, both of shape (n, 2).
        mask : ndarray of shape (height, width), optional
            1 where the picture shows the sheet; writing elsewhere is left out.
        """
        layers = _Layers(self.size)
        for outline, level, layer in self.washes:
            layers.fill(to_picture(outline), level, layer)
        rulings: list[Points] = []
        mapped = _mapped([line[0] for line in self.lines], to_picture)
        for line, (_, width, layer, known) in zip(mapped, self.lines, strict=True):
            if layers.line(line, width, layer) and known:
                rulings += [line] if mask is None else _seen_parts(line, mask)
        boxes = _draw_glyphs(self.glyphs, to_picture, layers, mask)
        strokes = [
            (line, width)
            for line, (_, width, layer, known) in zip(mapped, self.lines, strict=True)
            if not known and layer > RULING
        ]
        areas = [to_picture(area) for area, _, layer in self.washes if layer > RULING]
        hidden = _covered(boxes, strokes, areas, self.size)
        glyphs, ignored = _truth(self.glyphs, boxes, hidden, self.size)
        crossings = np.zeros((0, 2), np.float32)
        if self.crossings:
            crossings = to_picture(np.concatenate(self.crossings))
            if mask is not None:
                crossings = crossings[_shown(crossings, mask)]
        grids = tuple(
            TrueGrid(to_picture(c.reshape(-1, 2)).reshape(c.shape), cells)
            for c, cells in self.grids
        )
        truth = PageTruth(
            self.size,
            glyphs,
            ignored,
            tuple(rulings),
            crossings,
            grids,
        )
        return layers.reduced(), truth


def _glyph(script: Script, text: str, ink: Ink, x: float, y: float) -> _Glyph:
    """Return a character that a script writes, with its lengths in pixels."""
    height = script.height
    nib = script.nib[0] * height, script.nib[1] * height
    glyph = _Glyph(text, ink, x, y, height, script.pen * height, script.layer, nib)
    if script.pen >= BROAD and text in LOOPED and isinstance(ink, Outline):
        glyph.known = ink.loops(script.pen) >= ink.loops(THIN)
    return glyph


def _belongs(text: str, place: int) -> bool:
    """Tell whether a character is part of a number: a digit, or a sign that joins digits.

    >>> [_belongs("-1.5, 3-4.", i) for i in range(10)]
    [True, True, True, True, False, False, True, False, True, False]
    """
    character = text[place]
    if character.isdigit():
        return True
    if character not in JOINING or not text[place + 1 : place + 2].isdigit():
        return False
    before = text[place - 1] if place else " "
    return not before.isdigit() and before not in ".," if character == "-" else before.isdigit()


def _mapped(parts: Sequence[NDArray[np.float32]], to_picture: Map) -> list[Points]:
    """Return several runs of points in the picture."""
    if not parts:
        return []
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(to_picture(np.concatenate(parts)), ends)


def _shown(points: Points, mask: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell which points lie on the sheet and in the picture."""
    height, width = mask.shape
    x, y = points.astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    shown: NDArray[np.bool_] = inside & (mask[y.clip(0, height - 1), x.clip(0, width - 1)] > 0.5)
    return shown


def _seen_parts(line: Points, mask: NDArray[np.float32]) -> list[Points]:
    """Return the parts of a polyline that lie on the sheet, to about four pixels."""
    lengths = np.hypot(*np.diff(line, axis=0).T)
    along = np.append(0, np.cumsum(lengths))
    steps = np.linspace(0, along[-1], max(2, int(along[-1] / 4)))
    fine = np.stack([np.interp(steps, along, axis) for axis in line.T], 1).astype(np.float32)
    shown = _shown(fine, mask)
    runs = np.split(np.arange(len(fine)), np.flatnonzero(np.diff(shown)) + 1)
    return [fine[run[[0, -1]]] for run in runs if shown[run[0]] and len(run) > 1]


class _Layers:
    """The drawing of each layer, made when it is first drawn on."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.planes: list[NDArray[np.uint8] | None] = [None] * LAYERS

    def plane(self, layer: int) -> NDArray[np.uint8]:
        plane = self.planes[layer]
        if plane is None:
            height, width = self.size
            plane = self.planes[layer] = np.zeros((height * FINE, width * FINE), np.uint8)
        return plane

    def fill(self, outline: Points, level: int, layer: int) -> None:
        fixed = np.round(outline * (FINE << BITS)).astype(np.int32)
        cv2.fillPoly(self.plane(layer), [fixed], level, cv2.LINE_AA, BITS)

    def line(self, points: Points, width: float, layer: int) -> bool:
        """Draw a line; return whether some of it may be in the picture."""
        low, high = points.min(axis=0), points.max(axis=0)
        # Far behind the horizon of an oblique view there are no finite points.
        if not np.isfinite(low + high).all() or np.abs(points).max() > FARTHEST:
            return False
        if high[0] < 0 or high[1] < 0 or low[0] > self.size[1] or low[1] > self.size[0]:
            return False
        wide = max(width, 0.5) * FINE
        thick = max(1, round(wide))
        fixed = np.round((points * FINE - 0.5) * (1 << BITS)).astype(np.int32)
        cv2.polylines(self.plane(layer), [fixed], False, 255, thick, cv2.LINE_AA, BITS)
        return True

    def reduced(self) -> list[NDArray[np.uint8] | None]:
        height, width = self.size
        return [
            None if p is None else cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
            for p in self.planes
        ]


def _draw_glyphs(
    glyphs: list[_Glyph], to_picture: Map, layers: _Layers, mask: NDArray[np.float32] | None
) -> list[Box | None]:
    """Draw all glyphs; return their boxes, None for one of which nothing is drawn."""
    if not glyphs:
        return []
    parts = []
    for g in glyphs:
        local = g.ink.hull if isinstance(g.ink, Bitmap) else g.ink.points
        parts.append(local)
    ends = np.cumsum([len(part) for part in parts])
    places = np.array([(g.height, g.x, g.y) for g in glyphs], np.float32)
    places = np.repeat(places, [len(part) for part in parts], axis=0)
    points = to_picture(np.concatenate(parts) * places[:, :1] + places[:, 1:])
    lows = np.minimum.reduceat(points, [0, *ends[:-1]])
    highs = np.maximum.reduceat(points, [0, *ends[:-1]])
    bitmaps = [g for g in glyphs if isinstance(g.ink, Bitmap)]
    corners = dict(zip(map(id, bitmaps), _corners(bitmaps, to_picture), strict=True))
    boxes: list[Box | None] = []
    start = 0
    height, width = layers.size
    for g, end, low, high in zip(glyphs, ends.tolist(), lows.tolist(), highs.tolist(), strict=True):
        part, start = points[start:end], end
        half = 0.0 if isinstance(g.ink, Bitmap) else max(g.pen, THINNEST) / 2
        wide, deep = half + abs(g.nib[0]) / 2, half + abs(g.nib[1]) / 2
        box = low[0] - wide, low[1] - deep, high[0] + wide, high[1] + deep
        inside = box[2] > 0 and box[3] > 0 and box[0] < width and box[1] < height
        inside = inside and bool(np.abs(part).max() <= FARTHEST)  # not so of a point at infinity
        if not inside or (mask is not None and not _on_sheet(box, mask)):
            boxes.append(None)
            continue
        if isinstance(g.ink, Bitmap):
            _draw_bitmap(g.ink, corners[id(g)], layers.plane(g.layer))
        else:
            plane = layers.plane(g.layer)
            thick = max(1, round(max(g.pen, THINNEST) * FINE))
            fixed = np.round((part * FINE - 0.5) * (1 << BITS)).astype(np.int32)
            starts = g.ink.starts
            strokes = [fixed[a:b] for a, b in pairwise(starts)]
            strokes = [np.repeat(s, 2, axis=0) if len(s) == 1 else s for s in strokes]
            for shift in _nib_shifts(g):
                moved = strokes if shift is None else [s + shift for s in strokes]
                cv2.polylines(plane, moved, False, 255, thick, cv2.LINE_AA, BITS)
        boxes.append(box)
    return boxes


def _nib_shifts(glyph: _Glyph) -> list[NDArray[np.int32] | None]:
    """Return by how much a line is moved each time it is drawn, in OpenCV's coordinates.

    A broad nib is a short line; lines drawn side by side along it, with a pen that is as wide as
    they are apart, cover what it covers.
    """
    edge = np.array(glyph.nib, np.float32)
    length = float(np.hypot(*edge))
    if not length:
        return [None]
    parts = np.linspace(-0.5, 0.5, 2 + int(length / max(glyph.pen, THINNEST)))
    return list(np.round(parts[:, None] * edge * (FINE << BITS)).astype(np.int32))


def _on_sheet(box: Box, mask: NDArray[np.float32]) -> bool:
    """Tell whether a box lies on the sheet, as far as it is in the picture."""
    height, width = mask.shape
    left, right = (min(max(int(x), 0), width - 1) for x in (box[0], box[2]))
    top, bottom = (min(max(int(y), 0), height - 1) for y in (box[1], box[3]))
    corners = mask[[top, top, bottom, bottom], [left, right, left, right]]
    return bool(corners.min() > 0.9)


def _corners(glyphs: list[_Glyph], to_picture: Map) -> Points:
    """Return where three corners of each bitmap are: upper left, upper right, lower left."""
    if not glyphs:
        return np.zeros((0, 3, 2), np.float32)
    inks = [g.ink for g in glyphs if isinstance(g.ink, Bitmap)]
    shapes = np.array([ink.image.shape for ink in inks], np.float32)
    pixel = np.zeros((len(inks), 3, 2), np.float32)
    pixel[:, 1, 0], pixel[:, 2, 1] = shapes[:, 1], shapes[:, 0]
    form = np.array([(i.scale, i.left, i.top, i.aspect, i.shear) for i in inks], np.float32)
    scale, left, top, aspect, shear = (column[:, None] for column in form.T)
    x, y = pixel[..., 0] * scale + left, pixel[..., 1] * scale + top
    local = np.stack([x * aspect - y * shear, y], -1)
    places = np.array([(g.height, g.x, g.y) for g in glyphs], np.float32)[:, None]
    sheet = local * places[..., :1] + places[..., 1:]
    return to_picture(sheet.reshape(-1, 2)).reshape(-1, 3, 2)


def _draw_bitmap(ink: Bitmap, seen: Points, plane: NDArray[np.uint8]) -> None:
    """Draw a bitmap by the affine map of three of its corners."""
    rows, columns = ink.image.shape
    pixel = np.array([[0, 0], [columns, 0], [0, rows]], np.float32)
    seen = seen * FINE
    corner = np.concatenate([seen, (seen[1] + seen[2] - seen[0])[None]])
    left, top = np.floor(corner.min(axis=0)).astype(int).tolist()
    right, bottom = (np.ceil(corner.max(axis=0)).astype(int) + 1).tolist()
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, plane.shape[1]), min(bottom, plane.shape[0])
    if right <= left or bottom <= top:
        return
    # Pixel centres, not corners, are what OpenCV maps.
    target = seen - np.array([left, top], np.float32)
    matrix = cv2.getAffineTransform(pixel - np.float32(0.5), target.astype(np.float32) - 0.5)
    image = ink.image
    shrink = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink < 0.6:  # a plain interpolation would skip pixels
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / max(shrink, 0.05))
    placed = cv2.warpAffine(image, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    view = plane[top:bottom, left:right]
    np.maximum(view, placed, out=view)


def _covered(
    boxes: list[Box | None],
    strokes: list[tuple[Points, float]],
    areas: list[Points],
    size: tuple[int, int],
) -> list[bool]:
    """Tell which boxes lie mostly under strokes and areas of drawings, codes and scribbles."""
    if not strokes and not areas:
        return [False] * len(boxes)
    plane = np.zeros(size, np.uint8)
    for outline in areas:
        if np.isfinite(outline).all() and np.abs(outline).max() <= FARTHEST:
            cv2.fillPoly(plane, [np.round(outline).astype(np.int32)], 1)
    for line, width in strokes:
        if np.isfinite(line).all() and np.abs(line).max() <= FARTHEST:
            cv2.polylines(plane, [np.round(line).astype(np.int32)], False, 1, max(1, round(width)))
    sums = cv2.integral(plane)
    height, width = size
    covered = []
    for box in boxes:
        left, right = (0, 0) if box is None else (min(max(round(x), 0), width) for x in box[::2])
        top, bottom = (0, 0) if box is None else (min(max(round(y), 0), height) for y in box[1::2])
        area = max((right - left) * (bottom - top), 1)
        ink = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        covered.append(bool(ink > COVERED * area))
    return covered


def _truth(
    glyphs: list[_Glyph], boxes: list[Box | None], hidden: list[bool], size: tuple[int, int]
) -> tuple[tuple[TrueGlyph, ...], tuple[Box, ...]]:
    """Return the glyphs that can be seen in the picture, and the boxes to be ignored."""
    height, width = size
    place: dict[int, int] = {}
    kept: list[tuple[int, Box]] = []
    ignored: list[Box] = []
    for i, (g, box, under) in enumerate(zip(glyphs, boxes, hidden, strict=True)):
        if box is None or g.silent:
            continue
        clipped = max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height)
        share = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
        share /= max((box[2] - box[0]) * (box[3] - box[1]), 1e-6)
        if share < TRACE:
            continue
        if share < INSIDE or under or not g.known:
            ignored.append(clipped)
            continue
        place[i] = len(kept)
        kept.append((i, clipped))
    result = []
    for i, box in kept:
        g = glyphs[i]
        label = g.text if g.text in CLASSES and g.text != OTHER else OTHER
        result.append(
            TrueGlyph(label, g.text, box, g.height, g.number, place.get(g.next, -1), g.raised)
        )
    return tuple(result), tuple(ignored)
