"""Activation functions and their derivatives."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

SELU, ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al., NIPS 2017


class Activation(NamedTuple):
    """An activation function A = f(y).

    Attributes
    ----------
    onnx : str
        Name of its ONNX operator.
    function : callable
        Returns A for y.
    slope : callable
        Returns dA/dy for y and A.
    """

    onnx: str
    function: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]


def _elu(y: Array) -> Array:
    return np.where(y > 0, y, np.expm1(np.minimum(y, 0)))


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation("Identity", lambda y: y, lambda y, a: np.ones_like(y)),
    "relu": Activation("Relu", lambda y: np.maximum(y, 0), lambda y, a: (y > 0).astype(y.dtype)),
    # The logistic function, in a form that cannot overflow.
    "sigmoid": Activation("Sigmoid", lambda y: (1 + np.tanh(y / 2)) / 2, lambda y, a: a * (1 - a)),
    "tanh": Activation("Tanh", np.tanh, lambda y, a: 1 - a * a),
    "elu": Activation("Elu", _elu, lambda y, a: np.where(y > 0, 1, a + 1)),
    "selu": Activation(
        "Selu",
        lambda y: SELU * np.where(y > 0, y, ALPHA * np.expm1(np.minimum(y, 0))),
        lambda y, a: np.where(y > 0, SELU, a + SELU * ALPHA),
    ),
}
