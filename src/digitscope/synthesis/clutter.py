"""What else may lie in a box and is no digit: blots, scribbles, patterns, halves and neighbours.

Each maker draws one picture of ink, uint8 of shape (height, width); `Wear` brings it into
the form of an image. The makers that need digits take theirs from `Digits`, drawn or real.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import SIDE, Images, Labels
from digitscope.synthesis.digit_forms import DIGITS as BOOK
from digitscope.synthesis.pen import HAND, draw_lines, trace
from digitscope.synthesis.stroke_notation import Stroke, spline
from digitscope.synthesis.wear import CANVAS, MARGIN, REACH, SCALE, Ink, Wear, trim

Random = np.random.Generator

# The halves that are no digits: the lower half of a 6 is a 0, and the right one of a 3 is a 3.
HALVES = {
    0: ("left", "right", "top", "bottom"),
    2: ("bottom",),
    3: ("bottom",),
    4: ("top",),
    5: ("bottom",),
}


@dataclass(frozen=True)
class Digits:
    """The digits that makers take theirs from.

    Attributes
    ----------
    inks : list of ndarray of shape (height, width), dtype uint8
        Some 80 pixels high and cut to their boxes.
    labels : ndarray of shape (n,)
        -1 for one of unknown label.
    halves : ndarray of int
        Which of them have halves that are no digits.
    """

    inks: list[Ink]
    labels: NDArray[np.int64]
    halves: NDArray[np.intp]

    def pick(self, rng: Random) -> Ink:
        """Return any of them."""
        return self.inks[int(rng.integers(len(self.inks)))]

    def pick_for_halving(self, rng: Random) -> tuple[Ink, int]:
        """Return one whose label is in `HALVES`, and the label."""
        i = int(self.halves[int(rng.integers(len(self.halves)))])
        return self.inks[i], int(self.labels[i])


def gather(n: int, rng: Random, real: Images | None = None, labels: Labels | None = None) -> Digits:
    """Return some `n` digits, half of them real where there are real ones.

    Real ones without labels are never halved: half of some digits is another digit.

    Examples
    --------
    >>> len(gather(40, np.random.default_rng(0)).inks)
    40
    """
    n = max(n, 20)
    drawn = n // 2 if real is not None and len(real) else n
    inks, known = [], []
    for label, count in enumerate(np.bincount(np.arange(drawn) % len(BOOK), minlength=len(BOOK))):
        symbol = BOOK[label]
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
            inks.append(trim(_sure(np.where(large > 40, large, 0).astype(np.uint8))))
            known.append(-1 if labels is None else int(labels[row]))
    halves = np.flatnonzero(np.isin(known, list(HALVES)))
    return Digits(inks, np.array(known), halves)


def _blank() -> Ink:
    return np.zeros(CANVAS, np.uint8)


def _pen(rng: Random) -> int:
    median, spread = HAND.pen
    return round(float(np.clip(median * np.exp(spread * rng.standard_normal()), 0.9, 4)) * SCALE)


def blot(rng: Random, digits: Digits) -> Ink:
    """Draw a filled blot: round, lying, or ragged; never standing, as a fat 1 does."""
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


def speck(rng: Random, digits: Digits) -> Ink:
    """Draw a few pixels of dust, blown up."""
    side = int(rng.integers(2, 7))
    grain = rng.random((side, side)) < rng.uniform(0.3, 0.7)
    grain[side // 2, :2] = True
    how = cv2.INTER_CUBIC if rng.random() < 0.6 else cv2.INTER_NEAREST
    if 2 * np.ptp(np.flatnonzero(grain.any(axis=0))) < np.ptp(np.flatnonzero(grain.any(axis=1))):
        grain = grain.T  # standing, it would be a 1
    large = cv2.resize(grain.astype(np.uint8) * 255, (REACH, REACH), interpolation=how)
    return _sure(np.where(large > 60, large, 0).astype(np.uint8))


def scribble(rng: Random, digits: Digits) -> Ink:
    """Draw a line to and fro, as one that makes something illegible."""
    turns = int(rng.integers(3, 9))
    t = np.arange(2 * turns + 1)
    along = np.linspace(0, 1, len(t)) + 0.03 * rng.standard_normal(len(t))
    across = (t % 2) * rng.uniform(0.5, 1.2) + 0.12 * rng.standard_normal(len(t))
    angle = rng.uniform(0, np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return _line(np.stack([along, across], axis=1) @ turn, rng, smooth=rng.random() < 0.5)


def tangle(rng: Random, digits: Digits) -> Ink:
    """Draw a curve through a good many random points."""
    return _line(rng.random((int(rng.integers(10, 16)), 2)), rng, smooth=True)


def curls(rng: Random, digits: Digits) -> Ink:
    """Draw a row of loops, as of e or l in a word."""
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


def struck_out(rng: Random, digits: Digits) -> Ink:
    """Draw a digit with a heavy zigzag or three strokes across it."""
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


def half(rng: Random, digits: Digits) -> Ink:
    """Cut a digit through its middle and keep a half that is no digit."""
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
    part = trim(_sure(part))
    if part.shape[1] < 0.35 * part.shape[0]:  # so thin it would be a 1
        return pair(rng, digits)
    return part


def pair(rng: Random, digits: Digits) -> Ink:
    """Set two or three digits side by side, apart or touching."""
    parts = [digits.pick(rng) for _ in range(3 if rng.random() < 0.15 else 2)]
    return _row(parts, rng)


def neighbour(rng: Random, digits: Digits) -> Ink:
    """Set a digit beside a good part of another, cut off."""
    digit, part = digits.pick(rng), digits.pick(rng)
    width = part.shape[1]
    kept = max(8, round(width * rng.uniform(0.4, 0.75)))
    if rng.random() < 0.5:
        return _row([digit, _sure(part[:, :kept])], rng)
    return _row([_sure(part[:, width - kept :]), digit], rng)


def _row(parts: list[Ink], rng: Random) -> Ink:
    """Set pictures in a row, at slightly other sizes and heights."""
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


def halftone(rng: Random, digits: Digits) -> Ink:
    """Draw a printed screen of dots or lines, even or fading."""
    y, x = np.mgrid[:REACH, :REACH] / REACH
    angle, turns = rng.uniform(0, np.pi), rng.uniform(3, 9)
    u = 2 * np.pi * turns * (np.cos(angle) * x + np.sin(angle) * y)
    v = 2 * np.pi * turns * (np.cos(angle) * y - np.sin(angle) * x)
    wave = np.cos(u) + np.cos(v) if rng.random() < 0.6 else 1.6 * np.cos(u)
    fade = rng.uniform(-1.5, 1.5) * (x - 0.5) + rng.uniform(-1.5, 1.5) * (y - 0.5)
    height = max(20, round(REACH * rng.uniform(0.4, 1)))
    return _sure(np.where(wave + fade > rng.uniform(-0.6, 0.8), 255, 0).astype(np.uint8)[:height])


def texture(rng: Random, digits: Digits) -> Ink:
    """Draw a patch of noise, fine to coarse, hard or soft."""
    size = rng.uniform(1.5, 12)
    field = cv2.GaussianBlur(rng.standard_normal((REACH, REACH), dtype=np.float32), (0, 0), size)
    field = (field - field.mean()) / field.std()
    if rng.random() < 0.6:
        return _sure(np.where(field > rng.uniform(-0.8, 1.2), 255, 0).astype(np.uint8))
    return _sure((128 + 80 * field).clip(0, 255).astype(np.uint8))


def shade(rng: Random, digits: Digits) -> Ink:
    """Draw a lying or square patch with one or two soft edges: a shadow, a fold, a filled box."""
    y, x = np.mgrid[:REACH, :REACH] / REACH
    angle = rng.uniform(0, 2 * np.pi)
    ramp = 0.5 + (np.cos(angle) * (x - 0.5) + np.sin(angle) * (y - 0.5)) * rng.uniform(0, 2)
    height = round(REACH * rng.uniform(0.4, 1))
    return _sure((255 * ramp.clip(0, 1)).astype(np.uint8)[:height])


def _sure(ink: Ink) -> Ink:
    """Return ink that is there: a picture that came out empty gets a dot."""
    if not ink.any():
        ink = ink.copy()
        ink[ink.shape[0] // 2, ink.shape[1] // 2] = 255
    return ink


Maker = Callable[[Random, Digits], Ink]

MAKERS: dict[Maker, float] = {  # how often each is drawn, against the others
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


def draw_clutter(makers: Sequence[Maker], rng: Random, digits: Digits, wear: float = 1.0) -> Images:
    """Return an image by each of the makers, uint8 of shape (n, 28, 28).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw_clutter([blot, pair], rng, gather(20, rng)).shape
    (2, 28, 28)
    """
    images = np.empty((len(makers), SIDE, SIDE), np.uint8)
    finish = Wear(len(makers), rng, wear).finish
    for i, make in enumerate(makers):
        ink = make(rng, digits)
        scale = REACH / max(ink.shape)
        if scale < 0.9:  # wear is in pixels of a canvas
            size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
            ink = _sure(cv2.resize(ink, size, interpolation=cv2.INTER_AREA))
        images[i] = finish(ink, i)
    return images
