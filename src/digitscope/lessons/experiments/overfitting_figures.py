"""The figures of the lesson on overfitting."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from digitscope.rendering import style
from digitscope.rendering.wording import percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.overfitting import OverfittingResult, OverfittingSettings


def draw_curves(result: "OverfittingResult", settings: "OverfittingSettings") -> Figure:
    """Draw loss and accuracy by epoch, without a remedy."""
    figure = Figure()
    curves, mean = result.curves, result.curves.mean(0)
    title = (
        f"The training loss falls to {mean[-1, 0]:.3f}; the validation loss turns at "
        f"{curves[..., 2].min(1).mean():.2f} and ends at {mean[-1, 2]:.2f}"
    )
    note = (
        f"{settings.images:,} training and {result.images[1]:,} validation images, no remedy, "
        f"{settings.seeds} seeds."
    )
    style.header(figure, title, note, body=3.0)
    epochs = np.arange(1, len(mean) + 1)
    top = min(1.2, 1.05 * float(mean[:, :3:2].max()))
    for column, what in enumerate(("loss, nats", "accuracy, %")):
        axes = style.place(figure, 0.65 + 3.2 * column, 0.55, 1.75, 2.3)
        ends = []
        sets = ((0, "training", style.BLUE), (2, "validation", style.INK))
        for first, name, colour in sets:
            axes.plot(epochs, curves[..., first + column].T, color=colour, lw=0.6, alpha=0.5)
            axes.plot(epochs, mean[:, first + column], color=colour)
            ends.append((float(epochs[-1]), float(mean[-1, first + column]), name, colour))
        for curve, (kept, _) in zip(curves, result.stopped, strict=True):
            axes.plot(kept, curve[kept - 1, 2 + column], "o", color=style.VERMILION, zorder=4)
        axes.set_ylim(*((0, top) if column == 0 else (None, 1.005)))
        if column:
            style.percent_ticks(axes)
        axes.set_xlabel("epoch")
        axes.set_ylabel(what)
        style.label_points(axes, ends)
    return figure


def draw_gap(
    result: "OverfittingResult", settings: "OverfittingSettings", by_heart: float
) -> Figure:
    """Draw training and test accuracy by the number of images memorised."""
    figure = Figure()
    sizes, gap = settings.sizes, 100 * (result.gap[..., 0] - result.gap[..., 1]).mean(1)
    title = (
        f"With {sizes[0]:,} images memorised, test accuracy is {gap[0]:.1f} points lower; "
        f"with {sizes[-1]:,}, {gap[-1]:.1f}"
    )
    known = f"{percent(by_heart)} of the training images are read correctly"
    note = f"Trained until {known}; {settings.seeds} seeds."
    style.header(figure, title, note, body=3.0)
    axes = style.place(figure, 0.7, 0.55, 4.4, 2.3)
    ends = []
    for part, name, colour in ((0, "training", style.BLUE), (1, "test", style.VERMILION)):
        values = result.gap[..., part]  # (sizes, seeds)
        style.over_seeds(axes, sizes, values, color=colour)
        ends.append((float(sizes[-1]), float(values[-1].mean()), name, colour))
    style.log_x(axes, sizes)
    axes.set_xlabel("training images")
    axes.set_ylabel("accuracy, %")
    axes.set_ylim(None, 1.03)
    style.percent_ticks(axes)
    style.label_points(axes, ends)
    return figure
