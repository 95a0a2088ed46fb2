"""Plain writing for tests: one form of each digit, without any variation.

It gives pages with given numbers, and strokes that a test can draw with the mouse.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.digit_forms import DIGITS
from digitscope.synthesis.pen import draw_lines
from digitscope.synthesis.stroke_notation import outline

# The name of the form of each digit, 0 to 9.
FORMS = (
    "oval",
    "bar",
    "corner",
    "round",
    "open",
    "one go",
    "curve",
    "plain",
    "print",
    "straight tail",
)
GAP = 0.3  # between digits, as a share of their height
PEN = 0.1  # width of the pen, as a share of the height of a digit


def digit_strokes(digit: str) -> list[NDArray[np.float64]]:
    """Return the strokes of a digit, 0 to 9, each float64 of shape (p, 2).

    x and y are in heights of the digit, whose box begins at (0, 0); y points downwards.

    Examples
    --------
    >>> [stroke.shape for stroke in digit_strokes("4")]
    [(25, 2), (13, 2)]
    """
    label = int(digit)
    lines = outline(next(glyph for glyph in DIGITS[label] if glyph.name == FORMS[label]))
    every = np.concatenate(lines)
    low, height = every.min(axis=0), np.ptp(every[:, 1])
    return [((line - low) / height).astype(np.float64) for line in lines]


def write(
    page: NDArray[np.uint8], text: str, x: float, foot: float, height: float, ink: int = 30
) -> int:
    """Write digits on a page and return their right edge.

    Parameters
    ----------
    page : ndarray of shape (h, w), dtype uint8
        Drawn on in place.
    text : str
        Digits, without spaces.
    x, foot, height : float
        Left edge of the first digit, baseline, and height of the digits, in pixels.
    ink : int
        Gray level of the strokes.

    Examples
    --------
    >>> page = np.full((60, 100), 235, np.uint8)
    >>> write(page, "10", 10, 50, 40) < 60
    True
    """
    for digit in text:
        lines = digit_strokes(digit)
        pixels = [line * height + (x, foot - height) for line in lines]
        draw_lines(page, pixels, PEN * height, level=ink, smooth=True)
        x += round((max(line[:, 0].max() for line in lines) + GAP) * height)
    return round(x - GAP * height)


def write_page(
    lines: Sequence[str], height: int = 40, paper: int = 235, ink: int = 30
) -> NDArray[np.uint8]:
    """Return a page of numbers; spaces separate the numbers of a line.

    Parameters
    ----------
    lines : sequence of str
    height : int
        Of a digit, in pixels; the page is 16 times as wide.
    paper, ink : int
        Gray levels.

    Returns
    -------
    ndarray of shape (h, w), dtype uint8

    Examples
    --------
    >>> write_page(["4207 65", "9"]).shape
    (200, 640)
    """
    page = np.full((height * (2 * len(lines) + 1), height * 16), paper, np.uint8)
    for k, line in enumerate(lines):
        x = height
        for number in line.split():
            x = write(page, number, x, height * (2 * k + 2), height, ink) + height
    return page
