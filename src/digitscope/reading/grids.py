"""Ruled grids: find them on a page and hand back what is written in each cell, without the rules.

A grid is flattened as a whole, so that its rules run straight; each is then followed over the last
pixels and erased, but where ink goes on above and below it, a stroke crosses and is kept. What is
left falls into pieces, and a piece belongs to the cell that holds most of it: so a digit that
reaches over its rules comes out whole, and its tail does not litter the cell next door.
"""

import math
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.ink import level
from digitscope.rules.erasing import Band, erase, extent
from digitscope.rules.lattice import Lattice, Points, find_lattices
from digitscope.rules.tracing import STEP, Ink, Tracing, darkest_path, trace_rules

Plane: TypeAlias = NDArray[np.float32]

CELL = 80  # pixels of a cell's shorter side, to which a larger one is reduced
MOST = 3_000_000  # pixels of a flattened grid
MARGIN = 0.3  # of a cell, around it, into which its digit may reach
MOSTLY = 0.7  # share of a piece that makes it one cell's; less, and it is cut at the rule
ASTRAY = 0.3  # share of the ink that crosses from cell to cell; with more, it is graph paper
LEFT_OVER = 0.8  # share of a piece beside rules that makes it a part of them
SPECK = 0.18  # of a cell's shorter side; a smaller piece alone is no writing
RIM = 0.1  # of a cell's side, along it; what stays in there is left over from a rule


@dataclass(frozen=True, eq=False)
class RuledCell:
    """What is written in one cell.

    Attributes
    ----------
    corners : ndarray of shape (4, 2), dtype float32
        Upper left, upper right, lower right, lower left; x and y in pixels of the page.
    ink : ndarray of shape (height, width), dtype uint8
        The cell seen from above, with some margin, without its rules and what belongs to other
        cells; 0 = paper, 255 = full ink.
    empty : bool
        Whether nothing is written in it.
    """

    corners: Points
    ink: Ink
    empty: bool


@dataclass(frozen=True, eq=False)
class RuledGrid:
    """A grid of cells.

    Attributes
    ----------
    corners : ndarray of shape (rows + 1, columns + 1, 2), dtype float32
        Where the rules cross; x and y in pixels of the page.
    cells : tuple of tuples of RuledCell
        Rows from top to bottom, of cells from left to right.
    """

    corners: Points
    cells: tuple[tuple[RuledCell, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.cells), len(self.cells[0])


def find_grids(
    darkness: Ink, noise: float = 0.0, *, tracing: Tracing | None = None
) -> list[RuledGrid]:
    """Return the ruled grids on a page, the one with most cells first.

    Parameters
    ----------
    darkness : ndarray of shape (height, width), dtype uint8
        0 = paper, 255 = black; as `digitscope.ink.lift` returns it.
    noise : float, optional
        Of the paper, as `digitscope.ink.lift` returns it.
    tracing : Tracing, optional
        Of the same page; made here unless given.

    Returns
    -------
    list of RuledGrid
        Empty for a page of text, lined paper, or a picture of something else.
    """
    tracing = tracing or trace_rules(darkness)
    lattices = find_lattices(tracing)
    grids = [_read_off(darkness, noise, lattice, tracing.scale) for lattice in lattices]
    return [grid for grid in grids if grid is not None]


def _read_off(darkness: Ink, noise: float, lattice: Lattice, scale: float) -> RuledGrid | None:
    """Flatten a grid and take its cells apart; None if what is written there ignores them."""
    corners = (lattice.corners + 0.5) * np.float32(scale) - 0.5
    thickness = [thick * np.float32(scale) for thick in lattice.thickness]
    flat = _flatten(darkness, corners, thickness)
    clean, ruled = _without_rules(flat)
    owned = _owners(flat, clean, ruled, noise)
    if owned.astray > ASTRAY:
        return None
    rows, columns = lattice.whole.shape
    cells = tuple(
        tuple(_cell(flat, owned, corners, r, c) for c in range(columns)) for r in range(rows)
    )
    return RuledGrid(corners, cells)


@dataclass(frozen=True, eq=False)
class _Flat:
    """A grid seen from above: its plane, and where its rules are."""

    plane: Ink
    rows: NDArray[np.int64]  # of pixels, of each row line
    columns: NDArray[np.int64]
    thickness: tuple[Plane, Plane]  # of row lines and column lines


def _flatten(darkness: Ink, corners: Points, thickness: list[Plane]) -> _Flat:
    heights = np.linalg.norm(np.diff(corners, axis=0), axis=-1).mean(axis=1)
    widths = np.linalg.norm(np.diff(corners, axis=1), axis=-1).mean(axis=0)
    short = float(np.median([np.median(heights), np.median(widths)]))
    scale = min(1.0, CELL / short, np.sqrt(MOST / (heights.sum() * widths.sum())))
    thickness = [thick * np.float32(scale) for thick in thickness]
    if scale < 0.6:
        size = (max(1, round(darkness.shape[1] * scale)), max(1, round(darkness.shape[0] * scale)))
        darkness = cv2.resize(darkness, size, interpolation=cv2.INTER_AREA)
        corners = (corners + 0.5) * np.float32(scale) - 0.5
        heights, widths, scale = heights * scale, widths * scale, 1.0
    margin = math.ceil(MARGIN * scale * min(heights.max(), widths.max())) + 2
    rows, weigh_rows = _axis(heights * scale, margin)
    columns, weigh_columns = _axis(widths * scale, margin)
    maps = [(weigh_rows @ corners[..., k] @ weigh_columns.T).astype(np.float32) for k in (0, 1)]
    plane = cv2.remap(darkness, maps[0], maps[1], cv2.INTER_LINEAR, borderValue=0)
    return _Flat(plane, rows, columns, (thickness[0], thickness[1]))


def _axis(sizes: NDArray[np.float64], margin: int) -> tuple[NDArray[np.int64], Plane]:
    """Return where the lines go along one axis, and how each pixel mixes the corners."""
    sizes = np.maximum(np.round(sizes), 4)
    lines = (margin + np.concatenate([[0], sizes.cumsum()])).astype(int)
    pixels = np.arange(lines[-1] + margin + 1)
    left = (np.searchsorted(lines, pixels, side="right") - 1).clip(0, len(sizes) - 1)
    share = (pixels - lines[left]) / sizes[left]  # beyond the rim it goes on in the same way
    weights = np.zeros((len(pixels), len(lines)), np.float32)
    weights[pixels, left] = 1 - share
    weights[pixels, left + 1] = share
    return lines, weights


def _without_rules(flat: _Flat) -> tuple[Ink, Ink]:
    """Return the plane without its rules, crossing strokes kept; and where the rules were."""
    across = _band(flat.plane, flat.rows, flat.columns, flat.thickness[0])
    turned = np.ascontiguousarray(flat.plane.T)
    down = _band(turned, flat.columns, flat.rows, flat.thickness[1]).turned()
    return erase(flat.plane, across, down), cv2.max(across.thickness, down.thickness)


def _band(
    plane: Ink, lines: NDArray[np.int64], crossing: NDArray[np.int64], thickness: Plane
) -> Band:
    """Return where the rules across lie, given the rows at which they should."""
    width = plane.shape[1]
    reach = max(3, round(0.1 * float(np.median(np.diff(lines)))))
    beyond = reach + math.ceil(float(thickness.max())) + 2
    offsets = np.arange(-beyond, beyond + 1)
    padded = cv2.copyMakeBorder(plane, beyond, beyond, 0, 0, cv2.BORDER_CONSTANT, value=0)
    strips = np.stack([padded[line : line + 2 * beyond + 1] for line in lines])
    score = np.stack(
        [
            cv2.blur(strip, (9, max(3, round(float(thick)))))[beyond - reach : beyond + reach + 1]
            for strip, thick in zip(strips, thickness, strict=True)
        ]
    ).astype(np.float32)
    cap = np.maximum(np.median(score.max(axis=1), axis=1), 1)[:, None, None]
    path = darkest_path((np.minimum(score, cap) / cap)[:, :, ::STEP]) - reach
    path = cv2.blur(path.astype(np.float32), (5, 1)).round().astype(int).repeat(STEP, axis=1)
    band = Band.nowhere(plane.shape)
    columns = np.arange(width)
    stretches = np.split(columns, crossing)
    for line, strip, way in zip(lines, strips, path[:, :width], strict=True):
        rows = (way + beyond + offsets[:, None]).clip(0, 2 * beyond)
        values = strip[rows, columns]
        low, high = extent(np.median(values, axis=1))
        for stretch in stretches:
            # A rule grows thicker towards the camera; beyond that it is a digit beside it.
            first, last = extent(np.median(values[:, stretch], axis=1))
            first, last = max(min(first, low), low - 2, 0), min(max(last, high), high + 2)
            across = slice(first, last + 1)
            place = way[stretch] + line + offsets[across, None]
            band.draw(place, stretch, values[across, stretch])
    return band


@dataclass(frozen=True, eq=False)
class _Owned:
    """Ink, and which cell each pixel of it belongs to (row * columns + column + 1; 0 nobody's)."""

    ink: Ink
    owner: NDArray[np.int32]
    astray: float  # share of the ink in pieces that lie in no one cell


def _owners(flat: _Flat, clean: Ink, ruled: Ink, noise: float) -> _Owned:
    """Give each piece of ink to the cell that holds most of it."""
    rows, columns = len(flat.rows) - 1, len(flat.columns) - 1
    row = np.searchsorted(flat.rows, np.arange(clean.shape[0]), side="right") - 1
    column = np.searchsorted(flat.columns, np.arange(clean.shape[1]), side="right") - 1
    inside = ((row >= 0) & (row < rows))[:, None] & ((column >= 0) & (column < columns))
    home = np.where(inside, row[:, None] * columns + column + 1, 0).astype(np.int32)
    clean = _without_tint(flat, clean)
    ink = level(clean, noise)
    _, pieces = cv2.connectedComponents((ink > 0).astype(np.uint8))
    where = np.flatnonzero(pieces)
    piece, cell = pieces.ravel()[where], home.ravel()[where]
    mass = ink.ravel()[where].astype(np.float64)
    # Sums of ink for each pair of piece and cell.
    pairs = piece.astype(np.int64) * (rows * columns + 1) + cell
    pairs, inverse = np.unique(pairs, return_inverse=True)
    sums = np.bincount(inverse, mass)
    of_piece, of_cell = np.divmod(pairs, rows * columns + 1)
    total = np.bincount(of_piece, sums)
    order = np.argsort(sums, kind="stable")
    best = np.zeros(len(total), np.int64)
    best[of_piece[order]] = of_cell[order]
    most = np.zeros(len(total))
    most[of_piece[order]] = sums[order]
    # What lies all along a rule is left over from it.
    beside = cv2.dilate(ruled, np.ones((5, 5), np.uint8)).ravel()[where] > 0
    left_over = np.bincount(piece, mass * beside, len(total)) >= LEFT_OVER * total
    one = most >= MOSTLY * np.maximum(total, 1e-9)
    inside = ~left_over & (best > 0)
    astray = float(total[inside & ~one].sum() / max(total[inside].sum(), 1e-9))
    owner = np.zeros(clean.size, np.int32)
    owner[where] = np.where(one[piece], best[piece], cell) * ~left_over[piece]
    return _Owned(ink, owner.reshape(clean.shape), astray)


def _without_tint(flat: _Flat, clean: Ink) -> Ink:
    """Return the plane with the tint and the screen of each cell taken off."""
    clean = clean.copy()
    for top, bottom in zip(flat.rows[:-1], flat.rows[1:], strict=True):
        for left, right in zip(flat.columns[:-1], flat.columns[1:], strict=True):
            cell = clean[top:bottom, left:right]
            middle = float(np.median(cell))
            if middle > 0:
                grain = 1.4826 * float(np.median(np.abs(cell - middle)))
                cell[:] = cv2.subtract(cell, (middle + 2.5 * grain,))
    return clean


def _cell(flat: _Flat, owned: _Owned, corners: Points, row: int, column: int) -> RuledCell:
    """Cut one cell out."""
    top, bottom = int(flat.rows[row]), int(flat.rows[row + 1])
    left, right = int(flat.columns[column]), int(flat.columns[column + 1])
    margin = round(MARGIN * min(bottom - top, right - left))
    y0, x0 = top - margin, left - margin
    part = slice(y0, bottom + margin), slice(x0, right + margin)
    name = row * (len(flat.columns) - 1) + column + 1
    ink = np.where(owned.owner[part] == name, owned.ink[part], 0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((ink > 0).astype(np.uint8))
    short = min(bottom - top, right - left)
    rim = RIM * short
    keep = np.zeros(count, bool)
    written = False
    for k in range(1, count):
        x, y, w, h, area = stats[k]
        x, y = x + x0, y + y0
        residue = y + h <= top + rim or y >= bottom - rim or x + w <= left + rim or x >= right - rim
        keep[k] = not residue and area >= (0.03 * short) ** 2
        written |= bool(keep[k] and max(w, h) >= SPECK * short)
    ink[~keep[labels]] = 0
    quad = corners[[row, row, row + 1, row + 1], [column, column + 1, column + 1, column]]
    return RuledCell(quad, ink, not written)
