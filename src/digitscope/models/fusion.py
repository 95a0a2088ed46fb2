"""What two networks say of one glyph, put together."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import CLASSES, DIGIT_CLASSES

Floats = NDArray[np.float32]
DIGITS = len(DIGIT_CLASSES)
LEAST = 1e-4  # smaller probabilities count as this one


@dataclass(frozen=True)
class Fusion:
    """Weights of the log-probabilities of the page network and the glyph network.

    Whether there is a digit at all is seen with its surroundings, so the page network alone
    decides that; which digit it is shows better from near, so both networks decide that. Ten digits
    are one answer first, then they share its probability, of which some is lost when the networks
    differ; the other classes are answers of their own. The weights need not add up to 1, and so
    calibrate the result.

    Attributes
    ----------
    page : float
        Weight of the page network for the answers.
    page_digit, glyph_digit : float
        Weights of both networks for the ten digits among themselves.
    """

    page: float = 1.0
    page_digit: float = 0.5
    glyph_digit: float = 0.5

    def log_probabilities(self, heat: Floats, glyph: Floats) -> NDArray[np.float64]:
        """Return the logarithms of the fused probabilities, shape (n, 17).

        Parameters
        ----------
        heat : ndarray of shape (n, 16), dtype float32
            Of the page network: the probability of each class; what is missing to 1 is that of no
            glyph.
        glyph : ndarray of shape (n, 17), dtype float32
            Of the glyph network; the last is that of no glyph.
        """
        nothing = np.maximum(1 - heat.sum(axis=1, keepdims=True), 0)
        page = _logarithms(np.hstack([heat, nothing]))
        digits, near = page[:, :DIGITS], _logarithms(glyph[:, :DIGITS])
        page_some, near_some = _log_sum(digits), _log_sum(near)
        logits = self.page * page
        logits[:, :DIGITS] = (
            self.page * page_some
            + self.page_digit * (digits - page_some)
            + self.glyph_digit * (near - near_some)
        )
        fused: NDArray[np.float64] = logits - _log_sum(logits)
        return fused

    def apply(self, heat: Floats, glyph: Floats) -> Floats:
        """Return the fused probability of each class, shape (n, 16), dtype float32.

        >>> sure = np.eye(17, dtype=np.float32)[:1]  # a 0 for both
        >>> bool(Fusion().apply(sure[:, :16], sure)[0, 0] > 0.98)
        True
        """
        fused = np.exp(self.log_probabilities(heat, glyph))[:, : len(CLASSES)]
        return fused.astype(np.float32)

    def to_dict(self) -> dict[str, float]:
        """Return it as plain JSON types."""
        return asdict(self)


def add_digits(heat: Floats, digits: Floats, weight: float) -> Floats:
    """Return probabilities in which a classifier of digits also had a say in which digit it is.

    Whether it is a digit stays as it was.

    Parameters
    ----------
    heat : ndarray of shape (n, 16), dtype float32
    digits : ndarray of shape (n, 10), dtype float32
        Of the classifier.
    weight : float
        Of the logarithms of its probabilities; those of `heat` have a weight of 1.

    >>> heat = np.float32([[0.3, 0.3] + 14 * [0.0]])
    >>> add_digits(heat, np.float32([[0.2, 0.8] + 8 * [0.0]]), 0.5)[0, :2].round(2)
    array([0.2, 0.4], dtype=float32)
    """
    own = heat[:, :DIGITS]
    joined = own * np.maximum(digits, LEAST) ** weight
    joined *= own.sum(axis=1, keepdims=True) / np.maximum(joined.sum(axis=1, keepdims=True), 1e-12)
    return np.hstack([joined, heat[:, DIGITS:]]).astype(np.float32)


def _logarithms(probabilities: Floats) -> NDArray[np.float64]:
    return np.log(np.maximum(probabilities.astype(np.float64), LEAST))


def _log_sum(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    top = logarithms.max(axis=1, keepdims=True)
    total: NDArray[np.float64] = top + np.log(np.exp(logarithms - top).sum(axis=1, keepdims=True))
    return total
