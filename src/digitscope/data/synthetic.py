"""Digits and non-digits drawn from strokes: an endless data set of its own.

MNIST knows how Americans write. Here every digit is drawn in the ways the world writes it
(`glyphs`), by random hands and pens (`synthetic_pen`), and beside the digits there is what a
network should refuse: letters and signs (`synthetic_signs`), blots, scribbles, halves and
neighbours (`synthetic_clutter`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data.dataset import Dataset, Split
from digitscope.data.glyphs import DIGITS as BOOK
from digitscope.data.synthetic_clutter import MAKERS, draw_clutter, gather
from digitscope.data.synthetic_pen import HAND, Style, draw
from digitscope.data.synthetic_print import draw_type
from digitscope.data.synthetic_signs import LETTERS, SIGNS
from digitscope.data.synthetic_strokes import Glyph
from digitscope.errors import Misuse
from digitscope.images import DIGITS, SIDE, Images, Labels, check_images, check_labels

GLYPHS = tuple(glyph for symbol in BOOK for glyph in symbol)
# Printed characters that no one takes for a digit; no b, g, q, s, l, o, I, O, S, nor thin bars.
TYPE = "acdefhjkmnprtuvwxyzACDEFGHJKLMNPQRTUVWXYZ+=?%&#@*<>$~[]"
SHARES = {"letters": 0.34, "signs": 0.24, "type": 0.08, "clutter": 0.34}
SEED = 28
TRAIN, TEST = 60_000, 10_000  # images, as many as MNIST has


def draw_digits(
    labels: NDArray[Any] | list[int], rng: np.random.Generator, *, style: Style = HAND
) -> Images:
    """Draw an image of each label.

    Parameters
    ----------
    labels : array-like of shape (n,), whole numbers from 0 to 9
    rng : numpy.random.Generator
        Source of all randomness: the same state and labels give the same images.
    style : Style, optional
        How far hands, pens and pictures differ; `synthetic_pen.CLEAN` for none of it.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink, in the form of MNIST.

    Raises
    ------
    Misuse
        When a label is not 0 to 9.

    Examples
    --------
    >>> draw_digits([4, 2], np.random.default_rng(0)).shape
    (2, 28, 28)
    """
    wanted = np.asarray(labels)
    if wanted.ndim != 1 or (wanted.size and not np.issubdtype(wanted.dtype, np.integer)):
        raise Misuse(
            f"labels must be whole numbers in one row. "
            f"Received: {wanted.dtype} of shape {wanted.shape}."
        )
    wrong = wanted[(wanted < 0) | (wanted >= DIGITS)]
    if wrong.size:
        raise Misuse(f"labels must be 0 to 9. Received: {wrong[0]}.")
    images = np.empty((len(wanted), SIDE, SIDE), np.uint8)
    printed = rng.random(len(wanted)) < style.type
    images[printed] = draw_type([str(label) for label in wanted[printed]], rng, style)
    written = np.flatnonzero(~printed)
    which = np.zeros(len(written), np.intp)
    first = 0
    for digit, symbol in enumerate(BOOK):
        rows = np.flatnonzero(wanted[written] == digit)
        which[rows] = first + _choose(symbol, len(rows), rng)
        first += len(symbol)
    images[written] = draw(GLYPHS, which, rng, style)
    return images


def draw_non_digits(
    n: int,
    rng: np.random.Generator,
    digits: Images | None = None,
    *,
    labels: Labels | None = None,
    style: Style = HAND,
) -> Images:
    """Draw what a network should refuse to read as a digit.

    Letters and signs in writing and in type, blots, scribbles, patterns, struck-out digits, halves,
    digits in a row, and digits with too much of a neighbour.

    Parameters
    ----------
    n : int
        How many.
    rng : numpy.random.Generator
        Source of all randomness.
    digits : ndarray of shape (m, 28, 28), dtype uint8, optional
        Real digits, of which rows, neighbours and struck-out ones are made as of drawn ones.
    labels : ndarray of shape (m,), optional
        Theirs. With them real digits are halved too, those of which no half is a digit.
    style : Style, optional
        How far hands, pens and pictures differ.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink, in the form of MNIST and in random order.

    Examples
    --------
    >>> draw_non_digits(5, np.random.default_rng(0)).shape
    (5, 28, 28)
    """
    if n < 0:
        raise Misuse(f"n must be 0 or more. Received: {n}.")
    if digits is not None:
        check_images(digits)
    if labels is not None:
        labels = check_labels(np.asarray(labels), 0 if digits is None else len(digits), "digits")
    kinds = rng.choice(len(SHARES), n, p=list(SHARES.values()))
    images = np.empty((n, SIDE, SIDE), np.uint8)
    for kind, book in enumerate((LETTERS, SIGNS)):
        which = np.flatnonzero(kinds == kind)
        images[which] = draw(book, _choose(book, len(which), rng), rng, style)
    which = np.flatnonzero(kinds == 2)
    images[which] = draw_type(rng.choice(list(TYPE), len(which)).tolist(), rng, style)
    which = np.flatnonzero(kinds == 3)
    makers, weights = list(MAKERS), np.array(list(MAKERS.values()))
    chosen = rng.choice(len(makers), len(which), p=weights / weights.sum()).tolist()
    pool = gather(min(len(which), 1000), rng, digits, labels)
    images[which] = draw_clutter([makers[i] for i in chosen], rng, pool, style.wear)
    return images


def _choose(glyphs: tuple[Glyph, ...], n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return `n` indices into `glyphs`, each as often as its weight says."""
    weights = np.array([glyph.weight for glyph in glyphs])
    return rng.choice(len(glyphs), n, p=weights / weights.sum())


def load_synthetic(train: int = TRAIN, test: int = TEST, non_digits: int = TEST) -> Dataset:
    """Return drawn digits as a data set, the same ones every time.

    Parameters
    ----------
    train, test : int
        How many images of digits; each digit is as frequent as the others, to one.
    non_digits : int
        How many images of anything else.

    Examples
    --------
    >>> data = load_synthetic(20, 10, 5)
    >>> data.train.counts(), len(data.test), len(data.non_digits)
    ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], 10, 5)
    """
    return Dataset(
        "synthetic",
        _draw_split(train, 0),
        _draw_split(test, 1),
        f"digits drawn from {len(GLYPHS)} forms by digitscope's own pen, seed {SEED}",
        non_digits=draw_non_digits(non_digits, np.random.default_rng([SEED, 2])),
    )


def _draw_split(n: int, part: int) -> Split:
    rng = np.random.default_rng([SEED, part])
    labels = rng.permutation(np.arange(n) % DIGITS)
    return Split(draw_digits(labels, rng), labels)
