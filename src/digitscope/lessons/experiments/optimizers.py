"""From gradient descent to Adam: what each optimizer makes of the same gradients.

Two experiments: a valley of two weights, in which their paths can be seen, and the same network for
MNIST with each of five optimizers, at the rate that suits it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lessons.content import Facts, listing, plus_minus, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import by_columns, hold_out
from digitscope.lessons.experiments.optimizers_figures import NAMES, draw_race, draw_valley
from digitscope.lessons.experiments.valley import (
    LOW,
    PATH,
    TRIED,
    Valley,
    Walk,
    walk_all,
)
from digitscope.nn import OPTIMIZERS, AdamW, Design, Network, each, pixels, train
from digitscope.rendering.wording import percent

LEGS = 10  # of an epoch; the test images are read after each
CHOOSING, FRESH = 0, 100  # the seed that chooses the rates, and the first of the comparison


@dataclass(frozen=True, kw_only=True)
class OptimizersSettings:
    """What can be changed."""

    condition: float = setting(100.0, "how much steeper the valley is across than along")
    angle: float = setting(0.0, "degrees by which it is turned from the axes")
    rates: tuple[float, ...] = setting(
        (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "learning rates for sgd and momentum"
    )
    adaptive_rates: tuple[float, ...] = setting(
        (0.0003, 0.001, 0.003, 0.01, 0.03), "learning rates for rmsprop, adam and adamw"
    )
    target: float = setting(0.95, "accuracy to which the steps are counted")
    hidden: int = setting(64, "hidden units")
    images: int = setting(55_000, "training images")
    batch: int = setting(64, "images in a step")
    epochs: int = setting(1, "passes over them")
    decay: float = setting(0.004, "by which AdamW shrinks the weights")
    seeds: int = setting(3, "networks of each kind in the comparison")


@dataclass(frozen=True)
class OptimizersResult:
    """What was measured; K optimizers in the order of `NAMES`."""

    walks: list[Walk]  # each at its best rate
    held_out: list[NDArray[np.float64]]  # K of (rates,), accuracy on the held-out images
    best: list[float]  # K rates
    accuracy: NDArray[np.float64]  # (K, seeds, legs), on the test images; nan after a stop
    leg: NDArray[np.int64]  # (legs,), steps until then
    n_held: int  # held-out images


def legs(
    network: Network,
    name: str,
    rate: float,
    x: Any,
    labels: Any,
    settings: OptimizersSettings,
    seed: int,
) -> Iterator[int]:
    """Train, and give the number of each leg, a part of an epoch, when it is done."""
    rng, optimizer = np.random.default_rng(seed), OPTIMIZERS[name](rate)
    if isinstance(optimizer, AdamW):
        optimizer.decay = settings.decay
    batch = min(settings.batch, len(x) // LEGS)
    for epoch in range(settings.epochs):
        for leg, rows in enumerate(np.array_split(rng.permutation(len(x)), LEGS)):
            (done,) = train(network, optimizer, x[rows], labels[rows], batch=batch, seed=seed)
            if not done.finite:
                return
            yield epoch * LEGS + leg


def measure(data: Dataset, settings: OptimizersSettings, advance: Advance) -> OptimizersResult:
    """Walk through the valley, choose a rate for each optimizer, and compare them."""
    walks = walk_all(Valley(settings.condition, settings.angle))
    images, x_test = hold_out(data, settings.images), pixels(data.test.images)
    design = Design(hidden=(settings.hidden,))

    def on_held_out(case: tuple[str, float]) -> float:
        network = Network(design, CHOOSING)
        for _ in legs(network, *case, images.x, images.labels, settings, CHOOSING):
            pass
        return network.accuracy(images.x_held, images.labels_held)

    cases = [(name, rate) for name in NAMES for rate in rates_of(name, settings)]
    runs = len(NAMES) * settings.seeds
    share = len(cases) / (len(cases) + 2 * runs)  # reading the test images takes as long
    found = iter(each(on_held_out, cases, lambda done: advance(share * done)))
    held = [np.array([next(found) for _ in rates_of(name, settings)]) for name in NAMES]
    best = [rates_of(name, settings)[int(a.argmax())] for name, a in zip(NAMES, held, strict=True)]

    def on_test(case: tuple[str, float, int]) -> NDArray[np.float64]:
        name, rate, seed = case
        network = Network(design, seed)
        curve = np.full(settings.epochs * LEGS, np.nan)
        for leg in legs(network, name, rate, images.x, images.labels, settings, seed):
            curve[leg] = network.accuracy(x_test, data.test.labels)
        return curve

    seeds = range(FRESH, FRESH + settings.seeds)
    race = [(name, rate, n) for name, rate in zip(NAMES, best, strict=True) for n in seeds]
    curves = np.array(each(on_test, race, lambda done: advance(share + (1 - share) * done)))
    curves = curves.reshape(len(NAMES), settings.seeds, -1)
    leg = max(len(images.x) // LEGS // settings.batch, 1) * np.arange(1, curves.shape[-1] + 1)
    return OptimizersResult(walks, held, best, curves, leg, len(images.labels_held))


def rates_of(name: str, settings: OptimizersSettings) -> tuple[float, ...]:
    """Return the rates to try for an optimizer, from small to large."""
    return tuple(sorted(settings.rates if name in ("sgd", "momentum") else settings.adaptive_rates))


def good_rates(rates: tuple[float, ...], accuracy: NDArray[np.float64]) -> tuple[float, float]:
    """Return between which rates the accuracy is within a point of its best.

    Between two rates tried it is taken to be a straight line over the logarithm of the rate. Where
    it has not fallen by a point, the last rate tried stands.
    """
    level = float(accuracy.max()) - 0.01
    ends = []
    for way in (-1, 1):
        at = int(accuracy.argmax())
        while 0 <= at + way < len(rates) and accuracy[at + way] >= level:
            at += way
        end = np.log(rates[at])
        if 0 <= at + way < len(rates):
            part = (accuracy[at] - level) / (accuracy[at] - accuracy[at + way])
            end += part * (np.log(rates[at + way]) - end)
        ends.append(float(np.exp(end)))
    return ends[0], ends[1]


def steps_needed(result: OptimizersResult, target: float) -> NDArray[np.float64]:
    """Return after how many steps each reached the target, (K, seeds); inf if it did not."""
    reached = result.accuracy >= target
    first = result.leg[reached.argmax(2)].astype(float)
    return np.where(reached.any(2), first, np.inf)


def _steps(needed: NDArray[np.float64], total: int) -> str:
    """Return how many steps the seeds needed, or how many of them did not get there."""
    missing = int(np.isinf(needed).sum())
    if missing:
        return f"{missing} of {len(needed)} not in {total}"
    return plus_minus(needed.tolist(), decimals=0)


def facts(result: OptimizersResult, settings: OptimizersSettings) -> Facts:
    """Return what the text says of a run."""
    names, goal, total = (*NAMES.values(),), percent(settings.target, 0), int(result.leg[-1])
    needed = steps_needed(result, settings.target)
    fastest, steps = int(needed.mean(1).argmin()), [_steps(row, total) for row in needed]
    final = np.nan_to_num(result.accuracy[:, :, -1])  # (K, seeds); 0 for what stopped
    mean = dict(zip(NAMES, final.mean(1), strict=True))
    rates = [rates_of(name, settings) for name in NAMES]
    good = [good_rates(tried, a) for tried, a in zip(rates, result.held_out, strict=True)]
    widths = {name: high / low for name, (low, high) in zip(NAMES, good, strict=True)}
    race = f"Steps to {goal} of the test images: {names[fastest]} {steps[fastest]}, SGD {steps[0]}"
    return Facts(
        values={
            "tried": len(TRIED),
            "low": LOW,
            "most_steps": PATH,
            "walks": [f"{NAMES[way.name]} {way.steps}" for way in result.walks],
            "steps": {way.name: way.steps for way in result.walks},
            "valley_rate": result.walks[0].rate,
            "ideal_rate": 2 / (1 + settings.condition),
            "held_out": result.n_held,
            "goal": goal,
            "total": total,
            "fastest": names[fastest],
            "fastest_steps": steps[fastest],
            "sgd_steps": steps[0],
            "reached": np.isfinite(needed[fastest]).all(),
            "faster_than_sgd": needed[fastest].mean() < needed[0].mean(),
            "mean": mean,
            "gap": 100 * (max(mean.values()) - min(mean.values())),
            "moves": [100 * (a.max() - a.min()) for a in result.held_out],
            "inside": [a.argmax() not in (0, len(a) - 1) for a in result.held_out],
            "widths": widths,
        },
        tables={
            "race": by_columns(
                {
                    "optimizer": names,
                    "rate": [f"{rate:g}" for rate in result.best],
                    "good rates": [f"{low:.2g} to {high:.2g}" for low, high in good],
                    f"steps to {goal}": steps,
                    "test images": [plus_minus(row, percent=True) for row in final],
                }
            )
        },
        figures={
            "valley": draw_valley(result, settings),
            "race": draw_race(result, settings, race),
        },
        code=(listing(*OPTIMIZERS.values()),),
    )
