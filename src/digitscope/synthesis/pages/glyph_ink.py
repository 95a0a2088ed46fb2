"""The ink of one glyph: strokes of a pen, or the bitmap of a scanned or printed character.

Lengths are in heights of a digit of the same writer or font. The baseline is at y = 0, the top of a
digit at y = -1, and x starts at 0.
"""

import functools
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitscope.synthesis.fonts import load_font
from digitscope.synthesis.pages.truth import Points

RASTER = 40  # pixels per height of a digit when loops are counted
TYPE_SIZE = 48  # pixels; font size at which printed characters are rendered
EDGE = 0.4  # share of the darkest ink; paler pixels are outside of the character's outline
SCAN_BLUR = 0.6  # pixels; standard deviation of the blur that smooths the edges of scans


@dataclass(frozen=True, eq=False)
class Outline:
    """Strokes of a pen.

    Attributes
    ----------
    points : ndarray of shape (n, 2), dtype float32
        In heights of a digit; y downwards, 0 at the baseline.
    starts : tuple of int
        First point of each stroke, then n.
    """

    points: Points
    starts: tuple[int, ...]

    @property
    def right(self) -> float:
        """The largest x."""
        return float(self.points[:, 0].max())

    def loops(self, pen: float) -> int:
        """Return the number of loops: areas of paper that strokes enclose.

        Parameters
        ----------
        pen : float
            Width of the pen, in heights of a digit.
        """
        points = (self.points - self.points.min(axis=0) + 0.5) * RASTER
        width, height = (points.max(axis=0) + 0.5 * RASTER).astype(int).tolist()
        plane = np.zeros((height, width), np.uint8)
        lines = [np.round(points[a:b]).astype(np.int32) for a, b in pairwise(self.starts)]
        cv2.polylines(plane, lines, False, 1, max(1, round(pen * RASTER)))
        _, tree = cv2.findContours(plane, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        return int((np.asarray(tree)[0, :, 3] >= 0).sum()) if tree is not None else 0


@dataclass(frozen=True, eq=False)
class Bitmap:
    """The bitmap of a scanned or printed character.

    Attributes
    ----------
    image : ndarray of shape (height, width), dtype uint8
        0 = paper, 255 = ink.
    scale : float
        Size of a pixel of the image, in heights of a digit.
    left, top : float
        Position of the upper left corner of the image, in heights of a digit.
    hull : ndarray of shape (n, 2), dtype float32
        The first and last point of ink in each row, in heights of a digit, after shear and aspect.
    shear : float
        Slant, in x for each unit of height.
    aspect : float
        Factor of the width.
    """

    image: NDArray[np.uint8]
    scale: float
    left: float
    top: float
    hull: Points
    shear: float = 0.0
    aspect: float = 1.0

    @property
    def right(self) -> float:
        """The largest x of its ink."""
        return float(self.hull[:, 0].max())


Ink: TypeAlias = Outline | Bitmap


@functools.lru_cache(maxsize=16384)
def printed(character: str, font: str) -> Bitmap | None:
    """Return a printed character; None if the font lacks it."""
    size = digit_height(font)
    face = load_font(font, TYPE_SIZE)
    pad = TYPE_SIZE // 2
    length = face.getlength(character)
    canvas = Image.new("L", (int(length) + 2 * pad, 2 * TYPE_SIZE + 2 * pad))
    ImageDraw.Draw(canvas).text(
        (pad, pad + TYPE_SIZE), character, 255, face, anchor="ls", features=None
    )
    image = np.asarray(canvas)
    left, top, width, height = cv2.boundingRect(image)
    if not width:
        return None
    # One pixel of paper around it keeps its edges smooth when it is rotated.
    crop = np.pad(image[top : top + height, left : left + width], 1)
    scale = 1 / size
    return bitmap(crop, scale, (left - pad - 1) * scale, (top - pad - TYPE_SIZE - 1) * scale)


@functools.lru_cache(maxsize=1024)
def digit_height(font: str) -> float:
    """Return the height of a printed 8 at `TYPE_SIZE`, in pixels."""
    _, top, _, bottom = load_font(font, TYPE_SIZE).getbbox("8", anchor="ls")
    return max(float(bottom - top), 8.0)


def bitmap(image: NDArray[np.uint8], scale: float, left: float, top: float) -> Bitmap:
    """Return a bitmap with the outline of its ink."""
    inked = image > EDGE * image.max()
    rows = np.flatnonzero(inked.any(axis=1))
    first = inked[rows].argmax(axis=1)
    last = image.shape[1] - inked[rows, ::-1].argmax(axis=1)
    x = np.concatenate([first, last, first[:1], last[-1:]])
    y = np.concatenate([rows, rows, rows[:1], rows[-1:] + 1])
    outline = np.stack([x, y], 1).astype(np.float32) * np.float32(scale)
    return Bitmap(image, scale, left, top, outline + np.array([left, top], np.float32))


def scanned(image: NDArray[np.uint8]) -> Bitmap:
    """Return a scanned digit with its lower edge on the baseline."""
    height = image.shape[0]
    soft = cv2.GaussianBlur(np.pad(image, 2), (0, 0), SCAN_BLUR)
    scale = 1 / height
    return bitmap(soft, scale, -2 * scale, -(height + 2) * scale)


@functools.lru_cache(maxsize=16384)
def printed_bold(character: str, font: str, weight: int) -> Bitmap | None:
    """Return a printed character made heavier or, below 0, lighter by `weight` pixels."""
    ink = printed(character, font)
    return weigh(ink, weight) if ink is not None and weight else ink


def weigh(ink: Bitmap, change: int) -> Bitmap:
    """Return a bitmap with strokes thickened or, below 0, thinned by `change` pixels.

    The bitmap is returned unchanged if it would lose more than half of its ink.
    """
    kernel = np.ones((abs(change) + 1, abs(change) + 1), np.uint8)
    image = ink.image
    changed = cv2.dilate(image, kernel) if change > 0 else cv2.erode(image, kernel)
    if changed.max() < image.max() or (changed > 96).sum() < 0.5 * (image > 96).sum():
        return ink
    return bitmap(changed, ink.scale, ink.left, ink.top)


def sheared(ink: Bitmap, size: float, shear: float, aspect: float) -> Bitmap:
    """Return a bitmap with another size, slant and width, whose ink starts at x = 0."""
    hull = ink.hull * np.float32(size)
    x = hull[:, 0] * aspect - hull[:, 1] * shear
    start = float(x.min())
    hull = np.stack([x - start, hull[:, 1]], 1).astype(np.float32)
    return Bitmap(
        ink.image, ink.scale * size, ink.left * size - start / aspect, ink.top * size, hull, shear,
        aspect,
    )  # fmt: skip
