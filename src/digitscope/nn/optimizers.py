"""Optimizers in NumPy, from gradient descent to AdamW.

`step(weights, gradient)` changes the weights in place by one step. Formulas and default constants
are those of Keras 3; tests compare the steps of both.
"""

# ruff: noqa: D102

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Optimizer(Protocol):
    """The interface of an optimizer."""

    rate: float

    def step(self, weights: Array, gradient: Array) -> None:
        """Change the weights by one step."""


@dataclass
class SGD:
    """Gradient descent: a step against the gradient, in proportion to it.

    w ← w - η g
    """

    rate: float = 0.01  # η

    def step(self, weights: Array, gradient: Array) -> None:
        weights -= self.rate * gradient


@dataclass
class Momentum:
    """Momentum: steps also follow a decaying sum of earlier gradients. Polyak, 1964.

    m ← μ m - η g,  w ← w + m
    """

    rate: float = 0.01
    momentum: float = 0.9  # μ
    m: Array | float = 0.0

    def step(self, weights: Array, gradient: Array) -> None:
        self.m = self.momentum * self.m - self.rate * gradient
        weights += self.m


@dataclass
class RMSprop:
    """RMSprop: the rate of each weight is divided by the size of its recent gradients.

    Tieleman and Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012.

    v ← ρ v + (1 - ρ) g²,  w ← w - η g / √(v + ε)
    """

    rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-7
    v: Array | float = 0.0

    def step(self, weights: Array, gradient: Array) -> None:
        self.v = self.rho * self.v + (1 - self.rho) * gradient**2
        weights -= self.rate * gradient / np.sqrt(self.v + self.epsilon)


@dataclass
class Adam:
    """Adam: a running mean of gradients, divided by the root of a running mean of their squares.

    Kingma and Ba, ICLR 2015; the second form of section 2, as in Keras.

    m ← β₁ m + (1 - β₁) g,  v ← β₂ v + (1 - β₂) g²
    w ← w - η √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε)
    """

    rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7
    m: Array | float = 0.0
    v: Array | float = 0.0
    t: int = field(default=0)

    def step(self, weights: Array, gradient: Array) -> None:
        self.t += 1
        self.m = self.beta_1 * self.m + (1 - self.beta_1) * gradient
        self.v = self.beta_2 * self.v + (1 - self.beta_2) * gradient**2
        # Corrects the bias of both means, which begin at 0.
        correction = (1 - self.beta_2**self.t) ** 0.5 / (1 - self.beta_1**self.t)
        weights -= self.rate * correction * self.m / (np.sqrt(self.v) + self.epsilon)


@dataclass
class AdamW(Adam):
    """Adam with weight decay. Loshchilov and Hutter, ICLR 2019.

    w ← w - η λ w, then as Adam
    """

    decay: float = 0.004  # λ

    def step(self, weights: Array, gradient: Array) -> None:
        weights -= self.rate * self.decay * weights
        super().step(weights, gradient)


OPTIMIZERS: dict[str, type[Any]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
}


def clip(gradient: Array, limit: float) -> None:
    """Scale a gradient, in place, to a Euclidean norm of at most `limit`.

    Pascanu, Mikolov and Bengio, ICML 2013.

    >>> gradient = np.array([3.0, 4.0])
    >>> clip(gradient, 1.0)
    >>> gradient.round(12).tolist()
    [0.6, 0.8]
    """
    norm = float(np.linalg.norm(gradient))
    if norm > limit:
        gradient *= limit / norm
