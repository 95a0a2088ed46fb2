"""Draw the figures of a page, one after another, and encode them beside."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.rendering import style

Shown = TypeVar("Shown")  # what is known of a run
FigureEntry: TypeAlias = tuple[str, str, Callable[[Figure, Shown], None], str]
"""Name, topic, what draws it, how to read it."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class RenderedFigure:
    """A figure that has been drawn.

    Attributes
    ----------
    name : str
        Of its PNG file, without the suffix.
    topic : str
        Its heading on the page.
    reading : str
        How to read it.
    finding : str
        Its title.
    png : bytes
        The file.
    width, height : int
        Pixels.
    """

    name: str
    topic: str
    reading: str
    finding: str
    png: bytes
    width: int
    height: int


def draw_figures(results: Shown, figures: Sequence[FigureEntry[Shown]]) -> list[RenderedFigure]:
    """Return figures, drawn, in their order.

    Parameters
    ----------
    results : object
        What the figures show.
    figures : sequence of Drawing
    """

    def picture(name: str, topic: str, reading: str, title: str, pixels: Pixels) -> RenderedFigure:
        height, width, _ = pixels.shape
        return RenderedFigure(
            name=name,
            topic=topic,
            reading=reading,
            finding=title,
            png=style.encode(pixels),
            width=width,
            height=height,
        )

    # Encoding needs no interpreter lock: it runs beside the drawing of the next figure.
    with matplotlib.rc_context(style.RC), ThreadPoolExecutor(1) as pool:
        coming = []
        for name, topic, draw, reading in figures:
            figure = Figure()
            draw(figure, results)
            pixels = style.render(figure)
            title = style.finding(figure)
            coming.append(pool.submit(picture, name, topic, reading, title, pixels))
        return [one.result() for one in coming]
