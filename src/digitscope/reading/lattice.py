"""Lattices: the crossings of a grid in rows and columns, missing ones completed.

Row lines and column lines are sorted; their positions in that order are the indices of the lattice,
so a missing crossing shifts nothing. Lines that are parallel on the paper meet in one point of the
picture. This relation is fitted to all row lines and to all column lines; it joins the pieces of a
broken line, and completes the lattice.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import IGNORED, SMALLEST, STRIDE
from digitscope.reading.crossings import Ints, Points, ruled_share, thicken
from digitscope.reading.glyphs import Floats, median
from digitscope.reading.parameters import ReadingParameters

MIN_LINES = 3  # row lines and column lines of the smallest grid, which has 2×2 cells


def to_lattice(
    points: Points, rows: Ints, columns: Ints, parameters: ReadingParameters
) -> Points | None:
    """Return the crossings of a grid in order, missing ones completed; None if it is too small.

    Parameters
    ----------
    points : ndarray of shape (n, 2), dtype float32
    rows, columns : ndarray of shape (n,), dtype int64
        The numbers of the row line and of the column line of each point.
    parameters : ReadingParameters
    """
    middle = points.mean(axis=0)
    offset = points - middle
    down = _axis_crossings(offset[:, 0], offset[:, 1], rows)
    right = _axis_crossings(offset[:, 1], offset[:, 0], columns)
    row, row_places = _sort_lines(down, rows, columns, parameters)
    column, column_places = _sort_lines(right, columns, rows, parameters)
    if len(row_places) < MIN_LINES or len(column_places) < MIN_LINES:
        return None
    known = np.flatnonzero((row >= 0) & (column >= 0))
    straight = np.stack([column_places[column[known]], row_places[row[known]]], axis=1)
    pitch = min(median(np.diff(p)) for p in (row_places, column_places))
    if len(known) < 4 or pitch < IGNORED * SMALLEST / STRIDE:  # no writing fits into its cells
        return None
    matrix, _ = cv2.findHomography(straight, points[known], cv2.RANSAC, max(pitch / 4, 0.5))
    if matrix is None:
        return None
    ideal = np.stack(np.meshgrid(column_places, row_places), axis=-1).astype(np.float32)
    lattice: Points = cv2.perspectiveTransform(ideal.reshape(1, -1, 2), matrix).reshape(ideal.shape)
    return bend_lattice(lattice, points[known], row[known], column[known], pitch)


def bend_lattice(lattice: Points, points: Points, row: Ints, column: Ints, pitch: float) -> Points:
    """Return a lattice whose found crossings are exact and whose other points follow them.

    Parameters
    ----------
    lattice : ndarray of shape (rows, columns, 2), dtype float32
    points : ndarray of shape (n, 2), dtype float32
        Found crossings.
    row, column : ndarray of shape (n,), dtype int64
        Their indices in the lattice.
    pitch : float
        Distance between two lines; a point farther than half of it from its place is ignored.
    """
    shift = points - lattice[row, column]
    good = np.abs(shift).max(axis=1) < 0.5 * pitch
    row, column, shift = row[good], column[good], shift[good]
    if not len(row):
        return lattice
    moved = np.empty(lattice.shape)
    c = np.arange(lattice.shape[1])[:, None]
    for r, line in enumerate(lattice):  # one row at a time: all rows could need gigabytes
        away = (r - row) ** 2 + (c - column) ** 2  # (columns, points)
        weight = 1 / (away + 1e-3) ** 2
        moved[r] = line + (weight @ shift) / weight.sum(axis=-1, keepdims=True)
    return moved.astype(np.float32)


def _axis_crossings(x: Floats, y: Floats, lines: Ints) -> NDArray[np.float64]:
    """Return for each point the height at which its line crosses the axis x = 0.

    Of lines through one point, y = a + b x, the slope b is a linear function of a: b = slope +
    fan · a. Both numbers are fitted to all lines, each weighted by the spread of its points.
    """
    heights, slopes, weights = [], [], []
    for name in np.unique(lines):
        own = lines == name
        u, v = x[own] - x[own].mean(), y[own] - y[own].mean()
        spread = float(u @ u)
        if spread > 1:
            slopes.append(float(u @ v) / spread)
            heights.append(float(y[own].mean()) - slopes[-1] * float(x[own].mean()))
            weights.append(spread)
    slope = fan = 0.0
    if slopes:
        a, b, w = np.array(heights), np.array(slopes), np.array(weights)
        mean = float(w @ a) / float(w.sum())
        spread = float(w @ (a - mean) ** 2)
        fan = float(w @ ((a - mean) * b)) / spread if spread > 1e-6 and len(a) > 2 else 0.0
        slope = float(w @ b) / float(w.sum()) - fan * mean
    crossings: NDArray[np.float64] = (y - slope * x) / np.maximum(1 + fan * x, 0.2)
    return crossings


def _sort_lines(
    heights: NDArray[np.float64], lines: Ints, crossed: Ints, parameters: ReadingParameters
) -> tuple[Ints, NDArray[np.float64]]:
    """Return the index of each point's line from the top, -1 for none, and the lines' heights.

    Parameters
    ----------
    heights : ndarray of shape (n,), dtype float64
        Of each point, from `_axis_crossings`.
    lines, crossed : ndarray of shape (n,), dtype int64
        The line of each point in this direction, and the one in the other direction.
    parameters : ReadingParameters
    """
    steps = [
        float(step)
        for name in np.unique(crossed)
        for step in np.diff(np.sort(heights[crossed == name]))
    ]
    if not steps:
        return np.full(len(heights), -1), np.zeros(0)
    near = parameters.ruling_distance * float(np.percentile(steps, 25))
    names = np.unique(lines).tolist()
    place = {name: median(heights[lines == name]) for name in names}
    groups: list[list[int]] = []
    for name in sorted(names, key=lambda name: place[name]):
        last = np.isin(lines, groups[-1]) if groups else np.zeros(len(lines), bool)
        apart = place[name] - median(heights[last]) if groups else np.inf
        # Two lines that cross the same third line are different lines, or one that is drawn twice.
        shared = np.isin(crossed[lines == name], crossed[last]).any()
        if apart < (near / 2 if shared else near):
            groups[-1].append(name)
        else:
            groups.append([name])
    groups = [group for group in groups if np.isin(lines, group).sum() > 1]
    index = np.full(len(heights), -1)
    places = np.zeros(len(groups))
    for k, group in enumerate(groups):
        own = np.isin(lines, group)
        index[own], places[k] = k, median(heights[own])
    return index, places


def split_lattice(
    lattice: Points, across: Floats, down: Floats, parameters: ReadingParameters
) -> list[Points]:
    """Return the grids that a lattice consists of, without lines that do not belong to them.

    Most of a line must be ruled. Between two adjacent lines of one grid, lines of the other
    direction are ruled: some of them inside the grid and most of them at its ends, or the two
    outermost ones, which enclose merged cells. Otherwise the two lines belong to two grids that
    stand side by side. The cells of a merged one stay separate.

    Parameters
    ----------
    lattice : ndarray of shape (rows, columns, 2), dtype float32
    across, down : ndarray of shape (height, width), dtype float32
        The maps of ruling lines.
    parameters : ReadingParameters
    """
    grids, waiting = [], [lattice]
    while waiting:
        part = waiting.pop()
        if min(part.shape[:2]) < MIN_LINES:
            continue
        ruled = [_edge_shares(part, across, parameters)]  # (rows, columns - 1)
        ruled.append(_edge_shares(part.transpose(1, 0, 2)[..., ::-1], down.T, parameters))
        gaps = [np.flatnonzero(~_same_grid(other, parameters)) for other in ruled[::-1]]
        shares = [own.mean(axis=1) for own in ruled]
        worst = int(shares[1].min() < shares[0].min())
        if gap := next(((k, int(g[0])) for k, g in enumerate(gaps) if len(g)), None):
            waiting += np.split(part, [gap[1] + 1], axis=gap[0])
        elif shares[worst].min() < parameters.ruled_share:
            waiting.append(np.delete(part, int(shares[worst].argmin()), axis=worst))
        else:
            grids.append(part)
    return grids


def _same_grid(ruled: Floats, parameters: ReadingParameters) -> NDArray[np.bool_]:
    """Return for each gap between two adjacent lines whether both belong to one grid.

    Parameters
    ----------
    ruled : ndarray of shape (n, gaps), dtype float32
        Share of the way across the gap that is ruled, for each line of the other direction.
    parameters : ReadingParameters
    """
    leads = ruled >= parameters.ruled_share
    wanted = np.full(leads.shape[1], 1 - parameters.ruled_share)
    wanted[[0, -1]] = parameters.ruled_share
    same: NDArray[np.bool_] = (leads.mean(axis=0) > wanted) | (leads[0] & leads[-1])
    return same


def ruled_length(
    lattice: Points, across: Floats, down: Floats, parameters: ReadingParameters
) -> float:
    """Return the length of the ruled cell sides minus that of the others, in cells of the maps."""
    length = 0.0
    for way, mask in ((lattice, across), (lattice.transpose(1, 0, 2)[..., ::-1], down.T)):
        sides = np.linalg.norm(np.diff(way, axis=1), axis=2)
        ruled = _edge_shares(way, mask, parameters) >= parameters.ruled_share
        length += float(sides[ruled].sum() - sides[~ruled].sum())
    return length


def _edge_shares(lattice: Points, mask: Floats, parameters: ReadingParameters) -> Floats:
    """Return the ruled share of the way from each crossing to the next one in its row."""
    start, end = lattice[:, :-1].reshape(-1, 2), lattice[:, 1:].reshape(-1, 2)
    shares = ruled_share(thicken(np.ascontiguousarray(mask)), start, end, parameters)
    return shares.reshape(len(lattice), -1)
