"""Read a picture with the page network.

::

    picture -> gray -> scales -> maps -> glyphs -> numbers -> lines and grids -> Page
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.glyph_classes import STRIDE
from digitscope.page_reading.glyphs import find_glyphs
from digitscope.page_reading.grids import find_grids
from digitscope.page_reading.numbers import find_runs
from digitscope.page_reading.page import Writing, to_page
from digitscope.page_reading.parameters import ReadingParameters
from digitscope.page_reading.scales import MapMaker, look
from digitscope.pictures import Gray, read_gray
from digitscope.reading.page import Page


def read(
    picture: str | Path | bytes | Image.Image | NDArray[Any],
    *,
    network: MapMaker,
    threshold: float | None = None,
) -> Page:
    """Read every number in a picture.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        A photo, scan or screenshot; arrays as `digitscope.pictures.read_gray` takes them.
    network : PageNetwork
    threshold : float, optional
        The probability below which a digit is refused.

    Returns
    -------
    Page
        Empty lines and grids where there is nothing to read.

    Raises
    ------
    BadImage
        When it cannot be decoded.
    """
    parameters = ReadingParameters()
    if threshold is not None:
        parameters = ReadingParameters(threshold=threshold)
    return read_page(read_gray(picture), network, parameters)


def read_page(gray: Gray, network: MapMaker, parameters: ReadingParameters) -> Page:
    """Return what is written on a gray page."""
    level = look(gray, network, 1.0)
    glyphs = find_glyphs(level.maps, level.scale, parameters)
    runs = find_runs(glyphs, parameters)
    to_picture = np.array([STRIDE / level.scale[0], STRIDE / level.scale[1]], np.float32)
    lattices = [lattice * to_picture for lattice in find_grids(level.maps, parameters)]
    return to_page(Writing(gray, 0, glyphs, runs, lattices), parameters)
