"""Windows: parts of a gray picture, resampled to a given size."""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray


def cut_window(
    gray: Gray, box: tuple[float, float, float, float], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return a part of a picture; outside of the picture, border pixels are repeated.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    box : tuple of float
        Left, top, right, bottom of the part, in pixels; the whole picture is 0, 0, width, height.
    size : tuple of int
        Width and height of the result, in pixels.

    Returns
    -------
    ndarray of shape (size[1], size[0]), dtype uint8
    """
    left, top, right, bottom = box
    across, down = (right - left) / size[0], (bottom - top) / size[1]  # pixels per result pixel
    shrink = int(min(across, down))
    if shrink >= 2:  # averaged over squares of pixels first, against aliasing
        x, y = max(0, int(left) - shrink), max(0, int(top) - shrink)
        gray = gray[y : max(0, int(bottom) + 2 * shrink), x : max(0, int(right) + 2 * shrink)]
        if not gray.size:
            return np.zeros(size[::-1], np.uint8)
        reduced = max(1, gray.shape[1] // shrink), max(1, gray.shape[0] // shrink)
        by = gray.shape[1] / reduced[0], gray.shape[0] / reduced[1]
        gray = cv2.resize(gray, reduced, interpolation=cv2.INTER_AREA)
        left, top = (left - x) / by[0], (top - y) / by[1]
        across, down = across / by[0], down / by[1]
    # The centre of pixel i of the result is at left + (i + 1/2) * across.
    matrix = np.array(
        [[across, 0, left + (across - 1) / 2], [0, down, top + (down - 1) / 2]], np.float32
    )
    window: NDArray[np.uint8] = cv2.warpAffine(
        gray,
        matrix,
        size,
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    ).astype(np.uint8, copy=False)
    return window
