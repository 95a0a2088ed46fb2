"""Refusal: how well a score separates digits from non-digits."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData
from digitscope.extras import require


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Separation of digits and non-digits by a score.

    Attributes
    ----------
    threshold : float
        Score below which an answer is refused.
    n_digits, n_non_digits : int
        Numbers of images.
    digits_kept, non_digits_kept : float
        Shares with a score at or above the threshold, 0 to 1.
    non_digits_kept_at_95 : float
        Share of non-digits kept at the threshold that keeps 95 % of the digits.
    non_digits_kept_at_98 : float
        The same for 98 % of the digits.
    roc_auc : float
        Probability that a digit has a higher score than a non-digit.
    """

    threshold: float
    n_digits: int
    n_non_digits: int
    digits_kept: float
    non_digits_kept: float
    non_digits_kept_at_95: float
    non_digits_kept_at_98: float
    roc_auc: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return dataclasses.asdict(self)


def score_refusal(
    digits: NDArray[np.float32], non_digits: NDArray[np.float32], threshold: float
) -> Refusal:
    """Return how well scores separate digits and non-digits.

    Parameters
    ----------
    digits : ndarray of shape (n,)
        Scores of digits, from `Classifier.judge`.
    non_digits : ndarray of shape (m,)
        Scores of non-digits.
    threshold : float
        Score below which an answer is refused.

    Examples
    --------
    >>> score_refusal(np.array([0.9, 0.8]), np.array([0.1, 0.85]), 0.5).non_digits_kept
    0.5
    """
    require("evaluate", "digitscope.evaluate")
    from sklearn import metrics

    if not (len(digits) and len(non_digits)):
        raise BadData(
            f"refusal needs at least one digit and one non-digit. "
            f"Received: {len(digits)} digits and {len(non_digits)} non-digits."
        )
    is_digit = np.repeat([1, 0], [len(digits), len(non_digits)])
    return Refusal(
        threshold=float(threshold),
        n_digits=len(digits),
        n_non_digits=len(non_digits),
        digits_kept=float((digits >= threshold).mean()),
        non_digits_kept=float((non_digits >= threshold).mean()),
        non_digits_kept_at_95=float((non_digits >= np.quantile(digits, 0.05)).mean()),
        non_digits_kept_at_98=float((non_digits >= np.quantile(digits, 0.02)).mean()),
        roc_auc=float(metrics.roc_auc_score(is_digit, np.concatenate([digits, non_digits]))),
    )
