"""From gradient descent to Adam: what each optimizer makes of the same gradients.

Two experiments: a valley of two weights, in which their paths can be seen, and the same network for
MNIST with each of five optimizers, at the rate that suits it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
)
from digitscope.lessons.course import Advance
from digitscope.nn import OPTIMIZERS, AdamW, Design, Network, each, pixels, train
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent, times

TITLE = "From gradient descent to Adam"
QUESTION = "What do momentum and Adam do that gradient descent does not, and what is it worth?"

NAMES = {
    "sgd": "SGD", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW",
}  # fmt: skip
COLOURS = (style.INK, style.GREEN, "#cc79a7", style.BLUE, style.VERMILION)
IN_VALLEY = ("sgd", "momentum", "rmsprop", "adam")  # there decay would pull towards the goal
HELD_OUT = 5_000
LEGS = 10  # of an epoch; the test images are read after each
CHOOSING, FRESH = 0, 100  # the seed that chooses the rates, and the first of the race
PATH = 400  # most steps in the valley
TRIED = np.geomspace(1e-3, 1, 73)  # rates there: 24 for each power of ten
LOW = 1e-3  # of the height at the start: the goal there


@dataclass(frozen=True, kw_only=True)
class Settings:
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
    seeds: int = setting(3, "networks of each kind in the race")


@dataclass(frozen=True)
class Walk:
    """A way through the valley."""

    name: str  # of the optimizer
    rate: float
    steps: int  # until it stays below the goal; PATH + 1 if it does not
    path: NDArray[np.float64]  # (steps + 1, 2), the weights after each; PATH + 1 at most


@dataclass(frozen=True)
class Measured:
    """What was measured; K optimizers in the order of `NAMES`."""

    walks: list[Walk]  # of those `IN_VALLEY`, each at its best rate
    held_out: list[NDArray[np.float64]]  # K of (rates,), accuracy on the held-out images
    best: list[float]  # K rates
    accuracy: NDArray[np.float64]  # (K, seeds, legs), on the test images; nan after a stop
    leg: NDArray[np.int64]  # (legs,), steps until then


def turned(settings: Settings) -> NDArray[np.float64]:
    """Return the directions along and across the valley, as columns."""
    turn = np.deg2rad(settings.angle)
    return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])


def valley(settings: Settings) -> NDArray[np.float64]:
    """Return the matrix H of the valley ½ wᵀ H w: curvature 1 along it, `condition` across."""
    axes = turned(settings)
    return np.asarray(axes @ np.diag([1.0, settings.condition]) @ axes.T)


def height(w: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    """Return ½ wᵀ H w of each of the points (n, 2)."""
    return np.asarray(0.5 * np.einsum("ni,ij,nj->n", w, valley(settings), w))


def walk(name: str, rate: float, settings: Settings) -> Walk:
    """Let an optimizer go down the valley."""
    curvature, optimizer = valley(settings), OPTIMIZERS[name](rate)
    w = turned(settings) @ [-1.0, 0.3]
    points = [w.copy()]
    with np.errstate(all="ignore"):  # too large a rate leaves the valley
        for _ in range(PATH):
            optimizer.step(w, curvature @ w)
            points.append(w.copy())
        steps = steps_to(height(np.array(points), settings))
    return Walk(name, rate, steps, np.array(points[: steps + 1]))


def steps_to(heights: NDArray[np.float64]) -> int:
    """Return after how many steps a walk stays below `LOW` of its first height."""
    above = np.flatnonzero(~(heights <= LOW * heights[0]))  # what is no number is above
    return int(above[-1]) + 1


def legs(
    network: Network, name: str, rate: float, x: Any, labels: Any, settings: Settings, seed: int
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


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Walk through the valley, choose a rate for each optimizer, and let them race."""
    walks = [
        min((walk(name, float(rate), settings) for rate in TRIED), key=lambda way: way.steps)
        for name in IN_VALLEY
    ]
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, x_test = pixels(held_out.images), pixels(data.test.images)
    design = Design(hidden=(settings.hidden,))

    def on_held_out(case: tuple[str, float]) -> float:
        network = Network(design, CHOOSING)
        for _ in legs(network, *case, x, labels, settings, CHOOSING):
            pass
        return network.accuracy(x_held, held_out.labels)

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
        for leg in legs(network, name, rate, x, labels, settings, seed):
            curve[leg] = network.accuracy(x_test, data.test.labels)
        return curve

    seeds = range(FRESH, FRESH + settings.seeds)
    race = [(name, rate, n) for name, rate in zip(NAMES, best, strict=True) for n in seeds]
    curves = np.array(each(on_test, race, lambda done: advance(share + (1 - share) * done)))
    curves = curves.reshape(len(NAMES), settings.seeds, -1)
    leg = max(len(x) // LEGS // settings.batch, 1) * np.arange(1, curves.shape[-1] + 1)
    return Measured(walks, held, best, curves, leg)


def rates_of(name: str, settings: Settings) -> tuple[float, ...]:
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


def steps_needed(measured: Measured, target: float) -> NDArray[np.float64]:
    """Return after how many steps each reached the target, (K, seeds); inf if it did not."""
    reached = measured.accuracy >= target
    first = measured.leg[reached.argmax(2)].astype(float)
    return np.where(reached.any(2), first, np.inf)


def _steps(needed: NDArray[np.float64], total: int) -> str:
    """Return how many steps the seeds needed, or how many of them did not get there."""
    missing = int(np.isinf(needed).sum())
    if missing:
        return f"{missing} of {len(needed)} not in {total}"
    return plus_minus(needed.tolist(), decimals=0)


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    names = tuple(NAMES.values())
    goal, total = percent(settings.target, 0), int(measured.leg[-1])
    needed = steps_needed(measured, settings.target)
    quick, pace = int(needed.mean(1).argmin()), [_steps(row, total) for row in needed]
    final = np.nan_to_num(measured.accuracy[:, :, -1])  # (K, seeds); 0 for what stopped
    mean = final.mean(1)
    gap = 100 * float(mean.max() - mean.min())
    moves = [100 * float(a.max() - a.min()) for a in measured.held_out]
    steps = {way.name: way.steps for way in measured.walks}
    rate, ideal = measured.walks[0].rate, 2 / (1 + settings.condition)
    inside = [a.argmax() not in (0, len(a) - 1) for a in measured.held_out]
    rates = [rates_of(name, settings) for name in NAMES]
    good = [good_rates(tried, a) for tried, a in zip(rates, measured.held_out, strict=True)]
    width_sgd, width_adam = good[0][1] / good[0][0], good[3][1] / good[3][0]
    table = Table(
        f"The race over {total} steps, each at its best rate (mean ± standard deviation, n = "
        f"{count(settings.seeds, 'seed')}). At a good rate the held-out images are within 1 point "
        "of the best",
        ("optimizer", "rate", "good rates", f"steps to {goal}", "test images"),
        tuple(
            (name, f"{measured.best[k]:g}", f"{good[k][0]:.2g} to {good[k][1]:.2g}", pace[k],
             plus_minus([*final[k]], percent=True))
            for k, name in enumerate(names)
        ),
    )  # fmt: skip
    lead = (
        f"To {goal} of the test images {names[quick]} needs {pace[quick]} steps and SGD {pace[0]}, "
        "each at its best rate; "
        f"{count(settings.seeds, 'seed')} cannot settle the order of the others."
        if np.isfinite(needed[quick]).all()
        else f"None reads {goal} of the test images in {total} steps with every seed."
    )
    return LessonText(
        experiment=(
            "First a valley of two weights, ½ wᵀ H w, which is "
            f"{settings.condition:g} times as steep across as along: four optimizers walk down "
            f"it, each at the one of {len(TRIED)} rates that brings it below {LOW:g} of its first "
            "height for good in the fewest steps. Then a network of "
            f"784-{settings.hidden}-10 for the digits: five optimizers see "
            f"{settings.images:,} images {times(settings.epochs)} in batches of "
            f"{settings.batch}. For each, the rate is chosen by one seed on {HELD_OUT:,} held-out "
            f"training images; {count(settings.seeds, 'other seed')} then race on the test images."
        ),
        figures=(
            LessonFigure(
                "valley",
                _draw_valley(measured, settings),
                "Each grey line is a height; each point is one step. The scales of the two axes "
                "differ: with the same, the valley would be narrower still.",
            ),
            LessonFigure(
                "race",
                _draw_race(
                    measured,
                    settings,
                    f"Steps to {goal} of the test images: {names[quick]} {pace[quick]}, "
                    f"SGD {pace[0]}",
                ),
                "Lines are means over the seeds, points where the test images were read. Below the "
                "dotted line the goal is reached.",
            ),
        ),
        tables=(table,),
        finding=(
            f"{lead} After {total} steps the five are within {gap:.1f} points of each other, while "
            f"the rate alone moves each by {min(moves):.1f} points or more."
        ),
        seen=(
            "Gradient descent has one rate for all directions. Across the valley it must be small, "
            f"or each step lands higher on the other side: its best rate here is {rate:.2g}, and "
            f"along the valley, where the slope is {settings.condition:g} times less, that is "
            "nearly nothing. Momentum adds up steps that agree and lets those cancel that go to "
            "and fro. RMSprop and Adam divide each weight's step by the size its gradients had of "
            "late, so that flat directions get as long a step as steep ones. They do so weight by "
            "weight: a valley turned from the axes is another task for them. Momentum's constant μ "
            "is 0.9 here, whatever the valley; the formula below has the best one.\n\n"
            f"On the digits SGD ends at {percent(mean[0])} of the test images and the best of the "
            f"others at {percent(mean[1:].max())}; so few seeds do not settle the order of those "
            "four. What Adam spares is above all the search for the rate: its steps are about as "
            "long as the rate says, whatever the scale of the gradients: it is within "
            f"a point of its best over a factor of {width_adam:.0f} in the rate, SGD over "
            f"{width_sgd:.0f}. AdamW takes the decay of the weights out of the "
            f"gradient, where Adam would divide it away; here it ends at {percent(mean[4])}, Adam "
            f"at {percent(mean[3])}, a difference that few seeds cannot show."
        ),
        checks=(
            Check(
                "in the valley, steps to the goal: "
                + ", ".join(f"{NAMES[name]} {n}" for name, n in steps.items()),
                max(steps["momentum"], steps["adam"]) < steps["sgd"] <= PATH,
            ),
            Check(
                f"the best rate for gradient descent there is {rate:.3g}; by the formula below it "
                f"is {ideal:.3g}",
                abs(rate / ideal - 1) < 0.1,
            ),
            Check(
                f"for {sum(inside)} of {len(inside)} optimizers the best rate is neither the "
                "smallest nor the largest tried",
                all(inside),
            ),
            Check(
                f"{names[quick]} reaches {goal} in fewer steps than SGD: "
                f"{pace[quick]} against {pace[0]}",
                needed[quick].mean() < needed[0].mean(),
            ),
            Check(
                f"Adam is within a point of its best over a factor of {width_adam:.0f} in the "
                f"rate, SGD over {width_sgd:.0f}",
                width_adam > width_sgd,
            ),
            Check(
                f"within the rates tried, the choice of the rate moves each by {min(moves):.1f} to "
                f"{max(moves):.1f} points (held-out images, one seed); at their best rates the "
                f"five differ by {gap:.1f} (test images)",
                min(moves) > gap,
            ),
        ),
        formulas=(
            Formula(
                r"w \leftarrow w - \eta\, g \qquad\text{and}\qquad "
                r"m \leftarrow \mu m - \eta\, g, \quad w \leftarrow w + m",
                "Gradient descent and momentum, with the gradient g and the rate η:",
            ),
            Formula(
                r"m \leftarrow \beta_1 m + (1-\beta_1) g, \quad v \leftarrow \beta_2 v + "
                r"(1-\beta_2) g^2, \quad w \leftarrow w - \eta\, "
                r"\frac{\sqrt{1-\beta_2^t}}{1-\beta_1^t} \cdot \frac{m}{\sqrt{v}+\varepsilon}",
                "Adam keeps a mean of the gradients and one of their squares, both of which begin "
                "at 0, hence the fraction in t:",
            ),
            Formula(
                r"\eta^* = \frac{2}{\lambda_{\min} + \lambda_{\max}}, \qquad "
                r"\frac{\lVert w_{t+1} \rVert}{\lVert w_t \rVert} \to "
                r"\frac{\kappa - 1}{\kappa + 1} \qquad\text{or}\qquad "
                r"\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}",
                "In a valley with curvatures from λ_min to λ_max, κ = λ_max / λ_min, the best rate "
                "of gradient descent, and what each step then leaves of the distance, without and "
                "with the best momentum:",
            ),
        ),
        code=(listing(*OPTIMIZERS.values()),),
        exercises=(
            Exercise(
                "Turn the valley by 45 degrees. Whose path changes, and whose does not?",
                ("angle=45", "images=4000", "target=0.85"),
            ),
            Exercise(
                "In a gentle valley, is momentum still worth its memory?",
                ("condition=5", "images=4000", "target=0.85"),
            ),
            Exercise(
                "Four passes instead of one: does the order of the five stay?",
                ("epochs=4", "images=15000"),
            ),
            Exercise("Let AdamW shrink its weights a hundred times faster.", ("decay=0.4",)),
        ),
        sources=(
            "H. Robbins and S. Monro, *A stochastic approximation method*, Annals of Mathematical "
            "Statistics 22, 1951",
            "B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, "
            "USSR Computational Mathematics and Mathematical Physics 4, 1964",
            "T. Tieleman and G. Hinton, *Lecture 6.5: rmsprop*, Neural Networks for Machine "
            "Learning, Coursera, 2012",
            "D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015",
            "I. Loshchilov and F. Hutter, *Decoupled weight decay regularization*, ICLR 2019",
        ),
    )


def _draw_valley(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    walks = measured.walks
    best = min(walks, key=lambda way: way.steps)
    title = (
        f"In a valley {settings.condition:g} times steeper across than along, "
        f"{NAMES[best.name]} needs {best.steps} steps, SGD {walks[0].steps}"
    )
    note = f"Steps until the height stays below {LOW:g} of the first, at the best rate of each."
    style.header(figure, title, note, body=4.9)
    points = np.concatenate([way.path for way in walks])
    low, high = points.min(0), points.max(0)
    margin = 0.12 * (high - low)
    xs, ys = np.linspace(low - margin, high + margin, 120).T
    grid = np.stack(np.meshgrid(xs, ys), -1)  # (120, 120, 2)
    heights = height(grid.reshape(-1, 2), settings).reshape(120, 120)
    levels = height(points[:1], settings) * np.geomspace(1e-3, 1, 7)
    for number, (way, colour) in enumerate(zip(walks, COLOURS[:4], strict=True)):
        row, column = divmod(number, 2)
        axes = style.place(figure, 0.7 + 2.9 * column, 0.5 + 2.2 * (1 - row), 2.65, 1.9)
        axes.contour(xs, ys, heights, levels=levels, colors=style.PALE, linewidths=0.9)
        axes.plot(*way.path.T, color=colour, lw=1.1, marker="o", ms=2.5)
        axes.plot(0, 0, marker="+", color=style.INK, ms=8)
        steps = f"{way.steps}" if way.steps <= PATH else f"over {PATH}"
        heading = f"{NAMES[way.name]}: {steps} steps, rate {way.rate:.2g}"
        axes.set_title(heading, fontsize=10, loc="left", color=colour)
        axes.tick_params(labelbottom=bool(row), labelleft=not column)
        axes.set_xlabel("first weight" if row else "")
        axes.set_ylabel("" if column else "second weight", labelpad=1)
    return figure


def _draw_race(measured: Measured, settings: Settings, title: str) -> Figure:
    figure = Figure()
    seeds = count(settings.seeds, "seed")
    note = f"Mistakes on the test images, each at its best rate, mean of {seeds}."
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.75, 0.55, 4.4, 2.8)
    ends = []
    for name, curves, colour in zip(NAMES.values(), measured.accuracy, COLOURS, strict=True):
        error = 100 * (1 - curves.mean(0))
        axes.plot(measured.leg, error, color=colour, marker="o", ms=3.5, lw=1.6)
        if np.isfinite(error[-1]):
            ends.append((float(measured.leg[-1]), float(error[-1]), name, colour))
    axes.axhline(100 * (1 - settings.target), color=style.GREY, lw=0.9, ls=":")
    axes.set_ylim(0, None)
    axes.set_xlabel("steps")
    axes.set_ylabel("test images read wrongly, %")
    style.label_points(axes, ends)
    return figure
