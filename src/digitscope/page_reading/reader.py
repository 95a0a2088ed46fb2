"""Read a picture with the page network.

::

    picture -> gray -> scales -> maps -> glyphs -> numbers -> lines and grids -> Page
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.classifier import Classifier, load
from digitscope.page_reading.glyphs import merge
from digitscope.page_reading.grids import find_lattices
from digitscope.page_reading.numbers import find_runs
from digitscope.page_reading.orientation import find_turn
from digitscope.page_reading.page import Writing, to_page
from digitscope.page_reading.parameters import ReadingParameters
from digitscope.page_reading.scales import MapMaker, confirm, look_at_all
from digitscope.page_reading.tiles import look_again
from digitscope.pictures import Gray, read_gray
from digitscope.reading.page import Page


def read(
    picture: str | Path | bytes | Image.Image | NDArray[Any],
    *,
    network: MapMaker,
    classifier: Classifier | str | Path | None = None,
    threshold: float | None = None,
    parameters: ReadingParameters | None = None,
) -> Page:
    """Read every number in a picture.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        A photo, scan or screenshot; arrays as `digitscope.pictures.read_gray` takes them.
    network : PageNetwork
    classifier : Classifier, name or path, optional
        What takes a second look at each digit; none unless given.
    threshold : float, optional
        The probability below which a digit is refused; that of the parameters unless given.
    parameters : ReadingParameters, optional

    Returns
    -------
    Page
        Empty lines and grids where there is nothing to read.

    Raises
    ------
    BadImage
        When it cannot be decoded.
    """
    parameters = parameters or ReadingParameters()
    if threshold is not None:
        parameters = replace(parameters, threshold=threshold)
    if classifier is not None and not isinstance(classifier, Classifier):
        classifier = load(classifier)
    return read_page(read_gray(picture), network, parameters, classifier)


def read_page(
    gray: Gray,
    network: MapMaker,
    parameters: ReadingParameters,
    classifier: Classifier | None = None,
) -> Page:
    """Return what is written on a gray page."""
    levels = look_at_all(gray, network, parameters)
    quarters = find_turn(gray, levels, network, parameters)
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        levels = look_at_all(gray, network, parameters)
    glyphs = confirm(merge([level.glyphs for level in levels], parameters), levels, parameters)
    glyphs, tiles = look_again(gray, glyphs, classifier, parameters)
    runs = find_runs(glyphs, parameters)
    lattices = find_lattices(levels, glyphs, parameters)
    return to_page(Writing(gray, 90 * quarters, glyphs, tiles, runs, lattices), parameters)
