"""Read a ruled grid: the ink of each cell as lines of its own, and boxes back in the picture."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.reading.chains import Chain
from digitscope.reading.grids import MARGIN, RuledCell, RuledGrid
from digitscope.reading.lines import TextLine, find_lines
from digitscope.reading.page import Box, Cell, Grid, Number
from digitscope.reading.pieces import take_apart

ALIKE = 0.9  # of the usual height of writing in a grid; what is lower may be part of a digit
LOW = 0.2  # of a cell's height; lower writing in it is dirt


@dataclass(frozen=True, eq=False)
class CellChains:
    """The lines of writing in one cell, and how to find its pixels in the picture."""

    chains: tuple[Chain, ...]
    box: Box
    to_page: NDArray[np.float64]  # (3, 3), from pixels of the cell's ink


def take_cells(grid: RuledGrid, scale: tuple[float, float]) -> list[list[CellChains]]:
    """Return the chains of every cell, row by row.

    Parameters
    ----------
    grid : RuledGrid
    scale : tuple of float
        Pixels of the picture to one of the sheet, across and down.
    """
    lines = [[_find_lines(cell) for cell in row] for row in grid.cells]
    heights = [line.height for row in lines for found in row for line in found]
    usual = float(np.median(heights)) if heights else 0.0
    return [
        [_take(cell, found, usual, scale) for cell, found in zip(*both, strict=True)]
        for both in zip(grid.cells, lines, strict=True)
    ]


def to_grid(
    cells: list[list[CellChains]], read: Callable[[Chain, NDArray[np.float64]], tuple[Number, ...]]
) -> Grid:
    """Return the grid as `read` reads its chains."""
    return Grid(
        tuple(
            tuple(
                Cell(tuple(n for chain in cell.chains for n in read(chain, cell.to_page)), cell.box)
                for cell in row
            )
            for row in cells
        )
    )


def _find_lines(cell: RuledCell) -> list[TextLine]:
    return [] if cell.empty else find_lines(take_apart(cell.ink), level=True)


def _take(
    cell: RuledCell, lines: list[TextLine], usual: float, scale: tuple[float, float]
) -> CellChains:
    """Return the chains of a cell; `usual` is the height of the writing in all cells."""
    corners = (cell.corners.astype(np.float32) + 0.5) * np.array(scale, np.float32)
    left, top = np.floor(corners.min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(corners.max(axis=0)).astype(int).tolist()
    height, width = cell.ink.shape
    # The cell lies in its ink with a margin all around, MARGIN of its shorter side.
    margin = round(MARGIN * min(height, width) / (1 + 2 * MARGIN))
    inner = np.array(
        [
            (0, 0),
            (width - 2 * margin, 0),
            (width - 2 * margin, height - 2 * margin),
            (0, height - 2 * margin),
        ],
        np.float32,
    )
    to_page = cv2.getPerspectiveTransform(inner + margin, corners)
    # Of a digit in pieces each piece is a low line; it is as high as the others.
    low, least = LOW * (height - 2 * margin), ALIKE * usual
    chains = tuple(
        Chain(replace(line, height=max(line.height, least))) for line in lines if line.height >= low
    )
    return CellChains(chains, (left, top, right - left, bottom - top), to_page)
