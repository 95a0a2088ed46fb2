"""Orientation of pages: the turn that `digitscope.read` finds, on pictures turned four ways.

    uv run python benchmarks/orientation.py [--limit N] [--network FILE]

Every picture of ``hard-dev``, ``pages-dev`` and ``sudoku-natural-dev``, and every fourth of
``sudoku-mixed-dev``, in the folder that ``DIGITSCOPE_DATA`` names, is turned by 0, 90, 180 and 270
degrees and read with the page network. A reading is right if the turn that it reports makes the
picture upright. Pictures without digits are left out, and pictures whose digits are all 0, 1 or 8,
which look the same upside down.
"""

import argparse
import os
import re
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ |= dict.fromkeys(THREADS, "1")

import numpy as np  # noqa: E402

from common import row, spread, timed, write  # noqa: E402
from digitscope.evaluation import wilson_interval  # noqa: E402
from digitscope.image.decode import read_gray  # noqa: E402
from own_readers import NotHere, load_reading  # noqa: E402
from reading_sets import SETS, Item, data_folder  # noqa: E402

STEPS = {"hard-dev": 1, "pages-dev": 1, "sudoku-natural-dev": 1, "sudoku-mixed-dev": 4}
TURNS = (0, 90, 180, 270)  # degrees counter-clockwise, as `np.rot90` and `Page.turn` count
SYMMETRIC = "018"
# Pictures with digits of which truth.json names none, since it has no truth for them.
UNNAMED = ("newspaper-sudoku.jpg",)
# How far a picture is turned as it is decoded: its EXIF block asks for a turn that it has already.
DECODED = {"image2002.jpg": 270}


def cases(name: str) -> Iterator[tuple[Item, str]]:
    """Yield each picture of a set, and why it is left out; an empty string if it is not."""
    everything = SETS[name].items(data_folder(), Namespace(limit=None, seed=0))
    for item in list(everything)[:: STEPS[name]]:
        reason = ""
        if not name.startswith("sudoku") and item.name not in UNNAMED:
            digits = "".join(item.truth)
            if not digits:
                reason = "no digits"
            elif not digits.strip(SYMMETRIC):
                reason = "digits that look the same upside down"
        yield item, reason


def given_turn(item: Item) -> int:
    """Return the degrees counter-clockwise by which a picture is turned in its file.

    >>> given_turn(Item("a.png", "a.png", [], "picture turned by 90 degrees"))
    90
    """
    told = re.search(r"turned by (\d+) degrees", item.kind)
    return int(told.group(1)) if told else DECODED.get(item.name, 0)


def wanted_turn(item: Item, turn: int) -> int:
    """Return the turn that makes a picture upright after it was turned further by `turn`.

    >>> wanted_turn(Item("a.png", "a.png", [], "picture turned by 90 degrees"), 180)
    90
    """
    return -(given_turn(item) + turn) % 360


def read_set(name: str, read: Any, limit: int | None) -> dict[str, Any]:
    """Return how many turns of a set's pictures are right, and which are wrong."""
    wrong: list[dict[str, Any]] = []
    left_out, seconds = {}, []
    for item, reason in list(cases(name))[:limit]:
        if reason:
            left_out[item.name] = reason
            continue
        gray = read_gray(item.picture)
        for turn in TURNS:
            turned = np.ascontiguousarray(np.rot90(gray, turn // 90))
            spent, page = timed(partial(read, turned))
            seconds.append(spent)
            wanted = wanted_turn(item, turn)
            if page.turn != wanted:
                failed = {"turned": turn, "wanted": wanted, "reported": page.turn}
                wrong.append({"picture": item.name, **failed})
                print(name, wrong[-1], flush=True)
    n = len(seconds)
    right = n - len(wrong)
    shares: dict[str, Any] = {"n": n, "right": right, "share": right / max(n, 1)}
    if n:
        shares |= {"interval": wilson_interval(right, n), "seconds": spread(seconds)}
    print(name, f"{right} of {n}", flush=True)
    return {**shares, "wrong": wrong, "left_out": left_out}


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the row of the turned pictures."""
    n, right = result["all"]["n"], result["all"]["right"]
    return [
        row(
            "real pictures turned by 0, 90, 180 and 270°, turns right, digitscope",
            f"{right} of {n}",
            n=n,
            target="all",
            met=right == n,
        )
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=STEPS, default=list(STEPS), metavar="SET")
    parser.add_argument("--limit", type=int, help="pictures of each set")
    parser.add_argument("--network", metavar="FILE", help="another page network")
    options = parser.parse_args()
    try:
        read = load_reading(options.network)
    except NotHere as reason:
        parser.error(str(reason))
    result: dict[str, Any] = {name: read_set(name, read, options.limit) for name in options.sets}
    n, right = (sum(of[key] for of in result.values()) for key in ("n", "right"))
    result["all"] = {"n": n, "right": right, "share": right / max(n, 1)}
    write("orientation", result, rows(result), turns=TURNS)


if __name__ == "__main__":
    main()
