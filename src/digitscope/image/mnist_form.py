"""Conversion of any picture of one digit to MNIST form.

MNIST's own steps (LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
Recognition", 1998): light ink on 0, scaled into a box of 20×20 with its aspect ratio, placed in
28×28 with the centre of mass in the middle. A network trained on such images reads other images
only in this form. One step is added: very thin and very wide strokes are brought to the range of
stroke widths in MNIST.
"""

import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.errors import NoInk
from digitscope.image.decode import Gray, read_gray
from digitscope.image.digit import SIDE
from digitscope.image.ink import find_ink
from digitscope.image.isolation import isolate_digit

BOX = 20  # pixels; longer side of a digit in MNIST
STROKE = 1.8, 4.0  # pixels; range of stroke widths that contains nine of ten MNIST digits
MAX_SIDE = 640  # pixels; a picture with a longer side is reduced first, to bound the time
LARGE = 256  # pixels; a larger digit is resized by Pillow itself
TIE = 1e-3  # pixels; centres of mass that differ by less count as equal
FINE = 4  # scale at which stroke widths are changed, relative to MNIST's


class Steps(NamedTuple):
    """The intermediate results of the conversion to MNIST form.

    Attributes
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The gray picture, 0 = black; a large one is reduced.
    ink : ndarray of shape (height, width), dtype float32
        The ink, in either polarity: 0 = paper, 255 = full ink, as in all further steps.
    digit : ndarray of shape (height, width), dtype float32
        Without ruling lines, specks and parts of neighbours.
    stroke : ndarray, dtype float32
        Cropped to the ink, with stroke widths as in MNIST.
    box : ndarray, dtype float32
        Resized; its longer side is 20 pixels.
    image : ndarray of shape (28, 28), dtype uint8
        Placed by its centre of mass: the input of the network.
    """

    gray: Gray
    ink: NDArray[np.float32]
    digit: NDArray[np.float32]
    stroke: NDArray[np.float32]
    box: NDArray[np.float32]
    image: NDArray[np.uint8]


def to_mnist(picture: str | Path | bytes | Image.Image | NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture of one digit in MNIST form.

    Parameters
    ----------
    picture : path, bytes, PIL image, or uint8 ndarray of shape (height, width[, 3 or 4])
        One digit, cropped, dark on light or light on dark.

    Returns
    -------
    ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink.

    Raises
    ------
    BadImage
        When the picture cannot be decoded.
    NoInk
        When there is no ink on it.

    Examples
    --------
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10  # a dark 1 on light paper
    >>> digit = to_mnist(page)
    >>> digit.shape, int(digit[0, 0]), int(digit[14, 14])
    ((28, 28), 0, 255)
    """
    return mnist_steps(picture).image


def mnist_steps(picture: str | Path | bytes | Image.Image | NDArray[Any]) -> Steps:
    """Return the result of `to_mnist` with all intermediate results.

    Parameters
    ----------
    picture : as `to_mnist`

    Raises
    ------
    BadImage, NoInk
        As `to_mnist`.

    Examples
    --------
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10
    >>> steps = mnist_steps(page)
    >>> steps.box.shape, bool((steps.image == to_mnist(page)).all())
    ((20, 2), True)
    """
    gray = _reduced(read_gray(picture))
    try:
        ink = find_ink(gray)
        digit = isolate_digit(gray, ink)
        stroke = _with_usual_stroke(_trimmed(digit))
        box = _boxed(stroke)
        return Steps(gray, ink, digit, stroke, box, _centred(box))
    except NoInk as error:
        where = f"{picture}: " if isinstance(picture, str | Path) else ""
        raise NoInk(f"{where}{error}") from None


def _reduced(gray: Gray) -> Gray:
    """Return a picture of at most 640 pixels a side: itself, or means over squares of pixels."""
    factor = math.ceil(max(gray.shape) / MAX_SIDE)
    if factor == 1:
        return gray
    return np.asarray(Image.fromarray(gray).reduce(min(factor, *gray.shape)))


def fit_to_box(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return ink resized to a 20×20 box and placed in 28×28 by its centre of mass.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype float32
        0 = paper, 255 = full ink.

    Raises
    ------
    NoInk
        When there is no ink.
    """
    return _centred(_boxed(_with_usual_stroke(_trimmed(ink))))


def _trimmed(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the smallest part that contains all ink."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        raise NoInk("nothing is written on it.")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _boxed(digit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a digit's ink resized to a longer side of 20 pixels, with its aspect ratio."""
    return digit if max(digit.shape) == BOX else _resize(digit, _size(digit, BOX))


def _centred(digit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return ink of at most 20×20 placed in 28×28 by its centre of mass."""
    height, width = digit.shape
    rows, columns = (digit.sum(axis=axis, dtype=np.float64) for axis in (1, 0))
    mass = max(float(rows.sum()), 1e-9)
    row = float(rows @ np.arange(height)) / mass
    column = float(columns @ np.arange(width)) / mass
    # In all MNIST images the centre of mass is within half a pixel of pixel 14. TIE makes a centre
    # halfway between two pixels go to the first one, independent of rounding errors.
    top = min(max(round(SIDE // 2 - row - TIE), 0), SIDE - height)
    left = min(max(round(SIDE // 2 - column - TIE), 0), SIDE - width)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = digit.round()
    return image


def _size(digit: NDArray[np.float32], longer: int) -> tuple[int, int]:
    """Return width and height with the digit's aspect ratio and the given longer side."""
    height, width = digit.shape
    scale = longer / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(digit: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return ink resized to (width, height) by Pillow's bicubic filter."""
    height, width = digit.shape
    if max(height, width) > LARGE:
        scaled = np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC))
    else:
        # In double precision, so that all processors give the same gray levels.
        down = resampling(height, size[1]).astype(np.float64)
        scaled = down @ digit @ resampling(width, size[0]).T.astype(np.float64)
    return scaled.clip(0, 255).astype(np.float32)


@functools.lru_cache(maxsize=512)
def resampling(source: int, target: int) -> NDArray[np.float32]:
    """Return Pillow's bicubic filter from `source` to `target` pixels as a matrix.

    Two products with it resize a small picture several times faster than Pillow does.
    """
    image = Image.fromarray(np.eye(source, dtype=np.float32))
    return np.asarray(image.resize((source, target), Image.Resampling.BICUBIC))


def _with_usual_stroke(digit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a digit with a stroke width in `STROKE`; `digit` itself if it already has one."""
    if max(digit.shape) == BOX:  # it already has MNIST's size
        return digit
    import cv2

    # At four times MNIST's scale, with a margin for wider strokes.
    width, height = _size(digit, BOX)
    rim = 2 * FINE
    fine = _resize(digit, (width * FINE, height * FINE))
    fine = cv2.copyMakeBorder(fine, rim, rim, rim, rim, cv2.BORDER_CONSTANT)
    inside = (fine > 110).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    # As in `_stroke_width`.
    inked = cv2.countNonZero(inside)
    stroke = (4 * cv2.sumElems(depth)[0] / max(inked, 1) - 2) / FINE
    wanted = min(max(stroke, STROKE[0]), STROKE[1])
    if wanted == stroke or not inked:
        return digit
    outside = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    # Signed distance to the new edge; each side of a stroke moves by half of the difference.
    distance = depth - outside + (wanted - stroke) * FINE / 2
    drawn = (255 * (distance + 0.5).clip(0, 1)).astype(np.float32)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not rows.size:
        return digit
    changed: NDArray[np.float32] = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return changed
