"""Explanations of a network's answer for one image.

`explain` computes a multilayer perceptron step by step: forwards to the loss, backwards to every
gradient, and one training step. `occlude` works with any network and needs only its answers: it
covers the image patch by patch and measures the change of confidence.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadImage, BadModel, Misuse
from digitscope.image.digit import DIGITS, SIDE
from digitscope.models.classifier import Classifier, Judgement
from digitscope.nn.perceptron import (
    Gradient,
    LayerResult,
    Matrix,
    Perceptron,
    Vector,
    adam,
    backward,
    cross_entropy,
    forward,
)

LEARNING_RATE = 0.001  # default of Adam in its paper
PATCH = 5  # pixels; about the width of a stroke and the paper beside it
TOLERANCE = 1e-5  # largest difference between a probability computed here and by ONNX Runtime


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """One image through a multilayer perceptron, forwards and backwards.

    Attributes
    ----------
    image : ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink.
    network, updated : Perceptron
        The network before and after the step of Adam.
    steps : tuple of LayerResult
        Results of each layer; the probabilities are ``steps[-1].outputs``, not calibrated.
    winner, runner_up : int
        The most probable digit and the second most probable one.
    label : int
        The digit that the loss takes as the true one.
    label_given : bool
        Whether the label was given; otherwise it is the winner.
    loss, loss_after : float
        -log B[label] before and after the step, in nats.
    learning_rate : float
        Of that step.
    gradients : tuple of Gradient
        Of the loss, for each layer.
    contributions : ndarray of shape (units, 2), dtype float64
        Contribution of each unit of the last hidden layer to the logit of the winner and to that of
        the runner-up: A[j] W[j, k]. Without a hidden layer it has no rows.
    pixels : ndarray of shape (28, 28), dtype float64
        Contribution of each pixel to the lead, which is the logit of the winner minus that of the
        runner-up: the pixel times the derivative of the lead. For relu, pixels and `biases` add up
        to the lead exactly.
    biases : float
        Contribution of all biases to the lead.
    remainder : float
        The lead minus these contributions; 0 for relu and linear activations.
    score, threshold : float
        The score of `Classifier.judge`, and the score below which an answer is refused.
    refused : bool
        Whether the answer is refused.
    temperature : float
        T of the model card; calibrated probabilities are softmax(logits / T).
    """

    image: NDArray[np.uint8]
    network: Perceptron
    updated: Perceptron
    steps: tuple[LayerResult, ...]
    winner: int
    runner_up: int
    label: int
    label_given: bool
    loss: float
    loss_after: float
    learning_rate: float
    gradients: tuple[Gradient, ...]
    contributions: Matrix
    pixels: Matrix
    biases: float
    remainder: float
    score: float
    threshold: float
    refused: bool
    temperature: float

    @property
    def logits(self) -> Vector:
        """The sums of the last layer, float64 (10,)."""
        return self.steps[-1].sums

    @property
    def probabilities(self) -> Vector:
        """The softmax of the logits, float64 (10,); not calibrated."""
        return self.steps[-1].outputs

    @property
    def lead(self) -> float:
        """The logit of the winner minus that of the runner-up."""
        return float(self.logits[self.winner] - self.logits[self.runner_up])

    def strongest(self, n: int) -> list[int]:
        """Return the `n` units of the last hidden layer that change the lead most."""
        difference = self.contributions[:, 0] - self.contributions[:, 1]
        return [int(j) for j in np.argsort(-np.abs(difference), kind="stable")[:n]]

    def picture(self, unit: int) -> Matrix:
        """Return the derivative of a unit's sum by each pixel, float64 (28, 28).

        The unit is one of the last hidden layer. With one hidden layer these are its weights; with
        more layers, its effective weights on this image.
        """
        if not 0 <= unit < len(self.contributions):
            raise Misuse(
                f"unit must be 0 to {len(self.contributions) - 1}, in the last hidden layer. "
                f"Received: {unit}."
            )
        below = Perceptron(self.network.scale, self.network.layers[:-1])
        seed = np.eye(len(self.contributions))[unit]
        return backward(below, self.steps[:-1], seed)[0].inputs.reshape(SIDE, SIDE)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as plain JSON types, arrays to six significant digits."""
        content: dict[str, Any] = plain(self)
        return content | {"probabilities": plain(self.probabilities)}


def plain(value: Any) -> Any:
    """Return a value, with its fields and items, as JSON types; arrays to six significant digits.

    >>> plain((np.array([[1 / 3], [2e6 / 3]]), True))
    [[[0.333333], [666667.0]], True]
    """
    if dataclasses.is_dataclass(value):
        return {name: plain(part) for name, part in vars(value).items()}
    if isinstance(value, tuple) or (isinstance(value, np.ndarray) and value.ndim > 1):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray):
        numbers = value.tolist()
        return numbers if value.dtype.kind in "iu" else [float(f"{x:.6g}") for x in numbers]
    return value


def explain(
    classifier: Classifier,
    image: NDArray[np.uint8],
    *,
    label: int | None = None,
    learning_rate: float = LEARNING_RATE,
) -> Explanation:
    """Compute one image through a multilayer perceptron step by step, forwards and backwards.

    Parameters
    ----------
    classifier : Classifier
        With dense layers only and ten outputs, as from the recipes classic, mlp and mlp-max. It may
        have any number of hidden layers, with relu, sigmoid, tanh, elu, selu or no activation.
    image : ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink.
    label : int, optional
        The true digit, 0 to 9. By default the network's own answer counts as the true digit.
    learning_rate : float, default 0.001
        Of one step of Adam (Kingma and Ba, 2015).

    Returns
    -------
    Explanation

    Raises
    ------
    BadImage
        For any other type, dtype or shape.
    BadModel
        For another kind of network; `occlude` works with all of them.
    Misuse
        For a label that is not 0 to 9, or a learning rate that is not above 0.

    Examples
    --------
    >>> from digitscope import load, to_mnist
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10  # a dark 1 on light paper
    >>> explanation = explain(load("mlp"), to_mnist(page), label=1)
    >>> explanation.network.sizes, explanation.winner
    ((784, 128, 10), 1)
    >>> explanation.loss_after < explanation.loss
    True
    """
    _check_image(image)
    if label is not None and label not in range(DIGITS):
        raise Misuse(f"label must be a digit, 0 to 9. Received: {label}.")
    if not 0 < learning_rate < float("inf"):
        raise Misuse(f"learning_rate must be a number above 0. Received: {learning_rate}.")
    network = Perceptron.of(classifier.path)
    steps = forward(network, image.reshape(-1).astype(np.float64) * network.scale)
    logits, probabilities = steps[-1].sums, steps[-1].outputs
    _check_agreement(classifier, image, probabilities)
    winner, runner_up = (int(digit) for digit in np.argsort(-logits, kind="stable")[:2])
    truth = winner if label is None else int(label)
    gradients = backward(network, steps, probabilities - np.eye(DIGITS)[truth])
    updated = adam(network, gradients, learning_rate)
    score, refused = _refusal(classifier, classifier.judge(image[None]))
    return Explanation(
        image=image,
        network=network,
        updated=updated,
        steps=steps,
        winner=winner,
        runner_up=runner_up,
        label=truth,
        label_given=label is not None,
        loss=cross_entropy(logits, truth),
        loss_after=cross_entropy(forward(updated, steps[0].inputs)[-1].sums, truth),
        learning_rate=learning_rate,
        gradients=gradients,
        score=score,
        threshold=classifier.threshold,
        refused=refused,
        temperature=classifier.card.temperature,
        **_contributions(network, steps, winner, runner_up),
    )


def _check_agreement(classifier: Classifier, image: NDArray[np.uint8], ours: Vector) -> None:
    """Raise `BadModel` unless ONNX Runtime gives the same probabilities for the image."""
    theirs = classifier.predict_proba(image[None], calibrated=False)[0]
    difference = np.abs(ours - theirs).max()
    if not difference <= TOLERANCE:
        raise BadModel(
            f"{classifier.path} does not compute what its weights give: the probabilities differ "
            f"by {difference:.2g}. It was not written by digitscope; use digitscope.occlude, "
            f"which works with any network."
        )


def _contributions(
    network: Perceptron, steps: tuple[LayerResult, ...], winner: int, runner_up: int
) -> dict[str, Any]:
    """Return the parts of the lead of the winner: of hidden units, pixels, biases, and the rest."""
    # The chain rule of `backward`, starting from the winner's logit minus the runner-up's.
    slopes = backward(network, steps, np.eye(DIGITS)[winner] - np.eye(DIGITS)[runner_up])
    pixels = steps[0].inputs * slopes[0].inputs
    biases = sum(
        float(layer.bias @ slope.bias) for layer, slope in zip(network.layers, slopes, strict=True)
    )
    lead = float(steps[-1].sums[winner] - steps[-1].sums[runner_up])
    last = network.layers[-1].kernel[:, [winner, runner_up]]  # (units, 2)
    return {
        "contributions": steps[-1].inputs[:, None] * last if len(steps) > 1 else np.empty((0, 2)),
        "pixels": pixels.reshape(SIDE, SIDE),
        "biases": biases,
        "remainder": lead - float(pixels.sum()) - biases,
    }


@dataclass(frozen=True, kw_only=True)
class Occlusion:
    """Change of a network's confidence when parts of an image are covered.

    Attributes
    ----------
    image : ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink.
    patch : int
        Side of the patch, in pixels.
    winner : int
        The most probable digit of the whole image.
    probability : float
        Of the winner, calibrated.
    log_odds : float
        log(p / (1 - p)) of that probability, in nats.
    drops : ndarray of shape (28, 28), dtype float64
        Decrease of the winner's log-odds when the patch is centred on each pixel; below 0 where
        covering makes the winner more probable.
    digits : ndarray of shape (28, 28), dtype int64
        The most probable digit when the patch is centred on each pixel.
    score, threshold : float
        The score of `Classifier.judge` for the whole image, and the score below which an answer is
        refused.
    refused : bool
        Whether the answer is refused.
    """

    image: NDArray[np.uint8]
    patch: int
    winner: int
    probability: float
    log_odds: float
    drops: Matrix
    digits: NDArray[np.int64]
    score: float
    threshold: float
    refused: bool

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types, arrays to six significant digits."""
        content: dict[str, Any] = plain(self)
        return content


def occlude(classifier: Classifier, image: NDArray[np.uint8], *, patch: int = PATCH) -> Occlusion:
    """Cover an image patch by patch, and measure how the network's confidence changes.

    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014. The patch
    has the colour of paper, so that it removes ink and adds none. All 784 covered images are
    classified in one call.

    Parameters
    ----------
    classifier : Classifier
        Of any kind.
    image : ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink.
    patch : int, default 5
        Side of the patch in pixels, odd, 1 to 27.

    Returns
    -------
    Occlusion

    Raises
    ------
    BadImage
        For any other type, dtype or shape.
    Misuse
        For a patch of another size.

    Examples
    --------
    >>> from digitscope import load, to_mnist
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10  # a dark 1 on light paper
    >>> occlusion = occlude(load("cnn"), to_mnist(page))
    >>> occlusion.winner, float(occlusion.drops[0, 0])  # no ink in this corner
    (1, 0.0)
    """
    _check_image(image)
    if patch not in range(1, SIDE, 2):
        raise Misuse(f"patch must be an odd number of pixels, 1 to 27. Received: {patch}.")
    judgement = classifier.judge(np.concatenate([image[None], _cover(image, patch)]))
    probabilities = judgement.probabilities.astype(np.float64)  # (785, 10)
    winner = int(probabilities[0].argmax())
    tiny = float(np.finfo(np.float32).tiny)
    # 1 - p would be inexact for a float32 p near 1, so the other probabilities are added up.
    others = np.delete(probabilities, winner, axis=1).sum(axis=1)
    log_odds = np.log(np.maximum(probabilities[:, winner], tiny)) - np.log(np.maximum(others, tiny))
    score, refused = _refusal(classifier, judgement)
    return Occlusion(
        image=image,
        patch=patch,
        winner=winner,
        probability=float(probabilities[0, winner]),
        log_odds=float(log_odds[0]),
        drops=(log_odds[0] - log_odds[1:]).reshape(SIDE, SIDE),
        digits=probabilities[1:].argmax(axis=1).reshape(SIDE, SIDE),
        score=score,
        threshold=classifier.threshold,
        refused=refused,
    )


def _cover(image: NDArray[np.uint8], patch: int) -> NDArray[np.uint8]:
    """Return the image with a patch of paper centred on each pixel in turn, (784, 28, 28)."""
    near = np.abs(np.arange(SIDE)[:, None] - np.arange(SIDE)) <= patch // 2  # (centre, pixel)
    covers = near[:, None, :, None] & near[None, :, None, :]  # (28, 28, 28, 28)
    return np.where(covers.reshape(-1, SIDE, SIDE), np.uint8(0), image)


def _refusal(classifier: Classifier, judgement: Judgement) -> tuple[float, bool]:
    """Return the score of the first image, and whether it is refused."""
    score = float(judgement.digit[0])
    judges = classifier.refuses or "threshold" in classifier.card.refusal
    return score, judges and score < classifier.threshold


def _check_image(image: Any) -> None:
    good = isinstance(image, np.ndarray) and image.dtype == np.uint8
    if not good or image.shape != (SIDE, SIDE):
        received = type(image).__name__
        if isinstance(image, np.ndarray):
            received = f"{image.dtype} {image.shape}"
        raise BadImage(
            f"image must be uint8 of shape (28, 28), 0 = paper, 255 = ink. Received: {received}. "
            f"For a picture pass digitscope.to_mnist(picture)."
        )
