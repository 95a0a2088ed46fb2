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
from digitscope.lessons.content import (
    Check,
    Exercise,
    Formula,
    Page,
    Picture,
    Table,
    plus_minus,
    setting,
    short,
)
from digitscope.lessons.course import Advance
from digitscope.nn import OPTIMIZERS, Design, Network, cross_entropy, each, pixels, train
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, count, percent

TITLE = "Vanishing gradients"
QUESTION = "Why does a deep network of sigmoids learn nothing, and what makes it learn?"

HELD_OUT = 5_000


@dataclass(frozen=True, kw_only=True)
class Settings:
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
class Measured:
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
    """

    kinds: tuple[str, ...]
    accuracy: NDArray[np.float64]
    norms: list[list[NDArray[np.float64]]]
    passed: NDArray[np.float64]
    chance: float


def designs(settings: Settings) -> dict[str, Design]:
    """Return one kind of network for each remedy, of one hidden layer."""
    plain = settings.activation
    return {
        plain: Design(activation=plain),
        f"{plain}, residual": Design(activation=plain, residual=True),
        f"{plain}, normalised": Design(activation=plain, normalised=True),
        "ReLU": Design(activation="relu"),
        "ReLU, He": Design(activation="relu", initialisation="he"),
    }


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train every kind at every depth from several seeds."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, labels_held = pixels(held_out.images), held_out.labels
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
        accuracy = network.accuracy(x_held, labels_held)
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
    chance = float(np.bincount(labels_held).max() / len(labels_held))
    return Measured(tuple(kinds), accuracy, norms, passed, chance)


def tell(measured: Measured, settings: Settings) -> Page:
    """Say what was seen."""
    depths, kinds, chance = settings.depths, measured.kinds, measured.chance
    mean = measured.accuracy.mean(2)  # (kinds, depths)
    deepest, plain = depths[-1], kinds[0]
    falls = [float(np.exp(_slope(measured, kind, -1))) for kind in range(len(kinds))]
    at_chance = [depth for depth, a in zip(depths, mean[0], strict=True) if a < chance + 0.02]
    cured = [kind for kind, a in zip(kinds, mean[:, -1], strict=True) if a > 0.8]
    largest = {
        kind: float(row[-1].mean(0).max()) for kind, row in zip(kinds, measured.norms, strict=True)
    }
    last = {
        kind: float(row[-1].mean(0)[-1]) for kind, row in zip(kinds, measured.norms, strict=True)
    }
    moved = float(measured.passed[0, -1, :, 0].max())
    first_varies, last_varies = (float(v) for v in measured.passed[0, -1, :, 1:].mean(0))
    finding = (
        f"With {deepest} hidden layers, the gradient of {plain} shrinks to "
        f"{1 / falls[0]:.2f} of itself from layer to layer on its way back, and "
        f"{percent(mean[0, -1])} of the digits are right; chance is {percent(chance)}."
    )
    table = Table(
        f"Accuracy on {HELD_OUT:,} held-out images after {count(settings.epochs, 'epoch')}, % "
        f"(mean ± standard deviation, n = {count(settings.seeds, 'seed')})",
        ("hidden layers", *kinds),
        tuple(
            (str(depth), *(plus_minus(100 * a, decimals=1) for a in column))
            for depth, column in zip(depths, measured.accuracy.swapaxes(0, 1), strict=True)
        ),
    )
    gradients = Table(
        f"With {deepest} hidden layers, before training: norm of the gradient by the kernel of "
        "the first and of the last layer, and the factor from one layer to the one before (a "
        "line through the logarithms of all layers but the first, whose inputs are pixels)",
        ("network", "first", "last", "factor"),
        tuple(
            (kind, short(n[0]), short(n[-1]), f"{1 / fall:.2f}")
            for kind, fall, n in zip(
                kinds, falls, [row[-1].mean(0) for row in measured.norms], strict=True
            )
        ),
    )
    return Page(
        experiment=(
            f"Networks of {settings.width} units in each of {depths[0]} to {deepest} hidden "
            f"layers, of five kinds, {count(settings.seeds, 'seed')} each: "
            f"{measured.accuracy.size} networks. Each sees {settings.images:,} images "
            f"{count(settings.epochs, 'time')} ({settings.optimizer}, rate {settings.rate:g}), all "
            "with the same rate and the same order of images. First weights are Glorot's, or He's "
            "where that is said. Before the first step the gradient of the loss is taken on the "
            "same 1,000 images, layer by layer."
        ),
        pictures=(
            Picture(
                "gradients",
                _draw_norms(measured, settings),
                "Each cell is one layer of one network; the input is on the left. Dark cells "
                "hardly hear of the loss. Note that the scale is logarithmic.",
            ),
            Picture(
                "accuracy",
                _draw_accuracy(measured, settings),
                "Points are means over the seeds, bars reach from the worst to the best.",
            ),
        ),
        tables=(table, gradients),
        finding=finding,
        seen=(
            f"The last layer of the {plain} network gets a gradient of {short(last[plain])}, since "
            "it stands next to the loss. Every layer that the gradient passes on its way back "
            "multiplies it by the slope of the activation, and that of a sigmoid is 1/4 at best. "
            "The first weights hardly change that: they are drawn to keep sizes about as they "
            f"are. So the first kernel stands still (it moves by at most {short(moved)} in the "
            "whole training), and the images get lost on their way: from image to image the first "
            f"hidden layer varies by {short(first_varies)}, the last by {short(last_varies)} "
            "(standard deviation, mean of the units). The last layer then sees the same for all "
            "images, and can learn no more than how often each digit occurs.\n\n"
            "The remedies attack that product from different sides. ReLU has a slope of exactly 1 "
            "wherever it is active. But it silences half of the units, so that the images fade on "
            "their way forwards and the gradient on its way back, and even the last layer gets "
            f"only {short(last['ReLU'])}. He's initialisation makes up for just that half. A "
            "residual connection gives the gradient a way around each layer: what comes back is "
            "multiplied by 1 plus something small. If its factor in the table is below 1, that is "
            "due to the inputs: the gradient by a kernel is the input times what comes back, and "
            "here the input grows from layer to layer, since each adds to what it was given. "
            "Batch normalisation stretches the sums of each unit to a variance of 1 over the "
            "batch, in every layer, and the gradient is stretched with them on its way back."
        ),
        checks=(
            Check(
                f"{plain} stays within 2 points of chance at "
                + (f"{', '.join(map(str, at_chance))} hidden layers" if at_chance else "no depth"),
                bool(at_chance),
            ),
            Check(
                f"at depth {deepest} the first layer's gradient is less than a thousandth of the "
                f"last one's with {plain} ({short(_ratio(measured, 0))}), and more than a tenth "
                f"with ReLU and He ({short(_ratio(measured, kinds.index('ReLU, He')))})",
                _ratio(measured, 0) < 1e-3 < 0.1 < _ratio(measured, kinds.index("ReLU, He")),
            ),
            Check(
                f"at depth {deepest} the largest gradient of any layer is more than ten times as "
                f"large with He's initialisation ({short(largest['ReLU, He'])}) as with ReLU alone "
                f"({short(largest['ReLU'])})",
                largest["ReLU, He"] > 10 * largest["ReLU"],
            ),
            Check(
                f"with {deepest} layers of {plain}, what the last passes on varies less than a "
                f"hundredth as much as what the first does: {short(last_varies)} and "
                f"{short(first_varies)}",
                last_varies < first_varies / 100,
            ),
            Check(
                f"with {deepest} hidden layers these learn (over 80 %): {'; '.join(cured)}",
                plain not in cured and len(cured) >= 3,
            ),
        ),
        formulas=(
            Formula(
                r"\delta^{(l)} = \left(W^{(l+1)} \delta^{(l+1)}\right) \odot "
                r"f'\!\left(y^{(l)}\right), \qquad "
                r"\frac{\partial L}{\partial W^{(l)}} = A^{(l-1)} \, \delta^{(l)\top}",
                "Going back through one layer multiplies by its weights and by the slope of its "
                "activation. δ is the gradient of the loss by the sums y of a layer, and ⊙ "
                "multiplies number by number. After many layers that is a product of many factors:",
            ),
            Formula(
                r"\sigma'(y) = \sigma(y)\,\bigl(1 - \sigma(y)\bigr) \le \frac{1}{4}",
                "For the sigmoid each slope is at most a quarter, so ten layers leave less than "
                "a millionth, unless the weights make up for it:",
            ),
            Formula(
                r"\mathrm{Var}\, W = \frac{2}{n + m} \quad \text{(Glorot)}, \qquad "
                r"\mathrm{Var}\, W = \frac{2}{n} \quad \text{(He)}",
                "How widely the first weights of a layer of n inputs and m units are drawn:",
            ),
        ),
        exercises=(
            Exercise(
                "The slope of tanh is 1 at its steepest. How deep does it go before it stops "
                "learning?",
                ("activation=tanh",),
            ),
            Exercise(
                "Adam divides each gradient by its own size. Does that cure the sigmoid? Up to "
                "which depth, and why not further?",
                ("optimizer=adam", "rate=0.001"),
            ),
            Exercise(
                "Is it only slow? Give the sigmoids five times as long.",
                ("epochs=15", "depths=2,3,4"),
            ),
        ),
        sources=(
            "S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, "
            "TU München, 1991: where the problem was first described",
            "X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward "
            "neural networks*, AISTATS 2010",
            "K. He, X. Zhang, S. Ren and J. Sun, *Delving deep into rectifiers*, ICCV 2015, and "
            "*Deep residual learning for image recognition*, CVPR 2016",
            "S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by "
            "reducing internal covariate shift*, ICML 2015",
        ),
    )


def _slope(measured: Measured, kind: int, depth: int) -> float:
    """Return by how much the logarithm of the norm rises from hidden layer to hidden layer."""
    norms = measured.norms[kind][depth].mean(0)[1:]  # the first has other inputs: pixels
    return float(np.polyfit(np.arange(len(norms)), np.log(norms), 1)[0]) if len(norms) > 1 else 0.0


def _ratio(measured: Measured, kind: int) -> float:
    norms = measured.norms[kind][-1].mean(0)
    return float(norms[0] / norms[-1])


def _draw_norms(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    kinds, depths = measured.kinds, settings.depths
    title = (
        f"In {depths[-1]} layers of {kinds[0]} the first gets {short(_ratio(measured, 0))} of the "
        "last one's gradient; with ReLU and He's initialisation "
        f"{short(_ratio(measured, len(kinds) - 1))}"
    )
    note = "Norm of the gradient by each kernel before training, mean over seeds."
    high = 0.3 * len(kinds)
    style.header(figure, title, note, body=high + 1.35)
    axes = style.place(figure, 1.75, 1.2, 4.5, high)
    rows = np.log10(np.array([row[-1].mean(0) for row in measured.norms]))
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


def _draw_accuracy(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    kinds, depths = measured.kinds, settings.depths
    mean = measured.accuracy.mean(2)
    learned = sum(a > 0.8 for a in mean[1:, -1])
    title = (
        f"With {depths[-1]} hidden layers, {kinds[0]} is at {percent(mean[0, -1])}; "
        f"{learned} of {len(kinds) - 1} remedies get it over 80{NBSP}%"
    )
    epochs, seeds = count(settings.epochs, "epoch"), count(settings.seeds, "seed")
    note = f"Accuracy on held-out images after {epochs}, {seeds}."
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.7, 0.55, 3.9, 2.8)
    colours = (style.INK, style.GREEN, "#cc79a7", style.BLUE, style.VERMILION)
    ends = []
    for row, kind, colour in zip(measured.accuracy, kinds, colours, strict=True):
        style.over_seeds(axes, depths, row, color=colour)
        ends.append((float(depths[-1]), float(row[-1].mean()), kind, colour))
    axes.axhline(measured.chance, color=style.GREY, lw=0.9, ls=":")
    axes.text(depths[0], measured.chance - 0.045, "chance", size=9, color=style.GREY)
    axes.set_ylim(0, 1)
    style.percent_ticks(axes)
    axes.xaxis.set_major_locator(FixedLocator(depths))
    axes.set_xlabel("hidden layers")
    axes.set_ylabel("accuracy, %")
    style.label_points(axes, ends)
    return figure
