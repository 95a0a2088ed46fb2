"""What the glyph network looks at: a glyph with a little around it, its contrast normalised."""

import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray
from digitscope.models.glyph_classes import CROP
from digitscope.reading.glyphs import Floats
from digitscope.reading.windows import cut_window

AROUND = 1.6  # side of the crop, in longer sides of the glyph's box
LEAST = 8.0  # pixels; a shorter box counts as one with this side
MIDDLE, SPREAD = 128, 24  # levels of a crop: its mean, and one standard deviation
FAINT = 4.0  # levels added to the standard deviation, so that grain on empty paper stays faint


def cut_crops(gray: Gray, centres: Floats, sizes: Floats) -> NDArray[np.uint8]:
    """Return a square around each glyph, as the glyph network wants it.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        Dark on light or light on dark.
    centres, sizes : ndarray of shape (n, 2), dtype float32
        x and y of the middle of each box, its width and height, in pixels.

    Returns
    -------
    ndarray of shape (n, 32, 32), dtype uint8
        Each with mean 128 and a standard deviation of 24 levels, or less where there is nearly
        nothing.
    """
    return even_out(cut_squares(gray, centres, sizes, AROUND, CROP))


def cut_squares(
    gray: Gray, centres: Floats, sizes: Floats, around: float, side: int
) -> NDArray[np.uint8]:
    """Return a square around each glyph as it is in the picture.

    Parameters
    ----------
    gray, centres, sizes
        As for `cut_crops`.
    around : float
        Side of the square, in longer sides of the glyph's box.
    side : int
        Pixels of the result.

    Returns
    -------
    ndarray of shape (n, side, side), dtype uint8
    """
    half = around / 2 * np.maximum(sizes.max(axis=1, initial=0), LEAST)
    boxes = np.hstack([centres - half[:, None], centres + half[:, None]])
    squares = [cut_window(gray, tuple(box), (side, side)) for box in boxes.tolist()]
    return np.stack(squares) if squares else np.zeros((0, side, side), np.uint8)


def even_out(squares: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring each square to the mean and the spread of gray levels of a crop."""
    levels = squares.astype(np.float32)
    mean = levels.mean(axis=(1, 2), keepdims=True)
    spread = levels.std(axis=(1, 2), keepdims=True) + FAINT
    scaled = (levels - mean) * (SPREAD / spread) + MIDDLE
    normalised: NDArray[np.uint8] = scaled.round().clip(0, 255).astype(np.uint8)
    return normalised
