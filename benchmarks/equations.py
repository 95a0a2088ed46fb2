"""Equations set from real digits and signs: those of `bhmsds-dev`, cut from photographed sheets.

Each crop there is as large as its ink, so the usual sizes of signs and letters are given here. A z
is left out, since alone it equals a 2.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

NAMES = {"+": "plus", "-": "minus", "/": "slash"}
LETTERS = "xyw"
# Height of a sign or letter, and of its middle below that of a digit, in heights of a digit.
SIZES = {"+": 0.62, "-": 0.55, "/": 1.3, "x": 0.72, "w": 0.75, "y": 0.95}
LOWER = {"x": 0.14, "w": 0.12, "y": 0.28}
HEIGHT = 34  # pixels of a digit
MARGIN = 20  # pixels
INK, PAPER = 70, 223  # gray levels
BLUR, NOISE = 0.7, 4.0  # pixels; gray levels


def draw_terms(rng: np.random.Generator) -> list[str]:
    """Return an equation of two to four operands: numbers, letters and signs in their order."""
    terms: list[str] = []
    for place in range(rng.integers(2, 5)):
        if place:
            terms.append("/" if rng.random() < 0.15 else "+-"[rng.integers(2)])
        kind = rng.random()
        if kind < 0.8:
            terms.append("".join(map(str, rng.integers(0, 10, rng.integers(1, 4)))))
        if kind > 0.55:
            terms.append(LETTERS[rng.integers(len(LETTERS))])
    return terms


def set_equation(
    rng: np.random.Generator, terms: list[str], images: NDArray[np.uint8], labels: NDArray[np.str_]
) -> NDArray[np.uint8]:
    """Return a picture of an equation, each character a crop drawn at random.

    Parameters
    ----------
    rng : numpy.random.Generator
    terms : list of str
    images : ndarray of shape (n, 28, 28), dtype uint8
        Dark on white.
    labels : ndarray of shape (n,), dtype str
    """
    width = 2 * MARGIN + sum(2 * HEIGHT * (len(term) + 1) for term in terms)
    page = np.full((3 * HEIGHT, width), 255, np.uint8)
    x = MARGIN
    for term in terms:
        for character in term:
            of = np.flatnonzero(labels == NAMES.get(character, character))
            crop = images[of[rng.integers(len(of))]]
            side = int(HEIGHT * rng.uniform(0.9, 1.1) * SIZES.get(character, 1.0))
            crop = cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC)
            shift = (0.05 * rng.standard_normal() + LOWER.get(character, 0.0)) * HEIGHT
            top = (len(page) - side) // 2 + int(shift)
            area = page[top : top + side, x : x + side]
            np.minimum(area, crop, out=area)
            x += int(side * rng.uniform(0.75, 0.95))
        x += int(HEIGHT * rng.uniform(0.15, 0.5))
    light = page[:, : x + MARGIN].astype(np.float32) / 255
    gray = cv2.GaussianBlur(INK + (PAPER - INK) * light, (0, 0), BLUR)
    noisy: NDArray[np.uint8] = (gray + rng.normal(0, NOISE, gray.shape)).clip(0, 255).astype("u1")
    return noisy
