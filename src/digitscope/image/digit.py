"""Digit images: their array types, and the checks of public functions.

A digit image is a ``uint8`` array of shape ``(28, 28)``: 0 is paper, 255 is full ink. A stack of
them has shape ``(n, 28, 28)``. All functions of digitscope pass images in this form; the network
itself divides by 255.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData, BadImage

SIDE = 28
PIXELS = SIDE * SIDE
DIGITS = 10
NO_DIGIT = DIGITS  # label of non-digits: the eleventh class of a network that refuses

Images: TypeAlias = NDArray[np.uint8]  # (n, 28, 28), 0 = paper, 255 = ink
Labels: TypeAlias = NDArray[np.uint8]  # (n,), 0 to 9
Probabilities: TypeAlias = NDArray[np.float32]  # (n, 10), rows add up to 1


def check_images(images: Any) -> Images:
    """Return `images` if it is a stack of digit images; otherwise raise.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 is paper, 255 is ink.

    Raises
    ------
    BadImage
        For any other type, dtype or shape.

    Examples
    --------
    >>> check_images(np.zeros((3, 28, 28), np.uint8)).shape
    (3, 28, 28)
    """
    if not isinstance(images, np.ndarray):
        raise BadImage(
            f"images must be a NumPy array, uint8 of shape (n, 28, 28). "
            f"Received: {type(images).__name__}."
        )
    if images.dtype == np.uint8 and images.ndim == 3 and images.shape[1:] == (SIDE, SIDE):
        return images
    hint = ""
    if images.shape == (SIDE, SIDE):
        hint = " For one digit pass image[None]."
    elif images.ndim == 2 and images.shape[1] == SIDE * SIDE:
        hint = " For flat rows pass images.reshape(-1, 28, 28)."
    elif images.dtype != np.uint8 and images.shape[1:] == (SIDE, SIDE):
        hint = (
            " For values from 0 to 1 pass (images * 255).round().astype('uint8'): "
            "the network scales them itself."
        )
    raise BadImage(
        f"images must be uint8 of shape (n, 28, 28), 0 = paper, 255 = ink. "
        f"Received: {images.dtype} {images.shape}.{hint}"
    )


def check_labels(labels: NDArray[Any], n: int, where: str) -> Labels:
    """Return `labels` as uint8 if there are `n` of them, all between 0 and 9."""
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise BadData(
            f"{where}: labels must be integers of shape (n,). "
            f"Received: {labels.dtype} {labels.shape}."
        )
    if len(labels) != n:
        raise BadData(f"{where}: {n} images but {len(labels)} labels; each image needs one label.")
    if n and not (labels.min() >= 0 and labels.max() < DIGITS):
        wrong = int(np.flatnonzero((labels < 0) | (labels >= DIGITS))[0])
        raise BadData(
            f"{where}: labels must be 0 to 9. Received: {int(labels[wrong])} for image {wrong}."
        )
    return labels.astype(np.uint8)
