"""From gradient descent to Adam: what each makes of a gradient, in a few lines.

Each takes one step with `step(weights, gradient)` and changes the weights in place. The forms and
constants are those of Keras 3, step by step, and the tests compare them.
"""

# ruff: noqa: D102

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Optimizer(Protocol):
    """Anything that moves weights by their gradient."""

    rate: float

    def step(self, weights: Array, gradient: Array) -> None:
        """Move the weights, one step."""


@dataclass
class SGD:
    """Gradient descent: downhill, as far as it is steep.

    w ← w - η g
    """

    rate: float = 0.01  # η

    def step(self, weights: Array, gradient: Array) -> None:
        weights -= self.rate * gradient


@dataclass
class Momentum:
    """A ball with mass: past gradients carry it on. Polyak, 1964.

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
    """Each weight has its own rate: divided by how large its gradients were of late.

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
    """Both: a running mean of gradients over the root of a running mean of their squares.

    Kingma and Ba, ICLR 2015; in the second form of its section 2, as Keras has it.

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
        # Both means begin at 0; this makes up for it.
        correction = (1 - self.beta_2**self.t) ** 0.5 / (1 - self.beta_1**self.t)
        weights -= self.rate * correction * self.m / (np.sqrt(self.v) + self.epsilon)


@dataclass
class AdamW(Adam):
    """Adam, and every weight shrinks a little each step. Loshchilov and Hutter, ICLR 2019.

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
    """Shorten a gradient, in place, to a Euclidean norm of at most `limit`.

    Pascanu, Mikolov and Bengio, ICML 2013.

    >>> gradient = np.array([3.0, 4.0])
    >>> clip(gradient, 1.0)
    >>> gradient.round(12).tolist()
    [0.6, 0.8]
    """
    norm = float(np.linalg.norm(gradient))
    if norm > limit:
        gradient *= limit / norm
