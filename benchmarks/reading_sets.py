"""Sets of pictures to read, each with its truth and with what counts as right.

Sets of real pictures are in the folder that ``DIGITSCOPE_DATA`` names; nothing was trained on them.
Equations and fields are set from the crops of one of them (`equations.py`, `fields.py`).
Synthetic pages come from `read_pages.py`, pictures without digits from `empty_pictures.py`, and
real ones from the folder that ``DIGITSCOPE_PICTURES`` names, which `tools/pictures` fills; of
these, only every eighth one is read, which is never used for training.

For each picture an `Outcome` says whether the whole of it is right, how many of its units (digits,
cells or numbers) were found, and how many reported ones are extra.
"""

import csv
import json
import os
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np

import empty_pictures
from digitscope.synthesis.pages.background_pictures import pictures_of_part
from equations import draw_terms, set_equation
from fields import KINDS, set_field
from page_score import aligned, score_page
from read_pages import mixed_pages
from readers import Layout, Picture, Reading
from sudoku import SIDE, best_grid, table

T = TypeVar("T")
CROPS = 1000  # of bhmsds-dev that are read
EQUATIONS = 300  # pictures set from crops of bhmsds-dev
FIELDS = 300  # the same: register cells, boxed fields, score cards and notes
SYNTHETIC = 100  # synthetic pages that are read
PRINTED = Path(__file__).with_name("printed_numbers.json")  # of pages-dev
MOST_WORDS = 60  # characters of an answer that are kept in the result


@dataclass(frozen=True)
class Outcome:
    """How one picture was read.

    Attributes
    ----------
    right : bool
        Everything in the picture was read right, and nothing else was reported.
    wanted, found : int
        Units that are in the picture, and those that were read right.
    invented : int
        Reported units that are extra: at empty places, or in addition to the true ones.
    read : str
        What was read, shortened.
    truth : str
        What should have been read, shortened.
    parts : dict of str to (int, int)
        For kinds of units within the picture, how many there are and how many were found.
    """

    right: bool
    wanted: int
    found: int
    invented: int
    read: str = ""
    truth: str = ""
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A picture to read.

    Attributes
    ----------
    name : str
    picture : Path or ndarray of dtype uint8
    truth : object
        In the form that the set's `score` takes.
    kind : str
        The kind of picture within its set, where it has kinds.
    printed : tuple of str
        Printed numbers that the truth leaves out: read or not, they count neither way.
    """

    name: str
    picture: Picture
    truth: Any
    kind: str = ""
    printed: tuple[str, ...] = ()


Items: TypeAlias = Callable[[Path, Namespace], Iterator[Item]]


@dataclass(frozen=True)
class ReadingSet:
    """A set of pictures.

    Attributes
    ----------
    what : str
        What is counted as right: the pictures.
    unit : str
        What is found and invented.
    items : callable
        Takes the data folder and the options ``limit`` and ``seed``; yields the pictures.
    score : callable
        Takes an item and its reading; None where the reader has nothing that can be compared.
    layout : str
        A hint for readers that take one.
    folder : str
        What the data folder must hold; empty if nothing.
    invents : bool
        Whether reported units that are too many are counted.
    """

    what: str
    unit: str
    items: Items
    score: Callable[[Item, Reading], Outcome | None]
    layout: Layout = "page"
    folder: str = ""
    invents: bool = True


def data_folder() -> Path:
    """Return the folder of the data."""
    return Path(os.environ.get("DIGITSCOPE_DATA", "data"))


def sample(things: Sequence[T], options: Namespace, most: int | None = None) -> list[T]:
    """Return at most ``options.limit`` (or else `most`) of the things, drawn by ``options.seed``.

    >>> sample("abcdef", Namespace(limit=None, seed=0))
    ['a', 'b', 'c', 'd', 'e', 'f']
    >>> len(sample("abcdef", Namespace(limit=2, seed=0)))
    2
    """
    n = options.limit or most or len(things)
    chosen = np.random.default_rng(options.seed).permutation(len(things))[:n]
    return [things[i] for i in sorted(chosen)]


def amounts(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield the amounts of cheques."""
    truth = json.loads((folder / "orand-car-dev" / "truth.json").read_text())
    for name in sample(sorted(truth), options):
        yield Item(name, folder / "orand-car-dev" / "images" / name, truth[name]["text"])


def score_digits(item: Item, reading: Reading) -> Outcome:
    """Score the digits of a picture, without regard to the separators of their groups."""
    right, _, _, extra = aligned(item.truth, reading.digits)
    return Outcome(
        reading.digits == item.truth,
        len(item.truth),
        right,
        extra,
        " ".join(text for text, _ in reading.numbers)[:MOST_WORDS],
        item.truth,
    )


def sudokus(name: str) -> Items:
    """Return how to find the photographs of a set of filled sudokus."""

    def items(folder: Path, options: Namespace) -> Iterator[Item]:
        for photo in sample(sorted((folder / name).glob("*.jpg")), options):
            marked = photo.with_suffix(".handwritten.csv")
            by_hand = table(marked) if marked.exists() else None
            yield Item(photo.name, photo, (table(photo.with_suffix(".csv")), by_hand))

    return items


def score_sudoku(item: Item, reading: Reading) -> Outcome | None:
    """Score the cells of the grid that agrees best; None for a reader that does not find grids."""
    if reading.grids is None:
        return None
    truth, by_hand = item.truth
    grid, _ = best_grid(reading, truth)
    places = [(r, c) for r in range(SIDE) for c in range(SIDE)]
    wrong = [(r, c) for r, c in places if not grid or grid.rows[r][c] != str(truth[r][c])]
    sizes = " ".join(f"{len(other.rows)}x{len(other.rows[0])}" for other in reading.grids)
    words = f"{len(wrong)} cells wrong; grids: {sizes or 'none'}"
    parts = {}
    if by_hand is not None:
        for name, hand in (("printed", 0), ("by hand", 1)):
            of = [(r, c) for r, c in places if by_hand[r][c] == hand]
            parts[name] = len(of), sum(place not in wrong for place in of)
    found = len(places) - len(wrong)
    return Outcome(not wrong, len(places), found, 0, words, parts=parts)


def lines(name: str) -> Items:
    """Return how to find the pictures of a set with lines of numbers."""

    def items(folder: Path, options: Namespace) -> Iterator[Item]:
        truth = json.loads((folder / name / "truth.json").read_text())
        printed = json.loads(PRINTED.read_text()) if name == "pages-dev" else {}
        for file in sample(list(truth), options):
            wanted = [number for line in truth[file]["lines"] for number in line]
            kind, others = truth[file].get("kind", file), tuple(printed.get(file, "").split())
            yield Item(file, folder / name / file, wanted, kind, others)

    return items


def score_numbers(item: Item, reading: Reading) -> Outcome:
    """Score numbers without their positions; each reported number counts once, others are extra.

    >>> score_numbers(Item("", Path(), ["1", "1", "2"]), Reading((("1", (0, 0, 1, 1)),))).found
    1
    """
    wanted, read = Counter(item.truth), Counter(text for text, _ in reading.numbers)
    found = (wanted & read).total()
    missing, extra = wanted - read, read - wanted - Counter(item.printed)
    more = extra.total()
    return Outcome(
        found == wanted.total() and not more,
        wanted.total(),
        found,
        more,
        " ".join(extra.elements())[:MOST_WORDS],
        " ".join(missing.elements())[:MOST_WORDS],
    )


def crops(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield digits cut from photographed sheets, one a picture."""
    with np.load(folder / "bhmsds-dev" / "bhmsds-dev.npz") as content:
        images, labels = content["images"], content["labels"]
    for i in sample(np.flatnonzero(np.char.isdigit(labels)).tolist(), options, CROPS):
        yield Item(str(i), images[i], str(labels[i]), str(labels[i]))


def equations(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield equations set from crops of photographed sheets."""
    with np.load(folder / "bhmsds-dev" / "bhmsds-dev.npz") as content:
        images, labels = content["images"], content["labels"]
    for i in range(options.limit or EQUATIONS):
        rng = np.random.default_rng([options.seed, i])
        terms = draw_terms(rng)
        picture = set_equation(rng, terms, images, labels)
        yield Item(f"{options.seed}-{i}", picture, [term for term in terms if term.isdigit()])


def fields(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield register cells, boxed fields, score cards and notes set from the same crops."""
    with np.load(folder / "bhmsds-dev" / "bhmsds-dev.npz") as content:
        images, labels = content["images"], content["labels"]
    kinds = list(KINDS)
    for i in range(options.limit or FIELDS):
        kind = kinds[i % len(kinds)]
        rng = np.random.default_rng([options.seed, i])
        yield Item(f"{options.seed}-{i}", *set_field(rng, kind, images, labels), kind)


def drawn(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield drawn digits, one a file."""
    with (folder / "hwd-1000" / "dataset.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in sample(rows, options):
        picture = folder / "hwd-1000" / row["image"]
        yield Item(picture.name, picture, row["label"], row["label"])


def synthetic(every: bool) -> Items:
    """Return how to make pages of MNIST's test digits, with common faults or with every kind."""

    def items(folder: Path, options: Namespace) -> Iterator[Item]:
        n = options.limit or SYNTHETIC
        given = Namespace(split="test", n=n, seed=options.seed, every=every)
        for i, (page, truth) in enumerate(mixed_pages(given)):
            yield Item(f"{options.seed}-{i}", page, truth)

    return items


def score_synthetic(item: Item, reading: Reading) -> Outcome:
    """Score a page by the place of its numbers."""
    assert isinstance(item.picture, np.ndarray)
    score = score_page(item.truth, reading.numbers, item.picture.shape[:2])
    return Outcome(
        score.exact == score.numbers == score.reported,
        score.numbers,
        score.exact,
        score.invented,
        f"{score.exact} of {score.numbers} exact, {score.reported} reported",
        " ".join(item.truth.faults),
    )


def empties(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield pictures without any digit."""
    n = options.limit or empty_pictures.N
    for i, (kind, picture) in enumerate(empty_pictures.make_all(n, options.seed)):
        yield Item(f"{options.seed}-{i}", picture, [], kind)


def held_out_pictures(folder: Path, options: Namespace) -> Iterator[Item]:
    """Yield real pictures without any digit, never used for training; kinds are packages."""
    for path in map(Path, sample(pictures_of_part(validation=True), options)):
        yield Item(path.name, path, [], path.name.partition("__")[0])


SETS: dict[str, ReadingSet] = {
    "orand-car-dev": ReadingSet(
        "whole amounts", "digits", amounts, score_digits, "line", "orand-car-dev"
    ),
    "sudoku-mixed-dev": ReadingSet(
        "whole puzzles",
        "cells",
        sudokus("sudoku-mixed-dev"),
        score_sudoku,
        folder="sudoku-mixed-dev",
        invents=False,
    ),
    "sudoku-natural-dev": ReadingSet(
        "whole puzzles",
        "cells",
        sudokus("sudoku-natural-dev"),
        score_sudoku,
        folder="sudoku-natural-dev",
        invents=False,
    ),
    "hard-dev": ReadingSet(
        "pictures", "numbers", lines("hard-dev"), score_numbers, folder="hard-dev"
    ),
    "pages-dev": ReadingSet(
        "pictures", "numbers", lines("pages-dev"), score_numbers, folder="pages-dev"
    ),
    "bhmsds-dev": ReadingSet("digits alone", "digits", crops, score_digits, "digit", "bhmsds-dev"),
    "equations": ReadingSet("pictures", "numbers", equations, score_numbers, "line", "bhmsds-dev"),
    "fields": ReadingSet("pictures", "numbers", fields, score_numbers, folder="bhmsds-dev"),
    "hwd-1000": ReadingSet("digits alone", "digits", drawn, score_digits, "digit", "hwd-1000"),
    "synthetic-common": ReadingSet(
        "pages", "numbers", synthetic(every=False), score_synthetic, folder="mnist"
    ),
    "synthetic-every": ReadingSet(
        "pages", "numbers", synthetic(every=True), score_synthetic, folder="mnist"
    ),
    "empty": ReadingSet("pictures", "numbers", empties, score_numbers),
    "empty-real": ReadingSet(
        "pictures",
        "numbers",
        held_out_pictures,
        score_numbers,
        folder=os.environ.get("DIGITSCOPE_PICTURES", "pictures"),
    ),
}
