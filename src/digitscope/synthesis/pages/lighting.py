"""Uneven light on a page: lamps, windows, shadows and glare."""

from dataclasses import dataclass

import cv2
import numpy as np

from digitscope.synthesis.pages.textures import Plane, Range, Size, triangular, uniform


@dataclass(frozen=True)
class LightingStyle:
    """Variation of light. A chance is a probability; shares are of 1.

    Attributes
    ----------
    lit_chance : float
        Chance that light is uneven.
    slope : tuple of float
        Change of brightness over the picture, as a share.
    vignette : tuple of float
        Loss of brightness in the corners, as a share.
    shadow_chance : float
        Chance of a cast shadow, among unevenly lit pictures.
    shadow : tuple of float
        Loss of brightness in it, as a share.
    shadow_edge : tuple of float
        Blur of its edge, as a share of the longer side; small values are more frequent.
    flash_chance : float
        Chance of the glare of a flash or lamp, among unevenly lit pictures.
    flash : tuple of float
        Brightness it adds, as a share of white.
    """

    lit_chance: float = 0.45
    slope: Range = (0.0, 0.45)
    vignette: Range = (0.0, 0.4)
    shadow_chance: float = 0.35
    shadow: Range = (0.12, 0.6)
    shadow_edge: Range = (0.004, 0.12)
    flash_chance: float = 0.12
    flash: Range = (0.1, 0.45)


def apply_lighting(
    rng: np.random.Generator, picture: Plane, style: LightingStyle | None = None
) -> tuple[Plane, tuple[str, ...]]:
    """Return a picture under uneven light.

    It simulates phone photos under a lamp or beside a window, with the shadow of a hand, the phone
    or the bars of the window. Other pictures, like scans, are returned unchanged.

    Parameters
    ----------
    rng : numpy.random.Generator
    picture : ndarray of shape (height, width), dtype float32
        0 to 255; not changed.
    style : LightStyle, optional

    Returns
    -------
    tuple
        The picture, float32, 0 to 255, and the names of the effects.
    """
    style = style or LightingStyle()
    if rng.random() >= style.lit_chance:
        return picture, ()
    size = (picture.shape[0], picture.shape[1])
    coarse = (max(8, size[0] // 4), max(8, size[1] // 4))
    x = np.linspace(-0.5, 0.5, coarse[1], dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, coarse[0], dtype=np.float32)[:, None]
    direction = rng.random() * 6.283
    slope = triangular(rng, style.slope)
    lamp = 1 - 0.5 * slope + np.float32(slope * np.cos(direction)) * x
    lamp = lamp + np.float32(slope * np.sin(direction)) * y
    lamp = lamp * (1 - np.float32(2 * triangular(rng, style.vignette)) * (x * x + y * y))
    names: tuple[str, ...] = ("uneven light",)
    shadow, edge = rng.random() < style.shadow_chance, 1.0
    if shadow:
        edge = triangular(rng, style.shadow_edge) * max(size)
        if edge > 6:
            lamp *= _shadow(rng, coarse, edge / 4, uniform(rng, style.shadow))
        names += ("shadow",)
    flash = rng.random() < style.flash_chance
    lit: Plane = cv2.resize(lamp.astype(np.float32), size[::-1])
    if shadow and edge <= 6:
        lit *= _shadow(rng, size, edge, uniform(rng, style.shadow))
    lit *= picture
    if flash:
        lit += cv2.resize(_glare(rng, x, y, 255 * uniform(rng, style.flash)), size[::-1])
        names += ("glare",)
    return np.clip(lit, 0, 255, out=lit), names


def _shadow(rng: np.random.Generator, size: Size, edge: float, depth: float) -> Plane:
    """Return the share of light in the shadow of a hand, a phone or the bars of a window."""
    dark = np.zeros(size, np.uint8)
    longer = max(size)
    pick = rng.random()
    if pick < 0.5:  # a hand, an arm: a rounded shape that comes from one side
        start, towards = rng.random(2) * size[::-1], rng.normal(0, 0.5, 2) * longer
        thick = max(2, int(uniform(rng, (0.08, 0.4)) * longer))
        ends = np.array([start + towards * 0.2, start + towards * 3])
        cv2.line(dark, ends[0].astype(int).tolist(), ends[1].astype(int).tolist(), 255, thick)
    elif pick < 0.8:  # a phone or a book: a corner with straight sides
        middle = rng.random(2) * size[::-1] + rng.normal(0, 0.5, 2) * longer
        box = (middle.tolist(), (0.9 * longer * (0.5 + rng.random(2))).tolist(), rng.random() * 90)
        cv2.fillPoly(dark, [cv2.boxPoints(box).astype(np.int32)], 255)
    else:  # bars
        gap = uniform(rng, (0.15, 0.6)) * longer
        angle = rng.random() * 3.1416
        x = np.arange(size[1], dtype=np.float32)[None, :] * np.float32(np.cos(angle) / gap)
        y = np.arange(size[0], dtype=np.float32)[:, None] * np.float32(np.sin(angle) / gap)
        dark[(x + y + 8 + rng.random()) % 1 < uniform(rng, (0.15, 0.5))] = 255
    dark = cv2.GaussianBlur(dark, (0, 0), max(edge, 0.4))
    left: Plane = 1 - dark * np.float32(depth / 255)
    return left


def _glare(rng: np.random.Generator, x: Plane, y: Plane, amount: float) -> Plane:
    """Return the reflection of a lamp on a glossy page or screen, in gray levels."""
    dx, dy = (x - (rng.random() - 0.5)) * uniform(rng, (2, 8)), y - (rng.random() - 0.5)
    dy = dy * uniform(rng, (2, 8))
    glow: Plane = (amount * np.exp(-(dx * dx + dy * dy))).astype(np.float32)
    return glow
