"""What cameras, scanners and files do to the picture of a page."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    below,
    between,
    flat,
    grain,
    soft_grain,
    specks,
    window,
)

WRITING = 14.0  # pixels; height of writing for which the strengths below are given


@dataclass(frozen=True)
class PhotoStyle:
    """How cameras, scanners and files vary. Chances are of 1; levels are gray of 0 to 255.

    Lengths hold for writing of `WRITING` pixels height and grow with it.

    Attributes
    ----------
    clean_chance : float
        Chance that a picture gets at most exposure, little noise and good JPEG.
    defocus_chance, motion_chance, coarse_chance, sharpen_chance : float
        Chance of each among pictures that are not clean.
    defocus : tuple of float
        Standard deviation of the blur, in pixels.
    motion : tuple of float
        Length of the motion, in pixels.
    coarse : tuple of float
        Factor of size of a picture that was small and enlarged.
    sharpen : tuple of float
        Strength of the halos, in multiples of what a blur took off.
    noise_chance, grain_chance, salt_chance, speck_chance : float
        Chance of noise of the sensor, coarse grain, single wrong pixels and specks of dust.
    noise : tuple of float
        Spread, in levels; small values are more frequent.
    salt : tuple of float
        Part of the pixels that are black or white.
    specks : tuple of float
        Number of specks on 224×224 pixels; small values are more frequent.
    exposure_chance : float
        Chance of other contrast, brightness and gamma.
    contrast : tuple of float
        Difference of the levels of white and black, in levels.
    gamma : tuple of float
        Exponent.
    bilevel_chance : float
        Chance of a scan in black and white, where writing can survive it.
    steps_chance : float
        Chance of few gray levels.
    steps : tuple of float
        Number of those levels.
    jpeg_chance : float
        Chance of JPEG artefacts.
    jpeg : tuple of float
        Quality of 100; higher ones are more frequent.
    negative_chance : float
        Chance of an inverted picture.
    """

    clean_chance: float = 0.45
    defocus_chance: float = 0.4
    motion_chance: float = 0.12
    coarse_chance: float = 0.35
    sharpen_chance: float = 0.15
    defocus: Range = (0.4, 1.6)
    motion: Range = (1.5, 4.0)
    coarse: Range = (0.5, 0.9)
    sharpen: Range = (0.3, 1.6)
    noise_chance: float = 0.6
    grain_chance: float = 0.2
    salt_chance: float = 0.04
    speck_chance: float = 0.08
    noise: Range = (0.5, 14.0)
    salt: Range = (0.001, 0.015)
    specks: Range = (3.0, 60.0)
    exposure_chance: float = 0.35
    contrast: Range = (110.0, 255.0)
    gamma: Range = (0.6, 1.7)
    bilevel_chance: float = 0.1
    steps_chance: float = 0.04
    steps: Range = (8.0, 32.0)
    jpeg_chance: float = 0.4
    jpeg: Range = (12.0, 95.0)
    negative_chance: float = 0.03


def develop(
    rng: np.random.Generator,
    picture: Plane,
    *,
    writing: float = WRITING,
    style: PhotoStyle | None = None,
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Turn what falls on the sensor into a file and back.

    It stands for phone photos out of focus or in the dark, small pictures that were enlarged, files
    sent through messengers, scans in gray and in black and white, faxes and negatives. About half
    of all pictures stay nearly clean.

    Parameters
    ----------
    rng : numpy.random.Generator
    picture : ndarray of shape (height, width), dtype float32
        0 to 255; not changed.
    writing : float
        Height of the smallest writing that shall stay readable, in pixels.
    style : PhotoStyle, optional

    Returns
    -------
    tuple
        The picture, uint8, and the names of what was done in that order.

    Examples
    --------
    >>> picture, names = develop(np.random.default_rng(1), np.full((32, 48), 200, np.float32))
    >>> picture.shape, picture.dtype
    ((32, 48), dtype('uint8'))
    """
    style = style or PhotoStyle()
    names: list[str] = []
    scale = max(0.5, writing / WRITING)
    scale = scale if scale < 1 else between(rng, (1.0, min(scale, 2.5)))
    clean = rng.random() < style.clean_chance
    plane = picture
    if not clean:
        for name, chance, blur in BLURS:
            if rng.random() < getattr(style, chance):
                plane = blur(rng, plane, style, scale)
                names.append(name)
    plane = _noisy(rng, plane, style, 0.25 if clean else 1.0, names)
    plane = _exposed(rng, plane, style, names)  # last, so that pale pictures stay readable
    if rng.random() < style.bilevel_chance:
        scan = _bilevel(rng, plane)
        if scan is not None:
            plane = scan
            names.append("black and white")
    if rng.random() < style.steps_chance:
        step = 255 / int(between(rng, style.steps))
        plane = np.round(plane * np.float32(1 / step)) * np.float32(step)
        names.append("few levels")
    result = cv2.convertScaleAbs(np.maximum(plane, 0))  # rounds and clips at 255
    if rng.random() < style.jpeg_chance:
        lowest, highest = (70.0, style.jpeg[1]) if clean else style.jpeg
        quality = round(highest - below(rng, (0, highest - lowest)))
        code = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
        names.append("jpeg")
    if rng.random() < style.negative_chance:
        result = cv2.bitwise_not(result)
        names.append("negative")
    return result, tuple(names)


def _defocus(rng: np.random.Generator, plane: Plane, style: PhotoStyle, scale: float) -> Plane:
    """Return the picture out of focus."""
    return cv2.GaussianBlur(plane, (0, 0), scale * below(rng, style.defocus))  # type: ignore[no-any-return]


def _motion(rng: np.random.Generator, plane: Plane, style: PhotoStyle, scale: float) -> Plane:
    """Return the picture blurred along a straight line: a moving hand or page."""
    length = scale * between(rng, style.motion)
    side = 2 * int(length / 2 + 1) + 1
    kernel = np.zeros((side, side), np.float32)
    angle, middle = rng.random() * 3.1416, side / 2 - 0.5
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = np.round((np.array([middle - reach, middle + reach])) * 256).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 8)
    return cv2.filter2D(plane, -1, kernel / kernel.sum())  # type: ignore[no-any-return]


def _coarse(rng: np.random.Generator, plane: Plane, style: PhotoStyle, scale: float) -> Plane:
    """Return the picture after it was small and enlarged again."""
    factor = max(between(rng, style.coarse) / scale, 0.25)
    height, width = plane.shape
    few = (max(1, round(width * factor)), max(1, round(height * factor)))
    down = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    small = cv2.resize(plane, few, interpolation=down)
    pick = rng.random()
    up = cv2.INTER_LINEAR if pick < 0.5 else cv2.INTER_CUBIC if pick < 0.9 else cv2.INTER_NEAREST
    return cv2.resize(small, (width, height), interpolation=up)  # type: ignore[no-any-return]


def _sharpen(rng: np.random.Generator, plane: Plane, style: PhotoStyle, scale: float) -> Plane:
    """Return the picture with the halos of a sharpening filter."""
    amount = between(rng, style.sharpen)
    soft = cv2.GaussianBlur(plane, (0, 0), scale * between(rng, (0.7, 1.6)))
    return cv2.addWeighted(plane, 1 + amount, soft, -amount, 0)  # type: ignore[no-any-return]


Blur = Callable[[np.random.Generator, Plane, PhotoStyle, float], Plane]
BLURS: tuple[tuple[str, str, Blur], ...] = (
    ("defocus", "defocus_chance", _defocus),
    ("motion", "motion_chance", _motion),
    ("coarse", "coarse_chance", _coarse),
    ("sharpened", "sharpen_chance", _sharpen),
)


def _exposed(rng: np.random.Generator, plane: Plane, style: PhotoStyle, names: list[str]) -> Plane:
    """Return the picture with other black and white levels and gamma."""
    if rng.random() >= style.exposure_chance:
        return plane
    names.append("exposure")
    span = between(rng, style.contrast)
    black = (255 - span) * rng.random()
    if rng.random() < 0.5:
        return cv2.addWeighted(plane, span / 255, plane, 0, black)  # type: ignore[no-any-return]
    gamma = between(rng, style.gamma)
    table = (black + span * (np.arange(256) / 255) ** gamma).astype(np.float32)
    return cv2.LUT(cv2.convertScaleAbs(np.maximum(plane, 0)), table)  # type: ignore[no-any-return]


def _noisy(
    rng: np.random.Generator, plane: Plane, style: PhotoStyle, amount: float, names: list[str]
) -> Plane:
    """Return the picture with noise of the sensor, coarse grain, wrong pixels and specks."""
    size = (plane.shape[0], plane.shape[1])
    if rng.random() < style.noise_chance:
        plane = plane + amount * below(rng, style.noise) * window(rng, grain(), size)
        names.append("noise")
    if rng.random() < style.grain_chance * amount:
        texture = window(rng, soft_grain(), size, between(rng, (1.0, 2.2)))
        plane = plane + 0.6 * below(rng, style.noise) * texture
        names.append("grain")
    if rng.random() < style.salt_chance * amount:
        threshold = 3.6 - 100 * between(rng, style.salt)  # standard deviations, roughly
        texture = window(rng, grain(), size)
        plane = np.where(texture > threshold, 255, np.where(texture < -threshold, 0, plane))
        plane = plane.astype(np.float32)
        names.append("salt")
    if rng.random() < style.speck_chance:
        plane = plane.copy()
        count = min(round(below(rng, style.specks) * size[0] * size[1] / 224**2), 2000)
        tones = (0.0, 90.0) if rng.random() < 0.75 else (200.0, 255.0)
        specks(rng, plane, count, tones, between(rng, (0.8, 2.0)))
        names.append("specks")
    return plane


def _bilevel(rng: np.random.Generator, plane: Plane) -> Plane | None:
    """Return a scan in black and white by one threshold or one that follows the light.

    None where writing would drown in noise or a pattern. An empty page stays empty.
    """
    size = (plane.shape[0], plane.shape[1])
    few = plane[::3, ::4]
    low, middle, high = np.percentile(few, (1.0, 50.0, 99.0))
    contrast = max(middle - low, high - middle)  # of the writing, if there is any
    roughness = float(np.abs(plane[::3, 1:] - plane[::3, :-1]).mean())
    if roughness > max(2.0, 0.12 * contrast):
        return None
    light = high - middle > middle - low  # light writing on dark
    sign = -1.0 if light else 1.0
    areas = cv2.resize(plane, (4, 4), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5 and float(np.ptp(areas)) < 0.3 * contrast:
        threshold = flat(size, middle - sign * max(contrast * between(rng, (0.3, 0.55)), 9.0))
    else:
        side = 2 * int(between(rng, (8, 20))) + 1
        offset = max(between(rng, (9.0, 25.0)), 0.4 * contrast)
        threshold = cv2.blur(plane, (side, side)) - np.float32(sign * min(offset, 60.0))
    ragged = between(rng, (0.0, 0.12)) * min(contrast, 60.0) * window(rng, grain(), size)
    return np.where(plane + ragged > threshold, np.float32(255), np.float32(0))
