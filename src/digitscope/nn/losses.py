"""The loss of each image and its gradient with respect to the ten logits."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
# (n, 10) logits and (n,) labels -> (n,) losses and (n, 10) gradients.
Loss: TypeAlias = Callable[[Floats, NDArray[Any]], tuple[Floats, Floats]]


def softmax(logits: Floats) -> Floats:
    """Return exp(logits) / Σ exp(logits) of each row, or of a single row.

    The largest logit is subtracted first, so that exp cannot overflow. This does not change the
    result.

    >>> softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]])).round(3).tolist()
    [[0.5, 0.5], [0.25, 0.75]]
    """
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    shares: Floats = powers / powers.sum(-1, keepdims=True)
    return shares


def cross_entropy(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return -log softmax(logits)[label] of each row, in nats, and its gradient.

    The gradient with respect to the logits is softmax(logits) - onehot(label).

    Parameters
    ----------
    logits : ndarray of shape (n, 10), dtype float
    labels : ndarray of shape (n,), dtype int
        0 to 9.

    Returns
    -------
    losses : ndarray of shape (n,), dtype as logits
    gradients : ndarray of shape (n, 10), dtype as logits

    Examples
    --------
    >>> losses, gradients = cross_entropy(np.zeros((1, 10)), np.array([3]))
    >>> losses.round(4).tolist(), gradients[0, 2:4].round(2).tolist()
    ([2.3026], [0.1, -0.9])
    """
    rows = np.arange(len(logits))
    # Not log(softmax(logits)), which is -inf where a probability is rounded to 0.
    shifted = logits - logits.max(1, keepdims=True)
    powers = np.exp(shifted)
    sums = powers.sum(1, keepdims=True)
    losses: Floats = np.log(sums[:, 0]) - shifted[rows, labels]
    gradients: Floats = powers / sums
    gradients[rows, labels] -= 1
    return losses, gradients
