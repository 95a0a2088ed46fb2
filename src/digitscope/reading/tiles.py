"""Tiles: the box of a digit, cut from the gray picture and converted to MNIST form."""

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import NoInk
from digitscope.image.decode import Gray
from digitscope.image.digit import SIDE
from digitscope.image.mnist_form import fit_to_box
from digitscope.reading.glyphs import Floats
from digitscope.reading.windows import cut_window

TILE_SIDE = 40  # pixels; longer side of the digit in the tile
MARGIN = 4  # pixels of the tile around the box, where the gray level of the paper is measured
# Share of the contrast below which a pixel is paper. Chosen on development pictures: paper grain is
# removed, and the loops of blurred digits stay lighter than their strokes.
MIN_INK = 0.2


def cut_tile(gray: Gray, left: float, top: float, right: float, bottom: float) -> NDArray[np.uint8]:
    """Return the content of one box in MNIST form.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        Dark on light or light on dark.
    left, top, right, bottom : float
        Edges of the box, in pixels.

    Returns
    -------
    ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink; all 0 if the box has no ink.
    """
    scale = TILE_SIDE / max(right - left, bottom - top, 1.0)  # tile pixels per picture pixel
    wide, high = (max(1, round(n * scale)) + 2 * MARGIN for n in (right - left, bottom - top))
    x, y = left - MARGIN / scale, top - MARGIN / scale
    crop = cut_window(gray, (x, y, x + wide / scale, y + high / scale), (wide, high))
    try:
        return fit_to_box(_ink(crop))
    except NoInk:
        return np.zeros((SIDE, SIDE), np.uint8)


def _ink(crop: NDArray[np.uint8]) -> Floats:
    """Return the ink in a tile, without half of its margin: 0 = paper, 255 = full ink."""
    half = MARGIN // 2
    rim = [crop[:half], crop[-half:], crop[half:-half, :half], crop[half:-half, -half:]]
    around = np.sort(np.concatenate([side.ravel() for side in rim]))
    paper = int(around[len(around) // 2])
    inner = crop[half:-half, half:-half]
    levels = np.sort(inner, axis=None)
    dark, light = int(levels[len(levels) // 20]), int(levels[-1 - len(levels) // 20])
    # The ink is on the side of the paper's level where the levels reach farther.
    is_light = light - paper > paper - dark
    ink = inner.astype(np.float32) - paper if is_light else paper - inner.astype(np.float32)
    full = max(float(light - paper if is_light else paper - dark), 1.0)
    ink[ink < MIN_INK * full] = 0
    scaled: Floats = np.minimum(ink * (255 / full), 255)
    return scaled
