"""The figures of the lesson on cross-entropy."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from digitscope.image.digit import DIGITS
from digitscope.lessons.content import short
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.cross_entropy import (
        CrossEntropyResult,
        CrossEntropySettings,
    )


def draw_curve(result: "CrossEntropyResult") -> Figure:
    """Draw the loss of each test image, and how many images have which probability."""
    figure = Figure()
    p, n, wrong, loss = result.probabilities, len(result.right), ~result.right, result.losses
    title = (
        f"The {wrong.sum():,} test images that are read wrongly, of {n:,}, make up "
        f"{percent(result.wrong_share)} of the loss"
    )
    style.header(figure, title, "Test images, by the probability of their label.", body=4.1)
    top = style.place(figure, 0.8, 1.9, 5.3, 2.1)
    grid = np.geomspace(1e-7, 1, 400)
    top.plot(grid, -np.log(grid), color=style.INK, lw=1)
    for which, colour in ((result.right, style.BLUE), (wrong, style.VERMILION)):
        top.plot(p[which], loss[which], "o", ms=5, mew=0, color=colour, alpha=0.3)
    top.set_ylabel("loss, nats")
    top.set_ylim(-0.2, max(1.1 * float(loss.max()), 5))
    top.tick_params(labelbottom=False)
    top.axhline(np.log(DIGITS), color=style.GREY, lw=0.9, ls=":")
    top.text(
        1, np.log(DIGITS) + 0.3, "a guess: log 10 = 2.30", color=style.GREY, size=9, ha="right"
    )
    below = style.place(figure, 0.8, 0.5, 5.3, 1.25)
    below.hist(
        [p[result.right], p[wrong]], np.linspace(0, 1, 41).tolist(), histtype="step", lw=1.6,
        color=[style.BLUE, style.VERMILION], label=["read correctly", "read wrongly"],
    )  # fmt: skip
    below.set_ylim(0.7, 1.5 * n)
    style.log_ticks(below)
    below.set_ylabel("images (log)")
    below.set_xlabel("probability of the label")
    top.legend(*below.get_legend_handles_labels(), loc="upper right")
    for axes in (top, below):
        axes.set_xlim(-0.01, 1.01)
    return figure


def draw_learning(
    result: "CrossEntropyResult", settings: "CrossEntropySettings", names: tuple[str, ...]
) -> Figure:
    """Draw the gradient of both losses, and how both learn from large first weights."""
    figure = Figure()
    entropy, squared = result.gradients_at_10
    ends = [percent(a) for a in result.accuracy[1].mean(1)]
    title = (
        f"Where a wrong logit is larger by 10, squared error's gradient is {short(squared)} and "
        f"cross-entropy's {entropy:.2f}; they end at {ends[1]} and {ends[0]}"
    )
    note = (
        f"Right: first weights times {settings.gain:g}; each loss at its best rate; "
        f"{count(settings.seeds, 'seed')}; test accuracy in the title."
    )
    style.header(figure, title, note, body=3.2)
    left, right = (style.place(figure, x, 0.55, 2.3, 2.25) for x in (0.85, 4.0))
    for slope, curves, name, colour in zip(
        result.slopes, result.curves[1], names, (style.BLUE, style.VERMILION), strict=True
    ):
        left.plot(result.wrong, slope, color=colour, label=name)
        right.plot(result.at, curves.mean(0), color=colour)
        right.fill_between(result.at, curves.min(0), curves.max(0), color=colour, alpha=0.2, lw=0)
    left.set_ylim(1e-9, 3)
    style.log_ticks(left)
    left.set_xlabel("wrong logit minus the label's")
    left.yaxis.set_major_locator(FixedLocator([1e-9, 1e-6, 1e-3, 1]))
    left.set_yticklabels(["10⁻⁹", "10⁻⁶", "10⁻³", "1"])
    left.set_ylabel("size of the gradient\nby the label's logit (log)")
    style.log_ticks(right)
    right.set_xlabel("step")
    right.set_ylabel("cross-entropy, nats")
    figure.legend(
        *left.get_legend_handles_labels(), loc="upper left", ncols=2,
        bbox_to_anchor=(0.1, 3.2 / figure.get_size_inches()[1]),
    )  # fmt: skip
    return figure
