"""The figures of the lesson on accuracy."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.evaluation import wilson_interval
from digitscope.image.digit import DIGITS
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.accuracy import AccuracyResult, AccuracySettings

PEOPLE = 0.002  # share of digits that people get wrong: quoted, see the sources; not measured here
SHOWN = 10  # images, at most, that no network reads correctly


def draw_scale(rows: list[tuple[str, int]], settings: "AccuracySettings", n: int) -> Figure:
    """Draw the errors of each reader, with their intervals."""
    figure = Figure()
    low, high = wilson_interval(round(settings.accuracy * n), n)
    title = (
        f"{percent(1 - settings.accuracy, 2)} errors of {n:,}, with an interval of "
        f"{100 * (1 - high):.2f} to {percent(1 - low, 2)}, beside other classifiers"
    )
    note = "Share of test images that are read wrongly, with its 95 % interval."
    body = 0.34 * (len(rows) + 1)
    style.header(figure, title, note, body=body + 0.75)
    axes = style.place(figure, 1.75, 0.55, 3.85, body)
    for at, (name, right) in enumerate(rows):
        colour = style.VERMILION if name == "in question" else style.BLUE
        least, most = (1 - share for share in reversed(wilson_interval(right, n)))
        least = max(least, 1e-4)
        axes.plot([least, most], [at, at], color=colour, lw=7, alpha=0.3, solid_capstyle="butt")
        axes.plot(max(1 - right / n, 1e-4), at, "o", color=colour, ms=6)
        axes.text(1.3, at, percent(1 - right / n, 2), va="center", ha="left", size=9.5)
    axes.plot(PEOPLE, len(rows), "o", mfc="white", mec=style.INK, ms=6)
    axes.text(1.3, len(rows), f"0.2{NBSP}%", va="center", ha="left", size=9.5, color=style.GREY)
    axes.set_yticks(range(len(rows) + 1), [*(name for name, _ in rows), "people, quoted"])
    axes.set_ylim(len(rows) + 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    style.log_x(axes, (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1))
    axes.set_xlim(0.001, 1)
    style.percent_ticks(axes, "x")
    axes.grid(axis="x")
    axes.set_xlabel("errors, % (log)")
    return figure


def draw_nobody(result: "AccuracyResult", nobody: NDArray[np.int64], everyone: str) -> Figure:
    """Draw the images that no network reads correctly."""
    figure = Figure()
    shown = nobody[:SHOWN]
    be = "is" if len(nobody) == 1 else "are"
    title = f"{len(nobody):,} of {len(result.labels):,} test images {be} misread by {everyone}"
    note = f"The first {len(shown)} of them." if len(shown) < len(nobody) else ""
    down = max(1, -(-len(shown) // 5))
    style.header(figure, title, note, body=1.65 * down + 0.1)
    if not len(shown):
        style.say(figure, "Every test image is read correctly by at least one of them.")
    said = np.concatenate([result.answers, np.stack(list(result.shipped.values()))])
    for at, index in enumerate(shown):
        left, bottom = 0.12 + 1.24 * (at % 5), 0.45 + 1.65 * (down - 1 - at // 5)
        axes = style.place(figure, left, bottom, 0.9, 0.9)
        axes.imshow(result.images[index], cmap=style.PAPER, vmin=0, vmax=255)
        axes.axis("off")
        axes.set_title(f"label {result.labels[index]}", fontsize=9.5, pad=3)
        tally = np.bincount(said[:, index], minlength=DIGITS)
        order = [int(d) for d in np.argsort(-tally, kind="stable") if tally[d]]
        words = ", ".join(f"{d} ({tally[d]})" for d in order[:2])
        axes.text(0.5, -0.1, words, transform=axes.transAxes, ha="center", va="top",
                  size=9.5, color=style.VERMILION)  # fmt: skip
    return figure
