"""What the classifier sees of each digit: its box, cut from the gray picture, in MNIST form."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.errors import NoInk
from digitscope.images import SIDE, Images
from digitscope.page_reading.glyphs import Floats
from digitscope.pictures import Gray
from digitscope.preprocess import fit_to_box

LONGER = 64  # pixels; a digit's longer side, to which it is scaled before anything else
MARGIN = 6  # pixels of that size around the box; paper is measured there


def cut_tiles(gray: Gray, boxes: Floats) -> Images:
    """Return what is in each box in MNIST form.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        Dark on light or light on dark.
    boxes : ndarray of shape (n, 4), dtype float32
        Left, top, right, bottom in pixels.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink; all 0 where there is none.
    """
    tiles = [cut_tile(gray, *box) for box in boxes.tolist()]
    return np.stack(tiles) if tiles else np.zeros((0, SIDE, SIDE), np.uint8)


def cut_tile(gray: Gray, left: float, top: float, right: float, bottom: float) -> NDArray[np.uint8]:
    """Return one box in MNIST form, shape (28, 28), dtype uint8."""
    scale = LONGER / max(right - left, bottom - top, 1.0)
    if scale < 0.5:  # means over squares of pixels: a point sampled alone would be noise
        x0, y0 = max(0, int(left - MARGIN / scale)), max(0, int(top - MARGIN / scale))
        x1, y1 = int(right + MARGIN / scale) + 1, int(bottom + MARGIN / scale) + 1
        part = gray[y0:y1, x0:x1]
        if not part.size:
            return np.zeros((SIDE, SIDE), np.uint8)
        size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        fx, fy = size[0] / part.shape[1], size[1] / part.shape[0]
        moved = ((left - x0) * fx, (top - y0) * fy, (right - x0) * fx, (bottom - y0) * fy)
        return cut_tile(small, *moved)
    width, height = round((right - left) * scale), round((bottom - top) * scale)
    matrix = np.array(
        [[1 / scale, 0, left - MARGIN / scale], [0, 1 / scale, top - MARGIN / scale]], np.float32
    )
    crop = cv2.warpAffine(
        gray,
        matrix,
        (max(1, width) + 2 * MARGIN, max(1, height) + 2 * MARGIN),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    try:
        return fit_to_box(_ink(crop))
    except NoInk:
        return np.zeros((SIDE, SIDE), np.uint8)


def _ink(crop: NDArray[np.uint8]) -> Floats:
    """Return how much ink is in a box, its margin cleared: 0 = paper, 255 = full ink."""
    rim = np.concatenate(
        [crop[:3].ravel(), crop[-3:].ravel(), crop[:, :3].ravel(), crop[:, -3:].ravel()]
    )
    paper = float(np.median(rim))
    inner = crop[MARGIN // 2 : -(MARGIN // 2), MARGIN // 2 : -(MARGIN // 2)].astype(np.float32)
    light, dark = (float(np.percentile(inner, share)) for share in (95, 5))
    ink = inner - paper if light - paper > paper - dark else paper - inner
    full = float(np.percentile(ink, 90)) if ink.size else 0.0
    full = max(full, 0.7 * float(ink.max(initial=0)), 1.0)
    ink[ink < 0.3 * full] = 0
    scaled: Floats = np.minimum(ink * (255 / full), 255)
    return scaled
