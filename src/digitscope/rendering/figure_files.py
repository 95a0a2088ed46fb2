"""Drawing of the figures of a report, and their encoding as PNG."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.rendering import style

Shown = TypeVar("Shown")  # the results of a run
FigureEntry: TypeAlias = tuple[str, str, Callable[[Figure, Shown], None], str]
"""Name, topic, function that draws the figure, and explanation of how to read it."""
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class RenderedFigure:
    """A drawn figure with its texts.

    Attributes
    ----------
    name : str
        Name of its PNG file, without the suffix.
    topic : str
        Its heading in the report.
    reading : str
        An explanation of how to read it.
    finding : str
        Its title.
    png : bytes
        The PNG file.
    width, height : int
        In pixels.
    """

    name: str
    topic: str
    reading: str
    finding: str
    png: bytes
    width: int
    height: int


def draw_figures(results: Shown, figures: Sequence[FigureEntry[Shown]]) -> list[RenderedFigure]:
    """Draw figures and return them in their order.

    Parameters
    ----------
    results : object
        The results that the figures show.
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

    # Encoding releases the interpreter lock, so it runs in parallel to the next drawing.
    with matplotlib.rc_context(style.RC), ThreadPoolExecutor(1) as pool:
        coming = []
        for name, topic, draw, reading in figures:
            figure = Figure()
            draw(figure, results)
            pixels = style.render(figure)
            title = style.finding(figure)
            coming.append(pool.submit(picture, name, topic, reading, title, pixels))
        return [one.result() for one in coming]
