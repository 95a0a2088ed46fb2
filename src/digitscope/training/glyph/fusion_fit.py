"""Fit of the weights that combine the probabilities of page network and glyph network."""

import numpy as np
from scipy.optimize import minimize

from digitscope.models.fusion import Floats, Fusion

LEAST = 1_000  # least number of crops for a fit


def fit_fusion(heat: Floats, glyph: Floats, labels: np.ndarray) -> Fusion:
    """Return the weights with the smallest log loss on held-out crops.

    Parameters
    ----------
    heat : ndarray of shape (n, 16), dtype float32
        Class probabilities by the page network.
    glyph : ndarray of shape (n, 17), dtype float32
        Class probabilities by the glyph network.
    labels : ndarray of shape (n,), dtype uint8
        The true classes.

    Returns
    -------
    Fusion
        The default weights if there are too few crops.
    """
    if len(labels) < LEAST:
        return Fusion()
    rows = np.arange(len(labels))

    def log_loss(weights: np.ndarray) -> float:
        fused = Fusion(*weights.tolist()).log_probabilities(heat, glyph)
        return float(-fused[rows, labels].mean())

    begin = np.array(list(Fusion().to_dict().values()))
    best = minimize(log_loss, begin, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6})
    return Fusion(*(round(weight, 4) for weight in best.x.tolist()))
