"""Local contrast normalisation: shadows and faint ink look alike after it."""

import cv2
import numpy as np
from numpy.typing import NDArray

MEAN_WIDTH = 41  # pixels; side of the box whose mean is taken off (blurred twice)
SPREAD_WIDTH = 81  # pixels; side of the box over which the spread is measured (blurred twice)
FLOOR = 5.0  # gray levels added to the spread, so that grain on empty paper stays small
GAIN = 32.0  # levels of the result for one spread
MIDDLE = 128.0  # level of the local mean


def normalise_contrast(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture as multiples of its local spread around its local mean.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        0 = black, 255 = white.

    Returns
    -------
    ndarray of shape (height, width), dtype uint8
        128 is the local mean; 32 levels are one local standard deviation.

    Examples
    --------
    >>> normalise_contrast(np.full((8, 8), 77, np.uint8)).tolist()[0][:3]
    [128, 128, 128]
    """
    picture = gray.astype(np.float32)
    deviation = picture - _blur(picture, MEAN_WIDTH)
    # Sums of many float32 may come out a little below 0.
    spread = np.sqrt(np.maximum(_blur(deviation * deviation, SPREAD_WIDTH), 0))
    spread += FLOOR
    deviation *= GAIN
    deviation /= spread
    deviation += MIDDLE + 0.5
    return deviation.clip(0, 255).astype(np.uint8)


def _blur(plane: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return the plane after two box filters, nearly a Gaussian; the border is mirrored."""
    once = cv2.blur(plane, (width, width), borderType=cv2.BORDER_REFLECT_101)
    blurred: NDArray[np.float32] = cv2.blur(once, (width, width), borderType=cv2.BORDER_REFLECT_101)
    return blurred
