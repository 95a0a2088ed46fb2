"""The result of reading: a page of lines, numbers and digits, and grids of cells.

Boxes are (left, top, width, height) in pixels of the upright picture, which is the given picture
(after its EXIF orientation) turned by `Page.turn` degrees counter-clockwise. The confidence of a
digit is the probability that there is a digit with this label; that of a number is the product over
its digits and signs.
"""

import csv
import functools
import io
import json
import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from digitscope.image.decode import Gray
from digitscope.image.digit import Images
from digitscope.reading.tiles import cut_tile

Box: TypeAlias = tuple[int, int, int, int]  # left, top, width, height
Decimal: TypeAlias = Literal["auto", ".", ","]
VERSION = 2  # of the JSON; it increases when a field is removed or changes its meaning


@dataclass(frozen=True, eq=False)
class Digit:
    """One digit.

    Attributes
    ----------
    label : int
    confidence : float
        Probability that there is a digit with this label.
    box : tuple of int
        Left, top, width, height.
    picture : ndarray of shape (height, width), dtype uint8
        The gray page, turned upright.
    edges : tuple of float
        Left, top, right, bottom, not rounded.
    probabilities : tuple of float
        Of the digits 0 to 9, given that it is a digit; empty if they are not known.
    """

    label: int
    confidence: float
    box: Box
    picture: Gray = field(repr=False)
    edges: tuple[float, float, float, float] = field(repr=False)
    probabilities: tuple[float, ...] = field(default=(), repr=False)

    @functools.cached_property
    def image(self) -> Images:
        """The content of the box in MNIST form, uint8 (28, 28); computed at the first access."""
        return cut_tile(self.picture, *self.edges)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types, without the image."""
        return {
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "box": list(self.box),
        }


@dataclass(frozen=True)
class Sign:
    """A minus, a decimal mark or a grouping mark of a number.

    Attributes
    ----------
    text : str
        ``-``, ``.`` or ``,``.
    confidence : float
        Probability that it is this sign.
    box : tuple of int
        Left, top, width, height.
    place : int
        Number of digits before it.
    """

    text: str
    confidence: float
    box: Box
    place: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "text": self.text,
            "confidence": round(self.confidence, 4),
            "box": list(self.box),
            "place": self.place,
        }


@dataclass(frozen=True, eq=False)
class Number:
    """A number: its digits and signs.

    Attributes
    ----------
    digits : tuple of Digit
    raised : bool
        Whether it is a superscript of the number before it.
    signs : tuple of Sign
        From left to right.
    before : str
        The slash or colon between the previous number and this one; empty for none.
    decimal : "auto", "." or ","
        The decimal mark for `value`; with ``auto`` it is inferred from the number.
    """

    digits: tuple[Digit, ...]
    raised: bool = False
    signs: tuple[Sign, ...] = ()
    before: str = ""
    decimal: Decimal = "auto"

    @property
    def text(self) -> str:
        """Its digits and signs as written, with leading zeros."""
        labels = [str(digit.label) for digit in self.digits]
        for sign in reversed(self.signs):
            labels.insert(sign.place, sign.text)
        return "".join(labels)

    @property
    def value(self) -> float | None:
        """The value of `text`; None if it is ambiguous, as for ``1.250``."""
        return to_value(self.text, self.decimal)

    @property
    def confidence(self) -> float:
        """The probability that all of its digits and signs are right."""
        return math.prod([d.confidence for d in self.digits] + [s.confidence for s in self.signs])

    @property
    def box(self) -> Box:
        """Left, top, width, height."""
        return around([d.box for d in self.digits] + [s.box for s in self.signs])

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "text": self.text,
            "value": self.value,
            "confidence": round(self.confidence, 4),
            "box": list(self.box),
            "raised": self.raised,
            "before": self.before,
            "digits": [digit.to_dict() for digit in self.digits],
            "signs": [sign.to_dict() for sign in self.signs],
        }


@dataclass(frozen=True, eq=False)
class Line:
    """Numbers in a row, from left to right."""

    numbers: tuple[Number, ...]

    @property
    def text(self) -> str:
        """Its numbers, separated by spaces, slashes or colons; ``^`` marks a superscript."""
        return "".join(
            ("^" if number.raised else (number.before or " ") if k else "") + number.text
            for k, number in enumerate(self.numbers)
        )

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
    """One cell of a grid; `numbers` is empty for an empty cell.

    Attributes
    ----------
    numbers : tuple of Number
    box : tuple of int
        Left, top, width, height of the cell in the picture.
    corners : tuple of tuple of int
        x and y of the upper left, upper right, lower right and lower left corner; empty if they are
        not known.
    """

    numbers: tuple[Number, ...]
    box: Box
    corners: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        """Its numbers in the format of `Line.text`; empty for an empty cell."""
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
    """A ruled grid: rows of cells, from top to bottom and from left to right."""

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
    """Everything that was read in a picture.

    Attributes
    ----------
    width, height : int
        Of the upright picture.
    turn : int
        Degrees counter-clockwise by which it was turned to be upright: 0, 90, 180 or 270.
    lines : tuple of Line
        From top to bottom, without the numbers in grids.
    grids : tuple of Grid
    """

    width: int
    height: int
    turn: int
    lines: tuple[Line, ...]
    grids: tuple[Grid, ...] = ()

    @property
    def text(self) -> str:
        """Its lines, then its grids with tabs between cells; empty if nothing was read."""
        blocks = ["\n".join(line.text for line in self.lines)]
        blocks += ["\n".join("\t".join(row) for row in grid.rows) for grid in self.grids]
        return "\n\n".join(block for block in blocks if block)

    @property
    def numbers(self) -> tuple[Number, ...]:
        """All numbers: those in lines first, then those in grids."""
        cells = [cell for grid in self.grids for row in grid.cells for cell in row]
        parts: list[Line | Cell] = [*self.lines, *cells]
        return tuple(number for part in parts for number in part.numbers)

    @property
    def digits(self) -> tuple[Digit, ...]:
        """All digits, in the order of `numbers`."""
        return tuple(digit for number in self.numbers for digit in number.digits)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "version": VERSION,
            "width": self.width,
            "height": self.height,
            "turn": self.turn,
            "text": self.text,
            "lines": [line.to_dict() for line in self.lines],
            "grids": [grid.to_dict() for grid in self.grids],
        }

    def digits_only(self) -> "Page":
        """Return the page without signs: ``-12.5`` becomes ``125``."""

        def unsigned(numbers: tuple[Number, ...]) -> tuple[Number, ...]:
            return tuple(replace(number, signs=(), before="") for number in numbers)

        lines = tuple(Line(unsigned(line.numbers)) for line in self.lines)
        grids = tuple(
            Grid(
                tuple(
                    tuple(replace(cell, numbers=unsigned(cell.numbers)) for cell in row)
                    for row in grid.cells
                )
            )
            for grid in self.grids
        )
        return replace(self, lines=lines, grids=grids)

    def to_json(self) -> str:
        """Return it as one JSON object."""
        return json.dumps(self.to_dict(), ensure_ascii=False)

    def to_csv(self) -> str:
        """Return its grids as comma-separated values, with an empty line between two grids."""
        return "\n".join(grid.to_csv() for grid in self.grids)


def around(boxes: list[Box]) -> Box:
    """Return the smallest box that contains all boxes.

    >>> around([(0, 0, 2, 2), (5, 1, 1, 4)])
    (0, 0, 6, 5)
    """
    left, top = min(b[0] for b in boxes), min(b[1] for b in boxes)
    right, bottom = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
    return left, top, right - left, bottom - top


def to_value(text: str, decimal: Decimal = "auto") -> float | None:
    """Return the value of a number as written; None if it is invalid or ambiguous.

    Parameters
    ----------
    text : str
        Digits with any of ``-``, ``.`` and ``,``.
    decimal : "auto", "." or ","
        The decimal mark; the other one groups digits by three. With ``auto`` the value is returned
        if only one of the two gives a valid number.

    Examples
    --------
    >>> to_value("-12,5"), to_value("1.250,00"), to_value("1.250"), to_value("1.250", ".")
    (-12.5, 1250.0, None, 1.25)
    """
    body = text.removeprefix("-")
    marks = [mark for mark in body if mark in ".,"]
    if not body.strip(".,").replace(".", "").replace(",", "").isdecimal():
        return None
    if decimal == "auto":
        readings = {to_value(text, "."), to_value(text, ",")} - {None}
        return readings.pop() if len(readings) == 1 else None
    other = "," if decimal == "." else "."
    if marks.count(decimal) > 1 or (decimal in marks and marks[-1] != decimal):
        return None
    whole, _, part = body.partition(decimal)
    first, *groups = whole.split(other)
    if groups and (not 1 <= len(first) <= 3 or first[0] == "0" or any(len(g) != 3 for g in groups)):
        return None
    return float(("-" if text[0] == "-" else "") + (first + "".join(groups) or "0") + "." + part)
