"""Put any picture of one digit into the form of MNIST.

MNIST's own recipe (LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
Recognition", 1998): light ink on 0, scaled with its aspect into a box of 20×20, set into 28×28 with
the centre of mass in the middle. A network trained on such images reads others only in this form.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.errors import NoInk
from digitscope.images import SIDE
from digitscope.pictures import Gray, read_gray

BOX = 20  # pixels; the longer side of a digit
MIN_CONTRAST = 24  # gray levels between paper and the darkest ink, below which nothing is written


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
        When nothing is written on it.

    Examples
    --------
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10  # a dark 1 on light paper
    >>> digit = to_mnist(page)
    >>> digit.shape, int(digit[0, 0]), int(digit[14, 14])
    ((28, 28), 0, 255)
    """
    gray = read_gray(picture)
    try:
        return fit_to_box(find_ink(gray))
    except NoInk as error:
        where = f"{picture}: " if isinstance(picture, str | Path) else ""
        raise NoInk(f"{where}{error}") from None


def find_ink(gray: Gray) -> NDArray[np.float32]:
    """Return how much ink is where: float32 of shape (height, width), 0 = paper, 255 = full ink.

    The paper is whatever fills most of the border, in either polarity.
    """
    level = gray.astype(np.float32)
    threshold = _otsu(gray)
    border = np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])
    if (border > threshold).mean() > 0.5:
        level = 255 - level
        threshold = 255 - threshold
    paper = level[level <= threshold]
    if not paper.size or level.max() - np.median(paper) < MIN_CONTRAST:
        raise NoInk("nothing is written on it: paper and ink differ by less than 24 gray levels.")
    # Grain of the paper goes, but clean paper keeps its faintest anti-aliased edge.
    middle = float(np.median(paper))
    grain = 3 * 1.4826 * float(np.median(np.abs(paper - middle)))
    grain = min(grain, threshold - middle)  # a shadow is no grain: what is ink stays ink
    ink = np.where(level - middle > grain, level - middle, 0)
    peak = float(np.percentile(ink[level > threshold], 90))
    return (ink * (255 / peak if peak < 250 else 1)).clip(0, 255).astype(np.float32)


def _otsu(gray: Gray) -> float:
    """Return the gray level that best splits the histogram in two (Otsu, 1979)."""
    counts = np.bincount(gray.ravel(), minlength=256).astype(np.float64)
    below = counts.cumsum()
    sums = (counts * np.arange(256)).cumsum()
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums / below - (sums[-1] - sums) / above) ** 2
    best = np.nan_to_num(between)
    # A clean picture has a whole plateau of best splits; its middle is the fairest of them.
    return float(np.flatnonzero(best >= best.max() * (1 - 1e-9)).mean())


def fit_to_box(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale ink into a 20×20 box and set it, by its centre of mass, into 28×28.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype float32
        0 = paper, 255 = full ink.

    Raises
    ------
    NoInk
        When all of it is paper.
    """
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        raise NoInk("nothing is written on it.")
    digit = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = digit.shape
    if max(height, width) != BOX:
        scale = BOX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        scaled = Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC)
        digit = np.asarray(scaled).clip(0, 255)
        height, width = digit.shape
    mass = max(float(digit.sum()), 1e-9)
    row = float((digit.sum(axis=1) * np.arange(height)).sum()) / mass
    column = float((digit.sum(axis=0) * np.arange(width)).sum()) / mass
    # In every MNIST image the centre of mass lies within half a pixel of pixel 14.
    top = min(max(round(SIDE // 2 - row), 0), SIDE - height)
    left = min(max(round(SIDE // 2 - column), 0), SIDE - width)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = digit.round()
    return image
