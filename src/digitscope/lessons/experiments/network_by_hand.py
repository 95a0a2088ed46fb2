"""A whole network for digits in some forty lines of NumPy, with nothing of `digitscope.nn`.

Softmax, cross-entropy and Adam are repeated here on purpose: what the lesson on backpropagation
shows and checks must stand for itself. Weights are a list of four arrays, and so are gradients.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def begin(units: int, rng: np.random.Generator) -> list[Array]:
    """Draw first weights within ±√(6 / (inputs + outputs)), and biases of 0."""
    a, b = np.sqrt(6 / (784 + units)), np.sqrt(6 / (units + 10))
    w1, b1 = rng.uniform(-a, a, (784, units)), np.zeros(units)
    w2, b2 = rng.uniform(-b, b, (units, 10)), np.zeros(10)
    return [w1, b1, w2, b2]


def forward(weights: list[Array], x: Array) -> tuple[Array, Array]:
    """Return the hidden units and the probabilities of the ten digits."""
    w1, b1, w2, b2 = weights
    hidden = np.maximum(x @ w1 + b1, 0)  # (batch, units)
    logits = hidden @ w2 + b2  # (batch, 10)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return hidden, powers / powers.sum(1, keepdims=True)


def cross_entropy(probabilities: Array, labels: Array) -> float:
    """Return the mean of -log(probability of the right digit)."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def backward(weights: list[Array], x: Array, labels: Array) -> list[Array]:
    """Return the gradients of the loss by the weights, by the chain rule."""
    hidden, by_logits = forward(weights, x)  # (batch, units), (batch, 10)
    by_logits[np.arange(len(x)), labels] -= 1  # softmax and loss in one
    by_logits /= len(x)  # the loss is a mean
    by_hidden = by_logits @ weights[2].T  # (batch, units)
    by_sums = by_hidden * (hidden > 0)  # the slope of ReLU is 1 or 0
    by_w1, by_w2 = x.T @ by_sums, hidden.T @ by_logits  # as w1 and w2
    return [by_w1, by_sums.sum(0), by_w2, by_logits.sum(0)]


def adam(weights: Any, gradients: Any, m: Any, v: Any, t: int, rate: float) -> None:
    """Take step `t`, from 1; `m` and `v` are running means of g and g²."""
    rate *= (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)  # both means begin at 0
    for i, g in enumerate(gradients):
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g**2
        weights[i] -= rate * m[i] / (np.sqrt(v[i]) + 1e-7)


def train(
    x: Array, labels: Array, *, units: int, batch: int, epochs: int, rate: float, seed: int
) -> list[Array]:
    """Train a network, and return its weights."""
    rng = np.random.default_rng(seed)
    weights = [w.astype(np.float32) for w in begin(units, rng)]
    m, v, t = [0.0] * 4, [0.0] * 4, 0
    per_epoch = len(x) // batch  # what fills no batch is left out
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for rows in order[: per_epoch * batch].reshape(-1, batch):
            falling = rate * (1 - t / (epochs * per_epoch))  # the last steps are small
            t += 1
            gradients = backward(weights, x[rows], labels[rows])
            adam(weights, gradients, m, v, t, falling)
    return weights


def accuracy(weights: list[Array], x: Array, labels: Array) -> float:
    """Return the share of images whose most probable digit is their label."""
    return float((forward(weights, x)[1].argmax(1) == labels).mean())
