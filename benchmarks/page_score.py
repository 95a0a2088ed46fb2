"""Score of a page: the reported numbers, compared with the true ones.

A number is read exactly if one reported number has its text and its position. A reported number
is invented if it overlaps no true one. For digits, the text reported over each true number is
aligned with the true text, and digits are right, wrong, missed or extra.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from digitscope.synthesis.faulty_pages import Truth

Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom, in pixels of the page
Reported: TypeAlias = tuple[str, Box]  # a number's text and its box

SAME_PLACE = 0.4  # smallest intersection over union of a number's two boxes
ELSEWHERE = 0.1  # invented: at most this share of a reported box overlaps true numbers


@dataclass(frozen=True)
class Score:
    """Counts; scores of several pages are added.

    Attributes
    ----------
    numbers, exact : int
        True numbers, and those read exactly.
    reported, invented : int
        Reported numbers, and those where no true number is.
    digits, right, wrong, missed : int
        True digits, and how many were right, wrong or missed.
    reported_digits, extra : int
        Reported digits, and those that are extra: invented, or in addition to the true ones.
    """

    numbers: int = 0
    exact: int = 0
    reported: int = 0
    invented: int = 0
    digits: int = 0
    right: int = 0
    wrong: int = 0
    missed: int = 0
    reported_digits: int = 0
    extra: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def score_page(truth: Truth, reported: Sequence[Reported], size: tuple[int, int]) -> Score:
    """Return the counts of a page.

    Parameters
    ----------
    truth : Truth
    reported : sequence of (text, box)
        Boxes as the truth's: left, top, right, bottom, in pixels of the page as it was given.
    size : tuple of int
        Height and width of the page.
    """
    return _score(truth, reported, size)[0]


def wrong_numbers(
    truth: Truth, reported: Sequence[Reported], size: tuple[int, int]
) -> list[tuple[str, str, Box]]:
    """Return what was not read exactly, as (text, what was reported there, box); invented last."""
    return _score(truth, reported, size)[1]


def _score(
    truth: Truth, reported: Sequence[Reported], size: tuple[int, int]
) -> tuple[Score, list[tuple[str, str, Box]]]:
    numbers = truth.numbers
    over: list[list[Reported]] = [[] for _ in numbers]
    total = Score(numbers=len(numbers), reported=len(reported))
    mistakes: list[tuple[str, str, Box]] = []
    invented: list[tuple[str, str, Box]] = []
    for text, box in reported:
        shares = [_intersection(box, number.box) for number in numbers]
        total += Score(reported_digits=len(text))
        if not shares or sum(shares) <= ELSEWHERE * _area(box):
            total += Score(invented=1, extra=len(text))
            invented.append(("", text, box))
        else:
            over[int(np.argmax(shares))].append((text, box))
    for number, found in zip(numbers, over, strict=True):
        exact = any(t == number.text and _iou(b, number.box) >= SAME_PLACE for t, b in found)
        # Left to right as the writer saw it, whichever way the page is turned.
        found.sort(key=lambda one: turned(one[1], size, -truth.turns)[0])
        written = "".join(text for text, _ in found)
        right, wrong, missed, extra = aligned(number.text, written)
        total += Score(
            exact=exact,
            digits=len(number.text),
            right=right,
            wrong=wrong,
            missed=missed,
            extra=extra,
        )
        if not exact:
            mistakes.append((number.text, " ".join(text for text, _ in found), number.box))
    return total, mistakes + invented


def aligned(true: str, read: str) -> tuple[int, int, int, int]:
    """Return how many digits are right, wrong, missed and extra in the best alignment.

    >>> aligned("1234", "1284")
    (3, 1, 0, 0)
    >>> aligned("1234", "124")
    (3, 0, 1, 0)
    >>> aligned("12", "3412")
    (2, 0, 0, 2)
    """
    # Fewest edits, and of those the most right; each entry is (edits, -right, wrong, missed, extra)
    row = [(j, 0, 0, 0, j) for j in range(len(read) + 1)]
    for i, a in enumerate(true, 1):
        last, row = row, [(i, 0, 0, i, 0)]
        for j, b in enumerate(read, 1):
            e, r, w, m, x = last[j - 1]
            both = (e, r - 1, w, m, x) if a == b else (e + 1, r, w + 1, m, x)
            e, r, w, m, x = last[j]
            skip = (e + 1, r, w, m + 1, x)
            e, r, w, m, x = row[j - 1]
            row.append(min(both, skip, (e + 1, r, w, m, x + 1)))
    _, right, wrong, missed, extra = row[-1]
    return -right, wrong, missed, extra


def reported_by(page: Any) -> list[Reported]:
    """Return the numbers of a `digitscope` Page, their boxes in the picture as it was given."""
    size = (page.height, page.width)
    found = []
    for number in page.numbers:
        left, top, width, height = number.box
        box = (left, top, left + width, top + height)
        found.append((number.text, turned(box, size, -page.turn // 90)))
    return found


def words_in_tsv(text: str) -> list[Reported]:
    """Return the words of digits in Tesseract's table of tab-separated values."""
    found = []
    for row in csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE):
        if (word := (row["text"] or "").strip()).isdigit():
            left, top, width, height = (int(row[k]) for k in ("left", "top", "width", "height"))
            found.append((word, (left, top, left + width, top + height)))
    return found


def turned(box: Box, size: tuple[int, int], turns: int) -> Box:
    """Return a box after a number of quarter turns anticlockwise; a negative number turns back.

    `size` is always the height and width of the picture that contains `box`.

    >>> turned((0, 0, 2, 1), (10, 20), 1)
    (0, 18, 1, 20)
    >>> turned((0, 18, 1, 20), (20, 10), -1)
    (0, 0, 2, 1)
    """
    left, top, right, bottom = box
    height, width = size
    for _ in range(turns % 4):
        left, top, right, bottom = top, width - right, bottom, width - left
        height, width = width, height
    return left, top, right, bottom


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _intersection(a: Box, b: Box) -> int:
    return _area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def _iou(a: Box, b: Box) -> float:
    both = _intersection(a, b)
    return both / max(_area(a) + _area(b) - both, 1)
