"""Security paper of bank cheques: guilloches, fine rasters, tinted areas and microprint.

A family of lines is the set of points where a phase is a whole number. The phase is smooth, so it
is computed at few points and enlarged.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    Size,
    clouds,
    coordinates,
    enlarge,
    flat,
    grain,
    lines,
    smooth,
    triangular,
    uniform,
    window,
)


@dataclass(frozen=True)
class SecurityPaperStyle:
    """Variation of security paper. Levels are gray levels, 0 to 255.

    Attributes
    ----------
    level : tuple of float
        Gray level of the paper between its lines.
    families : tuple of int
        Smallest and largest number of families of lines.
    spacing : tuple of float
        Distance between two lines, in pixels; small values are more frequent.
    depth : tuple of float
        Contrast of a line to the paper, in levels; small values are more frequent.
    width : tuple of float
        Width of a line, as a share of the distance between two lines.
    light_chance : float
        Chance that a family is lighter than the paper.
    patchy_chance : float
        Chance that a family covers a part of the paper only.
    raster_chance : float
        Chance of a fine raster of dots.
    raster : tuple of float
        Distance between its dots, in pixels.
    microprint_chance : float
        Chance of lines of print that is too small to be read.
    tint_chance : float
        Chance of tinted areas, with gradients or sharp edges.
    tint : tuple of float
        Their contrast, in levels.
    """

    level: Range = (160.0, 240.0)
    families: tuple[int, int] = (1, 3)
    spacing: Range = (3.0, 18.0)
    depth: Range = (6.0, 55.0)
    width: Range = (0.12, 0.5)
    light_chance: float = 0.15
    patchy_chance: float = 0.3
    raster_chance: float = 0.35
    raster: Range = (2.2, 5.0)
    microprint_chance: float = 0.25
    tint_chance: float = 0.5
    tint: Range = (4.0, 28.0)


def draw_security_paper(
    rng: np.random.Generator, size: Size, style: SecurityPaperStyle | None = None
) -> Plane:
    """Draw the empty paper of a cheque, lottery ticket, certificate or banknote.

    Returns
    -------
    ndarray of shape (height, width), dtype float32
        Gray levels, about 100 to 250.

    Examples
    --------
    >>> draw_security_paper(np.random.default_rng(0), (32, 64)).shape
    (32, 64)
    """
    style = style or SecurityPaperStyle()
    gray = flat(size, uniform(rng, style.level))
    if rng.random() < style.tint_chance:
        gray -= uniform(rng, style.tint) * _tint(rng, size)
    raster = rng.random() < style.raster_chance
    for _ in range(int(rng.integers(style.families[0], style.families[1] + 1)) - raster):
        spacing = triangular(rng, style.spacing)
        depth = triangular(rng, style.depth)
        # At least 0.7 pixels, or half of the spacing.
        width = max(uniform(rng, style.width), min(0.5, 0.7 / spacing))
        drawn = lines(_phase(rng, size, spacing), width)
        if rng.random() < style.patchy_chance:
            drawn *= np.clip(0.5 + 1.5 * smooth(rng, size, max(size) / 2.5), 0, 1)
        gray += depth * drawn if rng.random() < style.light_chance else -depth * drawn
    if raster:
        gray -= triangular(rng, style.depth) * _raster(rng, size, uniform(rng, style.raster))
    if rng.random() < style.microprint_chance:
        gray -= uniform(rng, style.depth) * _microprint(rng, size)
    return gray


def _phase(rng: np.random.Generator, size: Size, spacing: float) -> Plane:
    """Return the phase of a family of lines, in cycles: parallel, concentric, or a fan."""
    x, y = coordinates(size)
    wave = uniform(rng, (4, 20)) * spacing  # pixels; wavelength along a line
    swing = uniform(rng, (0.0, 0.16)) * wave / spacing  # cycles
    wave = max(wave, 30.0)
    pick = rng.random()
    if pick < 0.55:
        angle = uniform(rng, (0, 3.1416))
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        across, along = cos * x + sin * y, cos * y - sin * x
        drift = rng.normal(0, 0.3)
        phase = across / spacing + swing * np.sin((6.283 / wave) * (along + drift * across))
        if rng.random() < 0.5:  # the distance between lines varies
            phase += swing * np.sin((6.283 / (2.7 * wave)) * (along - drift * across) + 1.0)
    elif pick < 0.9:
        dx = x - (uniform(rng, (-0.6, 1.6)) * size[1])
        dy = (y - (uniform(rng, (-0.6, 1.6)) * size[0])) * uniform(rng, (0.6, 1.6))
        away = np.sqrt(dx * dx + dy * dy + 4 * spacing**2)
        lobes = int(rng.integers(4, 24))
        ripple = np.sin(lobes * np.arctan2(dy, dx) + rng.normal(0, 2) * away / wave)
        ripple *= np.minimum(
            away / (lobes * 10.0), 1
        )  # finer ripples cannot be sampled at coarse points
        phase = away / spacing + 0.6 * swing * ripple
    else:
        dx = x - uniform(rng, (-1.2, 2.2)) * size[1]
        dy = y + uniform(rng, (0.3, 1.5)) * size[0]
        reach = float(np.hypot(size[0], size[1]))
        phase = np.arctan2(dx, dy) * (reach / spacing)
        phase += swing * np.sin(6.283 * np.hypot(dx, dy) / wave)
    coarse: Plane = np.asarray(phase, np.float32)
    if rng.random() < 0.4:
        coarse += 0.8 * swing * smooth(rng, (coarse.shape[0], coarse.shape[1]), 6.0)
    return enlarge(coarse, size)


def _raster(rng: np.random.Generator, size: Size, spacing: float) -> Plane:
    """Return fine dots or a fine mesh, 0 to 1, with slowly varying contrast."""
    x = np.arange(size[1], dtype=np.float32)[None, :]
    y = np.arange(size[0], dtype=np.float32)[:, None]
    angle = uniform(rng, (0, 1.5708))
    cos, sin = np.float32(np.cos(angle) / spacing), np.float32(np.sin(angle) / spacing)
    dots = lines(cos * x + sin * y, 0.5)
    other = lines(cos * y - sin * x, 0.5)
    mesh = dots * other if rng.random() < 0.6 else np.maximum(dots, other)
    return mesh * (0.8 + 0.3 * smooth(rng, size, max(size) / 3))


def _microprint(rng: np.random.Generator, size: Size) -> Plane:
    """Return lines of print of 2 to 3 pixels height, 0 to 1, some pixels apart."""
    pitch = uniform(rng, (6, 24))
    rows = np.arange(size[0]) / pitch + rng.random()
    height = uniform(rng, (2, 3.2)) / pitch
    letters = (window(rng, grain(), size) > -0.2).astype(np.float32)
    letters *= (rows % 1 < height).astype(np.float32)[:, None]
    turn = cv2.getRotationMatrix2D((size[1] / 2, size[0] / 2), rng.normal(0, 12), 1.0)
    return cv2.warpAffine(  # type: ignore[no-any-return]
        letters, turn, size[::-1], borderMode=cv2.BORDER_REFLECT
    )


def _tint(rng: np.random.Generator, size: Size) -> Plane:
    """Return tinted areas, 0 to 1: clouds, or areas with sharp edges such as a logo."""
    if rng.random() < 0.5:
        return 0.5 + 0.3 * smooth(rng, size, max(size) / uniform(rng, (1.5, 4)))
    layer = np.zeros(size, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.random() * size[1]), int(rng.random() * size[0]))
        if rng.random() < 0.5:
            reach = max(3, int(uniform(rng, (0.1, 0.7)) * max(size)))
            corners = np.array(centre) + rng.normal(0, 0.5 * reach, (int(rng.integers(3, 7)), 2))
            cv2.fillPoly(layer, [corners.astype(np.int32)], rng.random(), cv2.LINE_AA)
        else:
            radius = max(3, int(uniform(rng, (0.1, 0.6)) * max(size)))
            width = -1 if rng.random() < 0.5 else max(1, radius // 6)
            cv2.circle(layer, centre, radius, rng.random(), width, cv2.LINE_AA)
    return layer + 0.1 * window(rng, clouds(), size)
