"""Softmax and its loss in float32: where they overflow, and where clipping takes the gradient."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.nn import cross_entropy
from digitscope.nn.losses import Floats, softmax

CLIP = np.float32(1e-7)  # Keras's epsilon: where a loss of probabilities clips them
GAPS = np.linspace(0, 120, 481, dtype=np.float32)  # logits between the answer and the true digit
FACTORS = (1, 2, 5, 10)  # what trained logits are multiplied by until exp overflows


def clipped_loss(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return -log of the clipped probability of the label, and its gradient by the logits."""
    rows = np.arange(len(logits))
    probabilities = softmax(logits)
    of_label = probabilities[rows, labels]
    within = (of_label >= CLIP) & (of_label <= 1 - CLIP)
    losses: Floats = -np.log(np.clip(of_label, CLIP, 1 - CLIP))
    gradients = probabilities
    gradients[rows, labels] -= 1
    gradients[~within] = 0  # a number that is clipped does not move when the logits do
    return losses, gradients


def plain_softmax(logits: Floats) -> Floats:
    """Return exp(logits) / Σ exp(logits) as the formula has it, with nothing subtracted."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(logits)
        shares: Floats = powers / powers.sum(1, keepdims=True)
    return shares


def highest_power() -> float:
    """Return the largest float32 whose exp is finite."""
    some = np.linspace(88, 89, (1 << 17) + 1, dtype=np.float32)  # all there are from 88 to 89
    with np.errstate(over="ignore"):
        return float(some[np.isfinite(np.exp(some))].max())


def softmax_errors(logits: Floats) -> NDArray[np.float64]:
    """Return for each factor the share that overflows and the errors of both ways, as rows."""
    found, unit = [], float(np.finfo(np.float32).eps)
    for factor in FACTORS:
        scaled = logits * np.float32(factor)
        exact = softmax(scaled.astype(np.float64))
        plain = plain_softmax(scaled)
        errors = [float(np.abs(way - exact).max() / unit) for way in (plain, softmax(scaled))]
        found.append([float((~np.isfinite(plain)).any(1).mean()), *errors])
    return np.array(found).T


def losses_by_gap() -> NDArray[np.float64]:
    """Return the three losses of two digits, of which the wrong one is ahead by each gap."""
    logits = np.stack([GAPS, np.zeros_like(GAPS)], 1)  # the label is the second
    labels = np.ones(len(GAPS), int)
    with np.errstate(divide="ignore"):
        plain = -np.log(softmax(logits)[:, 1])
    losses = [cross_entropy(logits, labels)[0], plain, clipped_loss(logits, labels)[0]]
    return np.array(losses, np.float64)
