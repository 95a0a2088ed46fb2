"""Vanishing gradients: why deep networks of sigmoids did not learn, and four things that help.

One row of networks for each remedy, from one hidden layer to twelve: the gradient that reaches each
layer before anything is learned, and the accuracy after the same short training.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lessons.content import Facts, setting, short
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import by_columns, hold_out, percents
from digitscope.nn import OPTIMIZERS, Design, Network, cross_entropy, each, train
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

LEARNED = 0.8  # accuracy from which a network has learned


@dataclass(frozen=True, kw_only=True)
class VanishingGradientsSettings:
    """What can be changed."""

    depths: tuple[int, ...] = setting((1, 2, 3, 4, 6, 8, 12), "hidden layers to try")
    width: int = setting(64, "units of each hidden layer")
    activation: str = setting("sigmoid", "what the remedies are tried on")
    optimizer: str = setting("momentum", "sgd, momentum, rmsprop, adam or adamw")
    rate: float = setting(0.02, "learning rate")
    images: int = setting(10_000, "training images")
    epochs: int = setting(3, "passes over them")
    seeds: int = setting(3, "networks of each kind")


@dataclass(frozen=True)
class VanishingGradientsResult:
    """Arrays over kinds of network, depths and seeds.

    Attributes
    ----------
    kinds : tuple of str
    accuracy : ndarray of shape (kinds, depths, seeds)
        On the held-out images, after training.
    norms : list of list of ndarray of shape (seeds, layers)
        For each kind and depth: the gradient of the loss by each kernel, before training.
    passed : ndarray of shape (kinds, depths, seeds, 3)
        After training: how far the first kernel moved at most; and how much what the first and the
        last hidden layer pass on varies over images (standard deviation, mean of the units).
    chance : float
        Share of the commonest digit among the held-out images.
    held_out : int
        How many images these are.
    """

    kinds: tuple[str, ...]
    accuracy: NDArray[np.float64]
    norms: list[list[NDArray[np.float64]]]
    passed: NDArray[np.float64]
    chance: float
    held_out: int


def designs(settings: VanishingGradientsSettings) -> dict[str, Design]:
    """Return one kind of network for each remedy, of one hidden layer."""
    plain = settings.activation
    return {
        plain: Design(activation=plain),
        f"{plain}, residual": Design(activation=plain, residual=True),
        f"{plain}, normalised": Design(activation=plain, normalised=True),
        "ReLU": Design(activation="relu"),
        "ReLU, He": Design(activation="relu", initialisation="he"),
    }


def measure(
    data: Dataset, settings: VanishingGradientsSettings, advance: Advance
) -> VanishingGradientsResult:
    """Train every kind at every depth from several seeds."""
    images = hold_out(data, settings.images)
    x, labels = images.x, images.labels
    kinds = designs(settings)

    def one(case: tuple[Design, int, int]) -> tuple[list[float], float, list[float]]:
        design, depth, seed = case
        hidden = (settings.width,) * depth
        network = Network(Design(**{**vars(design), "hidden": hidden}), seed)
        some = slice(0, 1_000)
        _, by_logits = cross_entropy(
            network.forward(x[some], np.random.default_rng(seed)), labels[some]
        )
        network.backward(by_logits / np.float32(len(by_logits)))
        norms = network.norms()
        before = network.dense[0].kernel.copy()
        optimizer = OPTIMIZERS[settings.optimizer](settings.rate)
        for _ in train(network, optimizer, x, labels, epochs=settings.epochs, seed=seed):
            pass
        accuracy = network.accuracy(images.x_held, images.labels_held)
        moved = float(np.abs(network.dense[0].kernel - before).max())
        # Over images, of what the first and the last hidden layer pass on.
        first, last = (float(network.dense[i].inputs.std(0).mean()) for i in (1, -1))
        return norms, accuracy, [moved, first, last]

    cases = [
        (design, depth, seed)
        for design in kinds.values()
        for depth in settings.depths
        for seed in range(settings.seeds)
    ]
    results = each(one, cases, advance)
    shape = (len(kinds), len(settings.depths), settings.seeds)
    accuracy = np.array([a for _, a, _ in results]).reshape(shape)
    passed = np.array([values for *_, values in results]).reshape(*shape, 3)
    found = iter(norms for norms, *_ in results)
    norms = [
        [np.array([next(found) for _ in range(settings.seeds)]) for _ in settings.depths]
        for _ in kinds
    ]
    chance = float(np.bincount(images.labels_held).max() / len(images.labels_held))
    return VanishingGradientsResult(
        kinds=tuple(kinds),
        accuracy=accuracy,
        norms=norms,
        passed=passed,
        chance=chance,
        held_out=len(images.labels_held),
    )


def facts(result: VanishingGradientsResult, settings: VanishingGradientsSettings) -> Facts:
    """Return what the text says of a run."""
    depths, kinds, deep = settings.depths, result.kinds, deepest(result)
    mean = result.accuracy.mean(2)  # (kinds, depths)
    factors = [f"{np.exp(-_slope(norms)):.2f}" for norms in deep]
    plain, he = kinds[0], kinds.index("ReLU, He")
    first_varies, last_varies = result.passed[0, -1, :, 1:].mean(0)
    return Facts(
        values={
            "plain": plain,
            "deepest": depths[-1],
            "networks": result.accuracy.size,
            "factor": factors[0],
            "accuracy": mean[0, -1],
            "chance": result.chance,
            "held_out": result.held_out,
            "at_chance": [
                d for d, a in zip(depths, mean[0], strict=True) if a < result.chance + 0.02
            ],
            "learned": [k for k, a in zip(kinds, mean[:, -1], strict=True) if a > LEARNED],
            "learned_from": LEARNED,
            "last_plain": deep[0][-1],
            "last_relu": deep[kinds.index("ReLU")][-1],
            "ratio_plain": _ratio(deep[0]),
            "ratio_he": _ratio(deep[he]),
            "largest_relu": deep[kinds.index("ReLU")].max(),
            "largest_he": deep[he].max(),
            "moved": result.passed[0, -1, :, 0].max(),
            "first_varies": first_varies,
            "last_varies": last_varies,
        },
        tables={
            "accuracy": by_columns(
                {"hidden layers": [str(depth) for depth in depths]}
                | dict(zip(kinds, map(percents, result.accuracy), strict=True))
            ),
            "gradients": by_columns(
                {
                    "network": kinds,
                    "first": [short(norms[0]) for norms in deep],
                    "last": [short(norms[-1]) for norms in deep],
                    "factor": factors,
                }
            ),
        },
        figures={
            "gradients": _draw_norms(result, settings),
            "accuracy": _draw_accuracy(result, settings),
        },
    )


def deepest(result: VanishingGradientsResult) -> list[NDArray[np.float64]]:
    """Return for each kind at the largest depth the norms by layer, mean over seeds."""
    return [row[-1].mean(0) for row in result.norms]


def _slope(norms: NDArray[np.float64]) -> float:
    """Return by how much the logarithm of the norm rises from hidden layer to hidden layer."""
    hidden = norms[1:]  # the first has other inputs: pixels
    if len(hidden) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(hidden)), np.log(hidden), 1)[0])


def _ratio(norms: NDArray[np.float64]) -> float:
    return float(norms[0] / norms[-1])


def _draw_norms(result: VanishingGradientsResult, settings: VanishingGradientsSettings) -> Figure:
    figure = Figure()
    kinds, depths, deep = result.kinds, settings.depths, deepest(result)
    title = (
        f"In {depths[-1]} layers of {kinds[0]} the first gets {short(_ratio(deep[0]))} of the "
        "last one's gradient; with ReLU and He's initialisation "
        f"{short(_ratio(deep[-1]))}"
    )
    note = "Norm of the gradient by each kernel before training, mean over seeds."
    high = 0.3 * len(kinds)
    style.header(figure, title, note, body=high + 1.35)
    axes = style.place(figure, 1.75, 1.2, 4.5, high)
    rows = np.log10(np.array(deep))
    shown = axes.imshow(rows, aspect="auto", cmap="cividis", vmin=max(rows.min(), -12))
    axes.set_yticks(range(len(kinds)), list(kinds))
    axes.set_xticks(range(rows.shape[1]), [str(n) for n in range(1, rows.shape[1])] + ["digits"])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("layer")
    scale = style.place(figure, 1.75, 0.45, 4.5, 0.12)
    bar: Any = figure.colorbar(shown, cax=scale, orientation="horizontal")
    bar.outline.set_visible(False)
    low, top = shown.get_clim()
    ticks = [t for t in range(-12, 3, 2 if top - low > 4 else 1) if low <= t <= top]
    bar.set_ticks(ticks, labels=[short(10.0**t).removeprefix("1.0 × ") for t in ticks])
    bar.set_label("norm of the gradient (log)", fontsize=9.5, labelpad=2)
    return figure


def _draw_accuracy(
    result: VanishingGradientsResult, settings: VanishingGradientsSettings
) -> Figure:
    figure = Figure()
    kinds, depths = result.kinds, settings.depths
    mean = result.accuracy.mean(2)
    learned = sum(a > LEARNED for a in mean[1:, -1])
    title = (
        f"With {depths[-1]} hidden layers, {kinds[0]} is at {percent(mean[0, -1])}; "
        f"{learned} of {len(kinds) - 1} remedies get it over {percent(LEARNED, 0)}"
    )
    epochs, seeds = count(settings.epochs, "epoch"), count(settings.seeds, "seed")
    note = f"Accuracy on held-out images after {epochs}, {seeds}."
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.7, 0.55, 3.9, 2.8)
    colours = (style.INK, style.GREEN, "#cc79a7", style.BLUE, style.VERMILION)
    ends = []
    for row, kind, colour in zip(result.accuracy, kinds, colours, strict=True):
        style.over_seeds(axes, depths, row, color=colour)
        ends.append((float(depths[-1]), float(row[-1].mean()), kind, colour))
    axes.axhline(result.chance, color=style.GREY, lw=0.9, ls=":")
    axes.text(depths[0], result.chance - 0.045, "chance", size=9, color=style.GREY)
    axes.set_ylim(0, 1)
    style.percent_ticks(axes)
    axes.xaxis.set_major_locator(FixedLocator(depths))
    axes.set_xlabel("hidden layers")
    axes.set_ylabel("accuracy, %")
    style.label_points(axes, ends)
    return figure
