"""Figures of the training: loss, accuracy and norms of each layer by epoch."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from digitscope.rendering import style
from digitscope.rendering.wording import count, percent
from digitscope.runs import Row

MARKERS_UP_TO = 30  # largest number of epochs with markers, which would otherwise overlap
LABELS_UP_TO = 7  # largest number of layers with a label


def draw_learning(figure: Figure, history: Sequence[Row]) -> None:
    """Draw loss and accuracy per epoch, of training and, if there is one, of validation.

    Parameters
    ----------
    figure : Figure
    history : sequence of dict
        Rows of `Run.history`.
    """
    last = history[-1]
    epochs = count(int(last["epoch"]), "epoch")
    validated = "val_accuracy" in last
    if "accuracy" not in last:
        title = "Nothing was learned: no epoch was finished"
    elif validated:
        title = (
            f"After {epochs}, {percent(last['val_accuracy'])} of the validation images are right "
            f"and {percent(last['accuracy'])} of the training images"
        )
        best = min(history, key=lambda row: row.get("val_loss", np.inf))["epoch"]
        if best < last["epoch"]:
            title += f"; validation loss was lowest after epoch {best:.0f}"
    else:
        title = f"After {epochs}, {percent(last['accuracy'])} of the training images are right"
    note = "Training is measured while it learns, over the epoch; validation after the epoch."
    if not validated:
        note = "Measured while it learns, over the epoch. No images were held out for validation."
    elif history[0]["epoch"] < 1 <= last["epoch"]:
        note += f" Accuracy before training: {percent(history[0]['val_accuracy'])}."
    style.header(figure, title, note, body=4.6)
    upper = style.place(figure, 0.8, 2.65, 4.65, 1.8)
    lower = style.place(figure, 0.8, 0.6, 4.65, 1.8)
    _lines(upper, history, "loss")
    style.log_ticks(upper)
    _lines(lower, [row for row in history if row["epoch"] >= 1], "accuracy")
    style.percent_ticks(lower)
    for axes, name in ((upper, "loss, nats (log)"), (lower, "accuracy, %")):
        epoch_axis(axes, history)
        axes.set_ylabel(name)
        label_lines(axes)
    upper.tick_params(labelbottom=False)
    lower.set_xlabel("epoch")


Curve = tuple[str, str, str, str, str]  # column of the history, label, colour, marker, dashes


def draw_by_epoch(
    figure: Figure, history: Sequence[Row], upper: Sequence[Curve], lower: Sequence[Curve], of: str
) -> Axes:
    """Draw losses by epoch in the upper axes and shares in the lower axes, below a header.

    Parameters
    ----------
    figure : Figure
        A figure with a header and a body of 4.6 inches.
    history : sequence of dict
        Rows of `Run.history`.
    upper, lower : sequence of Curve
        Curves; columns that the history lacks are left out.
    of : str
        Label of the lower axes.

    Returns
    -------
    Axes
        The lower axes.
    """
    panels = [style.place(figure, 0.8, bottom, 4.65, 1.8) for bottom in (2.65, 0.6)]
    for axes, curves in zip(panels, (upper, lower), strict=True):
        for column, label, colour, marker, dash in curves:
            points = [(row["epoch"], row[column]) for row in history if column in row]
            if points:
                mark = marker if len(history) <= MARKERS_UP_TO else ""
                x, y = zip(*points, strict=True)
                axes.plot(x, y, dash, marker=mark, color=colour, label=label)
    style.log_ticks(panels[0])
    style.percent_ticks(panels[1])
    for axes, label in zip(panels, ("loss (log)", f"{of}, %"), strict=True):
        epoch_axis(axes, history)
        axes.set_ylabel(label)
        label_lines(axes)
    panels[0].tick_params(labelbottom=False)
    panels[1].set_xlabel("epoch")
    return panels[1]


LOSSES: tuple[Curve, ...] = (
    ("loss", "training", style.VERMILION, "s", "--"),
    ("val_loss", "held out", style.BLUE, "o", "-"),
)


def _lines(axes: Axes, rows: Sequence[Row], kind: str) -> None:
    marker = "o" if len(rows) <= MARKERS_UP_TO else ""
    styles = (
        ("training", kind, style.VERMILION, marker and "s", "--"),
        ("validation", f"val_{kind}", style.BLUE, marker, "-"),
    )
    for label, column, colour, mark, dash in styles:
        points = [(row["epoch"], row[column]) for row in rows if column in row]
        if points:
            axes.plot(*zip(*points, strict=True), dash, marker=mark, color=colour, label=label)


def label_lines(axes: Axes, names: Sequence[str] | None = None) -> None:
    """Label each line, or those in `names`, at its last point."""
    ends = []
    for line in axes.lines:
        label, (x, y) = str(line.get_label()), np.asarray(line.get_xydata())[-1]
        if names is None or label in names:
            ends.append((float(x), float(y), label, str(line.get_color())))
    style.label_points(axes, ends)


def epoch_axis(axes: Axes, history: Sequence[Row]) -> None:
    """Set limits and ticks of the x axis for epochs."""
    last = history[-1]["epoch"]
    axes.set_xlim(-0.02 * max(last, 1), max(last, 1) * 1.01)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(axis="y")


def draw_norms(figure: Figure, history: Sequence[Row]) -> None:
    """Draw per layer and epoch the norms of its weights, its update and its gradient.

    Parameters
    ----------
    figure : Figure
    history : sequence of dict
        With columns ``weight_norm.<layer>``, ``update_norm.<layer>`` and ``gradient_norm.<layer>``.
    """
    prefix = "weight_norm."
    layers = [name.removeprefix(prefix) for name in history[0] if name.startswith(prefix)]
    first, last = history[0], history[-1]
    title = "No epoch was finished, so no weight has moved"
    if len(history) > 1:
        layer = layers[0]
        weight, update = last[f"weight_norm.{layer}"], last[f"update_norm.{layer}"]
        gradients = first[f"gradient_norm.{layer}"], last[f"gradient_norm.{layer}"]
        title = (
            f"The last epoch moved {layer} by {update:.2g}, {percent(update / weight)} of its norm;"
            f" its gradient went from {gradients[0]:.2g} to {gradients[1]:.2g}"
        )
    style.header(figure, title, "Euclidean norms; kernel and bias of a layer together.", body=5.9)
    colours = [to_hex(c) for c in colormaps["viridis"](np.linspace(0, 0.8, len(layers)))]
    if len(layers) <= 3:
        colours = [style.BLUE, style.VERMILION, style.GREEN][: len(layers)]
    step = -(-len(layers) // LABELS_UP_TO)
    named = {*layers[::step], layers[-1]}
    panels = (("weight", "weights"), ("update", "update"), ("gradient", "gradient"))
    for row, (kind, label) in enumerate(panels):
        axes = style.place(figure, 0.88, 4.2 - 1.8 * row, 4.57, 1.5)
        for number, (layer, colour) in enumerate(zip(layers, colours, strict=True)):
            column = f"{kind}_norm.{layer}"
            points = [(r["epoch"], r[column]) for r in history if r.get(column, 0) > 0]
            if points:
                marker = "os^"[number % 3] if len(history) <= MARKERS_UP_TO else ""
                axes.plot(*zip(*points, strict=True), marker=marker, color=colour, label=layer)
        epoch_axis(axes, history)
        if axes.lines:
            style.log_ticks(axes)
            label_lines(axes, sorted(named))
        axes.set_ylabel(f"{label} (log)")
        axes.tick_params(labelbottom=row == len(panels) - 1)
    axes.set_xlabel("epoch")
