"""Activations: what the bend in a hidden layer is for, and what happens where it is flat.

The same small network with each of six activations, at several learning rates. The one without a
bend is multiplied out into a single matrix; and the units are counted that no longer learn.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lessons.content import Facts, listing, plus_minus, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.activations_figures import (
    KINDS,
    SHOWN,
    draw_dead,
    draw_functions,
)
from digitscope.lessons.experiments.common import by_columns, hold_out, percents
from digitscope.lessons.experiments.hidden_layer import collapse, compare, dead_units
from digitscope.nn import OPTIMIZERS, SGD, Design, Network, each, pixels, train

NONE = "no hidden layer"


@dataclass(frozen=True, kw_only=True)
class ActivationsSettings:
    """What can be changed."""

    units: int = setting(128, "units of the hidden layer")
    initialisation: str = setting("glorot", "first weights: glorot, he, lecun or small")
    optimizer: str = setting("momentum", "sgd, momentum, rmsprop, adam or adamw")
    rates: tuple[float, ...] = setting((0.02, 0.06, 0.2, 0.5, 1.0), "learning rates to try")
    images: int = setting(8_000, "training images")
    epochs: int = setting(3, "passes over them")
    seeds: int = setting(3, "networks of each kind and rate")


@dataclass(frozen=True)
class ActivationsResult:
    """Arrays over kinds of network (the activations, then none), rates and seeds.

    Attributes
    ----------
    held_out, test : ndarray of shape (kinds, rates, seeds)
        Accuracy after training.
    dead : ndarray of shape (kinds, rates, seeds)
        Share of hidden units whose slope is 0 for every training image.
    back : ndarray of shape (rates, seeds)
        How many of ReLU's dead units were no longer dead after one more epoch.
    apart : ndarray of shape (rates, seeds)
        Largest difference between a logit of the linear network and of its one matrix.
    agree : ndarray of shape (rates, seeds)
        Share of test images to which both give the same answer.
    weights : tuple of int
        Of a network with the hidden layer, and of one without.
    images : tuple of int
        How many were held out, and how many are in the test split.
    """

    held_out: NDArray[np.float64]
    test: NDArray[np.float64]
    dead: NDArray[np.float64]
    back: NDArray[np.float64]
    apart: NDArray[np.float64]
    agree: NDArray[np.float64]
    weights: tuple[int, int]
    images: tuple[int, int]

    def best(self, kind: int) -> int:
        """Return which rate does best on the held-out images."""
        return int(self.held_out[kind].mean(1).argmax())


def measure(data: Dataset, settings: ActivationsSettings, advance: Advance) -> ActivationsResult:
    """Train every kind at every rate from several seeds."""
    images, x_test = hold_out(data, settings.images), pixels(data.test.images)
    x, labels = images.x, images.labels

    def one(case: tuple[str, float, int]) -> tuple[float, float, float, float, float, float]:
        kind, rate, seed = case
        network = Network(_design(kind, settings), seed)
        optimizer = OPTIMIZERS[settings.optimizer](rate)
        for _ in train(network, optimizer, x, labels, epochs=settings.epochs, seed=seed):
            pass
        with np.errstate(all="ignore"):  # what the largest rates blew up
            held = network.accuracy(images.x_held, images.labels_held)
            test = network.accuracy(x_test, data.test.labels)
            if kind == NONE:
                return held, test, 0.0, 0, 0, 0
            dead = dead_units(network, x)
            back, apart, agree = 0.0, 0.0, 1.0
            if kind == "linear":
                apart, agree = compare(network, x_test)
            if kind == "relu":
                for _ in train(network, SGD(rate), x, labels, seed=seed + 1):
                    pass
                back = float((dead & ~dead_units(network, x)).sum())
        return held, test, float(dead.mean()), back, apart, agree

    kinds = (*KINDS, NONE)
    cases = [
        (kind, rate, seed)
        for kind in kinds
        for rate in settings.rates
        for seed in range(settings.seeds)
    ]
    shape = (len(kinds), len(settings.rates), settings.seeds, 6)
    found = np.moveaxis(np.array(each(one, cases, advance)).reshape(shape), -1, 0)
    held, test, dead, back, apart, agree = found
    linear, relu = KINDS.index("linear"), KINDS.index("relu")
    return ActivationsResult(
        held_out=held,
        test=test,
        dead=dead,
        back=back[relu],
        apart=apart[linear],
        agree=agree[linear],
        weights=_weights(settings),
        images=(len(images.x_held), len(x_test)),
    )


def _design(kind: str, settings: ActivationsSettings) -> Design:
    return Design(
        hidden=() if kind == NONE else (settings.units,),
        activation="linear" if kind == NONE else kind,
        initialisation=settings.initialisation,
    )


def _weights(settings: ActivationsSettings) -> tuple[int, int]:
    with_layer, without = (Network(_design(kind, settings)) for kind in ("linear", NONE))
    return len(with_layer.weights), len(without.weights)


def facts(result: ActivationsResult, settings: ActivationsSettings) -> Facts:
    """Return what the text says of a run."""
    best = [result.best(kind) for kind in range(len(KINDS) + 1)]
    mean = np.array([result.test[kind, at].mean() for kind, at in enumerate(best)])
    return Facts(
        values=_accuracies(result, settings, best, mean) | _deaths(result, settings, best),
        tables=_tables(result, settings, best),
        figures={
            "functions": draw_functions(mean),
            "dead-units": draw_dead(result, settings),
        },
        code=(listing(collapse, dead_units),),
    )


def _accuracies(
    result: ActivationsResult,
    settings: ActivationsSettings,
    best: list[int],
    mean: NDArray[np.float64],
) -> dict[str, Any]:
    """Return what the text says of the accuracies, `mean` over seeds at the best rates."""
    rates, linear = settings.rates, KINDS.index("linear")
    test = [result.test[kind, at] for kind, at in enumerate(best)]  # of each kind, (seeds,)
    bent = [kind for kind in range(len(KINDS)) if kind != linear]
    top = max(bent, key=lambda kind: mean[kind])
    helped = [kind for kind in bent if mean[kind] > max(mean[linear], mean[-1]) + 0.01]
    # Within two standard errors of the linear one, and not a point better.
    level = [
        kind
        for kind in bent
        if kind not in helped
        and abs(mean[kind] - mean[linear]) < 2 * _error(test[kind], test[linear])
    ]
    return {
        "kinds": len(KINDS),
        "networks": result.test.size,
        "held_out": result.images[0],
        "test": result.images[1],
        "weights": result.weights[0],
        "weights_none": result.weights[1],
        "top": SHOWN[KINDS[top]],
        "right_top": mean[top],
        "right_linear": mean[linear],
        "right_none": mean[-1],
        "apart": result.apart[best[linear]].max(),
        "agree": result.agree[best[linear]].min(),
        "helped": [SHOWN[KINDS[kind]] for kind in helped],
        "level": [
            f"{SHOWN[KINDS[kind]]} ends at {plus_minus(test[kind], percent=True, decimals=1)}"
            for kind in level
        ],
        "rate_linear": rates[best[linear]],
        "rate_sigmoid": rates[best[KINDS.index("sigmoid")]],
        "rate_tanh": rates[best[KINDS.index("tanh")]],
        "edge": [SHOWN[KINDS[kind]] for kind in bent if best[kind] in (0, len(rates) - 1)],
    }


def _deaths(
    result: ActivationsResult, settings: ActivationsSettings, best: list[int]
) -> dict[str, Any]:
    """Return what the text says of dead units."""
    relu, elu = KINDS.index("relu"), KINDS.index("elu")
    dead, held = result.dead.mean(2), result.held_out.mean(2)  # (kinds, rates)
    return {
        "dead_first": dead[relu, 0],
        "dead_last": dead[relu, -1],
        "dead_units": round(float(result.dead[relu].sum()) * settings.units),
        "back": int(result.back.sum()),
        "rate_relu": settings.rates[best[relu]],
        "dead_best": dead[relu, best[relu]],
        "elu_dead_best": dead[elu, best[relu]],
        "elu_dead_last": dead[elu, -1],
        "elu_right_last": held[elu, -1],
        "ahead": int(((dead[relu] > dead[elu]) & (held[relu] > held[elu])).sum()),
    }


def _error(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the standard error of the difference of two means over seeds."""
    return float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))) if len(a) > 1 else 0.0


def _tables(
    result: ActivationsResult, settings: ActivationsSettings, best: list[int]
) -> dict[str, list[tuple[str, ...]]]:
    rates, n = settings.rates, len(KINDS)
    relu, elu = KINDS.index("relu"), KINDS.index("elu")
    held_out, test, dead = (
        percents(values[kind, at] for kind, at in enumerate(best))
        for values in (result.held_out, result.test, result.dead)
    )
    return {
        "accuracy": by_columns(
            {
                "hidden layer": [*SHOWN.values(), NONE],
                "weights": [f"{w:,}" for w in (*[result.weights[0]] * n, result.weights[1])],
                "best rate": [f"{rates[at]:g}" for at in best],
                "held out": held_out,
                "test": test,
                "dead units": [*dead[:n], ""],
            }
        ),
        "dying": by_columns(
            {
                "rate": [f"{rate:g}" for rate in rates],
                "ReLU: dead": percents(result.dead[relu]),
                "ReLU: right": percents(result.held_out[relu]),
                "ELU: dead": percents(result.dead[elu]),
                "ELU: right": percents(result.held_out[elu]),
            }
        ),
    }
