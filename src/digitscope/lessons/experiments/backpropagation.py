"""Backpropagation by hand: a network in some forty lines of NumPy, and whether it is right.

The network is in `network_by_hand`; nothing of `digitscope.nn` trains here. Its gradient is
checked in three ways in each run.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.errors import Misuse
from digitscope.lessons.content import Facts, listing, plus_minus, setting, short
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.backpropagation_figures import draw_differences
from digitscope.lessons.experiments.common import by_columns, hold_out
from digitscope.lessons.experiments.network_by_hand import (
    Array,
    accuracy,
    adam,
    backward,
    begin,
    cross_entropy,
    forward,
    train,
)
from digitscope.nn import Design, Network, each, losses, pixels
from digitscope.rendering.wording import percent, precise

PUBLISHED = 0.9764  # test accuracy of this network in tutorials: 5 epochs of Adam, batches of 32
CHECKED_ON = 32  # training images
STEPS = tuple(10 ** (-k / 2) for k in range(2, 25))  # h of the finite differences: 0.1 to 1e-12


@dataclass(frozen=True, kw_only=True)
class BackpropagationSettings:
    """What can be changed."""

    units: int = setting(128, "hidden units")
    batch: int = setting(64, "images in a step")
    epochs: int = setting(5, "passes over the images")
    rates: tuple[float, ...] = setting(
        (0.001, 0.003, 0.01, 0.03), "first learning rates to choose from; each falls to 0"
    )
    images: int = setting(60_000, "training images")
    seeds: int = setting(5, "networks")
    checked: int = setting(40, "weights of each kernel whose gradient is checked")
    precision: str = setting("float64", "of that check: float64 or float32")


@dataclass(frozen=True)
class Differences:
    """The gradient by some weights of a kernel, by hand and by central differences."""

    name: str  # of the kernel: W₁, W₂
    places: NDArray[np.int64]  # (checked, 2), which weights
    by_hand: NDArray[np.float64]  # (checked,)
    steps: tuple[float, ...]  # h of the differences
    by_differences: NDArray[np.float64]  # (steps, checked)

    @property
    def error(self) -> NDArray[np.float64]:
        """The difference of both relative to the larger one, (steps, checked)."""
        larger = np.maximum(np.abs(self.by_hand), np.abs(self.by_differences))
        return np.asarray(np.abs(self.by_hand - self.by_differences) / larger)

    @property
    def median(self) -> NDArray[np.float64]:
        """With each h half of the weights agree to this, (steps,)."""
        return np.asarray(np.median(self.error, 1))

    @property
    def best(self) -> int:
        """The row of that h with which they agree most closely."""
        return int(self.median.argmin())


@dataclass(frozen=True)
class BackpropagationResult:
    """What was measured."""

    chosen: NDArray[np.float64]  # (rates,), accuracy on held-out images with each
    rate: float  # the best of them
    accuracy: NDArray[np.float64]  # (seeds,), on the test images
    n_held: int  # held-out images
    n_test: int
    checked_on: int  # training images
    kernels: tuple[Differences, ...]
    from_library: float  # see `beside_library`


def measure(
    data: Dataset, settings: BackpropagationSettings, advance: Advance
) -> BackpropagationResult:
    """Check the gradient, choose a rate on held-out images, and train from several seeds."""
    if settings.precision not in ("float64", "float32"):
        raise Misuse(f"precision must be float64 or float32. Received: {settings.precision!r}.")
    some = data.train.take(np.arange(CHECKED_ON))
    x = pixels(some.images).astype(settings.precision)
    kernels = differences(settings, x, some.labels)
    from_library = beside_library(settings.units, x, some.labels)
    form = {"units": settings.units, "epochs": settings.epochs}
    share = len(settings.rates) / (len(settings.rates) + settings.seeds)

    images = hold_out(data, settings.images)
    batch = min(settings.batch, len(images.x))

    def on_held_out(rate: float) -> float:
        weights = train(images.x, images.labels, batch=batch, rate=rate, seed=1_000, **form)
        return accuracy(weights, images.x_held, images.labels_held)

    chosen = np.array(each(on_held_out, settings.rates, lambda done: advance(done * share)))
    rate = settings.rates[int(chosen.argmax())]

    x, labels = pixels(data.train.images[: settings.images]), data.train.labels[: settings.images]
    x_test = pixels(data.test.images)

    def on_test(seed: int) -> float:
        weights = train(x, labels, batch=batch, rate=rate, seed=seed, **form)
        return accuracy(weights, x_test, data.test.labels)

    read = each(on_test, range(settings.seeds), lambda done: advance(share + (1 - share) * done))
    return BackpropagationResult(
        chosen=chosen,
        rate=rate,
        accuracy=np.array(read),
        n_held=len(images.labels_held),
        n_test=len(data.test),
        checked_on=CHECKED_ON,
        kernels=kernels,
        from_library=from_library,
    )


def differences(
    settings: BackpropagationSettings, x: Array, labels: Array
) -> tuple[Differences, ...]:
    """Return the gradient by some weights of both kernels, by hand and by central differences.

    Weights from dead pixels or to silent units have a gradient of exactly 0, which shows nothing,
    so they are drawn among those whose gradient is not among the smallest.
    """
    rng = np.random.default_rng(784)
    weights = [w.astype(x.dtype) for w in begin(settings.units, rng)]
    gradients = backward(weights, x, labels)
    found = []
    for at, name in ((0, "W₁"), (2, "W₂")):
        kernel, size = weights[at], np.abs(gradients[at])
        candidates = np.argwhere(size > 0.01 * size.max())
        few = min(settings.checked, len(candidates))
        places = candidates[np.sort(rng.choice(len(candidates), few, replace=False))]
        table = np.empty((len(STEPS), few))
        for column, place in enumerate(map(tuple, places)):
            weight = kernel[place]
            for row, h in enumerate(STEPS):
                sides = []
                for moved in (weight + h, weight - h):
                    kernel[place] = moved
                    sides.append(cross_entropy(forward(weights, x)[1], labels))
                table[row, column] = (sides[0] - sides[1]) / (2 * h)
            kernel[place] = weight
        found.append(Differences(name, places, gradients[at][tuple(places.T)], STEPS, table))
    return tuple(found)


def beside_library(units: int, x: Array, labels: Array) -> float:
    """Return the largest difference of the gradient from that of `nn`, relative to the largest.

    A network there keeps all weights in one vector, in the order of ours.
    """
    network = Network(Design(hidden=(units,)), seed=0, dtype=x.dtype)
    weights = [part for dense in network.dense for part in (dense.kernel, dense.bias)]
    _, by_logits = losses.cross_entropy(network.forward(x), labels)
    network.backward(by_logits / len(x))
    ours = np.concatenate([np.ravel(g) for g in backward(weights, x, labels)])
    return float(np.abs(ours - network.gradient).max() / np.abs(ours).max())


def facts(result: BackpropagationResult, settings: BackpropagationSettings) -> Facts:
    """Return what the text says of a run."""
    code = listing(begin, forward, cross_entropy, backward, adam, train)
    written = [line.strip() for line in code.split("\n")]
    first, second = map(_agreement, result.kernels)
    return Facts(
        values={
            "lines": sum(bool(line) and not line.startswith('"""') for line in written),
            "held_out": result.n_held,
            "checked_on": result.checked_on,
            "first": first,
            "second": second,
            "largest_step": STEPS[0],
            "smallest_step": STEPS[-1],
            "rounding": float(np.finfo(settings.precision).eps),
            "from_library": result.from_library,
            "accuracy": precise(float(result.accuracy.mean()), result.n_test),
            "worst": precise(float(result.accuracy.min()), result.n_test),
            "published": PUBLISHED,
            "reached": result.accuracy.mean() >= PUBLISHED,
        },
        tables={"rates": _rates(result, settings), "weights": _some_weights(result)},
        figures={"differences": draw_differences(result, settings)},
        code=(code,),
    )


def _agreement(kernel: Differences) -> dict[str, float]:
    """Return to what half of the weights agree at the best, largest and smallest step."""
    return {
        "error": kernel.median.min(),
        "step": kernel.steps[kernel.best],
        "at_largest": kernel.median[0],
        "at_smallest": kernel.median[-1],
    }


def _rates(
    result: BackpropagationResult, settings: BackpropagationSettings
) -> list[tuple[str, ...]]:
    """Return what was chosen from, and what came of it."""
    return by_columns(
        {
            "images": [
                *(f"held out, rate {rate:g}" for rate in settings.rates),
                f"test, rate {result.rate:g}",
            ],
            "seeds": ["1"] * len(settings.rates) + [str(settings.seeds)],
            "accuracy": [
                *(percent(a, 2) for a in result.chosen),
                plus_minus(result.accuracy, percent=True),
            ],
        }
    )


def _some_weights(result: BackpropagationResult) -> list[tuple[str, ...]]:
    """Return three weights of each kernel, with the h at which most agree best."""
    rows: list[tuple[str, ...]] = [("weight", "by hand", "by differences", "relative difference")]
    for kernel in result.kernels:
        for column in np.linspace(0, len(kernel.by_hand) - 1, 3).astype(int):
            place = ", ".join(map(str, kernel.places[column]))
            ours, theirs = kernel.by_hand[column], kernel.by_differences[kernel.best, column]
            error = short(kernel.error[kernel.best, column])
            rows.append((f"{kernel.name}[{place}]", f"{ours:.10f}", f"{theirs:.10f}", error))
    return rows
