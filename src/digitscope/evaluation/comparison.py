"""Comparison of two classifiers on the same images, with McNemar's test."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData
from digitscope.evaluation import LabelledImages
from digitscope.extras import require
from digitscope.image.digit import Labels
from digitscope.models.classifier import Classifier


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two classifiers on the same n images.

    Attributes
    ----------
    accuracy_a, accuracy_b : float
    only_a, only_b : list of int
        Indices of the images that only A classifies right, and only B.
    both_wrong : int
        Number of images that both classify wrong.
    p_value : float
        Of McNemar's exact test, two-sided: the probability of a difference at least this large if
        both classifiers are equally good. McNemar, Psychometrika 12 (1947).
    predicted_a, predicted_b : list of int
        The most probable digit of each image.
    """

    n: int
    accuracy_a: float
    accuracy_b: float
    only_a: list[int]
    only_b: list[int]
    both_wrong: int
    p_value: float
    predicted_a: list[int]
    predicted_b: list[int]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON types."""
        return dataclasses.asdict(self)


def compare(a: Classifier, b: Classifier, split: LabelledImages) -> Comparison:
    """Return the comparison of two classifiers on the same labelled images."""
    return compare_predictions(split.labels, a.predict(split.images), b.predict(split.images))


def compare_predictions(labels: Labels, a: NDArray[Any], b: NDArray[Any]) -> Comparison:
    """Return the comparison of two arrays of predicted digits.

    >>> compare_predictions(np.array([1, 2, 3]), np.array([1, 2, 0]), np.array([1, 0, 3])).p_value
    1.0
    """
    require("evaluate", "digitscope.compare")
    from scipy.stats import binomtest

    if not len(labels):
        raise BadData("comparison needs at least one image. Received: 0 images.")
    right_a, right_b = a == labels, b == labels
    only_a, only_b = np.flatnonzero(right_a & ~right_b), np.flatnonzero(right_b & ~right_a)
    differ = len(only_a) + len(only_b)
    return Comparison(
        n=len(labels),
        accuracy_a=float(right_a.mean()),
        accuracy_b=float(right_b.mean()),
        only_a=only_a.tolist(),
        only_b=only_b.tolist(),
        both_wrong=int((~right_a & ~right_b).sum()),
        p_value=float(binomtest(len(only_a), differ).pvalue) if differ else 1.0,
        predicted_a=a.tolist(),
        predicted_b=b.tolist(),
    )
