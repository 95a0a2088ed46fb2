"""Annotated pictures: frames around the digits that were read, and each digit in the form of MNIST.

The colour shows the confidence of a digit, in three colours of Okabe and Ito (2008) that most
people with colour vision deficiency can distinguish. Label and percentage are also printed.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitscope.image.decode import read_gray
from digitscope.image.digit import SIDE
from digitscope.reading.page import Digit, Page

BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"
SURE, FAIR = 0.95, 0.75  # least confidence for blue and for orange; below it is red
LONGEST = 2_000  # pixels; longest side of the drawn picture
TILE = 2 * SIDE  # pixels; side of a digit in the form of MNIST
CELL = (TILE + 8, TILE + 22)  # a tile with its margin and its label
PAPER = "#F4F4F2"


def annotate(picture: str | Path | bytes | Image.Image | NDArray[Any], page: Page) -> Image.Image:
    """Return the picture with annotations of the digits that were read.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        The picture that `page` was read from.
    page : Page

    Returns
    -------
    PIL.Image.Image
        RGB. On the left the upright picture with a frame around every digit; on the right, line by
        line, each digit in the form of MNIST with its label and confidence.
    """
    upright = np.rot90(read_gray(picture), page.turn // 90)
    scale = min(1.0, LONGEST / max(upright.shape))
    size = (max(1, round(page.width * scale)), max(1, round(page.height * scale)))
    left = Image.fromarray(np.ascontiguousarray(upright)).resize(size).convert("RGB")
    draw = ImageDraw.Draw(left)
    for digit in page.digits:
        _frame(draw, digit, scale)
    right = _panel(page, max(left.height, 300))
    both = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), PAPER)
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    return both


def colour(confidence: float) -> str:
    """Return the colour of a confidence: blue, orange or red."""
    return BLUE if confidence >= SURE else ORANGE if confidence >= FAIR else RED


def _frame(draw: ImageDraw.ImageDraw, digit: Digit, scale: float) -> None:
    x, y, width, height = (v * scale for v in digit.box)
    tint = colour(digit.confidence)
    draw.rectangle((x - 2, y - 2, x + width + 1, y + height + 1), outline=tint, width=1)
    font = ImageFont.load_default(max(10, min(28, round(height * 0.45))))
    label = str(digit.label)
    box = draw.textbbox((x - 2, y - 2), label, font=font, anchor="ls")
    draw.rectangle(box, fill=tint)
    draw.text((x - 2, y - 2), label, "white", font=font, anchor="ls")


def _panel(page: Page, height: int) -> Image.Image:
    """Return the tiles of all digits, with a new row for each line and each row of a grid.

    Long rows are wrapped. Rows that exceed the height are put in further stacks beside the first.
    The number of columns is chosen so that the panel is as narrow as possible.
    """
    rows = [[d for n in line.numbers for d in n.digits] for line in page.lines]
    rows += [
        [d for cell in row for n in cell.numbers for d in n.digits]
        for grid in page.grids
        for row in grid.cells
    ]
    most = max((len(row) for row in rows), default=0)
    deep = max(1, (height - 8) // CELL[1])  # rows in a stack
    widths = {c: -(-len(_wrap(rows, c)) // deep) * (c * CELL[0] + 16) for c in range(4, most + 1)}
    columns = min(widths, key=lambda c: widths[c], default=4)
    wrapped = _wrap(rows, columns)
    stacks, tall = max(1, -(-len(wrapped) // deep)), min(max(1, len(wrapped)), deep)
    size = stacks * (columns * CELL[0] + 16), tall * CELL[1] + 8
    panel = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(panel)
    font = ImageFont.load_default(14)
    for k, row in enumerate(wrapped):
        stack, place = divmod(k, deep)
        for j, digit in enumerate(row):
            x = 12 + stack * (columns * CELL[0] + 16) + j * CELL[0]
            y = 6 + place * CELL[1]
            tile = Image.fromarray(255 - digit.image).resize((TILE, TILE), Image.Resampling.NEAREST)
            panel.paste(tile, (x, y))
            tint = colour(digit.confidence)
            draw.rectangle((x - 1, y - 1, x + TILE, y + TILE), outline=tint)
            says = f"{digit.label}  {100 * digit.confidence:.0f} %"
            draw.text((x + TILE / 2, y + TILE + 2), says, tint, font=font, anchor="ma")
    if not wrapped:
        draw.text((12, 6), "no digits", "black", font=font)
    return panel


def _wrap(rows: list[list[Digit]], columns: int) -> list[list[Digit]]:
    return [row[k : k + columns] for row in rows for k in range(0, len(row), columns)]
