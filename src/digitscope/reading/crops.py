"""Input of the glyph network: a square crop for each glyph, with normalised contrast."""

import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray
from digitscope.models.glyph_classes import CROP
from digitscope.reading.glyphs import Floats
from digitscope.reading.windows import cut_window

CROP_FACTOR = 1.6  # side of the crop, in longer sides of the glyph's box
MIN_SIDE = 8.0  # pixels; a box with a shorter longer side is cut as if it had this one
CROP_MEAN, CROP_STD = 128, 24  # gray levels of a crop: its mean and its standard deviation
STD_OFFSET = 4.0  # levels added to the standard deviation, so that paper grain is not amplified


def cut_crops(gray: Gray, centres: Floats, sizes: Floats) -> NDArray[np.uint8]:
    """Return the crop of each glyph in the form that the glyph network takes.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        Dark on light or light on dark.
    centres, sizes : ndarray of shape (n, 2), dtype float32
        x and y of the centre of each box; its width and height; in pixels.

    Returns
    -------
    ndarray of shape (n, 32, 32), dtype uint8
        Each crop has mean 128 and a standard deviation of 24 levels; less on nearly empty paper.
    """
    return normalise_levels(cut_squares(gray, centres, sizes, CROP_FACTOR, CROP))


def cut_squares(
    gray: Gray, centres: Floats, sizes: Floats, factor: float, side: int
) -> NDArray[np.uint8]:
    """Return a square around each glyph, with the gray levels of the picture.

    Parameters
    ----------
    gray, centres, sizes
        As for `cut_crops`.
    factor : float
        Side of the square, in longer sides of the glyph's box.
    side : int
        Side of the result, in pixels.

    Returns
    -------
    ndarray of shape (n, side, side), dtype uint8
    """
    half = factor / 2 * np.maximum(sizes.max(axis=1, initial=0), MIN_SIDE)
    boxes = np.hstack([centres - half[:, None], centres + half[:, None]])
    squares = [cut_window(gray, tuple(box), (side, side)) for box in boxes.tolist()]
    return np.stack(squares) if squares else np.zeros((0, side, side), np.uint8)


def normalise_levels(squares: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return squares whose gray levels have the mean and standard deviation of a crop."""
    levels = squares.astype(np.float32)
    mean = levels.mean(axis=(1, 2), keepdims=True)
    deviation = levels.std(axis=(1, 2), keepdims=True) + STD_OFFSET
    scaled = (levels - mean) * (CROP_STD / deviation) + CROP_MEAN
    normalised: NDArray[np.uint8] = scaled.round().clip(0, 255).astype(np.uint8)
    return normalised
