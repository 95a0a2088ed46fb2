"""Contact sheets: digit images in rows, with a note below each, as PNG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitscope.data.dataset import Split
from digitscope.files import replacing
from digitscope.image.digit import DIGITS, SIDE, Images

COLUMNS = 20  # images in a row
SCALE = 2  # screen pixels per image pixel
GAP, NOTE = 6, 15  # pixels; distance between cells, and height of a note
TITLE = 84  # pixels; width of the titles of rows
PAPER, INK = 255, 60
WRITERS = 10  # rows of a sheet with samples of several writers


def draw_sheet(
    images: Images, notes: Sequence[str], path: Path, titles: Sequence[str] = ()
) -> None:
    """Write a PNG with images, dark on light, in rows of 20 with notes.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.
    notes : sequence of str
        One short text for each image.
    path : Path
        Path of the PNG file.
    titles : sequence of str
        One short text for each row, drawn on its left; by default none.
    """
    width, height = SIDE * SCALE + GAP, SIDE * SCALE + NOTE + GAP
    rows = max(1, -(-len(images) // COLUMNS))
    margin = GAP + (TITLE if titles else 0)
    sheet = Image.new("L", (COLUMNS * width + margin, rows * height + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for i, (image, note) in enumerate(zip(images, notes, strict=True)):
        left, top = margin + i % COLUMNS * width, GAP + i // COLUMNS * height
        side = SIDE * SCALE
        sheet.paste(Image.fromarray(255 - image).resize((side, side)), (left, top))
        draw.text((left + side // 2, top + side + 1), note, INK, font, anchor="ma")
    for i, title in enumerate(titles):
        draw.text((GAP, GAP + i * height + SIDE * SCALE // 2), title, INK, font, anchor="lm")
    with replacing(path) as temporary:
        sheet.save(temporary, format="PNG")


def draw_samples(split: Split, path: Path) -> None:
    """Draw a sheet with samples of a split: a row for each digit, or for each of ten writers."""
    rows, titles = choose_samples(split)
    every = rows.ravel()
    blank = np.zeros((SIDE, SIDE), np.uint8)
    images = np.stack([split.images[i] if i >= 0 else blank for i in every])
    notes = [str(split.labels[i]) if i >= 0 else "" for i in every]
    draw_sheet(images, notes, path, titles)


def choose_samples(split: Split) -> tuple[NDArray[np.intp], list[str]]:
    """Return the indices of images for a sheet of samples of a split.

    Returns
    -------
    rows : ndarray of shape (r, 20), dtype int
        One row for each digit. If the writers are known, one row for each of the ten writers with
        the most complete rows, with two images of each digit. -1 for a missing image.
    titles : list of str
        The writers of the rows; empty if they are not known.
    """
    if split.writers is None:
        return np.stack([_first(split.labels == d, COLUMNS) for d in range(DIGITS)]), []
    each = COLUMNS // DIGITS
    sheets = {}
    for writer in np.unique(split.writers):
        own = split.writers == writer
        row = [_first(own & (split.labels == d), each) for d in range(DIGITS)]
        sheets[str(writer)] = np.concatenate(row)
    fullest = sorted(sheets, key=lambda writer: -(sheets[writer] >= 0).sum())[:WRITERS]
    return np.stack([sheets[writer] for writer in fullest]), fullest


def _first(mask: NDArray[np.bool_], n: int) -> NDArray[np.intp]:
    """Return the indices of the first `n` true values of a mask, padded with -1."""
    places = np.flatnonzero(mask)[:n]
    return np.pad(places, (0, n - len(places)), constant_values=-1)
