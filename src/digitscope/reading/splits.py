"""Suggest where to cut what may be several digits: paths that cross little ink.

A path runs from the top of a piece to its bottom along a line of some lean, from which it may stray
by a tenth of a digit's height. So it winds between digits that overlap without touching, and goes
through the joint where they touch. Of paths that part the ink in the same way the cheapest one
stays. Which of the cuts are digits' borders, the classifier decides.
"""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.ink import Ink
from digitscope.reading.pieces import Piece, trim

TALL = 40  # pixels to which a digit's height is reduced; all that follows is in these
LEANS = (-0.4, 0.0, 0.4)  # pixels across for each pixel up, beside the lean of the hand
STEP = 2  # pixels between two lines
STRAY = 4  # pixels that a path may leave its line
ASIDE = 0.1  # cost of a step aside, in pixels of full ink
DEAREST = 24  # pixels of full ink on a path; more is no joint
SAME = 30  # pixels of full ink between two paths that part a piece in the same way
ROOM, CROWD = 20, 4  # in so many pixels along the line, at most so many paths


@dataclass(frozen=True, eq=False)
class Cut:
    """A path through a piece.

    Attributes
    ----------
    columns : ndarray of shape (height,), dtype int64
        The first column right of the path in each row of the piece.
    cost : float
        The ink that it crosses, in heights of a digit.
    """

    columns: NDArray[np.int64]
    cost: float

    @cached_property
    def first(self) -> int:
        """Its leftmost column."""
        return int(self.columns.min())

    @cached_property
    def last(self) -> int:
        """Its rightmost column."""
        return int(self.columns.max())


def find_cuts(piece: Piece, height: float, lean: float = 0.0) -> list[Cut]:
    """Return the paths that may be borders of digits, from left to right.

    Parameters
    ----------
    piece : Piece
    height : float
        Of the line's digits, in pixels.
    lean : float
        Pixels that an upright stroke goes to the right per pixel up.
    """
    scale = TALL / height
    size = (max(2, round(piece.width * scale)), max(2, round(piece.height * scale)))
    small = cv2.resize(piece.ink, size, interpolation=cv2.INTER_AREA)
    paths, costs = _paths(small, lean)
    rows = (np.arange(piece.height) * (size[1] / piece.height)).astype(int).clip(0, size[1] - 1)
    columns = ((paths[:, rows] + 0.5) * (piece.width / size[0])).round().astype(np.int64)
    return [Cut(c, float(cost) / TALL) for c, cost in zip(columns, costs, strict=True)]


def part(piece: Piece, left: Cut | None, right: Cut | None, least: float) -> Piece | None:
    """Return what lies between two cuts, or None if that is less ink than `least` pixels."""
    first = 0 if left is None else max(left.first, 0)
    last = piece.width if right is None else min(right.last, piece.width)
    if last <= first:
        return None
    ink = piece.ink[:, first:last].copy()
    columns = np.arange(first, last)
    if left is not None:
        ink[columns < left.columns[:, None]] = 0
    if right is not None:
        ink[columns >= right.columns[:, None]] = 0
    if np.count_nonzero(ink > 127) < max(least, 1):
        return None
    return trim(Piece(piece.left + first, piece.top, ink))


def _paths(ink: Ink, upright: float) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the columns of the best paths, (paths, rows), from left to right, and their costs."""
    rows, columns = ink.shape
    cost = np.pad(ink.astype(np.float32) / np.float32(255), ((0, 0), (1, 1)))
    # One line for each lean and each column that it crosses in the middle row.
    lean, start = np.meshgrid(np.array(LEANS) + upright, np.arange(0, columns, STEP), indexing="ij")
    up = (rows - 1) / 2 - np.arange(rows)
    line = (start.reshape(-1, 1) + lean.reshape(-1, 1) * up).round().astype(np.int64)
    stray = np.arange(-STRAY, STRAY + 1)
    at = (line[:, :, None] + stray + 1).clip(0, columns + 1)  # (lines, rows, ways)
    here = cost[np.arange(rows)[:, None], at]
    total = np.full((rows, len(line), len(stray) + 2), np.inf, np.float32)  # walls on both sides
    total[0, :, 1:-1] = here[:, 0]
    for row in range(1, rows):
        left, straight, right = (total[row - 1, :, k : k + len(stray)] for k in range(3))
        best = np.minimum(np.minimum(left, right) + np.float32(ASIDE), straight)
        np.add(best, here[:, row], out=total[row, :, 1:-1])
    left, straight, right = (total[:-1, :, k : k + len(stray)] for k in range(3))
    left, right = left + np.float32(ASIDE), right + np.float32(ASIDE)
    came = (np.minimum(left, straight) > right).astype(np.int8)
    came[(left <= straight) & (left <= right)] = -1
    each = np.arange(len(line))
    way = total[-1, :, 1:-1].argmin(axis=1)
    costs = total[-1, each, way + 1]
    ways = np.empty((rows, len(line)), np.int64)
    ways[-1] = way
    for row in range(rows - 2, -1, -1):
        way = way + came[row, each, way]
        ways[row] = way
    paths = at[each[:, None], np.arange(rows), ways.T] - 1
    return _choose(cost[:, 1:-1], paths, costs)


def _choose(
    cost: NDArray[np.float32], paths: NDArray[np.int64], costs: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Leave out paths that are dear, that part nothing, or that part as a cheaper one does."""
    rows, columns = cost.shape
    sums = np.pad(cost.cumsum(axis=1), ((0, 0), (1, 0)))
    left = sums[np.arange(rows), (paths + 1).clip(0, columns)]  # ink left of the path in each row
    whole = float(sums[:, -1].sum())
    amount = left.sum(axis=1)
    usable = (costs <= DEAREST) & (amount > SAME) & (amount < whole - SAME)
    middle = paths.mean(axis=1)
    chosen: list[int] = []
    for k in np.argsort(costs, kind="stable").tolist():
        if not usable[k]:
            continue
        near = [j for j in chosen if abs(middle[j] - middle[k]) < ROOM / 2]
        if len(near) < CROWD and all(np.abs(left[j] - left[k]).sum() >= SAME for j in chosen):
            chosen.append(k)
    chosen.sort(key=lambda k: float(amount[k]))
    return paths[chosen] + 1, costs[chosen]
