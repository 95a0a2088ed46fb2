"""Which way up is a page? Of its four turns, the one that shows the most glyphs for sure.

The orientation in a photo's EXIF block may lie, and a scan has none. The turns are compared on a
part of one level, and only if what the network sees of the picture as it is leaves a doubt.
"""

from collections.abc import Sequence

import numpy as np

from digitscope.pictures import Gray
from digitscope.reading.glyphs import Glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import Level, MapMaker, look

WINDOW = 512  # pixels; side of the part of a level that is turned
SAMPLE = 64  # glyphs around which the window may lie
DOUBT = 0.01  # least probability that a glyph is not what it seems to be
LEAST = 3.0  # nats of evidence that a turned page must show more


def find_turn(
    gray: Gray, levels: Sequence[Level], network: MapMaker, parameters: ReadingParameters
) -> int:
    """Return by how many quarters, counter-clockwise, a page must be turned; 0 for upright.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    levels : sequence of Level
        Of the picture as it is.
    network : PageNetwork
    parameters : ReadingParameters
    """
    best = max(levels, key=lambda level: to_evidence(level.glyphs))
    seen = best.glyphs
    if not len(seen) or _share_of_digits(seen) >= parameters.upright:
        return 0
    scale = float(np.mean(best.scale))
    part = _window(gray, _middle(seen, WINDOW / scale), round(WINDOW / scale))
    turned = [np.ascontiguousarray(np.rot90(part, k)) for k in range(4)]
    evidence = [to_evidence(look(picture, network, scale, parameters).glyphs) for picture in turned]
    k = int(np.argmax(evidence))
    return k if evidence[k] > parameters.turn * evidence[0] + LEAST else 0


def to_evidence(glyphs: Glyphs) -> float:
    """Return how much is seen that stands upright, in nats: digits, letters and signs.

    Each glyph adds the negative logarithm of the probability that it is not what it seems to be.
    What is seen on a page on its side looks like digits and letters here and there, but less sure.
    Letters count as much as digits: pages of text must not turn to where they look like digits.
    """
    doubt = 1 - glyphs.heat.max(axis=1, initial=0)
    return float(-np.log(np.maximum(doubt, DOUBT)).sum())


def _middle(glyphs: Glyphs, side: float) -> tuple[float, float]:
    """Return that of some glyphs around which, in a square of that side, the surest ones are."""
    sure = glyphs.heat.max(axis=1) ** 2
    some = np.argsort(-sure, kind="stable")[:SAMPLE]
    near = np.abs(glyphs.centre[some, None] - glyphs.centre[None]).max(axis=2) < side / 2
    x, y = glyphs.centre[some[(near * sure).sum(axis=1).argmax()]].tolist()
    return x, y


def _share_of_digits(glyphs: Glyphs) -> float:
    """Return which share of what is seen are digits without doubt."""
    digits = glyphs.heat[glyphs.is_digit].max(axis=1, initial=0)
    return float((digits**2).sum() / max(float(glyphs.presence.sum()), 1e-9))


def _window(gray: Gray, middle: tuple[float, float], side: int) -> Gray:
    """Return the part of a picture around a point, as large as possible up to a side."""
    height, width = gray.shape
    left = min(max(round(middle[0] - side / 2), 0), max(width - side, 0))
    top = min(max(round(middle[1] - side / 2), 0), max(height - side, 0))
    return gray[top : top + side, left : left + side]
