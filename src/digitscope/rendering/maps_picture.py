"""Pictures of the maps of the page network, drawn over the input picture.

Heat maps are coloured by class: digits in eight colours of Okabe and Ito (2008) and two more, signs
black, other marks gray. Ruling lines are blue and green, crossings red; an arrow leads from each
glyph to the next one of its number.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont

from digitscope.image.decode import Gray, read_gray
from digitscope.models.glyph_classes import CLASSES, DIGIT_CLASSES, HEAT, OTHER, RULING
from digitscope.reading.numbers import find_chains
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import Level, MapMaker, compute_levels

DIGITS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"),
    *("#56B4E9", "#B8A800", "#7B3FA0", "#8C510A", "#01665E"),
)
SIGN, MARK = "#000000", "#888888"
ACROSS, DOWN, CROSSING = "#56B4E9", "#009E73", "#D55E00"
LONGEST = 2_000  # pixels; longest side of the drawn picture


def draw_maps(
    picture: str | Path | bytes | Image.Image | NDArray[Any],
    *,
    network: MapMaker,
    turn: int = 0,
    parameters: ReadingParameters | None = None,
) -> Image.Image:
    """Return a picture with the maps of the scale with the largest sum of confidences.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        Any input of `digitscope.image.decode.read_gray`.
    network : PageNetwork
    turn : int
        `Page.turn` of the page that was read from it.
    parameters : ReadingParameters, optional

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    parameters = parameters or ReadingParameters()
    gray = np.ascontiguousarray(np.rot90(read_gray(picture), turn // 90))
    levels = compute_levels(gray, network, parameters)
    best = max(levels, key=lambda level: float(level.glyphs.presence.sum()))
    return draw_level(gray, best, parameters)


def draw_level(gray: Gray, level: Level, parameters: ReadingParameters) -> Image.Image:
    """Return the picture, with reduced contrast, and the maps of one level.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The upright picture.
    level : Level
    parameters : ReadingParameters

    Returns
    -------
    PIL.Image.Image
        RGB, with at most 2,000 pixels on the longer side; small pictures are enlarged up to 4
        times.
    """
    height, width = gray.shape
    scale = min(4.0, LONGEST / max(gray.shape))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pale = cv2.resize(gray, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    canvas = np.repeat((255 - (255 - pale) * 0.35)[..., None], 3, axis=2)
    for plane, colour in zip(level.maps[RULING], (ACROSS, DOWN, CROSSING), strict=True):
        _tint(canvas, plane, colour)
    for label, plane in zip(CLASSES, level.maps[HEAT], strict=True):
        _tint(canvas, plane, colour_of(label))
    image = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    _draw_glyphs(ImageDraw.Draw(image), level, scale, parameters)
    return image


def colour_of(label: str) -> str:
    """Return the colour of a class."""
    if label in DIGIT_CLASSES:
        return DIGITS[int(label)]
    return MARK if label == OTHER else SIGN


def _tint(canvas: NDArray[np.float32], plane: NDArray[np.float32], colour: str) -> None:
    """Blend a colour over the canvas, with a map as opacity."""
    if plane.max(initial=0) < 0.05:
        return
    size = canvas.shape[1::-1]
    alpha = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR).clip(0, 1)[..., None]
    canvas += (np.array(ImageColor.getrgb(colour), np.float32) - canvas) * alpha * 0.8


def _draw_glyphs(
    draw: ImageDraw.ImageDraw, level: Level, scale: float, parameters: ReadingParameters
) -> None:
    """Draw boxes, labels and links."""
    glyphs = level.glyphs
    labels, font = glyphs.labels, ImageFont.load_default(13)
    for box, label, presence in zip(
        (glyphs.boxes * scale).tolist(), labels, glyphs.presence.tolist(), strict=True
    ):
        colour = colour_of(label)
        draw.rectangle(box, outline=colour, width=1)
        if label != OTHER:
            text = f"{label} {100 * presence:.0f}"
            draw.text((box[0], box[1] - 1), text, colour, font=font, anchor="ls")
    for chain in find_chains(glyphs, parameters):
        places = (glyphs.centre[chain] * scale).tolist()
        for start, end in pairwise(places):
            _arrow(draw, start, end)


def _arrow(draw: ImageDraw.ImageDraw, start: list[float], end: list[float]) -> None:
    tip, tail = np.array(end), np.array(start)
    way = tip - tail
    length = float(np.linalg.norm(way))
    if length < 1:
        return
    along, aside = way / length, np.array([-way[1], way[0]]) / length
    barbs = [tip - 7 * along + side * 4 * aside for side in (-1, 1)]
    draw.line([*tail, *tip], fill=SIGN, width=2)
    draw.polygon([tuple(p.tolist()) for p in (tip, *barbs)], fill=SIGN)
