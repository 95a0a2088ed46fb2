"""A sheet of digit images with a note under each, as PNG."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from digitscope.files import replacing
from digitscope.images import SIDE, Images

COLUMNS = 20
SCALE = 2  # screen pixels per image pixel
GAP, NOTE = 6, 15  # pixels between the cells, and of the line under each
PAPER, INK = 255, 60


def draw_sheet(images: Images, notes: Sequence[str], path: Path) -> None:
    """Draw images, dark on light, in rows of 20 with their notes, and write the PNG.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.
    notes : sequence of str
        One short text for each image.
    path : Path
        Of the PNG file.
    """
    width, height = SIDE * SCALE + GAP, SIDE * SCALE + NOTE + GAP
    rows = max(1, -(-len(images) // COLUMNS))
    sheet = Image.new("L", (COLUMNS * width + GAP, rows * height + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for i, (image, note) in enumerate(zip(images, notes, strict=True)):
        left, top = GAP + i % COLUMNS * width, GAP + i // COLUMNS * height
        side = SIDE * SCALE
        sheet.paste(Image.fromarray(255 - image).resize((side, side)), (left, top))
        draw.text((left + side // 2, top + side + 1), note, INK, font, anchor="ma")
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")
