"""Read the photos of filled-in sudokus: grids found, cells right, and the time it takes.

    uv run python benchmarks/sudoku.py [--model model.onnx]

``DIGITSCOPE_DATA`` must point at a folder that holds ``sudoku-natural-dev``.
"""

import argparse
import csv
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import digitscope
from common import timed, write

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="cnn", help="a pretrained name or an .onnx file")
    parser.add_argument("--repeat", type=int, default=3, help="readings; the fastest is reported")
    options = parser.parse_args()
    folder = Path(os.environ.get("DIGITSCOPE_DATA", "data")) / "sudoku-natural-dev"
    model = digitscope.load(options.model)
    photos: dict[str, Any] = {}
    counts = {"printed": [0, 0], "handwritten": [0, 0]}
    found = 0
    for photo in sorted(folder.glob("*.jpg")):
        truth = table(photo.with_suffix(".csv"))
        by_hand = np.array(table(photo.with_suffix(".handwritten.csv")), bool)
        runs = [timed(partial(digitscope.read, photo, model=model)) for _ in range(options.repeat)]
        page = runs[0][1]
        grid, _ = best_grid(page, truth)
        wrong = []
        for r in range(SIDE):
            for c in range(SIDE):
                kind = counts["handwritten" if by_hand[r, c] else "printed"]
                read = grid.rows[r][c] if grid else ""
                kind[1] += 1
                kind[0] += read == str(truth[r][c])
                if read != str(truth[r][c]):
                    wrong.append({"row": r, "column": c, "truth": truth[r][c], "read": read})
        found += grid is not None
        photos[photo.name] = {
            "seconds": min(seconds for seconds, _ in runs),
            "grids_on_page": [[len(g.rows), len(g.rows[0])] for g in page.grids],
            "right": SIDE * SIDE - len(wrong),
            "wrong": wrong,
        }
    result = {
        "grids_found": found,
        "photos": len(photos),
        "cells": sum(total for _, total in counts.values()),
        "right": sum(right for right, _ in counts.values()),
        **{kind: {"n": total, "right": right} for kind, (right, total) in counts.items()},
        "each": photos,
    }
    write("sudoku", result, model=str(options.model))


if __name__ == "__main__":
    main()
