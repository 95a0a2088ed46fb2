"""Scales at which the page network processes a picture.

The network finds writing from 12 to 48 pixels high. A pyramid of levels in steps of two, from one
megapixel down, covers all larger sizes. Finer levels cost the most, so they are computed only where
the finest level so far shows small writing. A page with writing of usual height therefore costs
little more than one level.

A small picture, such as the field of a form, costs little, so it is processed at scales a third of
an octave apart. The mean of three levels (`average_levels`) is more often right than each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.contrast import normalise_contrast
from digitscope.image.decode import Gray
from digitscope.models.glyph_classes import BEST, HEAT, LARGEST, LINK, SIGNS, SMALLEST, STRIDE
from digitscope.reading.glyphs import Floats, Glyphs, find_glyphs, median, writing_heights
from digitscope.reading.parameters import ReadingParameters

# Factors from one scale of a small picture to its two further ones: a third of an octave.
EXTRA_SCALES = (2 ** (1 / 3), 2 ** (-1 / 3))


class MapMaker(Protocol):
    """Interface of `PageNetwork`, which tests replace by a fake."""

    def maps(self, image: NDArray[np.uint8], /) -> Floats:
        """Return maps of shape (28, height / 4, width / 4) of a normalised picture."""


@dataclass(frozen=True, eq=False)
class Level:
    """A picture at one scale.

    Attributes
    ----------
    scale : tuple of float
        Pixels of the level per pixel of the picture, across and down.
    maps : ndarray of shape (28, height / 4, width / 4), dtype float32
    glyphs : Glyphs
        In pixels of the picture.
    """

    scale: tuple[float, float]
    maps: Floats
    glyphs: Glyphs


def compute_level(
    gray: Gray,
    network: MapMaker,
    scale: float,
    parameters: ReadingParameters,
    reduced: Gray | None = None,
) -> Level:
    """Return the maps and glyphs of a picture at one scale.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    network : PageNetwork
    scale : float
        Pixels of the level per pixel of the picture.
    parameters : ReadingParameters
    reduced : ndarray of shape (h, w), dtype uint8, optional
        A smaller copy of the picture, not smaller than the level, which is resized instead.
    """
    height, width = gray.shape
    size = max(1, round(width * scale)), max(1, round(height * scale))
    maps = network.maps(normalise_contrast(_resized(gray if reduced is None else reduced, size)))
    exact = (size[0] / width, size[1] / height)
    return Level(exact, maps, find_glyphs(maps, exact, parameters))


def _resized(gray: Gray, size: tuple[int, int]) -> Gray:
    """Return a picture of another width and height."""
    if gray.shape == size[::-1]:
        return gray
    method = cv2.INTER_AREA if size[0] < gray.shape[1] else cv2.INTER_CUBIC
    resized: Gray = cv2.resize(gray, size, interpolation=method).astype(np.uint8, copy=False)
    return resized


def compute_levels(gray: Gray, network: MapMaker, parameters: ReadingParameters) -> list[Level]:
    """Return the levels at which a picture is read, the finest one first.

    A small picture gets two more scales for each level, if all of them together have no more pixels
    than the first level of a large picture.
    """
    scale = min(1.0, (parameters.base_pixels / gray.size) ** 0.5)
    height, width = gray.shape
    base = _resized(gray, (max(1, round(width * scale)), max(1, round(height * scale))))
    levels = [compute_level(gray, network, scale, parameters, base)]
    if scale > 0.5:  # a reduction by less than two blurs the picture
        base = gray
    coarse = scale
    while min(gray.shape) * coarse > LARGEST:
        coarse /= 2
        levels.append(compute_level(gray, network, coarse, parameters, base))
    largest = (parameters.max_pixels / gray.size) ** 0.5
    while (step := min(_finer(levels, gray.size * scale**2, parameters), largest / scale)) > 1.1:
        scale *= step
        levels.insert(0, compute_level(gray, network, scale, parameters))
    pixels = gray.size * scale**2 * sum(factor**2 for factor in (1, *EXTRA_SCALES))
    if pixels <= parameters.base_pixels:
        scales = [factor * level.scale[1] for level in levels for factor in EXTRA_SCALES]
        levels += [compute_level(gray, network, each, parameters) for each in scales]
        levels.sort(key=lambda level: -level.scale[1])
    return levels


def _finer(levels: Sequence[Level], pixels: float, parameters: ReadingParameters) -> float:
    """Return the factor from the finest level to the next finer one; 1 if none is needed.

    Parameters
    ----------
    levels : sequence of Level
        The finest one first.
    pixels : float
        Of the finest one.
    parameters : ReadingParameters
    """
    all_weights = [level.glyphs.presence[_is_tall(level.glyphs)] for level in levels]
    total = max(float(weights.sum()) for weights in all_weights)
    finest = levels[0].glyphs
    tall = _is_tall(finest)
    height = finest.size[tall, 1] * finest.scale[tall]
    small = height < BEST / 2**0.5
    if not total:
        # Writing that is too small for this level would have been lost in the reduction.
        reduction = 1 / levels[0].scale[1]
        if reduction > 2**0.5:
            return min(2.0, reduction)
        return 2.0 if 4 * pixels <= parameters.base_pixels / 4 else 1.0
    if float(all_weights[0][small].sum()) < parameters.small_share * total:
        return 1.0
    return min(2.0, BEST / max(median(height[small]), 1.0))


def _is_tall(glyphs: Glyphs) -> NDArray[np.bool_]:
    """Return which glyphs are probable and as high as the writing: digits, and no low marks."""
    tall: NDArray[np.bool_] = (glyphs.presence >= 0.5) & (glyphs.size[:, 1] >= glyphs.size[:, 0])
    return tall & ~np.isin(glyphs.labels, list(SIGNS))


def average_levels(
    glyphs: Glyphs, levels: Sequence[Level], parameters: ReadingParameters
) -> Glyphs:
    """Return glyphs with probabilities averaged over all levels that show them at a known height.

    Known are heights from `SMALLEST` to `LARGEST`; a level counts more the nearer the height of the
    glyph in it is to `BEST`. So a glyph that only one of two levels shows becomes doubtful.

    Parameters
    ----------
    glyphs : Glyphs
        Found in any of the levels.
    levels : sequence of Level
    parameters : ReadingParameters
    """
    writing = writing_heights(glyphs)
    total, links = np.zeros_like(glyphs.heat), np.zeros_like(glyphs.link)
    weights = np.zeros((len(glyphs), 1), np.float32)
    for level in levels:
        scale = np.array(level.scale, np.float32)
        height = np.maximum(writing * scale[1], 1)
        known = (height >= SMALLEST) & (height <= LARGEST)
        if not known.any():
            continue
        weight = np.where(known, np.exp2(-np.abs(np.log2(height / BEST))), 0)
        weight = weight[:, None].astype(np.float32)
        x, y = (glyphs.centre * scale / STRIDE).astype(int).T
        x, y = x.clip(0, level.maps.shape[2] - 1), y.clip(0, level.maps.shape[1] - 1)
        total += weight * level.maps[HEAT, y, x].T
        links += weight * level.maps[LINK][:, y, x].T
        weights += weight
    seen = weights > 0
    weights = np.maximum(weights, 1e-6)
    return replace(
        glyphs,
        heat=np.where(seen, total / weights, glyphs.heat),
        link=np.where(seen, links / weights, glyphs.link),
    )
