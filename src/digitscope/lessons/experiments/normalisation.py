"""Normalisation: the same pixels as 0 to 255, as 0 to 1, and standardised.

The same networks learn from each, at every rate from a ten-millionth to 1. A linear model beside
them shows what sets the largest rate: the largest eigenvalue of the second moments of the inputs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lessons.content import Facts, plus_minus, rate_text, setting, short
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import by_columns, percents
from digitscope.lessons.experiments.linear_model import descend
from digitscope.lessons.experiments.normalisation_figures import NAMES, draw_losses, draw_rates
from digitscope.lessons.experiments.scaling_trials import Trials
from digitscope.nn import each
from digitscope.rendering.wording import percent

LEARNED = 0.5  # share of the held-out digits that a network must read to have learned


@dataclass(frozen=True, kw_only=True)
class NormalisationSettings:
    """What can be changed."""

    scalings: tuple[str, ...] = setting(
        ("bytes", "unit", "standard"), "bytes, unit, standard or centred"
    )
    rates: tuple[float, ...] = setting(
        (1e-7, 3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0),
        "learning rates to try",
    )
    optimizer: str = setting("sgd", "sgd, momentum, rmsprop, adam or adamw")
    units: int = setting(64, "units of the hidden layer")
    initialisation: str = setting("glorot", "glorot, he, lecun or small")
    images: int = setting(6_000, "training images")
    epochs: int = setting(3, "passes over them")
    seeds: int = setting(3, "networks of each kind")


@dataclass(frozen=True)
class NormalisationResult:
    """Arrays over scalings, rates and seeds.

    Attributes
    ----------
    offset, deviation : float
        Mean and standard deviation of all pixels of the training images, 0 to 1.
    largest : ndarray of shape (scalings,)
        Largest eigenvalue of the second moments of (x, 1).
    falls : ndarray of shape (scalings, rates), dtype bool
        Whether the squared error of a linear model is smaller after `linear_model.STEPS` steps.
    start, gradient : ndarray of shape (scalings, seeds)
        Loss and norm of the gradient by the first kernel, before training.
    accuracy, silent : ndarray of shape (scalings, rates, seeds)
        On the held-out images; 0 where the loss was no finite number. And the share of hidden
        units that answer 0 to a thousand of them.
    finite : ndarray of shape (scalings, rates, seeds), dtype bool
    best : ndarray of shape (scalings,), dtype int
        Which rate has the highest accuracy, mean over seeds.
    losses : ndarray of shape (scalings, seeds, steps)
        Of each batch, at that rate; NaN after a loss that was no finite number.
    test : ndarray of shape (scalings, seeds)
        Accuracy on the test images, at that rate.
    """

    offset: float
    deviation: float
    largest: NDArray[np.float64]
    falls: NDArray[np.bool_]
    start: NDArray[np.float64]
    gradient: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    silent: NDArray[np.float64]
    finite: NDArray[np.bool_]
    best: NDArray[np.intp]
    losses: NDArray[np.float64]
    test: NDArray[np.float64]


def measure(
    data: Dataset, settings: NormalisationSettings, advance: Advance
) -> NormalisationResult:
    """Train from every scaling at every rate, and once more at the best."""
    trials = Trials(data, settings)
    kinds, rates, seeds = range(len(settings.scalings)), settings.rates, range(settings.seeds)
    linear = [descend(x, trials.labels, rates) for x in trials.inputs]
    first = np.array(each(trials.start, [(kind, seed) for kind in kinds for seed in seeds]))
    cases = [(kind, rate, seed) for kind in kinds for rate in rates for seed in seeds]
    judged = np.array(each(trials.judge, cases, lambda share: advance(0.9 * share)))
    accuracy, silent, finite = judged.T.reshape(3, len(kinds), len(rates), len(seeds))
    best = accuracy.mean(2).argmax(1)
    cases = [(kind, rates[best[kind]], seed) for kind in kinds for seed in seeds]
    reports = each(trials.report, cases, lambda share: advance(0.9 + 0.1 * share))
    losses = np.full((len(reports), max(len(row) for row, _ in reports)), np.nan)
    for row, (values, _) in zip(losses, reports, strict=True):
        row[: len(values)] = values
    return NormalisationResult(
        offset=float(trials.unit.mean(dtype=np.float64)),
        deviation=float(trials.unit.std(dtype=np.float64)),
        largest=np.array([value for value, _ in linear]),
        falls=np.array([fell for _, fell in linear]),
        start=first[:, 0].reshape(len(kinds), len(seeds)),
        gradient=first[:, 1].reshape(len(kinds), len(seeds)),
        accuracy=accuracy,
        silent=silent,
        finite=finite == 1,
        best=best,
        losses=losses.reshape(len(kinds), len(seeds), -1),
        test=np.array([a for _, a in reports]).reshape(len(kinds), len(seeds)),
    )


def facts(result: NormalisationResult, settings: NormalisationSettings) -> Facts:
    """Return what the text says of a run."""
    rates, names = settings.rates, [NAMES[name] for name in settings.scalings]
    bounds, gradients = 2 / result.largest, result.gradient.mean(1)
    by_size = np.argsort(result.largest)
    narrow, wide = by_size[0], int(result.largest.argmax())
    tests, best = [percent(a) for a in result.test.mean(1)], [rates[i] for i in result.best]
    winner, loser = int(result.test.mean(1).argmax()), int(result.test.mean(1).argmin())
    fastest = rates.index(max(rates))
    return Facts(
        values={
            "offset": result.offset,
            "deviation": result.deviation,
            "learned_from": LEARNED,
            "best_of_each": [
                f"{a} with pixels {name} (rate {rate_text(rate)})"
                for name, a, rate in zip(names, tests, best, strict=True)
            ],
            "trials": result.falls.size,
            "agree": int((result.falls == (np.array(rates) < bounds[:, None])).sum()),
            "gradients": [f"{short(gradients[i])} ({names[i]})" for i in by_size],
            "gradients_rise": bool((np.diff(gradients[by_size]) > 0).all()),
            "growth": _growth(result, settings),
            "narrow": names[narrow],
            "wide": names[wide],
            "narrow_rate": best[narrow],
            "wide_rate": best[wide],
            "winner": names[winner],
            "loser": names[loser],
            "winner_test": tests[winner],
            "loser_test": tests[loser],
            "winner_least": result.test[winner].min(),
            "loser_most": result.test[loser].max(),
            "guess": np.log(10),
            "wide_start": result.start[wide].mean(),
            "wide_start_least": result.start[wide].min(),
            "fastest": rates[fastest],
            "silent": result.silent[wide, fastest].mean(),
            "right": result.accuracy[wide, fastest].mean(),
            "trainings": result.finite.size,
            "overflowed": int((~result.finite).sum()),
        },
        tables=_tables(result, settings, names),
        figures={
            "rates": draw_rates(result, settings),
            "losses": draw_losses(result, settings),
        },
    )


def _growth(result: NormalisationResult, settings: NormalisationSettings) -> float:
    """Return by what standardising multiplies the largest eigenvalue; 0 where not tried."""
    largest = dict(zip(settings.scalings, result.largest, strict=True))
    return float(largest["standard"] / largest["unit"]) if {"unit", "standard"} <= {*largest} else 0


def _tables(
    result: NormalisationResult, settings: NormalisationSettings, names: list[str]
) -> dict[str, list[tuple[str, ...]]]:
    rates, largest = settings.rates, result.largest
    learned = result.accuracy.mean(2) >= LEARNED  # (scalings, rates)
    return {
        "rates": by_columns(
            {"rate": [rate_text(rate) for rate in rates]}
            | dict(zip(names, map(percents, result.accuracy), strict=True))
        ),
        "bounds": by_columns(
            {
                "pixels": names,
                "λ": [short(value) for value in largest],
                "2/λ": [short(2 / value) for value in largest],
                "linear model": [_last(rates, works) for works in result.falls],
                "network": [_last(rates, works) for works in learned],
            }
        ),
        "best": by_columns(
            {
                "pixels": names,
                "loss before": [plus_minus(values) for values in result.start],
                "gradient by W⁽¹⁾": [short(values.mean()) for values in result.gradient],
                "best rate": [rate_text(rates[best]) for best in result.best],
                "test images, %": percents(result.test),
            }
        ),
    }


def _last(rates: tuple[float, ...], works: NDArray[np.bool_]) -> str:
    good = [rate for rate, worked in zip(rates, works, strict=True) if worked]
    if not good:
        return "none"
    return ("≥ " if max(good) == max(rates) else "") + rate_text(max(good))
