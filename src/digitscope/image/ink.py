"""Where the ink of a picture is, in either polarity, found from the histogram of its levels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import NoInk
from digitscope.image.decode import Gray

MIN_CONTRAST = 24  # gray levels between paper and the darkest ink, below which nothing is written
MOST_PIECES = 3  # largest difference between the numbers of paper and ink pieces that counts
PIECE = 0.2  # share of the border whose weight in the vote one more piece of paper has
SPECK = 0.01  # share of the picture's area; smaller pieces are not counted
LEVELS = np.arange(256, dtype=np.float32)  # of gray
HALVES = 2 * np.arange(256)  # the same, counted in halves of a level


def find_ink(gray: Gray) -> NDArray[np.float32]:
    """Return how much ink is where: float32 of shape (height, width), 0 = paper, 255 = full ink.

    The paper is what fills most of the border and lies in the more pieces, in either polarity.
    """
    # All that is asked of the picture depends on how many pixels have which level.
    counts = np.bincount(gray.ravel(), minlength=256)
    threshold = _otsu(counts)
    light = _is_paper_light(gray > threshold)
    if light:
        counts = counts[::-1]
        threshold = 254 - threshold  # pixels of that very level are dark: ink
    split = int(np.float32(threshold)) + 1
    paper = counts[:split].cumsum()
    middle = _median(paper) if paper[-1] else 255.0
    if counts.nonzero()[0][-1] - middle < MIN_CONTRAST:
        raise NoInk("nothing is written on it: paper and ink differ by less than 24 gray levels.")
    # Grain of the paper goes, but clean paper keeps its faintest anti-aliased edge.
    halves = np.abs(HALVES[:split] - round(2 * middle))
    grain = 3 * 1.4826 * _median(np.bincount(halves, counts[:split]).cumsum()) / 2
    grain = min(grain, threshold - middle)  # a shadow is no grain: what is ink stays ink
    ink = LEVELS - middle
    ink[ink <= grain] = 0
    peak = _percentile(counts[split:].cumsum(), ink[split:], 0.9)
    if peak < 250:
        ink *= 255 / peak
    np.minimum(ink, 255, out=ink)
    found: NDArray[np.float32] = (ink[::-1] if light else ink)[gray]
    return found


def _is_paper_light(light: NDArray[np.bool_]) -> bool:
    """Tell whether the lighter pixels of a picture are the paper, and not what is written.

    The paper usually has most of the border. A tight crop has much ink there, too; then the number
    of connected pieces joins the vote: strokes divide the paper into several pieces, and are
    themselves one piece.
    """
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    lead = 2 * np.count_nonzero(border) / border.size - 1
    if abs(lead) > MOST_PIECES * PIECE:
        return bool(lead > 0)
    more = _count_pieces(light) - _count_pieces(~light)
    return bool(lead + PIECE * min(max(more, -MOST_PIECES), MOST_PIECES) > 0)


def _count_pieces(mask: NDArray[np.bool_]) -> int:
    """Return the number of connected pieces of a mask, without specks."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return int((stats[1:, cv2.CC_STAT_AREA] > SPECK * mask.size).sum())


def _otsu(counts: NDArray[np.int64]) -> float:
    """Return the gray level that best splits the histogram in two (Otsu, 1979)."""
    levels = counts.nonzero()[0]
    first, last = levels[0], levels[-1]
    if first == last:
        return float(first)
    # From the first to the last but one, neither side of a split is empty.
    below = counts[first:last].cumsum(dtype=np.float64)
    sums = (counts[first : last + 1] * LEVELS[first : last + 1]).cumsum(dtype=np.float64)
    above = below[-1] + counts[last] - below
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    # A clean picture has a whole plateau of best splits; its middle is the fairest of them.
    best = (between >= between.max() * (1 - 1e-9)).nonzero()[0] + first
    return float(best.sum() / best.size)


def _median(below: NDArray[Any]) -> float:
    """Return the median of numbers of which `below[i]` are at most i."""
    n = int(below[-1])
    low = below.searchsorted((n - 1) // 2, "right")
    return float(low if n % 2 else (low + below.searchsorted(n // 2, "right")) / 2)


def _percentile(below: NDArray[np.int64], values: NDArray[np.float32], share: float) -> float:
    """Return the value below which a share lies, of `below[i]` numbers up to `values[i]` each."""
    last = int(below[-1]) - 1
    place = last * share
    low = values[below.searchsorted(int(place), "right")]
    high = values[below.searchsorted(min(int(place) + 1, last), "right")]
    part = place % 1
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))
