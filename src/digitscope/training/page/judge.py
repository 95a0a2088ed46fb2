"""How well the maps of the page network tell glyphs, without any reading of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.glyph_classes import CLASSES, DIGIT_CLASSES, HEAT, OTHER, SIGNS, STRIDE
from digitscope.runs import Row
from digitscope.synthesis.pages.targets import sought
from digitscope.synthesis.pages.truth import PageTruth

THRESHOLD = 0.3  # of a class's probability; peaks below are not counted
GROUPS = {"digits": DIGIT_CLASSES, "signs": SIGNS, "other": OTHER}


@dataclass
class Counts:
    """Peaks and glyphs of each class.

    Attributes
    ----------
    right, invented, missed : ndarray of shape (16,), dtype int64
        Peaks on a glyph of their class; other peaks; glyphs without a peak of their class.
    """

    right: NDArray[np.int64]
    invented: NDArray[np.int64]
    missed: NDArray[np.int64]

    @classmethod
    def none(cls) -> "Counts":
        """Return counts of nothing."""
        return cls(*(np.zeros(len(CLASSES), np.int64) for _ in range(3)))

    def add(self, probabilities: NDArray[np.float32], truth: PageTruth) -> None:
        """Count the peaks of a page.

        A peak is right when its cell is nearer to the centre of a glyph of its class than half
        that glyph's longer side; each glyph takes the strongest. Peaks on glyphs and boxes where
        an answer is neither right nor wrong are not counted.

        Parameters
        ----------
        probabilities : ndarray of shape (h, w, 16), dtype float32
        truth : PageTruth
        """
        glyphs = [glyph for glyph in truth.glyphs if sought(glyph)]
        skipped = [glyph.box for glyph in truth.glyphs if sought(glyph) is None]
        boxes = np.array([glyph.box for glyph in glyphs], np.float32).reshape(-1, 4)
        middles = (boxes[:, :2] + boxes[:, 2:]) / 2
        reach = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) / 2
        classes = np.array([CLASSES.index(glyph.label) for glyph in glyphs], int)
        free = np.ones(len(glyphs), bool)
        for y, x, kind in find_peaks(probabilities, THRESHOLD):
            place = (np.array([x, y]) + 0.5) * STRIDE
            distance = np.hypot(*(middles - place).T)
            candidates = np.flatnonzero(free & (classes == kind) & (distance < reach))
            if len(candidates):
                free[candidates[distance[candidates].argmin()]] = False
                self.right[kind] += 1
            elif not any(
                left <= place[0] <= right and top <= place[1] <= bottom
                for left, top, right, bottom in (*skipped, *truth.ignored)
            ):
                self.invented[kind] += 1
        self.missed += np.bincount(classes[free], minlength=len(CLASSES))

    def row(self) -> Row:
        """Return precision, recall and F1 of digits, signs and other marks, and F1 by class."""
        row: Row = {}
        for name, group in GROUPS.items():
            members = [CLASSES.index(label) for label in group]
            right, invented, missed = (
                float(counts[members].sum()) for counts in (self.right, self.invented, self.missed)
            )
            row[f"precision_{name}"] = right / max(right + invented, 1)
            row[f"recall_{name}"] = right / max(right + missed, 1)
            row[f"f1_{name}"] = 2 * right / max(2 * right + invented + missed, 1)
        twice = 2 * self.right
        f1 = twice / np.maximum(twice + self.invented + self.missed, 1)
        return row | {f"f1.{label}": float(f1[n]) for n, label in enumerate(CLASSES)}


def find_peaks(probabilities: NDArray[np.float32], threshold: float) -> NDArray[np.intp]:
    """Return row, column and class of each local maximum of 3×3 cells, the strongest first.

    Parameters
    ----------
    probabilities : ndarray of shape (h, w, classes), dtype float32
    threshold : float

    Returns
    -------
    ndarray of shape (n, 3), dtype intp
    """
    largest = np.stack(
        [
            cv2.dilate(plane, np.ones((3, 3), np.uint8))
            for plane in probabilities.transpose(2, 0, 1)
        ],
        axis=2,
    )
    places = np.argwhere((probabilities == largest) & (probabilities >= threshold))
    order = np.argsort(-probabilities[tuple(places.T)], kind="stable")
    return places[order]


def count_peaks(maps: NDArray[np.float32], truths: Sequence[PageTruth], counts: Counts) -> None:
    """Count the peaks of some pages, from the network's logits of shape (n, h, w, 28)."""
    probabilities = 1 / (1 + np.exp(-maps[..., HEAT]))
    for page, truth in zip(probabilities, truths, strict=True):
        counts.add(page, truth)
