"""Effects of cameras, scanners and file formats on the picture of a page."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    flat,
    grain,
    soft_grain,
    specks,
    triangular,
    uniform,
    window,
)

WRITING = 14.0  # pixels; height of the writing that the lengths of `PhotoEffectStyle` refer to


@dataclass(frozen=True)
class PhotoEffectStyle:
    """Variation of cameras, scanners and files. A chance is a probability; levels are 0 to 255.

    Lengths are for writing with a height of `WRITING` pixels and in proportion to it.

    Attributes
    ----------
    clean_chance : float
        Chance that a picture is clean: at most exposure, little noise and JPEG of high quality.
    defocus_chance, motion_chance, coarse_chance, sharpen_chance : float
        Chance of each effect among pictures that are not clean.
    defocus : tuple of float
        Standard deviation of the blur, in pixels.
    motion : tuple of float
        Length of the motion blur, in pixels.
    coarse : tuple of float
        Factor by which a picture is reduced before it is enlarged again.
    sharpen : tuple of float
        Strength of the halos, as a factor of the difference between the picture and its blur.
    noise_chance, grain_chance, salt_chance, speck_chance : float
        Chance of sensor noise, coarse grain, single wrong pixels and specks of dust.
    noise : tuple of float
        Standard deviation, in levels; small values are more frequent.
    salt : tuple of float
        Share of the pixels that are black or white.
    specks : tuple of float
        Number of specks per 224×224 pixels; small values are more frequent.
    exposure_chance : float
        Chance of a change of contrast, brightness and gamma.
    contrast : tuple of float
        Difference of the levels of white and black, in levels.
    gamma : tuple of float
        Exponent.
    bilevel_chance : float
        Chance of a bilevel scan, if the writing stays readable.
    steps_chance : float
        Chance of few gray levels.
    steps : tuple of float
        Number of those levels.
    jpeg_chance : float
        Chance of JPEG artefacts.
    jpeg : tuple of float
        Quality, 0 to 100; high values are more frequent.
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


def apply_photo_effects(
    rng: np.random.Generator,
    picture: Plane,
    *,
    writing: float = WRITING,
    style: PhotoEffectStyle | None = None,
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return a picture after the effects of sensor and file format.

    They simulate phone photos out of focus or in the dark, enlarged small pictures, files sent
    through messengers, gray and bilevel scans, faxes and negatives. About half of all pictures stay
    nearly clean.

    Parameters
    ----------
    rng : numpy.random.Generator
    picture : ndarray of shape (height, width), dtype float32
        0 to 255; not changed.
    writing : float
        Height of the smallest writing that has to stay readable, in pixels.
    style : PhotoStyle, optional

    Returns
    -------
    tuple
        The picture, uint8, and the names of the effects in their order.

    Examples
    --------
    >>> page = np.full((32, 48), 200, np.float32)
    >>> picture, names = apply_photo_effects(np.random.default_rng(1), page)
    >>> picture.shape, picture.dtype
    ((32, 48), dtype('uint8'))
    """
    style = style or PhotoEffectStyle()
    names: list[str] = []
    scale = max(0.5, writing / WRITING)
    scale = scale if scale < 1 else uniform(rng, (1.0, min(scale, 2.5)))
    clean = rng.random() < style.clean_chance
    plane = picture
    if not clean:
        for name, chance, blur in BLURS:
            if rng.random() < getattr(style, chance):
                plane = blur(rng, plane, style, scale)
                names.append(name)
    plane = _noisy(rng, plane, style, 0.25 if clean else 1.0, names)
    plane = _exposed(rng, plane, style, names)  # last, so that pale pictures stay readable
    plane = _reduced_levels(rng, plane, style, names)
    result = cv2.convertScaleAbs(np.maximum(plane, 0))  # rounds and clips at 255
    if rng.random() < style.jpeg_chance:
        lowest, highest = (70.0, style.jpeg[1]) if clean else style.jpeg
        quality = round(highest - triangular(rng, (0, highest - lowest)))
        code = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        result = cv2.imdecode(code, cv2.IMREAD_GRAYSCALE)
        names.append("jpeg")
    if rng.random() < style.negative_chance:
        result = cv2.bitwise_not(result)
        names.append("negative")
    return result, tuple(names)


def _reduced_levels(
    rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, names: list[str]
) -> Plane:
    """Return the picture, some of them bilevel or with few gray levels."""
    if rng.random() < style.bilevel_chance:
        scan = _bilevel(rng, plane)
        if scan is not None:
            plane = scan
            names.append("black and white")
    if rng.random() < style.steps_chance:
        step = 255 / int(uniform(rng, style.steps))
        plane = np.round(plane * np.float32(1 / step)) * np.float32(step)
        names.append("few levels")
    return plane


def _defocus(
    rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, scale: float
) -> Plane:
    """Return the picture out of focus."""
    return cv2.GaussianBlur(plane, (0, 0), scale * triangular(rng, style.defocus))  # type: ignore[no-any-return]


def _motion(rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, scale: float) -> Plane:
    """Return the picture with motion blur along a straight line."""
    length = scale * uniform(rng, style.motion)
    side = 2 * int(length / 2 + 1) + 1
    kernel = np.zeros((side, side), np.float32)
    angle, middle = rng.random() * 3.1416, side / 2 - 0.5
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    ends = np.round((np.array([middle - reach, middle + reach])) * 256).astype(int).tolist()
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 8)
    return cv2.filter2D(plane, -1, kernel / kernel.sum())  # type: ignore[no-any-return]


def _coarse(rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, scale: float) -> Plane:
    """Return the picture reduced and enlarged again."""
    factor = max(uniform(rng, style.coarse) / scale, 0.25)
    height, width = plane.shape
    coarse = (max(1, round(width * factor)), max(1, round(height * factor)))
    down = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    small = cv2.resize(plane, coarse, interpolation=down)
    pick = rng.random()
    up = cv2.INTER_LINEAR if pick < 0.5 else cv2.INTER_CUBIC if pick < 0.9 else cv2.INTER_NEAREST
    return cv2.resize(small, (width, height), interpolation=up)  # type: ignore[no-any-return]


def _sharpen(
    rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, scale: float
) -> Plane:
    """Return the picture with the halos of a sharpening filter."""
    amount = uniform(rng, style.sharpen)
    soft = cv2.GaussianBlur(plane, (0, 0), scale * uniform(rng, (0.7, 1.6)))
    return cv2.addWeighted(plane, 1 + amount, soft, -amount, 0)  # type: ignore[no-any-return]


Blur = Callable[[np.random.Generator, Plane, PhotoEffectStyle, float], Plane]
BLURS: tuple[tuple[str, str, Blur], ...] = (
    ("defocus", "defocus_chance", _defocus),
    ("motion", "motion_chance", _motion),
    ("coarse", "coarse_chance", _coarse),
    ("sharpened", "sharpen_chance", _sharpen),
)


def _exposed(
    rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, names: list[str]
) -> Plane:
    """Return the picture with changed black level, white level and gamma."""
    if rng.random() >= style.exposure_chance:
        return plane
    names.append("exposure")
    span = uniform(rng, style.contrast)
    black = (255 - span) * rng.random()
    if rng.random() < 0.5:
        return cv2.addWeighted(plane, span / 255, plane, 0, black)  # type: ignore[no-any-return]
    gamma = uniform(rng, style.gamma)
    table = (black + span * (np.arange(256) / 255) ** gamma).astype(np.float32)
    return cv2.LUT(cv2.convertScaleAbs(np.maximum(plane, 0)), table)  # type: ignore[no-any-return]


def _noisy(
    rng: np.random.Generator, plane: Plane, style: PhotoEffectStyle, amount: float, names: list[str]
) -> Plane:
    """Return the picture with sensor noise, coarse grain, wrong pixels and specks."""
    size = (plane.shape[0], plane.shape[1])
    if rng.random() < style.noise_chance:
        plane = plane + amount * triangular(rng, style.noise) * window(rng, grain(), size)
        names.append("noise")
    if rng.random() < style.grain_chance * amount:
        texture = window(rng, soft_grain(), size, uniform(rng, (1.0, 2.2)))
        plane = plane + 0.6 * triangular(rng, style.noise) * texture
        names.append("grain")
    if rng.random() < style.salt_chance * amount:
        threshold = 3.6 - 100 * uniform(rng, style.salt)  # standard deviations, roughly
        texture = window(rng, grain(), size)
        plane = np.where(texture > threshold, 255, np.where(texture < -threshold, 0, plane))
        plane = plane.astype(np.float32)
        names.append("salt")
    if rng.random() < style.speck_chance:
        plane = plane.copy()
        count = min(round(triangular(rng, style.specks) * size[0] * size[1] / 224**2), 2000)
        tones = (0.0, 90.0) if rng.random() < 0.75 else (200.0, 255.0)
        specks(rng, plane, count, tones, uniform(rng, (0.8, 2.0)))
        names.append("specks")
    return plane


def _bilevel(rng: np.random.Generator, plane: Plane) -> Plane | None:
    """Return a bilevel scan with a global or a local threshold.

    None if noise or a pattern would hide the writing. An empty page stays empty.
    """
    size = (plane.shape[0], plane.shape[1])
    coarse = plane[::3, ::4]
    low, middle, high = np.percentile(coarse, (1.0, 50.0, 99.0))
    contrast = max(middle - low, high - middle)  # between paper and writing
    roughness = float(np.abs(plane[::3, 1:] - plane[::3, :-1]).mean())
    if roughness > max(2.0, 0.12 * contrast):
        return None
    light = high - middle > middle - low  # whether light writing is on dark paper
    sign = -1.0 if light else 1.0
    areas = cv2.resize(plane, (4, 4), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5 and float(np.ptp(areas)) < 0.3 * contrast:
        threshold = flat(size, middle - sign * max(contrast * uniform(rng, (0.3, 0.55)), 9.0))
    else:
        side = 2 * int(uniform(rng, (8, 20))) + 1
        offset = max(uniform(rng, (9.0, 25.0)), 0.4 * contrast)
        threshold = cv2.blur(plane, (side, side)) - np.float32(sign * min(offset, 60.0))
    ragged = uniform(rng, (0.0, 0.12)) * min(contrast, 60.0) * window(rng, grain(), size)
    return np.where(plane + ragged > threshold, np.float32(255), np.float32(0))
