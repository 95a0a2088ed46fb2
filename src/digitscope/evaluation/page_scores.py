"""Scores of the page network: the peaks of its maps against the ground truth of pages.

The results are stored per glyph, so that precision, recall, curves and tables can be computed from
them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import CLASSES, DIGIT_CLASSES, HEAT, OTHER, SIGNS, STRIDE
from digitscope.runs import Row
from digitscope.synthesis.pages.targets import targets_and_ignored
from digitscope.synthesis.pages.truth import PageTruth

FLOOR = 0.05  # minimum confidence of a stored peak
USUAL = 0.3  # minimum confidence of the peaks that are scored during training
PRECISION = 0.99  # precision of digits at the threshold of a model
MIN_COUNT = 100  # digits above a threshold that are needed to measure its precision
GROUPS = {"digits": DIGIT_CLASSES, "signs": SIGNS, "other": OTHER}


@dataclass(frozen=True)
class Peaks:
    """Peaks of the maps of one picture, in order of falling confidence.

    Attributes
    ----------
    places : ndarray of shape (n, 2), dtype float64
        x and y of the centre of the peak's cell, in pixels.
    classes : ndarray of shape (n,), dtype intp
        The most probable class.
    confidences : ndarray of shape (n,), dtype float64
        Its probability.
    """

    places: NDArray[np.float64]
    classes: NDArray[np.intp]
    confidences: NDArray[np.float64]


def find_peaks(heat: NDArray[np.float32], floor: float = FLOOR) -> Peaks:
    """Return the local maxima, in 3×3 cells, of the summed probability of all classes.

    Parameters
    ----------
    heat : ndarray of shape (16, h, w), dtype float32
        Class probabilities, from `PageNetwork.maps`.
    floor : float
        Minimum probability of the peak's class.
    """
    presence = heat.sum(axis=0)
    largest = cv2.dilate(presence, np.ones((3, 3), np.uint8))
    rows, columns = np.nonzero((presence == largest) & (presence >= floor))
    at = heat[:, rows, columns]
    classes, confidences = at.argmax(axis=0), at.max(axis=0).astype(np.float64)
    order = np.argsort(-confidences, kind="stable")
    order = order[confidences[order] >= floor]
    places = (np.stack([columns, rows], axis=1) + 0.5) * STRIDE
    return Peaks(places[order], classes[order], confidences[order])


@dataclass(frozen=True)
class Rates:
    """Precision, recall and their harmonic mean, from three counts.

    Attributes
    ----------
    right, invented, missed : int
        Numbers of peaks on a glyph of their class, of other peaks, and of glyphs without a peak of
        their class.
    """

    right: int
    invented: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the peaks that are right."""
        return self.right / max(self.right + self.invented, 1)

    @property
    def recall(self) -> float:
        """Share of the glyphs that are found."""
        return self.right / max(self.right + self.missed, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / max(2 * self.right + self.invented + self.missed, 1)


@dataclass(frozen=True)
class PageScores:
    """Peaks and true glyphs of some pages.

    Attributes
    ----------
    truths : tuple of PageTruth
        Page by page.
    peak_page, peak_class : ndarray of shape (peaks,), dtype intp
    peak_place : ndarray of shape (peaks, 2), dtype float64
        x and y in pixels.
    confidence : ndarray of shape (peaks,), dtype float64
    right : ndarray of shape (peaks,), dtype bool
        Whether there is a glyph of the peak's class.
    glyph_page, glyph_class : ndarray of shape (glyphs,), dtype intp
    glyph_box : ndarray of shape (glyphs, 4), dtype float64
        Left, top, right, bottom in pixels.
    glyph_height : ndarray of shape (glyphs,), dtype float64
        Of the writing, in pixels.
    found : ndarray of shape (glyphs,), dtype float64
        Confidence of the glyph's peak; -1 if it has no peak of its class.
    """

    truths: tuple[PageTruth, ...]
    peak_page: NDArray[np.intp]
    peak_class: NDArray[np.intp]
    peak_place: NDArray[np.float64]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    glyph_page: NDArray[np.intp]
    glyph_class: NDArray[np.intp]
    glyph_box: NDArray[np.float64]
    glyph_height: NDArray[np.float64]
    found: NDArray[np.float64]

    @classmethod
    def from_maps(cls, pages: Iterable[tuple[NDArray[np.float32], PageTruth]]) -> "PageScores":
        """Return the scores of some pages.

        Parameters
        ----------
        pages : iterable of (ndarray of shape (28, h, w), PageTruth)
            The maps of each page, from `PageNetwork.maps`, and its ground truth.
        """
        peaks: list[tuple[NDArray[Any], ...]] = []
        glyphs: list[tuple[NDArray[Any], ...]] = []
        truths = []
        for page, (maps, truth) in enumerate(pages):
            seen = find_peaks(maps[HEAT])
            chosen, ignored = targets_and_ignored(truth)
            boxes = np.array([glyph.box for glyph in chosen], np.float64).reshape(-1, 4)
            classes = np.array([CLASSES.index(glyph.label) for glyph in chosen], np.intp)
            counted, right, found = _match(seen, boxes, classes, ignored)
            peaks.append(
                (
                    np.full(counted.sum(), page, np.intp),
                    seen.classes[counted],
                    seen.places[counted],
                    seen.confidences[counted],
                    right[counted],
                )
            )
            heights = np.array([glyph.height for glyph in chosen], np.float64)
            glyphs.append((np.full(len(chosen), page, np.intp), classes, boxes, heights, found))
            truths.append(truth)
        if not truths:
            raise ValueError("pages must hold at least one page.")
        columns = [
            np.concatenate(part) for rows in (peaks, glyphs) for part in zip(*rows, strict=True)
        ]
        return cls(tuple(truths), *columns)

    def rates(
        self,
        group: str = DIGIT_CLASSES,
        threshold: float = USUAL,
        *,
        pages: NDArray[np.bool_] | None = None,
    ) -> Rates:
        """Return precision and recall of the peaks at or above a threshold.

        Parameters
        ----------
        group : str
            The classes that are scored.
        threshold : float
        pages : ndarray of shape (pages,), dtype bool, optional
            Which pages are scored; by default all.
        """
        peaks = among(self.peak_class, group) & (self.confidence >= threshold)
        glyphs = among(self.glyph_class, group)
        if pages is not None:
            peaks, glyphs = peaks & pages[self.peak_page], glyphs & pages[self.glyph_page]
        right = int((peaks & self.right).sum())
        missed = int((glyphs & ~(self.found >= threshold)).sum())
        return Rates(right, int(peaks.sum()) - right, missed)

    def curve(
        self, group: str = DIGIT_CLASSES
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Return falling thresholds with precision, recall and number of peaks at each."""
        in_group = among(self.peak_class, group)
        order = np.argsort(-self.confidence[in_group], kind="stable")
        confidence, right = self.confidence[in_group][order], self.right[in_group][order]
        last = np.flatnonzero(np.append(np.diff(confidence) != 0, True)[: len(confidence)])
        hits, n = np.cumsum(right)[last], last + 1
        glyphs = max(int(among(self.glyph_class, group).sum()), 1)
        return confidence[last], hits / n, hits / glyphs, n

    def choose_threshold(self, precision: float = PRECISION) -> dict[str, float]:
        """Return the lowest threshold at which digits reach a precision.

        Only thresholds with at least 100 digits above them count. If none reaches the precision,
        the threshold with the best F1 is returned.

        Returns
        -------
        dict
            ``threshold``, the ``precision`` and ``recall`` of digits at it, and ``n``, the number
            of digits on the pages. Empty if the network found no digits.
        """
        thresholds, precisions, recalls, n = self.curve()
        if not len(thresholds):
            return {}
        good = np.flatnonzero((precisions >= precision) & (n >= MIN_COUNT))
        at = int(good[-1]) if len(good) else int(_f1(precisions, recalls).argmax())
        return {
            "threshold": float(thresholds[at]),
            "precision": float(precisions[at]),
            "recall": float(recalls[at]),
            "n": int(among(self.glyph_class, DIGIT_CLASSES).sum()),
        }

    def best_f1(self) -> float:
        """Return the highest F1 of digits over all thresholds, 0 to 1."""
        _, precisions, recalls, _ = self.curve()
        return float(_f1(precisions, recalls).max(initial=0.0))

    def row(self) -> Row:
        """Return precision, recall and F1 of digits, signs and other marks, and F1 by class."""
        row: Row = {}
        for name, group in GROUPS.items():
            rates = self.rates(group)
            row[f"precision_{name}"] = rates.precision
            row[f"recall_{name}"] = rates.recall
            row[f"f1_{name}"] = rates.f1
        return row | {f"f1.{label}": self.rates(label).f1 for label in CLASSES}


def _f1(precisions: NDArray[np.float64], recalls: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2 * precisions * recalls / np.maximum(precisions + recalls, 1e-9)


def among(classes: NDArray[np.intp], group: str) -> NDArray[np.bool_]:
    """Return which class numbers belong to a group of labels; bool, of the same shape."""
    return np.isin(classes, [CLASSES.index(label) for label in group])


def _match(
    peaks: Peaks,
    boxes: NDArray[np.float64],
    classes: NDArray[np.intp],
    ignored: NDArray[np.float64],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    """Return which peaks are scored, which are right, and the confidence of each glyph's peak.

    A peak is right if its distance to the centre of a glyph of its class is below half of that
    glyph's longer side; each glyph takes its most confident peak. Other peaks inside of ignored
    boxes are not scored.
    """
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) / 2
    found = np.full(len(boxes), -1.0)
    counted, right = np.ones(len(peaks.classes), bool), np.zeros(len(peaks.classes), bool)
    for n, (place, kind) in enumerate(zip(peaks.places, peaks.classes, strict=True)):
        distance = np.hypot(*(middles - place).T)
        candidates = np.flatnonzero((found < 0) & (classes == kind) & (distance < reach))
        if len(candidates):
            found[candidates[distance[candidates].argmin()]] = peaks.confidences[n]
            right[n] = True
        else:
            inside = (ignored[:, :2] <= place) & (place <= ignored[:, 2:])
            counted[n] = not inside.all(axis=1).any()
    return counted, right, found
