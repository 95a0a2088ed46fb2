"""The figure of the lesson on backpropagation."""

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from digitscope.lessons.content import short
from digitscope.rendering import style

if TYPE_CHECKING:
    from digitscope.lessons.experiments.backpropagation import (
        BackpropagationResult,
        BackpropagationSettings,
    )


def draw_differences(
    result: "BackpropagationResult", settings: "BackpropagationSettings"
) -> Figure:
    """Draw how closely both gradients agree, by step."""
    figure = Figure()
    first = result.kernels[0]
    title = (
        f"Half of the weights of W₁ agree with differences to {short(first.median.min())} at h = "
        f"{short(first.steps[first.best])}; larger and smaller steps are less exact"
    )
    note = (
        f"Relative difference for {len(first.by_hand)} weights of each kernel, "
        f"{settings.precision}, {result.checked_on} images, before training."
    )
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.85, 0.55, 5.1, 2.8)
    for kernel, colour in zip(result.kernels, (style.BLUE, style.VERMILION), strict=True):
        worst = kernel.error.max(1)
        axes.fill_between(kernel.steps, kernel.median, worst, color=colour, alpha=0.15, lw=0)
        axes.plot(kernel.steps, kernel.median, color=colour, marker="o", ms=3.5, label=kernel.name)
    axes.loglog()
    axes.minorticks_off()
    axes.text(1e-8, 1e-3, "rounding, ~ 1/h", color=style.GREY, size=9.5)
    axes.text(1e-3, 1e-1, "curvature and ReLU, ~ h²", color=style.GREY, size=9.5, ha="right")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value).replace("1.0 × ", "")))
    axes.set_xlabel("step h of the differences")
    axes.set_ylabel("relative difference")
    axes.legend(loc="lower left")
    return figure
