"""Strokes as text: the notation of `glyphs` and `signs`, and the smooth lines it stands for.

Points ``x,y`` are in percent of the height, y downwards, joined by a smooth curve; ``!`` makes a
point a corner, a ``z`` at the end closes the stroke, ``|`` lifts the pen. ``{name dx,dy}`` after a
point says how far a free parameter moves it: each is drawn from 0 to 1 for every image, so one line
of text is a whole family of forms::

    "4,30{flag -22,28} 26,0! 26,100 | 6,100{base -14,0} 46,100{base 14,0}"

is a 1 whose flag and base are each as long as you like.

The smooth curve is a Catmull-Rom spline (Catmull and Rom, "A class of local interpolating splines",
1974). It is linear in the points, so the smoothing of a glyph is one matrix for all its images.
"""

import functools
import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import Misuse

POINT = re.compile(r"(-?[\d.]+),(-?[\d.]+)(!?)((?:\{\w+ -?[\d.]+,-?[\d.]+\})*)")
MOVE = re.compile(r"\{(\w+) (-?[\d.]+),(-?[\d.]+)\}")
STEPS = 6  # points of a smooth line for each point of a stroke

Floats: TypeAlias = NDArray[np.float32]


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


@functools.lru_cache(maxsize=1024)
def spline(stroke: Stroke, m: int) -> tuple[Floats, Floats]:
    """Return matrices from `m` points to a smooth and an angular line along a stroke of them.

    Both have shape (p, m), with `STEPS` rows from each point of the stroke to the next.
    """
    points = np.eye(m, dtype=np.float32)[stroke.first : stroke.last]  # each a row of weights
    k = len(points)
    corners = np.array(stroke.corners)
    if stroke.closed:
        points = np.concatenate([points, points[:1]])
        corners = np.append(corners, corners[0])
    # The tangents on both sides of a point: Catmull and Rom's, one-sided at ends and corners.
    leaving, arriving = np.empty_like(points), np.empty_like(points)
    last = len(points) - 1
    for i in range(len(points)):
        before = points[i - 1] if i else points[k - 1]
        after = points[i + 1] if i < last else points[1]
        through = not corners[i] and (stroke.closed or 0 < i < last)
        leaving[i] = (after - before) / 2 if through else after - points[i]
        arriving[i] = (after - before) / 2 if through else points[i] - before
    t = (np.arange(STEPS, dtype=np.float32) / STEPS)[:, None]
    curve, line = [], []
    for i in range(last):
        a, b = points[i], points[i + 1]
        line.append((1 - t) * a + t * b)
        curve.append(
            (2 * t**3 - 3 * t**2 + 1) * a
            + (t**3 - 2 * t**2 + t) * leaving[i]
            + (3 * t**2 - 2 * t**3) * b
            + (t**3 - t**2) * arriving[i + 1]
        )
    end = points[-1:]
    return np.concatenate([*curve, end]), np.concatenate([*line, end])


@functools.lru_cache(maxsize=1024)
def smoothing(glyph: Glyph) -> tuple[Floats, Floats, tuple[slice, ...]]:
    """Return matrices from a glyph's points to a smooth and an angular line through them.

    Both have shape (p, m); the slices say which of the p points belong to each stroke.
    """
    m = len(glyph.skeleton.points)
    smooth, straight, slices = [], [], []
    start = 0
    for stroke in glyph.skeleton.strokes:
        curve, line = spline(stroke, m)
        smooth.append(curve)
        straight.append(line)
        slices.append(slice(start, start + len(curve)))
        start += len(curve)
    return np.concatenate(smooth), np.concatenate(straight), tuple(slices)


def outline(glyph: Glyph, points: NDArray[np.floating] | None = None) -> list[NDArray[np.floating]]:
    """Return the smooth lines of a glyph, each of shape (p, 2), in units of its height.

    Parameters
    ----------
    glyph : Glyph
    points : ndarray of shape (m, 2), optional
        Where its points are; by default where they are with each parameter at one half.

    Examples
    --------
    >>> [line.shape for line in outline(Glyph("cross", "0,0 60,100 | 60,0 0,100"))]
    [(7, 2), (7, 2)]
    """
    skeleton = glyph.skeleton
    if points is None:
        points = skeleton.points + skeleton.moves.sum(axis=0) / 2
    smooth, _, slices = smoothing(glyph)
    line = smooth @ points
    return [line[part] for part in slices]
