"""Follow every long thin line on a page: the rules of forms, tables and lined paper.

A rule is thin across and long along. For the roughly horizontal ones the page is squeezed along x,
a white top-hat across keeps what is thin, and sums along short slanted segments find what goes on;
then one sweep over the columns follows each line like a radar follows ships, by its last place and
direction. So a rule may be skewed, bent, in perspective, faint or dotted, and a digit that crosses
it does not end it. The vertical ones are the horizontal ones of the transposed page.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Ink: TypeAlias = NDArray[np.uint8]  # (height, width), 0 = paper, 255 = full ink

WORK_SIDE = 1280  # pixels of the longer side; a larger page is followed on a smaller copy
STEP = 4  # pixels along the rule that become one column
REACH = 9  # columns of a slanted segment
MAX_SLOPE = 0.45  # pixels across per pixel along: 15° of skew and as much of perspective
SLOPES = 13
MAX_MISSES = 7  # columns in which a rule may be invisible
MAX_TRACKS = 500  # in each direction; the longest are kept
FAINT = 24  # of 255; ink at which a segment counts in full
BESIDE = 0.3  # of the darkest ink close by; what is weaker counts in part
COVER = 0.62  # share of a segment that must be ink


@dataclass(frozen=True, eq=False)
class Family:
    """The lines that run one way, in working pixels.

    Attributes
    ----------
    places : ndarray of shape (n, columns), dtype float32
        Where across the line is, in the middle of each column of `STEP` pixels along; NaN beyond
        its ends.
    seen : ndarray of shape (n, columns), dtype bool
        Whether there was ink; the other places are interpolated.
    thickness : ndarray of shape (n,), dtype float32
    ink : ndarray of shape (across, columns), dtype uint8
        What is thin across, 255 = as dark as a rule.
    """

    places: NDArray[np.float32]
    seen: NDArray[np.bool_]
    thickness: NDArray[np.float32]
    ink: Ink

    def __len__(self) -> int:
        return len(self.thickness)

    def lengths(self) -> NDArray[np.int64]:
        """Return how many pixels long each line is."""
        count: NDArray[np.int64] = (~np.isnan(self.places)).sum(axis=1)
        return count * STEP


@dataclass(frozen=True, eq=False)
class Tracing:
    """All long thin lines of a page.

    Attributes
    ----------
    scale : float
        Page pixels per working pixel, at least 1.
    work : ndarray of shape (height, width), dtype uint8
        The page as it was followed, 0 = paper.
    across, down : Family
        Lines from left to right (places are y), and from top to bottom (places are x).
    """

    scale: float
    work: Ink
    across: Family
    down: Family


def trace_rules(ink: Ink) -> Tracing:
    """Return the long thin lines on a page.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        0 = paper, 255 = full ink.
    """
    height, width = ink.shape
    scale = max(1.0, max(height, width) / WORK_SIDE)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    work = ink if scale == 1 else cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    across = _follow(*_segments(work))
    down = _follow(*_segments(np.ascontiguousarray(work.T)))
    return Tracing(scale=scale, work=work, across=across, down=down)


def widest(shape: tuple[int, ...]) -> int:
    """Return how many pixels thick a rule may be on a page of that shape."""
    return max(7, round(max(shape) / 60)) | 1


def _segments(work: Ink) -> tuple[Ink, Ink, Ink]:
    """Return what is thin, how well segments through each place are covered, and their slope."""
    height, width = work.shape
    columns = max(1, width // STEP)
    thin = cv2.resize(
        work[:, : columns * STEP], (columns, height), interpolation=cv2.INTER_AREA
    ).reshape(height, columns)
    kernel = np.ones((widest(work.shape), 1), np.uint8)
    hat = cv2.morphologyEx(thin, cv2.MORPH_TOPHAT, kernel).reshape(height, columns)
    floor = 2.0 * float(np.median(hat))  # the grain of the paper
    hat = cv2.subtract(hat, (floor,))
    # Beside a strong rule a weak one is none, but the grain of a tint or the shadow of a fold.
    strong = cv2.dilate(hat, kernel)
    soft = cv2.divide(hat, cv2.max(cv2.convertScaleAbs(strong, alpha=BESIDE), FAINT), scale=255)
    soft = cv2.dilate(soft, np.ones((3, 1), np.uint8))
    best = np.zeros((height, columns), np.uint8)
    slope = np.full((height, columns), SLOPES // 2, np.uint8)
    half = REACH // 2
    for index, lean in enumerate(np.linspace(-MAX_SLOPE, MAX_SLOPE, SLOPES) * STEP):
        rise = np.round(lean * np.arange(-half, half + 1)).astype(int)
        tall = int(np.abs(rise).max())
        line = np.zeros((2 * tall + 1, REACH), np.float32)
        line[rise + tall, np.arange(REACH)] = 1 / REACH
        cover = cv2.filter2D(soft, cv2.CV_8U, line, borderType=cv2.BORDER_REPLICATE)
        cv2.copyTo(np.full_like(best, index), cv2.compare(cover, best, cv2.CMP_GT), slope)
        cv2.max(best, cover, best)
    return soft, best, slope


def _follow(soft: Ink, best: Ink, slope: Ink) -> Family:
    """Follow the lines from column to column."""
    height, columns = best.shape
    thickest = widest((height, columns * STEP)) + 4
    # What is covered over a shorter way than a segment is a stroke of something.
    covered = cv2.threshold(best, COVER * 255, 1, cv2.THRESH_BINARY)[1]
    _, labels, stats, _ = cv2.connectedComponentsWithStats(covered)
    covered[(stats[:, cv2.CC_STAT_WIDTH] < REACH - 2)[labels]] = 0
    # Runs of covered places down each column, sorted by column and then by place.
    column, first, last = runs(np.ascontiguousarray(covered.T))
    bounds = np.searchsorted(column, np.arange(columns + 1)).tolist()
    centres, sizes = (first + last) / 2, last - first + 1.0
    start_leans = np.linspace(-MAX_SLOPE, MAX_SLOPE, SLOPES) * STEP
    start_leans = start_leans[slope[centres.astype(int), column]]

    place = lean = thick = missed = age = np.zeros(0)
    name = np.zeros(0, int)
    born = 0
    log: list[tuple[NDArray[Any], int, NDArray[Any], NDArray[Any]]] = []
    for c in range(columns):
        begin, end = bounds[c], bounds[c + 1]
        if begin == end:
            if len(place):
                place, missed = place + lean, missed + 1
                alive = missed <= np.minimum(MAX_MISSES, age)
                place, lean, thick, missed, age, name = (
                    values[alive] for values in (place, lean, thick, missed, age, name)
                )
            continue
        centre, run = centres[begin:end], sizes[begin:end]
        fresh = run <= thickest
        if len(place):
            place = place + lean
            right = centre.searchsorted(place).clip(0, end - begin - 1)
            left = (right - 1).clip(0)
            off_right = np.abs(centre[right] - place) - 0.5 * (run[right] - thick).clip(0)
            off_left = np.abs(centre[left] - place) - 0.5 * (run[left] - thick).clip(0)
            choice = np.where(off_left <= off_right, left, right)
            good = np.flatnonzero(np.minimum(off_left, off_right) <= 2.0 + 0.4 * missed)
            # One line for a run: the one that has been followed longest.
            order = good[age[good].argsort(kind="stable")]
            owner = np.full(end - begin, -1)
            owner[choice[order]] = order
            fresh[choice[good]] = False
            j = np.flatnonzero(owner >= 0)
            on = owner[j]
            missed += 1
            missed[on] = 0
            age[on] += 1
            if len(j):
                ran, had, expected = run[j], thick[on], place[on]
                slack = (0.5 * (ran - had)).clip(0)
                seen = centre[j] + (expected - centre[j]).clip(-slack, slack)
                seen = np.where(ran <= 1.3 * had + 1, centre[j], seen)
                error = seen - expected
                lean[on] += 0.12 * error
                place[on] += 0.5 * error
                thick[on] = had + 0.15 * (np.minimum(ran, had * 1.5 + 1) - had)
                log.append((name[on], c, seen, thick[on]))
            alive = missed <= np.minimum(MAX_MISSES, age)
        else:
            alive = np.zeros(0, bool)
        new = np.flatnonzero(fresh)
        if len(new) or not alive.all():
            names = np.arange(born, born + len(new))
            born += len(new)
            log.append((names, c, centre[new], run[new]))
            place = np.concatenate([place[alive], centre[new]])
            lean = np.concatenate([lean[alive], start_leans[begin:end][new]])
            thick = np.concatenate([thick[alive], run[new]])
            missed = np.concatenate([missed[alive], np.zeros(len(new))])
            age = np.concatenate([age[alive], np.ones(len(new))])
            name = np.concatenate([name[alive], names])
    return _collect(log, soft)


def runs(mask: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, first and last column of every run of ones along the rows of a 0/1 mask."""
    change = np.diff(np.pad(mask.view(np.int8), ((0, 0), (1, 1))), axis=1)
    row, first = np.nonzero(change == 1)
    return row, first, np.nonzero(change == -1)[1] - 1


def _collect(log: list[tuple[NDArray[Any], int, NDArray[Any], NDArray[Any]]], ink: Ink) -> Family:
    """Turn the log of sightings (name, column, place, thickness) into smooth lines."""
    columns = ink.shape[1]
    empty = np.zeros(0)
    names = np.concatenate([empty.astype(int), *(entry[0] for entry in log)])
    order = names.argsort(kind="stable")
    at_column = np.repeat([entry[1] for entry in log], [len(entry[0]) for entry in log])
    at_column = at_column.astype(int)[order]
    at_place = np.concatenate([empty, *(entry[2] for entry in log)])[order]
    at_thick = np.concatenate([empty, *(entry[3] for entry in log)])[order]
    _, starts, counts = np.unique(names[order], return_index=True, return_counts=True)
    long = np.flatnonzero(counts >= REACH - 2)
    long = np.sort(long[np.argsort(-counts[long], kind="stable")][:MAX_TRACKS])
    places = np.full((len(long), columns), np.nan, np.float32)
    seen = np.zeros((len(long), columns), bool)
    thickness = np.zeros(len(long), np.float32)
    for row, k in enumerate(long):
        part = slice(starts[k], starts[k] + counts[k])
        at = at_column[part]
        first, last = at[0], at[-1]
        line = np.interp(np.arange(first, last + 1), at, at_place[part])
        places[row, first : last + 1] = _smooth(line)
        seen[row, at] = True
        # The segments add 2 pixels by their dilation.
        thickness[row] = max(1.0, float(np.median(at_thick[part])) - 2)
    return Family(places, seen, thickness, ink)


def _smooth(line: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a line without its jitter: the median of 5, then the mean of 5, ends continued."""
    for kind in ("median", "mean"):
        reach = min(2, (len(line) - 1) // 2)
        if not reach:
            return line
        head = 2 * line[0] - line[reach:0:-1]
        tail = 2 * line[-1] - line[-2 : -2 - reach : -1]
        around = np.lib.stride_tricks.sliding_window_view(
            np.concatenate([head, line, tail]), 2 * reach + 1
        )
        line = np.median(around, axis=1) if kind == "median" else around.mean(axis=1)
    return line


def darkest_path(score: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return for each line the offset at each column that follows the darkest way through it.

    Parameters
    ----------
    score : ndarray of shape (lines, offsets, width)
        From 0 to 1.
    """
    lines, offsets, width = score.shape
    score = score - np.float32(0.02) * np.abs(np.arange(offsets) - offsets // 2)[:, None]
    score = np.ascontiguousarray(score.transpose(2, 0, 1), np.float32)
    came = np.zeros((width, lines, offsets), np.int8)
    total = np.full((lines, offsets + 2), -np.inf, np.float32)  # with a wall on both sides
    total[:, 1:-1] = score[0]
    for column in range(1, width):
        below, above = total[:, :-2] - np.float32(0.15), total[:, 2:] - np.float32(0.15)
        step = came[column]
        step -= below > total[:, 1:-1]
        best = np.maximum(below, total[:, 1:-1])
        step[above > best] = 1
        total[:, 1:-1] = np.maximum(best, above) + score[column]
    total = total[:, 1:-1]
    at = total.argmax(axis=1)
    path = np.empty((lines, width), np.int64)
    each = np.arange(lines)
    for column in range(width - 1, -1, -1):
        path[:, column] = at
        at = at + came[column, each, at]
    return path
