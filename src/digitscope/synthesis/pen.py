"""Drawing of glyphs with a pen: random variations of a glyph, as images in the form of MNIST.

The geometry of all images of one glyph is computed at once in NumPy: the parameters of the form,
jitter, slant and perspective. OpenCV then draws each image at four times its size, and
`degradation` reduces it to an image. All lines, here and on pages, are drawn by `draw_lines`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import SIDE, Images
from digitscope.synthesis.degradation import (
    CANVAS,
    MARGIN,
    REACH,
    SCALE,
    WIDEST,
    Degradation,
    Floats,
    Ink,
)
from digitscope.synthesis.stroke_notation import STEPS, Glyph, smoothing

BITS = 4  # fractional bits of the fixed-point coordinates that OpenCV draws with


@dataclass(frozen=True)
class Style:
    """Variation between writers, pens and images.

    Lengths are in units of the glyph's height, angles in degrees. Each value is a standard
    deviation unless stated otherwise.

    Attributes
    ----------
    jitter : float
        Random displacement of each point of a stroke.
    wobble : float
        Amplitude of the smooth wave that bends the whole glyph.
    slant : tuple of float
        Mean and deviation; clipped to the range of slant that the glyph allows.
    rotation : float
        Clipped to ±10 degrees.
    aspect : float
        Of the logarithm of width divided by height.
    angular : float
        Share of writers whose curves have corners.
    pen : tuple of float
        Median width in pixels of the 20×20 box, and the deviation of its logarithm.
    nib : float
        Of the logarithm of the ratio of the widths of vertical and horizontal lines.
    degradation : float
        Frequency of blur, dry ink, noise, rough edges, low resolution and cut borders: 0 for none
        to 1.
    printed : float
        Share of digits that are printed characters.
    fonts : tuple of str
        Fonts of printed characters, as `find_fonts` returns them; if empty, Pillow's default font.
    """

    jitter: float = 0.016
    wobble: float = 0.025
    slant: tuple[float, float] = (7.0, 11.0)
    rotation: float = 3.5
    aspect: float = 0.16
    angular: float = 0.2
    pen: tuple[float, float] = (2.3, 0.4)
    nib: float = 0.12
    degradation: float = 1.0
    printed: float = 0.06
    fonts: tuple[str, ...] = ()


HAND = Style()
CLEAN = Style(0.0, 0.0, (0.0, 0.0), 0.0, 0.0, 0.0, (2.0, 0.0), 0.0, 0.0, 0.0)


def draw(
    glyphs: Sequence[Glyph],
    which: NDArray[np.integer],
    rng: np.random.Generator,
    style: Style = HAND,
) -> Images:
    """Return an image of ``glyphs[i]`` for each i in `which`.

    Parameters
    ----------
    glyphs : sequence of Glyph
    which : ndarray of shape (n,), dtype int
    rng : numpy.random.Generator
    style : Style

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8

    Examples
    --------
    >>> ring = Glyph("ring", "30,0 0,50 30,100 60,50 z")
    >>> draw([ring], np.zeros(3, int), np.random.default_rng(0)).shape
    (3, 28, 28)
    """
    images = np.empty((len(which), SIDE, SIDE), np.uint8)
    canvas = np.empty(CANVAS, np.uint8)
    degradation = Degradation(len(which), rng, style.degradation)
    order = np.argsort(which, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(which[order])) + 1) if len(order) else []
    for rows in groups:
        lines = trace(glyphs[which[rows[0]]], len(rows), rng, style)
        for k, row in enumerate(rows.tolist()):
            lines.draw(k, canvas)
            images[row] = degradation.finish(canvas, row, lines.squash[k])
    return images


@dataclass(frozen=True)
class Lines:
    """The lines of n images of one glyph, in canvas pixels.

    Attributes
    ----------
    points : ndarray of shape (n, p, 2), dtype float64
        In canvas pixels.
    strokes : tuple of slice
        The points of each stroke.
    pens : list of float
        Widths, in canvas pixels.
    pressure : list of tuple of float
        Relative change of the width along a stroke, and its phase; see `draw_lines`.
    squash : list of float
        Factor for the width of the canvas that reverses the effect of the nib on the geometry.
    """

    points: NDArray[np.float64]
    strokes: tuple[slice, ...]
    pens: list[float]
    pressure: list[tuple[float, float]]
    squash: list[float]

    def draw(self, k: int, canvas: Ink) -> None:
        """Clear the canvas and draw image `k` on it."""
        canvas.fill(0)
        lines = [self.points[k][stroke] for stroke in self.strokes]
        draw_lines(canvas, lines, self.pens[k], pressure=self.pressure[k])


def draw_lines(
    canvas: Ink,
    lines: Sequence[NDArray[np.floating]],
    width: float,
    *,
    pressure: tuple[float, float] = (0.0, 0.0),
    level: int = 255,
    smooth: bool = False,
) -> None:
    """Draw lines onto a canvas with a round pen.

    Parameters
    ----------
    canvas : ndarray of shape (height, width), dtype uint8
        Drawn on in place.
    lines : sequence of ndarray of shape (p, 2)
        x and y of the points of each line, in pixels of the canvas. One point is a dot.
    width : float
        Of the pen, in pixels; rounded to whole ones, at least 1.
    pressure : tuple of float
        Amplitude of the sine by which the width changes along a line, as a share of the width, and
        the phase of the sine at the start of each line. The width changes every `STEPS` points.
    level : int
        Gray level of the lines, 0 to 255.
    smooth : bool
        Whether edges are antialiased. Images in the form of MNIST are drawn at four times their
        size and do not need it.

    Examples
    --------
    >>> canvas = np.zeros((9, 9), np.uint8)
    >>> draw_lines(canvas, [np.array([[1, 4], [7, 4]])], 1)
    >>> int(canvas.sum() / 255)
    7
    """
    kind = cv2.LINE_AA if smooth else cv2.LINE_8
    dots = (np.repeat(line, 2, axis=0) if len(line) == 1 else line for line in lines)
    fine = [np.round(line * 2**BITS).astype(np.int32) for line in dots]
    amount, phase = pressure
    if not amount:
        cv2.polylines(canvas, fine, False, level, max(1, round(width)), kind, BITS)
        return
    for line in fine:
        for start in range(0, len(line) - 1, STEPS):
            pressed = width * (1 + amount * np.sin(phase + start * 0.12))
            part = line[start : start + STEPS + 1]
            cv2.polylines(canvas, [part], False, level, max(1, round(pressed)), kind, BITS)


def trace(glyph: Glyph, n: int, rng: np.random.Generator, style: Style) -> Lines:
    """Return the lines of `n` images of one glyph, each with the variations of another writer."""
    calm = 0.4 if glyph.steady else 1.0  # factor of all variations
    points = _pose(glyph, n, rng, style.jitter * calm)
    smooth, straight, strokes = smoothing(glyph)
    line = smooth @ points  # (n, p, 2)
    angular = (rng.random(n) < style.angular * calm) * rng.uniform(0.2, 0.7, n)
    if angular.any():
        line += angular[:, None, None].astype(np.float32) * (straight @ points - line)
    if not glyph.steady and style.jitter:
        line, strokes = _add_hooks(line, strokes, rng)
    line = _bend(line, rng, style.wobble * calm)
    line = _lean(line, glyph, rng, style, calm)

    # Scaled to the canvas: the longer side, including the width of the pen, has the box's length.
    low, high = line.min(axis=1), line.max(axis=1)
    width, height = np.maximum(high - low, 1e-3).T
    longest = np.maximum(width, height)
    median, spread = style.pen
    pen = median * np.exp(spread * rng.standard_normal(n)) * SCALE
    # A glyph that is narrower or flatter than its form needs a thinner pen to stay readable.
    usual = np.maximum(np.ptp(glyph.skeleton.points, axis=0), 0.1)
    thinner = (width / height / (usual[0] / usual[1])).clip(0.6, 1)
    flatter = (height / longest / (usual[1] / usual.max())).clip(0.6, 1)
    fattest = glyph.fattest * REACH * thinner * flatter
    pen = pen.clip(0.9 * SCALE, np.maximum(fattest, SCALE))
    nib = np.exp(style.nib * rng.standard_normal(n)).clip(1 / WIDEST, WIDEST)
    pen *= np.minimum(nib, 1)  # the wider of both line widths is the width that was drawn
    scale = (REACH - pen) / longest
    line = (line - low[:, None]) * scale[:, None, None]
    line[:, :, 0] *= nib[:, None]
    line += MARGIN + pen[:, None, None] / 2
    pressed = (rng.random(n) < 0.3 * bool(style.degradation)) * rng.uniform(0.15, 0.5, n)
    return Lines(
        line,
        strokes,
        pen.tolist(),
        list(zip(pressed.tolist(), rng.uniform(0, 2 * np.pi, n).tolist(), strict=True)),
        (1 / nib).tolist(),
    )


def _pose(glyph: Glyph, n: int, rng: np.random.Generator, jitter: float) -> Floats:
    """Return the points of a glyph as `n` writers place them, float32 of shape (n, m, 2).

    The parameters of the form are drawn at random, and each point is displaced by `jitter`, in
    units of the glyph's height.
    """
    skeleton = glyph.skeleton
    m = len(skeleton.points)
    amounts = rng.random((n, len(skeleton.parameters)), dtype=np.float32)
    points: Floats = skeleton.points + np.tensordot(amounts, skeleton.moves, 1)
    if not jitter:
        return points
    unsteady = jitter * np.exp(0.5 * rng.standard_normal((n, 1, 1), dtype=np.float32))
    points += unsteady * rng.standard_normal((n, m, 2), dtype=np.float32)
    for stroke in skeleton.strokes:
        first, last = stroke.first, stroke.last - 1
        if len(skeleton.strokes) > 1:  # the stroke as a whole is displaced
            points[:, first : last + 1] += 1.2 * unsteady * rng.standard_normal((n, 1, 2))
        if not stroke.closed:  # the stroke is a little longer or shorter at both ends
            early, late = rng.uniform(-0.1, 0.16, (2, n, 1))
            points[:, first] += early * (points[:, first] - points[:, first + 1])
            points[:, last] += late * (points[:, last] - points[:, last - 1])
    return points


def _add_hooks(
    line: Floats, strokes: tuple[slice, ...], rng: np.random.Generator
) -> tuple[Floats, tuple[slice, ...]]:
    """Add a short hook to some of the ends of strokes, as a pen leaves when it lands or lifts."""
    n = len(line)
    pieces, slices, start = [], [], 0
    for stroke in strokes:
        part = line[:, stroke]
        ends = []
        for end, inner in ((part[:, 0], part[:, 2]), (part[:, -1], part[:, -3])):
            way = end - inner
            way /= np.maximum(np.hypot(way[:, :1], way[:, 1:]), 1e-6)
            turn = rng.choice([-1, 1], n) * rng.uniform(0.6, 2.4, n)
            size = (rng.random(n) < 0.12) * rng.uniform(0.02, 0.08, n)
            cos, sin = np.cos(turn), np.sin(turn)
            x, y = way.T
            ends.append(end + (size * np.stack([cos * x - sin * y, sin * x + cos * y])).T)
        pieces += [ends[0][:, None], part, ends[1][:, None]]
        slices.append(slice(start, start + part.shape[1] + 2))
        start += part.shape[1] + 2
    return np.concatenate(pieces, axis=1).astype(np.float32), tuple(slices)


def _bend(line: Floats, rng: np.random.Generator, wobble: float) -> Floats:
    """Bend the plane by a slow wave in each direction."""
    if not wobble:
        return line
    n = len(line)
    waves = rng.uniform(-1.1, 1.1, (n, 2, 2)).astype(np.float32)  # cycles per height
    phase = rng.uniform(0, 2 * np.pi, (n, 1, 2)).astype(np.float32)
    size = wobble * rng.standard_normal((n, 1, 2), dtype=np.float32)
    return line + size * np.sin(2 * np.pi * (line @ waves) + phase)  # type: ignore[no-any-return]


def _lean(
    line: Floats, glyph: Glyph, rng: np.random.Generator, style: Style, calm: float
) -> Floats:
    """Apply each image's aspect, slant, rotation and slight perspective."""
    n = len(line)
    mean, deviation = style.slant
    slant = mean * calm + deviation * rng.standard_normal(n)
    turn = (style.rotation * calm * rng.standard_normal(n)).clip(-10, 10)
    # A rotation adds to the slant of the stem, so both together are limited.
    slant = np.deg2rad((slant + turn).clip(*glyph.lean) - turn)
    turn = np.deg2rad(turn)
    aspect = np.exp((style.aspect * calm * rng.standard_t(4, n)).clip(-0.45, 0.5))
    depth = style.wobble * 4 * rng.standard_normal((2, n, 1))
    centre = line.mean(axis=1, keepdims=True)
    x, y = np.moveaxis(line - centre, 2, 0)
    x, y = x * (1 + depth[0] * y), y * (1 + depth[1] * x)
    x = x * aspect[:, None] - y * np.tan(slant)[:, None]
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    return np.stack([cos * x - sin * y, sin * x + cos * y], axis=2).astype(np.float32)
