"""Recorded handwriting: digits and signs that people wrote, drawn again with random variations.

A `StrokeSet` holds pen strokes that a tablet recorded, a `ScanSet` the ink of scanned digits. Each
call draws a sample with another pen, slant and degradation, as `pen` does with parametric glyphs.
So one recorded digit gives hundreds of different training images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData
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
    place,
)
from digitscope.synthesis.pen import HAND, Style, draw_lines

JOINED = 0.04  # share of samples in which two strokes are connected by a line
RETOUCHED = 0.05  # share of samples in which a part of a stroke is drawn twice
PRESSED = 0.3  # share of samples whose line width varies along the stroke
# Least width of a sample, in heights, that the limit of the pen width is computed with: a 1 has
# hardly any width, but no loops that a broad pen could fill.
LEAST_WIDTH = 0.5
FILL = 0.75  # largest share of the sample's bounding box that the pen covers


@dataclass(frozen=True)
class StrokeSet:
    """Pen strokes of n samples.

    Attributes
    ----------
    points : ndarray of shape (p, 2), dtype float32
        x to the right, y downwards; the longer side of each sample is 1.
    stroke : ndarray of shape (s + 1,), dtype int
        First point of each stroke, and the number of points.
    sample : ndarray of shape (n + 1,), dtype int
        First stroke of each sample, and the number of strokes.
    labels : ndarray of shape (n,), dtype str
        The character written.
    writers : ndarray of shape (n,), dtype int
        Number of the writer of each sample.

    Examples
    --------
    >>> one = StrokeSet.from_lines([[[[0, 0], [0, 1]]]], ["1"])
    >>> len(one), one.draw([0, 0], np.random.default_rng(0)).shape
    (1, (2, 28, 28))
    """

    points: Floats
    stroke: NDArray[np.intp]
    sample: NDArray[np.intp]
    labels: NDArray[np.str_]
    writers: NDArray[np.intp]

    def __post_init__(self) -> None:
        n = len(self.labels)
        for name, offsets, last in (
            ("stroke", self.stroke, len(self.points)),
            ("sample", self.sample, len(self.stroke) - 1),
        ):
            whole = (
                offsets.ndim == 1 and len(offsets) > 0 and np.issubdtype(offsets.dtype, np.integer)
            )
            if not whole or offsets[0] != 0 or offsets[-1] != last or (np.diff(offsets) < 1).any():
                raise BadData(
                    f"the offsets {name!r} of a stroke file must rise from 0 to {last}. "
                    f"Received: {np.array2string(offsets, threshold=6)}."
                )
        if self.points.ndim != 2 or self.points.shape[1] != 2:
            raise BadData(f"points must have the shape (p, 2). Received: {self.points.shape}.")
        if len(self.sample) != n + 1 or len(self.writers) != n:
            raise BadData(
                f"each sample needs a label and a writer. "
                f"Received: {len(self.sample) - 1} samples, {n} labels, "
                f"{len(self.writers)} writers."
            )

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def from_lines(
        cls, samples: Sequence[Sequence[Any]], labels: Sequence[str], writers: Any = None
    ) -> Self:
        """Return a set from samples, each a list of strokes, each a list of points."""
        strokes = [np.asarray(stroke, np.float32) for lines in samples for stroke in lines]
        points = np.concatenate(strokes) if strokes else np.zeros((0, 2), np.float32)
        return cls(
            points,
            np.cumsum([0, *map(len, strokes)]),
            np.cumsum([0, *map(len, samples)]),
            np.asarray(labels),
            np.zeros(len(labels), int) if writers is None else np.asarray(writers),
        )

    @classmethod
    def joined(cls, sets: Sequence["StrokeSet"]) -> "StrokeSet":
        """Return several sets as one; the numbers of the writers are not changed."""
        return StrokeSet(
            np.concatenate([s.points for s in sets]),
            _offsets(np.concatenate([np.diff(s.stroke) for s in sets])),
            _offsets(np.concatenate([np.diff(s.sample) for s in sets])),
            np.concatenate([s.labels for s in sets]),
            np.concatenate([s.writers for s in sets]),
        )

    def lines(self, i: int) -> list[Floats]:
        """Return the strokes of sample `i`, each of shape (p, 2)."""
        first, last = self.sample[i], self.sample[i + 1]
        return [self.points[self.stroke[k] : self.stroke[k + 1]] for k in range(first, last)]

    def take(self, rows: Any) -> "StrokeSet":
        """Return the samples of those rows, a mask or numbers, as a set of their own."""
        chosen = np.arange(len(self))[rows]
        strokes = _ranges(self.sample[chosen], self.sample[chosen + 1])
        points = _ranges(self.stroke[strokes], self.stroke[strokes + 1])
        return StrokeSet(
            self.points[points],
            _offsets(np.diff(self.stroke)[strokes]),
            _offsets(np.diff(self.sample)[chosen]),
            self.labels[chosen],
            self.writers[chosen],
        )

    def draw(self, rows: Any, rng: np.random.Generator, style: Style = HAND) -> Images:
        """Draw samples, each with a random pen and distortion.

        Parameters
        ----------
        rows : array-like of shape (n,), dtype int
            Numbers of the samples; they may repeat.
        rng : numpy.random.Generator
            Source of all randomness: the same state gives the same images.
        style : Style
            Variation between writers, pens and images.

        Returns
        -------
        ndarray of shape (n, 28, 28), dtype uint8
            0 = paper, 255 = ink, in the form of MNIST.
        """
        part = self.take(np.asarray(rows, np.intp))
        n = len(part)
        per_sample = np.diff(part.stroke[part.sample])  # points
        owner = np.repeat(np.arange(n), per_sample)
        line = _bend(part.points, owner, n, rng, style)
        line, pens, squash = _into_canvas(line, part, per_sample, rng, style)
        pressed = (rng.random(n) < PRESSED * bool(style.degradation)) * rng.uniform(0.15, 0.5, n)
        pressures = np.stack([pressed, rng.uniform(0, 2 * np.pi, n)], axis=1).tolist()
        joined = rng.random(n) < JOINED * bool(style.degradation)
        retouched = rng.random(n) < RETOUCHED * bool(style.degradation)
        degradation = Degradation(n, rng, style.degradation)
        images = np.empty((n, SIDE, SIDE), np.uint8)
        canvas = np.empty(CANVAS, np.uint8)
        for i in range(n):
            first, last = part.sample[i], part.sample[i + 1]
            strokes = [line[part.stroke[k] : part.stroke[k + 1]] for k in range(first, last)]
            if joined[i]:
                strokes = _join(strokes, rng)
            if retouched[i]:
                strokes.append(_retouch(strokes, pens[i], rng))
            canvas.fill(0)
            draw_lines(canvas, strokes, pens[i], pressure=pressures[i])
            images[i] = degradation.finish(canvas, i, squash[i])
        return images


def _ranges(first: NDArray[np.intp], last: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return ``first[0], ..., last[0] - 1, first[1], ..., last[1] - 1`` and so on."""
    counts = last - first
    return np.repeat(first - _offsets(counts)[:-1], counts) + np.arange(counts.sum())


def _offsets(counts: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([[0], np.cumsum(counts)])


def _lean(
    n: int, rng: np.random.Generator, style: Style
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the aspect, slant (pixels across per pixel up) and rotation (radians) of n samples.

    Recorded samples already have the slant of their writer, so the variation is smaller than the
    one that `pen` applies to parametric glyphs.
    """
    slant = np.deg2rad((0.6 * style.slant[1] * rng.standard_normal(n)).clip(-15, 15))
    turn = np.deg2rad((style.rotation * rng.standard_normal(n)).clip(-10, 10))
    aspect = np.exp((style.aspect * rng.standard_t(4, n)).clip(-0.4, 0.4))
    return aspect, np.tan(slant), turn


def _bend(
    points: Floats, owner: NDArray[np.intp], n: int, rng: np.random.Generator, style: Style
) -> Floats:
    """Apply each sample's smooth distortion, aspect, slant and rotation."""
    waves = rng.uniform(-1.1, 1.1, (n, 2, 2)).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, (n, 2)).astype(np.float32)
    size = style.wobble * rng.standard_normal((n, 2), dtype=np.float32)
    along = np.einsum("pi,pij->pj", points, waves[owner])
    line = points + size[owner] * np.sin(2 * np.pi * along + phase[owner])
    aspect, slant, turn = _lean(n, rng, style)
    cos, sin = np.cos(turn), np.sin(turn)
    affine = np.empty((n, 2, 2), np.float32)  # rotation @ [[aspect, -slant], [0, 1]]
    affine[:, 0, 0], affine[:, 0, 1] = cos * aspect, -cos * slant - sin
    affine[:, 1, 0], affine[:, 1, 1] = sin * aspect, -sin * slant + cos
    bent: Floats = np.einsum("pj,pij->pi", line, affine[owner])
    return bent


def _into_canvas(
    line: Floats,
    part: StrokeSet,
    per_sample: NDArray[np.intp],
    rng: np.random.Generator,
    style: Style,
) -> tuple[Floats, list[float], list[float]]:
    """Scale each sample to the canvas; return its points, pen widths and horizontal squash."""
    n = len(part)
    starts = part.stroke[part.sample[:-1]]
    low, high = np.minimum.reduceat(line, starts), np.maximum.reduceat(line, starts)
    width, height = np.maximum(high - low, 1e-3).T
    longest = np.maximum(width, height)
    steps = np.zeros(len(line), np.float32)
    steps[1:] = np.hypot(*np.diff(line, axis=0).T)
    steps[part.stroke[:-1]] = 0  # no line from one stroke to the next
    length = np.maximum(np.add.reduceat(steps, starts), 1e-3)
    least = LEAST_WIDTH * longest
    broadest = FILL * REACH * np.maximum(width, least) * np.maximum(height, least)
    broadest /= length * longest
    median, spread = style.pen
    pen = median * np.exp(spread * rng.standard_normal(n)) * SCALE
    pen = pen.clip(0.9 * SCALE, np.maximum(np.minimum(broadest, REACH / 4), SCALE))
    nib = np.exp(style.nib * rng.standard_normal(n)).clip(1 / WIDEST, WIDEST)
    pen *= np.minimum(nib, 1)
    scale = ((REACH - pen) / longest).astype(np.float32)
    owner = np.repeat(np.arange(n), per_sample)
    line = (line - low[owner]) * scale[owner][:, None]
    line[:, 0] *= nib[owner]
    line += (MARGIN + pen / 2).astype(np.float32)[owner][:, None]
    return line, pen.tolist(), (1 / nib).tolist()


def _join(strokes: list[Floats], rng: np.random.Generator) -> list[Floats]:
    """Connect two successive strokes by a line."""
    if len(strokes) < 2:
        return strokes
    k = int(rng.integers(len(strokes) - 1))
    return [*strokes[:k], np.concatenate(strokes[k : k + 2]), *strokes[k + 2 :]]


def _retouch(strokes: list[Floats], pen: float, rng: np.random.Generator) -> Floats:
    """Return a part of a stroke, slightly displaced."""
    stroke = strokes[int(rng.integers(len(strokes)))]
    first = int(rng.integers(len(stroke)))
    last = first + 1 + max(1, int(rng.uniform(0.2, 0.6) * len(stroke)))
    beside = 0.4 * pen * rng.standard_normal(2, dtype=np.float32)
    return stroke[first:last] + beside


@dataclass(frozen=True)
class ScanSet:
    """The ink of n scanned digits.

    Attributes
    ----------
    inks : tuple of ndarray of shape (height, width), dtype uint8
        0 = paper, 255 = ink, cropped to the ink; the longer side is at most 80 pixels.
    labels : ndarray of shape (n,), dtype str
        The character written.
    writers : ndarray of shape (n,), dtype int
        Number of the writer of each sample.
    """

    inks: tuple[Ink, ...]
    labels: NDArray[np.str_]
    writers: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Any) -> "ScanSet":
        """Return the samples of those rows, a mask or numbers, as a set of their own."""
        chosen = np.arange(len(self))[rows]
        inks = tuple(self.inks[i] for i in chosen)
        return ScanSet(inks, self.labels[chosen], self.writers[chosen])

    def draw(self, rows: Any, rng: np.random.Generator, style: Style = HAND) -> Images:
        """Draw samples, each with a random distortion, stroke width and degradation.

        Parameters and result are those of `StrokeSet.draw`.
        """
        rows = np.asarray(rows, np.intp)
        n = len(rows)
        aspect, slant, turn = _lean(n, rng, style)
        change = style.pen[1] * rng.standard_normal(n)  # of the logarithm of the stroke's width
        degradation = Degradation(n, rng, style.degradation)
        images = np.empty((n, SIDE, SIDE), np.uint8)
        for i, row in enumerate(rows.tolist()):
            ink = place(self.inks[row], aspect[i], slant[i], turn[i])
            images[i] = degradation.finish(_thicken(ink, change[i]), i)
        return images


def _thicken(ink: Ink, change: float) -> Ink:
    """Make strokes thicker or, below 0, thinner, unless a stroke would break or vanish."""
    side = round(abs(change) * 2.3 * SCALE)
    if side < 2:
        return ink
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    if change > 0:
        return cv2.dilate(ink, kernel)  # type: ignore[no-any-return]
    thinner: Ink = cv2.erode(ink, kernel)
    before, after = (cv2.connectedComponents((i > 96).astype(np.uint8))[0] for i in (ink, thinner))
    return thinner if before == after else ink
