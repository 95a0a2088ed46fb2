"""A multilayer perceptron in NumPy: forward, backward, and one step of Adam.

::

    x  = image / 255
    y  = x W1 + b1      A = relu(y)         and so on for each hidden layer
    y' = A W2 + b2      B = softmax(y')     the ten digits
    loss = -log B[label]

The weights come from an ONNX file that digitscope wrote. They are float32 there and float64 here:
an identity then holds to twelve digits, and finite differences can check a gradient.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadModel
from digitscope.image.digit import DIGITS, SIDE
from digitscope.models.onnx_graph import read_graph

Vector: TypeAlias = NDArray[np.float64]  # (n,)
Matrix: TypeAlias = NDArray[np.float64]  # (n, m)

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as the paper proposes them
SELU, ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al., NIPS 2017


def _elu(y: Vector) -> Vector:
    return np.where(y > 0, y, np.expm1(np.minimum(y, 0)))


# The name in ONNX, A of y, and the slope dA/dy of y and A.
_Function: TypeAlias = Callable[[NDArray[Any]], NDArray[Any]]
_Slope: TypeAlias = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]
ACTIVATIONS: dict[str, tuple[str, _Function, _Slope]] = {
    "linear": ("Identity", lambda y: y, lambda y, a: np.ones_like(y)),
    "relu": ("Relu", lambda y: np.maximum(y, 0), lambda y, a: (y > 0).astype(y.dtype)),
    # The logistic function; this form cannot overflow.
    "sigmoid": ("Sigmoid", lambda y: (1 + np.tanh(y / 2)) / 2, lambda y, a: a * (1 - a)),
    "tanh": ("Tanh", np.tanh, lambda y, a: 1 - a * a),
    "elu": ("Elu", _elu, lambda y, a: np.where(y > 0, 1, a + 1)),
    "selu": (
        "Selu",
        lambda y: SELU * np.where(y > 0, y, ALPHA * np.expm1(np.minimum(y, 0))),
        lambda y, a: np.where(y > 0, SELU, a + SELU * ALPHA),
    ),
}
_OF_ONNX = {operator: name for name, (operator, _, _) in ACTIVATIONS.items()}


@dataclass(frozen=True)
class LayerWeights:
    """One layer: its weights, and what it does with the sums.

    Attributes
    ----------
    name : str
        As in the ONNX file: ``hidden_1``, ``digits``.
    kernel : ndarray of shape (inputs, units), dtype float64
        W.
    bias : ndarray of shape (units,), dtype float64
        b.
    activation : str
        relu, sigmoid, tanh, elu, selu or linear; softmax for the last layer.
    """

    name: str
    kernel: Matrix
    bias: Vector
    activation: str


@dataclass(frozen=True)
class Perceptron:
    """The weights of a network.

    Attributes
    ----------
    scale : float
        What a pixel of 0 to 255 is multiplied by: 1/255.
    layers : tuple of LayerWeights
        The hidden ones and that of the ten digits.
    """

    scale: float
    layers: tuple[LayerWeights, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of pixels and of the units in each layer, for instance (784, 128, 10)."""
        return (len(self.layers[0].kernel), *(len(layer.bias) for layer in self.layers))

    @property
    def parameters(self) -> int:
        """How many weights and biases there are."""
        return sum(layer.kernel.size + layer.bias.size for layer in self.layers)

    @classmethod
    def of(cls, path: Path) -> "Perceptron":
        """Return the weights in an ONNX file.

        Raises
        ------
        BadModel
            For a network with convolutions, with further answers than the ten digits, or with gelu
            or silu: with any node that is no part of a plain perceptron.
        """
        graph = read_graph(path)
        scale, tail = 1.0, graph.input
        layers: list[LayerWeights] = []
        for node in graph.nodes:
            operator, done = node.operator, bool(layers) and layers[-1].activation == "softmax"
            weights = [graph.weights.get(name) for name in node.inputs[1:]]
            sizes = [np.asarray(w).size for w in weights]
            chained = node.inputs[:1] == [tail] and not any(w is None for w in weights)
            # A layer is linear until its activation comes.
            if chained and operator == "Gemm" and len(weights) == 2 and not done:
                kernel, bias = (np.asarray(w, np.float64) for w in weights)
                name = node.outputs[0].removesuffix("/logits")
                layers.append(LayerWeights(name, kernel, bias, "linear"))
            elif chained and operator == "Mul" and sizes == [1] and not layers:
                scale *= float(np.asarray(weights[0]).item())
            elif chained and layers and not done and operator in {*_OF_ONNX, "Softmax"}:
                name = _OF_ONNX.get(operator, "softmax")
                layers[-1] = dataclasses.replace(layers[-1], activation=name)
            elif not (chained and operator in {"Cast", "Flatten", "Identity"}):
                raise BadModel(f"{path}: {_WANTED} Received: the node {node.name!r} ({operator}).")
            tail = node.outputs[0]
        if not layers or layers[-1].activation != "softmax":
            raise BadModel(f"{path}: {_WANTED} Received: no softmax at its end.")
        outs = [len(layer.bias) for layer in layers]
        shapes = [layer.kernel.shape for layer in layers]
        if shapes != [*zip([SIDE * SIDE, *outs], outs)] or outs[-1] != DIGITS:  # noqa: B905
            raise BadModel(f"{path}: {_WANTED} Received: weights of the shapes {shapes}.")
        return cls(scale, tuple(layers))


_WANTED = (
    "a walk through the layers needs a multilayer perceptron of ten answers, its activations "
    f"{', '.join(ACTIVATIONS)}; for any other network take digitscope.occlude."
)


@dataclass(frozen=True)
class LayerResult:
    """What one layer computed.

    Attributes
    ----------
    inputs : ndarray of shape (inputs,)
        x, or A of the layer before.
    sums : ndarray of shape (units,)
        y; of the last layer the logits.
    outputs : ndarray of shape (units,)
        A; of the last layer the probabilities B.
    """

    inputs: Vector
    sums: Vector
    outputs: Vector


@dataclass(frozen=True)
class Gradient:
    """The gradient of a number, such as the loss, by all that took part in one layer.

    Attributes
    ----------
    sums : ndarray of shape (units,)
    kernel : ndarray of shape (inputs, units)
    bias : ndarray of shape (units,)
        The same as that by the sums.
    inputs : ndarray of shape (inputs,)
    """

    sums: Vector
    kernel: Matrix
    bias: Vector
    inputs: Vector


def softmax(logits: Vector) -> Vector:
    """Return exp(logits) / Σ exp(logits).

    >>> softmax(np.array([1000.0, 1000.0])).tolist()
    [0.5, 0.5]
    """
    powers: Vector = np.exp(logits - logits.max())
    shares: Vector = powers / powers.sum()
    return shares


def cross_entropy(logits: Vector, label: int) -> float:
    """Return -log softmax(logits)[label], in nats; finite also where the probability is 0.

    >>> round(cross_entropy(np.zeros(10), 3), 4)  # log 10
    2.3026
    >>> cross_entropy(np.array([0.0, 2000.0]), 0)
    2000.0
    """
    shifted = logits - logits.max()
    return float(np.log(np.exp(shifted).sum()) - shifted[label])


def forward(network: Perceptron, x: Vector) -> tuple[LayerResult, ...]:
    """Return what each layer computes.

    Parameters
    ----------
    network : Perceptron
    x : ndarray of shape (784,), dtype float64
        0 to 1.
    """
    steps: list[LayerResult] = []
    for layer in network.layers:
        inputs = steps[-1].outputs if steps else x
        sums = inputs @ layer.kernel + layer.bias  # (units,)
        activate = softmax if layer.activation == "softmax" else ACTIVATIONS[layer.activation][1]
        steps.append(LayerResult(inputs, sums, activate(sums)))
    return tuple(steps)


def backward(
    network: Perceptron, steps: Sequence[LayerResult], seed: Vector
) -> tuple[Gradient, ...]:
    """Return the gradients of a number by everything in each layer, by the chain rule.

    Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
    Nature 323 (1986).

    Parameters
    ----------
    network : Perceptron
    steps : sequence of LayerResult
        What `forward` returned.
    seed : ndarray of shape (units,)
        The gradient of that number by the sums of the last layer. For the loss it is
        B - onehot(label); for a difference of two logits it is 1, -1 and zeros.
    """
    gradients: list[Gradient] = []
    by_sums = seed
    for layer, step in zip(reversed(network.layers), reversed(steps), strict=True):
        if gradients:  # through A = f(y)
            slope = ACTIVATIONS[layer.activation][2]
            by_sums = gradients[-1].inputs * slope(step.sums, step.outputs)
        by_kernel = np.outer(step.inputs, by_sums)  # (inputs, units)
        gradients.append(Gradient(by_sums, by_kernel, by_sums, layer.kernel @ by_sums))
    return tuple(reversed(gradients))


def adam(network: Perceptron, gradients: Sequence[Gradient], learning_rate: float) -> Perceptron:
    """Return the network after the first step of Adam, from moments of zero.

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1 with its
    β₁ = 0.9, β₂ = 0.999 and ε = 1e-8. Keras adds its ε, 1e-7, before the moments are corrected.

    Parameters
    ----------
    network : Perceptron
    gradients : sequence of Gradient
        Of the loss.
    learning_rate : float
        About how far each weight goes, whatever the size of its gradient.
    """

    def moved(weights: NDArray[np.float64], gradient: NDArray[np.float64]) -> Any:
        m = (1 - BETA_1) * gradient
        v = (1 - BETA_2) * gradient**2
        m_corrected, v_corrected = m / (1 - BETA_1), v / (1 - BETA_2)
        return weights - learning_rate * m_corrected / (np.sqrt(v_corrected) + EPSILON)

    layers = (
        dataclasses.replace(
            layer, kernel=moved(layer.kernel, g.kernel), bias=moved(layer.bias, g.bias)
        )
        for layer, g in zip(network.layers, gradients, strict=True)
    )
    return Perceptron(network.scale, tuple(layers))
