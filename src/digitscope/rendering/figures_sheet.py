"""A grid of small pictures with captions, as a figure."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.image.digit import SIDE
from digitscope.rendering import style

COLUMNS = 6
# Space to the right of a picture, and below it for the caption, in sides of a picture.
ACROSS, DOWN = 12 / SIDE, 17 / SIDE


def draw_sheet(
    figure: Figure,
    title: str,
    note: str,
    tiles: NDArray[np.uint8],
    words: Sequence[tuple[str, str]],
) -> tuple[Axes, list[tuple[int, int]]]:
    """Draw pictures in rows of six.

    Parameters
    ----------
    figure : Figure
        Empty.
    title, note : str
    tiles : ndarray of shape (n, side, side), dtype uint8
        0 is paper, 255 is ink.
    words : sequence of n (str, str)
        The two lines of each caption: a bold one and a gray one.

    Returns
    -------
    Axes
        Axes whose unit is a pixel of the pictures.
    list of (int, int)
        x and y of the upper left corner of each picture.
    """
    side = tiles.shape[1]
    across, down = round(ACROSS * side), round(DOWN * side)
    picture = style.mosaic(tiles, COLUMNS, across=across, down=down)[:, :-across]
    high, wide = picture.shape
    inches = (style.WIDTH - 0.16) / wide
    style.header(figure, title, note, body=high * inches)
    axes = style.place(figure, 0.08, 0, wide * inches, high * inches)
    axes.imshow(picture, cmap=style.PAPER, vmin=0, vmax=255, extent=(0, wide, high, 0))
    axes.set_axis_off()
    corners = []
    for i, (bold, soft) in enumerate(words):
        row, column = divmod(i, COLUMNS)
        x, y = column * (side + across), row * (side + down)
        below, step = y + side, side / SIDE
        axes.text(x, below + 4.6 * step, bold, va="center", size=10.5, weight="bold")
        axes.text(x, below + 10.4 * step, soft, va="center", size=8.8, color=style.GREY)
        corners.append((x, y))
    return axes, corners
