"""The figures of the lesson on softmax."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from digitscope.image.digit import DIGITS
from digitscope.nn.losses import softmax
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.softmax import SoftmaxResult, SoftmaxSettings


def draw_temperature(result: "SoftmaxResult", settings: "SoftmaxSettings") -> Figure:
    """Draw one image, its logits and its probabilities at each temperature."""
    figure = Figure()
    temperatures, logits = settings.temperatures, result.logits
    rows = [softmax(logits[None] / np.float32(t))[0] for t in temperatures]
    answer = int(logits.argmax())
    title = (
        f"Temperatures from {min(temperatures):g} to {max(temperatures):g} take this answer, "
        f"{answer}, from {percent(max(r[answer] for r in rows))} to "
        f"{percent(min(r[answer] for r in rows))}; it stays {answer}"
        if len({int(row.argmax()) for row in rows}) == 1
        else "At the highest temperature float32 no longer distinguishes the largest logit"
    )
    note = (
        f"A test image with a low confidence (seed 0); its label is {result.label}. "
        "Vermilion: the answer. Green: the label, where that is another."
    )
    high = 1.6 * (-(-(len(rows) + 2) // 3))
    style.header(figure, title, note, body=high)
    colours = [style.PALE] * DIGITS
    colours[result.label] = style.GREEN
    colours[answer] = style.VERMILION
    names = ["", "logits", *(f"probabilities at T = {t:g}, %" for t in temperatures)]
    for at, (name, values) in enumerate(zip(names, [logits, logits, *rows], strict=True)):
        axes = style.place(figure, 0.4 + 2.1 * (at % 3), high - 1.35 - 1.6 * (at // 3), 1.7, 1.1)
        if not at:
            axes.imshow(result.image, cmap=style.PAPER, vmin=0, vmax=255)
            axes.axis("off")
            continue
        axes.bar(range(DIGITS), values, color=colours, edgecolor=style.GREY, linewidth=0.5)
        axes.set_title(name, fontsize=9.5, pad=4)
        axes.set_xticks(range(DIGITS), [str(d) for d in range(DIGITS)])
        axes.tick_params(length=0, pad=2, labelsize=8.5)
        if at > 1:
            axes.set_ylim(0, 1)
            axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
            style.percent_ticks(axes)
        else:
            axes.axhline(0, color=style.GREY, lw=0.8)
    return figure


def draw_losses(result: "SoftmaxResult", settings: "SoftmaxSettings") -> Figure:
    """Draw the three losses by gap, and the accuracy from too large first weights."""
    figure = Figure()
    gains, gaps, mean = settings.gains, result.gaps, result.accuracy.mean(2)
    worst = int((mean[0] - mean[1]).argmax())
    title = (
        f"From clipped probabilities, first weights {gains[worst]:g} times the usual end at "
        f"{percent(mean[1, worst])}; from logits, at {percent(mean[0, worst])}"
    )
    note = (
        f"Loss of one image; accuracy on held-out images after {count(settings.steps, 'epoch')}, "
        f"{count(settings.seeds, 'seed')}."
    )
    style.header(figure, title, note, body=3.3)
    left, right = (style.place(figure, x, 0.55, 2.3, 2.3) for x in (0.65, 3.9))
    colours = (style.BLUE, style.INK, style.VERMILION)
    for losses, colour, wide in zip(result.by_gap, colours, (5, 1.4, 2), strict=True):
        finite = np.isfinite(losses)
        left.plot(gaps[finite], losses[finite], color=colour, lw=wide, alpha=0.5 if wide > 4 else 1)
        if not finite.all():
            left.plot(gaps[finite][-1], losses[finite][-1], "o", color=colour, ms=4)
            left.text(gaps[finite][-1] - 5, losses[finite][-1] + 1, "∞ from here", ha="right")
    left.set_xlim(0, float(gaps[-1]))
    left.set_ylim(0, float(gaps[-1]))
    left.set_xlabel("wrong logit minus the label's")
    left.set_ylabel("loss, nats")
    places = np.arange(len(gains))
    right.bar(places, result.lost[0].mean(1), color=style.PALE, width=0.5, label="no gradient")
    names = ("from logits", "from probabilities", "clipped at 10⁻⁷")
    for values, colour in zip(result.accuracy, colours[::2], strict=True):
        style.over_seeds(right, places, values, color=colour)
    right.set_ylim(0, 1)
    style.percent_ticks(right)
    right.set_xticks(places, [f"{gain:g}" for gain in gains])
    right.set_xlabel("first weights, times the usual")
    right.set_ylabel("accuracy, %")
    handles: list[Artist] = [
        Line2D([], [], color=colour, label=name)
        for name, colour in zip(names, colours, strict=True)
    ]
    handles += right.get_legend_handles_labels()[0][-1:]
    at = (0.06, 3.22 / figure.get_size_inches()[1])
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=at, ncols=4,
                  columnspacing=1.2, handlelength=1.4)  # fmt: skip
    return figure
