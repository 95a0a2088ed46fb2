"""A writer who fills a flat sheet with lines of numbers, letters, boxes and printed words.

Geometry and camera are applied later. The outline of the ink of each digit is kept, and gives its
bounding box in the finished picture.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from digitscope.synthesis.faulty_pages.faults import Faults, interpolate
from digitscope.synthesis.faulty_pages.letter_forms import LETTERS
from digitscope.synthesis.faulty_pages.stroke_drawing import (
    Coverage,
    StrokeStyle,
    distance_fields,
    draw_digit,
    draw_letter,
    is_clear,
)
from digitscope.synthesis.pen import draw_lines

LONGEST = 8  # most digits of a number
WORDS = (
    "Sum",
    "of the",
    "items",
    "Name",
    "Please",
    "write",
    "here",
    "in full",
    "Total",
    "amount due",
)


@dataclass(frozen=True)
class Placed:
    """The ink of a digit and its upper left corner on the sheet, in pixels."""

    text: str
    ink: Coverage
    x: int
    y: int

    @property
    def right(self) -> int:
        """The first column to the right of its ink."""
        return int(self.x + self.ink.shape[1])

    def outline(self) -> NDArray[np.float64]:
        """Return the edge pixels of its ink, (n, 2) as x and y on the sheet."""
        mask = (self.ink > min(0.5, 0.6 * float(self.ink.max()))).astype(np.uint8)
        edge = mask - cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
        y, x = np.nonzero(edge)
        return np.column_stack([x + self.x, y + self.y]).astype(np.float64)


@dataclass(frozen=True)
class Written:
    """A number: its digits from left to right."""

    digits: tuple[Placed, ...]
    raised: bool = False


@dataclass
class WrittenSheet:
    """A flat sheet. Coverage has the shape (height, width), 0 = no ink, 1 = full ink.

    Attributes
    ----------
    pen : ndarray
        Handwriting.
    printed : ndarray
        Printed words, boxes and ruling lines.
    lines : list of list of Written
    pitch, first : float
        Distance between lines, and baseline of the first line, in pixels.
    """

    pen: Coverage
    printed: Coverage
    pitch: float
    first: float
    lines: list[list[Written]] = field(default_factory=list)


class Writer:
    """A writer with a pen, a slant and a spacing of digits."""

    def __init__(
        self,
        rng: np.random.Generator,
        images: NDArray[np.uint8],
        labels: NDArray[np.uint8],
        text: float,
        faults: Faults,
    ) -> None:
        self.rng, self.images, self.labels = rng, images, labels
        self.text, self.faults = text, faults
        width = float(rng.uniform(0.075, 0.13))
        width = interpolate(interpolate(width, 0.03, self._fault("thin")), 0.23, self._fault("fat"))
        lean = np.tan(np.radians(35 * self._fault("slant"))) * rng.choice([-1, 1, 1])
        self.style = StrokeStyle(
            width=width,
            evenness=float(rng.uniform(0.35, 0.85)),
            slant=float(lean + rng.normal(0, 0.05)),
            broken=self._fault("broken"),
        )
        self.spacing = float(rng.uniform(0.07, 0.2))

    def _fault(self, name: str) -> float:
        return self.faults.get(name, 0.0)

    def fill(self, ems: float, count: int) -> WrittenSheet:
        """Return a sheet with `count` lines; its width is `ems` heights of a digit."""
        rng, text = self.rng, self.text
        spread = np.log(4) * self._fault("sizes")
        heights = text * np.exp(rng.uniform(-spread, spread, count))
        even = "ruled lines" in self.faults or "table" in self.faults
        pitch = float(rng.uniform(1.5, 2.0)) * (float(heights.max()) if even else text)
        margin = rng.uniform(0.6, 1.5) * text
        feet = [margin + (pitch if even else 1.2 * heights[0])]
        for h in heights[1:]:
            apart = rng.uniform(1.5, 2.1) + (0.5 if "boxes" in self.faults else 0)
            feet.append(feet[-1] + (pitch if even else h * apart))
        width = ems * max(text, heights.max() / 2) + 2 * margin
        size = (int(feet[-1] + 0.3 * heights[-1] + margin), int(width))
        sheet = WrittenSheet(np.zeros(size, np.float32), np.zeros(size, np.float32), pitch, feet[0])
        columns = np.linspace(margin, size[1] - margin, max(2, round(ems / 4.5)) + 1)
        for h, foot in zip(heights, feet, strict=True):
            sheet.lines.append([])
            if "table" in self.faults:
                self._row(sheet, columns, foot, h)
            else:
                self._line(sheet, margin, size[1] - margin, foot, h)
        if "table" in self.faults:
            self._rule(sheet, columns, feet[0] - 0.72 * pitch, len(feet))
        if "print" in self.faults:
            self._print(sheet, feet, heights)
        return sheet

    def _line(
        self, sheet: WrittenSheet, left: float, right: float, foot: float, height: float
    ) -> None:
        x = left + self.rng.uniform(0, 1.5) * height
        letters, boxed = 0.8 * self._fault("letters"), self._fault("boxes")
        while True:
            if self.rng.random() < letters:
                x = self._letters(sheet, x, right, foot, height)
            h = height * float(np.exp(self.rng.uniform(-0.4, 0.4) * self._fault("sizes")))
            end = self._number(sheet, x, right, foot, h)
            if end is None:
                return
            if boxed:
                self._box(sheet, sheet.lines[-1][-1], h)
            x = end + self.rng.uniform(0.8, 2.2) * height + (0.4 * height if boxed else 0)

    def _row(
        self, sheet: WrittenSheet, columns: NDArray[np.float64], foot: float, height: float
    ) -> None:
        for left, right in pairwise(columns):
            if self.rng.random() < 0.85:
                start = left + self.rng.uniform(0.2, 0.5) * height
                self._number(sheet, start, right - 0.15 * height, foot, height)

    def _number(
        self, sheet: WrittenSheet, x: float, right: float, foot: float, height: float
    ) -> float | None:
        """Write a number that ends before `right`; return its right edge, or None if none fits."""
        n = int(self.rng.integers(1, LONGEST + 1))
        room = int((right - x) / (0.4 * height)) + 1  # by the width of most digits; 1s are narrower
        digits = self._digits(x, foot, height, max(1, min(n, room)))
        digits = [digit for digit in digits if digit.right <= right]
        if not digits:
            return None
        self._put(sheet, Written(tuple(digits)))
        end = digits[-1].right
        if self.rng.random() < 0.7 * self._fault("superscripts"):
            at = end + 0.1 * height
            raised = self._digits(at, foot - 0.62 * height, 0.48 * height, 1)
            if raised[0].right <= right:
                self._put(sheet, Written(tuple(raised), raised=True))
                end = raised[0].right
        return end

    def _put(self, sheet: WrittenSheet, number: Written) -> None:
        for digit in number.digits:
            paste(sheet.pen, digit.ink, digit.x, digit.y)
        sheet.lines[-1].append(number)

    def _digits(self, x: float, foot: float, height: float, n: int) -> list[Placed]:
        """Return digits side by side, with given distances between their strokes."""
        rng, hop = self.rng, self._fault("uneven writing")
        placed: list[Placed] = []
        spacing = self.spacing * rng.uniform(0.8, 1.3)
        stroke = self.style.width * height
        for label, one in self._choose(n):
            size = height * float(np.exp(rng.normal(0, 0.03 + 0.2 * hop)))
            turn = float(rng.normal(0, 1.5 + 9 * hop))
            ink = draw_digit(rng, one, size, self.style, turn)
            y = round(foot - ink.shape[0] + rng.normal(0, 0.02 + 0.16 * hop) * height)
            left = round(x)
            if placed:
                gap = max(spacing + rng.normal(0, 0.03), 0.05) * height + 1
                if rng.random() < self._fault("touching"):
                    gap = -rng.uniform(0.2, 0.7) * stroke - 1
                if rng.random() < 0.7 * (deep := self._fault("overlapping")):
                    gap = -stroke - rng.uniform(0.02, 0.04 + 0.2 * deep) * height
                left = round(self._beside(placed[-1], ink, y, gap, touch=gap < 0))
            placed.append(Placed(str(label), ink, left, y))
        return placed

    def _choose(self, n: int) -> list[tuple[int, NDArray[np.float32]]]:
        """Return the labels and distance fields of random digits without filled loops."""
        found: list[tuple[int, NDArray[np.float32]]] = []
        while len(found) < n:
            rows = self.rng.integers(0, len(self.labels), n - len(found))
            pairs = zip(self.labels[rows].tolist(), distance_fields(self.images[rows]), strict=True)
            found += [(label, one) for label, one in pairs if is_clear(one)]
        return found

    def _beside(self, last: Placed, ink: Coverage, y: int, gap: float, *, touch: bool) -> float:
        """Return the x at which the least distance of the strokes of both digits is `gap`."""
        near = float("inf")
        reach = 0 if touch else max(1, round(0.1 * self.text))
        ends, starts = np.full(last.ink.shape[0], -1e6), np.full(ink.shape[0], 1e6)
        for array, coverage, flip in ((ends, last.ink, True), (starts, ink, False)):
            mask = coverage > 0.4
            some = mask.any(axis=1)
            first = (mask[:, ::-1] if flip else mask).argmax(axis=1)
            array[some] = (mask.shape[1] - 1 - first if flip else first)[some]
        for i in np.flatnonzero(ends >= 0):
            row = last.y + i - y
            part = starts[max(0, row - reach) : max(0, row + reach + 1)]
            if part.size:
                near = min(near, float(part.min()) - ends[i] - 1)
        right = last.right + gap - last.x  # bounding boxes side by side
        if near > 1e5:
            return last.x + right
        # Strokes may reach over and under each other, but by less than half a digit.
        return float(last.x + max(gap - near, 0.55 * right, right - 0.5 * ink.shape[1]))

    def _letters(
        self, sheet: WrittenSheet, x: float, right: float, foot: float, height: float
    ) -> float:
        """Write a letter, an operator or a short word; return the least x of the next number."""
        rng = self.rng
        for _ in range(int(rng.integers(1, 4) if rng.random() < 0.4 else 1)):
            ink, row = draw_letter(rng, LETTERS[rng.integers(len(LETTERS))], height, self.style)
            if x + ink.shape[1] > right:
                return right
            paste(sheet.pen, ink, round(x), round(foot) - row)
            x += ink.shape[1] + 0.2 * height
        return x + rng.uniform(0.3, 1.0) * height

    def _box(self, sheet: WrittenSheet, number: Written, height: float) -> None:
        """Draw a printed frame around a number."""
        strength = self._fault("boxes")
        pad = max(2.0, (0.35 - 0.3 * strength) * height)
        digits = number.digits
        left, right = min(d.x for d in digits) - pad, max(d.right for d in digits) + pad
        top = min(d.y for d in digits) - pad
        bottom = max(d.y + d.ink.shape[0] for d in digits) + pad
        self._strokes(
            sheet,
            [
                (left, top, right, top),
                (right, top, right, bottom),
                (right, bottom, left, bottom),
                (left, bottom, left, top),
            ],
            strength,
        )

    def _rule(
        self, sheet: WrittenSheet, columns: NDArray[np.float64], top: float, rows: int
    ) -> None:
        """Draw the ruling lines of a table."""
        left, right, bottom = columns[0], columns[-1], top + rows * sheet.pitch
        level = [
            (left, top + i * sheet.pitch, right, top + i * sheet.pitch) for i in range(rows + 1)
        ]
        upright = [(x, top, x, bottom) for x in columns]
        self._strokes(sheet, level + upright, self._fault("table"))

    def _strokes(
        self, sheet: WrittenSheet, strokes: list[tuple[float, float, float, float]], strength: float
    ) -> None:
        fresh = np.zeros(sheet.printed.shape, np.uint8)
        lines = [np.array(stroke).reshape(2, 2) for stroke in strokes]
        draw_lines(fresh, lines, (0.015 + 0.055 * strength) * self.text, smooth=True)
        dark = np.float32((0.35 + 0.6 * strength) / 255)
        np.maximum(sheet.printed, fresh * dark, out=sheet.printed)

    def _print(self, sheet: WrittenSheet, feet: list[float], heights: NDArray[np.float64]) -> None:
        """Print words above some lines, as labels on a form."""
        rng, strength = self.rng, self._fault("print")
        page = Image.new("L", sheet.printed.shape[::-1])
        draw = ImageDraw.Draw(page)
        for i, (foot, height) in enumerate(zip(feet, heights, strict=True)):
            written = sheet.lines[i]
            tops = [d.y for number in written for d in number.digits]
            above = feet[i - 1] + 0.12 * heights[i - 1] if i else 0.0
            free = (min(tops) if tops else foot - height) - above
            size = min((0.25 + 0.35 * strength) * height, free / 1.5)
            if size < 7:
                continue
            font = ImageFont.load_default(size)
            words = " ".join(rng.choice(WORDS, int(2 + 4 * strength)))
            draw.text(
                (rng.uniform(0.2, 3) * self.text, above + free - 1.35 * size), words, 255, font
            )
        ink = np.asarray(page).astype(np.float32) * np.float32(0.9 / 255)
        np.maximum(sheet.printed, ink, out=sheet.printed)


def paste(layer: Coverage, ink: Coverage, x: int, y: int) -> None:
    """Add ink to a layer, in place, with its upper left corner at (x, y); cropped to the layer."""
    top, left = max(y, 0), max(x, 0)
    bottom, right = min(y + ink.shape[0], layer.shape[0]), min(x + ink.shape[1], layer.shape[1])
    if bottom > top and right > left:
        part = layer[top:bottom, left:right]
        np.maximum(part, ink[top - y : bottom - y, left - x : right - x], out=part)
