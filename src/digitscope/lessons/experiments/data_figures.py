"""The figures of the lesson on the data."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.image.digit import DIGITS, SIDE
from digitscope.rendering import style
from digitscope.rendering.wording import percent

if TYPE_CHECKING:
    from digitscope.lessons.experiments.data import DataResult, DataSettings


def draw_images(result: "DataResult", recall: NDArray[np.float64], right: float) -> Figure:
    """Draw training images and the means; `recall` is of each mean, `right` of all."""
    figure = Figure()
    images = result.images
    rows, tile = len(images) - 1, 0.6
    title = (
        "A digit has many forms; of ten mean images the nearest "
        f"is right on {percent(right)} of new ones"
    )
    note = f"Training images of each digit, and the means of all {result.counts[0].sum():,}."
    style.header(figure, title, note, body=tile * (rows + 1) + 0.45)
    for bottom, part in ((0.3, images[-1:]), (tile + 0.4, images[:-1])):
        axes = style.place(figure, 0.2, bottom, tile * DIGITS, tile * len(part))
        tiles = style.mosaic(part.reshape(-1, SIDE, SIDE), DIGITS)
        axes.imshow(tiles, cmap=style.PAPER, vmin=0, vmax=1, interpolation="nearest")
        axes.axis("off")
    for digit, share in enumerate(recall):
        x, y = 0.2 + tile * (digit + 0.47), 0.28 / figure.get_size_inches()[1]
        figure.text(x / style.WIDTH, y, percent(share, 0), ha="center", va="top", fontsize=9.5)
    return figure


def draw_memory(result: "DataResult", settings: "DataSettings", shuffled: str) -> Figure:
    """Draw the accuracy of both classifiers by the number of images remembered."""
    figure = Figure()
    sizes, new = result.sizes, result.accuracy[0, :, 1, -1].mean(-1)
    title = (
        f"A memory of {sizes[-1]:,} images reads these without error; of new images it gets "
        f"{percent(new[0])} with true labels, {percent(new[1])} with {shuffled} ones"
    )
    style.header(figure, title, f"Accuracy over {settings.seeds} draws of images.", body=3.35)
    for kind, labels in enumerate(("true", shuffled)):
        axes = style.place(figure, 0.62 + 2.9 * kind, 0.55, 2.6, 2.5)
        lines = {}
        for method, colour in (("nearest image", style.BLUE), ("nearest mean", style.VERMILION)):
            for where, line in (("seen", "--"), ("new", "-")):
                rows = result.accuracy[int("mean" in method), kind, int(where == "new")]
                lines[f"{method}, {where}"] = style.over_seeds(
                    axes, sizes, rows, color=colour, ls=line, ms=4
                )
        axes.set_title(f"{labels} labels", loc="left", fontsize=10)
        axes.axhline(result.chance, color=style.GREY, lw=0.9, ls=":")
        axes.set(ylim=(0, 1.03), xlabel="images remembered (log)")
        style.log_x(axes, sizes)
        axes.tick_params(axis="x", labelsize=8.5)
        style.percent_ticks(axes)
        if kind == 0:
            axes.set_ylabel("accuracy, %")
            axes.legend(
                lines.values(), lines.keys(), loc=(0.02, 0.18), fontsize=8.5, handlelength=3
            )
            y = result.chance - 0.02
            axes.text(sizes[-1], y, "chance", ha="right", va="top", size=9, color=style.GREY)
    return figure
