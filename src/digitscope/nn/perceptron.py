"""A trained multilayer perceptron in NumPy: forward pass, backward pass and one step of Adam.

::

    x  = image / 255
    y  = x W1 + b1      A = relu(y)         and so on for each hidden layer
    y' = A W2 + b2      B = softmax(y')     the ten digits
    loss = -log B[label]

The weights come from an ONNX file of digitscope. They are converted from float32 to float64, so
that finite differences can check a gradient.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadModel
from digitscope.image.digit import DIGITS, SIDE
from digitscope.models.onnx_graph import read_graph
from digitscope.nn import losses
from digitscope.nn.activations import ACTIVATIONS
from digitscope.nn.optimizers import Adam

Vector: TypeAlias = NDArray[np.float64]  # (n,)
Matrix: TypeAlias = NDArray[np.float64]  # (n, m)

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as the paper proposes them
_OF_ONNX = {activation.onnx: name for name, activation in ACTIVATIONS.items()}


@dataclass(frozen=True)
class LayerWeights:
    """The weights and the activation of one layer.

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
        Factor of a pixel from 0 to 255: 1/255.
    layers : tuple of LayerWeights
        The hidden layers, then the layer of the ten digits.
    """

    scale: float
    layers: tuple[LayerWeights, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of pixels and of the units in each layer, for instance (784, 128, 10)."""
        return (len(self.layers[0].kernel), *(len(layer.bias) for layer in self.layers))

    @property
    def parameters(self) -> int:
        """The number of weights and biases."""
        return sum(layer.kernel.size + layer.bias.size for layer in self.layers)

    @classmethod
    def of(cls, path: Path) -> "Perceptron":
        """Read the weights from an ONNX file.

        Raises
        ------
        BadModel
            If the network has a node that is not part of a perceptron, such as a convolution, gelu
            or silu, or other outputs than the ten digits.
        """
        graph = read_graph(path)
        scale, tail = 1.0, graph.input
        layers: list[LayerWeights] = []
        for node in graph.nodes:
            operator, done = node.operator, bool(layers) and layers[-1].activation == "softmax"
            weights = [graph.weights.get(name) for name in node.inputs[1:]]
            sizes = [np.asarray(w).size for w in weights]
            chained = node.inputs[:1] == [tail] and not any(w is None for w in weights)
            # A layer is linear until its activation follows.
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
            raise BadModel(f"{path}: {_WANTED} Received: no softmax as the last node.")
        outs = [len(layer.bias) for layer in layers]
        shapes = [layer.kernel.shape for layer in layers]
        if shapes != [*zip([SIDE * SIDE, *outs], outs)] or outs[-1] != DIGITS:  # noqa: B905
            raise BadModel(f"{path}: {_WANTED} Received: weights of the shapes {shapes}.")
        return cls(scale, tuple(layers))


_WANTED = (
    "an explanation layer by layer needs a multilayer perceptron with ten outputs and the "
    f"activations {', '.join(ACTIVATIONS)}; for other networks use digitscope.occlude."
)


@dataclass(frozen=True)
class LayerResult:
    """The inputs, sums and outputs of one layer.

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
    """The gradient of a scalar, such as the loss, with respect to the values of one layer.

    Attributes
    ----------
    sums : ndarray of shape (units,)
    kernel : ndarray of shape (inputs, units)
    bias : ndarray of shape (units,)
        The same as `sums`.
    inputs : ndarray of shape (inputs,)
    """

    sums: Vector
    kernel: Matrix
    bias: Vector
    inputs: Vector


def cross_entropy(logits: Vector, label: int) -> float:
    """Return -log softmax(logits)[label] of one image, in nats.

    >>> round(cross_entropy(np.zeros(10), 3), 4)  # log 10
    2.3026
    >>> cross_entropy(np.array([0.0, 2000.0]), 0)
    2000.0
    """
    values, _ = losses.cross_entropy(logits[None], np.array([label]))
    return float(values[0])


def forward(network: Perceptron, x: Vector) -> tuple[LayerResult, ...]:
    """Return the inputs, sums and outputs of each layer.

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
        if layer.activation == "softmax":
            outputs: Any = losses.softmax(sums)
        else:
            outputs = ACTIVATIONS[layer.activation].function(sums)
        steps.append(LayerResult(inputs, sums, outputs))
    return tuple(steps)


def backward(
    network: Perceptron, steps: Sequence[LayerResult], seed: Vector
) -> tuple[Gradient, ...]:
    """Return the gradients of a scalar with respect to the values of each layer, by the chain rule.

    Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
    Nature 323 (1986).

    Parameters
    ----------
    network : Perceptron
    steps : sequence of LayerResult
        The result of `forward`.
    seed : ndarray of shape (units,)
        The gradient with respect to the sums of the last layer. For the loss it is
        B - onehot(label); for a difference of two logits it is 1, -1 and zeros.
    """
    gradients: list[Gradient] = []
    by_sums = seed
    for layer, step in zip(reversed(network.layers), reversed(steps), strict=True):
        if gradients:  # through A = f(y)
            slope = ACTIVATIONS[layer.activation].slope
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
        Approximate size of the change of each weight, for any size of its gradient.
    """
    # `Adam` adds its ε before the second moment is corrected, the paper after it.
    epsilon = EPSILON * (1 - BETA_2) ** 0.5

    def moved(weights: NDArray[np.float64], gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        after = weights.copy()
        Adam(learning_rate, BETA_1, BETA_2, epsilon).step(after, gradient)
        return after

    layers = (
        dataclasses.replace(
            layer, kernel=moved(layer.kernel, g.kernel), bias=moved(layer.bias, g.bias)
        )
        for layer, g in zip(network.layers, gradients, strict=True)
    )
    return Perceptron(network.scale, tuple(layers))
