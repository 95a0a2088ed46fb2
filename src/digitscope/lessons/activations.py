"""Activations: what the bend in a hidden layer is for, and what happens where it is flat.

The same small network with each of six activations, at several learning rates. The one without a
bend is multiplied out into a single matrix; and the units are counted that no longer learn.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.data import Dataset
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
from digitscope.nn import OPTIMIZERS, SGD, Design, Network, each, pixels, train
from digitscope.nn.network import Activate
from digitscope.nn.perceptron import ACTIVATIONS
from digitscope.rendering import style
from digitscope.rendering.wording import percent

TITLE = "Activations"
QUESTION = "What does the bend in a hidden layer do, and what if a unit sits where it is flat?"

HELD_OUT = 5_000
NONE = "no hidden layer"
KINDS = tuple(ACTIVATIONS)
SHOWN = {name: name for name in KINDS} | {"relu": "ReLU", "elu": "ELU", "selu": "SELU"}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    units: int = setting(128, "units of the hidden layer")
    initialisation: str = setting("glorot", "first weights: glorot, he, lecun or small")
    optimizer: str = setting("momentum", "sgd, momentum, rmsprop, adam or adamw")
    rates: tuple[float, ...] = setting((0.02, 0.06, 0.2, 0.5, 1.0), "learning rates to try")
    images: int = setting(8_000, "training images")
    epochs: int = setting(3, "passes over them")
    seeds: int = setting(3, "networks of each kind and rate")


@dataclass(frozen=True)
class Measured:
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


def collapse(
    network: Network,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the one matrix and the one bias of a linear network."""
    first, last = network.dense
    w_1 = first.kernel.astype(float)  # (784, 128)
    w_2 = last.kernel.astype(float)  # (128, 10)
    return w_1 @ w_2, first.bias @ w_2 + last.bias


def dead_units(
    network: Network, x: NDArray[np.float32]
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which hidden units have a slope of 0 for every image."""
    dense, activate = network.blocks[0][:2]
    assert isinstance(activate, Activate)
    sums = dense.forward(x, None)  # (n, units)
    slopes = activate.slope(sums, activate.function(sums))
    dead: NDArray[np.bool_] = (slopes == 0).all(0)
    return dead


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train every kind at every rate from several seeds."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, x_test = pixels(held_out.images), pixels(data.test.images)

    def design(kind: str) -> Design:
        hidden = () if kind == NONE else (settings.units,)
        activation = "linear" if kind == NONE else kind
        return Design(
            hidden=hidden, activation=activation, initialisation=settings.initialisation
        )  # fmt: skip

    def one(case: tuple[str, float, int]) -> tuple[float, float, float, float, float, float]:
        kind, rate, seed = case
        network = Network(design(kind), seed)
        optimizer = OPTIMIZERS[settings.optimizer](rate)
        for _ in train(network, optimizer, x, labels, epochs=settings.epochs, seed=seed):
            pass
        with np.errstate(all="ignore"):  # what the largest rates blew up
            held = network.accuracy(x_held, held_out.labels)
            test = network.accuracy(x_test, data.test.labels)
            if kind == NONE:
                return held, test, 0.0, 0, 0, 0
            dead = dead_units(network, x)
            back, apart, agree = 0.0, 0.0, 1.0
            if kind == "linear":
                apart, agree = _compare(network, x_test)
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
    weights = len(Network(design("linear")).weights), len(Network(design(NONE)).weights)
    images = len(x_held), len(x_test)
    return Measured(
        held, test, dead, back[relu], apart[linear], agree[linear], weights, images
    )  # fmt: skip


def _compare(network: Network, x: NDArray[np.float32]) -> tuple[float, float]:
    """Return how far the linear network is from its one matrix, in double precision."""
    first, last = network.dense
    w, b = collapse(network)
    rows = x.astype(float)
    both = (rows @ first.kernel + first.bias) @ last.kernel + last.bias
    single = rows @ w + b
    return float(np.abs(both - single).max()), float((both.argmax(1) == single.argmax(1)).mean())


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    rates, m = settings.rates, measured
    linear, relu, elu, none = (*map(KINDS.index, ("linear", "relu", "elu")), len(KINDS))
    best = [m.best(kind) for kind in range(len(KINDS) + 1)]
    test = [m.test[kind, at] for kind, at in enumerate(best)]  # of each kind, (seeds,)
    mean = np.array([t.mean() for t in test])
    bent = [kind for kind in range(len(KINDS)) if kind != linear]
    top = max(bent, key=lambda kind: mean[kind])
    helped = [kind for kind in bent if mean[kind] > max(mean[linear], mean[none]) + 0.01]
    level = [  # within two standard errors of the linear one, and not a point better
        f"{SHOWN[KINDS[k]]} ends at {plus_minus(test[k], percent=True, decimals=1)}"
        for k in bent
        if k not in helped and abs(mean[k] - mean[linear]) < 2 * _error(test[k], test[linear])
    ]
    apart, agree = float(m.apart[best[linear]].max()), float(m.agree[best[linear]].min())
    dead = m.dead.mean(2)  # (kinds, rates)
    lost = round(float(m.dead[relu].sum()) * settings.units)
    edge = [SHOWN[KINDS[k]] for k in bent if best[k] in (0, len(rates) - 1)]
    caution = (
        f"\n\nA caution: {_listed(edge)} did best at an end of the range of rates, and might do "
        "better beyond it."
    )
    spread = f"(mean ± standard deviation, n = {settings.seeds} seeds)"
    names = [*SHOWN.values(), NONE]
    accuracies = Table(
        f"Accuracy at the learning rate that is best on {m.images[0]:,} held-out training images, "
        f"and the dead units at that rate, % {spread}",
        ("hidden layer", "weights", "best rate", "held out", "test", "dead units"),
        tuple(
            (
                names[kind],
                f"{m.weights[kind == none]:,}",
                f"{rates[at]:g}",
                *(plus_minus(100 * v[kind, at], decimals=1) for v in (m.held_out, m.test)),
                plus_minus(100 * m.dead[kind, at], decimals=1) if kind < none else "",
            )
            for kind, at in enumerate(best)
        ),
    )
    held = m.held_out.mean(2)  # (kinds, rates)
    ahead = int(((dead[relu] > dead[elu]) & (held[relu] > held[elu])).sum())
    columns = [(kind, values) for kind in (relu, elu) for values in (m.dead, m.held_out)]
    dying = Table(
        f"Dead units, and held-out images read rightly, as the rate rises, % {spread}",
        ("rate", "ReLU: dead", "ReLU: right", "ELU: dead", "ELU: right"),
        tuple(
            (f"{rate:g}", *(plus_minus(100 * v[kind, at], decimals=1) for kind, v in columns))
            for at, rate in enumerate(rates)
        ),
    )
    return LessonText(
        experiment=(
            f"A network of 784 pixels, {settings.units} hidden units and ten answers, with each of "
            f"{len(KINDS)} activations, and one without a hidden layer (softmax regression); each "
            f"at {len(rates)} learning rates from {settings.seeds} seeds: {m.test.size} networks. "
            f"Each sees {settings.images:,} images {settings.epochs} times "
            f"({settings.optimizer}, first weights: {settings.initialisation}). The best rate of "
            "each kind is chosen on held-out training images; what it is worth is then read off "
            "the test images, once."
        ),
        figures=(
            LessonFigure(
                "functions",
                _draw_functions(mean),
                "What a hidden unit makes of its sum y (solid), and the slope of that (dashed), by "
                "which the gradient is multiplied on its way back. In the corner: test accuracy.",
            ),
            LessonFigure(
                "dead-units",
                _draw_dead(measured, settings),
                "Points are means over the seeds, bars reach from the least to the most. The rates "
                "are on a logarithmic scale.",
            ),
        ),
        tables=(accuracies, dying),
        finding=(
            f"With {SHOWN[KINDS[top]]} the network reads {percent(mean[top])} of the test images, "
            f"with a linear hidden layer {percent(mean[linear])}, and without any hidden layer "
            f"{percent(mean[none])}. The linear one equals a single matrix: "
            f"no logit differs by more than {short(apart)}."
        ),
        seen=(
            "A sum of sums is a sum. If the hidden layer hands on its sums as they are, both "
            "layers can be multiplied out into one matrix and one bias, whatever the weights are. "
            "So the linear network can draw straight borders between the digits and no others, "
            "as softmax regression does, with "
            f"{m.weights[0] / m.weights[1]:.0f} times the weights. Any bend ends "
            "that: what is beyond it can no longer be multiplied out.\n\n"
            "A bend makes more possible; it does not guarantee it."
            + (
                f" {_listed(level)}, which {settings.seeds} seeds cannot tell from the linear "
                f"{percent(mean[linear])}."
                if level
                else ""
            )
            + (
                " And for the linear network the best rate is the smallest that was tried, so a "
                "smaller one may suit it better."
                if rates[best[linear]] == min(rates)
                else ""
            )
            + "\n\nWhich bend is best cannot be read off one table: time, rates and first weights "
            "are the same for all here and suit some better than others. The slope of the sigmoid "
            "is at most 1/4, that of tanh reaches 1; its best rate here is "
            f"{rates[best[KINDS.index('sigmoid')]]:g}, and that of tanh "
            f"{rates[best[KINDS.index('tanh')]]:g}.\n\n"
            "The price of ReLU is its flat half. The pixels are never negative, so one large step "
            "can push all weights of a unit down together, until its sum is below 0 for every "
            "image. Then its slope is 0 for every image, its gradient is exactly 0, and plain "
            "gradient descent never moves it again: the unit is dead. A few dead units cost "
            "little, since the others do their work; when most are gone, accuracy goes too.\n\n"
            "The slope of ELU below 0 is the power e to the y: never 0, on paper. That saves units "
            "from moderate steps. It does not make a network safe from steps that are far too "
            "large. The slope is worked out from the output, as A + 1, and from y = -17 or so on "
            "A = eʸ - 1 is rounded to -1, so that the slope becomes 0. Worked out as eʸ itself it "
            "would last to y = -103, but so small a slope moves nothing either. And being alive "
            "is not the same as being right: compare the two columns for ReLU with those for ELU "
            "in the last table." + (caution if edge else "")
        ),
        checks=(
            Check(
                f"the linear network is one matrix: over {m.images[1]:,} test images and "
                f"{settings.seeds} seeds no logit differs by more than {short(apart)}, and "
                f"{percent(agree, 2)} of the answers are the same",
                apart < 1e-6 and agree == 1,
            ),
            Check(
                f"it is no better than no hidden layer: {percent(mean[linear])} and "
                f"{percent(mean[none])} of the test images, with {m.weights[0]:,} and "
                f"{m.weights[1]:,} weights",
                mean[linear] < mean[none] + 0.015,
            ),
            Check(
                f"over a point better than both: {_listed([SHOWN[KINDS[k]] for k in helped])}",
                len(helped) >= 3,
            ),
            Check(
                f"ReLU units die as the rate rises: {percent(dead[relu, 0])} at {rates[0]:g}, "
                f"{percent(dead[relu, -1])} at {rates[-1]:g}",
                dead[relu, -1] > dead[relu, 0],
            ),
            Check(
                f"{m.back.sum():g} of the {lost:,} dead ReLU units came back in one more "
                "epoch of plain gradient descent",
                m.back.sum() == 0,
            ),
            Check(
                f"at {rates[best[relu]]:g}, ReLU's best rate, {percent(dead[relu, best[relu]])} of "
                f"its units are dead, and {percent(dead[elu, best[relu]])} of ELU's",
                dead[relu, best[relu]] >= dead[elu, best[relu]],
            ),
            Check(
                f"at {rates[-1]:g}, {percent(dead[elu, -1])} of ELU's units are dead, and it reads "
                f"{percent(held[elu, -1])} of the held-out images",
                dead[elu, -1] > 0,
            ),
            Check(
                f"at {ahead} of {len(rates)} rates ReLU has more dead units than ELU and still "
                "reads more of the held-out images",
                ahead > 0,
            ),
        ),
        formulas=(
            Formula(
                r"(x W_1 + b_1)\, W_2 + b_2 = x \,(W_1 W_2) + (b_1 W_2 + b_2)",
                "Two layers without a bend are one:",
            ),
            Formula(
                r"\mathrm{ReLU}(y) = \max(0, y), \qquad \sigma(y) = \frac{1}{1 + e^{-y}}, \qquad "
                r"\tanh(y) = 2\,\sigma(2y) - 1",
                "Three bends:",
            ),
            Formula(
                r"\mathrm{ELU}(y) = \begin{cases} y & y > 0 \\ e^{y} - 1 & y \le 0 \end{cases}",
                "And one that is smooth where ReLU has its corner. SELU is ELU with its two halves "
                "stretched by 1.0507 and 1.7581, chosen so that the outputs of a layer tend to "
                "mean 0 and variance 1:",
            ),
            Formula(
                r"\frac{\partial L}{\partial W_{kj}} = \sum_i x_{ik}\, "
                r"\frac{\partial L}{\partial A_{ij}}\, f'(y_{ij})",
                "Weight k of hidden unit j hears of image i only through the slope there. If the "
                "slope is 0 for every image, so is the whole sum:",
            ),
        ),
        code=(listing(collapse, dead_units),),
        exercises=(
            Exercise(
                "Give the linear network five times as long. Does it learn to bend?",
                ("epochs=15", "rates=0.02,0.06", "seeds=2"),
            ),
            Exercise(
                "Eight times fewer hidden units. Which activations suffer, and why does the "
                "linear one not, as long as there are at least ten?",
                ("units=16",),
            ),
            Exercise(
                "Without momentum a step is about a tenth as long. At which rates do units die "
                "now, and is ELU still the hardier one?",
                ("optimizer=sgd", "rates=0.1,0.3,0.6,1,1.5,3"),
            ),
            Exercise(
                "Adam makes every step about as long as the rate, however small the gradient. Do "
                "units still die?",
                ("optimizer=adam", "rates=0.0003,0.001,0.003,0.01,0.03"),
            ),
        ),
        sources=(
            "V. Nair and G. E. Hinton, *Rectified linear units improve restricted Boltzmann "
            "machines*, ICML 2010",
            "X. Glorot, A. Bordes and Y. Bengio, *Deep sparse rectifier neural networks*, "
            "AISTATS 2011",
            "D.-A. Clevert, T. Unterthiner and S. Hochreiter, *Fast and accurate deep network "
            "learning by exponential linear units (ELUs)*, ICLR 2016",
            "G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, *Self-normalizing neural "
            "networks*, NIPS 2017",
            "Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, *Efficient BackProp*, 1998: why tanh "
            "rather than the sigmoid",
        ),
    )


def _error(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Return the standard error of the difference of two means over seeds."""
    return float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))) if len(a) > 1 else 0.0


def _listed(names: list[str]) -> str:
    """Return names as in a sentence.

    >>> _listed(["tanh", "ReLU", "ELU"]), _listed(["ReLU"]), _listed([])
    ('tanh, ReLU and ELU', 'ReLU', 'none')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]])) or "none"


def _draw_functions(accuracy: NDArray[np.float64]) -> Figure:
    figure = Figure()
    linear = KINDS.index("linear")
    top = int(accuracy[: len(KINDS)].argmax())
    title = (
        f"With {SHOWN[KINDS[top]]}, {percent(accuracy[top])} of the test images are read; with a "
        f"straight line, {percent(accuracy[linear])}"
    )
    style.header(figure, title, "Activation f(y) of a hidden unit, and its slope.", body=4.2)
    y = np.linspace(-4, 4, 801)
    for number, kind in enumerate(KINDS):
        row, column = divmod(number, 3)
        axes = style.place(figure, 0.5 + 1.98 * column, 2.5 - 2.0 * row, 1.7, 1.4)
        _, function, slope = ACTIVATIONS[kind]
        outputs = function(y)
        axes.grid(lw=0.8)
        axes.plot(y, outputs, color=style.BLUE)
        axes.plot(y, slope(y, outputs), color=style.VERMILION, ls=(0, (3, 1.5)), lw=1.6)
        axes.set(xlim=(-4, 4), ylim=(-2.2, 3.2))
        axes.set(xticks=[-4, 0, 4], yticks=[-2, -1, 0, 1, 2, 3])
        axes.tick_params(labelleft=not column)
        axes.set_title(SHOWN[kind], fontsize=10.5, loc="left", pad=4)
        axes.text(3.9, -1.93, percent(accuracy[number]), ha="right", va="bottom", color=style.GREY)
        if number == 0:
            axes.text(-3.8, 1.25, "slope", color=style.VERMILION, size=9.5)
            axes.text(-3.1, -1.6, "f(y)", color=style.BLUE, size=9.5)
        if row:
            axes.set_xlabel("sum y")
    return figure


def _draw_dead(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    relu, elu = KINDS.index("relu"), KINDS.index("elu")
    rates, dead = settings.rates, measured.dead.mean(2)
    at = measured.best(relu)
    title = (
        f"At rate {rates[at]:g}, the best for ReLU, {percent(dead[relu, at])} of its units are "
        f"dead; at {rates[-1]:g}, {percent(dead[relu, -1])}, and {percent(dead[elu, -1])} of ELU's"
    )
    note = "Dead: hidden units whose slope, as computed, is 0 for all training images."
    style.header(figure, title, note, body=3.1)
    parts = ((measured.dead, "dead units, %"), (measured.held_out, "held-out accuracy, %"))
    for column, (values, what) in enumerate(parts):
        axes = style.place(figure, 0.65 + 3.05 * column, 0.55, 2.1, 2.4)
        ends = []
        for kind, colour in ((relu, style.BLUE), (elu, style.VERMILION)):
            style.over_seeds(axes, rates, values[kind], color=colour)
            ends.append((rates[-1], float(values[kind][-1].mean()), SHOWN[KINDS[kind]], colour))
        style.log_x(axes, rates)
        axes.set_xlabel("learning rate")
        axes.set_ylim(-0.03, 1.03)
        style.percent_ticks(axes)
        axes.set_ylabel(what)
        style.label_points(axes, ends)
    return figure
