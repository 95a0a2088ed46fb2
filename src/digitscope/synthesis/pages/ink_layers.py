"""Layers of ink: drawing of the glyphs and lines of a sheet, and the ground truth of the glyphs.

Everything is drawn at twice the size and reduced, so that edges are smooth at any width of the pen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import CLASSES, OTHER
from digitscope.synthesis.pages.glyph_ink import Bitmap, Ink
from digitscope.synthesis.pages.truth import Points, TrueGlyph

FINE = 2  # size of the drawing, as a multiple of the size of the picture
BITS = 4  # fractional bits of the fixed-point coordinates that OpenCV draws with
INSIDE = 0.8  # least share of a glyph's box in the picture for the glyph to be in the ground truth
COVERED = 0.3  # share of a glyph's box covered by drawings, above which the glyph is ignored
TRACE = (
    0.5  # share of a glyph's box in the picture, below which it cannot be read and counts as none
)
THINNEST = 0.9  # pixels of the picture; thinner pens are drawn with this width
RULING, PRINT, PEN, PEN_2 = range(4)  # layers of ink, the lowest first
LAYERS = 4
FARTHEST = 30_000  # largest coordinate in pixels that OpenCV draws correctly

Map: TypeAlias = Callable[[NDArray[np.float32]], Points]
Box: TypeAlias = tuple[float, float, float, float]


@dataclass(eq=False)
class PlacedGlyph:
    """A character at its position on the sheet."""

    text: str
    ink: Ink
    x: float  # position of the ink's origin on the sheet, in pixels
    y: float
    height: float  # of a digit, in pixels
    pen: float  # pixels
    layer: int
    nib: tuple[float, float] = (0.0, 0.0)  # pixels
    number: int = -1
    next: int = -1
    raised: bool = False
    known: bool = True  # False: an answer at its position is neither right nor wrong


def mapped(parts: Sequence[NDArray[np.float32]], to_picture: Map) -> list[Points]:
    """Map several arrays of points to the picture."""
    if not parts:
        return []
    ends = np.cumsum([len(part) for part in parts])[:-1]
    return np.split(to_picture(np.concatenate(parts)), ends)


def shown(points: Points, mask: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which points are on the sheet and in the picture."""
    height, width = mask.shape
    x, y = points.astype(int).T
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    shown: NDArray[np.bool_] = inside & (mask[y.clip(0, height - 1), x.clip(0, width - 1)] > 0.5)
    return shown


def seen_parts(line: Points, mask: NDArray[np.float32]) -> list[Points]:
    """Return the parts of a polyline that are on the sheet, accurate to about four pixels."""
    lengths = np.hypot(*np.diff(line, axis=0).T)
    along = np.append(0, np.cumsum(lengths))
    steps = np.linspace(0, along[-1], max(2, int(along[-1] / 4)))
    fine = np.stack([np.interp(steps, along, axis) for axis in line.T], 1).astype(np.float32)
    seen = shown(fine, mask)
    runs = np.split(np.arange(len(fine)), np.flatnonzero(np.diff(seen)) + 1)
    return [fine[run[[0, -1]]] for run in runs if seen[run[0]] and len(run) > 1]


class InkLayers:
    """The drawings of all layers; each is allocated at its first use."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.planes: list[NDArray[np.uint8] | None] = [None] * LAYERS

    def plane(self, layer: int) -> NDArray[np.uint8]:
        """Return the drawing of a layer, at `FINE` times the size."""
        plane = self.planes[layer]
        if plane is None:
            height, width = self.size
            plane = self.planes[layer] = np.zeros((height * FINE, width * FINE), np.uint8)
        return plane

    def fill(self, outline: Points, level: int, layer: int) -> None:
        """Fill an area with a gray level from 0 to 255."""
        fixed = np.round(outline * (FINE << BITS)).astype(np.int32)
        cv2.fillPoly(self.plane(layer), [fixed], level, cv2.LINE_AA, BITS)

    def line(self, points: Points, width: float, layer: int) -> bool:
        """Draw a line and return whether a part of it may be in the picture."""
        low, high = points.min(axis=0), points.max(axis=0)
        # Beyond the horizon of an oblique view, points are not finite.
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
        """Return the coverage of each layer at the picture's size; None for an unused layer."""
        height, width = self.size
        return [
            None if p is None else cv2.resize(p, (width, height), interpolation=cv2.INTER_AREA)
            for p in self.planes
        ]


def draw_glyphs(
    glyphs: list[PlacedGlyph], to_picture: Map, layers: InkLayers, mask: NDArray[np.float32] | None
) -> list[Box | None]:
    """Draw all glyphs and return their boxes; None for a glyph that is not drawn."""
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
        wide = deep = 0.0
        if not isinstance(g.ink, Bitmap):  # a bitmap already contains the width of the pen
            half = max(g.pen, THINNEST) / 2
            wide, deep = half + abs(g.nib[0]) / 2, half + abs(g.nib[1]) / 2
        box = low[0] - wide, low[1] - deep, high[0] + wide, high[1] + deep
        inside = box[2] > 0 and box[3] > 0 and box[0] < width and box[1] < height
        inside = inside and bool(np.abs(part).max() <= FARTHEST)  # false for a point at infinity
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


def _nib_shifts(glyph: PlacedGlyph) -> list[NDArray[np.int32] | None]:
    """Return the displacements at which a line is drawn repeatedly, in OpenCV's coordinates.

    A broad nib is a short line segment. Drawing the line at several positions along the segment, at
    most one pen width apart, covers the same area as the nib.
    """
    edge = np.array(glyph.nib, np.float32)
    length = float(np.hypot(*edge))
    if not length:
        return [None]
    parts = np.linspace(-0.5, 0.5, 2 + int(length / max(glyph.pen, THINNEST)))
    return list(np.round(parts[:, None] * edge * (FINE << BITS)).astype(np.int32))


def _on_sheet(box: Box, mask: NDArray[np.float32]) -> bool:
    """Return whether the part of a box in the picture is on the sheet."""
    height, width = mask.shape
    left, right = (min(max(int(x), 0), width - 1) for x in (box[0], box[2]))
    top, bottom = (min(max(int(y), 0), height - 1) for y in (box[1], box[3]))
    corners = mask[[top, top, bottom, bottom], [left, right, left, right]]
    return bool(corners.min() > 0.9)


def _corners(glyphs: list[PlacedGlyph], to_picture: Map) -> Points:
    """Return three corners of each bitmap in the picture: upper left, upper right, lower left."""
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
    """Draw a bitmap with the affine map that is given by three of its corners."""
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
    # OpenCV maps centres of pixels, not corners.
    target = seen - np.array([left, top], np.float32)
    matrix = cv2.getAffineTransform(pixel - np.float32(0.5), target.astype(np.float32) - 0.5)
    image = ink.image
    shrink = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
    if shrink < 0.6:  # interpolation alone would skip pixels
        image = cv2.GaussianBlur(image, (0, 0), 0.4 / max(shrink, 0.05))
    placed = cv2.warpAffine(image, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    view = plane[top:bottom, left:right]
    np.maximum(view, placed, out=view)


def covered(
    boxes: list[Box | None],
    strokes: list[tuple[Points, float]],
    areas: list[Points],
    size: tuple[int, int],
) -> list[bool]:
    """Return which boxes are covered by strokes and areas of drawings, codes and scribbles."""
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


def true_glyphs(
    glyphs: list[PlacedGlyph], boxes: list[Box | None], hidden: list[bool], size: tuple[int, int]
) -> tuple[tuple[TrueGlyph, ...], tuple[Box, ...]]:
    """Return the visible glyphs, and the boxes to be ignored."""
    height, width = size
    place: dict[int, int] = {}
    kept: list[tuple[int, Box]] = []
    ignored: list[Box] = []
    for i, (g, box, under) in enumerate(zip(glyphs, boxes, hidden, strict=True)):
        if box is None:
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
