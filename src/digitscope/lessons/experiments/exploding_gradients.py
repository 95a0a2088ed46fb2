"""Exploding gradients: large first weights and a large rate, until the loss is not finite.

A map of how a deep network learns for each gain of its first weights and each rate; one explosion
step by step; and which explosions clipping, smaller weights and normalisation prevent.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lessons.content import Facts, listing, plus_minus, setting, short
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import Samples, by_columns, hold_out
from digitscope.lessons.experiments.exploding_gradients_figures import (
    OUTCOMES,
    draw_explosion,
    draw_map,
)
from digitscope.lessons.experiments.layer_sizes import growth, watch
from digitscope.nn import OPTIMIZERS, Design, Network, each, train
from digitscope.nn.optimizers import clip

LEARNED = 0.5  # share of the held-out digits that a network must read to have learned
Case = tuple[Design, float, float, int, int]  # network, rate, limit, images, seed


@dataclass(frozen=True, kw_only=True)
class ExplodingGradientsSettings:
    """What can be changed."""

    gains: tuple[float, ...] = setting(
        (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0), "of the first weights, for the map"
    )
    rates: tuple[float, ...] = setting(
        (1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0), "learning rates, for the map"
    )
    gain: float = setting(2.0, "of the explosion that is looked at, and cured")
    rate: float = setting(0.03, "learning rate of that explosion, and of its cures")
    limit: float = setting(10.0, "longest gradient that clipping leaves as it is")
    layers: int = setting(8, "hidden layers")
    width: int = setting(64, "units of each")
    optimizer: str = setting("sgd", "sgd, momentum, rmsprop, adam or adamw")
    images: int = setting(10_000, "training images; the map takes half of them")
    epochs: int = setting(3, "passes over them")
    seeds: int = setting(3, "networks of each kind in the map; the cures get two more")


@dataclass(frozen=True)
class ExplodingGradientsResult:
    """What became of the networks.

    Attributes
    ----------
    outcome : ndarray of shape (gains, rates, seeds), dtype int
        0 learned, 1 stuck or slow, 2 exploded: the loss or a gradient was no finite number.
    before : ndarray of shape (gains, layers)
        Root mean square of what each layer gives, before training.
    sizes : ndarray of shape (steps, layers)
        The same at each step of one run with the settings `gain` and `rate`; it may overflow.
    losses, norms : ndarray of shape (steps,)
        The loss in that run, and the norm of the whole gradient.
    overflow : bool
        Whether that run ended in a number that is not finite.
    cures : dict
        What was changed -> accuracy of each seed; NaN where it exploded.
    lived : dict
        What was changed -> steps that each seed took before it exploded, or all.
    """

    outcome: NDArray[np.int64]
    before: NDArray[np.float64]
    sizes: NDArray[np.float64]
    losses: NDArray[np.float64]
    norms: NDArray[np.float64]
    overflow: bool
    cures: dict[str, NDArray[np.float64]]
    lived: dict[str, NDArray[np.int64]]


def measure(
    data: Dataset, settings: ExplodingGradientsSettings, advance: Advance
) -> ExplodingGradientsResult:
    """Draw the map, watch one explosion, and try the cures."""
    images = hold_out(data, settings.images)
    x, labels = images.x, images.labels
    plain = Design(hidden=(settings.width,) * settings.layers, initialisation="he")
    wild = replace(plain, gain=settings.gain)
    kind = OPTIMIZERS[settings.optimizer]
    outcome = _map(plain, images, settings, lambda share: advance(0.7 * share))
    before = [
        watch(replace(plain, gain=gain), x, labels, kind(0.0), 1)[0][0] for gain in settings.gains
    ]
    sizes, losses, norms = watch(wild, x, labels, kind(settings.rate), 20)
    changes = {
        "nothing": (wild, 0.0),
        f"clipping at {settings.limit:g}": (wild, settings.limit),
        "gain 1 (He)": (plain, 0.0),
        "normalisation": (replace(wild, normalised=True), 0.0),
    }
    seeds = range(settings.seeds + 2)
    cases = [
        (design, settings.rate, limit, len(x), seed)
        for design, limit in changes.values()
        for seed in seeds
    ]
    results = _train_all(cases, images, settings, lambda share: advance(0.7 + 0.3 * share))
    accuracy, lived = results.T.reshape(2, len(changes), len(seeds))
    return ExplodingGradientsResult(
        outcome=outcome,
        before=np.array(before),
        sizes=sizes,
        losses=losses,
        norms=norms,
        overflow=not bool(np.isfinite(losses[-1]) and np.isfinite(norms[-1])),
        cures=dict(zip(changes, accuracy, strict=True)),
        lived=dict(zip(changes, lived.astype(np.int64), strict=True)),
    )


def _map(
    plain: Design, images: Samples, settings: ExplodingGradientsSettings, advance: Advance
) -> NDArray[np.int64]:
    """Return the outcome of every gain and rate, (gains, rates, seeds)."""
    half = max(1, len(images.x) // 2)
    cases = [
        (replace(plain, gain=gain), rate, 0.0, half, seed)
        for gain in settings.gains
        for rate in settings.rates
        for seed in range(settings.seeds)
    ]
    accuracy = _train_all(cases, images, settings, advance)[:, 0]
    outcome = np.where(np.isnan(accuracy), 2, np.where(accuracy >= LEARNED, 0, 1))
    return outcome.reshape(len(settings.gains), len(settings.rates), -1)


def _train_all(
    cases: list[Case], images: Samples, settings: ExplodingGradientsSettings, advance: Advance
) -> NDArray[np.float64]:
    """Return for each case the held-out accuracy, NaN where it exploded, and the steps taken."""

    def one(case: Case) -> tuple[float, int]:
        design, rate, limit, n, seed = case
        network, steps, finite = Network(design, seed), 0, True
        for epoch in train(
            network, OPTIMIZERS[settings.optimizer](rate), images.x[:n], images.labels[:n],
            epochs=settings.epochs, seed=seed, limit=limit,
        ):  # fmt: skip
            steps, finite = steps + len(epoch.losses), epoch.finite
        return network.accuracy(images.x_held, images.labels_held) if finite else np.nan, steps

    return np.array(each(one, cases, advance))


def facts(result: ExplodingGradientsResult, settings: ExplodingGradientsSettings) -> Facts:
    """Return what the text says of a run."""
    gains, outcome = settings.gains, result.outcome
    factors = [growth(sizes) for sizes in result.before]
    kinds = np.stack([(outcome == k).sum((1, 2)) for k in range(3)], 1)  # (gains, outcomes)
    most = int(kinds[:, 0].argmax())
    plain, *cured = result.cures
    gone = {name: int(np.isnan(accuracy).sum()) for name, accuracy in result.cures.items()}
    right = {name: float(np.nan_to_num(result.cures[name]).mean()) for name in cured}
    best = max(cured, key=lambda name: right[name])
    finite = [loss for loss in result.losses if np.isfinite(loss)]
    # The largest rate at which no seed exploded, for each gain; None if there is no such rate.
    safe = [
        max((r for r, cell in zip(settings.rates, row, strict=True) if 2 not in cell), default=None)
        for row in outcome
    ]
    steep = [rate or 0.0 for gain, rate in sorted(zip(gains, safe, strict=True)) if gain >= 1]
    return Facts(
        values={
            "networks": outcome.size,
            "learned_from": LEARNED,
            "cured_seeds": len(result.cures[plain]),
            "watched": min(128, settings.images),
            "each": kinds[0].sum(),
            "deviation": max(abs(f / g - 1) for f, g in zip(factors, gains, strict=True)),
            "best_gain": gains[most],
            "best_learned": int(kinds[most, 0]),
            "learned": int((outcome == 0).sum()),
            "exploded": int((outcome == 2).sum()),
            "safe": [
                f"{'none' if rate is None else format(rate, 'g')} at {gain:g}"
                for gain, rate in zip(gains, safe, strict=True)
                if gain >= 1
            ],
            "safe_falls": all(b <= a for a, b in pairwise(steep)) and steep[-1:] < steep[:1],
            "plain_exploded": gone[plain],
            "plain_lived": int(result.lived[plain].max()),
            "path": [short(loss) for loss in finite[:6]],
            "path_bends_up": len(finite) > 2 and bool((np.diff(np.log(finite), 2) > 0).all()),
            "steps": len(result.losses),
            "overflow": result.overflow,
            "cures": [(name, gone[name], right[name]) for name in cured],
            "best": best,
            "best_right": right[best],
        },
        tables=_tables(result, settings, factors, kinds),
        figures={"map": draw_map(result, settings), "explosion": draw_explosion(result, settings)},
        code=(listing(clip),),
    )


def _tables(
    result: ExplodingGradientsResult,
    settings: ExplodingGradientsSettings,
    factors: list[float],
    kinds: NDArray[np.int64],
) -> dict[str, list[tuple[str, ...]]]:
    first = min(8, len(result.losses))
    return {
        "gains": by_columns(
            {
                "gain": [f"{gain:g}" for gain in settings.gains],
                "logits": [short(sizes[-1]) for sizes in result.before],
                "factor": [f"{factor:.2f}" for factor in factors],
            }
            | {name: [str(n) for n in kinds[:, k]] for k, name in enumerate(OUTCOMES)}
        ),
        "steps": by_columns(
            {
                "step": [str(step) for step in range(1, first + 1)],
                "first hidden layer": [_number(sizes[1]) for sizes in result.sizes[:first]],
                "logits": [_number(sizes[-1]) for sizes in result.sizes[:first]],
                "loss": [_number(loss) for loss in result.losses[:first]],
                "norm of the gradient": [_number(norm) for norm in result.norms[:first]],
            }
        ),
        "cures": by_columns(
            {
                "changed": list(result.cures),
                "explode": [str(int(np.isnan(a).sum())) for a in result.cures.values()],
                "steps": [_range(steps) for steps in result.lived.values()],
                "accuracy": [_spread(a) for a in result.cures.values()],
            }
        ),
    }


def _number(value: float) -> str:
    return short(value) if np.isfinite(value) else "not finite"


def _spread(accuracy: NDArray[np.float64]) -> str:
    alive = [100 * a for a in accuracy if np.isfinite(a)]
    return plus_minus(alive, decimals=1) if alive else "none"


def _range(steps: NDArray[np.int64]) -> str:
    low, high = int(steps.min()), int(steps.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
