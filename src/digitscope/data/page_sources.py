"""Sources of synthesised pages: strokes and scans of all available handwriting data sets."""

from pathlib import Path

import numpy as np

from digitscope.data import stroke_sets, swiss_digits
from digitscope.data.mnist import load_mnist
from digitscope.data.places import find_file
from digitscope.errors import DataUnavailable, Misuse
from digitscope.synthesis.degradation import trim
from digitscope.synthesis.pages import papers, surfaces
from digitscope.synthesis.pages.generator import PageSource, make_sources
from digitscope.synthesis.pages.writing_sources import Sources
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet

PARTS = ("train", "validation")
MNIST_GROUP = 400  # consecutive images of MNIST that count as images of one writer
MNIST_HELD_OUT = 5_000  # last training images, which are used for validation pages only
KNOWN_PAPERS = 6  # kinds of paper that training pages and held-out pages share


def page_sources(data_dir: str | Path | None = None) -> tuple[PageSource, PageSource]:
    """Return the sources of training pages and of held-out pages.

    Held-out pages have other writers and fonts, other surroundings, and mostly other papers.

    Parameters
    ----------
    data_dir : path, optional
        As for `load_sources`.
    """
    held_out = PageSource(
        load_sources("validation", data_dir),
        papers=papers.VALIDATION_KINDS + papers.TRAINING_KINDS[:KNOWN_PAPERS],
        surfaces=surfaces.VALIDATION_KINDS,
    )
    return PageSource(load_sources("train", data_dir)), held_out


def load_sources(part: str = "train", data_dir: str | Path | None = None) -> Sources:
    """Return the writers of one part, and fonts, from which pages are synthesised.

    Parameters
    ----------
    part : str
        ``train`` or ``validation``; no writer and no font is in both, or in a test part.
    data_dir : path, optional
        Folder of the data sets; by default ``DIGITSCOPE_DATA``.

    Raises
    ------
    Misuse
        For another part.
    DataUnavailable
        When MNIST is not on this machine and cannot be downloaded. Other data sets are left out if
        they are not on this machine.
    """
    if part not in PARTS:
        raise Misuse(f"part must be train or validation. Received: {part!r}.")
    folder = Path(data_dir) if data_dir else None
    digits: list[StrokeSet] = []
    others: list[StrokeSet] = []
    try:
        written, rest = stroke_sets.unipen_strokes(part, folder)
        digits.append(written)
        others.append(rest)
    except DataUnavailable:
        pass
    if find_file(stroke_sets.PENDIGITS, folder):
        digits.append(stroke_sets.pendigits_strokes(part, folder))
    scans = []
    if find_file(swiss_digits.FILE, folder):
        scans.append(swiss_digits.swiss_scans(part, folder))
    train = load_mnist(folder).train
    rows = np.arange(len(train))
    held_out = rows >= len(train) - MNIST_HELD_OUT
    chosen = np.flatnonzero(held_out == (part == "validation"))
    scans.append(
        ScanSet(
            tuple(trim(train.images[i]) for i in chosen.tolist()),
            train.labels[chosen].astype(str),
            chosen // MNIST_GROUP,
        )
    )
    return make_sources(digits, others, scans, validation=part == "validation")
