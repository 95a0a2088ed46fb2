"""The ground truth of a synthetic page: glyphs, numbers, ruling lines and grids, in pixels."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Points: TypeAlias = NDArray[np.float32]  # (n, 2), x and y in pixels of the picture


@dataclass(frozen=True)
class TrueGlyph:
    """One digit, sign or other mark.

    Attributes
    ----------
    label : str
        One of `digitscope.models.glyph_classes.CLASSES`.
    text : str
        The character; for a digit or sign the same as `label`.
    box : tuple of float
        Left, top, right, bottom of its ink, in pixels of the picture.
    height : float
        Height of a digit of the same writer or font, in pixels: the scale of the writing.
    number : int
        Number on the page that it is a part of; -1 for none.
    next : int
        Index in `PageTruth.glyphs` of the next glyph of the same number; -1 for none.
    raised : bool
        Whether it is part of a superscript.
    """

    label: str
    text: str
    box: tuple[float, float, float, float]
    height: float
    number: int = -1
    next: int = -1
    raised: bool = False


@dataclass(frozen=True)
class TrueGrid:
    """A ruled grid.

    Attributes
    ----------
    crossings : ndarray of shape (rows + 1, columns + 1, 2), dtype float32
        Crossings of its ruling lines, x and y in pixels.
    cells : tuple of tuple of str
        The text of each cell; empty for an empty cell.
    """

    crossings: NDArray[np.float32]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class PageTruth:
    """The ground truth of a page.

    Attributes
    ----------
    size : tuple of int
        Height and width of the picture, in pixels.
    glyphs : tuple of TrueGlyph
        Glyphs in the picture; parts of numbers are in reading order. A glyph that the border cuts
        is included if at least 80 % of its box is inside; otherwise its box is in `ignored`.
    ignored : tuple of tuple of float
        Boxes (left, top, right, bottom) where an answer is neither right nor wrong: cut, struck out
        or unreadable glyphs.
    rulings : tuple of ndarray of shape (n, 2), dtype float32
        The centre line of each printed or drawn ruling line, box side or frame, as a polyline.
    crossings : ndarray of shape (n, 2), dtype float32
        Points where ruling lines cross or meet.
    grids : tuple of TrueGrid
    layout : str
        The name of the layout.
    faults : tuple of str
        Names of the effects of paper, light and camera.
    """

    size: tuple[int, int]
    glyphs: tuple[TrueGlyph, ...]
    ignored: tuple[tuple[float, float, float, float], ...] = ()
    rulings: tuple[Points, ...] = ()
    crossings: Points = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    grids: tuple[TrueGrid, ...] = ()
    layout: str = ""
    faults: tuple[str, ...] = ()

    @property
    def numbers(self) -> list[str]:
        """The text of each number, including signs, in the order of writing."""
        texts: dict[int, str] = {}
        for glyph in self.glyphs:
            if glyph.number >= 0:
                texts[glyph.number] = texts.get(glyph.number, "") + glyph.text
        return list(texts.values())
