"""The figures of the lesson on normalisation."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from digitscope.lessons.content import rate_text
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.normalisation import (
        NormalisationResult,
        NormalisationSettings,
    )

NAMES = {"bytes": "0 to 255", "unit": "0 to 1", "standard": "standardised", "centred": "centred"}
COLOURS = dict(zip(NAMES, (style.VERMILION, style.BLUE, style.GREEN, style.INK), strict=True))


def draw_rates(result: "NormalisationResult", settings: "NormalisationSettings") -> Figure:
    """Draw the accuracy by learning rate."""
    figure = Figure()
    mean = result.accuracy.mean(2)
    title = "The best rate is " + ", ".join(
        f"{rate_text(settings.rates[best])} with {NAMES[name]} ({percent(row[best], 0)})"
        for name, best, row in zip(settings.scalings, result.best, mean, strict=True)
    )
    epochs, seeds = count(settings.epochs, "epoch"), count(settings.seeds, "seed")
    note = f"Accuracy on held-out training images after {epochs}, {seeds}. Dotted: 2/λ."
    style.header(figure, title, note, body=3.7)
    axes = style.place(figure, 0.7, 0.55, 5.5, 2.75)
    for name, row, top in zip(settings.scalings, result.accuracy, result.largest, strict=True):
        style.over_seeds(axes, settings.rates, row, ms=4, color=COLOURS[name], label=NAMES[name])
        axes.axvline(2 / top, color=COLOURS[name], lw=1.2, ls=":")
    axes.set_xscale("log")
    low, high = np.log10([min(settings.rates), max(settings.rates)])
    powers = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    axes.set_xticks(
        [10.0**p for p in powers], [rate_text(10.0**p).removeprefix("1.0 × ") for p in powers]
    )
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, 1)
    style.percent_ticks(axes)
    axes.set_xlabel("learning rate (log)")
    axes.set_ylabel("accuracy, %")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0)
    return figure


def draw_losses(result: "NormalisationResult", settings: "NormalisationSettings") -> Figure:
    """Draw the loss of each scaling at its best rate."""
    figure = Figure()
    per = max(1, result.losses.shape[2] // 24)
    groups = result.losses.shape[2] // per
    means = result.losses[..., : groups * per].reshape(*result.losses.shape[:2], -1, per).mean(3)
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
    for name, rows, best in zip(settings.scalings, means, result.best, strict=True):
        colour, label = COLOURS[name], f"{NAMES[name]}, {rate_text(settings.rates[best])}"
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
