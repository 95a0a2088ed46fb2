"""Erase rules without breaking the strokes that cross them.

Where a rule lies is known as a band: the pixels that it covers, how thick it is and how dark. Of
the ink in a band goes what is the rule's own. A stroke that crosses has ink on both sides of the
rule, and is joined again; a stroke that is darker than the rule shows through it.
"""

import math
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.rules.tracing import Ink

LEANS = (-60, -35, 0, 35, 60)  # degrees from across the rule, of strokes that cross it
EDGE = 0.15  # of a rule's darkness; its edge ends there
DARKER = 1.4  # times as dark as the rule is a stroke for sure
GRAIN = 12  # of 255; and by so much


@dataclass(frozen=True, eq=False)
class Band:
    """Where the rules of one direction lie.

    Attributes
    ----------
    thickness : ndarray of shape (height, width), dtype uint8
        Of the rule that covers each pixel, in pixels across; 0 where there is none.
    darkness : ndarray of shape (height, width), dtype uint8
        Of that rule.
    """

    thickness: Ink
    darkness: Ink

    @classmethod
    def nowhere(cls, shape: tuple[int, int]) -> Self:
        """Return a band without rules, to be drawn into."""
        return cls(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))

    def draw(self, rows: NDArray[np.int64], columns: NDArray[np.int64], values: Ink) -> None:
        """Draw a rule that was sampled across.

        Parameters
        ----------
        rows : ndarray of shape (rule's own rows, n)
            Of its pixels, from its upper to its lower edge; those outside of the page are left out.
        columns : ndarray of shape (n,)
        values : ndarray of shape (rule's own rows, m), dtype uint8
            The ink there, or at some of the columns.
        """
        if len(columns) < 2:
            return
        thickness = min(len(rows), 255)
        middle = values[len(rows) // 2 - (len(rows) > 2) : len(rows) // 2 + 2].max(axis=0)
        darkness = int(np.partition(middle, (k := int(0.7 * (middle.size - 1))))[k])
        places = rows * self.thickness.shape[1] + columns
        if rows.min() < 0 or rows.max() >= len(self.thickness):
            places = places[(rows >= 0) & (rows < len(self.thickness))]
        for plane, value in ((self.thickness, thickness), (self.darkness, darkness)):
            flat = plane.reshape(-1)
            flat[places] = np.maximum(flat[places], value)

    def turned(self) -> "Band":
        """Return the band of the transposed page."""
        return Band(np.ascontiguousarray(self.thickness.T), np.ascontiguousarray(self.darkness.T))


def erase(ink: Ink, across: Band, down: Band) -> Ink:
    """Return ink without rules, the strokes that cross them kept.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        0 = paper.
    across, down : Band
        Rules from left to right, and from top to bottom.
    """
    ruled = (across.thickness > 0) | (down.thickness > 0)
    rest = np.where(ruled, 0, ink).astype(np.uint8)
    dark = cv2.max(across.darkness, down.darkness)
    limit = cv2.convertScaleAbs(dark, alpha=DARKER, beta=GRAIN)
    clean = np.where(ruled & (ink <= limit), 0, ink).astype(np.uint8)
    for band, upright in ((across, False), (down, True)):
        cv2.max(clean, _bridge(ink, rest, band.thickness, upright), clean)
    return clean


def extent(profile: NDArray[np.float64]) -> tuple[int, int]:
    """Return the first and last place of the rule in the middle of a profile across it.

    Parameters
    ----------
    profile : ndarray of shape (2 * reach + 1,)
        Median ink along a rule, at each distance from it.
    """
    middle = len(profile) // 2
    profile = profile - min(float(profile.min()), float(np.median(profile)))
    peak = float(profile[middle - 1 : middle + 2].max())
    low = high = middle
    while low > 0 and profile[low - 1] > EDGE * peak:
        low -= 1
    while high < len(profile) - 1 and profile[high + 1] > EDGE * peak:
        high += 1
    return max(low - 1, 0), min(high + 1, len(profile) - 1)


def _bridge(ink: Ink, rest: Ink, band: Ink, upright: bool) -> Ink:
    """Return the ink in a band that has ink of `rest` on both sides, straight or slanting."""
    kept = np.zeros_like(ink)
    thick = np.flatnonzero(np.bincount(band.ravel(), minlength=2)[1:]) + 1
    groups = np.array_split(thick, min(2, len(thick))) if len(thick) else []
    for group in groups:
        here = cv2.bitwise_and(ink, cv2.inRange(band, int(group[0]), int(group[-1])))
        length = int(group[-1]) + 2
        for lean in LEANS:
            kernel = _segment(length, lean, upright)
            closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, kernel)
            cv2.max(kept, cv2.min(closed, here), kept)
    return kept


def _segment(length: int, lean: float, upright: bool) -> NDArray[np.uint8]:
    """Return a straight segment that reaches `length` pixels across a rule."""
    half = (length + 1) / 2
    aside = half * math.tan(math.radians(lean))
    tall, wide = 2 * math.ceil(half) + 1, 2 * math.ceil(abs(aside)) + 1
    kernel = np.zeros((tall, wide), np.uint8)
    middle = (wide // 2, tall // 2)
    reach = (round(aside), round(half))
    cv2.line(
        kernel,
        (middle[0] - reach[0], middle[1] - reach[1]),
        (middle[0] + reach[0], middle[1] + reach[1]),
        1,
    )
    return np.ascontiguousarray(kernel.T) if upright else kernel
