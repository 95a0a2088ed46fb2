"""Readers of pictures that the benchmarks compare, with one common interface.

A reader takes the path of a file or an array and returns a `Reading`. All run on one thread. Three
of them do not find grids, and two also read letters; of their results, the runs of digits count.
"""

import importlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from own_readers import NotHere, load_reading
from page_score import Box, Reported, reported_by, words_in_tsv

Picture: TypeAlias = Path | NDArray[np.uint8]  # a file, or (height, width) gray, or (…, 3) RGB
Layout: TypeAlias = Literal["page", "line", "digit"]  # what is in the picture, roughly

DIGITS_ONLY = "tessedit_char_whitelist=0123456789"
SPARSE, BLOCK, ONE_LINE, ONE_CHARACTER = 11, 6, 7, 10  # page segmentation modes of Tesseract
MODES: dict[Layout, int] = {"page": SPARSE, "line": ONE_LINE, "digit": ONE_CHARACTER}
PEERS = "peers"  # the dependency group of other readers
RUN_OF_DIGITS = re.compile("[0-9]+")


@dataclass(frozen=True)
class Reading:
    """What a reader found in a picture.

    Attributes
    ----------
    numbers : tuple of (str, Box)
        Runs of digits in the order of reading, and the box (left, top, right, bottom) of each, in
        pixels of the picture as it was given.
    grids : tuple of Grid, or None
        Each with the texts of its cells as `rows`; None for a reader that does not find grids.
    """

    numbers: tuple[Reported, ...]
    grids: tuple[Any, ...] | None = None

    @property
    def digits(self) -> str:
        """All digits one after another."""
        return "".join(text for text, _ in self.numbers)


Read: TypeAlias = Callable[[Picture, Layout], Reading]


@dataclass(frozen=True)
class Reader:
    """A reader that is ready.

    Attributes
    ----------
    read : callable
        Takes a picture and its layout. Only Tesseract uses the layout.
    about : str
        Name and version of what reads.
    group : str
        The dependency group that it needs; empty if none.
    """

    read: Read
    about: str
    group: str = ""


def digitscope(network: str | None, *, second_look: bool = True) -> Reader:
    """Return `digitscope.read`, with its own networks or one from a file."""
    read = load_reading(network, second_look=second_look)
    name = Path(network).name if network else "its own networks"
    about = f"digitscope.read, digitscope {version('digitscope')}, {name}"
    if not second_look:
        about += ", without the second look"
    return Reader(lambda picture, _: from_page(read(picture)), about)


def from_page(found: Any) -> Reading:
    """Return what stands on a `digitscope` Page."""
    runs = []
    for text, box in reported_by(found):
        runs += runs_of_digits(text, box)
    return Reading(tuple(runs), found.grids)


def tesseract(network: str | None) -> Reader:
    """Return Tesseract by its command line: digits only, a page segmentation mode by layout."""
    try:
        done = subprocess.run(["tesseract", "--version"], capture_output=True, text=True)
    except FileNotFoundError:
        raise NotHere("the command tesseract is not installed (apt: tesseract-ocr)") from None
    return Reader(
        lambda picture, layout: Reading(tuple(run_tesseract(picture, MODES[layout]))),
        done.stdout.splitlines()[0],
    )


def run_tesseract(picture: Picture, mode: int) -> list[Reported]:
    """Return the words of digits that a process of Tesseract finds, on one thread."""
    with as_file(picture) as file:
        done = subprocess.run(
            ["tesseract", str(file), "-", "--psm", str(mode), "-c", DIGITS_ONLY, "tsv"],
            check=True,
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
    return words_in_tsv(done.stdout)


@contextmanager
def as_file(picture: Picture) -> Any:
    """Give the picture as a file; an array is written as PNG for as long as it is needed."""
    if isinstance(picture, Path):
        yield picture
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "picture.png"
        file.write_bytes(to_png(picture))
        yield file


def to_png(picture: NDArray[np.uint8]) -> bytes:
    """Return an array, gray or RGB, as the bytes of a PNG file."""
    done, coded = cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])
    if not done:
        raise ValueError(f"cannot be written as PNG: {picture.dtype} {picture.shape}")
    return coded.tobytes()


def ppocr(size: str) -> Callable[[str | None], Reader]:
    """Return how to make the reader PP-OCRv6 of a size, by the package faster-paddle."""

    def make(network: str | None) -> Reader:
        if find_spec("faster_paddle") is None:
            raise NotHere("faster-paddle is missing; `uv run --group peers ...` brings it")
        package = importlib.import_module("faster_paddle")
        engine = package.OcrEngine(model_size=size, threads=1)

        def read(picture: Picture, _: Layout) -> Reading:
            coded = picture.read_bytes() if isinstance(picture, Path) else to_png(picture)
            runs = []
            for line in engine.ocr(coded)["bounds"].values():
                (left, top), (right, bottom) = line["topLeftCoord"], line["bottomRightCoord"]
                box = (round(left), round(top), round(right), round(bottom))
                runs += runs_of_digits(line["text"], box)
            return Reading(tuple(runs))

        return Reader(read, f"PP-OCRv6 {size}, faster-paddle {package.__version__}", PEERS)

    return make


def runs_of_digits(text: str, box: Box) -> list[Reported]:
    """Return the runs of digits in a text, each with its share of the width of the box.

    >>> runs_of_digits("12 + 7", (0, 0, 60, 10))
    [('12', (0, 0, 20, 10)), ('7', (50, 0, 60, 10))]
    """
    left, top, right, bottom = box
    each = (right - left) / max(len(text), 1)  # width of a character, roughly
    return [
        (run[0], (round(left + run.start() * each), top, round(left + run.end() * each), bottom))
        for run in RUN_OF_DIGITS.finditer(text)
    ]


# Each takes the file of another network, which only digitscope reads with.
READERS: dict[str, Callable[[str | None], Reader]] = {
    "digitscope": digitscope,
    "digitscope-one-look": partial(digitscope, second_look=False),
    "tesseract": tesseract,
    "ppocr-small": ppocr("small"),
    "ppocr-tiny": ppocr("tiny"),
}
