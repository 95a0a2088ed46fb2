"""Printed characters in any font, slightly distorted."""

import functools
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from digitscope.image.digit import SIDE, Images
from digitscope.synthesis.degradation import Degradation, Ink, place, trim
from digitscope.synthesis.fonts import OWN, SIZE, load_font
from digitscope.synthesis.pen import HAND, Style

THIN = 0.3  # least share of the ink that must remain when a character is made lighter


@functools.lru_cache(maxsize=8192)
def _mask(character: str, font: str) -> Ink:
    """Return one character, cropped to its ink."""
    image = Image.new("L", (3 * SIZE, 3 * SIZE))
    ImageDraw.Draw(image).text((SIZE, SIZE // 2), character, 255, load_font(font))
    return trim(np.asarray(image)).copy()


def draw_printed(
    characters: Sequence[str], rng: np.random.Generator, style: Style = HAND
) -> Images:
    """Return an image of each printed character: upright or slanted, light or bold, narrow or wide.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8

    Examples
    --------
    >>> draw_printed("R2", np.random.default_rng(0)).shape
    (2, 28, 28)
    """
    n = len(characters)
    images = np.empty((n, SIDE, SIDE), np.uint8)
    degradation = Degradation(n, rng, style.degradation)
    aspect = np.exp((0.15 * rng.standard_normal(n)).clip(-0.4, 0.3)).tolist()
    slant = np.where(rng.random(n) < 0.3, rng.uniform(0, 0.3, n), 0).tolist()
    turn = np.deg2rad(3 * rng.standard_normal(n).clip(-3, 3)).tolist()
    weight = rng.integers(-2, 4, n).tolist()
    fonts = rng.choice(style.fonts, n).tolist() if style.fonts else [OWN] * n
    for i, character in enumerate(characters):
        canvas = place(_mask(character, fonts[i]), aspect[i], slant[i], turn[i])
        images[i] = degradation.finish(_weigh(canvas, weight[i]), i)
    return images


def _weigh(ink: Ink, weight: int) -> Ink:
    """Return a character made bolder or, below 0, lighter by `weight` pixels at each edge.

    A thin character that would lose most of its ink is returned unchanged.
    """
    if not weight:
        return ink
    side = 2 * abs(weight) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    if weight > 0:
        return cv2.dilate(ink, kernel)  # type: ignore[no-any-return]
    lighter: Ink = cv2.erode(ink, kernel)
    return lighter if cv2.countNonZero(lighter) > THIN * cv2.countNonZero(ink) else ink
