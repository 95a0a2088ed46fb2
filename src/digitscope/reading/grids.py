"""Ruled grids of a page, and the cell in which each point lies.

Crossings are peaks of their map. Two crossings are neighbours if a ruling line joins them.
Neighbours side by side make up row lines, neighbours one above the other column lines
(`crossings.py`); sorted, these lines are a lattice (`lattice.py`).
"""

from collections.abc import Sequence

import cv2
import numpy as np

from digitscope.models.glyph_classes import RULING, STRIDE
from digitscope.reading.crossings import Ints, Points, components, find_crossings, find_joined_pairs
from digitscope.reading.glyphs import Floats
from digitscope.reading.lattice import MIN_LINES, ruled_length, split_lattice, to_lattice
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import Level


def find_lattices(levels: Sequence[Level], parameters: ReadingParameters) -> list[Points]:
    """Return the crossings of each grid on a page, in pixels of the picture.

    Of overlapping grids, the one with the longest ruled lines is kept. The lengths are summed over
    all levels that show a grid with the same number of cells: thick outer lines are visible only at
    coarse levels, narrow cells only at fine ones. But where a finer level shows several grids at
    the place of one, the coarse one has merged them, and is dropped.
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
        is_merged = len(parts) > len(set(parts))
        if not is_merged and not any(_overlap(lattice, other) for other in kept):
            kept.append(lattice)
    return kept


def _overlap(one: Points, other: Points) -> bool:
    """Return whether the centre of a cell of one grid lies in the other grid."""
    pairs = ((one, other), (other, one))
    return any(bool((cell_of(_cell_centres(a), [b])[0] >= 0).any()) for a, b in pairs)


def _cell_centres(lattice: Points) -> Points:
    """Return the centre of each cell, shape (cells, 2)."""
    centres: Points = (lattice[:-1, :-1] + lattice[1:, 1:]) / np.float32(2)
    return centres.reshape(-1, 2)


def find_grids(maps: Floats, parameters: ReadingParameters) -> list[tuple[Points, float]]:
    """Return the grids of one level, the one with the longest ruled lines first.

    Parameters
    ----------
    maps : ndarray of shape (28, height, width), dtype float32
        In the order of `digitscope.models.glyph_classes`.
    parameters : ReadingParameters

    Returns
    -------
    list of tuple
        The crossings of a grid, shape (rows + 1, columns + 1, 2), x and y in cells of the maps;
        and the length of the ruled sides of its cells minus that of the others.
    """
    across, down, crossing = maps[RULING]
    points = find_crossings(crossing, parameters)
    if len(points) < MIN_LINES * MIN_LINES - 1:
        return []
    beside = find_joined_pairs(points, across, parameters)
    below = find_joined_pairs(points[:, ::-1], np.ascontiguousarray(down.T), parameters)
    rows, columns = components(len(points), beside), components(len(points), below)
    grid = components(len(points), np.concatenate([beside, below]))
    lattices = []
    for name in np.unique(grid).tolist():
        own = np.flatnonzero(grid == name)
        if len(own) >= MIN_LINES * MIN_LINES - 1:
            lattice = to_lattice(points[own], rows[own], columns[own], parameters)
            parts = [] if lattice is None else split_lattice(lattice, across, down, parameters)
            lattices += [(part, ruled_length(part, across, down, parameters)) for part in parts]
    return sorted(lattices, key=lambda lattice: -lattice[1])


def cell_of(points: Points, grids: Sequence[Points]) -> tuple[Ints, Ints, Ints]:
    """Return the grid, row and column in which each point lies; -1 outside of all grids.

    Parameters
    ----------
    points : ndarray of shape (n, 2), dtype float32
    grids : sequence of ndarray of shape (rows + 1, columns + 1, 2), dtype float32
        In the unit of the points. Where two overlap, the first one counts.
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
    """Return row and column of the cell in which a point lies."""
    corners = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2)
    side = np.roll(corners, -1, axis=2) - corners  # (rows, columns, 4, 2)
    to = point - corners
    inside = (side[..., 0] * to[..., 1] - side[..., 1] * to[..., 0] >= 0).all(axis=2)
    if not inside.any():
        return None
    row, column = np.argwhere(inside)[0].tolist()
    return row, column
