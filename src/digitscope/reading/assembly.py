"""Assembly of a `Page` from glyphs, numbers and grids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray
from digitscope.models.glyph_classes import CLASSES, COLON, DIGIT_CLASSES, SLASH
from digitscope.reading.crossings import Ints, Points
from digitscope.reading.glyphs import Floats, Glyphs, median
from digitscope.reading.grids import cell_of
from digitscope.reading.lines import deskew, find_lines, find_slope
from digitscope.reading.numbers import GlyphRun
from digitscope.reading.page import Box, Cell, Decimal, Digit, Grid, Line, Number, Page, Sign
from digitscope.reading.parameters import ReadingParameters


@dataclass(frozen=True, eq=False)
class Detections:
    """Everything that was detected in a picture.

    Attributes
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The picture, turned upright.
    turn : int
        Degrees counter-clockwise by which it was turned.
    glyphs : Glyphs
    runs : sequence of GlyphRun
        The numbers, as indices of glyphs.
    lattices : sequence of ndarray of shape (rows + 1, columns + 1, 2), dtype float32
        Crossings of grids, in pixels of the picture.
    decimal : "auto", "." or ","
        The decimal mark.
    """

    gray: Gray
    turn: int
    glyphs: Glyphs
    runs: Sequence[GlyphRun]
    lattices: Sequence[Points]
    decimal: Decimal = "auto"


def to_page(found: Detections, parameters: ReadingParameters) -> Page:
    """Return the page: numbers in the cells of grids, and the others in lines."""
    glyphs, runs = found.glyphs, found.runs
    places = np.stack(cell_of(glyphs.centre, found.lattices))
    tables = [
        k
        for k, lattice in enumerate(found.lattices)
        if _is_table(k, lattice, glyphs, runs, places, parameters)
    ]
    places[:, ~np.isin(places[0], tables)] = -1
    runs = [part for run in runs for part in _split_by_cell(run, glyphs, places)]
    numbers = _NumberBuilder(found)
    slope = find_slope(glyphs.boxes[[i for run in runs for i in numbers.digits(run)]], parameters)

    def in_lines(runs: Sequence[GlyphRun]) -> list[tuple[Number, ...]]:
        boxes = np.array([numbers.extent(run) for run in runs], np.float32).reshape(-1, 4)
        lines = find_lines(boxes, [run.raised for run in runs], parameters, slope)
        return [
            numbers.line([runs[k] for k in line], deskew(boxes[line], slope), slope)
            for line in lines
        ]

    cell_of_run = {run: tuple(places[:, run.glyphs[0]].tolist()) for run in runs}
    grids = []
    for k in tables:
        rows, columns = (n - 1 for n in found.lattices[k].shape[:2])
        cells = [
            [
                _cell(
                    found.lattices[k][r : r + 2, c : c + 2],
                    sum(in_lines([run for run in runs if cell_of_run[run] == (k, r, c)]), ()),
                )
                for c in range(columns)
            ]
            for r in range(rows)
        ]
        grids.append(Grid(tuple(tuple(row) for row in cells)))
    lines = in_lines([run for run in runs if cell_of_run[run][0] < 0])
    height, width = found.gray.shape
    grids.sort(key=lambda grid: grid.box[1])
    return Page(width, height, found.turn, tuple(Line(line) for line in lines), tuple(grids))


def _is_table(
    k: int,
    lattice: Points,
    glyphs: Glyphs,
    runs: Sequence[GlyphRun],
    places: Ints,
    parameters: ReadingParameters,
) -> bool:
    """Return whether numbers are written in the cells of a grid, and not across squared paper."""
    inside = [run for run in runs if places[0, run.glyphs[0]] == k]
    if not inside:
        return False
    links = [pair for run in inside for pair in zip(run.glyphs, run.glyphs[1:], strict=False)]
    crossing = sum((places[:, i] != places[:, j]).any() for i, j in links)
    if 2 * crossing > len(links):
        return False
    heights = [float(glyphs.size[i, 1]) for run in inside for i in run.glyphs if glyphs.is_digit[i]]
    rows = np.linalg.norm(np.diff(lattice, axis=0), axis=2)
    return median(np.array(heights)) < median(rows)


def _split_by_cell(run: GlyphRun, glyphs: Glyphs, places: Ints) -> list[GlyphRun]:
    """Return the parts of a number that lie in different cells."""
    parts: list[list[int]] = []
    for i in run.glyphs:
        if parts and (places[:, i] == places[:, parts[-1][-1]]).all():
            parts[-1].append(i)
        else:
            parts.append([i])
    if len(parts) == 1:
        return [run]
    return [GlyphRun(tuple(p), run.raised) for p in parts if glyphs.is_digit[np.array(p)].any()]


def _cell(corners: Points, numbers: tuple[Number, ...]) -> Cell:
    quad = np.round(corners[[0, 0, 1, 1], [0, 1, 1, 0]]).astype(int)
    left, top = quad.min(axis=0).tolist()
    right, bottom = quad.max(axis=0).tolist()
    around = tuple((x, y) for x, y in quad.tolist())
    return Cell(numbers, (left, top, right - left, bottom - top), around)


def _median(values: list[float]) -> float:
    """Return the median; for a few values NumPy's takes ten times as long."""
    ordered, half = sorted(values), len(values) // 2
    return (ordered[half] + ordered[~half]) / 2


class _NumberBuilder:
    """Builder of the page's `Number` objects from runs of glyphs."""

    def __init__(self, found: Detections) -> None:
        self._glyphs, self._shape = found.glyphs, found.gray.shape
        self._boxes: list[list[float]] = found.glyphs.boxes.tolist()
        self._labels = found.glyphs.labels
        self._centres = found.glyphs.centre
        self._gray, self._decimal = found.gray, found.decimal
        self._separators = [i for i, label in enumerate(self._labels) if label in (SLASH, COLON)]

    def digits(self, run: GlyphRun) -> list[int]:
        """Return the digits of a run."""
        return [i for i in run.glyphs if self._labels[i] in DIGIT_CLASSES]

    def extent(self, run: GlyphRun) -> tuple[float, float, float, float]:
        """Return left and right of all glyphs of a run, top and bottom as medians of its digits.

        The order is left, top, right, bottom.
        """
        boxes = [self._boxes[i] for i in self.digits(run)]
        every = [self._boxes[i] for i in run.glyphs]
        return (
            min(box[0] for box in every),
            _median([box[1] for box in boxes]),
            max(box[2] for box in every),
            _median([box[3] for box in boxes]),
        )

    def line(self, runs: Sequence[GlyphRun], level: Floats, slope: float) -> tuple[Number, ...]:
        """Return the numbers of a line, with the slashes and colons between them."""
        numbers = []
        for k, run in enumerate(runs):
            is_first = k == 0 or run.raised
            before = "" if is_first else self._separator(level[k - 1], level[k], slope)
            numbers.append(self._number(run, before))
        return tuple(numbers)

    def _separator(self, one: NDArray[np.float32], other: NDArray[np.float32], slope: float) -> str:
        """Return the slash or colon between two numbers side by side; empty for none."""
        height = max(one[3] - one[1], other[3] - other[1])
        for i in self._separators:
            x, y = self._centres[i].tolist()
            y -= slope * x
            near = one[2] - 0.3 * height < x < other[0] + 0.3 * height
            near &= other[0] - one[2] < 2 * height
            if near and max(one[1], other[1]) < y < min(one[3], other[3]):
                return self._labels[i]
        return ""

    def _number(self, run: GlyphRun, before: str) -> Number:
        digits: list[Digit] = []
        signs: list[Sign] = []
        for i in run.glyphs:
            heat, label = self._glyphs.heat[i], self._labels[i]
            box, confidence = self._box(i), min(float(heat.max()), 1.0)
            if label in DIGIT_CLASSES:
                share = heat[: len(DIGIT_CLASSES)] / heat[: len(DIGIT_CLASSES)].sum()
                probabilities = tuple(share.tolist())
                left, top, right, bottom = self._boxes[i]
                edges = left, top, right, bottom
                kind = CLASSES.index(label)
                digits.append(Digit(kind, confidence, box, self._gray, edges, probabilities))
            else:
                signs.append(Sign(label, confidence, box, len(digits)))
        return Number(tuple(digits), run.raised, tuple(signs), before, self._decimal)

    def _box(self, i: int) -> Box:
        height, width = self._shape
        left, top, right, bottom = map(round, self._boxes[i])
        left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
        right, bottom = min(max(right, left + 1), width), min(max(bottom, top + 1), height)
        return left, top, right - left, bottom - top
