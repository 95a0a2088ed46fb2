"""The figures of the lesson on activations."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.nn.perceptron import ACTIVATIONS
from digitscope.rendering import style
from digitscope.rendering.wording import percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.activations import ActivationsResult, ActivationsSettings

KINDS = tuple(ACTIVATIONS)
SHOWN = {name: name for name in KINDS} | {"relu": "ReLU", "elu": "ELU", "selu": "SELU"}


def draw_functions(accuracy: NDArray[np.float64]) -> Figure:
    """Draw each activation and its slope; `accuracy` is on the test images."""
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


def draw_dead(result: "ActivationsResult", settings: "ActivationsSettings") -> Figure:
    """Draw dead units and accuracy by the learning rate."""
    figure = Figure()
    relu, elu = KINDS.index("relu"), KINDS.index("elu")
    rates, dead = settings.rates, result.dead.mean(2)
    at = result.best(relu)
    title = (
        f"At rate {rates[at]:g}, the best for ReLU, {percent(dead[relu, at])} of its units are "
        f"dead; at {rates[-1]:g}, {percent(dead[relu, -1])}, and {percent(dead[elu, -1])} of ELU's"
    )
    note = "Dead: hidden units whose slope, as computed, is 0 for all training images."
    style.header(figure, title, note, body=3.1)
    parts = ((result.dead, "dead units, %"), (result.held_out, "held-out accuracy, %"))
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
