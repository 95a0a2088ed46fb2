"""The text notation of strokes in `digit_forms` and `sign_forms`, and its smooth lines.

Points ``x,y`` are in percent of the height, with y downwards. A smooth curve joins them. ``!``
makes a point a corner, ``z`` at the end closes the stroke, and ``|`` separates strokes. ``{name
dx,dy}`` after a point is its displacement by a free parameter. Each parameter is drawn from 0 to 1
for every image, so one line of text describes a family of forms. For example::

    "4,30{flag -22,28} 26,0! 26,100 | 6,100{base -14,0} 46,100{base 14,0}"

is a 1 with a flag and a base of variable length.

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
    """One stroke: the points from `first` up to, but without, `last` of its glyph."""

    first: int
    last: int
    corners: tuple[bool, ...]
    closed: bool


@dataclass(frozen=True)
class Skeleton:
    """The points and parameters of a glyph, parsed from its text.

    Attributes
    ----------
    points : ndarray of shape (m, 2), dtype float32
        x to the right and y downwards, in units of the height.
    moves : ndarray of shape (k, m, 2), dtype float32
        Displacement of the points by each of the k parameters at its largest value, 1.
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
    """One form of a symbol.

    Attributes
    ----------
    name : str
        A short description of the form.
    text : str
        Its strokes, in the notation of this module.
    weight : float
        Frequency relative to the other glyphs of the same symbol.
    lean : tuple of float
        Allowed slant in degrees, positive to the right; a bar with more slant would be a slash.
    steady : bool
        Whether variations are reduced, as for printed forms.
    fattest : float
        Widest pen with which the symbol can still be recognised, in units of the height.
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
        tokens = re.sub(r"\s+(?=[^{]*\})", "\0", part).split()  # keep the space inside {…}
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
    """Return the matrices that map `m` points to a smooth and to an angular line along a stroke.

    Both have shape (p, m), with `STEPS` rows from each point of the stroke to the next.
    """
    points = np.eye(m, dtype=np.float32)[stroke.first : stroke.last]  # each a row of weights
    k = len(points)
    corners = np.array(stroke.corners)
    if stroke.closed:
        points = np.concatenate([points, points[:1]])
        corners = np.append(corners, corners[0])
    # Tangents of the Catmull-Rom spline on both sides of a point; one-sided at ends and corners.
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
    """Return the matrices that map a glyph's points to smooth and to angular lines.

    Both have shape (p, m); each slice selects the points of one stroke.
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
        Positions of its points; by default with every parameter at 0.5.

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
