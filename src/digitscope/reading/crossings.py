"""Crossings of ruling lines, and the pairs of them that a ruling line joins."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.reading.glyphs import Floats
from digitscope.reading.parameters import ReadingParameters

Points = NDArray[np.float32]  # (..., 2), x and y in cells of the maps
Ints = NDArray[np.int64]
CANDIDATES = 6  # nearest crossings that are tested as the neighbour of one
MAX_DISTANCE = 10.0  # longest distance to a neighbour, in mean distances between crossings
CHUNK = 256  # crossings whose distances to all others are held in memory together
SAMPLES = 16  # points between two crossings at which the map of ruling lines is read
ENDS = 0.25  # share of the distance without samples at each end: blurred lines reach into a gap


def find_crossings(crossing: Floats, parameters: ReadingParameters) -> Points:
    """Return the peaks of the map of crossings, with subcell positions from the heat around."""
    around = cv2.dilate(crossing, np.ones((3, 3), np.uint8))
    peaks = (crossing >= parameters.ruling_threshold) & (crossing == around)
    _, names = cv2.connectedComponents(peaks.astype(np.uint8))  # cells of equal heat side by side
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


def find_joined_pairs(points: Points, mask: Floats, parameters: ReadingParameters) -> Ints:
    """Return pairs of points that a ruling line joins, shape (n, 2), the left one first.

    Parameters
    ----------
    points : ndarray of shape (n, 2), dtype float32
        x and y in cells of the mask.
    mask : ndarray of shape (height, width), dtype float32
        Where ruling lines go more across than down.
    parameters : ReadingParameters
    """
    lines = thicken(mask)
    pairs = [np.zeros((0, 2), np.int64)]
    order = np.argsort(points[:, 0], kind="stable")
    x = points[order, 0]
    reach = MAX_DISTANCE * (mask.size / max(len(points), 1)) ** 0.5
    slope = parameters.max_ruling_slope
    for start in range(0, len(points), CHUNK):
        own = order[start : start + CHUNK]
        others = order[start : np.searchsorted(x, points[own[-1], 0] + reach)]
        step = points[others] - points[own, None]  # (own, others, 2)
        ahead = (step[..., 0] > 0) & (abs(step[..., 1]) <= slope * step[..., 0])
        away = np.where(ahead, np.abs(step).sum(axis=2), np.inf)
        near = np.argsort(away, axis=1, kind="stable")[:, :CANDIDATES]  # (own, candidates)
        i, j = np.repeat(own, near.shape[1]), others[near].ravel()
        ruled = ruled_share(lines, points[i], points[j], parameters) >= parameters.ruled_share
        ruled &= np.take_along_axis(away, near, axis=1).ravel() < np.inf
        ruled = ruled.reshape(near.shape)
        for k in np.flatnonzero(ruled.any(axis=1)).tolist():
            first = int(ruled[k].argmax())
            # A nearer crossing on the way, which no line joins to this one, separates two grids.
            way, between = step[k, near[k, first]], step[k, near[k, :first]]
            off = np.abs(between @ np.array([-way[1], way[0]])) / np.linalg.norm(way)
            if not (off < parameters.crossing_distance).any():
                pairs.append(np.array([[own[k], others[near[k, first]]]]))
    return np.concatenate(pairs)


def thicken(mask: Floats) -> Floats:
    """Return a map of lines across, in which each line is two cells thicker."""
    thick: Floats = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    return thick


def ruled_share(lines: Floats, start: Points, end: Points, parameters: ReadingParameters) -> Floats:
    """Return the share of the straight way between points that is ruled, for each pair.

    The ends are left out: the crossings themselves are ruled, also those of two grids side by side.
    """
    part = ENDS + (1 - 2 * ENDS) * ((np.arange(SAMPLES) + 0.5) / SAMPLES)[:, None, None]
    way: Ints = np.floor(start + part * (end - start)).astype(np.int64)  # (samples, n, 2)
    inside = np.all((way >= 0) & (way < np.array(lines.shape[::-1])), axis=2)
    x, y = (way * inside[..., None]).transpose(2, 0, 1)
    ruled = (lines[y, x] >= parameters.ruling_threshold) & inside
    share: Floats = ruled.mean(axis=0, dtype=np.float32)
    return share


def components(n: int, pairs: Ints) -> Ints:
    """Return the number of the connected component of each of n nodes."""
    names = list(range(n))

    def name(i: int) -> int:
        while names[i] != i:
            names[i] = names[names[i]]
            i = names[i]
        return i

    for i, j in pairs.tolist():
        names[name(i)] = name(j)
    return np.array([name(i) for i in range(n)], np.int64)
