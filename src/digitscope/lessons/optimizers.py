"""From gradient descent to Adam: what each optimizer makes of the same gradients.

Two experiments: a valley of two weights, in which their paths can be seen, and the same network for
MNIST with each of five optimizers, at the rate that suits it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.lab import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    Design,
    Momentum,
    Network,
    RMSprop,
    each,
    pixels,
    train,
)  # fmt: skip
from digitscope.lessons.course import Advance
from digitscope.lessons.page import (
    Check,
    Exercise,
    Formula,
    Page,
    Picture,
    Table,
    listing,
    plus_minus,
    setting,
)
from digitscope.reporting import style
from digitscope.reporting.wording import count, percent, times

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
class Measured:
    """What was measured; K optimizers in the order of `NAMES`, four in the valley.

    Attributes
    ----------
    paths : list of ndarray of shape (PATH + 1, 2)
        Where each was in the valley after each step, at its best rate.
    steps : tuple of int
        After how many it stayed below the goal; PATH + 1 if it did not.
    valley_rates : tuple of float
    held_out : list of ndarray of shape (rates,)
        Accuracy on the held-out images for each rate, K of them.
    best : tuple of float
        The best rate of each.
    losses : ndarray of shape (K, seeds, legs)
        Mean loss of the steps in each leg of the race, nan after a stop.
    accuracy : ndarray of shape (K, seeds, legs)
        On the test images, after each leg.
    leg : ndarray of shape (legs,)
        Steps until then.
    """

    paths: list[NDArray[np.float64]]
    steps: tuple[int, ...]
    valley_rates: tuple[float, ...]
    held_out: list[NDArray[np.float64]]
    best: tuple[float, ...]
    losses: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    leg: NDArray[np.int64]


def valley(settings: Settings) -> NDArray[np.float64]:
    """Return the matrix H of the valley ½ wᵀ H w: curvature 1 along it, `condition` across."""
    turn = np.deg2rad(settings.angle)
    axes = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(axes @ np.diag([1.0, settings.condition]) @ axes.T)


def walk(name: str, rate: float, settings: Settings) -> NDArray[np.float64]:
    """Return where an optimizer gets to in the valley, step by step, (PATH + 1, 2)."""
    curvature, optimizer = valley(settings), OPTIMIZERS[name](rate)
    turn = np.deg2rad(settings.angle)
    w = np.array([-np.cos(turn) - 0.3 * np.sin(turn), 0.3 * np.cos(turn) - np.sin(turn)])
    path = [w.copy()]
    with np.errstate(all="ignore"):  # too large a rate leaves the valley
        for _ in range(PATH):
            optimizer.step(w, curvature @ w)
            path.append(w.copy())
    return np.array(path)


def height(w: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    """Return ½ wᵀ H w of each of the points (n, 2)."""
    return np.asarray(0.5 * np.einsum("ni,ij,nj->n", w, valley(settings), w))


def steps_to(path: NDArray[np.float64], settings: Settings) -> int:
    """Return after how many steps a path stays below `LOW` of its first height."""
    with np.errstate(all="ignore"):
        heights = height(path, settings)
        above = np.flatnonzero(~(heights <= LOW * heights[0]))  # what is no number is above
    return int(above[-1]) + 1


def legs(
    network: Network, name: str, rate: float, x: Any, labels: Any, settings: Settings, seed: int
) -> Iterator[float]:
    """Train, and give the mean loss of each leg: a part of an epoch."""
    rng, optimizer = np.random.default_rng(seed), OPTIMIZERS[name](rate)
    if isinstance(optimizer, AdamW):
        optimizer.decay = settings.decay
    for _ in range(settings.epochs):
        for rows in np.array_split(rng.permutation(len(x)), LEGS):
            batch = min(settings.batch, len(x) // LEGS)
            (epoch,) = train(network, optimizer, x[rows], labels[rows], batch=batch, seed=seed)
            if not epoch.finite:
                return
            yield float(epoch.losses.mean())


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Walk through the valley, choose a rate for each optimizer, and let them race."""
    paths, steps, valley_rates = [], [], []
    for name in IN_VALLEY:
        tried = [walk(name, rate, settings) for rate in TRIED]
        needed = [steps_to(path, settings) for path in tried]
        fastest = int(np.argmin(needed))
        paths.append(tried[fastest])
        steps.append(needed[fastest])
        valley_rates.append(float(TRIED[fastest]))

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
    best = tuple(
        rates_of(name, settings)[int(a.argmax())] for name, a in zip(NAMES, held, strict=True)
    )

    def on_test(case: tuple[str, float, int]) -> NDArray[np.float64]:
        name, rate, seed = case
        network = Network(design, seed)
        curve = np.full((2, settings.epochs * LEGS), np.nan)
        for leg, loss in enumerate(legs(network, name, rate, x, labels, settings, seed)):
            curve[:, leg] = loss, network.accuracy(x_test, data.test.labels)
        return curve

    race = [
        (name, rate, FRESH + seed)
        for name, rate in zip(NAMES, best, strict=True)
        for seed in range(settings.seeds)
    ]
    curves = np.array(each(on_test, race, lambda done: advance(share + (1 - share) * done)))
    curves = curves.reshape(len(NAMES), settings.seeds, 2, -1)
    per_leg = max(len(x) // LEGS // settings.batch, 1)
    return Measured(
        paths,
        tuple(steps),
        tuple(valley_rates),
        held,
        best,
        curves[:, :, 0],
        curves[:, :, 1],
        per_leg * np.arange(1, curves.shape[-1] + 1),
    )


def rates_of(name: str, settings: Settings) -> tuple[float, ...]:
    """Return the rates to try for an optimizer, from small to large."""
    return tuple(sorted(settings.rates if name in ("sgd", "momentum") else settings.adaptive_rates))


def width(rates: tuple[float, ...], accuracy: NDArray[np.float64]) -> tuple[float, float]:
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


def tell(measured: Measured, settings: Settings) -> Page:
    """Say what was seen."""
    names = tuple(NAMES.values())
    needed = steps_needed(measured, settings.target)
    final = np.nanmax(measured.accuracy[:, :, -1:], 2, initial=0.0)  # 0 for what stopped
    mean, quick = final.mean(1), int(needed.mean(1).argmin())
    gap = 100 * float(mean.max() - mean.min())
    moves = [100 * float(a.max() - a.min()) for a in measured.held_out]
    goal, total = percent(settings.target, 0), int(measured.leg[-1])
    valley_steps = dict(zip(IN_VALLEY, measured.steps, strict=True))
    ideal = 2 / (1 + settings.condition)
    inside = [a.argmax() not in (0, len(a) - 1) for a in measured.held_out]
    factors = [
        high / low
        for low, high in (
            width(rates_of(name, settings), a)
            for name, a in zip(NAMES, measured.held_out, strict=True)
        )
    ]
    pace = [_steps(row, total) for row in needed]
    lead = (
        f"At its best rate {names[quick]} is the first to read {goal} of the test images "
        f"({pace[quick]} steps; SGD: {pace[0]})."
        if np.isfinite(needed[quick]).all()
        else f"None reads {goal} of the test images in {total} steps with every seed."
    )
    return Page(
        experiment=(
            "First a valley of two weights, ½ wᵀ H w, which is "
            f"{settings.condition:g} times as steep across as along: four optimizers walk down "
            f"it, each at the one of {len(TRIED)} rates that brings it below {LOW:g} of its first "
            "height for good in the fewest steps. Then a network of "
            f"784-{settings.hidden}-10 for the digits: five optimizers see "
            f"{settings.images:,} images {times(settings.epochs)} in batches of "
            f"{settings.batch}. For each, the rate is chosen by one seed on {HELD_OUT:,} held-out "
            f"training images; {count(settings.seeds, 'other seed')} then race, and the test "
            f"images are read {LEGS} times in an epoch."
        ),
        pictures=(
            Picture(
                "valley",
                _draw_valley(measured, settings),
                "Each grey line is a height; each point is one step. The scales of the two axes "
                "differ: with the same, the valley would be narrower still.",
            ),
            Picture(
                "race",
                _draw_race(measured, settings),
                "Lines are means over the seeds. The scale is logarithmic, so that equal steps "
                "down are equal shares of the mistakes.",
            ),
            Picture(
                "rates",
                _draw_rates(measured, settings),
                "Each point is one network. Rates at which nothing is learned lie below the frame.",
            ),
        ),
        tables=(_race(measured, settings, pace, final), _widths(measured, settings)),
        finding=(
            f"{lead} After {total} steps the five are within {gap:.1f} points of each other, while "
            f"the rate alone moves each by {min(moves):.1f} points or more."
        ),
        seen=(
            "Gradient descent has one rate for all directions. Across the valley it must be small, "
            f"or each step lands higher on the other side: its best rate here is "
            f"{measured.valley_rates[0]:.2g}, and along the valley, where the slope is "
            f"{settings.condition:g} times less, that rate is nearly nothing. Momentum adds up "
            "steps that agree and lets those cancel that go to and fro. RMSprop and Adam divide "
            "each weight's step by the size its gradients had of late, so that flat directions get "
            "as long a step as steep ones. That works weight by weight, so it hangs on how the "
            "valley lies: turned from the axes, it is another task for them, and the same for the "
            "other two. At a fixed rate RMSprop never comes to rest, since its steps do not shrink "
            "with the slope; a small rate then costs it the way.\n\n"
            f"On the digits plain gradient descent at its own best rate ends at {percent(mean[0])} "
            f"of the test images, and the best of the others at {percent(mean[1:].max())}. Rates a "
            f"factor of 3 apart and {count(settings.seeds, 'seed')} do not settle the order of "
            "those four. What Adam spares is above all the search for the rate: its steps are "
            "about as long as the rate says, whatever the scale of the gradients, so that a rate "
            "from somebody else's network tends to do. AdamW takes the decay of the weights out of "
            "the gradient, where Adam would divide it away; here, with a decay of "
            f"{settings.decay:g}, it ends at {percent(mean[4])}, and Adam at {percent(mean[3])}."
        ),
        checks=(
            Check(
                "in the valley, steps to the goal: "
                + ", ".join(f"{NAMES[name]} {steps}" for name, steps in valley_steps.items()),
                max(valley_steps["momentum"], valley_steps["adam"]) < valley_steps["sgd"] <= PATH,
            ),
            Check(
                f"the best rate for gradient descent there is {measured.valley_rates[0]:.3g}; by "
                f"the formula below it is {ideal:.3g}",
                abs(measured.valley_rates[0] / ideal - 1) < 0.1,
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
                f"Adam is within a point of its best over a factor of {factors[3]:.0f} in the "
                f"rate, SGD over {factors[0]:.0f}",
                factors[3] > factors[0],
            ),
            Check(
                f"the rate matters more than the optimizer: {gap:.1f} points between the five at "
                f"their best, {min(moves):.1f} to {max(moves):.1f} between the rates of one",
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
                r"\frac{\kappa - 1}{\kappa + 1}",
                "In a valley with curvatures from λ_min to λ_max, κ = λ_max / λ_min, the best rate "
                "of gradient descent, and what each step then leaves of the distance:",
            ),
            Formula(
                r"\frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}",
                "With momentum, at the best η and μ, each step leaves in the long run only:",
            ),
        ),
        code=(listing(SGD, Momentum, RMSprop, Adam, AdamW),),
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
            Exercise(
                "Let AdamW shrink its weights a hundred times faster.",
                ("decay=0.4",),
            ),
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


def _steps(needed: NDArray[np.float64], total: int) -> str:
    """Return how many steps the seeds needed, or how many of them did not get there."""
    missing = int(np.isinf(needed).sum())
    if missing:
        return f"{missing} of {len(needed)} not in {total}"
    return plus_minus(needed.tolist(), decimals=0)


def _race(
    measured: Measured, settings: Settings, pace: list[str], final: NDArray[np.float64]
) -> Table:
    rows, goal = [], percent(settings.target, 0)
    for k, name in enumerate(NAMES.values()):
        loss = [float(a) for a in measured.losses[k, :, -1]]
        rows.append((
            name, f"{measured.best[k]:g}", pace[k], plus_minus(loss),
            plus_minus(final[k].tolist(), percent=True),
        ))  # fmt: skip
    return Table(
        f"The race over {int(measured.leg[-1])} steps, each at its best rate (mean ± standard "
        f"deviation, n = {count(settings.seeds, 'seed')}). The test images are read after every "
        f"{int(measured.leg[0])} steps, and the training loss is the mean of the last so many",
        ("optimizer", "rate", f"steps to {goal}", "loss, nats", "test accuracy"),
        tuple(rows),
    )


def _widths(measured: Measured, settings: Settings) -> Table:
    rows = []
    for (name, shown), a in zip(NAMES.items(), measured.held_out, strict=True):
        rates = rates_of(name, settings)
        low, high = width(rates, a)
        few, many = ("≤ " if low == rates[0] else ""), ("≥ " if high == rates[-1] else "")
        rows.append(
            (shown, percent(a.max()), f"{few}{low:.2g}", f"{many}{high:.2g}", f"{high / low:.0f}")
        )
    return Table(
        "Within which rates each is within 1 point of its best on the held-out images (one seed; "
        "straight lines between the rates tried)",
        ("optimizer", "best", "from", "to", "factor"),
        tuple(rows),
    )


def _draw_valley(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    fewest = int(np.argmin(measured.steps))
    title = (
        f"In a valley {settings.condition:g} times steeper across than along, "
        f"{NAMES[IN_VALLEY[fewest]]} needs {measured.steps[fewest]} steps, SGD {measured.steps[0]}"
    )
    note = f"Steps until the height stays below {LOW:g} of the first, at the best rate of each."
    style.header(figure, title, note, body=4.9)
    ends = np.concatenate([path[: steps + 1] for path, steps in _walks(measured)])
    low, high = ends.min(0), ends.max(0)
    margin = 0.12 * (high - low)
    xs, ys = (np.linspace(a, b, 120) for a, b in zip(low - margin, high + margin, strict=True))
    grid = np.stack(np.meshgrid(xs, ys), -1)
    heights = height(grid.reshape(-1, 2), settings).reshape(len(ys), len(xs))
    first = float(height(measured.paths[0][:1], settings)[0])
    for number, ((path, steps), name) in enumerate(zip(_walks(measured), IN_VALLEY, strict=True)):
        row, column = divmod(number, 2)
        axes = style.place(figure, 0.7 + 2.9 * column, 0.5 + 2.2 * (1 - row), 2.65, 1.9)
        axes.contour(xs, ys, heights, levels=first * np.geomspace(1e-3, 1, 7),
                     colors=style.PALE, linewidths=0.9)  # fmt: skip
        shown = path[: steps + 1]
        axes.plot(*shown.T, color=COLOURS[number], lw=1.1, marker="o", ms=2.5)
        axes.plot(0, 0, marker="+", color=style.INK, ms=8)
        axes.set_title(
            f"{NAMES[name]}: {steps if steps <= PATH else 'over ' + str(PATH)} steps, rate "
            f"{measured.valley_rates[number]:.2g}", fontsize=10, loc="left", color=COLOURS[number],
        )  # fmt: skip
        axes.tick_params(labelbottom=bool(row), labelleft=not column)
        if row:
            axes.set_xlabel("first weight")
        if not column:
            axes.set_ylabel("second weight", labelpad=1)
    return figure


def _walks(measured: Measured) -> list[tuple[NDArray[np.float64], int]]:
    return list(zip(measured.paths, measured.steps, strict=True))


def _draw_race(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    needed = steps_needed(measured, settings.target).mean(1)
    quick, names = int(needed.argmin()), tuple(NAMES.values())
    ahead = (
        f"{needed[0] / needed[quick]:.1f} times as fast as SGD" if np.isfinite(needed[0])
        else "SGD is not there yet"
    )  # fmt: skip
    title = (
        f"{names[quick]} is the first at {percent(settings.target, 0)} of the test images: {ahead}"
        if np.isfinite(needed[quick])
        else f"None reads {percent(settings.target, 0)} of the test images with every seed"
    )
    seeds = count(settings.seeds, "seed")
    note = f"Mistakes on the test images, each at its best rate, mean of {seeds}."
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.75, 0.55, 4.4, 2.8)
    ends = []
    for name, curves, colour in zip(names, measured.accuracy, COLOURS, strict=True):
        error = 1 - curves.mean(0)
        axes.plot(measured.leg, error, color=colour, marker="o", ms=3.5, lw=1.6)
        if np.isfinite(error[-1]):
            ends.append((float(measured.leg[-1]), float(error[-1]), name, colour))
    axes.axhline(1 - settings.target, color=style.GREY, lw=0.9, ls=":")
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(0.9 * low, high)
    shares = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.2, 0.4, 0.8)
    axes.yaxis.set_major_locator(FixedLocator([a for a in shares if 0.9 * low < a < high]))
    axes.yaxis.set_minor_locator(NullLocator())
    style.percent_ticks(axes)
    axes.set_xlabel("steps")
    axes.set_ylabel("test images read wrongly, %")
    style.label_points(axes, ends)
    return figure


def _draw_rates(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    moves = [100 * float(a.max() - a.min()) for a in measured.held_out]
    best = [float(a.max()) for a in measured.held_out]
    title = (
        f"At their best the five differ by {100 * (max(best) - min(best)):.1f} points; the "
        f"rates tried move each by {min(moves):.1f} to {max(moves):.1f}"
    )
    note = f"Accuracy on held-out training images after {int(measured.leg[-1])} steps, one seed."
    style.header(figure, title, note, body=3.4)
    axes = style.place(figure, 0.75, 0.55, 5.4, 2.7)
    for (name, shown), a, colour in zip(NAMES.items(), measured.held_out, COLOURS, strict=True):
        axes.plot(rates_of(name, settings), a, color=colour, marker="o", lw=1.6, label=shown)
    axes.set_xscale("log")
    axes.set_ylim(max(best) - 0.12, max(best) + 0.025)
    ticks = sorted({*settings.rates, *settings.adaptive_rates})
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    style.percent_ticks(axes)
    axes.set_xlabel("learning rate (log)")
    axes.set_ylabel("accuracy, %")
    axes.legend(loc="upper center", ncols=5, columnspacing=1.2, handlelength=1.2)
    return figure
