"""The figures of the lesson on optimizers."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from digitscope.lessons.experiments.valley import LOW, PATH, Valley
from digitscope.rendering import style
from digitscope.rendering.wording import count

if TYPE_CHECKING:
    from digitscope.lessons.experiments.optimizers import OptimizersResult, OptimizersSettings

NAMES = {
    "sgd": "SGD", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW",
}  # fmt: skip
COLOURS = (style.INK, style.GREEN, "#cc79a7", style.BLUE, style.VERMILION)


def draw_valley(result: "OptimizersResult", settings: "OptimizersSettings") -> Figure:
    """Draw the way of each optimizer through the valley."""
    figure, valley, walks = Figure(), Valley(settings.condition, settings.angle), result.walks
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
    heights = valley.height(grid.reshape(-1, 2)).reshape(120, 120)
    levels = valley.height(points[:1]) * np.geomspace(1e-3, 1, 7)
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


def draw_race(result: "OptimizersResult", settings: "OptimizersSettings", title: str) -> Figure:
    """Draw the mistakes of each optimizer by step."""
    figure = Figure()
    seeds = count(settings.seeds, "seed")
    note = f"Mistakes on the test images, each at its best rate, mean of {seeds}."
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.75, 0.55, 4.4, 2.8)
    ends = []
    for name, curves, colour in zip(NAMES.values(), result.accuracy, COLOURS, strict=True):
        error = 100 * (1 - curves.mean(0))
        axes.plot(result.leg, error, color=colour, marker="o", ms=3.5, lw=1.6)
        if np.isfinite(error[-1]):
            ends.append((float(result.leg[-1]), float(error[-1]), name, colour))
    axes.axhline(100 * (1 - settings.target), color=style.GREY, lw=0.9, ls=":")
    axes.set_ylim(0, None)
    axes.set_xlabel("steps")
    axes.set_ylabel("test images read wrongly, %")
    style.label_points(axes, ends)
    return figure
