"""Spacing of two handwritten characters by their strokes instead of their bounding boxes.

Boxes of neighbouring characters may overlap: a 0 can be under the top stroke of a 5, or beside the
foot of a slanted 1.
"""

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.glyph_ink import Bitmap, Ink
from digitscope.synthesis.pages.truth import Points

BAND = 0.1  # heights of a digit; strokes are compared in bands of this height
TOP, BANDS = -1.8, 28  # y of the first band in heights of a digit (negative is up); number of bands
NEAR = 2  # bands above and below a stroke that it also occupies
STEPS = 9  # points on each line segment of a stroke
APART = 0.55  # mean widths of both characters; least distance between their centres


def overlap(one: Ink, other: Ink) -> float:
    """Return the distance by which a character can move left until its strokes meet those of `one`.

    Parameters
    ----------
    one, other : Ink
        `other` is on the right, with its left edge at the right edge of `one`.

    Returns
    -------
    float
        In heights of a digit; 0 if strokes meet at the bounding boxes. The distance between the
        centres stays at least `APART`.
    """
    right, left = _edges(one)[1], _edges(other)[0]
    gaps = left + one.right - right
    free = float(gaps.min())
    most = (1 - APART) * (one.right + other.right) / 2
    return max(0.0, min(free, most))


def _edges(ink: Ink) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the smallest and the largest x near each band; infinite without ink."""
    points = _places(ink)
    band = ((points[:, 1] - TOP) / BAND).astype(int).clip(NEAR, BANDS - NEAR - 1)
    low = np.full(BANDS, np.inf, np.float32)
    high = np.full(BANDS, -np.inf, np.float32)
    for shift in range(-NEAR, NEAR + 1):
        np.minimum.at(low, band + shift, points[:, 0])
        np.maximum.at(high, band + shift, points[:, 0])
    return low, high


def _places(ink: Ink) -> Points:
    """Return points along the strokes, or the outline of a bitmap."""
    if isinstance(ink, Bitmap):
        return ink.hull
    points = ink.points
    if len(points) < 2:
        return points
    within = np.ones(len(points) - 1, bool)
    within[np.asarray(ink.starts[1:-1], int) - 1] = False  # no line between strokes
    start, way = points[:-1][within], np.diff(points, axis=0)[within]
    along = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None, None]
    return np.concatenate([points, (start + along * way).reshape(-1, 2)])
