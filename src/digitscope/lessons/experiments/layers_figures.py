"""The figures of the lesson on layers."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from digitscope.image.digit import DIGITS, SIDE
from digitscope.rendering import style
from digitscope.rendering.wording import percent, sure

if TYPE_CHECKING:
    from digitscope.lessons.experiments.layers import LayersResult, LayersSettings


def draw_way(result: "LayersResult", settings: "LayersSettings") -> Figure:
    """Draw an image on its way through the network that is taken apart."""
    figure = Figure()
    probabilities, hidden = result.probabilities, result.hidden
    digit = int(probabilities.argmax())
    title = (
        f"A {result.label} on its way: {SIDE * SIDE} pixels, {len(hidden)} hidden units, "
        f"{np.count_nonzero(hidden)} of them active, and {sure(float(probabilities[digit]))} "
        f"for the {digit}"
    )
    style.header(figure, title, "A held-out image in the network that is taken apart.", body=2.9)
    bottom, high = 0.45, 1.9
    columns = max(1, round(np.sqrt(len(hidden) / 2)))
    cells = np.full(-(-len(hidden) // columns) * columns, np.nan, np.float32)
    cells[: len(hidden)] = hidden
    parts = (
        (0.12, 1.45, "image", f"({SIDE}, {SIDE})", result.image),
        (2.02, 0.14, "in a row", f"({SIDE * SIDE},)", result.image.reshape(-1, 1)),
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
        (4.3, 0.85, "logits", result.logits),
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


def draw_sizes(result: "LayersResult", settings: "LayersSettings") -> Figure:
    """Draw the mistakes by units and by weights."""
    figure = Figure()
    units, depths, mean = settings.units, settings.depths, result.accuracy.mean(2)
    more = f", {units[-1]} get {percent(mean[0, -1])}" if len(units) > 1 else ""
    title = (
        f"{units[0]} hidden units in {depths[0]} layer{'s' * (depths[0] > 1)} get "
        f"{percent(mean[0, 0])} right{more}; without a hidden layer it is "
        f"{percent(result.direct.mean())}"
    )
    note = f"Mistakes on held-out images after {settings.epochs} epochs, {settings.seeds} seeds."
    style.header(figure, title, note, body=3.2)
    wrong = 100 * (1 - result.accuracy)
    colours = (style.BLUE, style.VERMILION, style.GREEN, style.INK)
    for panel, label in enumerate(("hidden units (log)", "weights (log)")):
        axes = style.place(figure, 0.62 + 2.95 * panel, 0.55, 2.6, 2.5)
        for d, layers in enumerate(depths):
            style.over_seeds(
                axes, units if panel == 0 else result.weights[d], wrong[d],
                ms=4, color=colours[d % 4], label=f"{layers} hidden layer{'s' * (layers > 1)}",
            )  # fmt: skip
        axes.axhline(
            100 * (1 - result.direct.mean()),
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
