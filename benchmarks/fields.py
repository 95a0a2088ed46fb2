"""Register cells, boxed fields, score cards and notes set from the real digits of `bhmsds-dev`.

Each digit may be by another hand, which real pages do not have, so these pictures are harder than
most; what they show is how fields, lines and neighbours change what is read.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

BLUR = (0.4, 1.1)  # pixels
NOISE = 4.0  # gray levels
INK, PAPER = (20, 90), (190, 240)  # gray levels
LINE = (40, 150)  # levels of a ruling line, 0 = black
ONE = 0.55  # width of a 1, in widths of another digit


@dataclass(eq=False)
class Pen:
    """What writes real digits on a picture that is white at first.

    Attributes
    ----------
    rng : numpy.random.Generator
    images : ndarray of shape (n, 28, 28), dtype uint8
        Crops, dark on white.
    labels : ndarray of shape (n,), dtype str
    height, aspect : float
        Of a digit: its height in pixels, and its width in heights.
    """

    rng: np.random.Generator
    images: NDArray[np.uint8]
    labels: NDArray[np.str_]
    height: float
    aspect: float

    def number(self, longest: int, shortest: int = 1) -> str:
        """Return digits drawn uniformly."""
        length = self.rng.integers(shortest, longest + 1)
        return "".join(map(str, self.rng.integers(0, 10, length).tolist()))

    def width(self, digit: str) -> float:
        """Return the usual width of a digit, in pixels."""
        return self.height * self.aspect * (ONE if digit == "1" else 1.0)

    def digit(self, page: NDArray[np.uint8], digit: str, x: float, y: float) -> None:
        """Write a digit whose middle is x and whose foot is y; what is outside is cut off."""
        of = np.flatnonzero(self.labels == digit)
        high = max(int(self.height * self.rng.uniform(0.9, 1.1)), 4)
        wide = max(int(self.width(digit) * self.rng.uniform(0.85, 1.1)), 3)
        way = cv2.INTER_AREA if high < 28 else cv2.INTER_CUBIC
        crop = cv2.resize(self.images[self.rng.choice(of)], (wide, high), interpolation=way)
        left, top = int(x - wide / 2), int(y - high)
        area = page[max(top, 0) : max(top + high, 0), max(left, 0) : max(left + wide, 0)]
        below, right = max(-top, 0), max(-left, 0)
        np.minimum(area, crop[below:, right:][: area.shape[0], : area.shape[1]], out=area)

    def write(self, page: NDArray[np.uint8], text: str, x: float, y: float) -> float:
        """Write a number from x on along the baseline y, and return where it ends."""
        for digit in text:
            wide = 0.95 * self.width(digit)
            self.digit(page, digit, x + wide / 2, y)
            x += wide * self.rng.uniform(0.9, 1.1)
        return x

    def line(
        self, page: NDArray[np.uint8], start: tuple[float, float], end: tuple[float, float]
    ) -> None:
        """Draw a thin ruling line."""
        width, level = int(self.rng.integers(1, 3)), int(self.rng.integers(*LINE))
        cv2.line(page, tuple(map(int, start)), tuple(map(int, end)), level, width)


Made = tuple[NDArray[np.uint8], list[str]]  # a picture, dark on white, and its numbers


def register_cell(pen: Pen) -> Made:
    """Return a cell cut from a ruled register, with strokes of the cell above."""
    rng, h = pen.rng, pen.height
    wide, high = h * rng.uniform(2.6, 5.2), h * rng.uniform(1.3, 1.7)
    page = np.full((int(high), int(wide)), 255, np.uint8)
    text = pen.number(4)
    if rng.random() < 0.6:
        pen.write(page, pen.number(3, 3), rng.uniform(0, h), 0.16 * high)
    pen.write(page, text, rng.uniform(0.1, 0.5) * h, high * rng.uniform(0.87, 0.98))
    for share in (rng.uniform(0, 0.08), rng.uniform(0.93, 1)):
        pen.line(page, (0, share * high), (wide, share * high + rng.uniform(-2, 2)))
        pen.line(page, (share * wide, 0), (share * wide + rng.uniform(-2, 2), high))
    return page, [text]


def boxed_field(pen: Pen) -> Made:
    """Return a field of boxes, filled from the left."""
    rng, h = pen.rng, pen.height
    n, wide, high = int(rng.integers(4, 11)), h * rng.uniform(0.95, 1.5), h * rng.uniform(1.1, 1.6)
    page = np.full((int(high + 2 * h), int(n * wide + 2 * h)), 255, np.uint8)
    text = pen.number(n, n if rng.random() < 0.6 else 1)
    gap = rng.uniform(0.05, 0.15) * wide if rng.random() < 0.4 else 0.0
    level, line = int(rng.integers(*LINE)), int(rng.integers(1, 4))
    for i in range(n):
        left, right = int(h + i * wide + gap), int(h + (i + 1) * wide - gap)
        cv2.rectangle(page, (left, int(h)), (right, int(h + high)), level, line)
    for i, digit in enumerate(text):
        x, y = h + (i + 0.5 + 0.07 * rng.standard_normal()) * wide, h + (high + h) / 2
        pen.digit(page, digit, x, y + 0.06 * h * rng.standard_normal())
    return page, [text]


def score_card(pen: Pen) -> Made:
    """Return a table of scores below printed numbers, with some cells empty."""
    rng, h = pen.rng, pen.height
    rows, columns = int(rng.integers(3, 7)), int(rng.integers(4, 10))
    wide, high = h * rng.uniform(1.5, 2.2), h * rng.uniform(1.3, 1.8)
    page = np.full((int(rows * high + 2 * h), int(columns * wide + 2 * h)), 255, np.uint8)
    for row in range(rows + 1):
        pen.line(page, (h, h + row * high), (h + columns * wide, h + row * high))
    for column in range(columns + 1):
        pen.line(page, (h + column * wide, h), (h + column * wide, h + rows * high))
    truth = []
    for row in range(rows):
        for column in range(columns):
            x, y = h + column * wide, h + (row + 0.85) * high
            if row == 0:
                text = str(column + 1)
                place = int(x + 0.35 * wide), int(y - 0.1 * high)
                cv2.putText(page, text, place, 0, h / 40, 60, 1, cv2.LINE_AA)
            elif rng.random() < 0.85:
                text = pen.number(1 if rng.random() < 0.75 else 2)
                pen.write(page, text, x + wide / 2 - sum(map(pen.width, text)) / 2, y)
            else:
                continue
            truth.append(text)
    return page, truth


def notes(pen: Pen) -> Made:
    """Return rows of numbers on plain, ruled or squared paper."""
    rng, h = pen.rng, pen.height
    rows, pitch = int(rng.integers(2, 5)), h * rng.uniform(1.4, 1.9)
    high, wide = pitch * rows + 1.5 * h, 14 * h
    page = np.full((int(high), int(wide)), 255, np.uint8)
    kind = rng.integers(3)
    for y in np.arange(0.3 * h, high, pitch / 2) if kind else ():
        cv2.line(page, (0, int(y)), (int(wide), int(y)), 180, 1)
    for x in np.arange(0, wide, pitch / 2) if kind == 2 else ():
        cv2.line(page, (int(x), 0), (int(x), int(high)), 180, 1)
    truth = []
    for row in range(rows):
        x = rng.uniform(0.3, 2) * h
        while x < wide - 4.5 * h:
            truth.append(pen.number(5))
            x = pen.write(page, truth[-1], x, pitch * (row + 1)) + rng.uniform(0.9, 2) * h
    return page, truth


KINDS: dict[str, Callable[[Pen], Made]] = {
    "register cell": register_cell,
    "boxed field": boxed_field,
    "score card": score_card,
    "notes": notes,
}


def set_field(
    rng: np.random.Generator, kind: str, images: NDArray[np.uint8], labels: NDArray[np.str_]
) -> Made:
    """Return a picture of one of the `KINDS`, blurred and with noise, and the numbers on it."""
    pen = Pen(rng, images, labels, float(rng.uniform(22, 40)), float(rng.uniform(0.55, 0.8)))
    page, truth = KINDS[kind](pen)
    ink, paper = rng.uniform(*INK), rng.uniform(*PAPER)
    gray = ink + (paper - ink) * page.astype(np.float32) / 255
    gray = cv2.GaussianBlur(gray, (0, 0), rng.uniform(*BLUR))
    gray += rng.normal(0, NOISE, gray.shape).astype(np.float32)
    noisy: NDArray[np.uint8] = gray.clip(0, 255).astype(np.uint8)
    return noisy, truth
