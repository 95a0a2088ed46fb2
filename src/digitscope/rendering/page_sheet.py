"""Sheets of synthetic pages with their ground truth: boxes, links, ruling lines, crossings."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitscope.files import replacing
from digitscope.models.glyph_classes import OTHER, SIGNS
from digitscope.synthesis.pages.generator import SIDE, PageSource
from digitscope.synthesis.pages.truth import PageTruth

COLUMNS, ROWS = 5, 4
SCALE = 2  # pixels of the sheet per pixel of a page
DIGIT, SIGN, MARK = (0, 140, 60), (190, 0, 190), (210, 60, 40)
LINK, RULING, CROSSING, IGNORED = (240, 130, 0), (40, 130, 230), (150, 60, 230), (140, 140, 140)


def draw_pages(source: PageSource, path: Path, seed: int = 0) -> list[PageTruth]:
    """Write a PNG of pages in rows, each with its ground truth, and return the ground truths."""
    side = SIDE * SCALE
    sheet = Image.new("RGB", (COLUMNS * side, ROWS * side), "white")
    truths = []
    for i in range(COLUMNS * ROWS):
        picture, truth = source.patch(np.random.default_rng([seed, i]))
        place = i % COLUMNS * side, i // COLUMNS * side
        sheet.paste(draw_truth(picture, truth), place)
        truths.append(truth)
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")
    return truths


def draw_truth(picture: NDArray[np.uint8], truth: PageTruth) -> Image.Image:
    """Return a page, enlarged, with its ground truth.

    Digits are green, signs violet and other marks red; orange lines lead from each glyph to the
    next of its number; ruling lines are blue.
    """
    height, width = picture.shape
    page = Image.fromarray(picture).convert("RGB").resize((width * SCALE, height * SCALE))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(13)
    for line in truth.rulings:
        draw.line([(float(x), float(y)) for x, y in line * SCALE], RULING, 1)
    for x, y in (truth.crossings * SCALE).tolist():
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), outline=CROSSING)
    for box in truth.ignored:
        draw.rectangle([SCALE * side for side in box], outline=IGNORED)
    for glyph in truth.glyphs:
        colour = MARK if glyph.label == OTHER else SIGN if glyph.label in SIGNS else DIGIT
        outline = [SCALE * side for side in glyph.box]
        draw.rectangle(outline, outline=colour)
        text = "^" + glyph.text if glyph.raised else glyph.text
        draw.text((outline[0], outline[1] - 1), text, colour, font, anchor="ls")
        if glyph.next >= 0:
            draw.line([_centre(glyph.box), _centre(truth.glyphs[glyph.next].box)], LINK, 1)
    draw.text((4, height * SCALE - 18), truth.layout, MARK, font)
    return page


def _centre(box: tuple[float, float, float, float]) -> tuple[float, float]:
    return (box[0] + box[2]) / 2 * SCALE, (box[1] + box[3]) / 2 * SCALE
