"""Calibration: the temperature of a classifier, and its calibration error in bins of confidence."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.extras import require
from digitscope.image.digit import Labels, Probabilities
from digitscope.models.classifier import temper

BINS = 15  # of equal width, for the calibration error, as in Guo et al. 2017


@dataclass(frozen=True)
class Reliability:
    """Accuracy of answers by their confidence, as in a reliability diagram.

    Attributes
    ----------
    confidence, accuracy : ndarray of shape (bins,)
        Means of each non-empty bin.
    count : ndarray of shape (bins,)
        Number of answers in each of these bins.
    error : float
        The expected calibration error.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]
    error: float


def reliability(labels: Labels, probabilities: Probabilities) -> Reliability:
    """Return the answers in 15 bins of confidence of equal width."""
    return bin_by_confidence(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def bin_by_confidence(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Return answers in bins of confidence of equal width.

    Parameters
    ----------
    confidence : ndarray of shape (n,)
        Estimated probability that each answer is right.
    right : ndarray of shape (n,)
        Whether each answer is right.
    bins : int

    Examples
    --------
    >>> bin_by_confidence(np.array([0.9, 0.9]), np.array([True, False])).accuracy.tolist()
    [0.5]
    """
    confidence = confidence.astype(np.float64)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    filled = count > 0
    mean_confidence = np.bincount(which, confidence, bins)[filled] / count[filled]
    accuracy = np.bincount(which, right, bins)[filled] / count[filled]
    error = float((np.abs(mean_confidence - accuracy) * count[filled]).sum() / max(len(right), 1))
    return Reliability(mean_confidence, accuracy, count[filled], error)


def fit_temperature(labels: Labels, probabilities: Probabilities) -> float:
    """Return the T that minimises the log-loss of softmax(logits / T) (Guo et al., 2017).

    Parameters
    ----------
    labels : ndarray of shape (n,)
    probabilities : ndarray of shape (n, 10)
        At T = 1, of images that the network was not trained on.
    """
    require("evaluate", "digitscope.evaluate")
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        tempered = temper(probabilities, math.exp(log_temperature))[rows, labels]
        return float(-np.log(np.maximum(tempered.astype(np.float64), 1e-38)).mean())

    return float(math.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
