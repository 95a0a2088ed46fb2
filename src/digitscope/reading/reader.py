"""Read a picture: ink, pieces, lines, digits, numbers.

::

    picture -> gray -> ink without rules -> pieces -> lines -> chains -> digits -> numbers -> Page
"""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.classifier import Classifier, load
from digitscope.ink import lift
from digitscope.pictures import Gray, read_gray
from digitscope.reading.cells import take_cells, to_grid
from digitscope.reading.chains import Chain
from digitscope.reading.judge import Judge
from digitscope.reading.numbers import Company, company, to_numbers, without_bars
from digitscope.reading.page import Line, Number, Page
from digitscope.reading.sheet import LEAST, Sheet
from digitscope.reading.turns import suspect_turn

PIXELS = 4_000_000  # of the copy that is read; digits of a larger picture stay large enough


def read(
    picture: str | Path | bytes | Image.Image | NDArray[Any],
    *,
    model: Classifier | str | Path | None = None,
    threshold: float | None = None,
) -> Page:
    """Read every handwritten number in a picture.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        A photo, scan or screenshot; arrays as `digitscope.pictures.read_gray` takes them.
    model : Classifier, name or path, optional
        The pretrained ``cnn`` unless given.
    threshold : float, optional
        The probability below which a digit is refused; the model's own unless given.

    Returns
    -------
    Page
        Empty lines and grids where there is nothing to read.

    Raises
    ------
    BadImage
        When it cannot be decoded.
    BadModel
        When the model is none.
    """
    gray = read_gray(picture)
    classifier = model if isinstance(model, Classifier) else load(model or "cnn")
    return read_page(gray, classifier, classifier.threshold if threshold is None else threshold)


def read_page(gray: Gray, classifier: Classifier, threshold: float) -> Page:
    """Return what is written on a gray page."""
    if min(gray.shape) < LEAST:
        return Page(gray.shape[1], gray.shape[0], 0, ())
    small = gray
    if gray.size > PIXELS:
        shrink = math.ceil(math.sqrt(gray.size / PIXELS))
        size = (max(1, gray.shape[1] // shrink), max(1, gray.shape[0] // shrink))
        small = cv2.resize(gray, size, interpolation=cv2.INTER_AREA)
    judge = Judge(classifier)
    sheet = Sheet(*lift(small))
    page, evidence = read_sheet(sheet, judge, threshold, gray.shape, 0)
    if quarters := suspect_turn(sheet.lines, judge):
        sheet = sheet.turned(quarters)
        turned, of_turned = read_sheet(sheet, judge, threshold, gray.shape, quarters)
        if of_turned > evidence:
            page = turned
    return page


def read_sheet(
    sheet: Sheet, judge: Judge, threshold: float, shape: tuple[int, ...], quarters: int
) -> tuple[Page, float]:
    """Return what is written on a sheet, and how probable that is: a logarithm, to compare turns.

    Parameters
    ----------
    sheet : Sheet
    judge : Judge
    threshold : float
        The score below which a digit is refused.
    shape : tuple of int
        Of the picture as it was given.
    quarters : int
        By which it was turned counter-clockwise to make the sheet.
    """
    height, width = shape if quarters % 2 == 0 else shape[::-1]
    scale = (width / sheet.darkness.shape[1], height / sheet.darkness.shape[0])
    grids = [take_cells(grid, scale) for grid in sheet.grids]
    chains = [Chain(line) for line in sheet.loose if line.height >= LEAST]
    everywhere = [c for grid in grids for row in grid for cell in row for c in cell.chains] + chains
    judge.refill()
    judge.ask(question for chain in everywhere for question in chain.questions())
    doubtful = [chain for chain in everywhere if chain.doubt(judge)]
    judge.ask(question for chain in doubtful for question in chain.questions())

    answers = {chain: chain.read(judge) for chain in everywhere}
    evidence = sum(chain.evidence(readings) for chain, readings in answers.items())
    around = Company(0, 0)
    for chain, readings in answers.items():
        around += company(chain, readings, judge, threshold)

    def numbers(chain: Chain, to_page: NDArray[np.float64]) -> tuple[Number, ...]:
        return to_numbers(chain, answers[chain], judge, threshold, around, to_page)

    found = [numbers(chain, np.diag([*scale, 1.0])) for chain in chains]
    page = Page(
        width,
        height,
        90 * quarters,
        tuple(Line(line) for line in without_bars(found)),
        tuple(to_grid(grid, numbers) for grid in grids),
    )
    return page, evidence
