"""Find in the traced rules of a page the lattices that they make: row lines crossing column lines.

A cell is where four rules have ink on all sides, and a lattice is where most of the cells are. Its
rules are as dense as one another and have paper on both sides: lines of writing, which can be
traced like rules, are broken, and have more writing beside them. Corners that a fold, a glare or a
tint hides are where the flattened sheet has them.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.rules.sheet import (
    Lines,
    Rules,
    find_sheets,
    flatten,
    look_up,
    settle_rules,
)
from digitscope.rules.tracing import STEP, Tracing

Points: TypeAlias = NDArray[np.float32]  # (..., 2), x and y in pixels

ALONE = 0.42  # share of the rules' length on which there must be none
CLOSED = 0.86  # the same in a single row of boxes, where a tall 1 is almost as long as a side
RIM = 0.5  # the same for the first and the last line, of the densest
POOR = 0.77  # of the density of rules before and after it; a line that is more broken is none
SUPPORT = 0.55  # share of a cell's sides on which there must be ink, and half that on each
LEAST_SIDE = 9.0  # working pixels; no cell is smaller
FILLED = 0.6  # share of a lattice's cells that must be bounded on all four sides


@dataclass(frozen=True, eq=False)
class Lattice:
    """Corners of a grid in working pixels, and which cells are ruled on all four sides.

    Attributes
    ----------
    corners : ndarray of shape (rows + 1, columns + 1, 2), dtype float32
    whole : ndarray of shape (rows, columns), dtype bool
    thickness : tuple of ndarray
        Of each row line, shape (rows + 1,), and each column line, in working pixels.
    """

    corners: Points
    whole: NDArray[np.bool_]
    thickness: tuple[NDArray[np.float32], NDArray[np.float32]]


def find_lattices(tracing: Tracing, *, least: tuple[int, int] = (2, 2)) -> list[Lattice]:
    """Return the lattices among the traced rules, the one with most cells first.

    Parameters
    ----------
    tracing : Tracing
    least : tuple of int
        Rows and columns that a lattice must have.
    """
    if "lattices" not in tracing.found:
        tracing.found["lattices"] = _all_lattices(tracing)
    return [
        lattice
        for lattice in tracing.found["lattices"]
        if lattice.whole.shape[0] >= least[0] and lattice.whole.shape[1] >= least[1]
    ]


def _all_lattices(tracing: Tracing) -> list[Lattice]:
    """Return the lattices of at least one cell."""
    across, down = tracing.across, tracing.down
    sheets = []
    for rows, columns in find_sheets(across, down):
        if len(rows) < 2 or len(columns) < 2:
            continue
        row_rules = flatten(across, rows)
        if len(row_rules.lines) < 2:
            continue
        column_rules = flatten(down, columns)
        if len(column_rules.lines) >= 2:
            sheets.append((row_rules, column_rules))
    settled = zip(
        settle_rules(across, [rows for rows, _ in sheets]),
        settle_rules(down, [columns for _, columns in sheets]),
        strict=True,
    )
    lattices = [lattice for rows, columns in settled for lattice in _lattices(rows, columns)]
    return sorted(lattices, key=lambda lattice: -lattice.whole.size)


def _lattices(rows: Rules, columns: Rules) -> list[Lattice]:
    """Return the lattices on one sheet."""
    corners, sides_x, sides_y = _cells(rows, columns)
    while True:
        if min(len(rows.lines), len(columns.lines)) == 2:
            poor = [_poorest(sides, CLOSED) for sides in (sides_x, sides_y.T)]
        else:
            poor = [
                _poorest(_support(rules.quality(), along), POOR)
                for rules, along in ((rows, corners[..., 0]), (columns, corners[..., 1].T))
            ]
        if poor[0] is None and poor[1] is None:
            break
        rows = rows.only(np.arange(len(rows.lines)) != poor[0])
        columns = columns.only(np.arange(len(columns.lines)) != poor[1])
        if len(rows.lines) < 2 or len(columns.lines) < 2:
            return []
        corners, sides_x, sides_y = _cells(rows, columns)
    sides = np.stack([sides_x[:-1], sides_x[1:], sides_y[:, :-1], sides_y[:, 1:]])
    whole = (sides.mean(axis=0) >= SUPPORT) & (sides.min(axis=0) >= SUPPORT / 2)
    found = []
    for r0, r1, c0, c1 in _blocks(whole):
        block = whole[r0:r1, c0:c1]
        if block.mean() < FILLED:
            continue
        if _alone(rows, columns, corners[r0 : r1 + 1, c0 : c1 + 1], r0, c0) < ALONE:
            continue
        if 1 in block.shape:
            thick = [np.median(rows.thickness[r0 : r1 + 1]), np.median(columns.thickness[c0:c1])]
            closed = sides[:, r0:r1, c0:c1].min() >= CLOSED * CLOSED
            if not closed or max(thick) > 2 * min(thick) + 1:
                continue
        found.append(
            Lattice(
                corners[r0 : r1 + 1, c0 : c1 + 1].astype(np.float32),
                block,
                (rows.thickness[r0 : r1 + 1], columns.thickness[c0 : c1 + 1]),
            )
        )
    return found


def _alone(rows: Rules, columns: Rules, corners: Lines, r0: int, c0: int) -> float:
    """Return on which share of their inked length the rules of a block have paper on both sides.

    Of the rows or the columns, whichever is less: the lines of lined paper are real, what is
    traced between them is not.
    """
    shares = []
    for rules, start, along in ((rows, r0, corners[..., 0]), (columns, c0, corners[..., 1].T)):
        alone = seen = 0
        for k, line in enumerate(along):
            stretch = slice(max(0, int(line[0] / STEP)), int(line[-1] / STEP) + 1)
            alone += int(rules.alone[start + k, stretch].sum())
            seen += int(rules.seen[start + k, stretch].sum())
        shares.append(alone / max(seen, 1))
    return min(shares)


def _cells(rows: Rules, columns: Rules) -> tuple[Lines, Lines, Lines]:
    """Return the corners, and on which share of each side of the cells a rule was seen."""
    corners = _corners(rows.lines, columns.lines)
    sides_x = _support(rows.seen, corners[..., 0])  # (row lines, columns)
    sides_y = _support(columns.seen, corners[..., 1].T).T  # (rows, column lines)
    return corners, sides_x, sides_y


def _poorest(sides: Lines, least: float) -> int | None:
    """Return which line is more broken than lines before and after it, if one is.

    A rule is as dense as the others on most of its sides; digits in a row leave gaps on each.
    """
    dense = np.median(sides, axis=1)
    before = np.maximum.accumulate(dense)
    after = np.maximum.accumulate(dense[::-1])[::-1]
    share = dense / np.maximum(np.minimum(before, after), 1e-9)
    # Outside of the first and the last there is nothing to compare them with.
    share[[0, -1]] = dense[[0, -1]] / max(float(dense.max()), 1e-9) * (least / RIM)
    worst = int(share.argmin())
    return worst if share[worst] < least else None


def _corners(rows: Lines, columns: Lines) -> Lines:
    """Return where each row line meets each column line: (rows, columns, 2)."""
    ends_rows = np.array([[0], [rows.shape[1] - 1]]).repeat(len(rows), 1)
    ends_columns = np.array([[0], [columns.shape[1] - 1]]).repeat(len(columns), 1)
    x = columns.mean(axis=1)[None].repeat(len(rows), 0)
    for _ in range(8):
        y = look_up(rows, ends_rows, x)
        before, x = x, look_up(columns, ends_columns, y.T).T
        if np.abs(x - before).max(initial=0) < 0.01:
            break
    return np.stack([x, y], axis=-1)


def _support(seen: NDArray[Any], at: Lines) -> Lines:
    """Return on which share of each stretch between crossings a rule was seen.

    Parameters
    ----------
    seen : ndarray of shape (n, columns)
    at : ndarray of shape (n, m)
        Crossings, in pixels along, ascending.
    """
    sums = np.concatenate([np.zeros((len(seen), 1)), seen.cumsum(axis=1)], axis=1)
    column = np.round(at / STEP).astype(int).clip(0, seen.shape[1])
    inside = np.take_along_axis(sums, column, axis=1)
    share = np.diff(inside, axis=1) / np.maximum(np.diff(column, axis=1), 1)
    result: Lines = np.where(np.diff(at, axis=1) >= LEAST_SIDE, share, 0)
    return result


def _blocks(whole: NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Return the rectangles of touching whole cells: first and past-the-last row and column."""
    _, labels = cv2.connectedComponents(whole.astype(np.uint8), connectivity=4)
    blocks = []
    for label in range(1, int(labels.max(initial=0)) + 1):
        part = labels == label
        rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        r0, r1, c0, c1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        # Stray cells at the rim go: the stump of a merged cell, a frame around the grid.
        while r1 > r0 and c1 > c0:
            inner = part[r0:r1, c0:c1]
            rims = [inner[0].mean(), inner[-1].mean(), inner[:, 0].mean(), inner[:, -1].mean()]
            worst = int(np.argmin(rims))
            if rims[worst] >= 0.5:
                blocks.append((r0, r1, c0, c1))
                break
            r0, r1 = r0 + (worst == 0), r1 - (worst == 1)
            c0, c1 = c0 + (worst == 2), c1 - (worst == 3)
    return blocks
