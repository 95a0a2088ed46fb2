"""Losses of the ten logits and a label: two forms of cross-entropy, and the squared error."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import DIGITS
from digitscope.nn import cross_entropy
from digitscope.nn.losses import Floats, Loss, softmax


def squared_error(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return Σ (B - onehot)² of each row, and its gradient by the logits."""
    shares = softmax(logits)
    errors = shares - one_hot(labels, logits.dtype)
    losses: Floats = (errors**2).sum(1)
    # Through softmax, whose slope is 0 where a share is 0 or 1.
    gradients: Floats = 2 * shares * (errors - (shares * errors).sum(1, keepdims=True))
    return losses, gradients


def one_hot(labels: NDArray[Any], dtype: Any = np.float32) -> Floats:
    """Return a row for each label: 1 in its place, 0 elsewhere."""
    rows: Floats = np.eye(DIGITS, dtype=dtype)[labels]
    return rows


def one_hot_cross_entropy(logits: Floats, targets: Floats) -> Floats:
    """Return -Σ target · log softmax(logits) of each row: nine of the ten products are 0."""
    shifted = logits - logits.max(1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    losses: Floats = -(targets * logarithms).sum(1)
    return losses


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "squared error": squared_error}
