"""Surfaces without paper, like desks and walls, as backgrounds and empty pictures."""

from dataclasses import dataclass, field

import numpy as np

from digitscope.synthesis.pages.surface_kinds import SURFACES
from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    Size,
    choose,
    grain,
    smooth,
    triangular,
    uniform,
    window,
)

# Relative frequency of each kind.
WEIGHTS = {
    "wood": 20.0,
    "cloth": 10.0,
    "concrete": 8.0,
    "plaster": 5.0,
    "carpet": 6.0,
    "stone": 6.0,
    "grass": 3.0,
    "gradient": 8.0,
    "bokeh": 4.0,
    "brick": 4.0,
    "tiles": 4.0,
    "plastic": 8.0,
    "motifs": 12.0,
    "objects": 10.0,
    "bars": 16.0,
    "leather": 4.0,
    "keyboard": 3.0,
}
VALIDATION_KINDS = ("leather", "keyboard")  # held out from training, to measure unseen surfaces
TRAINING_KINDS = tuple(kind for kind in WEIGHTS if kind not in VALIDATION_KINDS)


@dataclass(frozen=True)
class SurfaceStyle:
    """Variation of surfaces. Levels are gray levels, 0 to 255.

    Attributes
    ----------
    weights : dict of str to float
        Relative frequency of each kind.
    level : tuple of float
        Mean gray level.
    contrast : tuple of float
        Factor of the contrast of the pattern.
    scale : tuple of float
        Factor of the lengths of the pattern.
    grain : tuple of float
        Standard deviation of fine grain, in levels; small values are more frequent.
    shade : tuple of float
        Standard deviation of the shading, in levels.
    """

    weights: dict[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    level: Range = (30.0, 215.0)
    contrast: Range = (0.5, 1.5)
    scale: Range = (0.6, 2.2)
    grain: Range = (0.0, 7.0)
    shade: Range = (0.0, 14.0)


def draw_surface(
    rng: np.random.Generator,
    size: Size,
    kind: str | None = None,
    *,
    kinds: tuple[str, ...] = TRAINING_KINDS,
    style: SurfaceStyle | None = None,
) -> Plane:
    """Draw a surface without paper or writing.

    It simulates the surroundings of a page in a photo: tables, table cloths, floors, walls, lawns,
    and objects out of focus.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    kind : str, optional
        One of `WEIGHTS`; by default drawn from `kinds`.
    kinds : tuple of str
        `TRAINING_KINDS` or `VALIDATION_KINDS`.
    style : SurfaceStyle, optional

    Returns
    -------
    ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.

    Examples
    --------
    >>> draw_surface(np.random.default_rng(0), (48, 64), "wood").shape
    (48, 64)
    """
    style = style or SurfaceStyle()
    kind = kind or choose(rng, {each: style.weights[each] for each in kinds})
    pattern = SURFACES[kind](rng, size, uniform(rng, style.scale))
    pattern *= uniform(rng, style.contrast)
    pattern += uniform(rng, style.level)
    pattern += uniform(rng, style.shade) * smooth(rng, size, max(size) * uniform(rng, (0.3, 0.9)))
    amount = triangular(rng, style.grain)
    if amount > 0.5:
        pattern += amount * window(rng, grain(), size)
    return np.clip(pattern, 0, 255, out=pattern)
