"""Exploding gradients: large first weights and a large rate, until the loss is not finite.

A map of what becomes of a deep network for each gain of its first weights and each rate; one
explosion step by step; and what of it clipping, smaller weights and normalisation prevent.
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator
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
from digitscope.nn import OPTIMIZERS, Design, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats
from digitscope.nn.optimizers import Optimizer, clip
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, count, percent

TITLE = "Exploding gradients"
QUESTION = "When does a loss become infinite, and what keeps it from it?"

HELD_OUT = 5_000
LEARNED = 0.5  # share of the held-out digits that a network must read to have learned
MOST = float(np.finfo(np.float32).max)  # 3.4 × 10³⁸
OUTCOMES = ("learned", "stuck or slow", "exploded")


@dataclass(frozen=True, kw_only=True)
class Settings:
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
class Measured:
    """What became of the networks.

    Attributes
    ----------
    outcome : ndarray of shape (gains, rates, seeds), dtype int
        0 learned, 1 stuck or slow, 2 exploded: the loss or a gradient was no finite number.
    before : ndarray of shape (gains, layers)
        Root mean square of what each layer gives, before training.
    sizes : ndarray of shape (steps, layers)
        The same at each step of one run with `Settings.gain` and `rate`; it may overflow.
    losses, norms : ndarray of shape (steps,)
        The loss in that run, and the norm of the whole gradient.
    overflow : bool
        Whether that run ended in a number that is not finite.
    cures : dict
        What was changed -> accuracy of each seed; NaN where it exploded.
    lived : dict
        What was changed -> steps that each seed took before it exploded, or all.
    chance : float
        Share of the commonest digit among the held-out images.
    """

    outcome: NDArray[np.int64]
    before: NDArray[np.float64]
    sizes: NDArray[np.float64]
    losses: NDArray[np.float64]
    norms: NDArray[np.float64]
    overflow: bool
    cures: dict[str, NDArray[np.float64]]
    lived: dict[str, NDArray[np.int64]]
    chance: float


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Draw the map, watch one explosion, and try the cures."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, labels_held = pixels(held_out.images), held_out.labels
    half = max(1, len(x) // 2)
    plain = Design(hidden=(settings.width,) * settings.layers, initialisation="he")
    seeds, kind = range(settings.seeds), OPTIMIZERS[settings.optimizer]

    def one(case: tuple[Design, float, float, int, int]) -> tuple[float, int]:
        design, rate, limit, images, seed = case
        network, steps, finite = Network(design, seed), 0, True
        for epoch in train(
            network, kind(rate), x[:images], labels[:images],
            epochs=settings.epochs, seed=seed, limit=limit,
        ):  # fmt: skip
            steps, finite = steps + len(epoch.losses), epoch.finite
        return (network.accuracy(x_held, labels_held) if finite else np.nan), steps

    cases = [
        (replace(plain, gain=gain), rate, 0.0, half, seed)
        for gain in settings.gains
        for rate in settings.rates
        for seed in seeds
    ]
    grid = np.array([a for a, _ in each(one, cases, lambda share: advance(0.7 * share))])
    outcome = np.where(np.isnan(grid), 2, np.where(grid >= LEARNED, 0, 1))
    before = [watch(replace(plain, gain=gain), x, labels, kind(0.0), 1)[0][0]
              for gain in settings.gains]  # fmt: skip
    wild = replace(plain, gain=settings.gain)
    sizes, losses, norms = watch(wild, x, labels, kind(settings.rate), 20)

    changes = {
        "nothing": (wild, 0.0),
        f"clipping at {settings.limit:g}": (wild, settings.limit),
        "gain 1 (He)": (plain, 0.0),
        "normalisation": (replace(wild, normalised=True), 0.0),
    }
    more = settings.seeds + 2
    cases = [
        (design, settings.rate, limit, len(x), seed)
        for design, limit in changes.values()
        for seed in range(more)
    ]
    results = np.array(each(one, cases, lambda share: advance(0.7 + 0.3 * share)))
    accuracy, lived = results.T.reshape(2, len(changes), more)
    return Measured(
        outcome=outcome.reshape(len(settings.gains), len(settings.rates), -1),
        before=np.array(before),
        sizes=sizes,
        losses=losses,
        norms=norms,
        overflow=not bool(np.isfinite(losses[-1]) and np.isfinite(norms[-1])),
        cures=dict(zip(changes, accuracy, strict=True)),
        lived=dict(zip(changes, lived.astype(np.int64), strict=True)),
        chance=float(np.bincount(labels_held).max() / len(labels_held)),
    )


def watch(
    design: Design, x: Floats, labels: NDArray[Any], optimizer: Optimizer, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return sizes, losses and norms of the first steps, to the first that is not finite.

    The first weights, the batches and their order are those of `train` with seed 0.
    """
    network = Network(design, 0)
    order = np.random.default_rng([0, 128]).permutation(len(x))
    batch = min(128, len(x))
    sizes, losses, norms = [], [], []
    with np.errstate(all="ignore"):  # what overflows is what is looked for
        for at in range(0, min(steps * batch, len(x) - batch + 1), batch):
            rows = order[at : at + batch]
            logits = network.forward(x[rows])
            values, by_logits = cross_entropy(logits, labels[rows])
            network.backward(by_logits / np.float32(batch))
            given = [*(dense.inputs for dense in network.dense), logits]
            # In float64, where the squares do not overflow before the numbers themselves do.
            sizes.append([float(np.sqrt((a.astype(np.float64) ** 2).mean())) for a in given])
            losses.append(float(values.mean()))
            norms.append(float(np.linalg.norm(network.gradient.astype(np.float64))))
            if not np.isfinite([losses[-1], norms[-1]]).all():
                break
            optimizer.step(network.weights, network.gradient)
    return np.array(sizes), np.array(losses), np.array(norms)


def growth(sizes: NDArray[np.float64]) -> float:
    """Return the factor from hidden layer to hidden layer: the geometric mean."""
    hidden = sizes[1:-1]
    return float((hidden[-1] / hidden[0]) ** (1 / max(1, len(hidden) - 1)))


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    m, gains, rates = measured, settings.gains, settings.rates
    factors = [growth(sizes) for sizes in m.before]
    kinds = np.stack([(m.outcome == k).sum((1, 2)) for k in range(3)], 1)  # (gains, outcomes)
    learned, exploded = m.outcome == 0, m.outcome == 2
    most = int(kinds[:, 0].argmax())
    plain, *cured = m.cures
    gone = {name: int(np.isnan(a).sum()) for name, a in m.cures.items()}
    n = len(m.cures[plain])
    means = {name: float(np.nan_to_num(m.cures[name]).mean()) for name in cured}
    best = max(means, key=lambda name: means[name])
    finite = [loss for loss in m.losses if np.isfinite(loss)]
    path = ", ".join(short(loss) for loss in finite[:6])
    end = (
        f"and in step {len(m.losses)} the loss or its gradient is no finite number any more"
        if m.overflow
        else f"and it is still finite in step {len(m.losses)}"
    )
    one_network = f"one network, seed 0, {min(128, settings.images)} images"
    setting_ = f"gain {settings.gain:g} and rate {settings.rate:g}"
    # The largest rate at which no seed exploded, for each gain.
    safe = [[r for r, cell in zip(rates, row, strict=True) if not (cell == 2).any()]
            for row in m.outcome]  # fmt: skip
    steep = [max(s, default=0.0) for gain, s in sorted(zip(gains, safe, strict=True)) if gain >= 1]
    return LessonText(
        experiment=(
            f"ReLU networks of {settings.layers} hidden layers of {settings.width} units. Their "
            "first weights are He's, times a *gain*. For the map, each gain meets each rate with "
            f"{settings.seeds} seeds: {m.outcome.size} networks, {count(settings.epochs, 'epoch')} "
            f"of {settings.images // 2:,} images ({settings.optimizer}). One has *learned* if it "
            f"reads {percent(LEARNED, 0)} of the held-out digits, and *exploded* if its loss or "
            "the norm of a gradient is no finite number (a norm adds up squares, and the square "
            f"of a number above 1.8 × 10¹⁹ is too large for float32). Then {setting_} is looked at "
            "step by step, with such squares in float64, and given three cures, one at a time: "
            f"{n} seeds, {settings.images:,} images."
        ),
        figures=(
            LessonFigure(
                "map",
                _draw_map(measured, settings),
                "Each cell is a gain and a rate; each of its stripes is one seed.",
            ),
            LessonFigure(
                "explosion",
                _draw_explosion(measured, settings),
                "Both scales are logarithmic, and a straight line is a product of equal factors. "
                "Arrows stand for what is beyond the largest number of float32.",
            ),
        ),
        tables=(
            Table(
                "Each gain: root mean square of the ten logits before training and the factor from "
                f"hidden layer to hidden layer ({one_network}), and what became of its "
                f"{exploded[0].size} networks",
                ("gain", "logits", "factor", *OUTCOMES),
                tuple(
                    (f"{gain:g}", short(sizes[-1]), f"{factor:.2f}", *map(str, row.tolist()))
                    for gain, sizes, factor, row in zip(
                        gains, m.before, factors, kinds, strict=True
                    )
                ),
            ),
            Table(
                f"{setting_.capitalize()}, step by step: root mean squares ({one_network} a step)",
                ("step", "first hidden layer", "logits", "loss", "norm of the gradient"),
                tuple(
                    (str(i), *map(_number, (sizes[1], sizes[-1], loss, norm)))
                    for i, (sizes, loss, norm) in enumerate(
                        zip(m.sizes[:8], m.losses, m.norms, strict=False), 1
                    )
                ),
            ),
            Table(
                f"{setting_.capitalize()}, one thing changed: how many of {n} seeds explode, and "
                "the accuracy of the others on held-out images, % (mean ± standard deviation)",
                ("changed", "explode", "steps", "accuracy"),
                tuple(
                    (
                        name,
                        str(gone[name]),
                        _range(m.lived[name]),
                        _spread(a),
                    )
                    for name, a in m.cures.items()
                ),
            ),
        ),
        finding=(
            f"With {setting_} the loss is {path}, {end}. Of the cures, {best} is best: "
            f"{percent(means[best])} of the held-out digits are right."
        ),
        seen=(
            "Forwards, each layer multiplies the size of what it is given by the gain: with "
            f"{settings.layers} hidden layers by the gain to the power of {settings.layers}, and "
            "once more for the logits. Backwards the gradient is multiplied in the same way. That "
            "alone is not infinite: float32 goes up to 3.4 × 10³⁸. But a step moves every layer's "
            "weights by the rate times such a gradient. Where that is more than the weights "
            "themselves, the *new* gain is large in every layer at once, and the next forward pass "
            "multiplies all of them. So from step to step it is the *exponent* of the loss "
            "that is multiplied, and a few steps are enough.\n\n"
            "Too small a gain fails the other way: the product vanishes, and the image with it. "
            "Between the two lies a band around 1.\n\n"
            "Clipping keeps the direction of a gradient and bounds its length. It prevents the "
            "leap, and leaves the large product as it is. He's initialisation takes the cause "
            "away: a factor of 1 in each layer. Normalisation divides each unit by its own "
            "spread, and the gain with it, so that it cancels; it also makes the gradients by "
            "large weights smaller, since such weights have to move further to matter."
        ),
        checks=(
            Check(
                f"before training the factor from layer to layer is the gain: within "
                f"{percent(max(abs(f / g - 1) for f, g in zip(factors, gains, strict=True)), 1)}",
                all(abs(f / g - 1) < 0.15 for f, g in zip(factors, gains, strict=True)),
            ),
            Check(
                f"no gain had more networks that learned than gain {gains[most]:g}: "
                f"{kinds[most, 0]} of {kinds[most].sum()}; in all {learned.sum()} of "
                f"{learned.size} learned and {exploded.sum()} exploded",
                kinds[most, 0] > 0 and 0.5 < gains[most] < 2,
            ),
            Check(
                "from gain 1 on, the larger the gain, the smaller the largest rate at which no "
                "seed exploded: "
                + ", ".join(
                    f"{_rate(s)} at {g:g}" for g, s in zip(gains, safe, strict=True) if g >= 1
                ),
                all(b <= a for a, b in pairwise(steep)) and steep[-1:] < steep[:1],
            ),
            Check(
                f"with {setting_} {gone[plain]} of {n} seeds explode, after at most "
                f"{count(int(m.lived[plain].max()), 'step')}",
                gone[plain] == n and int(m.lived[plain].max()) <= 20,
            ),
            Check(
                f"from step to step the loss grows by growing factors: {path}",
                len(finite) > 2 and bool((np.diff(np.log(finite), 2) > 0).all()),
            ),
            Check(
                "of the cured networks explode and read: "
                + "; ".join(f"{gone[c]} and {percent(means[c])} ({c})" for c in cured),
                not any(gone[c] for c in cured) and min(means.values()) > LEARNED,
            ),
        ),
        formulas=(
            Formula(
                r"\operatorname{rms} A^{(l)} \approx g^{\,l} \, \operatorname{rms} x, \qquad "
                r"\left\| \frac{\partial L}{\partial W^{(l)}} \right\| \propto g^{\,n-1}",
                "With He's weights times g, a ReLU layer multiplies root mean squares by g. The "
                "gradient by the weights of one of n layers passes all the others:",
            ),
            Formula(
                r"W^{(l)} \leftarrow W^{(l)} - \eta G^{(l)}, \qquad "
                r"\left\| A^{(n)} \right\| \le \| x \| "
                r"\prod_{l=1}^{n} \left\| W^{(l)} - \eta G^{(l)} \right\|",
                "After a step too large, all n factors are large at once (the norm of a matrix is "
                "how far it can stretch a vector; the biases are left out):",
            ),
            Formula(
                r"G \leftarrow G \cdot \min\!\left(1, \frac{c}{\|G\|}\right)",
                "Clipping to the length c, all layers together:",
            ),
        ),
        code=(listing(clip),),
        exercises=(
            Exercise(
                "How short may a clipped gradient be? Below some limit nothing explodes, and "
                "nothing is learned in time either.",
                ("limit=0.1",),
            ),
            Exercise(
                "Is it the rate? Find one that carries gain 2 through, and see how far it gets.",
                ("rate=0.001",),
            ),
            Exercise(
                "With two hidden layers, which gains still explode?",
                ("layers=2",),
            ),
            Exercise(
                "Adam's steps do not grow with the gradient. Can it explode? Look for what it "
                "does instead.",
                ("optimizer=adam", "rate=0.001"),
            ),
        ),
        sources=(
            "R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural "
            "networks*, ICML 2013: clipping",
            "X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward "
            "neural networks*, AISTATS 2010",
            "K. He, X. Zhang, S. Ren and J. Sun, *Delving deep into rectifiers: surpassing "
            "human-level performance on ImageNet classification*, ICCV 2015",
            "S. Ioffe and C. Szegedy, *Batch normalization: accelerating deep network training by "
            "reducing internal covariate shift*, ICML 2015",
        ),
    )


def _number(value: float) -> str:
    return short(value) if np.isfinite(value) else "not finite"


def _spread(accuracy: NDArray[np.float64]) -> str:
    alive = [100 * a for a in accuracy if np.isfinite(a)]
    return plus_minus(alive, decimals=1) if alive else "none"


def _range(steps: NDArray[np.int64]) -> str:
    low, high = int(steps.min()), int(steps.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _rate(rates: list[float]) -> str:
    return f"{max(rates):g}" if rates else "none"


def _draw_map(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    outcome, gains, rates = measured.outcome, settings.gains, settings.rates
    good = [gain for gain, row in zip(gains, outcome, strict=True) if (row == 0).any()]
    title = (
        f"Of {outcome.size} networks {(outcome == 2).sum()} exploded and {(outcome == 0).sum()} "
        "learned" + (f", at gains of {min(good):g} to {max(good):g}" if good else "")
    )
    note = f"{settings.layers} hidden layers; a stripe is one of {count(settings.seeds, 'seed')}."
    high = 0.3 * len(gains)
    style.header(figure, title, note, body=high + 1.05)
    axes = style.place(figure, 0.75, 0.55, 5.5, high)
    colours = (style.BLUE, style.PALE, style.VERMILION)
    each_seed = np.sort(outcome, 2).reshape(len(gains), -1)
    axes.imshow(
        each_seed, aspect="auto", origin="lower", cmap=ListedColormap(colours), vmin=0, vmax=2,
        extent=(-0.5, len(rates) - 0.5, -0.5, len(gains) - 0.5), interpolation="nearest",
    )  # fmt: skip
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_yticks(range(len(gains)), [f"{gain:g}" for gain in gains])
    for i in range(1, len(rates)):
        axes.axvline(i - 0.5, color="white", lw=2)
    for i in range(1, len(gains)):
        axes.axhline(i - 0.5, color="white", lw=2)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("gain of the first weights")
    axes.legend(
        handles=[Patch(color=c, label=o) for c, o in zip(colours, OUTCOMES, strict=True)],
        loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3, borderaxespad=0.4, handlelength=1.2,
    )  # fmt: skip
    return figure


def _draw_explosion(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    steps = len(measured.losses)
    finite = [loss for loss in measured.losses[:4] if np.isfinite(loss)]
    path = ", ".join(short(loss).replace(" ", NBSP) for loss in finite)
    title = f"Gain {settings.gain:g}, rate {settings.rate:g}: the loss is {path}, " + (
        f"and not finite in step {steps}" if measured.overflow else "and so on"
    )
    note = "Left: what each layer gives, in the first steps. Right: the loss and its gradient."
    style.header(figure, title, note, body=3.5)
    left = style.place(figure, 0.75, 0.55, 2.75, 2.75)
    right = style.place(figure, 4.55, 0.55, 1.65, 2.75)
    top = MOST * 1e4
    shades = ("#8fc1e0", "#4a9bd0", style.BLUE, style.INK, style.GREY)
    ends = []
    for step, (sizes, colour) in enumerate(zip(measured.sizes, shades, strict=False), 1):
        drawn = np.where(np.isfinite(sizes) & (sizes < MOST), sizes, np.nan)
        known = np.flatnonzero(np.isfinite(drawn) & (drawn > 0))
        left.plot(known, drawn[known], color=colour, marker="o", ms=3.5)
        if len(known):
            ends.append((float(known[-1]), float(drawn[known[-1]]), f"step {step}", style.INK))
            if known[-1] < len(sizes) - 1:
                left.plot(known[-1:], [MOST], marker="^", color=colour, clip_on=False)
    at = np.arange(1, steps + 1)
    for values, name, colour in (
        (measured.losses, "loss", style.VERMILION),
        (measured.norms, "gradient", style.GREEN),
    ):
        fine = np.isfinite(values) & (values > 0)
        right.plot(at[fine], values[fine], color=colour, marker="o", ms=3.5, label=name)
        right.plot(at[~fine], [MOST] * int((~fine).sum()), ls="", marker="^", color=colour)
    for axes in (left, right):
        axes.set_yscale("log")
        axes.set_ylim(1e-3, top)
        powers = (0, 10, 20, 30)
        axes.set_yticks([10.0**p for p in powers], ["1", "10¹⁰", "10²⁰", "10³⁰"])
        axes.yaxis.set_minor_locator(NullLocator())
        axes.axhline(MOST, color=style.GREY, lw=0.9, ls=":")
    layers = measured.sizes.shape[1] - 1
    limit = "largest float32, 3.4 × 10³⁸"
    left.text(layers, MOST, limit, ha="right", va="bottom", size=9, color=style.GREY)
    left.set_xticks([0, *range(1, layers), layers], ["x", *map(str, range(1, layers)), "logits"])
    left.set_xlabel("layer")
    left.set_ylabel("root mean square (log)")
    right.set_xticks(at if steps < 6 else [1, steps])
    right.set_xlabel("step")
    right.legend(loc="lower right", borderaxespad=0.2, handlelength=1.2)
    style.label_points(left, ends)
    return figure
