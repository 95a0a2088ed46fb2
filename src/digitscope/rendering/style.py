"""The style of all figures: size, colours and fonts, and helpers to position elements in inches.

Positions are given in inches, since Matplotlib's layout engines draw everything twice.
"""

import textwrap
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray
from PIL import Image

from digitscope.rendering.wording import power_of_ten

WIDTH = 6.4  # inches
DPI = 150

INK, GREY, PALE = "#1f1f1f", "#666666", "#d9d9d6"
# Okabe and Ito, "Color Universal Design", 2008. They also differ in lightness.
BLUE, VERMILION, GREEN = "#0072b2", "#d55e00", "#009e73"
PAPER = LinearSegmentedColormap.from_list("paper", ["#f1f1ee", "#111111"])  # 0 = paper, 255 = ink

RC: Any = {  # its keys are typed in some releases of Matplotlib and not in others
    "font.family": "DejaVu Sans",  # comes with Matplotlib
    "font.size": 10,
    "text.hinting": "none",  # rendered in half the time
    "text.parse_math": False,
    "text.usetex": False,
    "text.color": INK,
    "axes.edgecolor": "#8c8c8c",
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#e4e4e1",
    "grid.linewidth": 0.8,
    "xtick.color": "#8c8c8c",
    "ytick.color": "#8c8c8c",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "lines.linewidth": 2.0,
    "lines.markersize": 5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "figure.dpi": DPI,
}

_TITLE, _NOTE = 12.0, 9.5  # points; font sizes
_TITLE_LINE, _NOTE_LINE = 0.215, 0.17  # inches; heights of lines


def header(figure: Figure, title: str, note: str = "", *, body: float) -> None:
    """Write the title and a note below it, and set the height of the figure.

    Parameters
    ----------
    figure : Figure
        Empty.
    title : str
        The finding, with its numbers.
    note : str
        What was measured, and on which data.
    body : float
        Height below the header, in inches; the origin of `place` is its lower left corner.
    """
    title_lines, note_lines = balanced(title, 61), balanced(note, 86)
    height = 0.1 + len(title_lines) * _TITLE_LINE + len(note_lines) * _NOTE_LINE + 0.16 + body
    figure.set_size_inches(WIDTH, height)
    y = height - 0.1
    left = 0.08 / WIDTH
    figure.suptitle(
        "\n".join(title_lines), x=left, y=y / height, ha="left", va="top",
        fontsize=_TITLE, fontweight="bold", linespacing=1.25,
    )  # fmt: skip
    y -= len(title_lines) * _TITLE_LINE + 0.03
    figure.text(
        left, y / height, "\n".join(note_lines), va="top",
        fontsize=_NOTE, color=GREY, linespacing=1.25,
    )  # fmt: skip


def balanced(text: str, width: int) -> list[str]:
    """Wrap `text` into as few lines as possible, of about the same length.

    >>> balanced("the weakest of them has a norm of 2.8", 34)
    ['the weakest of them', 'has a norm of 2.8']
    """
    lines = textwrap.wrap(text, width, break_on_hyphens=False)
    narrower = lines
    while len(narrower) == len(lines) > 1:
        lines, width = narrower, width - 1
        narrower = textwrap.wrap(text, width, break_on_hyphens=False)
    return lines


def finding(figure: Figure) -> str:
    """Return the title of a figure as one line."""
    return figure.get_suptitle().replace("\n", " ")


def place(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return new axes, placed in inches from the figure's lower left corner."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def say(figure: Figure, text: str) -> None:
    """Write `text` in place of a drawing, if there is nothing to draw."""
    figure.text(0.5, 0.35, text, ha="center", va="center", fontsize=11, color=GREY)


def log_ticks(axes: Axes) -> None:
    """Make the y axis logarithmic with plain numbers: 0.01, 0.02, 0.05, 0.1."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    subs = (1.0,) if high / low > 300 else (1.0, 3.0) if high / low > 25 else (1.0, 2.0, 5.0)
    axes.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: f"{y:,g}" if y >= 1e-4 else power_of_ten(y))
    )
    axes.yaxis.set_minor_locator(NullLocator())  # minor ticks take most of the time of drawing


def log_x(axes: Axes, ticks: Sequence[float]) -> None:
    """Make the x axis logarithmic, with the given ticks as plain numbers: 0.003, 100, 10,000."""
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda x, _: f"{x:,.0f}" if x >= 100 else f"{x:g}")
    )
    axes.xaxis.set_minor_locator(NullLocator())


def over_seeds(axes: Axes, x: Any, values: NDArray[Any], **look: Any) -> ErrorbarContainer:
    """Draw a line through means over seeds, with bars from the smallest to the largest value.

    Parameters
    ----------
    axes : Axes
    x : sequence of n numbers
    values : ndarray of shape (n, seeds)
    **look
        Properties of the line: color, label, ls, ms.
    """
    mean = values.mean(1)
    reach = np.abs(np.stack([values.min(1), values.max(1)]) - mean)
    return axes.errorbar(x, mean, reach, marker="o", elinewidth=1.0, **look)


def percent_ticks(axes: Axes, which: str = "y") -> None:
    """Format the ticks of an axis of shares as per cent, with as few decimals as possible."""

    def write(value: float, _: Any) -> str:
        return f"{round(value * 100, 6):g}"

    for name in which:
        getattr(axes, f"{name}axis").set_major_formatter(FuncFormatter(write))


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Return the heights, moved as little as possible, so that their distance is at least `gap`.

    >>> spread([1.0, 1.5, 9.0], 2.0)
    [0.25, 2.25, 9.0]
    """
    order = sorted(range(len(heights)), key=lambda i: heights[i])
    groups: list[list[int]] = []

    def lowest(group: list[int]) -> float:
        return sum(heights[i] for i in group) / len(group) - (len(group) - 1) / 2 * gap

    for i in order:
        groups.append([i])
        while len(groups) > 1:
            before, last = groups[-2:]
            if lowest(before) + len(before) * gap <= lowest(last):
                break
            groups[-2:] = [before + last]
    moved = list(heights)
    for group in groups:
        for step, i in enumerate(group):
            moved[i] = lowest(group) + step * gap
    return moved


def label_points(
    axes: Axes,
    points: Sequence[tuple[float, float, str, str]],
    *,
    side: int = 1,
    lift: float = 0,
) -> None:
    """Write a label beside each (x, y, text, colour), moved vertically to avoid overlaps.

    Parameters
    ----------
    axes : Axes
        With its final limits.
    points : sequence of tuple
    side : {1, -1}
        1 for labels on the right of the points, -1 on the left.
    lift : float
        Distance above the point, in typographic points.
    """
    if not points:
        return
    axes.get_xlim(), axes.get_ylim()  # computes the limits, which transData does not
    per_point = DPI / 72
    at = axes.transData.transform([(x, y) for x, y, _, _ in points])[:, 1] / per_point
    wanted = [float(y) + lift for y in at]
    for (x, y, text, colour), old, new in zip(points, at, spread(wanted, 13), strict=True):
        axes.annotate(
            text, (x, y), (side * 7, new - old), textcoords="offset points", color=colour,
            ha="left" if side > 0 else "right", va="center", fontsize=9.5, annotation_clip=False,
        )  # fmt: skip


def mosaic(
    tiles: NDArray[Any], columns: int, *, across: int = 2, down: int = 2
) -> NDArray[np.float32]:
    """Return pictures as one picture, row after row, with NaN between them.

    Parameters
    ----------
    tiles : ndarray of shape (n, height, width)
    columns : int
    across, down : int
        Empty pixels to the right of and below each picture.

    Examples
    --------
    >>> mosaic(np.ones((3, 2, 2)), 2, across=1, down=0).shape
    (4, 6)
    """
    n, height, width = tiles.shape
    rows = -(-n // columns)
    cells = np.full((rows * columns, height + down, width + across), np.nan, np.float32)
    cells[:n, :height, :width] = tiles
    grid = cells.reshape(rows, columns, height + down, width + across)
    return grid.swapaxes(1, 2).reshape(rows * (height + down), columns * (width + across))


def render(figure: Figure) -> NDArray[np.uint8]:
    """Return a figure as pixels, uint8 (height, width, 3)."""
    canvas: Any = FigureCanvasAgg(figure)  # not typed
    canvas.draw()
    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])


def encode(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels as a PNG file."""
    stream = BytesIO()
    # Level 4 takes half the time of level 6, for about the same size.
    Image.fromarray(pixels).save(stream, "png", compress_level=4)
    return stream.getvalue()
