"""How closely two handwritten characters stand: one may reach over or under the other.

A writer leaves space between strokes, not between bounding boxes: a 0 stands under the roof of a 5
or beside the foot of a 1 that leans, and their boxes overlap.
"""

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.inks import Bitmap, Ink
from digitscope.synthesis.pages.truth import Points

BAND = 0.1  # heights of a digit; strokes are compared in bands of this height
TOP, BANDS = -1.8, 28  # heights of a digit above the baseline where the first band is; their number
NEAR = 2  # bands above and below in which a stroke still keeps another one away
STEPS = 9  # points on each piece of a stroke
APART = 0.55  # widths of a character; least distance of the centres of two


def overlap(one: Ink, other: Ink) -> float:
    """Return how far a character can move towards the one on its left until strokes meet.

    Parameters
    ----------
    one, other : Ink
        `other` stands on the right, with its left edge at the right edge of `one`.

    Returns
    -------
    float
        In heights of a digit; 0 where they are apart by the bounding boxes alone. The centres stay
        `APART`.
    """
    right, left = _edges(one)[1], _edges(other)[0]
    gaps = left + one.right - right
    free = float(gaps.min())
    most = (1 - APART) * (one.right + other.right) / 2
    return max(0.0, min(free, most))


def _edges(ink: Ink) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the smallest and the largest x near each band; infinite where there is no ink."""
    points = _places(ink)
    band = ((points[:, 1] - TOP) / BAND).astype(int).clip(NEAR, BANDS - NEAR - 1)
    low = np.full(BANDS, np.inf, np.float32)
    high = np.full(BANDS, -np.inf, np.float32)
    for shift in range(-NEAR, NEAR + 1):
        np.minimum.at(low, band + shift, points[:, 0])
        np.maximum.at(high, band + shift, points[:, 0])
    return low, high


def _places(ink: Ink) -> Points:
    """Return points all along the strokes, or the outer ones of a picture."""
    if isinstance(ink, Bitmap):
        return ink.hull
    points = ink.points
    if len(points) < 2:
        return points
    within = np.ones(len(points) - 1, bool)
    within[np.asarray(ink.starts[1:-1], int) - 1] = False  # from one stroke to the next
    start, way = points[:-1][within], np.diff(points, axis=0)[within]
    along = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None, None]
    return np.concatenate([points, (start + along * way).reshape(-1, 2)])
