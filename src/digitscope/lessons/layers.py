"""A sequence of layers: what becomes of an image on its way to ten numbers, and by what weights.

One network is taken apart: the shapes between its layers, its weights, a digit on its way through.
Then the same training for networks of few and many hidden units, in one layer and in two.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.image.digit import DIGITS, SIDE
from digitscope.lessons.content import (
    Check,
    Exercise,
    Formula,
    LessonFigure,
    LessonText,
    Table,
    listing,
    plus_minus,
    setting,
    short,
)
from digitscope.lessons.course import Advance
from digitscope.nn import OPTIMIZERS, Design, Network, each, pixels, train
from digitscope.nn.losses import Floats, softmax
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, percent, sure, times

TITLE = "A sequence of layers"
QUESTION = (
    "What becomes of an image on its way through the layers, and how many units does it take?"
)

HELD_OUT = 5_000
Case = tuple[tuple[int, ...], bool, int]  # hidden units, whether pixels are reordered, seed


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    units: tuple[int, ...] = setting((4, 8, 16, 32, 64, 128, 256), "hidden units to try")
    depths: tuple[int, ...] = setting((1, 2), "hidden layers to try, all of that many units")
    shown: int = setting(128, "hidden units of the network that is taken apart")
    image: int = setting(0, "which held-out image is followed through it")
    optimizer: str = setting("adam", "sgd, momentum, rmsprop, adam or adamw")
    rate: float = setting(0.003, "learning rate")
    images: int = setting(10_000, "training images")
    epochs: int = setting(5, "passes over them")
    seeds: int = setting(3, "networks of each size")


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network from inside, and many by their size.

    Attributes
    ----------
    image : ndarray of shape (28, 28)
        What is followed, 1 = full ink.
    label : int
    hidden, logits, probabilities : ndarray of shape (units,), (10,) and (10,)
        What the layers make of it.
    kernels : tuple of (int, int)
        Shapes of the kernels of that network; each has a bias of as many as its columns.
    total : int
        All its weights, counted in the network.
    difference : float
        Largest difference of the logits of 100 images, put through the layers one at a time by
        hand, from those of the network.
    reach : float
        The largest of these logits, without its sign.
    wrong : tuple of int
        The first held-out images that this network takes for another digit.
    in_order, reordered : ndarray of shape (seeds,)
        Accuracy of such networks with the pixels in their order, and with all images' pixels in
        the same random order.
    direct : ndarray of shape (seeds,)
        Accuracy without any hidden layer.
    accuracy : ndarray of shape (depths, units, seeds)
    weights : ndarray of shape (depths, units)
        Counted in the networks.
    """

    image: Floats
    label: int
    hidden: Floats
    logits: Floats
    probabilities: Floats
    kernels: tuple[tuple[int, int], ...]
    total: int
    difference: float
    reach: float
    wrong: tuple[int, ...]
    in_order: NDArray[np.float64]
    reordered: NDArray[np.float64]
    direct: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    weights: NDArray[np.int64]


def by_hand(network: Network, image: Floats) -> tuple[Floats, Floats]:
    """Return what a network of one hidden layer of ReLU makes of one image, layer by layer.

    Parameters
    ----------
    network : Network
    image : ndarray of shape (28, 28)

    Returns
    -------
    hidden : ndarray of shape (units,)
    logits : ndarray of shape (10,)
    """
    first, last = network.dense
    x = image.reshape(-1)  # (784,)
    hidden = np.maximum(x @ first.kernel + first.bias, 0)  # (units,)
    logits = hidden @ last.kernel + last.bias  # (10,)
    return hidden, logits


def count(sizes: tuple[int, ...]) -> int:
    """Return how many weights the dense layers between so many numbers have.

    >>> count((784, 128, 10))
    101770
    """
    return sum(inputs * units + units for inputs, units in pairwise(sizes))


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train networks of all sizes from several seeds, and take one apart."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, labels_held = pixels(held_out.images), held_out.labels
    taken_apart = (settings.shown,), False, 0
    order = np.random.default_rng(784).permutation(x.shape[1])

    def one(case: Case) -> tuple[float, int, Network | None]:
        hidden, reorder, seed = case
        pick = order if reorder else slice(None)
        network = Network(Design(hidden=hidden, initialisation="he"), seed)
        optimizer = OPTIMIZERS[settings.optimizer](settings.rate)
        for _ in train(network, optimizer, x[:, pick], labels, epochs=settings.epochs, seed=seed):
            pass
        accuracy = network.accuracy(x_held[:, pick], labels_held)
        return accuracy, len(network.weights), network if case == taken_apart else None

    sizes = [(units,) * depth for depth in settings.depths for units in settings.units]
    kinds = [((), False), ((settings.shown,), True), ((settings.shown,), False)]
    kinds += [(size, False) for size in sizes]
    # The largest first, so that no core waits for one of them at the end.
    cases = sorted(
        ((*kind, seed) for kind in dict.fromkeys(kinds) for seed in range(settings.seeds)),
        key=lambda case: -count((SIDE * SIDE, *case[0], DIGITS)),
    )
    found = dict(zip(cases, each(one, cases, advance), strict=True))

    def right(hidden: tuple[int, ...], reorder: bool = False) -> NDArray[np.float64]:
        return np.array([found[hidden, reorder, seed][0] for seed in range(settings.seeds)])

    network = found[taken_apart][2]
    assert network is not None
    answers = network.probabilities(x_held).argmax(1)
    image = x_held[settings.image % len(x_held)].reshape(SIDE, SIDE)
    hidden, logits = by_hand(network, image)
    some = x_held[:100]
    at_once = network.forward(some)
    alone = np.stack([by_hand(network, row.reshape(SIDE, SIDE))[1] for row in some])
    shape = (len(settings.depths), len(settings.units))
    return Measured(
        image=image,
        label=int(labels_held[settings.image % len(x_held)]),
        hidden=hidden,
        logits=logits,
        probabilities=softmax(logits[None])[0],
        kernels=tuple((dense.kernel.shape[0], dense.kernel.shape[1]) for dense in network.dense),
        total=len(network.weights),
        difference=float(np.abs(at_once - alone).max()),
        reach=float(np.abs(at_once).max()),
        wrong=tuple(int(i) for i in np.flatnonzero(answers != labels_held)[:3]),
        in_order=right((settings.shown,)),
        reordered=right((settings.shown,), True),
        direct=right(()),
        accuracy=np.array([right(size) for size in sizes]).reshape(*shape, -1),
        weights=np.array([found[size, False, 0][1] for size in sizes]).reshape(shape),
    )


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    a, units, depths = measured.accuracy, settings.units, settings.depths
    mean, direct = a.mean(2), float(measured.direct.mean())  # (depths, units)
    depth, best = np.unravel_index(mean.argmax(), mean.shape)
    layers = [f"{n} {'layer' if n == 1 else 'layers'}" for n in depths]
    pixel_count, shown = SIDE * SIDE, settings.shown
    first, last = (inputs * outputs + outputs for inputs, outputs in measured.kernels)
    none = count((pixel_count, DIGITS))
    counted = [[count((pixel_count, *(n,) * d, DIGITS)) for n in units] for d in depths]
    better = [n for n, share in zip(units, mean[0], strict=True) if share > direct]
    beats = f"{', '.join(map(str, better)) or 'no number of'} units in {layers[0]} beat that"
    gains = 100 * np.diff(mean[0])
    moved = 100 * float(measured.reordered.mean() - measured.in_order.mean())
    steps = f"{gains[0]:+.1f} points from {units[0]} to {units[1]} units" if len(gains) else ""
    if len(gains) > 1:
        steps += f", {gains[-1]:+.1f} from {units[-2]} to {units[-1]}"
    ends = sorted({0, len(units) - 1})
    deeper = "; with ".join(f"{units[i]} units {_deeper(a[:, i], depths)}" for i in ends)
    few_to_many = f"{units[0]} to {units[-1]}" if len(units) > 1 else f"{units[0]}"
    epochs = f"{settings.epochs} *epoch{'s' * (settings.epochs > 1)}*"
    silent = int((measured.hidden == 0).sum())
    shapes = [
        (f"({i},)", f"({o},)", f"{i}·{o}{NBSP}={NBSP}{i * o:,}", f"{o}", f"{i * o + o:,}")
        for i, o in measured.kernels
    ]
    by_size = [
        [f"{n:,}"]
        + [
            cell
            for d in range(len(depths))
            for cell in (f"{measured.weights[d, i]:,}", plus_minus(100 * a[d, i], decimals=1))
        ]
        for i, n in enumerate(units)
    ]
    without = [f"{none:,}", plus_minus(list(100 * measured.direct), decimals=1)]
    return LessonText(
        experiment=(
            f"A network of {shown} hidden units (ReLU) is trained on {settings.images:,} images, "
            f"each of which it sees {times(settings.epochs)} ({epochs}; "
            f"{OPTIMIZERS[settings.optimizer].__name__}, rate {settings.rate:g}, He's first "
            "weights), and one held-out image is followed through it. Then the same training for "
            f"networks of {few_to_many} hidden units in {' and in '.join(layers)}, for one "
            "without a hidden layer, and for one that gets the pixels of every image in the same "
            f"random order; {settings.seeds} seeds each. The rate is the same for all. Accuracies "
            "are on training images that were held out."
        ),
        figures=(
            LessonFigure(
                "way",
                _draw_way(measured, settings),
                "From left to right: what is passed on from layer to layer, and its shape. Each "
                "cell in the middle is one hidden unit, dark where it is active. A logit may be "
                "negative; softmax makes probabilities of them.",
            ),
            LessonFigure(
                "sizes",
                _draw_sizes(measured, settings),
                "The same networks twice: by their units and by their weights. Points are means "
                "over the seeds, bars reach from the best to the worst. All axes are logarithmic.",
            ),
        ),
        tables=(
            Table(
                "The layers of the network that is taken apart",
                ("layer", "in", "out", "kernel", "bias", "weights"),
                (
                    ("flatten", f"({SIDE}, {SIDE})", f"({pixel_count},)", "", "", "0"),
                    ("hidden, ReLU", *shapes[0]),
                    ("digits, softmax", *shapes[1]),
                    ("together", "", "", "", "", f"{measured.total:,}"),
                ),
            ),
            Table(
                f"Weights, and accuracy on held-out images after {settings.epochs} epochs, % "
                f"(mean ± standard deviation, n = {settings.seeds} seeds)",
                ("hidden units", *(f"{n}, {what}" for n in layers for what in ("weights", "%"))),
                (("none", *without, *[""] * (2 * len(depths) - 2)), *map(tuple, by_size)),
            ),
        ),
        finding=(
            f"{measured.total:,} weights turn {pixel_count} pixels into {shown} numbers and these "
            f"into {DIGITS}, which are right on {percent(measured.in_order.mean())} of the "
            "held-out images."
            + (
                f" Of all sizes tried, {units[best]} units in {layers[depth]} do best: "
                f"{percent(mean[depth, best])} with {measured.weights[depth, best]:,} weights."
                if mean.size > 1
                else ""
            )
        ),
        seen=(
            f"**A layer** takes a list of numbers and returns another, as long as it has units. "
            "All a layer knows of the image is what the one before it passes on, so a network is "
            "functions put into one another. That is no figure of speech: 100 images put through "
            "by hand, layer by layer and one by one, give the network's own logits to "
            f"{short(measured.difference)}, where these reach {measured.reach:.0f}; what is left "
            "is rounding, since the sums are taken in another order.\n\n"
            f"**The weights.** Each unit has one weight for each number it is given, and a bias. "
            f"{percent(first / measured.total)} of the weights stand in the first layer, because "
            f"the image is the longest list of all. For the image that was followed, {silent} of "
            f"{shown} hidden units are 0.\n\n"
            "**Flatten** puts the rows of the image one after another. A dense layer has no use "
            "for the knowledge which pixels were neighbours: with the pixels of all images in the "
            "same random order, in which nobody could read a digit, it is right on "
            f"{percent(measured.reordered.mean())}, and with the pixels in their place on "
            f"{percent(measured.in_order.mean())}. A unit sums over all pixels, and a sum has no "
            "order. Convolutional layers are built to make use of neighbours.\n\n"
            "**How many units?** Through a layer of few units little gets through: all that is "
            f"known of the image has to be said in {units[0]} numbers, and how well depends on "
            "the seed (first weights and order of the images): "
            f"{percent(a[0, 0].min())} in the worst of {settings.seeds} networks, "
            f"{percent(a[0, 0].max())} in the best. Without a hidden layer it is "
            f"{percent(direct)}; {beats}."
            + (f" More units gain {steps}." if steps else "")
            + (f" With {deeper}." if len(depths) > 1 else "")
        ),
        checks=(
            Check(
                f"{pixel_count}·{shown} + {shown} = {first:,} and {shown}·{DIGITS} + {DIGITS} = "
                f"{last:,} weights are together {measured.total:,}, as counted in the network, and "
                "the formula holds for all sizes tried",
                first + last == measured.total and np.array_equal(counted, measured.weights),
            ),
            Check(
                "by hand, layer by layer, the logits differ by up to "
                f"{short(measured.difference)}, where they reach {measured.reach:.0f}",
                measured.difference < 1e-5 * measured.reach,
            ),
            Check(
                f"with the pixels in a random order the accuracy changes by {moved:+.2f} points: "
                "less than 1.5",
                abs(moved) < 1.5,
            ),
            *(
                (
                    Check(
                        f"in {layers[0]}, few units are worse than no hidden layer, many are "
                        f"better: {percent(mean[0, 0])} with {units[0]}, {percent(direct)} "
                        f"without, {percent(mean[0, -1])} with {units[-1]}",
                        mean[0, 0] < direct < mean[0, -1],
                    ),
                )
                if len(units) > 1
                else ()
            ),
            *(
                (Check(f"the last step gains less than the first: {steps}", gains[-1] < gains[0]),)
                if len(gains) > 1
                else ()
            ),
        ),
        formulas=(
            Formula(
                r"A = f_1(x) = f(W_1^\top x + b_1), \qquad z = f_2(A) = W_2^\top A + b_2, \qquad "
                r"z = f_2(f_1(x))",
                "The output of one layer is the input of the next. *x* are the 784 pixels, *A* the "
                "*h* hidden units, *z* the ten logits; *f* is ReLU:",
            ),
            Formula(
                r"(784 \cdot h + h) + (h \cdot 10 + 10) = 795\,h + 10",
                "The weights: for each layer a kernel of inputs times units, and a bias for each "
                "unit. With *h* = 128 that makes 101,770:",
            ),
            Formula(
                r"\sum_{i} w_{\pi(i)}\, x_{\pi(i)} = \sum_{i} w_i\, x_i",
                "Why the order of the pixels does not matter: whatever network there is for "
                "images in their order, there is one for every order *π*, with the rows of its "
                "first kernel in that order:",
            ),
        ),
        code=(listing(by_hand),),
        exercises=(
            Exercise(
                "Follow an image that the network takes for another digit. What do its "
                "probabilities look like?",
                (f"image={(*measured.wrong, 1)[0]}", f"units={shown}"),
            ),
            Exercise(
                "Is a deeper network of the same width better? Try three and four layers.",
                ("depths=1,3,4", "units=8,32,128"),
            ),
            Exercise(
                "Is a small network only slow? Give it five times as long.",
                ("units=4,8,16", "shown=16", "epochs=25"),
            ),
            Exercise(
                "Does it go on like this? Give one layer up to 1,024 units.",
                ("units=256,512,1024", "depths=1", "seeds=2"),
            ),
            Exercise(
                "How many weights has a network of 300 hidden units? Count, then look.",
                ("shown=300", "units=300", "depths=1"),
            ),
        ),
        sources=(
            "D. Rumelhart, G. Hinton and R. Williams, *Learning representations by "
            "back-propagating errors*, Nature 323, 1986: networks with hidden units",
            "G. Cybenko, *Approximation by superpositions of a sigmoidal function*, Mathematics of "
            "Control, Signals and Systems 2, 1989: one hidden layer of enough sigmoid units "
            "comes as near as one likes to any continuous function",
            "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to "
            "document recognition*, Proceedings of the IEEE 86 (11), 1998: networks of one and "
            "two hidden layers on MNIST",
        ),
    )


def _deeper(a: NDArray[np.float64], depths: tuple[int, ...]) -> str:
    """Return what the last depth adds to the first, if these seeds can tell."""
    first, last = 100 * a[0], 100 * a[-1]
    gain, n = last.mean() - first.mean(), len(first)
    if n > 1 and abs(gain) < 2 * np.sqrt((first.var(ddof=1) + last.var(ddof=1)) / n):
        both = " and ".join(plus_minus(list(b), decimals=1) for b in (first, last))
        return (
            f"the networks differ so much among themselves ({both}{NBSP}%) that {n} seeds cannot "
            f"tell {depths[-1]} hidden layer{'s' * (depths[-1] > 1)} from {depths[0]}"
        )
    adds = "adds" if gain >= 0 else "costs"
    return f"the way from {depths[0]} to {depths[-1]} layers {adds} {abs(gain):.1f} points"


def _draw_way(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    probabilities, hidden = measured.probabilities, measured.hidden
    digit = int(probabilities.argmax())
    title = (
        f"A {measured.label} on its way: {SIDE * SIDE} pixels, {len(hidden)} hidden units, "
        f"{np.count_nonzero(hidden)} of them active, and {sure(float(probabilities[digit]))} "
        f"for the {digit}"
    )
    style.header(figure, title, "A held-out image in the network that is taken apart.", body=2.9)
    bottom, high = 0.45, 1.9
    columns = max(1, round(np.sqrt(len(hidden) / 2)))
    cells = np.full(-(-len(hidden) // columns) * columns, np.nan, np.float32)
    cells[: len(hidden)] = hidden
    parts = (
        (0.12, 1.45, "image", f"({SIDE}, {SIDE})", measured.image),
        (2.02, 0.14, "in a row", f"({SIDE * SIDE},)", measured.image.reshape(-1, 1)),
        (2.72, 0.95, "hidden units", f"({len(hidden)},)", cells.reshape(-1, columns)),
    )
    for left, wide, name, shape, picture in parts:
        tall = wide if name == "image" else high
        axes = style.place(figure, left, bottom + (high - tall) / 2, wide, tall)
        axes.imshow(picture, cmap=style.PAPER, vmin=0, aspect="auto", interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        _name(figure, left + wide / 2, name, shape)
    for left, wide, name, values in (
        (4.3, 0.85, "logits", measured.logits),
        (5.6, 0.65, "probabilities", probabilities),
    ):
        axes = style.place(figure, left, bottom, wide, high)
        colours = [style.BLUE if d == digit else style.GREY for d in range(DIGITS)]
        axes.barh(range(DIGITS), values, color=colours, height=0.7)
        axes.axvline(0, color=style.GREY, lw=0.8)
        axes.set_ylim(DIGITS - 0.5, -0.5)
        axes.set_yticks(range(DIGITS), [str(d) for d in range(DIGITS)])
        axes.set_xticks([])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        _name(figure, left + wide / 2, name, f"({DIGITS},)")
    for x in (1.78, 2.44, 3.88, 5.29):
        figure.text(
            x / style.WIDTH, (bottom + high / 2) / figure.get_size_inches()[1], "→",
            ha="center", va="center", fontsize=13, color=style.VERMILION,
        )  # fmt: skip
    return figure


def _name(figure: Figure, x: float, name: str, shape: str) -> None:
    """Write the name of a part above it and its shape below it."""
    height = figure.get_size_inches()[1]
    for y, text in ((2.58, name), (0.32, shape)):
        figure.text(x / style.WIDTH, y / height, text, ha="center", va="top", fontsize=9.5)


def _draw_sizes(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    units, depths, mean = settings.units, settings.depths, measured.accuracy.mean(2)
    more = f", {units[-1]} get {percent(mean[0, -1])}" if len(units) > 1 else ""
    title = (
        f"{units[0]} hidden units in {depths[0]} layer{'s' * (depths[0] > 1)} get "
        f"{percent(mean[0, 0])} right{more}; without a hidden layer it is "
        f"{percent(measured.direct.mean())}"
    )
    note = f"Mistakes on held-out images after {settings.epochs} epochs, {settings.seeds} seeds."
    style.header(figure, title, note, body=3.2)
    wrong = 100 * (1 - measured.accuracy)
    colours = (style.BLUE, style.VERMILION, style.GREEN, style.INK)
    for panel, label in enumerate(("hidden units (log)", "weights (log)")):
        axes = style.place(figure, 0.62 + 2.95 * panel, 0.55, 2.6, 2.5)
        for d, layers in enumerate(depths):
            style.over_seeds(
                axes, units if panel == 0 else measured.weights[d], wrong[d],
                ms=4, color=colours[d % 4], label=f"{layers} hidden layer{'s' * (layers > 1)}",
            )  # fmt: skip
        axes.axhline(
            100 * (1 - measured.direct.mean()),
            color=style.GREY,
            ls=":",
            lw=1.2,
            label="no hidden layer",
        )
        axes.set_xlabel(label)
        style.log_ticks(axes)
        style.log_x(axes, units if panel == 0 else (1_000, 10_000, 100_000, 1_000_000))
        if panel == 0:
            axes.set_ylabel("wrong, % (log)")
            axes.legend(loc="upper right", handlelength=1.5)
        else:
            axes.tick_params(axis="y", labelleft=False)
    return figure
