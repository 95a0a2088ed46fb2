"""Cross-entropy: minus the logarithm of the probability of the true digit, and nothing else.

What a trained network pays for each test image; the two forms of a label; and the same networks
trained on squared errors instead, from the usual first weights and from confidently wrong ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.image.digit import DIGITS
from digitscope.lessons.content import Facts, listing, plus_minus, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import Samples, by_columns, hold_out
from digitscope.lessons.experiments.cross_entropy_figures import draw_curve, draw_learning
from digitscope.lessons.experiments.label_losses import (
    LOSSES,
    one_hot,
    one_hot_cross_entropy,
    squared_error,
)
from digitscope.nn import SGD, Adam, Design, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats, Loss, softmax

WRONG = np.linspace(0, 20, 81)  # logits by which a wrong digit is ahead
POINTS = 25  # of each loss curve


@dataclass(frozen=True, kw_only=True)
class CrossEntropySettings:
    """What can be changed."""

    hidden: int = setting(128, "hidden units")
    images: int = setting(15_000, "training images")
    epochs: int = setting(3, "passes over them")
    rates: tuple[float, ...] = setting((0.03, 0.1, 0.3, 1.0, 2.0), "learning rates to choose from")
    gain: float = setting(10.0, "first weights of the wrongly sure networks, times the usual")
    seeds: int = setting(3, "networks of each kind")


@dataclass(frozen=True)
class CrossEntropyResult:
    """What came of it; losses in the order cross-entropy, squared error.

    Attributes
    ----------
    probabilities, right : ndarray of shape (n,)
        Of the label, for each test image, by a trained network; whether its answer was right.
    same, ulps : int, float
        Test images whose sparse and one-hot loss are equal bit for bit; the largest difference of
        the others, in units in the last place.
    sizes : dict
        Form of the training labels -> bytes.
    first : ndarray of shape (seeds,)
        Mean loss before training, of networks whose first weights are near 0.
    difference : float
        Largest gap between the gradient by formula and by finite differences, in float64.
    wrong : ndarray of shape (gaps,)
        Logits by which a wrong digit is ahead.
    slopes : ndarray of shape (2, gaps)
        Size of the gradient by the label's logit, at each of these.
    chosen : ndarray of shape (2, 2)
        Rate of each loss, from the usual first weights and from large ones.
    held_out : ndarray of shape (2, 2, rates)
        Mean accuracy on held-out images by which it was chosen.
    accuracy : ndarray of shape (2, 2, seeds)
        On the test images, with the chosen rate.
    curves : ndarray of shape (2, 2, seeds, points)
        Cross-entropy of the training batches, with the chosen rate.
    at : ndarray of shape (points,)
        Steps of those.
    """

    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    same: int
    ulps: float
    sizes: dict[str, int]
    first: NDArray[np.float64]
    difference: float
    wrong: NDArray[np.float64]
    slopes: NDArray[np.float64]
    chosen: NDArray[np.float64]
    held_out: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    curves: NDArray[np.float64]
    at: NDArray[np.float64]

    @property
    def losses(self) -> NDArray[np.float64]:
        """Cross-entropy of each test image."""
        return -np.log(np.maximum(self.probabilities, 1e-300))

    @property
    def wrong_share(self) -> float:
        """Share of the loss that comes from images that are read wrongly."""
        return float(self.losses[~self.right].sum() / self.losses.sum())

    @property
    def gradients_at_10(self) -> NDArray[np.float64]:
        """Size of both gradients where the logit of a wrong digit is larger by 10."""
        return np.asarray(self.slopes[:, self.wrong == 10][:, 0])


def measure(data: Dataset, settings: CrossEntropySettings, advance: Advance) -> CrossEntropyResult:
    """Train with both losses, at every rate, from usual and from large first weights."""
    images, x_test = hold_out(data, settings.images), pixels(data.test.images)

    def learn(case: tuple[float, Loss, float, int]) -> tuple[float, float, list[float]]:
        network, curve = _learn(images, settings, *case)
        return (
            network.accuracy(images.x_held, images.labels_held),
            network.accuracy(x_test, data.test.labels),
            curve,
        )

    cases = [
        (gain, loss, rate, seed)
        for gain in (1.0, settings.gain)
        for loss in LOSSES.values()
        for rate in settings.rates
        for seed in range(settings.seeds)
    ]
    on_held, on_test, curves = zip(
        *each(learn, cases, lambda share: advance(0.9 * share)), strict=True
    )
    shape = (2, 2, len(settings.rates), settings.seeds)
    held_out = np.array(on_held).reshape(shape).mean(3)
    best = held_out.argmax(2)
    chosen = (*np.ix_(range(2), range(2)), best)
    at, smooth = _smooth(curves)

    network = Network(Design(hidden=(settings.hidden,)))
    for _ in train(network, Adam(), images.x, images.labels, epochs=settings.epochs):
        pass
    logits, truth = network.forward(x_test), data.test.labels
    same, ulps = _compare_forms(logits, truth)
    advance(1.0)
    return CrossEntropyResult(
        probabilities=softmax(logits)[np.arange(len(logits)), truth].astype(np.float64),
        right=logits.argmax(1) == truth,
        same=same,
        ulps=ulps,
        sizes={
            "uint8, a digit each": data.train.labels.astype(np.uint8).nbytes,
            "int64, a digit each": data.train.labels.astype(np.int64).nbytes,
            "float32, one-hot": one_hot(data.train.labels).nbytes,
        },
        first=np.array([_first_loss(images, settings, seed) for seed in range(settings.seeds)]),
        difference=_check_gradient(logits[:20].astype(np.float64), truth[:20]),
        wrong=WRONG,
        slopes=np.array([_slopes(loss) for loss in LOSSES.values()]),
        chosen=np.array(settings.rates)[best],
        held_out=held_out,
        accuracy=np.array(on_test).reshape(shape)[chosen],
        curves=smooth.reshape(*shape, -1)[chosen],
        at=at,
    )


def _learn(
    images: Samples, settings: CrossEntropySettings, gain: float, loss: Loss, rate: float, seed: int
) -> tuple[Network, list[float]]:
    """Return a trained network, and the cross-entropy of each of its batches, in nats."""
    network, curve = Network(Design(hidden=(settings.hidden,), gain=gain), seed), []

    def watched(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
        curve.append(float(cross_entropy(logits, labels)[0].mean()))  # whatever it learns from
        return loss(logits, labels)

    for _ in train(
        network, SGD(rate), images.x, images.labels,
        epochs=settings.epochs, seed=seed, loss=watched,
    ):  # fmt: skip
        pass
    return network, curve


def _smooth(curves: Sequence[list[float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middle step of each of `POINTS` parts, and the means there of each curve."""
    steps = max(map(len, curves))
    parts = np.array_split(np.arange(steps), min(POINTS, steps))
    filled = [[*curve, *[np.nan] * (steps - len(curve))] for curve in curves]
    means = [[np.mean(curve[part[0] : part[-1] + 1]) for part in parts] for curve in filled]
    return np.array([part.mean() + 1 for part in parts]), np.array(means)


def _compare_forms(logits: Floats, labels: NDArray[Any]) -> tuple[int, float]:
    """Return how many images have one loss in both forms, and by how many ulps others differ."""
    sparse, _ = cross_entropy(logits, labels)
    dense = one_hot_cross_entropy(logits, one_hot(labels))
    unit = np.spacing(np.maximum(np.abs(sparse), np.abs(dense)))
    return int((sparse == dense).sum()), float((np.abs(sparse - dense) / unit).max())


def _first_loss(images: Samples, settings: CrossEntropySettings, seed: int) -> float:
    network = Network(Design(hidden=(settings.hidden,), initialisation="small"), seed)
    return float(cross_entropy(network.forward(images.x), images.labels)[0].mean())


def _check_gradient(logits: Floats, labels: NDArray[Any], step: float = 1e-5) -> float:
    """Return how far the gradient is from what moving each logit a little does to the loss."""
    _, gradients = cross_entropy(logits, labels)
    worst = 0.0
    for digit in range(DIGITS):
        moved = step * np.eye(DIGITS)[digit]
        ahead, behind = (cross_entropy(logits + s * moved, labels)[0] for s in (1, -1))
        found = (ahead - behind) / (2 * step)
        worst = max(worst, float(np.abs(found - gradients[:, digit]).max()))
    return worst


def _slopes(loss: Loss) -> NDArray[np.float64]:
    """Return the gradient by the label's logit where digit 1 is ahead of it, the others behind."""
    logits = np.full((len(WRONG), DIGITS), -20.0)
    logits[:, 0], logits[:, 1] = 0.0, WRONG
    return np.abs(loss(logits, np.zeros(len(WRONG), int))[1][:, 0])


def facts(result: CrossEntropyResult, settings: CrossEntropySettings) -> Facts:
    """Return what the text says of a run."""
    (usual, usual_squared), (large, large_squared) = result.accuracy.mean(2)
    sizes = result.sizes.values()
    return Facts(
        values={
            "networks": result.held_out.size * settings.seeds,
            "tested": len(result.right),
            "same": result.same,
            "ulps": result.ulps,
            "first": result.first,
            "guess": np.log(DIGITS),
            "farthest_first": np.abs(result.first - np.log(DIGITS)).max(),
            "difference": result.difference,
            "errors": int((~result.right).sum()),
            "wrong_share": result.wrong_share,
            "small_share": (result.losses < 0.1).mean(),
            "gradient": result.gradients_at_10[0],
            "gradient_squared": result.gradients_at_10[1],
            "usual": usual,
            "usual_squared": usual_squared,
            "large": large,
            "large_squared": large_squared,
            "least_lead": (result.accuracy[1, 0] - result.accuracy[1, 1]).min(),
        },
        tables={
            "accuracy": by_columns(
                {
                    "loss": [*LOSSES] * 2,
                    "first weights": ["usual"] * 2 + [f"times {settings.gain:g}"] * 2,
                    "rate": [f"{rate:g}" for rate in result.chosen.ravel()],
                    "accuracy": [plus_minus(100 * row) for row in result.accuracy.reshape(4, -1)],
                }
            ),
            "memory": by_columns(
                {
                    "form": list(result.sizes),
                    "bytes": [f"{size:,}" for size in sizes],
                    "times": [f"{size / min(sizes):g}" for size in sizes],
                }
            ),
        },
        figures={
            "curve": draw_curve(result),
            "learning": draw_learning(result, settings, tuple(LOSSES)),
        },
        code=(listing(cross_entropy, one_hot_cross_entropy, squared_error),),
    )
