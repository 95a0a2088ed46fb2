"""The maps of ruling lines become grids.

Crossings are peaks of their map. Two crossings are neighbours if a ruling line leads from one to
the next. Neighbours side by side make up row lines, neighbours one above the other column lines;
their places in the order of lines are the indices of the lattice, so a missing crossing shifts
nothing. Lines that are parallel on the paper meet in one point of the picture; that relation,
fitted to all row lines and to all column lines, brings pieces of a broken line together and
completes the lattice.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import IGNORED, RULING, SMALLEST, STRIDE
from digitscope.reading.glyphs import Floats, median
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import Level

Points = NDArray[np.float32]  # (..., 2), x and y in cells of the maps
Ints = NDArray[np.int64]
CANDIDATES = 6  # crossings tried as the neighbour of one, the nearest first
REACH = 10.0  # mean distances of crossings; the longest way to a neighbour
CHUNK = 256  # crossings whose distances to all others are held in memory at a time
SAMPLES = 16  # points between two crossings at which the ruling line is looked up
ENDS = 0.25  # share of that way at each end without points: blurred lines reach into a gap
LINES = 3  # row lines and column lines of the smallest grid, which has 2×2 cells


def find_lattices(levels: Sequence[Level], parameters: ReadingParameters) -> list[Points]:
    """Return the crossings of each grid on a page, in pixels of the picture.

    Of grids that overlap the one counts that explains the most ruling, on all levels that show a
    grid of as many cells: thick outer lines are seen at coarse levels only, narrow cells at fine
    ones. But where a finer level shows several grids in the place of one, the coarse one has run
    them together.
    """
    found: list[tuple[float, int, Points]] = []
    for depth, level in enumerate(levels):  # the finest one first
        cell = np.array([STRIDE / level.scale[0], STRIDE / level.scale[1]], np.float32)
        for lattice, ruled in find_grids(level.maps, parameters):
            found.append((ruled * float(cell.mean()), depth, lattice * cell))
    support = [
        sum(r for r, _, other in found if other.shape == one.shape and _overlap(other, one))
        for _, _, one in found
    ]
    order = sorted(range(len(found)), key=lambda k: (-support[k], -found[k][0], found[k][1]))
    kept: list[Points] = []
    for _, depth, lattice in (found[k] for k in order):
        parts = [d for _, d, other in found if d < depth and _overlap(other, lattice)]
        together = len(parts) > len(set(parts))
        if not together and not any(_overlap(lattice, other) for other in kept):
            kept.append(lattice)
    return kept


def _overlap(one: Points, other: Points) -> bool:
    """Tell whether the middle of a cell of one grid lies in the other grid."""
    pairs = ((one, other), (other, one))
    return any(bool((cell_of(_middles(a), [b])[0] >= 0).any()) for a, b in pairs)


def _middles(lattice: Points) -> Points:
    """Return the middle of each cell, shape (cells, 2)."""
    middles: Points = (lattice[:-1, :-1] + lattice[1:, 1:]) / np.float32(2)
    return middles.reshape(-1, 2)


def find_grids(maps: Floats, parameters: ReadingParameters) -> list[tuple[Points, float]]:
    """Return the grids of one level, the one that is ruled most first.

    Parameters
    ----------
    maps : ndarray of shape (28, height, width), dtype float32
        As `digitscope.models.glyph_classes` orders them.
    parameters : ReadingParameters

    Returns
    -------
    list of tuple
        The crossings of a grid, shape (rows + 1, columns + 1, 2), x and y in cells of the maps;
        and how much longer sides of its cells that are ruled are than those that are not.
    """
    across, down, crossing = maps[RULING]
    points = find_crossings(crossing, parameters)
    if len(points) < LINES * LINES - 1:
        return []
    beside = neighbours(points, across, parameters)
    below = neighbours(points[:, ::-1], np.ascontiguousarray(down.T), parameters)
    rows, columns = components(len(points), beside), components(len(points), below)
    grid = components(len(points), np.concatenate([beside, below]))
    lattices = []
    for name in np.unique(grid).tolist():
        own = np.flatnonzero(grid == name)
        if len(own) >= LINES * LINES - 1:
            lattice = _to_lattice(points[own], rows[own], columns[own], parameters)
            parts = [] if lattice is None else _grids_of(lattice, across, down, parameters)
            lattices += [(part, _ruled_length(part, across, down, parameters)) for part in parts]
    return sorted(lattices, key=lambda lattice: -lattice[1])


def find_crossings(crossing: Floats, parameters: ReadingParameters) -> Points:
    """Return the peaks of the map of crossings, between cells by the heat around each."""
    around = cv2.dilate(crossing, np.ones((3, 3), np.uint8))
    peaks = (crossing >= parameters.ruling) & (crossing == around)
    _, names = cv2.connectedComponents(peaks.astype(np.uint8))  # cells of one height side by side
    rows, columns = np.nonzero(peaks)
    first = np.unique(names[rows, columns], return_index=True)[1]
    rows, columns = rows[first], columns[first]
    padded = np.pad(crossing, 1)
    heat = np.stack([padded[rows + r, columns + c] for r in range(3) for c in range(3)])
    heat = heat - heat.min(axis=0)
    step = np.array([(c - 1, r - 1) for r in range(3) for c in range(3)], np.float32)
    shift = (heat.T @ step) / np.maximum(heat.sum(axis=0), 1e-9)[:, None]
    found: Points = (np.stack([columns, rows], axis=1) + 0.5 + shift).astype(np.float32)
    return found


def neighbours(points: Points, mask: Floats, parameters: ReadingParameters) -> Ints:
    """Return pairs of points that a ruling line joins, shape (n, 2), the left one first.

    Parameters
    ----------
    points : ndarray of shape (n, 2), dtype float32
        x and y in cells of the mask.
    mask : ndarray of shape (height, width), dtype float32
        Where ruling lines go more across than down.
    parameters : ReadingParameters
    """
    lines = _thickened(mask)
    pairs = [np.zeros((0, 2), np.int64)]
    order = np.argsort(points[:, 0], kind="stable")
    x = points[order, 0]
    reach = REACH * (mask.size / max(len(points), 1)) ** 0.5
    for start in range(0, len(points), CHUNK):
        own = order[start : start + CHUNK]
        others = order[start : np.searchsorted(x, points[own[-1], 0] + reach)]
        step = points[others] - points[own, None]  # (own, others, 2)
        ahead = (step[..., 0] > 0) & (abs(step[..., 1]) <= parameters.steep_ruling * step[..., 0])
        away = np.where(ahead, np.abs(step).sum(axis=2), np.inf)
        near = np.argsort(away, axis=1, kind="stable")[:, :CANDIDATES]  # (own, candidates)
        i, j = np.repeat(own, near.shape[1]), others[near].ravel()
        ruled = _ruled(lines, points[i], points[j], parameters) >= parameters.ruled
        ruled &= np.take_along_axis(away, near, axis=1).ravel() < np.inf
        ruled = ruled.reshape(near.shape)
        for k in np.flatnonzero(ruled.any(axis=1)).tolist():
            first = int(ruled[k].argmax())
            # A crossing on the way to which nothing leads parts two grids.
            way, between = step[k, near[k, first]], step[k, near[k, :first]]
            off = np.abs(between @ np.array([-way[1], way[0]])) / np.linalg.norm(way)
            if not (off < parameters.aside).any():
                pairs.append(np.array([[own[k], others[near[k, first]]]]))
    return np.concatenate(pairs)


def _thickened(mask: Floats) -> Floats:
    """Return a map of lines across that a point one cell above or below still meets."""
    thick: Floats = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    return thick


def _ruled(lines: Floats, start: Points, end: Points, parameters: ReadingParameters) -> Floats:
    """Return which share of the straight way between points is ruled, for each pair.

    The ends are left out: the crossings themselves are ruled, also those of two grids side by side.
    """
    part = ENDS + (1 - 2 * ENDS) * ((np.arange(SAMPLES) + 0.5) / SAMPLES)[:, None, None]
    way: Ints = np.floor(start + part * (end - start)).astype(np.int64)  # (samples, n, 2)
    inside = np.all((way >= 0) & (way < np.array(lines.shape[::-1])), axis=2)
    x, y = (way * inside[..., None]).transpose(2, 0, 1)
    share: Floats = ((lines[y, x] >= parameters.ruling) & inside).mean(axis=0, dtype=np.float32)
    return share


def components(n: int, pairs: Ints) -> Ints:
    """Return for each of n things the name of its connected component."""
    names = list(range(n))

    def name(i: int) -> int:
        while names[i] != i:
            names[i] = names[names[i]]
            i = names[i]
        return i

    for i, j in pairs.tolist():
        names[name(i)] = name(j)
    return np.array([name(i) for i in range(n)], np.int64)


def _to_lattice(
    points: Points, rows: Ints, columns: Ints, parameters: ReadingParameters
) -> Points | None:
    """Return the crossings of a grid in order, missing ones completed; None if it is too small.

    Parameters
    ----------
    points : ndarray of shape (n, 2), dtype float32
    rows, columns : ndarray of shape (n,), dtype int64
        The names of the row line and of the column line that each is on.
    parameters : ReadingParameters
    """
    middle = points.mean(axis=0)
    offset = points - middle
    down = _along(offset[:, 0], offset[:, 1], rows)
    right = _along(offset[:, 1], offset[:, 0], columns)
    row, row_places = _order(down, rows, columns, parameters)
    column, column_places = _order(right, columns, rows, parameters)
    if len(row_places) < LINES or len(column_places) < LINES:
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
    return _bent(lattice, points[known], row[known], column[known], pitch)


def _bent(lattice: Points, points: Points, row: Ints, column: Ints, pitch: float) -> Points:
    """Return a lattice with crossings where they were found, and the others moved with them."""
    shift = points - lattice[row, column]
    good = np.abs(shift).max(axis=1) < 0.5 * pitch
    row, column, shift = row[good], column[good], shift[good]
    if not len(row):
        return lattice
    moved = np.empty(lattice.shape)
    c = np.arange(lattice.shape[1])[:, None]
    for r, line in enumerate(lattice):  # one row at a time: memory for all could be gigabytes
        away = (r - row) ** 2 + (c - column) ** 2  # (columns, points)
        weight = 1 / (away + 1e-3) ** 2
        moved[r] = line + (weight @ shift) / weight.sum(axis=-1, keepdims=True)
    return moved.astype(np.float32)


def _along(x: Floats, y: Floats, lines: Ints) -> NDArray[np.float64]:
    """Return for each point the height at which its line would cross the axis x = 0.

    Of lines through one point, y = a + b x, the slope b is a linear function of a: b = slope +
    fan · a. Both numbers are fitted to all lines, each weighted by how far it reaches.
    """
    heights, slopes, weights = [], [], []
    for name in np.unique(lines):
        own = lines == name
        u, v = x[own] - x[own].mean(), y[own] - y[own].mean()
        reach = float(u @ u)
        if reach > 1:
            slopes.append(float(u @ v) / reach)
            heights.append(float(y[own].mean()) - slopes[-1] * float(x[own].mean()))
            weights.append(reach)
    slope = fan = 0.0
    if slopes:
        a, b, w = np.array(heights), np.array(slopes), np.array(weights)
        mean = float(w @ a) / float(w.sum())
        spread = float(w @ (a - mean) ** 2)
        fan = float(w @ ((a - mean) * b)) / spread if spread > 1e-6 and len(a) > 2 else 0.0
        slope = float(w @ b) / float(w.sum()) - fan * mean
    along: NDArray[np.float64] = (y - slope * x) / np.maximum(1 + fan * x, 0.2)
    return along


def _order(
    heights: NDArray[np.float64], lines: Ints, crossed: Ints, parameters: ReadingParameters
) -> tuple[Ints, NDArray[np.float64]]:
    """Return for each point the index of its line from the top (-1: of none), and their heights.

    Parameters
    ----------
    heights : ndarray of shape (n,), dtype float64
        Of each point, as `_along` returns them.
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
    near = parameters.same_ruling * float(np.percentile(steps, 25))
    names = np.unique(lines).tolist()
    place = {name: median(heights[lines == name]) for name in names}
    groups: list[list[int]] = []
    for name in sorted(names, key=lambda name: place[name]):
        last = np.isin(lines, groups[-1]) if groups else np.zeros(len(lines), bool)
        apart = place[name] - median(heights[last]) if groups else np.inf
        # Two lines that cross the same third one are different lines, or one that is drawn twice.
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


def _grids_of(
    lattice: Points, across: Floats, down: Floats, parameters: ReadingParameters
) -> list[Points]:
    """Return the grids that make up a lattice, without lines that are no part of them.

    A line must be ruled along a good part of its way. From each line to the next, lines of the
    other direction must lead: some of them inside of a grid and most of them at its ends, or the
    two outermost ones, which enclose merged cells. Where they do not, two grids stand one beside
    the other. The cells of a merged one stay apart.
    """
    grids, waiting = [], [lattice]
    while waiting:
        part = waiting.pop()
        if min(part.shape[:2]) < LINES:
            continue
        ruled = [_edges(part, across, parameters)]  # (rows, columns - 1)
        ruled.append(_edges(part.transpose(1, 0, 2)[..., ::-1], down.T, parameters))
        gaps = [np.flatnonzero(~_joined(other, parameters)) for other in ruled[::-1]]
        shares = [own.mean(axis=1) for own in ruled]
        worst = int(shares[1].min() < shares[0].min())
        if gap := next(((k, int(g[0])) for k, g in enumerate(gaps) if len(g)), None):
            waiting += np.split(part, [gap[1] + 1], axis=gap[0])
        elif shares[worst].min() < parameters.ruled:
            waiting.append(np.delete(part, int(shares[worst].argmin()), axis=worst))
        else:
            grids.append(part)
    return grids


def _joined(ruled: Floats, parameters: ReadingParameters) -> NDArray[np.bool_]:
    """Tell for each gap between two lines of a lattice whether both belong to one grid.

    Parameters
    ----------
    ruled : ndarray of shape (n, gaps), dtype float32
        Which share of its way across the gap is ruled, for each line of the other direction.
    parameters : ReadingParameters
    """
    leads = ruled >= parameters.ruled
    wanted = np.full(leads.shape[1], 1 - parameters.ruled)
    wanted[[0, -1]] = parameters.ruled
    joined: NDArray[np.bool_] = (leads.mean(axis=0) > wanted) | (leads[0] & leads[-1])
    return joined


def _ruled_length(
    lattice: Points, across: Floats, down: Floats, parameters: ReadingParameters
) -> float:
    """Return how much longer, in cells of the maps, sides that are ruled are than the others."""
    length = 0.0
    for way, mask in ((lattice, across), (lattice.transpose(1, 0, 2)[..., ::-1], down.T)):
        sides = np.linalg.norm(np.diff(way, axis=1), axis=2)
        ruled = _edges(way, mask, parameters) >= parameters.ruled
        length += float(sides[ruled].sum() - sides[~ruled].sum())
    return length


def _edges(lattice: Points, mask: Floats, parameters: ReadingParameters) -> Floats:
    """Return which share of the way from each crossing to the next in its row is ruled."""
    start, end = lattice[:, :-1].reshape(-1, 2), lattice[:, 1:].reshape(-1, 2)
    ruled = _ruled(_thickened(np.ascontiguousarray(mask)), start, end, parameters)
    return ruled.reshape(len(lattice), -1)


def cell_of(points: Points, grids: Sequence[Points]) -> tuple[Ints, Ints, Ints]:
    """Return the grid, row and column that hold each point; -1 where none does.

    Parameters
    ----------
    points : ndarray of shape (n, 2), dtype float32
    grids : sequence of ndarray of shape (rows + 1, columns + 1, 2), dtype float32
        In the unit of the points; of two that overlap the first one counts.
    """
    found = np.full((3, len(points)), -1, np.int64)
    for k, grid in enumerate(grids):
        rim = np.concatenate([grid[0], grid[1:, -1], grid[-1, -2::-1], grid[-2:0:-1, 0]])
        for i in np.flatnonzero(found[0] < 0).tolist():
            x, y = points[i].tolist()
            if cv2.pointPolygonTest(rim.reshape(-1, 1, 2), (x, y), False) < 0:
                continue
            place = _cell_in(grid, points[i])
            if place is not None:
                found[:, i] = k, *place
    return found[0], found[1], found[2]


def _cell_in(grid: Points, point: Points) -> tuple[int, int] | None:
    """Return row and column of the cell that holds a point."""
    corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2)
    side = np.roll(corners, -1, axis=2) - corners  # (rows, columns, 4, 2)
    to = point - corners
    inside = (side[..., 0] * to[..., 1] - side[..., 1] * to[..., 0] >= 0).all(axis=2)
    if not inside.any():
        return None
    row, column = np.argwhere(inside)[0].tolist()
    return row, column
