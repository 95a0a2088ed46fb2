"""Overfitting: a network that memorises its images, and what helps it to read other ones.

Networks trained on few images, epoch by epoch; stopped early, with dropout, with weight decay and
with more images; and how a choice by the validation loss biases it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lessons.content import Facts, listing, plus_minus, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import by_columns, percents, split
from digitscope.lessons.experiments.early_stopping import (
    DRAWS,
    Rows,
    optimism,
    stop_early,
)
from digitscope.lessons.experiments.overfitting_figures import draw_curves, draw_gap
from digitscope.nn import Adam, AdamW, Design, Epoch, Network, each, train

BY_HEART = 0.999  # of the training images


@dataclass(frozen=True, kw_only=True)
class OverfittingSettings:
    """What can be changed."""

    images: int = setting(1_000, "training images")
    epochs: int = setting(50, "passes over them")
    units: int = setting(128, "units of the hidden layer")
    rate: float = setting(0.002, "learning rate of Adam")
    batch: int = setting(64, "images in a batch")
    validation: int = setting(1_000, "validation images that early stopping looks at")
    patience: int = setting(5, "epochs without a better validation loss before it stops")
    dropout: float = setting(0.5, "share of hidden units silenced in a step, as a remedy")
    decay: float = setting(1.0, "weight decay of AdamW, as a remedy")
    more: int = setting(4, "how many times as many images, as a remedy")
    sizes: tuple[int, ...] = setting((100, 300, 1_000, 3_000, 10_000), "images for the gap")
    chosen_by: tuple[int, ...] = setting((30, 100, 300, 1_000), "validation images to choose by")
    seeds: int = setting(4, "networks of each kind, each with images of its own")


@dataclass(frozen=True)
class OverfittingResult:
    """What the networks did; the remedies are nothing, stopping, dropout, decay and more images."""

    curves: NDArray[np.float64]  # (seeds, epochs, 4): training loss, accuracy; validation the same
    parts: NDArray[np.float64]  # (seeds, 2, 2): at the lowest validation loss and at the end, mean
    # loss of the held-out images read rightly and of the others
    chosen: NDArray[np.float64]  # (seeds, sizes, 2): see `optimism`
    stopped: NDArray[np.int64]  # (seeds, 2): the epoch early stopping kept, and the last one
    results: NDArray[np.float64]  # (remedies, seeds, 3): training accuracy, test loss, accuracy
    gap: NDArray[np.float64]  # (sizes, seeds, 2): training and test accuracy, once memorised
    images: tuple[int, int, int]  # held out, looked at by early stopping, in the test split


class _Trials:
    """Networks of few training images; each seed has images of its own."""

    def __init__(self, data: Dataset, settings: OverfittingSettings) -> None:
        self.settings = settings
        self.fit, held_out = split(data)
        self.pool, self.test = Rows.of(held_out), Rows.of(data.test)
        some = slice(settings.validation)
        self.validation = Rows(self.pool.x[some], self.pool.labels[some])

    def begin(
        self, seed: int, n: int, epochs: int, dropout: float = 0.0, decay: float = 0.0
    ) -> tuple[Rows, Network, Iterable[Epoch]]:
        """Return training images, a network and its training, which runs as it is iterated."""
        settings = self.settings
        order = np.random.default_rng([seed, 60_000]).permutation(len(self.fit))
        rows = Rows.of(self.fit.take(order[:n]))
        network = Network(Design(hidden=(settings.units,), dropout=dropout), seed)
        optimizer = AdamW(settings.rate, decay=decay) if decay else Adam(settings.rate)
        training = train(
            network, optimizer, rows.x, rows.labels, epochs=epochs, batch=settings.batch, seed=seed
        )
        return rows, network, training

    def end(self, rows: Rows, network: Network) -> list[float]:
        """Return training accuracy, test loss and test accuracy."""
        return [rows.score(network)[1], *self.test.score(network)]

    def bare(self, seed: int) -> tuple[Any, ...]:
        """Train without a remedy; return its part of `curves`, `parts`, `chosen`, `results`."""
        settings = self.settings
        rows, network, training = self.begin(seed, settings.images, settings.epochs)
        curve, judged = [], []
        for _ in training:
            curve.append((*rows.score(network), *self.validation.score(network)))
            judged.append(self.pool.judge(network))
        losses = np.array([losses for losses, _ in judged])  # (epochs, held out)
        parts = []
        for at in (int(np.array(curve)[:, 2].argmin()), -1):
            right = judged[at][1]
            parts.append([losses[at] @ of / max(of.sum(), 1) for of in (right, ~right)])
        most = len(self.pool.labels) // 2
        chosen = [optimism(losses, min(n, most), seed) for n in settings.chosen_by]
        return curve, parts, chosen, self.end(rows, network)

    def stopped(self, seed: int) -> tuple[tuple[int, int], list[float]]:
        """Stop early; return the epoch kept, the last one, and how it ends."""
        settings = self.settings
        rows, network, training = self.begin(seed, settings.images, settings.epochs)
        kept = stop_early(
            network, training, lambda: self.validation.score(network)[0], settings.patience
        )
        return kept, self.end(rows, network)

    def remedied(self, case: tuple[int, int, int, float, float]) -> list[float]:
        """Train as `begin` says; return how it ends."""
        rows, network, training = self.begin(*case)
        for _ in training:
            pass
        return self.end(rows, network)

    def by_heart(self, case: tuple[int, int]) -> tuple[float, float]:
        """Train until the images are memorised; return training and test accuracy."""
        rows, network, training = self.begin(*case, 200)
        for _ in training:
            known = rows.score(network)[1]
            if known >= BY_HEART:
                break
        return known, self.test.score(network)[1]


def measure(data: Dataset, settings: OverfittingSettings, advance: Advance) -> OverfittingResult:
    """Train without a remedy and with each; then until each number of images is memorised."""
    trials, seeds = _Trials(data, settings), range(settings.seeds)
    plain = each(trials.bare, seeds, lambda share: advance(0.3 * share))
    early = each(trials.stopped, seeds, lambda share: advance(0.3 + 0.1 * share))
    n, epochs = settings.images, settings.epochs
    fewer = max(epochs // settings.more, 1)  # as many steps with more images
    remedies = (
        (n, epochs, settings.dropout, 0.0),
        (n, epochs, 0.0, settings.decay),
        (n * settings.more, fewer, 0.0, 0.0),
    )
    cases = [(seed, *remedy) for remedy in remedies for seed in seeds]
    helped = each(trials.remedied, cases, lambda share: advance(0.4 + 0.3 * share))
    sized = [(seed, n) for n in settings.sizes for seed in seeds]
    gaps = each(trials.by_heart, sized, lambda share: advance(0.7 + 0.3 * share))
    curves, parts, chosen, ends = zip(*plain, strict=True)
    results = [*ends, *(last for _, last in early), *helped]
    images = (trials.pool, trials.validation, trials.test)
    return OverfittingResult(
        curves=np.array(curves),
        parts=np.array(parts),
        chosen=np.array(chosen),
        stopped=np.array([kept for kept, _ in early]),
        results=np.array(results).reshape(-1, len(seeds), 3),
        gap=np.array(gaps).reshape(len(settings.sizes), len(seeds), 2),
        images=(len(images[0].labels), len(images[1].labels), len(images[2].labels)),
    )


def facts(result: OverfittingResult, settings: OverfittingSettings) -> Facts:
    """Return what the text says of a run."""
    validation_losses = result.curves[:, :, 2]  # (seeds, epochs)
    lowest_at = validation_losses.argmin(1)
    names = (
        "none",
        "early stopping",
        f"dropout of {settings.dropout:g}",
        f"weight decay of {settings.decay:g}",
        f"{settings.more} times the images",
    )
    _, test_loss, test = result.results.mean(1).T  # each of (remedies,)
    best = 1 + int(test_loss[1:].argmin())
    last = result.curves.mean(0)[-1]
    (right_lowest, wrong_lowest), (right_last, wrong_last) = result.parts.mean(0)
    bias = (result.chosen[..., 1] - result.chosen[..., 0]).mean(0)  # (sizes,)
    gaps = (result.gap[..., 0] - result.gap[..., 1]).mean(1)
    return Facts(
        values={
            "held_out": result.images[0],
            "validation": result.images[1],
            "tested": result.images[2],
            "draws": DRAWS,
            "training_loss": last[0],
            "known": last[1],
            "test": test[0],
            "lowest": validation_losses.min(1).mean(),
            "lowest_at": lowest_at.mean() + 1,
            "last": last[2],
            "accuracy_lowest": result.curves[range(len(lowest_at)), lowest_at, 3].mean(),
            "accuracy_last": last[3],
            "best": names[best],
            "best_loss": test_loss[best],
            "test_loss": test_loss[0],
            "lower": [n for n, v in zip(names[1:], test_loss[1:], strict=True) if v < test_loss[0]],
            "right_lowest": right_lowest,
            "right_last": right_last,
            "wrong_lowest": wrong_lowest,
            "wrong_last": wrong_last,
            "kept": result.stopped[:, 0],
            "mean_stop": result.stopped[:, 1].mean(),
            "latest_stop": result.stopped[:, 1].max(),
            "bias_fewest": bias[0],
            "bias_most": bias[-1],
            "gap_fewest": gaps[0],
            "gap_most": gaps[-1],
            "sized": result.gap[..., 0].size,
            "unknown": (result.gap[..., 0] < BY_HEART).sum(),
        },
        tables=_tables(result, settings, names),
        figures={
            "curves": draw_curves(result, settings),
            "gap": draw_gap(result, settings, BY_HEART),
        },
        code=(listing(stop_early),),
    )


def _tables(
    result: OverfittingResult, settings: OverfittingSettings, names: Sequence[str]
) -> dict[str, list[tuple[str, ...]]]:
    results, (by, others) = result.results, result.chosen.mean(0).T  # each of (sizes,)
    return {
        "remedies": by_columns(
            {
                "remedy": names,
                "training accuracy, %": percents(results[..., 0]),
                "test accuracy, %": percents(results[..., 2]),
                "test loss": [plus_minus(row, decimals=3) for row in results[..., 1]],
            }
        ),
        "choice": by_columns(
            {
                "images": [f"{min(n, result.images[0] // 2):,}" for n in settings.chosen_by],
                "their loss": [f"{loss:.3f}" for loss in by],
                "loss of the others": [f"{loss:.3f}" for loss in others],
                "too low by": [f"{loss:.3f}" for loss in others - by],
            }
        ),
    }
