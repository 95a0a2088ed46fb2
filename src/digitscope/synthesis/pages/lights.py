"""Light on a page: lamps, windows, shadows and glare."""

from dataclasses import dataclass

import cv2
import numpy as np

from digitscope.synthesis.pages.textures import Plane, Range, Size, below, between


@dataclass(frozen=True)
class LightStyle:
    """How light varies. Chances are of 1.

    Attributes
    ----------
    lit_chance : float
        Chance that light is uneven at all.
    slope : tuple of float
        Change of light over the picture, as a part of 1.
    vignette : tuple of float
        Loss of light in the corners, as a part of 1.
    shadow_chance : float
        Chance of a cast shadow, among unevenly lit pictures.
    shadow : tuple of float
        Loss of light in it, as a part of 1.
    shadow_edge : tuple of float
        Blur of its edge, as a part of the longer side; small values are more frequent.
    flash_chance : float
        Chance of the glare of a flash or lamp, among unevenly lit pictures.
    flash : tuple of float
        Light it adds, as a part of white.
    """

    lit_chance: float = 0.45
    slope: Range = (0.0, 0.45)
    vignette: Range = (0.0, 0.4)
    shadow_chance: float = 0.35
    shadow: Range = (0.12, 0.6)
    shadow_edge: Range = (0.004, 0.12)
    flash_chance: float = 0.12
    flash: Range = (0.1, 0.45)


def light(
    rng: np.random.Generator, picture: Plane, style: LightStyle | None = None
) -> tuple[Plane, tuple[str, ...]]:
    """Light a page unevenly.

    It stands for phone photos under a lamp or beside a window, with the shadow of a hand, the phone
    or the bars of the window; scans stay as they are.

    Parameters
    ----------
    rng : numpy.random.Generator
    picture : ndarray of shape (height, width), dtype float32
        0 to 255; not changed.
    style : LightStyle, optional

    Returns
    -------
    tuple
        The picture, float32, 0 to 255, and the names of what was done.
    """
    style = style or LightStyle()
    if rng.random() >= style.lit_chance:
        return picture, ()
    size = (picture.shape[0], picture.shape[1])
    few = (max(8, size[0] // 4), max(8, size[1] // 4))
    x = np.linspace(-0.5, 0.5, few[1], dtype=np.float32)[None, :]
    y = np.linspace(-0.5, 0.5, few[0], dtype=np.float32)[:, None]
    direction = rng.random() * 6.283
    slope = below(rng, style.slope)
    lamp = 1 - 0.5 * slope + np.float32(slope * np.cos(direction)) * x
    lamp = lamp + np.float32(slope * np.sin(direction)) * y
    lamp = lamp * (1 - np.float32(2 * below(rng, style.vignette)) * (x * x + y * y))
    names: tuple[str, ...] = ("uneven light",)
    shadow, edge = rng.random() < style.shadow_chance, 1.0
    if shadow:
        edge = below(rng, style.shadow_edge) * max(size)
        if edge > 6:
            lamp *= _shadow(rng, few, edge / 4, between(rng, style.shadow))
        names += ("shadow",)
    flash = rng.random() < style.flash_chance
    lit: Plane = cv2.resize(lamp.astype(np.float32), size[::-1])
    if shadow and edge <= 6:
        lit *= _shadow(rng, size, edge, between(rng, style.shadow))
    lit *= picture
    if flash:
        lit += cv2.resize(_glare(rng, x, y, 255 * between(rng, style.flash)), size[::-1])
        names += ("glare",)
    return np.clip(lit, 0, 255, out=lit), names


def _shadow(rng: np.random.Generator, size: Size, edge: float, depth: float) -> Plane:
    """Return the light that a hand, a phone or the bars of a window leave: 1 for all of it."""
    dark = np.zeros(size, np.uint8)
    longer = max(size)
    pick = rng.random()
    if pick < 0.5:  # a hand, an arm: a rounded shape that comes from one side
        start, towards = rng.random(2) * size[::-1], rng.normal(0, 0.5, 2) * longer
        thick = max(2, int(between(rng, (0.08, 0.4)) * longer))
        ends = np.array([start + towards * 0.2, start + towards * 3])
        cv2.line(dark, ends[0].astype(int).tolist(), ends[1].astype(int).tolist(), 255, thick)
    elif pick < 0.8:  # a phone or a book: a corner with straight sides
        middle = rng.random(2) * size[::-1] + rng.normal(0, 0.5, 2) * longer
        box = (middle.tolist(), (0.9 * longer * (0.5 + rng.random(2))).tolist(), rng.random() * 90)
        cv2.fillPoly(dark, [cv2.boxPoints(box).astype(np.int32)], 255)
    else:  # bars
        gap = between(rng, (0.15, 0.6)) * longer
        angle = rng.random() * 3.1416
        x = np.arange(size[1], dtype=np.float32)[None, :] * np.float32(np.cos(angle) / gap)
        y = np.arange(size[0], dtype=np.float32)[:, None] * np.float32(np.sin(angle) / gap)
        dark[(x + y + 8 + rng.random()) % 1 < between(rng, (0.15, 0.5))] = 255
    dark = cv2.GaussianBlur(dark, (0, 0), max(edge, 0.4))
    left: Plane = 1 - dark * np.float32(depth / 255)
    return left


def _glare(rng: np.random.Generator, x: Plane, y: Plane, amount: float) -> Plane:
    """Return the light that a glossy page or screen reflects from a lamp, in levels."""
    dx, dy = (x - (rng.random() - 0.5)) * between(rng, (2, 8)), y - (rng.random() - 0.5)
    dy = dy * between(rng, (2, 8))
    glow: Plane = (amount * np.exp(-(dx * dx + dy * dy))).astype(np.float32)
    return glow
