"""Take ruled lines, boxes and the rules of tables off a page, and leave the digits whole.

A line is a rule if it is far longer than what is written is large, or if it bounds a cell that
something stands in. The stroke of a large digit is as long and as thin as a rule may be; but then
what else is on the page is as large. Only the rule's own pixels go: where ink goes on on both sides
of it, a stroke crosses, and stays.
"""

import itertools
import math
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.rules.erasing import Band, erase, extent
from digitscope.rules.lattice import Lattice, find_lattices
from digitscope.rules.sheet import ASIDE, SETTLE, inked, settle
from digitscope.rules.tracing import STEP, Family, Ink, Tracing, quantile, trace_rules, widest

# Rows (rule's own rows, n), columns (n,) and the ink of some of the columns, as `Band.draw` takes.
Strip: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64], Ink]

LONGER = 3.5  # times as long as writing is large: a rule
PAGE_WIDE = 0.5  # of the page's side
SEEN = 0.85  # share of a rule's length on which there must be ink
THIN = 12  # times as long as thick, at least
LEAST = 60  # working pixels; a shorter line is none
FAN = 0.1  # pixels across per pixel along, by which rules may differ in perspective
DARKER = 1.5  # times as dark as most rules are, at most
GRAIN = 12  # of 255; and by so much
WHOLE = 0.93  # share of its length on which a rule must be half as dark as it mostly is
GAP = 6  # columns without ink, behind which a rule is not looked for
CRUMBS = 2.5  # times a rule's thickness; smaller pieces may be left over from it
FEW = 4  # pieces of writing; with fewer, only rules as long as the page go
ENOUGH = 60  # places along a rule that say how thick and how dark it is
GAPS = 2  # places of 17 along the side of a single box where its rule may be broken
ALONE = 0.5  # share of its length on which a rule has paper on both sides


def remove_rules(ink: Ink, *, tracing: Tracing | None = None) -> Ink:
    """Return a page without its ruled lines, boxes and table rules.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        0 = paper, 255 = full ink.
    tracing : Tracing, optional
        Of the same page, or of its darkness before it was made ink; made here unless given.

    Returns
    -------
    ndarray of shape (height, width), dtype uint8
        A new plane, or `ink` itself if there are no rules on it.
    """
    tracing = tracing or trace_rules(ink)
    height, width = tracing.work.shape
    work = ink
    if ink.shape != (height, width):
        work = cv2.resize(ink, (width, height), interpolation=cv2.INTER_AREA)
    half = _half(work)
    forms = [found for found in find_lattices(tracing, least=(1, 1)) if _is_form(found, work, half)]
    families = (tracing.across, tracing.down)
    boxes = [_sides(forms, upright) for upright in (False, True)]
    maybe = [_candidates(tracing.across, work), _candidates(tracing.down, _turned(work))]
    if not any(boxes) and not any(len(lines) for lines in maybe):
        return ink
    planes = (work, _turned(work))
    box_strips = [_strips(*pair) for pair in zip(planes, boxes, strict=True)]
    strips = [
        _strips(plane, [_in_pixels(line) for line in _to_their_ends(family, lines)])
        for plane, family, lines in zip(planes, families, maybe, strict=True)
    ]
    bands = _bands(planes, [a + b for a, b in zip(box_strips, strips, strict=True)])
    if any(len(lines) for lines in maybe):
        thickness = cv2.max(bands[0].thickness, bands[1].thickness)
        rest = np.where(thickness > 0, 0, work).astype(np.uint8)
        size, count = _writing(rest, CRUMBS * int(thickness.max()))
        sure = [
            _far_longer(family.lengths()[lines], family, size, count)
            for family, lines in zip(families, maybe, strict=True)
        ]
        if not all(good.all() for good in sure):
            kept = [
                [*some, *itertools.compress(others, good)]
                for some, others, good in zip(box_strips, strips, sure, strict=True)
            ]
            bands = _bands(planes, kept)
    clean = erase(work, *bands)
    if ink.shape == work.shape:
        return clean
    keep = np.where(clean < work, cv2.divide(clean, work, scale=255), 255).astype(np.uint8)
    keep = cv2.resize(keep, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    result: Ink = cv2.multiply(ink, keep, scale=1 / 255)
    return result


def _turned(plane: Ink) -> Ink:
    return np.ascontiguousarray(plane.T)


def _candidates(family: Family, plane: Ink) -> NDArray[np.int64]:
    """Return which lines may be rules: ink almost all along, and far longer than thick."""
    lengths = family.lengths()
    here = ~np.isnan(family.places)
    lines = np.nan_to_num(family.places)
    edge = family.thickness[:, None] / 2 + ASIDE
    seen, above, below = (
        inked(family, lines + offset) & here for offset in (np.zeros_like(edge), -edge, edge)
    )
    # A line of writing, too, can be followed; but above or below there is as much ink.
    alone = (seen & ~above & ~below).sum(axis=1)
    dense = (seen.sum(axis=1) >= SEEN * here.sum(axis=1)) & (alone >= ALONE * seen.sum(axis=1))
    good = np.flatnonzero(dense & (lengths >= THIN * family.thickness) & (lengths >= LEAST))
    if not len(good):
        return good
    # Rules run side by side and are drawn with one pen; what goes through digits is slanting, fat,
    # dark or full of gaps.
    slopes, darkness, whole = (np.zeros(len(good)) for _ in range(3))
    near = cv2.dilate(plane, np.ones((3, 5), np.uint8))
    for k, line in enumerate(good):
        places = _in_pixels(family.places[line])[: plane.shape[1]]
        columns = np.flatnonzero(~np.isnan(places))
        slopes[k] = (places[columns[-1]] - places[columns[0]]) / (columns[-1] - columns[0])
        ink = near[places[columns].round().astype(int).clip(0, len(plane) - 1), columns]
        darkness[k] = np.median(ink)
        whole[k] = (ink > darkness[k] / 2).mean()
    thick = family.thickness[good]
    alike = (
        (np.abs(slopes - _median(slopes, lengths[good])) <= FAN)
        & (thick <= 2 * _median(thick, lengths[good]) + 2)
        & (darkness <= DARKER * _median(darkness, lengths[good]) + GRAIN)
        & (whole >= WHOLE)
    )
    return good[alike]


def _median(values: NDArray[Any], weights: NDArray[np.int64]) -> float:
    order = values.argsort()
    total = weights[order].cumsum()
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _far_longer(
    lengths: NDArray[np.int64], family: Family, size: float, count: int
) -> NDArray[np.bool_]:
    """Return which lines are rules, beside so many things written, most of them of that size."""
    long = lengths >= LONGER * size
    if count < FEW:  # little to compare with: it could be what is left of a large digit
        long &= lengths >= PAGE_WIDE * family.places.shape[1] * STEP
    return long if count else np.zeros(len(lengths), bool)


def _bands(planes: tuple[Ink, Ink], strips: list[list[Strip]]) -> list[Band]:
    """Return where the rules across and the rules down lie."""
    bands = []
    for upright, plane, rules in zip((False, True), planes, strips, strict=True):
        band = Band.nowhere(plane.shape)
        for strip in rules:
            band.draw(*strip)
        bands.append(band.turned() if upright else band)
    return bands


def _to_their_ends(family: Family, members: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the places of rules, continued as far as there is ink in their direction.

    Where writing stands on a rule it may have been lost, or taken for a line of writing.
    """
    lines = family.places[members].astype(np.float64)
    columns = np.arange(lines.shape[1])
    if not len(lines):
        return lines
    here = ~np.isnan(lines)
    for line in lines:
        known = np.flatnonzero(~np.isnan(line))
        reach = max(8, len(known) // 4)
        for end, beyond in (
            (known[:reach], columns[: known[0]]),
            (known[-reach:], columns[known[-1] + 1 :]),
        ):
            apart = end - end.mean()
            slope = apart @ line[end] / max(float(apart @ apart), 1e-9)
            at = known[0] if end[0] == known[0] else known[-1]
            line[beyond] = line[at] + slope * (beyond - at)
    moved = settle(family, lines, SETTLE / 2)
    reach = min(10, (lines.shape[1] - 1) // 2)  # columns; a stroke beside it does not draw it away
    padded = np.pad(moved - lines, ((0, 0), (reach, reach)), mode="edge")
    # The median of whole numbers: how many steps most of the window is above.
    most, median = round(SETTLE / 2), np.full(lines.shape, -round(SETTLE / 2))
    for step in range(-most + 1, most + 1):
        sums = np.pad((padded >= step).cumsum(axis=1), ((0, 0), (1, 0)))
        median += sums[:, 2 * reach + 1 :] - sums[:, : -2 * reach - 1] > reach
    moved = np.where(here, lines, lines + median)
    found = here | inked(family, moved)
    for line, seen, inside in zip(moved, found, here, strict=True):
        first, last = int(inside.argmax()), len(inside) - 1 - int(inside[::-1].argmax())
        dark = np.flatnonzero(seen)
        gaps = np.flatnonzero(np.diff(dark) > GAP)
        before, after = gaps[dark[gaps] < first], gaps[dark[gaps] >= last]
        line[: dark[before[-1] + 1] if len(before) else dark[0]] = np.nan
        line[(dark[after[0]] if len(after) else dark[-1]) + 1 :] = np.nan
    return moved


def _in_pixels(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the place at every pixel along: from one for each column of pixels."""
    known = np.flatnonzero(~np.isnan(places))
    along = np.arange(len(places) * STEP + STEP)
    at = (known + 0.5) * STEP - 0.5
    line = np.interp(along, at, places[known])
    # The first and last column reach a little beyond their middles, as rules end bluntly.
    line[(along < at[0] - STEP) | (along > at[-1] + STEP)] = np.nan
    return line


def _sides(lattices: list[Lattice], upright: bool) -> list[NDArray[np.float64]]:
    """Return the rules of lattices, as places at every pixel along."""
    rules = []
    for lattice in lattices:
        corners = lattice.corners.transpose(1, 0, 2) if upright else lattice.corners
        for line in corners:
            along, across = (line[:, 1], line[:, 0]) if upright else (line[:, 0], line[:, 1])
            pixels = np.arange(max(0, math.floor(along[0]) - 2), math.ceil(along[-1]) + 3)
            places = np.full(pixels[-1] + 1, np.nan)
            places[pixels] = np.interp(pixels, along, across)
            rules.append(places)
    return rules


def _is_form(lattice: Lattice, work: Ink, half: float) -> bool:
    """Whether cells are boxes to write in, and no closed digit such as a square 0, 4 or 8."""
    if 1 in lattice.whole.shape:
        # The strokes of two digits between two rules make a box, too, but not one of one pen.
        corners = lattice.corners.round().astype(int)
        dark = [
            np.median([_along(work, *ends) for line in lines for ends in itertools.pairwise(line)])
            for lines in (corners, corners.transpose(1, 0, 2))
        ]
        if max(dark) > DARKER * min(dark) + GRAIN:
            return False
    if lattice.whole.size >= 3:
        return True
    sides = [
        _along(work, *ends, place=GAPS)
        for lines in (corners, corners.transpose(1, 0, 2))
        for line in lines
        for ends in itertools.pairwise(line)
    ]
    if min(sides) <= half:  # the strokes of digits leave gaps at the corners
        return False
    for r, c in np.argwhere(lattice.whole):
        quad = lattice.corners[[r, r, r + 1, r + 1], [c, c + 1, c + 1, c]]
        inner = quad.mean(axis=0) + 0.7 * (quad - quad.mean(axis=0))
        low = np.floor(inner.min(axis=0)).astype(int).clip(0)
        high = np.ceil(inner.max(axis=0)).astype(int)
        if (work[low[1] : high[1] + 1, low[0] : high[0] + 1] > half).mean() > 0.02:
            return True
    return False


def _along(
    plane: Ink, start: NDArray[np.int64], stop: NDArray[np.int64], *, place: int = 8
) -> float:
    """Return how dark a straight rule is, the most of three pixels across.

    `place` of 17 along it, in the order of their darkness: 8 for the middle one.
    """
    share = np.linspace(0.1, 0.9, 17)[:, None]
    x, y = (start + share * (stop - start)).round().astype(int).T
    offsets = np.arange(-1, 2)[:, None]
    height, width = plane.shape
    upright = abs(stop[1] - start[1]) > abs(stop[0] - start[0])
    rows, columns = (y + 0 * offsets, x + offsets) if upright else (y + offsets, x + 0 * offsets)
    return float(
        np.sort(plane[rows.clip(0, height - 1), columns.clip(0, width - 1)].max(axis=0))[place]
    )


def _strips(plane: Ink, rules: list[NDArray[np.float64]]) -> list[Strip]:
    """Return the pixels of rules across, given their places at every pixel along."""
    height, width = plane.shape
    reach = widest(plane.shape) // 2 + 3
    offsets = np.arange(-reach, reach + 1)[:, None]
    around = np.pad(plane, ((2 * reach, 2 * reach), (0, 0))) if rules else plane
    strips = []
    for places in rules:
        columns = np.flatnonzero(~np.isnan(places[:width]))
        rows = np.round(places[columns]).astype(int)
        # Every few pixels say as much about a rule as all of them.
        few = slice(None, None, max(1, min(STEP, len(columns) // ENOUGH)))
        near = rows[few].clip(-reach, height - 1 + reach) + offsets + 2 * reach
        values = around[near, columns[few]]
        low, high = 0, 0
        if len(columns):
            low, high = extent(np.median(values, axis=1))
        strips.append((rows + offsets[low : high + 1], columns, values[low : high + 1]))
    return strips


def _writing(rest: Ink, least: float) -> tuple[float, int]:
    """Return how large, in pixels, most of the writing is, and how many pieces there are of it."""
    stats = cv2.connectedComponentsWithStats((rest > _half(rest)).astype(np.uint8))[2]
    sides = stats[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    sides = np.sort(sides[sides >= max(6, least)])
    if not len(sides):
        return 0.0, 0
    total = sides.cumsum()
    size = float(sides[np.searchsorted(total, total[-1] / 2)])
    return size, int((sides >= size / 2).sum())


def _half(plane: Ink) -> float:
    """Return half of how dark the writing on a plane is."""
    return max(16.0, 0.5 * quantile(np.ascontiguousarray(plane[::2, ::2]), 0.99))
