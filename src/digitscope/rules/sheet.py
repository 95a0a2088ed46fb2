"""Flatten the sheet on which the traced rules of a page lie.

Rules that cross one another lie on one sheet, which may be skewed, seen from the side and bent. So
a smooth function of the place is fitted that is constant along every rule of one direction. On the
flattened sheet the pieces of a broken rule fall on one level, and what was traced along a digit is
a short thing between long ones. Then each rule is moved onto the ink beside it.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.rules.tracing import REACH, STEP, Family, darkest_path, medians, runs

Lines: TypeAlias = NDArray[np.float64]  # (n, columns), places across; no gaps

DEGREE = 4  # of the polynomial that flattens the sheet
STIFF = 1e-3  # how much bending costs
LEVEL = 0.12  # pixels across per pixel along, on the flattened sheet; what rises more is no rule
SHORT = 0.3  # of the length of longer rules on both its sides; a shorter one is none
OVERSHOOT = 5  # columns by which a rule may miss the one it ends at
SETTLE = 8.0  # pixels by which a line may be moved onto ink
INKED = 100  # of 255; what is as dark is a rule
ASIDE = 4.0  # pixels from a rule's edge, where a line of writing has ink, too


@dataclass(frozen=True, eq=False)
class Rules:
    """The rules of one direction on one sheet, from top to bottom or from left to right."""

    lines: Lines
    seen: NDArray[np.bool_]
    thickness: NDArray[np.float32]
    alone: NDArray[np.bool_]  # where it was seen with paper on both sides

    def quality(self) -> Lines:
        """Return where there is ink: 1 for that of a rule alone, 0.75 with more ink beside it."""
        return 0.75 * self.seen + 0.25 * self.alone

    def only(self, keep: NDArray[np.bool_]) -> "Rules":
        """Return some of them."""
        return Rules(self.lines[keep], self.seen[keep], self.thickness[keep], self.alone[keep])


def find_sheets(across: Family, down: Family) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return groups of row lines and column lines that cross one another around cells."""
    if not len(across) or not len(down):
        return []
    crossing = _cross(across, down)
    group = np.full(len(across), -1)
    sheets = []
    for start in range(len(across)):
        if group[start] >= 0 or not crossing[start].any():
            continue
        rows = np.zeros(len(across), bool)
        rows[start] = True
        while True:
            columns = crossing[rows].any(axis=0)
            more = crossing[:, columns].any(axis=1)
            if (more == rows).all():
                break
            rows = np.array(more)
        group[rows] = start
        # Lines that cross like the branches of a tree bound no cell.
        if crossing[rows].sum() >= rows.sum() + columns.sum():
            sheets.append((np.flatnonzero(rows), np.flatnonzero(columns)))
    return sheets


def _cross(across: Family, down: Family) -> NDArray[np.bool_]:
    """Return which row lines cross or all but touch which column lines: bool (rows, columns)."""
    reach = OVERSHOOT * STEP
    ends = [_ends(family) for family in (across, down)]  # first and last column of each line
    # Where the column line is at its middle height says which part of the row line to look at.
    x = np.nanmean(down.places, axis=1)[None].repeat(len(across), 0)
    for _ in range(4):
        y = look_up(across.places, ends[0], x)
        x = look_up(down.places, ends[1], y.T).T
    y = look_up(across.places, ends[0], x)
    along_x = (ends[0] + [[0], [1]]) * STEP
    along_y = (ends[1] + [[0], [1]]) * STEP
    crossing: NDArray[np.bool_] = (
        (x >= along_x[0][:, None] - reach)
        & (x <= along_x[1][:, None] + reach)
        & (y >= along_y[0] - reach)
        & (y <= along_y[1] + reach)
    )
    return crossing


def _ends(family: Family) -> NDArray[np.int64]:
    here = ~np.isnan(family.places)
    return np.stack([here.argmax(axis=1), here.shape[1] - 1 - here[:, ::-1].argmax(axis=1)])


def look_up(places: NDArray[Any], ends: NDArray[np.int64], at: NDArray[np.float64]) -> Lines:
    """Return the place of each line (one a row) at some pixels along; its end's beyond that."""
    column = np.clip(at / STEP - 0.5, ends[0][:, None], ends[1][:, None])
    left = column.astype(int)
    right = np.minimum(left + 1, ends[1][:, None])
    rows = np.arange(len(places))[:, None]
    a, b = places[rows, left], places[rows, right]
    value: Lines = a + (b - a) * (column - left)
    return value


def flatten(family: Family, members: NDArray[np.int64]) -> Rules:
    """Fit the sheet to some lines, join those on one level, and leave out what is no rule."""
    here = ~np.isnan(family.places[members])
    # Only the part of the page where the sheet lies.
    known = np.flatnonzero(here.any(axis=0))
    lo, hi = max(0, int(known[0]) - REACH), int(known[-1]) + 1 + REACH
    part = family.places[members, lo:hi], family.seen[members, lo:hi]
    rules = _flatten(*part, family.thickness[members])
    seen = np.zeros((len(rules.lines), here.shape[1]), bool)
    seen[:, lo:hi] = rules.seen
    columns = np.arange(-lo, here.shape[1] - lo)
    lines = rules.lines[:, columns.clip(0, rules.lines.shape[1] - 1)]
    return Rules(lines, seen, rules.thickness, seen)


def _flatten(
    places: NDArray[Any], seen: NDArray[np.bool_], thickness: NDArray[np.float32]
) -> Rules:
    """Do what `flatten` does, for lines in a part of the page."""
    places = places.astype(np.float64)
    here = ~np.isnan(places)
    which, column = np.nonzero(here)
    along, across = (column + 0.5) * STEP, places[which, column]
    middle, size = _frame(along, across)
    count = here.sum(axis=1)
    start = count.cumsum() - count
    weight = (count / count.max()) ** 0.5
    terms = _terms((along - middle[0]) / size, (across - middle[1]) / size)

    def centred(values: Lines) -> Lines:
        """Return values, less the mean of each line."""
        result: Lines = values - (np.add.reduceat(values, start) / count[:, None])[which]
        return result

    target = centred((across[:, None] - middle[1]) / size)[:, 0]
    spread = centred(terms)
    penalty = STIFF * len(target) * _bending()
    for _ in range(4):
        scaled = spread * weight[which, None]
        factors = np.linalg.solve(
            scaled.T @ scaled + np.diag(penalty), -scaled.T @ (target * weight[which])
        )
        off = np.add.reduceat((target + spread @ factors) ** 2, start)
        off = np.sqrt(off / count) * size
        typical = max(0.5, _weighted_median(off, count))
        weight = (count / count.max()) ** 0.5 / np.maximum(1, off / (2 * typical))
    heights = np.full(places.shape, np.nan)
    heights[which, column] = across + size * (terms @ factors)  # on the flattened sheet
    piece = _level_pieces(heights, seen)
    source = np.array([k for k, _, _ in piece], int)
    lengths = np.array([last - first for _, first, last in piece], int)
    inside = [heights[k, first:last] for k, first, last in piece]
    level = medians(np.concatenate([np.zeros(0), *inside]), lengths)
    thickness = thickness[source]

    # The longest pieces found levels, on which the shorter ones settle.
    names = np.full(len(piece), -1)
    levels: list[float] = []
    for k in np.argsort(-lengths, kind="stable"):
        apart = np.abs(np.array(levels) - level[k]) if levels else np.array([np.inf])
        near = int(apart.argmin())
        if apart[near] <= 2.0 + thickness[k] / 2:
            names[k] = near
        else:
            names[k] = len(levels)
            levels.append(level[k])
    place = np.full((len(levels), places.shape[1]), np.nan)
    for k in np.argsort(lengths, kind="stable"):  # the longest last: it prevails
        _, first, last = piece[k]
        place[names[k], first:last] = np.where(
            seen[source[k], first:last], places[source[k], first:last], place[names[k], first:last]
        )
    order = np.argsort(levels)
    total = (~np.isnan(place)).sum(axis=1)[order]
    above = np.maximum.accumulate(total)
    below = np.maximum.accumulate(total[::-1])[::-1]
    good = order[(total >= SHORT * np.minimum(above, below)) & (total >= REACH - 2)]

    columns = np.arange(places.shape[1])
    x = np.broadcast_to(((columns + 0.5) * STEP - middle[0]) / size, (len(good), len(columns)))
    x, own = x.clip(-1.5, 1.5), np.array(levels)[good][:, None]
    lines = np.broadcast_to(own, x.shape)
    for _ in range(5):
        y = ((lines - middle[1]) / size).clip(-1.5, 1.5)
        before, lines = lines, own - size * (_terms(x, y) @ factors)
        if np.abs(lines - before).max(initial=0) < 0.02:
            break
    # What was seen counts; between and beyond, what is left over fades into its neighbours.
    for row, name in enumerate(good):
        known = np.flatnonzero(~np.isnan(place[name]))
        rest = place[name, known] - lines[row, known]
        lines[row] += np.interp(columns, known, rest)
    return Rules(
        lines,
        ~np.isnan(place[good]),
        _means(thickness, names, lengths)[good],
        ~np.isnan(place[good]),
    )


def settle_rules(family: Family, sheets: list[Rules]) -> list[Rules]:
    """Move the rules of each sheet onto the ink beside them, and look where there is ink."""
    if not sheets:
        return []
    gaps = [np.median(np.abs(np.diff(rules.lines.mean(axis=1)))) for rules in sheets]
    counts = [len(rules.lines) for rules in sheets]
    reach = np.repeat(np.minimum(SETTLE, 0.2 * np.array(gaps)), counts)
    lines = settle(family, np.concatenate([rules.lines for rules in sheets]), reach)
    edge = np.concatenate([rules.thickness for rules in sheets])[:, None] / 2 + ASIDE
    seen, above, below = (
        inked(family, lines + offset) for offset in (np.zeros_like(edge), -edge, edge)
    )
    alone = seen & ~above & ~below
    ends = np.cumsum(counts)[:-1]
    return [
        Rules(line, ink, rules.thickness, free)
        for rules, line, ink, free in zip(
            sheets, *(np.split(part, ends) for part in (lines, seen, alone)), strict=True
        )
    ]


def settle(family: Family, lines: Lines, reach: Lines | float) -> Lines:
    """Move lines onto the ink that is at most so many pixels beside them."""
    height, columns = family.ink.shape
    far = np.round(np.broadcast_to(reach, len(lines))).astype(int)
    most = int(far.max(initial=0))
    offsets = np.arange(-most, most + 1)
    around = np.round(lines).astype(int)[:, None] + offsets[:, None]
    smooth = cv2.blur(family.ink, (3, 1)).reshape(height, columns)
    score = smooth[around.clip(0, height - 1), np.arange(columns)].astype(np.float32) / 255
    score[np.abs(offsets) > far[:, None]] = -np.inf
    moved: Lines = lines + darkest_path(score) - most
    return moved


def inked(family: Family, lines: Lines) -> NDArray[np.bool_]:
    """Return where there is ink along lines, one for each row."""
    height, columns = family.ink.shape
    seen = np.zeros(lines.shape, bool)
    for beside in (-1, 0, 1):
        place = (np.round(lines).astype(int) + beside).clip(0, height - 1)
        seen |= family.ink[place, np.arange(columns)] >= INKED
    return seen


def _level_pieces(heights: Lines, seen: NDArray[np.bool_]) -> list[tuple[int, int, int]]:
    """Cut lines where they leave their level, and return the pieces: line, first, past the last.

    A rule that ran into the stroke of a digit leaves it there; the stroke itself is on no level.
    """
    reach = 3
    padded = heights[:, np.arange(-reach, heights.shape[1] + reach).clip(0, heights.shape[1] - 1)]
    rise = np.abs(padded[:, 2 * reach :] - padded[:, : -2 * reach])
    # At an end the line is compared with itself, over a shorter way.
    here = ~np.isnan(heights)
    ahead, behind = padded[:, 2 * reach :], padded[:, : -2 * reach]
    rise = np.where(np.isnan(ahead), 2 * np.abs(heights - behind), rise)
    rise = np.where(np.isnan(behind), 2 * np.abs(ahead - heights), rise)
    level = here & (np.nan_to_num(rise) <= LEVEL * 2 * reach * STEP)
    line, first, last = runs(level.view(np.uint8))
    sums = np.zeros((len(seen), seen.shape[1] + 1), np.int64)
    seen.cumsum(axis=1, out=sums[:, 1:])
    good = sums[line, last + 1] - sums[line, first] >= 2 * reach
    pieces = np.stack([line, first, last + 1], axis=1)[good].tolist()
    return [(k, a, b) for k, a, b in pieces]


def _frame(along: NDArray[Any], across: NDArray[Any]) -> tuple[Lines, float]:
    """Return the middle of a sheet and half of its larger side."""
    low = np.array([along.min(), across.min()])
    high = np.array([along.max(), across.max()])
    return (low + high) / 2, float(max((high - low).max() / 2, STEP))


def _powers() -> list[tuple[int, int]]:
    return [(p, q) for p in range(1, DEGREE + 1) for q in range(DEGREE + 1 - p)]


def _terms(along: Lines, across: Lines) -> Lines:
    """Return along^p × across^q with p at least 1: on the line along = 0 nothing moves."""
    a, b = [np.ones_like(along)], [np.ones_like(across)]
    for _ in range(DEGREE):
        a.append(a[-1] * along)
        b.append(b[-1] * across)
    return np.stack([a[p] * b[q] for p, q in _powers()], axis=-1)


def _bending() -> Lines:
    """Return what each term costs: skew next to nothing, bends the more the rougher."""
    return np.array([1e-4 if p + q <= 1 else (p + q - 1.0) ** 2 * 0.1 for p, q in _powers()])


def _means(
    values: NDArray[np.float32], names: NDArray[np.int64], weights: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Return the weighted mean of the values of each name."""
    n = int(names.max(initial=-1)) + 1
    sums = np.bincount(names, values * weights, minlength=n)
    means: NDArray[np.float32] = (sums / np.bincount(names, weights, minlength=n)).astype(
        np.float32
    )
    return means


def _weighted_median(values: Lines, weights: NDArray[np.int64]) -> float:
    order = np.argsort(values)
    total = weights[order].cumsum()
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
