"""Training targets of the page network: the ground truth of a page as maps.

Worker processes draw them, so small dtypes are used for the transfer between processes.
"""

from dataclasses import dataclass, fields
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import (
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

CENTRE = 255  # value of a heat map at the centre cell of a glyph
NEAR = 250  # largest value in all other cells
FRACTION = 4  # fractional bits of the fixed-point coordinates that OpenCV draws with
FIRST = SIZE.start  # number of the first map with values of glyphs, after the heat maps
VALUES = RULING.start - FIRST
ROWS, COLUMNS = HEAT.stop - HEAT.start, RULING.stop - RULING.start


@dataclass(frozen=True, kw_only=True)
class TargetForm:
    """Parameters of the targets.

    Attributes
    ----------
    spread : float
        Standard deviation of a glyph's Gaussian along each axis, as a share of the side of its box.
        A seventh is close to the choice of Zhou et al., which depends on the overlap of boxes.
    least_spread : float
        Smallest standard deviation, in cells.
    neighbour : float
        Weight of sizes, positions and links in the eight cells around a centre, relative to the
        centre and multiplied by the Gaussian. A peak may be one cell beside the centre.
    crossing : float
        Standard deviation of the Gaussian at a crossing of ruling lines, in cells.
    """

    spread: float = 1 / 7
    least_spread: float = 0.6
    neighbour: float = 0.3
    crossing: float = 0.8


@dataclass(frozen=True)
class Targets:
    """The target maps of one patch, or of a batch with one more axis in front.

    Attributes
    ----------
    heat : ndarray of shape (h, w, 16), dtype uint8
        255 at the centre cell of a glyph of the class, less in the cells around it.
    ignored : ndarray of shape (h, w), dtype uint8
        1 where an answer is neither right nor wrong and has no loss.
    values : ndarray of shape (h, w, 9), dtype float16
        The maps from `SIZE` to `RAISED`, at and around centres.
    weight : ndarray of shape (h, w), dtype uint8
        Weight of the values in each cell: 255 at a centre.
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


def is_target(glyph: TrueGlyph) -> bool | None:
    """Return whether a glyph should be found; None if an answer is neither right nor wrong."""
    if SMALLEST <= glyph.height <= LARGEST:
        return True
    return None if SMALLEST / IGNORED <= glyph.height <= LARGEST * IGNORED else False


def targets_and_ignored(truth: PageTruth) -> tuple[list[TrueGlyph], NDArray[np.float64]]:
    """Return the glyphs that should be found, and the boxes where no answer is right or wrong.

    Returns
    -------
    list of TrueGlyph
    ndarray of shape (n, 4), dtype float64
        Left, top, right, bottom.
    """
    chosen = [glyph for glyph in truth.glyphs if is_target(glyph)]
    skipped = [glyph.box for glyph in truth.glyphs if is_target(glyph) is None]
    return chosen, np.array([*skipped, *truth.ignored], np.float64).reshape(-1, 4)


def draw_targets(truth: PageTruth, form: TargetForm | None = None) -> Targets:
    """Return the target maps of a picture.

    Parameters
    ----------
    truth : PageTruth
        Ground truth of a picture whose sides are multiples of 4 pixels.
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
        if (wanted := is_target(glyph)) is None:
            _cover(ignored, glyph.box)
        elif wanted:
            chosen.append(number)
    values = np.zeros((h, w, VALUES), np.float16)
    weight = np.zeros((h, w), np.uint8)
    if chosen:
        _draw_glyphs(truth.glyphs, np.array(chosen), heat, values, weight, form)
    return Targets(heat, ignored, values, weight, _draw_rulings(truth, h, w, form))


def _cover(mask: NDArray[np.uint8], box: tuple[float, float, float, float]) -> None:
    """Set the cells that a box touches to 1."""
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
    boxes = np.array(
        [glyph.box for glyph in glyphs], np.float32
    )  # of all glyphs, since `next` may be any of them
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
    # The largest first: of two glyphs with the same centre cell, the values of the smaller remain.
    order = chosen[np.argsort(-sides[chosen].prod(axis=1), kind="stable")]
    places = (middles[order] / STRIDE).astype(np.float32, copy=False)
    cells = np.clip(places.astype(np.int64), 0, (w - 1, h - 1))
    spread = np.maximum(sides[order] * (form.spread / STRIDE), form.least_spread).astype(
        np.float32, copy=False
    )
    across, down = (
        _bells(side, places[:, axis], cells[:, axis], spread[:, axis])
        for axis, side in ((0, w), (1, h))
    )
    across *= NEAR
    reach = np.ceil(3 * spread).astype(np.int64) + 1
    kinds = [CLASSES.index(glyphs[n].label) for n in order.tolist()]
    edges = np.hstack([np.maximum(cells - reach, 0), cells + reach + 1]).tolist()
    for n, (kind, (left, top, right, bottom)) in enumerate(zip(kinds, edges, strict=True)):
        bell = down[n, top:bottom, None] * across[n, left:right]
        area = heat[top:bottom, left:right, kind]
        np.maximum(area, bell.astype(np.uint8), out=area)
    heat[cells[:, 1], cells[:, 0], kinds] = CENTRE
    _write_values(values, weight, given[order], places, cells, (across, down), form)


def _bells(
    side: int, places: NDArray[np.float32], cells: NDArray[np.int64], spread: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return a Gaussian around each position along an axis, (n, side); 1 in its own cell."""
    squares = (np.arange(side, dtype=np.float32) + np.float32(0.5) - places[:, None]) ** 2
    own = (cells + 0.5 - places)[:, None] ** 2
    bells: NDArray[np.float64] = np.exp((own - squares) / (2 * spread[:, None] ** 2))
    return np.minimum(bells, 1)


def _write_values(
    values: NDArray[np.float16],
    weight: NDArray[np.uint8],
    given: NDArray[np.float32],
    places: NDArray[np.float32],
    cells: NDArray[np.int64],
    bells: tuple[NDArray[np.float64], NDArray[np.float64]],
    form: TargetForm,
) -> None:
    """Write the values of each glyph into the cells around its centre, by weight."""
    h, w = weight.shape
    beside = np.array([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1)])
    near = cells[:, None] + beside  # (n, 9, 2)
    glyph, which = np.nonzero(((near >= 0) & (near < (w, h))).all(axis=2))
    x, y = near[glyph, which].T
    across, down = bells
    mine = (down[glyph, y] * across[glyph, x] * form.neighbour).astype(np.uint8)
    mine[(beside[which] == 0).all(axis=1)] = CENTRE
    # In a cell of two glyphs the one of larger weight is written last; if equal, the smaller one.
    later = np.argsort(mine, kind="stable")
    later = later[mine[later] > 0]
    glyph, x, y = glyph[later], x[later], y[later]
    new = given[glyph]
    new[:, _of(OFFSET)] = places[glyph] - np.stack([x, y], axis=1)
    values[y, x] = new
    weight[y, x] = mine[later]


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
            cv2.polylines(plane, some, False, CENTRE, 1, cv2.LINE_8, FRACTION)
    for place in _cells(truth.crossings):
        x, y = np.round(place).astype(int)
        if not (0 <= x < w and 0 <= y < h):
            continue
        columns, rows = (np.arange(max(c - 2, 0), min(c + 3, n)) for c, n in ((x, w), (y, h)))
        squares = (columns - x) ** 2 + (rows[:, None] - y) ** 2
        area = ruling[2, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        bell = np.exp(squares / (-2 * form.crossing**2)) * CENTRE
        bell = np.where(squares > 0, bell.clip(0, NEAR), CENTRE)
        np.maximum(area, bell.astype(np.uint8), out=area)
    return np.ascontiguousarray(ruling.transpose(1, 2, 0))


def _cells(points: Points) -> Points:
    """Convert positions from pixels to cells; 0 is the middle of the first cell."""
    cells: Points = np.asarray(points, np.float32).reshape(-1, 2) / np.float32(STRIDE)
    return cells - np.float32(0.5)
