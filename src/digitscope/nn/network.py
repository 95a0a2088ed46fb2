"""A neural network in NumPy: each layer is one formula for forward and one for backward.

::

    forward    x -> Dense -> BatchNorm -> Activate -> Dropout -> ... -> Dense -> logits
    backward   the same in reverse: from the gradient with respect to the outputs of a layer
               to those with respect to its weights and its inputs

`Design` describes the layers. `Network` holds all weights in one vector and all gradients in
another; layers use views of their parts. So an optimizer needs no loop over layers.
"""

# ruff: noqa: D102

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from digitscope.errors import Misuse, did_you_mean
from digitscope.image.digit import DIGITS, SIDE, Images
from digitscope.nn.activations import ACTIVATIONS
from digitscope.nn.losses import Floats, softmax

EPSILON = 1e-3  # added to the variance in BatchNorm, as in Keras, to avoid division by zero
MOMENTUM = 0.1  # share of the batch statistics in the running statistics of BatchNorm, per step
CHUNK = 2_000  # images per forward pass outside of training

# Functions of (generator, inputs, outputs) that return weights of shape (inputs, outputs).
INITIALISATIONS: dict[str, Callable[[np.random.Generator, int, int], NDArray[np.float64]]] = {
    # Keras's default. Glorot and Bengio, AISTATS 2010.
    "glorot": lambda rng, i, o: rng.uniform(-1, 1, (i, o)) * math.sqrt(6 / (i + o)),
    # For ReLU, which sets half of the outputs to 0. He, Zhang, Ren and Sun, ICCV 2015.
    "he": lambda rng, i, o: rng.normal(0, math.sqrt(2 / i), (i, o)),
    # LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998.
    "lecun": lambda rng, i, o: rng.normal(0, math.sqrt(1 / i), (i, o)),
    "small": lambda rng, i, o: rng.normal(0, 0.01, (i, o)),
    "zeros": lambda rng, i, o: np.zeros((i, o)),
}


def pixels(images: Images) -> NDArray[np.float32]:
    """Return images as rows of numbers from 0 to 1.

    >>> pixels(np.full((2, 28, 28), 255, np.uint8)).shape
    (2, 784)
    """
    return np.divide(images.reshape(len(images), -1), np.float32(255), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Design:
    """The layers of a network.

    Attributes
    ----------
    hidden : tuple of int
        Units of each hidden layer.
    activation : str
        Activation of the hidden layers: relu, sigmoid, tanh, elu, selu or linear.
    initialisation : str
        Distribution of the initial weights: glorot, he, lecun, small or zeros. Biases begin at 0.
    gain : float
        Factor of the initial weights.
    residual : bool
        Whether the input of a hidden layer is added to its output if the sizes agree. He et al.,
        CVPR 2016.
    normalised : bool
        Whether hidden layers have batch normalization. Ioffe and Szegedy, ICML 2015.
    dropout : float
        Share of hidden units that are set to 0 in a training step, 0 to below 1.
    inputs, outputs : int
    """

    hidden: tuple[int, ...] = (128,)
    activation: str = "relu"
    initialisation: str = "glorot"
    gain: float = 1.0
    residual: bool = False
    normalised: bool = False
    dropout: float = 0.0
    inputs: int = SIDE * SIDE
    outputs: int = DIGITS

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.activation, ACTIVATIONS, "activation"),
            (self.initialisation, INITIALISATIONS, "initialisation"),
        ):
            if value not in known:
                raise Misuse(
                    f"{what} must be one of {', '.join(known)}. Received: {value!r}."
                    + did_you_mean(value, known)
                )
        if not all(units >= 1 for units in self.hidden):
            raise Misuse(f"a hidden layer must have 1 unit or more. Received: {self.hidden}.")
        if not 0 <= self.dropout < 1:
            raise Misuse(f"dropout must be 0 to below 1. Received: {self.dropout}.")


class Layer(Protocol):
    """The interface of a layer, which keeps the values of its last forward pass."""

    def forward(self, x: Floats, rng: np.random.Generator | None) -> Floats:
        """Return the outputs; `rng` is None outside of training."""

    def backward(self, by_outputs: Floats) -> Floats:
        """Store the gradient of the weights and return the gradient of the inputs."""


class Dense:
    """y = x W + b.

    Parameters
    ----------
    kernel, by_kernel : ndarray of shape (inputs, units)
        W, and the array for its gradient.
    bias, by_bias : ndarray of shape (units,)
    first : bool
        Whether its inputs are the pixels. Their gradient is not needed, and would take a third of
        the arithmetic.
    """

    def __init__(
        self, kernel: Floats, bias: Floats, by_kernel: Floats, by_bias: Floats, first: bool
    ) -> None:
        self.kernel, self.bias = kernel, bias
        self.by_kernel, self.by_bias = by_kernel, by_bias
        self.first = first

    def forward(self, x: Floats, rng: np.random.Generator | None) -> Floats:
        self.inputs = x
        y: Floats = x @ self.kernel + self.bias
        return y

    def backward(self, by_outputs: Floats) -> Floats:
        np.matmul(self.inputs.T, by_outputs, out=self.by_kernel)
        by_outputs.sum(0, out=self.by_bias)
        return by_outputs if self.first else by_outputs @ self.kernel.T


class Activate:
    """A = f(y)."""

    def __init__(self, name: str) -> None:
        _, self.function, self.slope = ACTIVATIONS[name]

    def forward(self, x: Floats, rng: np.random.Generator | None) -> Floats:
        self.sums = x
        self.outputs: Floats = self.function(x)
        return self.outputs

    def backward(self, by_outputs: Floats) -> Floats:
        by_sums: Floats = by_outputs * self.slope(self.sums, self.outputs)
        return by_sums


class BatchNorm:
    """y = gain · (x - mean) / √(variance + ε) + offset; mean and variance of each unit in a batch.

    Outside of training, running means of both are used, so that the output for an image does not
    depend on the rest of the batch. Ioffe and Szegedy, ICML 2015.
    """

    def __init__(self, gain: Floats, offset: Floats, by_gain: Floats, by_offset: Floats) -> None:
        self.gain, self.offset, self.by_gain, self.by_offset = gain, offset, by_gain, by_offset
        self.mean, self.variance = np.zeros_like(gain), np.ones_like(gain)

    def forward(self, x: Floats, rng: np.random.Generator | None) -> Floats:
        mean, variance = self.mean, self.variance
        self.of_batch = rng is not None
        if rng is not None:
            mean, variance = x.mean(0), x.var(0)
            self.mean += MOMENTUM * (mean - self.mean)
            self.variance += MOMENTUM * (variance - self.variance)
        self.deviation = np.sqrt(variance + EPSILON)
        self.standard = (x - mean) / self.deviation
        y: Floats = self.gain * self.standard + self.offset
        return y

    def backward(self, by_outputs: Floats) -> Floats:
        (by_outputs * self.standard).sum(0, out=self.by_gain)
        by_outputs.sum(0, out=self.by_offset)
        by: Floats = by_outputs * self.gain
        if self.of_batch:
            # A common shift or scale of a unit in the whole batch has no effect on the output.
            by = by - by.mean(0) - self.standard * (by * self.standard).mean(0)
        by /= self.deviation
        return by


class Dropout:
    """Set a random share of the units to 0, and scale the others so that the mean stays the same.

    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, JMLR 15 (2014).
    """

    def __init__(self, share: float) -> None:
        self.share = share

    def forward(self, x: Floats, rng: np.random.Generator | None) -> Floats:
        if rng is None:
            self.factors = np.ones(1, x.dtype)
            return x
        keep = rng.random(x.shape, dtype=np.float32) >= self.share
        self.factors = keep / x.dtype.type(1 - self.share)
        y: Floats = x * self.factors
        return y

    def backward(self, by_outputs: Floats) -> Floats:
        by_x: Floats = by_outputs * self.factors
        return by_x


class Network:
    """A network with weights and gradients.

    Parameters
    ----------
    design : Design
    seed : int
        Seed of the initial weights.
    dtype : dtype, default float32

    Attributes
    ----------
    weights, gradient : ndarray of shape (parameters,)
        All weights, and their gradients.
    dense : list of Dense
        The layers with a kernel, first to last: one more than there are hidden layers.

    Examples
    --------
    >>> network = Network(Design(hidden=(128,)), seed=0)
    >>> len(network.weights), network.probabilities(np.zeros((1, 784), np.float32)).shape
    (101770, (1, 10))
    """

    def __init__(self, design: Design, seed: int = 0, dtype: DTypeLike = np.float32) -> None:
        sizes = (design.inputs, *design.hidden, design.outputs)
        norms = 2 * sum(design.hidden) if design.normalised else 0
        total = sum(i * o + o for i, o in pairwise(sizes)) + norms
        self.design = design
        self.weights: NDArray[Any] = np.zeros(total, dtype)
        self.gradient: NDArray[Any] = np.zeros(total, dtype)
        self.dense: list[Dense] = []
        self.blocks: list[list[Layer]] = []  # the layers of each block, up to the next `Dense`
        self._taken = 0
        rng = np.random.default_rng([seed, 784])
        for i, o in pairwise(sizes):
            (kernel, by_kernel), (bias, by_bias) = self._part(i, o), self._part(o)
            kernel[...] = design.gain * INITIALISATIONS[design.initialisation](rng, i, o)
            dense = Dense(kernel, bias, by_kernel, by_bias, first=not self.dense)
            self.dense.append(dense)
            self.blocks.append([dense])
        for block in self.blocks[:-1]:
            if design.normalised:
                units = len(block[0].bias)  # type: ignore[attr-defined]
                (gain, by_gain), (offset, by_offset) = self._part(units), self._part(units)
                gain[...] = 1
                block.append(BatchNorm(gain, offset, by_gain, by_offset))
            block.append(Activate(design.activation))
            if design.dropout:
                block.append(Dropout(design.dropout))

    def _part(self, *shape: int) -> tuple[Floats, Floats]:
        """Return views of the next weights and their gradients with the given shape."""
        part = slice(self._taken, self._taken + math.prod(shape))
        self._taken = part.stop
        return self.weights[part].reshape(shape), self.gradient[part].reshape(shape)

    def forward(self, x: Floats, rng: np.random.Generator | None = None) -> Floats:
        """Return the logits, (n, outputs); a generator is given in a training step only."""
        last = len(self.blocks) - 1
        for number, block in enumerate(self.blocks):
            given = x
            for layer in block:
                x = layer.forward(x, rng)
            if self._adds(number, last):
                x = x + given
        return x

    def backward(self, by_logits: Floats) -> None:
        """Write the gradient with respect to all weights into `gradient`, by the chain rule.

        Parameters
        ----------
        by_logits : ndarray of shape (n, outputs)
            The gradient of the loss with respect to the result of the last call of `forward`.
        """
        last, by = len(self.blocks) - 1, by_logits
        for number in range(last, -1, -1):
            by_sum = by
            for layer in reversed(self.blocks[number]):
                by = layer.backward(by)
            if self._adds(number, last):
                by = by + by_sum

    def _adds(self, number: int, last: int) -> bool:
        kernel = self.dense[number].kernel
        return self.design.residual and 0 < number < last and kernel.shape[0] == kernel.shape[1]

    def norms(self) -> list[float]:
        """Return the Euclidean norm of the gradient of each kernel, first layer to last."""
        return [float(np.linalg.norm(dense.by_kernel)) for dense in self.dense]

    def probabilities(self, x: Floats) -> Floats:
        """Return the probability of each digit, (n, outputs)."""
        parts = [self.forward(x[at : at + CHUNK]) for at in range(0, len(x), CHUNK)]
        return softmax(np.concatenate(parts))

    def accuracy(self, x: Floats, labels: NDArray[Any]) -> float:
        """Return the share of images whose most probable digit is their label."""
        parts = (self.forward(x[at : at + CHUNK]) for at in range(0, len(x), CHUNK))
        answers = np.concatenate([logits.argmax(1) for logits in parts])
        return float((answers == labels).mean())
