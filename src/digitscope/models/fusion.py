"""Fusion of the class probabilities of several networks for one glyph."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import CLASSES, DIGIT_CLASSES

Floats = NDArray[np.float32]
DIGITS = len(DIGIT_CLASSES)
MIN_PROBABILITY = 1e-4  # smaller probabilities count as this one


@dataclass(frozen=True)
class Fusion:
    """Weights of the log-probabilities of the page network and the glyph network.

    Whether there is a digit depends on its surroundings, so the page network alone decides that.
    Which digit it is shows better in a crop, so both networks decide that. The ten digits are first
    one group, whose probability is then divided among them; some of it is lost where the networks
    differ. Each other class is a group of its own. The weights need not add up to 1, so that they
    also calibrate the result.

    Attributes
    ----------
    page : float
        Weight of the page network's log-probabilities of the groups.
    page_digit, glyph_digit : float
        Weights of both networks' log-probabilities of the digits, given that it is a digit.
    """

    page: float = 1.0
    page_digit: float = 0.5
    glyph_digit: float = 0.5

    def log_probabilities(self, heat: Floats, glyph: Floats) -> NDArray[np.float64]:
        """Return the logarithms of the fused probabilities, shape (n, 17).

        Parameters
        ----------
        heat : ndarray of shape (n, 16), dtype float32
            Class probabilities of the page network; 1 minus their sum is that of no glyph.
        glyph : ndarray of shape (n, 17), dtype float32
            Class probabilities of the glyph network; the last one is that of no glyph.
        """
        nothing = np.maximum(1 - heat.sum(axis=1, keepdims=True), 0)
        page = _logarithms(np.hstack([heat, nothing]))
        page_digits, glyph_digits = page[:, :DIGITS], _logarithms(glyph[:, :DIGITS])
        page_total, glyph_total = _log_sum(page_digits), _log_sum(glyph_digits)
        logits = self.page * page
        logits[:, :DIGITS] = (
            self.page * page_total
            + self.page_digit * (page_digits - page_total)
            + self.glyph_digit * (glyph_digits - glyph_total)
        )
        fused: NDArray[np.float64] = logits - _log_sum(logits)
        return fused

    def apply(self, heat: Floats, glyph: Floats) -> Floats:
        """Return the fused probability of each class, shape (n, 16), dtype float32.

        >>> zero = np.eye(17, dtype=np.float32)[:1]  # both networks are certain of a 0
        >>> bool(Fusion().apply(zero[:, :16], zero)[0, 0] > 0.98)
        True
        """
        fused = np.exp(self.log_probabilities(heat, glyph))[:, : len(CLASSES)]
        return fused.astype(np.float32)

    def to_dict(self) -> dict[str, float]:
        """Return it as plain JSON types."""
        return asdict(self)


def add_digits(heat: Floats, digits: Floats, weight: float) -> Floats:
    """Return class probabilities that include those of a digit classifier.

    The sum over the ten digits does not change.

    Parameters
    ----------
    heat : ndarray of shape (n, 16), dtype float32
    digits : ndarray of shape (n, 10), dtype float32
        Of the classifier.
    weight : float
        Weight of the classifier's log-probabilities; those of `heat` have weight 1.

    >>> heat = np.float32([[0.3, 0.3] + 14 * [0.0]])
    >>> add_digits(heat, np.float32([[0.2, 0.8] + 8 * [0.0]]), 0.5)[0, :2].round(2)
    array([0.2, 0.4], dtype=float32)
    """
    own = heat[:, :DIGITS]
    joined = own * np.maximum(digits, MIN_PROBABILITY) ** weight
    joined *= own.sum(axis=1, keepdims=True) / np.maximum(joined.sum(axis=1, keepdims=True), 1e-12)
    return np.hstack([joined, heat[:, DIGITS:]]).astype(np.float32)


def _logarithms(probabilities: Floats) -> NDArray[np.float64]:
    return np.log(np.maximum(probabilities.astype(np.float64), MIN_PROBABILITY))


def _log_sum(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
    top = logarithms.max(axis=1, keepdims=True)
    total: NDArray[np.float64] = top + np.log(np.exp(logarithms - top).sum(axis=1, keepdims=True))
    return total
