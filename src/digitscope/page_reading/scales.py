"""The scales at which a picture is read."""

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.contrast import normalise_contrast
from digitscope.page_reading.glyphs import Floats
from digitscope.pictures import Gray


class MapMaker(Protocol):
    """Anything that gives maps of pictures: the page network, or a stand-in for it in tests."""

    def maps(self, picture: NDArray[np.uint8]) -> Floats:
        """Return maps of shape (28, height / 4, width / 4) of a normalised picture."""


@dataclass(frozen=True, eq=False)
class Level:
    """The maps of a picture at one scale.

    Attributes
    ----------
    scale : tuple of float
        Pixels of the level to one of the picture, across and down.
    maps : ndarray of shape (28, height / 4, width / 4), dtype float32
    """

    scale: tuple[float, float]
    maps: Floats


def look(gray: Gray, network: MapMaker, scale: float) -> Level:
    """Return the maps of a picture at a scale."""
    height, width = gray.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size != (width, height):
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        gray = cv2.resize(gray, size, interpolation=method)
    return Level((size[0] / width, size[1] / height), network.maps(normalise_contrast(gray)))
