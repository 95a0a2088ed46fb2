"""Follow every long thin line on a page: the rules of forms, tables and lined paper.

A rule is thin across and long along. For the roughly horizontal ones the page is squeezed along x,
a white top-hat across keeps what is thin, and sums along short slanted segments find what goes on;
then one sweep over the columns follows each line like a radar follows ships, by its last place and
direction. So a rule may be skewed, bent, in perspective, faint or dotted, and a digit that crosses
it does not end it. The vertical ones are the horizontal ones of the transposed page.
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.ink import components

Ink: TypeAlias = NDArray[np.uint8]  # (height, width), 0 = paper, 255 = full ink

WORK_SIDE = 1280  # pixels of the longer side; a larger page is followed on a smaller copy
STEP = 4  # pixels along the rule that become one column
REACH = 9  # columns of a slanted segment
MAX_SLOPE = 0.45  # pixels across per pixel along: 15° of skew and as much of perspective
SLOPES = 13
MAX_MISSES = 7  # columns in which a rule may be invisible
PAD = 2  # columns before and after, over which a line is smoothed
FAR = 1000  # pixels between planes that are followed side by side
MAX_TRACKS = 500  # in each direction; the longest are kept
FAINT = 24  # of 255; ink at which a segment counts in full
BESIDE = 0.3  # of the darkest ink close by; what is weaker counts in part
TURN = np.float32(0.15)  # what a step aside costs on the darkest path
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
    found : dict
        What was worked out from them and may be asked for again.
    """

    scale: float
    work: Ink
    across: Family
    down: Family
    found: dict[str, Any] = field(default_factory=dict, repr=False)


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
    across, down = _follow([_segments(work), _segments(cv2.transpose(work))])
    return Tracing(scale=scale, work=work, across=across, down=down)


def quantile(plane: Ink, share: float) -> int:
    """Return the value below or at which that share of a plane's pixels lies."""
    counts = cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel().cumsum(dtype=np.float64)
    return int(np.searchsorted(counts, share * counts[-1]))


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
    floor = 2.0 * quantile(hat, 0.5)  # the grain of the paper
    hat = cv2.subtract(hat, (floor,))
    # Beside a strong rule a weak one is none, but the grain of a tint or the shadow of a fold.
    strong = cv2.dilate(hat, kernel)
    soft = cv2.divide(hat, cv2.max(cv2.convertScaleAbs(strong, alpha=BESIDE), FAINT), scale=255)
    soft = cv2.dilate(soft, np.ones((3, 1), np.uint8))
    best = np.zeros((height, columns), np.uint8)
    slope = np.full((height, columns), SLOPES // 2, np.uint8)
    for index, lean in enumerate(np.linspace(-MAX_SLOPE, MAX_SLOPE, SLOPES) * STEP):
        cover = _cover(soft, lean)
        cv2.copyTo(np.full_like(best, index), cv2.compare(cover, best, cv2.CMP_GT), slope)
        cv2.max(best, cover, best)
    return soft, best, slope


def _cover(soft: Ink, lean: float) -> Ink:
    """Return how well the segment of that lean through each place is covered.

    Its halves are added up one after the other: a kernel that holds a steep one whole is so large
    that OpenCV would go by way of a Fourier transform, which takes ten times as long.
    """
    sums = []
    half = REACH // 2
    for along in (np.arange(-half, 1), np.arange(1, half + 1)):
        rise = np.round(lean * along).astype(int)
        left, top = min(int(along[0]), 0), min(int(rise.min()), 0)
        kernel = np.zeros((max(int(rise.max()), 0) - top + 1, half + 1), np.float32)
        kernel[rise - top, along - left] = 1
        anchor = (-left, -top)
        sums.append(
            cv2.filter2D(soft, cv2.CV_16S, kernel, anchor=anchor, borderType=cv2.BORDER_REPLICATE)
        )
    cover: Ink = cv2.convertScaleAbs(cv2.add(*sums), alpha=1 / REACH)
    return cover


def _sightings(best: Ink, slope: Ink) -> tuple[NDArray[Any], ...]:
    """Return the runs of covered places: column, middle, size and direction of each."""
    # What is covered over a shorter way than a segment is a stroke of something.
    covered = cv2.threshold(best, COVER * 255, 1, cv2.THRESH_BINARY)[1]
    labels, boxes = components(covered)
    covered &= (boxes[:, 2] - boxes[:, 0] >= REACH - 2)[labels]
    # Runs of covered places down each column, sorted by column and then by place.
    column, first, last = runs(cv2.transpose(covered))
    centre = (first + last) / 2
    leans = np.linspace(-MAX_SLOPE, MAX_SLOPE, SLOPES) * STEP
    return column, centre, last - first + 1.0, leans[slope[centre.astype(int), column]]


def _follow(planes: list[tuple[Ink, Ink, Ink]]) -> list[Family]:
    """Follow the lines from column to column, on all planes side by side at once."""
    height = max(len(best) for _, best, _ in planes)
    columns = max(best.shape[1] for _, best, _ in planes)
    thickest = widest((height, columns * STEP)) + 4
    apart = height + FAR
    found = [_sightings(best, slope) for _, best, slope in planes]
    column, centres, sizes, start_leans = (
        np.concatenate(part) for part in zip(*found, strict=True)
    )
    centres = centres + np.repeat(np.arange(len(planes)) * apart, [len(part[0]) for part in found])
    order = np.argsort(column, kind="stable")
    centres, sizes, start_leans = centres[order], sizes[order], start_leans[order]
    bounds = np.searchsorted(column[order], np.arange(columns + 1)).tolist()

    # What is known of each line: its place, lean, thickness, misses, sightings and name.
    lines = np.zeros((6, 0))
    born = 0
    log: list[tuple[NDArray[Any], int, NDArray[Any], NDArray[Any]]] = []
    for c in range(columns):
        begin, end = bounds[c], bounds[c + 1]
        if begin == end:
            if lines.shape[1]:
                lines[0] += lines[1]
                lines[3] += 1
                alive = lines[3] <= np.minimum(MAX_MISSES, lines[4])
                if not alive.all():
                    lines = lines[:, alive]
            continue
        centre, run = centres[begin:end], sizes[begin:end]
        fresh = run <= thickest
        place, lean, thick, missed, age, name = lines
        if len(place):
            place += lean
            right = np.minimum(centre.searchsorted(place), end - begin - 1)
            left = np.maximum(right - 1, 0)
            off_right = np.abs(centre[right] - place) - np.maximum(0.5 * (run[right] - thick), 0)
            off_left = np.abs(centre[left] - place) - np.maximum(0.5 * (run[left] - thick), 0)
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
                slack = np.maximum(0.5 * (ran - had), 0)
                seen = centre[j] + np.minimum(np.maximum(expected - centre[j], -slack), slack)
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
            first = np.zeros((6, len(new)))
            first[0], first[1], first[2] = centre[new], start_leans[begin:end][new], run[new]
            first[4], first[5] = 1, names
            lines = np.concatenate([lines[:, alive], first], axis=1)
    return _collect(log, [soft for soft, _, _ in planes], apart)


def runs(mask: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return row, first and last column of every run of ones along the rows of a 0/1 mask."""
    height, width = mask.shape
    # All rows behind one another, a zero before each and behind the last.
    flat = np.zeros(height * (width + 1) + 1, np.bool_)
    flat[:-1].reshape(height, width + 1)[:, 1:] = mask
    change = np.flatnonzero(flat[1:] != flat[:-1])
    row, first = np.divmod(change[::2], width + 1)
    return row, first, first + change[1::2] - change[::2] - 1


def _collect(
    log: list[tuple[NDArray[Any], int, NDArray[Any], NDArray[Any]]], planes: list[Ink], apart: int
) -> list[Family]:
    """Turn the log of sightings (name, column, place, thickness) into smooth lines."""
    empty = np.zeros(0)
    names = np.concatenate([empty, *(entry[0] for entry in log)])
    order = names.argsort(kind="stable")
    at_column = np.repeat([entry[1] for entry in log], [len(entry[0]) for entry in log])
    at_column = at_column.astype(int)[order]
    at_place = np.concatenate([empty, *(entry[2] for entry in log)])[order]
    at_thick = np.concatenate([empty, *(entry[3] for entry in log)])[order]
    _, starts, counts = np.unique(names[order], return_index=True, return_counts=True)
    long = np.flatnonzero(counts >= REACH - 2)
    plane = ((at_place[starts] + FAR / 2) // apart)[long]
    families = []
    for k, ink in enumerate(planes):
        mine = long[plane == k]
        mine = np.sort(mine[np.argsort(-counts[mine], kind="stable")][:MAX_TRACKS])
        parts = [np.arange(starts[i], starts[i] + counts[i]) for i in mine]
        at = np.concatenate([empty.astype(int), *parts])
        families.append(
            _lines(at_column[at], at_place[at] - k * apart, at_thick[at], counts[mine], ink)
        )
    return families


def _lines(
    column: NDArray[np.int64],
    place: NDArray[np.float64],
    thick: NDArray[np.float64],
    counts: NDArray[np.int64],
    ink: Ink,
) -> Family:
    """Return the lines that were seen so many times each, one after another."""
    n, columns = len(counts), ink.shape[1]
    places = np.full((n, columns), np.nan, np.float32)
    seen = np.zeros((n, columns), bool)
    thickness = np.zeros(n, np.float32)
    if n:
        row = np.repeat(np.arange(n), counts)
        seen[row, column] = True
        # The segments add 2 pixels by their dilation.
        thickness[:] = np.maximum(1.0, medians(thick, counts) - 2)
        first, last = column[counts.cumsum() - counts], column[counts.cumsum() - 1]
        # All lines behind one another, each with room for `PAD` places before and after it.
        begin = PAD + (last - first + 1 + 2 * PAD).cumsum() - (last - first + 1 + 2 * PAD)
        shift = begin - first
        end = shift + last
        line = np.interp(np.arange(end[-1] + PAD + 1), column + shift[row], place)
        line = _smooth(line, begin, end)
        owner = np.repeat(np.arange(n), last - first + 1)
        inside = np.concatenate([np.arange(a, b + 1) for a, b in zip(begin, end, strict=True)])
        places[owner, inside - shift[owner]] = line[inside]
    return Family(places, seen, thickness, ink)


def medians(values: NDArray[Any], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the median of each group of values; the groups follow one another."""
    ordered = values[np.lexsort((values, np.repeat(np.arange(len(counts)), counts)))]
    start = counts.cumsum() - counts
    both: NDArray[np.float64] = ordered[start + (counts - 1) // 2] + ordered[start + counts // 2]
    return both / 2


def _smooth(
    line: NDArray[np.float64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return lines without their jitter: the median of 5, then the mean of 5, ends continued."""
    for kind in ("median", "mean"):
        for k in range(1, PAD + 1):
            line[begin - k] = 2 * line[begin] - line[begin + k]
            line[end + k] = 2 * line[end] - line[end - k]
        a, b, c, d, e = np.lib.stride_tricks.sliding_window_view(line, 2 * PAD + 1).T
        if kind == "mean":
            middle = (a + b + c + d + e) / 5
        else:
            f = np.maximum(np.minimum(a, b), np.minimum(d, e))
            g = np.minimum(np.maximum(a, b), np.maximum(d, e))
            middle = np.maximum(np.minimum(f, g), np.minimum(np.maximum(f, g), c))
        line = np.concatenate([line[:PAD], middle, line[-PAD:]])
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
    score = np.ascontiguousarray(score.transpose(2, 1, 0), np.float32)
    total = np.full((width, offsets + 2, lines), -np.inf, np.float32)  # a wall on both sides
    total[0, 1:-1] = score[0]
    beside = np.empty((offsets, lines), np.float32)
    for before, now, below, above, here in zip(
        total[:-1, 1:-1], total[1:, 1:-1], total[:-1, :-2], total[:-1, 2:], score[1:], strict=True
    ):
        np.maximum(below, above, out=beside)
        np.subtract(beside, TURN, out=beside)
        np.maximum(before, beside, out=now)
        np.add(now, here, out=now)
    below, above = total[:-1, :-2] - TURN, total[:-1, 2:] - TURN
    best = np.maximum(below, total[:-1, 1:-1])
    came = (above > best).astype(np.intp)
    came -= (below > total[:-1, 1:-1]) & (came == 0)
    # The way back, in places of the flat array: offset × lines + line.
    came = (came * lines).reshape(width - 1, -1)
    at = total[-1, 1:-1].argmax(axis=0) * lines + np.arange(lines)
    path = np.empty((width, lines), np.int64)
    path[-1] = at
    for column in range(width - 2, -1, -1):
        at = at + came[column].take(at)
        path[column] = at
    return np.ascontiguousarray(path.T // lines) if lines else path.T
