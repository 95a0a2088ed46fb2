"""Local contrast normalisation, which reduces shadows and strengthens faint ink."""

import cv2
import numpy as np
from numpy.typing import NDArray

# Trained page networks depend on all of these.
MEAN_WIDTH = 41  # pixels; side of the box filter of the local mean, which is applied twice
STD_WIDTH = 81  # pixels; side of the box filter of the local deviation, which is applied twice
STD_OFFSET = 5.0  # gray levels added to the deviation, so that paper grain is not amplified
GAIN = 32.0  # levels of the result per local standard deviation
MIDDLE = 128.0  # level of the local mean in the result


def normalise_contrast(gray: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture in units of its local standard deviation around its local mean.

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
    # Rounding errors of float32 sums may give values slightly below 0.
    std = np.sqrt(np.maximum(_blur(deviation * deviation, STD_WIDTH), 0))
    std += STD_OFFSET
    deviation *= GAIN
    deviation /= std
    deviation += MIDDLE + 0.5
    return deviation.clip(0, 255).astype(np.uint8)


def _blur(plane: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Return the plane after two box filters, nearly a Gaussian blur; the border is mirrored."""
    once = cv2.blur(plane, (width, width), borderType=cv2.BORDER_REFLECT_101)
    blurred: NDArray[np.float32] = cv2.blur(once, (width, width), borderType=cv2.BORDER_REFLECT_101)
    return blurred
