"""Non-digits other than characters: blots, scribbles, patterns, parts of digits, several digits.

Each maker function draws one picture of ink, uint8 of shape (height, width), which `Degradation`
converts to the form of MNIST. Makers that need digits take them from a `DigitPool`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import SIDE, Images, Labels
from digitscope.synthesis.degradation import CANVAS, MARGIN, REACH, SCALE, Degradation, Ink, trim
from digitscope.synthesis.digit_forms import DIGITS as DIGIT_FORMS
from digitscope.synthesis.pen import HAND, draw_lines, trace
from digitscope.synthesis.stroke_notation import Stroke, spline

Random = np.random.Generator

# Halves of digits that are no digits; the lower half of a 6, for example, is left out: it is a 0.
HALVES = {
    0: ("left", "right", "top", "bottom"),
    2: ("bottom",),
    3: ("bottom",),
    4: ("top",),
    5: ("bottom",),
}


@dataclass(frozen=True)
class DigitPool:
    """Digits that makers use.

    Attributes
    ----------
    inks : list of ndarray of shape (height, width), dtype uint8
        About 80 pixels high, cropped to their ink.
    labels : ndarray of shape (n,)
        -1 if unknown.
    halves : ndarray of int
        Numbers of the digits that have halves which are no digits.
    """

    inks: list[Ink]
    labels: NDArray[np.int64]
    halves: NDArray[np.intp]

    def pick(self, rng: Random) -> Ink:
        """Return a random digit."""
        return self.inks[int(rng.integers(len(self.inks)))]

    def pick_for_halving(self, rng: Random) -> tuple[Ink, int]:
        """Return a random digit whose label is in `HALVES`, and the label."""
        i = int(self.halves[int(rng.integers(len(self.halves)))])
        return self.inks[i], int(self.labels[i])


def collect_digits(
    n: int, rng: Random, real: Images | None = None, labels: Labels | None = None
) -> DigitPool:
    """Return about `n` digits; half of them are real if real ones are given.

    Real digits without labels are not halved, since half of some digits is another digit.

    Examples
    --------
    >>> len(collect_digits(40, np.random.default_rng(0)).inks)
    40
    """
    n = max(n, 20)
    drawn = n // 2 if real is not None and len(real) else n
    inks, known = [], []
    for label, count in enumerate(
        np.bincount(np.arange(drawn) % len(DIGIT_FORMS), minlength=len(DIGIT_FORMS))
    ):
        symbol = DIGIT_FORMS[label]
        weights = np.array([glyph.weight for glyph in symbol])
        for glyph, k in zip(symbol, rng.multinomial(count, weights / weights.sum()), strict=True):
            if not k:
                continue
            lines = trace(glyph, int(k), rng, HAND)
            for i in range(k):
                canvas = _blank()
                lines.draw(i, canvas)
                inks.append(trim(canvas))
                known.append(label)
    if real is not None and len(real):
        side = SIDE * SCALE
        for row in rng.integers(len(real), size=n - drawn).tolist():
            large = cv2.resize(real[row], (side, side), interpolation=cv2.INTER_CUBIC)
            inks.append(trim(_non_empty(np.where(large > 40, large, 0).astype(np.uint8))))
            known.append(-1 if labels is None else int(labels[row]))
    halves = np.flatnonzero(np.isin(known, list(HALVES)))
    return DigitPool(inks, np.array(known), halves)


def _blank() -> Ink:
    return np.zeros(CANVAS, np.uint8)


def _pen(rng: Random) -> int:
    median, spread = HAND.pen
    return round(float(np.clip(median * np.exp(spread * rng.standard_normal()), 0.9, 4)) * SCALE)


def blot(rng: Random, digits: DigitPool) -> Ink:
    """Draw a filled blot, round or ragged; never much higher than wide, as a 1 is."""
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    orders = np.arange(1, 6)[:, None]
    size = rng.uniform(0, 0.3) * rng.standard_normal((5, 1)) / orders
    radius = 1 + (size * np.cos(orders * turn + rng.uniform(0, 7, (5, 1)))).sum(axis=0)
    flat = rng.uniform(0.3, 1.25) if rng.random() < 0.7 else rng.uniform(0.85, 1.15)
    x, y = radius * np.cos(turn), radius * np.sin(turn) * flat
    points = np.stack([x, y], axis=1)
    points -= points.min(axis=0)
    width, height = np.ptp(points, axis=0)
    points[:, 0] *= max(1, 0.7 * height / width)
    points *= REACH / np.ptp(points, axis=0).max()
    ink = _blank()
    cv2.fillPoly(ink, [np.round(points + MARGIN).astype(np.int32)], 255)
    return ink


def speck(rng: Random, digits: DigitPool) -> Ink:
    """Draw a few pixels of dust, enlarged."""
    side = int(rng.integers(2, 7))
    grain = rng.random((side, side)) < rng.uniform(0.3, 0.7)
    grain[side // 2, :2] = True
    how = cv2.INTER_CUBIC if rng.random() < 0.6 else cv2.INTER_NEAREST
    if 2 * np.ptp(np.flatnonzero(grain.any(axis=0))) < np.ptp(np.flatnonzero(grain.any(axis=1))):
        grain = grain.T  # upright it would be a 1
    large = cv2.resize(grain.astype(np.uint8) * 255, (REACH, REACH), interpolation=how)
    return _non_empty(np.where(large > 60, large, 0).astype(np.uint8))


def scribble(rng: Random, digits: DigitPool) -> Ink:
    """Draw a zigzag line, as people do to make something unreadable."""
    turns = int(rng.integers(3, 9))
    t = np.arange(2 * turns + 1)
    along = np.linspace(0, 1, len(t)) + 0.03 * rng.standard_normal(len(t))
    across = (t % 2) * rng.uniform(0.5, 1.2) + 0.12 * rng.standard_normal(len(t))
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return _line(np.stack([along, across], axis=1) @ turn, rng, smooth=rng.random() < 0.5)


def tangle(rng: Random, digits: DigitPool) -> Ink:
    """Draw a smooth curve through 10 to 15 random points."""
    return _line(rng.random((int(rng.integers(10, 16)), 2)), rng, smooth=True)


def curls(rng: Random, digits: DigitPool) -> Ink:
    """Draw a row of loops, like several e or l in a word."""
    turns = int(rng.integers(2, 5))
    t = np.linspace(0, 2 * np.pi * (turns + 0.5), 8 * turns + 4)
    tall = rng.uniform(0.8, 1.6)
    points = np.stack([t * rng.uniform(0.05, 0.12) - 0.3 * np.sin(t), tall * np.cos(t) / 2], axis=1)
    return _line(points + 0.02 * rng.standard_normal(points.shape), rng, smooth=False)


def _line(points: NDArray[np.floating], rng: Random, *, smooth: bool) -> Ink:
    """Draw one line through points of any scale, with a random pen."""
    if smooth:
        stroke = Stroke(0, len(points), (False,) * len(points), closed=False)
        points = spline(stroke, len(points))[0] @ points
    pen = _pen(rng)
    points = points - points.min(axis=0)
    points = (
        MARGIN + pen / 2 + points * (REACH - pen) / max(float(np.ptp(points, axis=0).max()), 1e-3)
    )
    ink = _blank()
    draw_lines(ink, [points], pen)
    return ink


def struck_out(rng: Random, digits: DigitPool) -> Ink:
    """Draw a digit that is struck out with a zigzag line."""
    digit = digits.pick(rng)
    height, width = digit.shape
    ink = np.zeros((height + 24, width + 48), np.uint8)
    ink[12:-12, 24:-24] = digit
    turns = int(rng.integers(4, 8))
    y = np.linspace(0.1, 0.9, turns) + 0.05 * rng.standard_normal(turns)
    x = np.where(np.arange(turns) % 2, 0.97, 0.03) + 0.03 * rng.standard_normal(turns)
    zigzag = np.stack([x, y], axis=1) * ink.shape[::-1]
    if rng.random() < 0.4:  # along the diagonal
        zigzag[:, 1] += np.where(np.arange(turns) % 2, -1, 1) * 0.2 * height
    draw_lines(ink, [zigzag], max(4, 0.7 * _pen(rng)))
    return ink


def half(rng: Random, digits: DigitPool) -> Ink:
    """Draw a half of a digit that is no digit."""
    digit, label = digits.pick_for_halving(rng)
    sides = HALVES[label]
    side = sides[int(rng.integers(len(sides)))]
    height, width = digit.shape
    row, column = (int(x * rng.uniform(0.42, 0.58)) for x in (height, width))
    if side == "top":
        part = digit[:row]
    elif side == "bottom":
        part = digit[row:]
    else:
        part = digit[:, :column] if side == "left" else digit[:, column:]
    part = trim(_non_empty(part))
    if part.shape[1] < 0.35 * part.shape[0]:  # so narrow that it would be a 1
        return pair(rng, digits)
    return part


def pair(rng: Random, digits: DigitPool) -> Ink:
    """Draw two or three digits side by side, separate or touching."""
    parts = [digits.pick(rng) for _ in range(3 if rng.random() < 0.15 else 2)]
    return _row(parts, rng)


def neighbour(rng: Random, digits: DigitPool) -> Ink:
    """Draw a digit beside 40 to 75 % of another one."""
    digit, part = digits.pick(rng), digits.pick(rng)
    width = part.shape[1]
    kept = max(8, round(width * rng.uniform(0.4, 0.75)))
    if rng.random() < 0.5:
        return _row([digit, _non_empty(part[:, :kept])], rng)
    return _row([_non_empty(part[:, width - kept :]), digit], rng)


def _row(parts: list[Ink], rng: Random) -> Ink:
    """Return pictures in a row, with slightly different sizes and vertical positions."""
    scaled = []
    for part in parts:
        scale = 64 / max(part.shape[0], 0.6 * part.shape[1]) * rng.uniform(0.8, 1.1)
        size = (max(2, round(part.shape[1] * scale)), max(2, round(part.shape[0] * scale)))
        scaled.append(cv2.resize(part, size, interpolation=cv2.INTER_AREA))
    gaps = [round(rng.uniform(-4, 22)) for _ in scaled]
    ink = np.zeros((120, sum(part.shape[1] for part in scaled) + sum(map(abs, gaps)) + 8), np.uint8)
    x = 4
    for part, gap in zip(scaled, gaps, strict=True):
        height, width = part.shape
        y = round((120 - height) / 2 + rng.uniform(-8, 8))
        place = ink[y : y + height, x : x + width]
        np.maximum(place, part[: place.shape[0], : place.shape[1]], out=place)
        x += width + gap
    return ink


def halftone(rng: Random, digits: DigitPool) -> Ink:
    """Draw a halftone pattern of dots or lines."""
    y, x = np.mgrid[:REACH, :REACH] / REACH
    angle, turns = rng.uniform(0, np.pi), rng.uniform(3, 9)
    u = 2 * np.pi * turns * (np.cos(angle) * x + np.sin(angle) * y)
    v = 2 * np.pi * turns * (np.cos(angle) * y - np.sin(angle) * x)
    wave = np.cos(u) + np.cos(v) if rng.random() < 0.6 else 1.6 * np.cos(u)
    fade = rng.uniform(-1.5, 1.5) * (x - 0.5) + rng.uniform(-1.5, 1.5) * (y - 0.5)
    height = max(20, round(REACH * rng.uniform(0.4, 1)))
    return _non_empty(
        np.where(wave + fade > rng.uniform(-0.6, 0.8), 255, 0).astype(np.uint8)[:height]
    )


def texture(rng: Random, digits: DigitPool) -> Ink:
    """Draw a patch of noise, fine to coarse, bilevel or gray."""
    size = rng.uniform(1.5, 12)
    field = cv2.GaussianBlur(rng.standard_normal((REACH, REACH), dtype=np.float32), (0, 0), size)
    field = (field - field.mean()) / field.std()
    if rng.random() < 0.6:
        return _non_empty(np.where(field > rng.uniform(-0.8, 1.2), 255, 0).astype(np.uint8))
    return _non_empty((128 + 80 * field).clip(0, 255).astype(np.uint8))


def shade(rng: Random, digits: DigitPool) -> Ink:
    """Draw a patch with soft edges, like a shadow, a fold or a filled box."""
    y, x = np.mgrid[:REACH, :REACH] / REACH
    angle = rng.uniform(0, 2 * np.pi)
    ramp = 0.5 + (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) * rng.uniform(0, 2)
    height = round(REACH * rng.uniform(0.4, 1))
    return _non_empty((255 * ramp.clip(0, 1)).astype(np.uint8)[:height])


def _non_empty(ink: Ink) -> Ink:
    """Return the picture with a dot of ink if it is empty."""
    if not ink.any():
        ink = ink.copy()
        ink[ink.shape[0] // 2, ink.shape[1] // 2] = 255
    return ink


Maker = Callable[[Random, DigitPool], Ink]

MAKERS: dict[Maker, float] = {  # relative frequency of each
    blot: 2.5,
    speck: 0.7,
    scribble: 1.2,
    tangle: 1.0,
    curls: 0.6,
    struck_out: 1.2,
    half: 1.8,
    pair: 4.5,
    neighbour: 2.2,
    halftone: 0.6,
    texture: 0.9,
    shade: 0.4,
}


def draw_clutter(
    makers: Sequence[Maker], rng: Random, digits: DigitPool, degradation: float = 1.0
) -> Images:
    """Return one image by each of `makers`, uint8 of shape (n, 28, 28).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw_clutter([blot, pair], rng, collect_digits(20, rng)).shape
    (2, 28, 28)
    """
    images = np.empty((len(makers), SIDE, SIDE), np.uint8)
    finish = Degradation(len(makers), rng, degradation).finish
    for i, make in enumerate(makers):
        ink = make(rng, digits)
        scale = REACH / max(ink.shape)
        if scale < 0.9:  # degradation is in pixels of a canvas
            size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
            ink = _non_empty(cv2.resize(ink, size, interpolation=cv2.INTER_AREA))
        images[i] = finish(ink, i)
    return images
