"""Normalisation: the same pixels as 0 to 255, as 0 to 1, and standardised.

The same networks learn from each, at every rate from a ten-millionth to 1. A linear model beside
them shows what sets the largest rate: the largest eigenvalue of the second moments of the inputs.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.errors import Misuse, did_you_mean
from digitscope.image.digit import DIGITS, Images
from digitscope.lessons.content import (
    Check,
    Exercise,
    Formula,
    LessonFigure,
    LessonText,
    Table,
    plus_minus,
    setting,
    short,
)
from digitscope.lessons.course import Advance
from digitscope.nn import OPTIMIZERS, Design, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

TITLE = "Normalisation"
QUESTION = "Why divide the pixels by 255, and what else should be done to them?"

HELD_OUT = 5_000
LEARNED = 0.5  # share of the held-out digits that a network must read to have learned
STEPS = 100  # of the linear model

NAMES = {"bytes": "0 to 255", "unit": "0 to 1", "standard": "standardised", "centred": "centred"}
COLOURS = dict(zip(NAMES, (style.VERMILION, style.BLUE, style.GREEN, style.INK), strict=True))


@dataclass(frozen=True, kw_only=True)
class Settings:
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
class Measured:
    """Arrays over scalings, rates and seeds.

    Attributes
    ----------
    offset, deviation : float
        Mean and standard deviation of all pixels of the training images, 0 to 1.
    largest : ndarray of shape (scalings,)
        Largest eigenvalue of the second moments of (x, 1).
    falls : ndarray of shape (scalings, rates), dtype bool
        Whether the squared error of a linear model is smaller after `STEPS` steps.
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


def make_scalings(x: Floats) -> dict[str, Callable[[Images], Floats]]:
    """Return what makes inputs of images; means and deviation are those of `x`, 0 to 1."""
    offset, deviation = np.float32(x.mean(dtype=np.float64)), np.float32(x.std(dtype=np.float64))
    mean_image = x.mean(0)  # (784,)
    return {
        "bytes": lambda images: pixels(images) * np.float32(255),
        "unit": pixels,
        "standard": lambda images: (pixels(images) - offset) / deviation,
        "centred": lambda images: pixels(images) - mean_image,
    }


def descend(
    x: Floats, labels: NDArray[np.integer], rates: tuple[float, ...]
) -> tuple[float, NDArray[np.bool_]]:
    """Take a linear model down its squared error, on all images at once, with each rate.

    Returns
    -------
    largest : float
        Largest eigenvalue of the second moments.
    falls : ndarray of shape (rates,), dtype bool
        Whether the error is smaller after `STEPS` steps than before the first.
    """
    rows = np.column_stack([x, np.ones(len(x))]).astype(np.float64)  # the 1 meets the biases
    second = rows.T @ rows / len(x)  # (785, 785)
    mixed = np.tile(rows.T @ np.eye(DIGITS)[labels] / len(x), len(rates))  # (785, rates · 10)
    w, rate = np.zeros_like(mixed), np.repeat(rates, DIGITS)
    with np.errstate(all="ignore"):  # some shall overflow
        for _ in range(STEPS):
            w -= rate * (second @ w - mixed)
        # ½ mean |xw - t|², less what it is at w = 0.
        change = (w * (second @ w / 2 - mixed)).sum(0).reshape(len(rates), DIGITS).sum(1)
    return float(np.linalg.eigvalsh(second)[-1]), change < 0


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train from every scaling at every rate, and once more at the best."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    images, labels = fit.images[: settings.images], fit.labels[: settings.images]
    unit = pixels(images)
    known = make_scalings(unit)
    for name in settings.scalings:
        if name not in known:
            raise Misuse(
                f"a scaling must be one of {', '.join(known)}. Received: {name!r}."
                + did_you_mean(name, known)
            )
    inputs = [known[name](images) for name in settings.scalings]
    held = [known[name](held_out.images) for name in settings.scalings]
    kinds, rates, seeds = range(len(inputs)), settings.rates, range(settings.seeds)
    linear = [descend(x, labels, rates) for x in inputs]
    design = Design(hidden=(settings.units,), initialisation=settings.initialisation)

    def before(case: tuple[int, int]) -> tuple[float, float]:
        kind, seed = case
        network = Network(design, seed)
        losses, by_logits = cross_entropy(network.forward(inputs[kind]), labels)
        network.backward(by_logits / np.float32(len(by_logits)))
        return float(losses.mean()), network.norms()[0]

    def after(case: tuple[int, float, int]) -> tuple[Network, list[float], bool]:
        kind, rate, seed = case
        network, losses, finite = Network(design, seed), [0.0][:0], True
        optimizer = OPTIMIZERS[settings.optimizer](rate)
        for epoch in train(
            network, optimizer, inputs[kind], labels, epochs=settings.epochs, seed=seed
        ):
            losses, finite = [*losses, *epoch.losses.tolist()], epoch.finite
        return network, losses, finite

    def judged(case: tuple[int, float, int]) -> tuple[float, float, float]:
        network, _, finite = after(case)
        accuracy = network.accuracy(held[case[0]], held_out.labels) if finite else 0.0
        network.forward(held[case[0]][:1_000])
        return accuracy, float((network.dense[-1].inputs == 0).all(0).mean()), finite

    def reported(case: tuple[int, float, int]) -> tuple[list[float], float]:
        network, losses, finite = after(case)
        tests = known[settings.scalings[case[0]]](data.test.images)
        return losses, network.accuracy(tests, data.test.labels) if finite else 0.0

    first = np.array(each(before, [(kind, seed) for kind in kinds for seed in seeds]))
    cases = [(kind, rate, seed) for kind in kinds for rate in rates for seed in seeds]
    results = np.array(each(judged, cases, lambda share: advance(0.9 * share)))
    accuracy, silent, finite = results.T.reshape(3, len(kinds), len(rates), len(seeds))
    best = accuracy.mean(2).argmax(1)
    cases = [(kind, rates[best[kind]], seed) for kind in kinds for seed in seeds]
    told = each(reported, cases, lambda share: advance(0.9 + 0.1 * share))
    losses = np.full((len(told), max(len(row) for row, _ in told)), np.nan)
    for row, (values, _) in zip(losses, told, strict=True):
        row[: len(values)] = values
    return Measured(
        offset=float(unit.mean(dtype=np.float64)),
        deviation=float(unit.std(dtype=np.float64)),
        largest=np.array([value for value, _ in linear]),
        falls=np.array([fell for _, fell in linear]),
        start=first[:, 0].reshape(len(kinds), len(seeds)),
        gradient=first[:, 1].reshape(len(kinds), len(seeds)),
        accuracy=accuracy,
        silent=silent,
        finite=finite == 1,
        best=best,
        losses=losses.reshape(len(kinds), len(seeds), -1),
        test=np.array([a for _, a in told]).reshape(len(kinds), len(seeds)),
    )


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    m, rates, names = measured, settings.rates, [NAMES[name] for name in settings.scalings]
    bounds, gradients = 2 / m.largest, m.gradient.mean(1)
    learned = m.accuracy.mean(2) >= LEARNED  # (scalings, rates)
    winner, loser = int(m.test.mean(1).argmax()), int(m.test.mean(1).argmin())
    wide, narrow = int(m.largest.argmax()), int(m.largest.argmin())
    by_size = np.argsort(m.largest)
    agree = int((m.falls == (np.array(rates) < bounds[:, None])).sum())
    tests, best = [percent(a) for a in m.test.mean(1)], [_rate(rates[i]) for i in m.best]
    fastest = rates.index(max(rates))
    lost, silent = m.accuracy[wide, fastest].mean(), m.silent[wide, fastest].mean()
    return LessonText(
        experiment=(
            f"Networks of {settings.units} hidden units see {settings.images:,} images in "
            f"{count(settings.epochs, 'epoch')} ({settings.optimizer}), {settings.seeds} seeds at "
            f"each of {len(rates)} rates. Only the pixels differ: as they are (0 to 255); divided "
            "by 255 (0 to 1); and *standardised*: 0 to 1, less the mean and divided by the "
            f"standard deviation, {m.offset:.4f} and {m.deviation:.4f}, one pair of numbers for "
            "all pixels of all these training images. (*Centred*, left for an exercise, takes "
            "from each pixel its own mean instead.) Beside them, a linear model with a squared "
            "error goes down from the same pixels. *Curvature* says how fast the slope changes. "
            "That of this model is M, the mean product of each two inputs (their *second "
            "moments*). It differs by direction; λ, the largest *eigenvalue* of M, is the "
            "curvature in the most curved direction. Rates are chosen on held-out training images; "
            "the test images are looked at once, at the end."
        ),
        figures=(
            LessonFigure(
                "rates",
                _draw_rates(measured, settings),
                "Points are means over the seeds, bars reach from the worst to the best. The "
                "dotted lines are the bounds 2/λ of a linear model.",
            ),
            LessonFigure(
                "losses",
                _draw_losses(measured, settings),
                "Each curve is at its own best rate: the best this scaling can do in that time.",
            ),
        ),
        tables=(
            Table(
                "Held-out accuracy by learning rate, % (mean ± standard deviation, "
                f"n = {count(settings.seeds, 'seed')}; a loss that is no finite number counts as "
                "0)",
                ("rate", *names),
                tuple(
                    (_rate(rate), *(plus_minus(100 * a, decimals=1) for a in column))
                    for rate, column in zip(rates, m.accuracy.swapaxes(0, 1), strict=True)
                ),
            ),
            Table(
                "The largest eigenvalue λ of the second moments, the bound 2/λ, and the largest "
                "rate that worked (≥: the largest tried): for a linear model (its error falls), "
                f"and for the network (it reads {percent(LEARNED, 0)} of the digits)",
                ("pixels", "λ", "2/λ", "linear model", "network"),
                tuple(
                    (name, short(top), short(bound), _last(rates, fell), _last(rates, good))
                    for name, top, bound, fell, good in zip(
                        names, m.largest, bounds, m.falls, learned, strict=True
                    )
                ),
            ),
            Table(
                "Before training, and after it at the best rate",
                ("pixels", "loss before", "gradient by W⁽¹⁾", "best rate", "test images, %"),
                tuple(
                    (
                        name,
                        plus_minus(start),
                        short(slope),
                        rate,
                        plus_minus(100 * test, decimals=1),
                    )
                    for name, start, slope, rate, test in zip(
                        names, m.start, gradients, best, m.test, strict=True
                    )
                ),
            ),
        ),
        finding="Right on the test images, each at its own best rate: "
        + ", ".join(
            f"{a} with pixels {name} (rate {rate})"
            for name, a, rate in zip(names, tests, best, strict=True)
        )
        + ".",
        seen=(
            "The gradient by the first weights is the input times the error that comes back to "
            "the hidden unit: large inputs, large gradients. And the step that it leads to meets "
            "the same large inputs again. So the curvature of the loss goes with the square of "
            "the inputs, and the rate has to shrink with it. For a linear model with a squared "
            "error this is exact: above 2/λ every step lands farther from the lowest point than it "
            "started, on the other side.\n\n"
            "A network has another limit. With cross-entropy, the curvature also carries the "
            "factor p(1 - p) of each probability p: 0.09 where all ten digits are as likely, "
            "and nearly 0 where the network is sure. A guess without opinion would cost log 10 = "
            "2.30; a network that starts with a far larger loss is sure of itself, and wrong. So "
            "it survives rates far above 2/λ, and still learns badly. Nor does its loss have to "
            "overflow: one step too large pushes the sums of hidden units below 0 for every "
            "image, and ReLU then passes nothing on, neither forwards nor backwards.\n\n"
            "Dividing by 255 mends the size. Subtracting a mean takes away some of what all "
            "images have in common. Inputs that are never negative let the weights of a unit "
            "only rise together or fall together, for one image; they make one eigenvalue large "
            "among many small ones. The large one sets the largest rate, the small ones how long "
            "it takes. (Dividing by σ, which is below 1, enlarges all eigenvalues by 1/σ². If the "
            "largest grows by less than that, the subtraction has made it smaller.)"
        ),
        checks=(
            Check(
                f"the linear model's error falls at rates below 2/λ and only there: in {agree} of "
                f"{m.falls.size} trials",
                agree == m.falls.size,
            ),
            Check(
                "the larger λ, the larger the gradient before training: "
                + ", ".join(f"{short(gradients[i])} ({names[i]})" for i in by_size),
                bool((np.diff(gradients[by_size]) > 0).all()),
            ),
            *_shrunk(measured, settings),
            Check(
                f"the best rate is {best[narrow]} with the smallest λ ({names[narrow]}), and "
                f"{best[wide]} with the largest ({names[wide]})",
                rates[m.best[wide]] < rates[m.best[narrow]] / 10,
            ),
            Check(
                f"on the test images {names[winner]} is best with {tests[winner]}, and "
                f"{names[loser]} worst with {tests[loser]}",
                m.test[winner].min() > m.test[loser].max(),
            ),
            Check(
                f"with {names[wide]} the networks start with a loss of {m.start[wide].mean():.1f}, "
                "far above log 10",
                m.start[wide].min() > 4 * np.log(10),
            ),
            Check(
                f"with {names[wide]} and a rate of {_rate(rates[fastest])}, {percent(silent, 0)} "
                f"of the hidden units are silent and {percent(lost)} of the digits right; of all "
                f"{m.finite.size} trainings {(~m.finite).sum()} overflowed",
                silent > 0.9 and lost < 0.2,
            ),
        ),
        formulas=(
            Formula(
                r"\frac{\partial L}{\partial W^{(1)}} = x \, \delta^{(1)\top}, \qquad "
                r"\delta^{(1)} = \left(W^{(2)} \delta^{(2)}\right) \odot f'\!\left(y^{(1)}\right)",
                "The gradient by the first weights is x times what comes back. δ is the gradient "
                "of the loss by the sums of a layer; ⊙ multiplies number by number:",
            ),
            Formula(
                r"L = \frac{1}{2n} \sum_i \left\| W^\top x_i - t_i \right\|^2, \qquad "
                r"M = \frac{1}{n} \sum_i x_i x_i^\top",
                "A linear model with a squared error has the same curvature everywhere: the "
                "second moments M of its inputs (with a 1 for the bias). If x is multiplied by c, "
                "M is by c²:",
            ),
            Formula(
                r"W - W^* \leftarrow (I - \eta M)(W - W^*), \qquad "
                r"\eta < \frac{2}{\lambda_{\max}(M)}",
                "Along each eigenvector a step multiplies what is still missing by 1 - ηλ. That "
                "shrinks only below a bound:",
            ),
            Formula(
                r"x' = \frac{x / 255 - \mu}{\sigma}, \qquad "
                r"\mu = \frac{1}{784\,n} \sum_{i,j} \frac{x_{ij}}{255}, \qquad "
                r"\sigma^2 = \frac{1}{784\,n} \sum_{i,j} \left(\frac{x_{ij}}{255} - \mu\right)^2",
                "Standardising, over all pixels j of all training images i. Whoever uses the "
                "network later has to use the same two numbers:",
            ),
        ),
        exercises=(
            Exercise(
                "Adam divides each gradient by its own size. Does the division by 255 still "
                "matter? Compare the best rates.",
                ("optimizer=adam",),
            ),
            Exercise(
                "Take from each pixel its own mean. What becomes of λ, and of the largest rate "
                "that learns?",
                ("scalings=unit,standard,centred", "rates=0.003,0.01,0.03,0.1,0.3,1,3"),
            ),
            Exercise(
                "Could small first weights replace the division by 255? Compare the loss before "
                "training, and the best rate.",
                ("initialisation=small",),
            ),
        ),
        sources=(
            "Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, *Efficient BackProp*, in *Neural "
            "Networks: Tricks of the Trade*, Springer, 1998",
            "Y. LeCun, I. Kanter and S. A. Solla, *Eigenvalues of covariance matrices: "
            "application to neural-network learning*, Physical Review Letters 66 (1991)",
        ),
    )


def _shrunk(measured: Measured, settings: Settings) -> tuple[Check, ...]:
    """Return by how much standardising moves the largest eigenvalue, where that was tried."""
    if not {"unit", "standard"} <= {*settings.scalings}:
        return ()
    largest = dict(zip(settings.scalings, measured.largest, strict=True))
    grown, stretched = largest["standard"] / largest["unit"], measured.deviation**-2
    claim = f"standardising makes λ {grown:.1f} times as large, less than 1/σ² = {stretched:.1f}"
    return (Check(claim, grown < stretched),)


def _rate(rate: float) -> str:
    return f"{rate:g}" if rate >= 1e-4 else short(rate)


def _last(rates: tuple[float, ...], works: NDArray[np.bool_]) -> str:
    good = [rate for rate, worked in zip(rates, works, strict=True) if worked]
    if not good:
        return "none"
    return ("≥ " if max(good) == max(rates) else "") + _rate(max(good))


def _draw_rates(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    mean = measured.accuracy.mean(2)
    title = "The best rate is " + ", ".join(
        f"{_rate(settings.rates[best])} with {NAMES[name]} ({percent(row[best], 0)})"
        for name, best, row in zip(settings.scalings, measured.best, mean, strict=True)
    )
    epochs, seeds = count(settings.epochs, "epoch"), count(settings.seeds, "seed")
    note = f"Accuracy on held-out training images after {epochs}, {seeds}. Dotted: 2/λ."
    style.header(figure, title, note, body=3.7)
    axes = style.place(figure, 0.7, 0.55, 5.5, 2.75)
    for name, row, top in zip(settings.scalings, measured.accuracy, measured.largest, strict=True):
        style.over_seeds(axes, settings.rates, row, ms=4, color=COLOURS[name], label=NAMES[name])
        axes.axvline(2 / top, color=COLOURS[name], lw=1.2, ls=":")
    axes.set_xscale("log")
    low, high = np.log10([min(settings.rates), max(settings.rates)])
    powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    axes.set_xticks(
        [10.0**p for p in powers], [_rate(10.0**p).removeprefix("1.0 × ") for p in powers]
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1)
    style.percent_ticks(axes)
    axes.set_xlabel("learning rate (log)")
    axes.set_ylabel("accuracy, %")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0)
    return figure


def _draw_losses(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    per = max(1, measured.losses.shape[2] // 24)
    groups = measured.losses.shape[2] // per
    means = (
        measured.losses[..., : groups * per].reshape(*measured.losses.shape[:2], -1, per).mean(3)
    )
    ends = [float(np.nan_to_num(rows[:, -1].mean(), nan=np.inf)) for rows in means]
    names = [NAMES[name] for name in settings.scalings]
    first, last = int(np.argmin(ends)), int(np.argmax(ends))
    title = (
        f"Each at its best rate, the loss falls to {ends[first]:.2f} with pixels {names[first]} "
        f"and to {ends[last]:.2f} with {names[last]}"
    )
    note = f"Loss on the training images, mean of {per} batches; line: mean of the seeds."
    style.header(figure, title, note, body=3.2)
    axes = style.place(figure, 0.7, 0.55, 4.1, 2.5)
    at, labels = (np.arange(groups) + 0.5) * per, []
    for name, rows, best in zip(settings.scalings, means, measured.best, strict=True):
        colour, label = COLOURS[name], f"{NAMES[name]}, {_rate(settings.rates[best])}"
        axes.plot(at, rows.mean(0), color=colour)
        axes.fill_between(at, rows.min(0), rows.max(0), color=colour, alpha=0.2, lw=0)
        if np.isfinite(rows.mean(0)[-1]):
            labels.append((float(at[-1]), float(rows.mean(0)[-1]), label, colour))
    style.log_ticks(axes)
    axes.set_xlim(0, None)
    axes.set_xlabel("step")
    axes.set_ylabel("loss, nats (log)")
    style.label_points(axes, labels)
    return figure
