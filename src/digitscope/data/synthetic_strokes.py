"""Strokes as text: the notation of `glyphs`, and the numbers it stands for.

Points ``x,y`` are in percent of the height, y downwards, joined by a smooth curve; ``!`` makes a
point a corner, a ``z`` at the end closes the stroke, ``|`` lifts the pen. ``{name dx,dy}`` after a
point says how far a free parameter moves it: each is drawn from 0 to 1 for every image, so one line
of text is a whole family of forms::

    "4,30{flag -22,28} 26,0! 26,100 | 6,100{base -14,0} 46,100{base 14,0}"

is a 1 whose flag and base are each as long as you like.
"""

import functools
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import Misuse

POINT = re.compile(r"(-?[\d.]+),(-?[\d.]+)(!?)((?:\{\w+ -?[\d.]+,-?[\d.]+\})*)")
MOVE = re.compile(r"\{(\w+) (-?[\d.]+),(-?[\d.]+)\}")


@dataclass(frozen=True)
class Stroke:
    """The points of one stroke: `first` to `last` (exclusive) of its glyph's points."""

    first: int
    last: int
    corners: tuple[bool, ...]
    closed: bool


@dataclass(frozen=True)
class Skeleton:
    """A glyph's text as numbers.

    Attributes
    ----------
    points : ndarray of shape (m, 2), dtype float32
        x to the right and y downwards, in units of the height.
    moves : ndarray of shape (k, m, 2), dtype float32
        What each of the k parameters adds to the points at its full value of 1.
    parameters : tuple of str
        Their names.
    strokes : tuple of Stroke
    """

    points: NDArray[np.float32]
    moves: NDArray[np.float32]
    parameters: tuple[str, ...]
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True)
class Glyph:
    """One way to write a symbol.

    Attributes
    ----------
    name : str
        What is particular about it, for people.
    text : str
        Its strokes, in the notation above.
    weight : float
        How often it is written, against the other glyphs of its symbol.
    lean : tuple of float
        Slant it may take, in degrees, to the right positive; a bar that leans more is a slash.
    steady : bool
        Whether it keeps its proportions and smoothness, as print does.
    fattest : float
        Widest pen, in units of the height, with which it can still be told what it is.
    """

    name: str
    text: str
    weight: float = 1.0
    lean: tuple[float, float] = (-15.0, 38.0)
    steady: bool = False
    fattest: float = 0.3

    @functools.cached_property
    def skeleton(self) -> Skeleton:
        """The strokes as numbers."""
        return parse(self.text)


def parse(text: str) -> Skeleton:
    """Read the strokes of a glyph.

    Raises
    ------
    Misuse
        When a point cannot be read, or a stroke has fewer than two.

    Examples
    --------
    >>> bar = parse("10,0{bend 5,0} 10,100")
    >>> bar.points.tolist(), bar.parameters
    ([[0.10000000149011612, 0.0], [0.10000000149011612, 1.0]], ('bend',))
    """
    points: list[tuple[float, float]] = []
    moves: list[tuple[str, int, float, float]] = []
    strokes = []
    for part in text.split("|"):
        first, corners = len(points), []
        tokens = re.sub(r"\s+(?=[^{]*\})", "\0", part).split()  # the space in {…} is no gap
        closed = tokens[-1:] == ["z"]
        for token in tokens[: len(tokens) - closed]:
            match = POINT.fullmatch(token := token.replace("\0", " "))
            if match is None:
                raise Misuse(
                    f"a point of a stroke must be x,y, then !, then {{name dx,dy}} as wanted. "
                    f"Received: {token!r} in {text!r}."
                )
            x, y, corner, moved = match.groups()
            for name, dx, dy in MOVE.findall(moved):
                moves.append((name, len(points), float(dx), float(dy)))
            points.append((float(x), float(y)))
            corners.append(bool(corner))
        if len(corners) < 2:
            raise Misuse(f"a stroke needs two points or more. Received: {part!r} in {text!r}.")
        strokes.append(Stroke(first, len(points), tuple(corners), closed))
    names = tuple(dict.fromkeys(name for name, *_ in moves))
    shifts = np.zeros((len(names), len(points), 2), np.float32)
    for name, point, dx, dy in moves:
        shifts[names.index(name), point] = dx / 100, dy / 100
    return Skeleton(np.array(points, np.float32) / np.float32(100), shifts, names, tuple(strokes))
