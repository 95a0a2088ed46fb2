"""Calibration of the page network, so that its confidence is the share of right answers.

Focal loss keeps probabilities away from 0 and 1 (Mukhoti et al., "Calibrating Deep Neural Networks
using Focal Loss", NeurIPS 2020). After training, a logistic regression from the logit of each digit
on held-out pages to whether it is right (Platt, "Probabilistic Outputs for Support Vector
Machines", 1999) gives a slope and an offset. The ONNX file applies them to its class maps. The
weights of the network are not changed, so they can be used as initial weights.
"""

from dataclasses import asdict, dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from digitscope.evaluation import bin_by_confidence
from digitscope.evaluation.page_scores import PageScores, among
from digitscope.models.glyph_classes import DIGIT_CLASSES

NO_PENALTY = 1e6  # inverse strength of the regularisation, which is so large that it has no effect
LEAST = 100  # least number of right and of wrong digits for a fit


@dataclass(frozen=True)
class Calibration:
    """A linear function from the logits of a network to calibrated logits.

    Attributes
    ----------
    slope, offset : float
        Calibrated logit = slope · logit + offset.
    n : int
        Number of digits that it was fitted on.
    error_before, error_after : float
        Expected calibration error on these digits, with ten bins of equal width: the mean
        difference between confidence and share of right digits.
    """

    slope: float = 1.0
    offset: float = 0.0
    n: int = 0
    error_before: float = 0.0
    error_after: float = 0.0

    def then(self, other: "Calibration") -> "Calibration":
        """Return the composition of this calibration and then another one.

        >>> both = Calibration(2.0, 1.0).then(Calibration(0.5, 0.25))
        >>> (both.slope, both.offset)
        (1.0, 0.75)
        """
        return Calibration(
            self.slope * other.slope,
            self.offset * other.slope + other.offset,
            other.n,
            self.error_before,
            other.error_after,
        )

    def to_dict(self) -> dict[str, float]:
        """Return the fields as JSON types."""
        return asdict(self)


UNCHANGED = Calibration()


def fit_calibration(scores: PageScores) -> Calibration:
    """Fit the calibration of digits, so that confidence is the probability of a right answer.

    Parameters
    ----------
    scores : PageScores
        Scores of held-out pages.

    Returns
    -------
    Calibration
        The identity if there are too few right or wrong digits.
    """
    digits = among(scores.peak_class, DIGIT_CLASSES)
    confidence, right = scores.confidence[digits], scores.right[digits]
    if min(right.sum(), (~right).sum()) < LEAST:
        return Calibration()
    confidence = confidence.clip(1e-6, 1 - 1e-6)
    logit = np.log(confidence / (1 - confidence))[:, None]
    line = LogisticRegression(C=NO_PENALTY).fit(logit, right)
    after = line.predict_proba(logit)[:, 1]
    return Calibration(
        float(line.coef_[0, 0]),
        float(line.intercept_[0]),
        len(right),
        calibration_error(confidence, right),
        calibration_error(after, right),
    )


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error with bins of equal width.

    >>> round(calibration_error(np.array([0.9, 0.9]), np.array([True, False])), 6)
    0.4
    """
    return bin_by_confidence(confidence, right, bins).error
