"""A linear model with a squared error, whose curvature is the same everywhere."""

import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import DIGITS
from digitscope.nn.losses import Floats

STEPS = 100


def descend(
    x: Floats, labels: NDArray[np.integer], rates: tuple[float, ...]
) -> tuple[float, NDArray[np.bool_]]:
    """Take a linear model down its squared error, on all images at once, with each rate.

    Returns
    -------
    largest : float
        Largest eigenvalue of the second moments.
    falls : ndarray of shape (rates,), dtype bool
        Whether the error is smaller after `STEPS` steps than before the first.
    """
    rows = np.column_stack([x, np.ones(len(x))]).astype(np.float64)  # the 1 meets the biases
    second = rows.T @ rows / len(x)  # (785, 785)
    mixed = np.tile(rows.T @ np.eye(DIGITS)[labels] / len(x), len(rates))  # (785, rates · 10)
    w, rate = np.zeros_like(mixed), np.repeat(rates, DIGITS)
    with np.errstate(all="ignore"):  # some shall overflow
        for _ in range(STEPS):
            w -= rate * (second @ w - mixed)
        # ½ mean |xw - t|², less what it is at w = 0.
        change = (w * (second @ w / 2 - mixed)).sum(0).reshape(len(rates), DIGITS).sum(1)
    return float(np.linalg.eigvalsh(second)[-1]), change < 0
