"""From the truth of a page to the maps that the page network learns to give.

Drawn by the processes that make the patches, and packed small because they cross from there.
"""

from dataclasses import dataclass, fields
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.glyph_classes import (
    CLASSES,
    HEAT,
    IGNORED,
    LARGEST,
    LINK,
    NEXT,
    OFFSET,
    RAISED,
    RULING,
    SIZE,
    SMALLEST,
    STRIDE,
    UNIT,
)
from digitscope.synthesis.pages.truth import PageTruth, Points, TrueGlyph

CENTRE = 255  # level of a heat map at the centre cell of a glyph
NEAR = 250  # the highest level elsewhere
FRACTION = 4  # bits below the point of the coordinates with which OpenCV draws lines
FIRST = SIZE.start  # the maps before it are heat, those from it on are values
VALUES = RULING.start - FIRST
ROWS, COLUMNS = HEAT.stop - HEAT.start, RULING.stop - RULING.start


@dataclass(frozen=True, kw_only=True)
class TargetForm:
    """How the truth is drawn.

    Attributes
    ----------
    spread : float
        Standard deviation of a glyph's Gaussian along each axis, as a share of its box's side.
        Zhou et al. choose it by overlap; a seventh of the side is close to that.
    least_spread : float
        Its least value, in cells.
    neighbour : float
        How much sizes, places and links count in the eight cells around a centre, times the
        Gaussian there; 1 at the centre. A peak may come out one cell beside the centre.
    crossing : float
        Standard deviation of the Gaussian at a crossing of ruling lines, in cells.
    """

    spread: float = 1 / 7
    least_spread: float = 0.6
    neighbour: float = 0.3
    crossing: float = 0.8


@dataclass(frozen=True)
class Targets:
    """What the network shall give for one patch, or with one more axis in front for a batch.

    Attributes
    ----------
    heat : ndarray of shape (h, w, 16), dtype uint8
        255 at the centre cell of a glyph of the class, less around it.
    ignored : ndarray of shape (h, w), dtype uint8
        1 where an answer is neither right nor wrong.
    values : ndarray of shape (h, w, 9), dtype float16
        The maps from `SIZE` to `RAISED`, at and around centres.
    weight : ndarray of shape (h, w), dtype uint8
        How much the values count there: 255 at a centre.
    ruling : ndarray of shape (h, w, 3), dtype uint8
        255 on ruling lines and at their crossings.
    """

    heat: NDArray[np.uint8]
    ignored: NDArray[np.uint8]
    values: NDArray[np.float16]
    weight: NDArray[np.uint8]
    ruling: NDArray[np.uint8]

    @classmethod
    def stack(cls, patches: list[Self]) -> Self:
        """Return the targets of a batch."""
        names = [field.name for field in fields(cls)]
        return cls(*(np.stack([getattr(patch, name) for patch in patches]) for name in names))

    def arrays(self) -> dict[str, NDArray[np.uint8 | np.float16]]:
        """Return the arrays by their names."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def sought(glyph: TrueGlyph) -> bool | None:
    """Tell whether a glyph shall be found; None where an answer is neither right nor wrong."""
    if SMALLEST <= glyph.height <= LARGEST:
        return True
    return None if SMALLEST / IGNORED <= glyph.height <= LARGEST * IGNORED else False


def draw_targets(truth: PageTruth, form: TargetForm | None = None) -> Targets:
    """Return what the network shall give for a picture.

    Parameters
    ----------
    truth : PageTruth
        Of a picture whose sides are multiples of 4 pixels.
    form : TargetForm, optional

    Returns
    -------
    Targets
        h and w are a quarter of the picture's height and width.
    """
    form = form or TargetForm()
    h, w = truth.size[0] // STRIDE, truth.size[1] // STRIDE
    heat = np.zeros((h, w, ROWS), np.uint8)
    ignored = np.zeros((h, w), np.uint8)
    for box in truth.ignored:
        _cover(ignored, box)
    chosen: list[int] = []
    for number, glyph in enumerate(truth.glyphs):
        if (wanted := sought(glyph)) is None:
            _cover(ignored, glyph.box)
        elif wanted:
            chosen.append(number)
    values = np.zeros((h, w, VALUES), np.float16)
    weight = np.zeros((h, w), np.uint8)
    if chosen:
        _draw_glyphs(truth.glyphs, np.array(chosen), heat, values, weight, form)
    return Targets(heat, ignored, values, weight, _draw_rulings(truth, h, w, form))


def _cover(mask: NDArray[np.uint8], box: tuple[float, float, float, float]) -> None:
    """Set the cells that a box touches."""
    left, top = (max(int(edge // STRIDE), 0) for edge in box[:2])
    right, bottom = (max(int(-(-edge // STRIDE)), 0) for edge in box[2:])
    mask[top:bottom, left:right] = 1


def _draw_glyphs(
    glyphs: tuple[TrueGlyph, ...],
    chosen: NDArray[np.intp],
    heat: NDArray[np.uint8],
    values: NDArray[np.float16],
    weight: NDArray[np.uint8],
    form: TargetForm,
) -> None:
    h, w = weight.shape
    boxes = np.array([glyph.box for glyph in glyphs], np.float32)  # all: `next` may be any
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    following = np.array([glyph.next for glyph in glyphs])
    previous = np.zeros(len(glyphs), bool)
    previous[following[following >= 0]] = True
    step = np.where((following >= 0)[:, None], middles[following] - middles, 0) / UNIT
    given = np.zeros((len(glyphs), VALUES), np.float32)
    given[:, _of(SIZE)] = np.log(sides / UNIT)
    given[:, _of(LINK)] = np.stack([following >= 0, previous], axis=1)
    given[:, _of(NEXT)] = step
    given[:, _of(RAISED)] = np.array([[glyph.raised] for glyph in glyphs])
    places = middles / STRIDE  # x and y, in cells
    cells = np.clip(places.astype(np.int64), 0, (w - 1, h - 1))
    spread = np.maximum(sides * (form.spread / STRIDE), form.least_spread)
    reach = np.ceil(3 * spread).astype(np.int64) + 1
    # The largest first, so that the smaller of two with one centre cell keeps its values.
    for n in chosen[np.argsort(-sides[chosen].prod(axis=1), kind="stable")]:
        (x, y), (reach_x, reach_y) = cells[n], reach[n]
        left, right = max(x - reach_x, 0), min(x + reach_x + 1, w)
        top, bottom = max(y - reach_y, 0), min(y + reach_y + 1, h)
        bell = _bell(top, bottom, places[n, 1], y, spread[n, 1])[:, None] * (
            NEAR * _bell(left, right, places[n, 0], x, spread[n, 0])
        )
        area = heat[top:bottom, left:right, CLASSES.index(glyphs[n].label)]
        np.maximum(area, bell.astype(np.uint8), out=area)
        _write_values(values, weight, given[n], places[n], bell, (x, y, left, top), form)
    x, y = cells[chosen].T
    heat[y, x, [CLASSES.index(glyphs[n].label) for n in chosen]] = CENTRE
    weight[y, x] = CENTRE


def _bell(first: int, end: int, place: float, cell: int, spread: float) -> NDArray[np.float32]:
    """Return a Gaussian about `place` in the cells from `first` to `end`; 1 in its own cell."""
    squares = (np.arange(first, end, dtype=np.float32) + 0.5 - place) ** 2
    bell: NDArray[np.float32] = np.exp(((cell + 0.5 - place) ** 2 - squares) / (2 * spread**2))
    return np.minimum(bell, 1)


def _write_values(
    values: NDArray[np.float16],
    weight: NDArray[np.uint8],
    given: NDArray[np.float32],
    place: NDArray[np.float32],
    bell: NDArray[np.float32],
    corner: tuple[int, int, int, int],
    form: TargetForm,
) -> None:
    """Write the values of a glyph into the cells around its centre where it weighs the most."""
    x, y, left, top = corner
    h, w = weight.shape
    columns, rows = slice(max(x - 1, 0), min(x + 2, w)), slice(max(y - 1, 0), min(y + 2, h))
    part = bell[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    mine = (part * form.neighbour).astype(np.uint8)
    mine[y - rows.start, x - columns.start] = CENTRE
    area, old = values[rows, columns], weight[rows, columns]
    wins = mine >= np.maximum(old, 1)
    new = np.broadcast_to(given, area.shape).copy()
    start = OFFSET.start - FIRST
    new[..., start] = place[0] - np.arange(columns.start, columns.stop)
    new[..., start + 1] = place[1] - np.arange(rows.start, rows.stop)[:, None]
    area[wins] = new[wins]
    old[wins] = mine[wins]


def _of(part: slice) -> slice:
    return slice(part.start - FIRST, part.stop - FIRST)


def _draw_rulings(truth: PageTruth, h: int, w: int, form: TargetForm) -> NDArray[np.uint8]:
    ruling = np.zeros((COLUMNS, h, w), np.uint8)
    lines = [_cells(line) for line in truth.rulings if len(line) > 1]
    if lines:
        segments = np.concatenate([np.stack([line[:-1], line[1:]], axis=1) for line in lines])
        run = np.abs(segments[:, 1] - segments[:, 0])
        across = run[:, 0] >= run[:, 1]
        fixed = np.round(np.clip(segments, -1000, 5000) * (1 << FRACTION)).astype(np.int32)
        for plane, some in ((ruling[0], fixed[across]), (ruling[1], fixed[~across])):
            cv2.polylines(plane, some, False, CENTRE, 1, cv2.LINE_8, FRACTION)  # type: ignore[call-overload]
    for place in _cells(truth.crossings):
        x, y = np.round(place).astype(int)
        if not (0 <= x < w and 0 <= y < h):
            continue
        columns, rows = (np.arange(max(c - 2, 0), min(c + 3, n)) for c, n in ((x, w), (y, h)))
        squares = (columns - x) ** 2 + (rows[:, None] - y) ** 2
        area = ruling[2, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        bell = np.exp(squares / (-2 * form.crossing**2)) * CENTRE
        np.maximum(area, np.where(squares > 0, bell.clip(0, NEAR), CENTRE).astype(np.uint8), area)
    return np.ascontiguousarray(ruling.transpose(1, 2, 0))


def _cells(points: Points) -> Points:
    """Return places in pixels as multiples of cells; 0 is the middle of the first cell."""
    return np.asarray(points, np.float32).reshape(-1, 2) / STRIDE - 0.5
