"""What was read: a page of lines, a line of numbers, a number of digits, and grids of cells.

Boxes are (left, top, width, height) in pixels of the picture after its turn: `Page.turn` degrees
counter-clockwise from how it was given (after the EXIF orientation). Confidence is a probability:
of a digit, that it is one and which; of a number, the product over its digits.
"""

import csv
import io
import json
import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from digitscope.images import Images

Box: TypeAlias = tuple[int, int, int, int]  # left, top, width, height


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit.

    Attributes
    ----------
    label : int
    confidence : float
        Probability that it is a digit and this one.
    box : tuple of int
        Left, top, width, height.
    image : ndarray of shape (28, 28), dtype uint8
        What the network saw.
    """

    label: int
    confidence: float
    box: Box
    image: Images = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types, without the image."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "box": list(self.box),
        }


@dataclass(frozen=True, eq=False)
class Number:
    """Digits side by side, without a gap, letter or sign between them.

    Attributes
    ----------
    digits : tuple of Digit
    raised : bool
        Whether it is a superscript of the number before it.
    """

    digits: tuple[Digit, ...]
    raised: bool = False

    @property
    def text(self) -> str:
        """Its digits; zeros in front are kept."""
        return "".join(str(digit.label) for digit in self.digits)

    @property
    def confidence(self) -> float:
        """The probability that all of its digits are right."""
        return math.prod(digit.confidence for digit in self.digits)

    @property
    def box(self) -> Box:
        """Left, top, width, height."""
        return around([digit.box for digit in self.digits])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": list(self.box),
            "raised": self.raised,
            "digits": [digit.to_dict() for digit in self.digits],
        }


@dataclass(frozen=True, eq=False)
class Line:
    """Numbers in a row, from left to right."""

    numbers: tuple[Number, ...]

    @property
    def text(self) -> str:
        """Its numbers, spaced; ``^`` stands before a superscript."""
        words = [("^" if number.raised else " ") + number.text for number in self.numbers]
        return "".join(words).strip()

    @property
    def box(self) -> Box:
        """Left, top, width, height."""
        return around([number.box for number in self.numbers])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "text": self.text,
            "box": list(self.box),
            "numbers": [number.to_dict() for number in self.numbers],
        }


@dataclass(frozen=True, eq=False)
class Cell:
    """One cell of a grid; `numbers` is empty where nothing is written.

    Attributes
    ----------
    numbers : tuple of Number
    box : tuple of int
        Left, top, width, height of the cell in the picture.
    """

    numbers: tuple[Number, ...]
    box: Box

    @property
    def text(self) -> str:
        """What is written in it, as of a line; empty for an empty cell."""
        return Line(self.numbers).text

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "text": self.text,
            "box": list(self.box),
            "numbers": [number.to_dict() for number in self.numbers],
        }


@dataclass(frozen=True, eq=False)
class Grid:
    """A ruled grid: rows from top to bottom, of cells from left to right."""

    cells: tuple[tuple[Cell, ...], ...]

    @property
    def rows(self) -> list[list[str]]:
        """The text of each cell, row by row."""
        return [[cell.text for cell in row] for row in self.cells]

    @property
    def box(self) -> Box:
        """Left, top, width, height."""
        return around([cell.box for row in self.cells for cell in row])

    def to_csv(self) -> str:
        """Return it as comma-separated values, one line for each row."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(self.rows)
        return out.getvalue()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "box": list(self.box),
            "rows": self.rows,
            "cells": [[cell.to_dict() for cell in row] for row in self.cells],
        }


@dataclass(frozen=True, eq=False)
class Page:
    """All that was read in a picture.

    Attributes
    ----------
    width, height : int
        Of the picture after its turn.
    turn : int
        By how many degrees counter-clockwise it was turned to be upright: 0, 90, 180 or 270.
    lines : tuple of Line
        From top to bottom, without what lies in grids.
    grids : tuple of Grid
    """

    width: int
    height: int
    turn: int
    lines: tuple[Line, ...]
    grids: tuple[Grid, ...] = ()

    @property
    def text(self) -> str:
        """Its lines, then its grids with a tab between two cells; empty if nothing was read."""
        blocks = ["\n".join(line.text for line in self.lines)]
        blocks += ["\n".join("\t".join(row) for row in grid.rows) for grid in self.grids]
        return "\n\n".join(block for block in blocks if block)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """Every number, those of the lines first, then those of the grids."""
        cells = [cell for grid in self.grids for row in grid.cells for cell in row]
        parts: list[Line | Cell] = [*self.lines, *cells]
        return tuple(number for part in parts for number in part.numbers)

    @property
    def digits(self) -> tuple[Digit, ...]:
        """Every digit, in the order of `numbers`."""
        return tuple(digit for number in self.numbers for digit in number.digits)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "width": self.width,
            "height": self.height,
            "turn": self.turn,
            "text": self.text,
            "lines": [line.to_dict() for line in self.lines],
            "grids": [grid.to_dict() for grid in self.grids],
        }

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_csv(self) -> str:
        """Return its grids as comma-separated values, an empty line between two of them."""
        return "\n".join(grid.to_csv() for grid in self.grids)


def around(boxes: list[Box]) -> Box:
    """Return the smallest box around boxes.

    >>> around([(0, 0, 2, 2), (5, 1, 1, 4)])
    (0, 0, 6, 5)
    """
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    return left, top, right - left, bottom - top
