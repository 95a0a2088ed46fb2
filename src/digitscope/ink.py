"""Find the ink on a page: what is written, whatever the paper, the light or the polarity.

Ink is what differs from the paper around it. The paper is a median over a window so wide that no
stroke fills half of it; a second, narrower median over what was not ink follows the light. Dividing
by the paper takes shadows out of the strokes as well. What is ink and what is grain is then decided
for each piece of ink by its own darkness, so that a faint pencil and a fat marker both keep their
soft edges and a line drawn lightly through a dark digit falls away.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitscope.pictures import Gray

Ink: TypeAlias = NDArray[np.uint8]  # (height, width), 0 = paper, 255 = full ink

SMALL = 480  # pixels; the longer side of the copy on which the paper is found
WIDE = 0.3  # window of the first median, as a share of that copy's shorter side
NARROW = 0.1  # window of the second
LOUD = 8.0  # noise of the paper, of 255, from which on the picture is smoothed
GRAIN = 5.0  # how many times the noise of the paper a piece of ink must reach
LEAST = 0.08  # and which share of the paper's brightness
EDGE = 0.35  # where a stroke ends, as a share of its own darkness
PALE = 0.25  # of the darkest ink around; paler is dirt
BEHIND = 0.5  # of the page's ink; paler may be the other side, shining through
SOFT = 0.65  # of the page's sharpness; softer may be the other side
PARTS = 12  # of the page's longer side, in which 'around' is reckoned


def find_ink(gray: Gray) -> Ink:
    """Return how much ink is where.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        0 = black, 255 = white; dark on light or light on dark.

    Returns
    -------
    ndarray of shape (height, width), dtype uint8
        0 = paper; every piece of ink comes near 255 at its darkest and keeps its soft edges.

    Examples
    --------
    >>> page = np.tile(np.linspace(250, 120, 90), (60, 1)).astype(np.uint8)  # light falls off
    >>> page[20:50, 70:74] //= 2
    >>> ink = find_ink(page)
    >>> bool(ink[30, 72] > 240), int(ink[30, 80]), int(ink[5, 5])
    (True, 0, 0)
    """
    darkness, noise = lift(gray)
    return level(darkness, noise)


def lift(gray: Gray) -> tuple[Ink, float]:
    """Return how much darker than its paper each pixel is, and the noise of that.

    Returns
    -------
    darkness : ndarray of shape (height, width), dtype uint8
        0 = as bright as the paper around it, 255 = black on it. Of light print on dark paper it is
        the same of the negative.
    noise : float
        Standard deviation of paper, in the same unit.
    """
    import cv2

    small = _shrink(gray)
    paper = _median(small, WIDE)
    apart = small.astype(np.int16) - paper
    grain = max(1.4826 * float(np.median(np.abs(apart))), 1.0)
    strong = 4 * grain + 255 * LEAST / 2
    if np.maximum(apart - strong, 0).sum() > np.maximum(-apart - strong, 0).sum():
        gray, small, paper, apart = 255 - gray, 255 - small, 255 - paper, -apart
    inked = cv2.dilate((np.abs(apart) > strong).astype(np.uint8), np.ones((3, 3), np.uint8))
    paper = _median(np.where(inked > 0, paper, small), NARROW)
    paper = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    noise = _noise(gray, paper)
    if noise > LOUD:
        gray = cv2.GaussianBlur(gray, (0, 0), min(1.0, noise / LOUD / 2))
        noise = _noise(gray, paper)
    darkness = cv2.divide(cv2.subtract(paper, gray), cv2.max(paper, 32), scale=255)
    return darkness, noise


def level(darkness: Ink, noise: float) -> Ink:
    """Return the ink: pieces that stand out, each scaled to its own darkness.

    Dropped is what does not stand out from the noise, what is far paler than the ink around it (the
    dirt of JPEG, the tail of a blur), and what is both paler and softer than the page's ink (the
    other side, shining through).
    """
    import cv2

    least = max(GRAIN * noise, 255 * LEAST)
    mask = darkness > least * EDGE * 1.5
    where = np.flatnonzero(mask)
    if not where.size:
        return np.zeros_like(darkness)
    _, labels = cv2.connectedComponents(mask.view(np.uint8))
    names, values = labels.ravel()[where].astype(np.intp), darkness.ravel()[where]
    peak = _peaks(names, values)
    around = _darkest_around(where, names, peak, darkness.shape)
    slope = cv2.morphologyEx(darkness, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).ravel()
    sharp = _peaks(names, slope[where]) / peak
    # The page's own ink is what is darkest: weighted by the cube, pale ink hardly counts.
    weight = np.bincount(names) * peak**3
    of_page = _weighted_median(sharp, weight)
    usual = _weighted_median(peak, weight)
    pale = (peak < least) | (peak < PALE * around)
    behind = (peak < BEHIND * usual) & (sharp < SOFT * of_page)
    scale = np.where(pale | behind, 0, 255 / peak).astype(np.float32)
    scaled = values * scale[names]
    ink = np.zeros(darkness.size, np.uint8)
    ink[where] = np.where(scaled > 255 * EDGE / 2, scaled.clip(0, 255), 0).astype(np.uint8)
    return ink.reshape(darkness.shape)


def _darkest_around(
    where: NDArray[np.int64],
    names: NDArray[np.int64],
    peak: NDArray[np.float32],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Return for each label the darkest one in its part of the page."""
    import cv2

    side = max(shape) // PARTS + 1
    across = shape[1] // side + 1
    part = where // (shape[1] * side) * across + where % shape[1] // side
    darkest = np.zeros((shape[0] // side + 1) * across, np.float32)
    np.maximum.at(darkest, part, peak[names])
    darkest = cv2.dilate(darkest.reshape(-1, across), np.ones((3, 3), np.uint8)).ravel()
    found = np.zeros(len(peak), np.float32)
    found[names] = darkest[part]
    return found


def components(
    mask: NDArray[np.uint8] | NDArray[np.bool_],
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the connected pieces of a mask, and the box around each.

    OpenCV counts up the paper, too, which takes several times as long.

    Parameters
    ----------
    mask : ndarray of shape (height, width), dtype bool or uint8
        0 = paper, 1 = ink. Pixels touch in eight directions.

    Returns
    -------
    labels : ndarray of shape (height, width), dtype int32
        0 = paper.
    boxes : ndarray of shape (n, 4)
        Left, top, right and bottom of each label, the last two outside; of the paper, nonsense.

    Examples
    --------
    >>> _, boxes = components(np.eye(3, 5, 1, dtype=np.uint8))
    >>> boxes[1].tolist()
    [1, 0, 4, 3]
    """
    import cv2

    count, labels = cv2.connectedComponents(mask.view(np.uint8))
    where = np.flatnonzero(mask.view(np.bool_))
    names = labels.ravel()[where]
    rows, columns = np.divmod(where, mask.shape[1])
    boxes = np.zeros((count, 4), np.int64)
    boxes[:, :2] = mask.size
    for first, last, place in ((0, 2, columns), (1, 3, rows)):
        np.minimum.at(boxes[:, first], names, place)
        np.maximum.at(boxes[:, last], names, place + 1)
    return labels, boxes


def _weighted_median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    order = np.argsort(values)
    sums = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order[np.searchsorted(sums, sums[-1] / 2)]])


def _peaks(names: NDArray[Any], values: Ink) -> NDArray[np.float32]:
    """Return for each label the mean of the darker half of its pixels."""
    n = int(names.max(initial=0)) + 1
    count = np.bincount(names, minlength=n)
    mean = np.bincount(names, values, n) / np.maximum(count, 1)
    dark = values >= mean[names]
    names, values = names[dark], values[dark]
    top = np.bincount(names, values, n) / np.maximum(np.bincount(names, minlength=n), 1)
    return np.maximum(top, 1).astype(np.float32)


def _shrink(gray: Gray) -> Gray:
    import cv2

    height, width = gray.shape
    scale = min(1.0, SMALL / max(height, width))
    if scale == 1:
        return gray
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: Gray = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    return small


def _median(small: Gray, share: float) -> Gray:
    """Return the median over a square window, that share of the shorter side wide."""
    import cv2

    radius = max(1, min(round(min(small.shape) * share / 2), 127))
    paper: Gray = cv2.medianBlur(small, 2 * radius + 1)
    return paper


def _noise(gray: Gray, paper: Gray) -> float:
    """Return the standard deviation of bare paper, as a share of its brightness times 255."""
    import cv2

    rows = slice(None, None, max(1, gray.shape[0] // 500))
    columns = slice(None, None, max(1, gray.shape[1] // 500))
    sample = [np.ascontiguousarray(plane[rows, columns]) for plane in (paper, gray)]
    # Two planes of bytes have few different pairs, whose medians are soon found.
    counts = cv2.calcHist(sample, [0, 1], None, [256, 256], [0, 256, 0, 256])
    light, seen = np.nonzero(counts)
    level = np.maximum(light, 32).astype(np.float32)
    apart = (level - seen) * (255 / level)
    weights = counts[light, seen]
    middle = _weighted_median(apart, weights)
    return 1.4826 * _weighted_median(np.abs(apart - middle), weights)
