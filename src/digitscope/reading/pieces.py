"""A piece of ink with its place, and the page taken apart into connected ones.

Everything that may be a digit is a `Piece`: a connected stroke, several strokes joined, or a part
that was cut off. A piece carries its own ink alone, so whatever lies beside it in its box is gone.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.ink import Ink, components

Extent: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom

MOST = 3_000  # pieces of a page; beyond that it is no page, and only the largest are looked at
EDGE = 90  # of 255; what is connected only by fainter ink is not connected


@dataclass(frozen=True, eq=False)
class Piece:
    """Ink at a place.

    Attributes
    ----------
    left, top : int
        Pixels of the page.
    ink : ndarray of shape (height, width), dtype uint8
        0 = paper or somebody else's ink, 255 = full ink.
    """

    left: int
    top: int
    ink: Ink

    @property
    def height(self) -> int:
        """Pixels, as are all of these."""
        return int(self.ink.shape[0])

    @property
    def width(self) -> int:
        """Of the box, not of the stroke."""
        return int(self.ink.shape[1])

    @property
    def right(self) -> int:
        """The first column behind it."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.top + self.height


def join(pieces: Sequence[Piece]) -> Piece:
    """Return one piece with the ink of all.

    >>> dot = np.full((1, 1), 255, np.uint8)
    >>> join([Piece(0, 0, dot), Piece(2, 0, dot)]).ink.tolist()
    [[255, 0, 255]]
    """
    if len(pieces) == 1:
        return pieces[0]
    left, top = min(p.left for p in pieces), min(p.top for p in pieces)
    right, bottom = max(p.right for p in pieces), max(p.bottom for p in pieces)
    ink = np.zeros((bottom - top, right - left), np.uint8)
    for p in pieces:
        part = ink[p.top - top : p.bottom - top, p.left - left : p.right - left]
        np.maximum(part, p.ink, out=part)
    return Piece(left, top, ink)


@dataclass(frozen=True)
class Lean:
    """How a line lies on the page, and how its digits stand on it.

    Attributes
    ----------
    slope : float
        Pixels that the line falls per pixel to the right.
    slant : float
        Pixels that an upright stroke goes to the right per pixel up from the line.
    """

    slope: float = 0.0
    slant: float = 0.0

    @cached_property
    def matrix(self) -> NDArray[np.float64]:
        """(2, 2): takes x and y of the page to x and y where all is upright."""
        level = np.array([[1, self.slope], [-self.slope, 1]]) / math.hypot(1, self.slope)
        upright: NDArray[np.float64] = np.array([[1, self.slant], [0, 1]]) @ level
        return upright

    def __bool__(self) -> bool:
        return bool(self.slope or self.slant)


def extent(piece: Piece, lean: Lean) -> Extent:
    """Return the box around a piece's ink, where its line is level and its strokes upright.

    >>> bar = Piece(10, 0, np.full((3, 2), 255, np.uint8))
    >>> extent(bar, Lean())
    (10.0, 0.0, 12.0, 3.0)
    """
    left, top, right, bottom = piece.left, piece.top, piece.right, piece.bottom
    if not lean:
        return float(left), float(top), float(right), float(bottom)
    y, x = np.nonzero(piece.ink > EDGE)
    if not x.size:
        y, x = np.nonzero(piece.ink)
    x, y = lean.matrix @ np.array([x + left, y + top])
    return float(x.min()), float(y.min()), float(x.max()) + 1, float(y.max()) + 1


def union(extents: Iterable[Extent]) -> Extent:
    """Return the box around boxes."""
    lefts, tops, rights, bottoms = zip(*extents, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def take_apart(ink: Ink) -> list[Piece]:
    """Return the connected pieces of a page, the largest `MOST` of them, from left to right."""
    labels, boxes = components(ink > EDGE)
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    size[0] = 0  # the paper
    wanted = np.flatnonzero(size >= 3)
    if len(wanted) > MOST:
        area = np.bincount(labels.ravel())
        wanted = wanted[np.argsort(-area[wanted], kind="stable")[:MOST]]
    pieces = [_cut_out(ink, labels, k, *boxes[k].tolist()) for k in wanted.tolist()]
    return sorted(pieces, key=lambda p: (p.left, p.top))


def _cut_out(
    ink: Ink, labels: NDArray[np.int32], label: int, left: int, top: int, right: int, bottom: int
) -> Piece:
    """Return one connected piece with the soft edge around it."""
    # One pixel around it, where the ink fades: its own, unless another piece lies there.
    y0, x0 = max(top - 1, 0), max(left - 1, 0)
    window = np.s_[y0 : bottom + 1, x0 : right + 1]
    mine = cv2.inRange(labels[window], label, label)
    near = cv2.dilate(mine, None)
    keep = near & (mine | cv2.inRange(labels[window], 0, 0))
    return trim(Piece(x0, y0, ink[window] & keep))


def trim(piece: Piece) -> Piece:
    """Return the piece without the empty rows and columns around its ink."""
    left, top, width, height = cv2.boundingRect(piece.ink)
    ink = piece.ink[top : top + height, left : left + width]
    return Piece(piece.left + left, piece.top + top, ink)
