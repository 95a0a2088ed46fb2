"""The scales at which a picture is read.

The network knows writing from 12 to 48 pixels high. A pyramid in steps of two, from one megapixel
down, shows all sizes from there on; finer levels, which cost the most, follow only where the
finest one so far shows writing that is small in it. So a page with writing of usual size costs
little more than one look at it.

A small picture, such as the field of a form, costs little, so it is looked at in steps of a third
of an octave. The mean of three looks (`confirm`) is more often right than each of them.
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

AROUND = np.ones((3, 3), np.uint8)
BESIDE = (2 ** (1 / 3), 2 ** (-1 / 3))  # scales of the further looks at a small picture


class MapMaker(Protocol):
    """Anything that gives maps of pictures: the page network, or a stand-in for it in tests."""

    def maps(self, image: NDArray[np.uint8], /) -> Floats:
        """Return maps of shape (28, height / 4, width / 4) of a normalised picture."""


@dataclass(frozen=True, eq=False)
class Level:
    """A picture at one scale.

    Attributes
    ----------
    scale : tuple of float
        Pixels of the level to one of the picture, across and down.
    maps : ndarray of shape (28, height / 4, width / 4), dtype float32
    glyphs : Glyphs
        In pixels of the picture.
    """

    scale: tuple[float, float]
    maps: Floats
    glyphs: Glyphs


def look(
    gray: Gray,
    network: MapMaker,
    scale: float,
    parameters: ReadingParameters,
    reduced: Gray | None = None,
) -> Level:
    """Return what the network shows of a picture at one scale.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    network : PageNetwork
    scale : float
        Pixels of the level to one of the picture.
    parameters : ReadingParameters
    reduced : ndarray of shape (h, w), dtype uint8, optional
        The same picture, smaller, but not smaller than the level: to take the level from.
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


def look_at_all(gray: Gray, network: MapMaker, parameters: ReadingParameters) -> list[Level]:
    """Return the levels at which a picture is read, the finest one first.

    A small picture is looked at in steps of a third of an octave as far as these looks together
    show no more pixels than the usual level of a large one.
    """
    scale = min(1.0, (parameters.usual_pixels / gray.size) ** 0.5)
    height, width = gray.shape
    usual = _resized(gray, (max(1, round(width * scale)), max(1, round(height * scale))))
    levels = [look(gray, network, scale, parameters, usual)]
    if scale > 0.5:  # reduced by less than half, it is blurred by that
        usual = gray
    coarse = scale
    while min(gray.shape) * coarse > LARGEST:
        coarse /= 2
        levels.append(look(gray, network, coarse, parameters, usual))
    largest = (parameters.most_pixels / gray.size) ** 0.5
    while (step := min(_finer(levels, gray.size * scale**2, parameters), largest / scale)) > 1.1:
        scale *= step
        levels.insert(0, look(gray, network, scale, parameters))
    if gray.size * scale**2 * sum(beside**2 for beside in (1, *BESIDE)) <= parameters.usual_pixels:
        scales = [beside * level.scale[1] for level in levels for beside in BESIDE]
        levels += [look(gray, network, each, parameters) for each in scales]
        levels.sort(key=lambda level: -level.scale[1])
    return levels


def _finer(levels: Sequence[Level], pixels: float, parameters: ReadingParameters) -> float:
    """Return by which factor the next level should be finer than the finest one; 1 for no next.

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
        return 2.0 if 4 * pixels <= parameters.usual_pixels / 4 else 1.0
    if float(all_weights[0][small].sum()) < parameters.small_share * total:
        return 1.0
    return min(2.0, BEST / max(median(height[small]), 1.0))


def _is_tall(glyphs: Glyphs) -> NDArray[np.bool_]:
    """Tell which glyphs are likely and as high as the writing: digits, and no low marks."""
    tall: NDArray[np.bool_] = (glyphs.presence >= 0.5) & (glyphs.size[:, 1] >= glyphs.size[:, 0])
    return tall & ~np.isin(glyphs.labels, list(SIGNS))


def confirm(glyphs: Glyphs, levels: Sequence[Level], parameters: ReadingParameters) -> Glyphs:
    """Return glyphs with the mean of what all levels say that show them in a height well known.

    A glyph that only one of two such levels shows is doubtful, and where two levels differ about
    its class both count, the level with the better height more.

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
