"""Separation of ink and paper, in either polarity, from the histogram of gray levels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import NoInk
from digitscope.image.decode import Gray

MIN_CONTRAST = 24  # gray levels between paper and the strongest ink; with less there is no ink
# The polarity is a vote: the share of the border, and the numbers of connected pieces.
MAX_PIECES = 3  # a larger difference between the numbers of pieces counts as this one
PIECE_WEIGHT = 0.2  # weight of one more piece, as a share of the border
MIN_PIECE = 0.01  # share of the picture's area; smaller pieces are not counted
LEVELS = np.arange(256, dtype=np.float32)  # of gray
HALVES = 2 * np.arange(256)  # the same in half levels


def find_ink(gray: Gray) -> NDArray[np.float32]:
    """Return the amount of ink in each pixel: float32 (height, width), 0 = paper, 255 = full ink.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        Dark on light or light on dark. The paper fills most of the border, and has more connected
        pieces than the ink.

    Raises
    ------
    NoInk
        When paper and ink differ by less than 24 gray levels.
    """
    # All steps depend only on the histogram.
    counts = np.bincount(gray.ravel(), minlength=256)
    threshold = _otsu(counts)
    light = _is_paper_light(gray > threshold)
    if light:
        counts = counts[::-1]
        threshold = 254 - threshold  # pixels with this level are dark: ink
    split = int(np.float32(threshold)) + 1
    paper = counts[:split].cumsum()
    middle = _median(paper) if paper[-1] else 255.0
    if counts.nonzero()[0][-1] - middle < MIN_CONTRAST:
        raise NoInk("nothing is written on it: paper and ink differ by less than 24 gray levels.")
    # Removes paper grain; on clean paper, faint anti-aliased edges remain.
    halves = np.abs(HALVES[:split] - round(2 * middle))
    grain = 3 * 1.4826 * _median(np.bincount(halves, counts[:split]).cumsum()) / 2
    grain = min(grain, threshold - middle)  # never more than the threshold, as in a shadow
    ink = LEVELS - middle
    ink[ink <= grain] = 0
    peak = _percentile(counts[split:].cumsum(), ink[split:], 0.9)
    if peak < 250:
        ink *= 255 / peak
    np.minimum(ink, 255, out=ink)
    found: NDArray[np.float32] = (ink[::-1] if light else ink)[gray]
    return found


def _is_paper_light(light: NDArray[np.bool_]) -> bool:
    """Return whether the lighter pixels of a picture are the paper.

    The paper usually has most of the border. A tight crop also has much ink at the border; then the
    numbers of connected pieces count, too: strokes divide the paper into several pieces, and are
    themselves one piece.
    """
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    lead = 2 * np.count_nonzero(border) / border.size - 1
    if abs(lead) > MAX_PIECES * PIECE_WEIGHT:
        return bool(lead > 0)
    more = _count_pieces(light) - _count_pieces(~light)
    return bool(lead + PIECE_WEIGHT * min(max(more, -MAX_PIECES), MAX_PIECES) > 0)


def _count_pieces(mask: NDArray[np.bool_]) -> int:
    """Return the number of connected pieces of a mask, without specks."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return int((stats[1:, cv2.CC_STAT_AREA] > MIN_PIECE * mask.size).sum())


def _otsu(counts: NDArray[np.int64]) -> float:
    """Return the gray level that best splits the histogram in two (Otsu, 1979)."""
    levels = counts.nonzero()[0]
    first, last = levels[0], levels[-1]
    if first == last:
        return float(first)
    # A split below the last level leaves no side empty.
    below = counts[first:last].cumsum(dtype=np.float64)
    sums = (counts[first : last + 1] * LEVELS[first : last + 1]).cumsum(dtype=np.float64)
    above = below[-1] + counts[last] - below
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    # In a clean picture many splits are equally good; their mean is taken.
    best = (between >= between.max() * (1 - 1e-9)).nonzero()[0] + first
    return float(best.sum() / best.size)


def _median(below: NDArray[Any]) -> float:
    """Return the median from a cumulative histogram: `below[i]` values are at most i."""
    n = int(below[-1])
    low = below.searchsorted((n - 1) // 2, "right")
    return float(low if n % 2 else (low + below.searchsorted(n // 2, "right")) / 2)


def _percentile(below: NDArray[np.int64], values: NDArray[np.float32], share: float) -> float:
    """Return a quantile from a cumulative histogram: `below[i]` values are at most `values[i]`."""
    last = int(below[-1]) - 1
    place = last * share
    low = values[below.searchsorted(int(place), "right")]
    high = values[below.searchsorted(min(int(place) + 1, last), "right")]
    part = place % 1
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))
