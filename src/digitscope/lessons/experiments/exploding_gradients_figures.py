"""The figures of the lesson on exploding gradients."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from digitscope.lessons.content import short
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, count

if TYPE_CHECKING:
    from digitscope.lessons.experiments.exploding_gradients import (
        ExplodingGradientsResult,
        ExplodingGradientsSettings,
    )

MOST = float(np.finfo(np.float32).max)  # 3.4 × 10³⁸
OUTCOMES = ("learned", "stuck or slow", "exploded")


def draw_map(result: "ExplodingGradientsResult", settings: "ExplodingGradientsSettings") -> Figure:
    """Draw what became of each gain and rate."""
    figure = Figure()
    outcome, gains, rates = result.outcome, settings.gains, settings.rates
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


def draw_explosion(
    result: "ExplodingGradientsResult", settings: "ExplodingGradientsSettings"
) -> Figure:
    """Draw the sizes of all layers step by step, and the loss and its gradient."""
    figure = Figure()
    steps = len(result.losses)
    finite = [loss for loss in result.losses[:4] if np.isfinite(loss)]
    path = ", ".join(short(loss).replace(" ", NBSP) for loss in finite)
    title = f"Gain {settings.gain:g}, rate {settings.rate:g}: the loss is {path}, " + (
        f"and not finite in step {steps}" if result.overflow else "and so on"
    )
    note = "Left: what each layer gives, in the first steps. Right: the loss and its gradient."
    style.header(figure, title, note, body=3.5)
    left = style.place(figure, 0.75, 0.55, 2.75, 2.75)
    right = style.place(figure, 4.55, 0.55, 1.65, 2.75)
    top = MOST * 1e4
    shades = ("#8fc1e0", "#4a9bd0", style.BLUE, style.INK, style.GREY)
    ends = []
    for step, (sizes, colour) in enumerate(zip(result.sizes, shades, strict=False), 1):
        drawn = np.where(np.isfinite(sizes) & (sizes < MOST), sizes, np.nan)
        known = np.flatnonzero(np.isfinite(drawn) & (drawn > 0))
        left.plot(known, drawn[known], color=colour, marker="o", ms=3.5)
        if len(known):
            ends.append((float(known[-1]), float(drawn[known[-1]]), f"step {step}", style.INK))
            if known[-1] < len(sizes) - 1:
                left.plot(known[-1:], [MOST], marker="^", color=colour, clip_on=False)
    at = np.arange(1, steps + 1)
    for values, name, colour in (
        (result.losses, "loss", style.VERMILION),
        (result.norms, "gradient", style.GREEN),
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
    layers = result.sizes.shape[1] - 1
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
