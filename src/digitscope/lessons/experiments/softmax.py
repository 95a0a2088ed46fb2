"""Softmax: from ten logits to ten probabilities, how sure they are, and what float32 does to them.

Trained networks are read at several temperatures; then networks whose first weights are too large
learn from the loss of their logits, and from the loss of their clipped probabilities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.evaluation import fit_temperature, reliability
from digitscope.lessons.content import Facts, listing, plus_minus, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import Samples, by_columns, hold_out, percents
from digitscope.lessons.experiments.float32_softmax import (
    CLIP,
    FACTORS,
    GAPS,
    clipped_loss,
    highest_power,
    losses_by_gap,
    softmax_errors,
)
from digitscope.lessons.experiments.softmax_figures import draw_losses, draw_temperature
from digitscope.nn import OPTIMIZERS, Adam, Design, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats, softmax
from digitscope.rendering.wording import percent


@dataclass(frozen=True, kw_only=True)
class SoftmaxSettings:
    """What can be changed."""

    temperatures: tuple[float, ...] = setting((0.5, 1.0, 2.0, 5.0), "T that are drawn")
    hidden: int = setting(128, "hidden units")
    images: int = setting(10_000, "training images")
    epochs: int = setting(20, "passes over them, for the temperature")
    gains: tuple[float, ...] = setting((1.0, 3.0, 10.0, 30.0), "what first weights are times")
    optimizer: str = setting("momentum", "of the networks with large first weights")
    rate: float = setting(0.01, "learning rate of those")
    steps: int = setting(3, "passes over the images, of those")
    seeds: int = setting(5, "networks of each kind")


@dataclass(frozen=True)
class SoftmaxResult:
    """What came of it; "clipped" is a loss from probabilities that Keras's 10⁻⁷ bounds.

    Attributes
    ----------
    image, label, logits
        A test image of which a network is unsure, what it is, and its ten logits.
    changed, asked : int
        Answers on the test images that a temperature changed, of how many.
    fitted : ndarray of shape (seeds,)
        The temperature with the least log-loss on held-out training images.
    scores : ndarray of shape (2, 2, seeds)
        Log-loss and calibration error of the test images, at T = 1 and at the fitted T.
    highest : float
        The largest float32 whose exp is finite.
    errors : ndarray of shape (3, factors)
        Share of test images where exp of some logit, times that factor, is infinite; and the
        largest error of a probability, in units of 2⁻²³, computed directly (NaN where that fails)
        and with the largest logit subtracted.
    gaps : ndarray of shape (gaps,)
        Logits by which a wrong digit is ahead of the label.
    by_gap : ndarray of shape (3, gaps)
        Loss at each of these: from logits, from probabilities, clipped.
    lost : ndarray of shape (2, gains, seeds)
        Share of training images, before training, without a gradient of the clipped loss, and
        with a probability that is exactly 0.
    accuracy : ndarray of shape (2, gains, seeds)
        On held-out images, after training from logits and clipped.
    """

    image: NDArray[np.uint8]
    label: int
    logits: Floats
    changed: int
    asked: int
    fitted: NDArray[np.float64]
    scores: NDArray[np.float64]
    highest: float
    errors: NDArray[np.float64]
    gaps: Floats
    by_gap: NDArray[np.float64]
    lost: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def measure(data: Dataset, settings: SoftmaxSettings, advance: Advance) -> SoftmaxResult:
    """Train, and look at the logits; then train from too large first weights."""
    images, x_test = hold_out(data, settings.images), pixels(data.test.images)

    def learn(seed: int) -> tuple[Floats, Floats]:
        network = Network(Design(hidden=(settings.hidden,)), seed)
        epochs = settings.epochs
        for _ in train(network, Adam(), images.x, images.labels, epochs=epochs, seed=seed):
            pass
        return network.forward(images.x_held), network.forward(x_test)

    trained = each(learn, range(settings.seeds), lambda share: advance(0.5 * share))
    cases = [(gain, seed) for gain in settings.gains for seed in range(settings.seeds)]
    large = each(
        lambda case: _start_large(images, settings, *case),
        cases,
        lambda share: advance(0.5 + 0.5 * share),
    )
    both = np.array(large).T.reshape(4, len(settings.gains), settings.seeds)

    test = [logits for _, logits in trained]
    changed = sum(
        int((softmax(logits / np.float32(t)).argmax(1) != logits.argmax(1)).sum())
        for logits in test
        for t in settings.temperatures
    )
    fitted = [fit_temperature(images.labels_held, softmax(held)) for held, _ in trained]
    scores = [
        [_scores(logits, data.test.labels, t) for logits, t in zip(test, by_seed, strict=True)]
        for by_seed in ([1.0] * settings.seeds, fitted)
    ]
    unsure = int(np.abs(softmax(test[0]).max(1) - 0.6).argmin())
    return SoftmaxResult(
        image=data.test.images[unsure],
        label=int(data.test.labels[unsure]),
        logits=test[0][unsure],
        changed=changed,
        asked=len(settings.temperatures) * sum(map(len, test)),
        fitted=np.array(fitted),
        scores=np.array(scores).transpose(2, 0, 1),
        highest=highest_power(),
        errors=softmax_errors(np.concatenate(test)),
        gaps=GAPS,
        by_gap=losses_by_gap(),
        lost=both[:2],
        accuracy=both[2:],
    )


def _start_large(images: Samples, settings: SoftmaxSettings, gain: float, seed: int) -> list[float]:
    """Return both shares of `SoftmaxResult.lost`, and the accuracy with both losses."""
    design = Design(hidden=(settings.hidden,), gain=gain)
    rows = np.arange(len(images.x))
    before = Network(design, seed).probabilities(images.x)[rows, images.labels]
    found = [float((before < CLIP).mean()), float((before == 0).mean())]
    for loss in (cross_entropy, clipped_loss):
        network, optimizer = Network(design, seed), OPTIMIZERS[settings.optimizer](settings.rate)
        for _ in train(
            network, optimizer, images.x, images.labels,
            epochs=settings.steps, seed=seed, loss=loss,
        ):  # fmt: skip
            pass
        found.append(network.accuracy(images.x_held, images.labels_held))
    return found


def _scores(logits: Floats, labels: NDArray[Any], temperature: float) -> tuple[float, float]:
    """Return the mean loss and the calibration error of softmax(logits / T)."""
    tempered = logits / temperature
    losses, _ = cross_entropy(tempered, labels)
    return float(losses.mean()), reliability(labels, softmax(tempered)).error


def facts(result: SoftmaxResult, settings: SoftmaxSettings) -> Facts:
    """Return what the text says of a run."""
    lead = result.accuracy[0] - result.accuracy[1]  # (gains, seeds)
    worst = int(lead.mean(1).argmax())
    better = (result.scores[:, 1] < result.scores[:, 0]).sum(1)
    overflow, _, shifted = result.errors
    infinite = result.gaps[np.isinf(result.by_gap[1])]
    return Facts(
        values={
            "temperatures": [f"{t:g}" for t in settings.temperatures],
            "changed": result.changed,
            "asked": result.asked,
            "fitted": result.fitted,
            "better_loss": better[0],
            "better_calibration": better[1],
            "highest": result.highest,
            "largest_factor": FACTORS[-1],
            "overflow": overflow[-1],
            "largest_error": shifted.max(),
            "infinite_from": infinite.min(initial=999) if len(infinite) else None,
            "most": result.by_gap[2].max(),
            "widest": result.gaps[-1],
            "at_widest": result.by_gap[0, -1],
            "gain": settings.gains[worst],
            "no_gradient": result.lost[0, worst].mean(),
            "zero": result.lost[1, worst].mean(),
            "from_logits": result.accuracy[0, worst].mean(),
            "clipped": result.accuracy[1, worst].mean(),
            "lead": lead[worst].min(),
            "apart": abs(lead[0].mean()),
        },
        tables=_tables(result, settings),
        figures={
            "temperature": draw_temperature(result, settings),
            "losses": draw_losses(result, settings),
        },
        code=(listing(softmax, clipped_loss),),
    )


def _tables(result: SoftmaxResult, settings: SoftmaxSettings) -> dict[str, list[tuple[str, ...]]]:
    return {
        "temperature": [
            ("", "T = 1", "fitted T"),
            ("temperature", "1", plus_minus(result.fitted)),
            ("log-loss, nats", *(plus_minus(v, decimals=4) for v in result.scores[0])),
            ("calibration error, %", *(plus_minus(100 * v) for v in result.scores[1])),
        ],
        "float32": [
            ("factor", "exp overflows", "computed directly", "largest subtracted"),
            *(
                (
                    str(factor),
                    percent(share, 2),
                    "NaN" if share else f"{a:.2f}",
                    f"{b:.2f}",
                )
                for factor, share, a, b in zip(FACTORS, *result.errors, strict=True)
            ),
        ],
        "large": by_columns(
            {
                "weights times": [f"{gain:g}" for gain in settings.gains],
                "below 10⁻⁷": percents(result.lost[0]),
                "exactly 0": percents(result.lost[1]),
                "loss on logits": percents(result.accuracy[0]),
                "on clipped": percents(result.accuracy[1]),
            }
        ),
    }
