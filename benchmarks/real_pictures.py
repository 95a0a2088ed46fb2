"""Read real pictures that nothing was trained on: amounts, sudokus, pages and hard cases.

    uv run python benchmarks/real_pictures.py cnn [other.onnx ...]

``DIGITSCOPE_DATA`` names a folder with the development sets ``orand-car-dev`` (amounts cut from
cheques), ``sudoku-mixed-dev`` (phone photos of filled sudokus), ``hard-dev`` and ``pages-dev``. A
number is found if one reported number has its digits, whatever its place; each reported number
counts once, and what is left over is invented.
"""

import argparse
import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import digitscope
from common import write
from digitscope.classifier import Classifier, load
from sudoku import SIDE, best_grid, table


def read_amounts(folder: Path, model: Classifier) -> dict[str, Any]:
    """Return how many amounts are read whole; what separates their groups of digits is ignored."""
    truth = json.loads((folder / "truth.json").read_text())
    wrong = {}
    for name, amount in truth.items():
        page = digitscope.read(folder / "images" / name, model=model)
        read = "".join(number.text for number in page.numbers)
        if read != amount["text"]:
            wrong[name] = f"{amount['text']} as {read}"
    return {"n": len(truth), "right": len(truth) - len(wrong), "wrong": wrong}


def read_sudokus(folder: Path, model: Classifier) -> dict[str, Any]:
    """Return how many cells and how many whole puzzles are right."""
    right = {}
    for photo in sorted(folder.glob("*.jpg")):
        page = digitscope.read(photo, model=model)
        _, agreed = best_grid(page, table(photo.with_suffix(".csv")))
        right[photo.name] = max(agreed, 0)
    cells = SIDE * SIDE
    return {
        "n": len(right),
        "whole": sum(count == cells for count in right.values()),
        "cells": cells * len(right),
        "right": sum(right.values()),
        "right_of": right,
    }


def read_lines(folder: Path, model: Classifier) -> dict[str, Any]:
    """Return how many numbers are found and invented, and how many pictures are all right."""
    truth = json.loads((folder / "truth.json").read_text())
    each = {}
    for name, picture in truth.items():
        wanted = Counter(number for line in picture["lines"] for number in line)
        page = digitscope.read(folder / name, model=model)
        read = Counter(number.text for number in page.numbers)
        found = (wanted & read).total()
        each[name] = {
            "numbers": wanted.total(),
            "found": found,
            "invented": read.total() - found,
        }
    return {
        "n": len(each),
        "numbers": sum(picture["numbers"] for picture in each.values()),
        "found": sum(picture["found"] for picture in each.values()),
        "invented": sum(picture["invented"] for picture in each.values()),
        "all_right": sum(p["found"] == p["numbers"] and not p["invented"] for p in each.values()),
        "each": each,
    }


SETS = {
    "orand-car-dev": read_amounts,
    "sudoku-mixed-dev": read_sudokus,
    "hard-dev": read_lines,
    "pages-dev": read_lines,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=["cnn"], help="names or .onnx files")
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    data = Path(os.environ.get("DIGITSCOPE_DATA", "data"))
    result: dict[str, Any] = {}
    for name in options.models:
        model = load(name, threads=1)
        result[Path(name).stem] = sets = {}
        for title, judge in SETS.items():
            if not (data / title).is_dir():
                continue
            started = time.perf_counter()
            sets[title] = judge(data / title, model)
            sets[title]["seconds"] = time.perf_counter() - started
            short = {k: v for k, v in sets[title].items() if not isinstance(v, dict)}
            print(name, title, short, flush=True)
    if not options.dry:
        write("real-pictures", result)


if __name__ == "__main__":
    main()
