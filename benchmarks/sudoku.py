"""The digits of a photographed sudoku, and which grid of a page shows it best."""

import csv
from pathlib import Path
from typing import Any

SIDE = 9


def table(path: Path) -> list[list[int]]:
    with path.open(newline="") as file:
        return [[int(entry) for entry in row] for row in csv.reader(file)]


def best_grid(page: Any, truth: list[list[int]]) -> tuple[Any, int]:
    """Return the grid of nine rows and columns that agrees best with the truth, and how far."""
    best, agreed = None, -1
    for grid in page.grids:
        rows = grid.rows
        if len(rows) != SIDE or any(len(row) != SIDE for row in rows):
            continue
        right = sum(rows[r][c] == str(truth[r][c]) for r in range(SIDE) for c in range(SIDE))
        if right > agreed:
            best, agreed = grid, right
    return best, agreed
