"""Digits and non-digits in the form of MNIST, as many as are asked for.

MNIST knows how Americans write. Here every digit is drawn in the ways the world writes it
(`glyphs`), by random hands and pens (`pen`), and beside the digits there is what a network should
refuse: letters and signs (`signs`), blots, scribbles, halves and neighbours (`clutter`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import Misuse
from digitscope.image.digit import DIGITS, SIDE, Images, Labels, check_images, check_labels
from digitscope.synthesis.clutter import MAKERS, draw_clutter, gather
from digitscope.synthesis.digit_forms import DIGITS as BOOK
from digitscope.synthesis.pen import HAND, Style, draw
from digitscope.synthesis.recorded_strokes import StrokeSet
from digitscope.synthesis.sign_forms import LETTERS, SIGNS
from digitscope.synthesis.stroke_notation import Glyph
from digitscope.synthesis.type import draw_type

GLYPHS = tuple(glyph for symbol in BOOK for glyph in symbol)
# Printed characters that no one takes for a digit; no b, g, q, s, l, o, I, O, S, nor thin bars.
TYPE = "acdefhjkmnprtuvwxyzACDEFGHJKLMNPQRTUVWXYZ+=?%&#@*<>$~[]"
SHARES = {"letters": 0.34, "signs": 0.24, "type": 0.08, "clutter": 0.34}

RECORDED = 0.5  # share of letters and signs that are recorded ones, where there are any


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
        How far hands, pens and pictures differ; `CLEAN` for none of it.

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
    recorded: StrokeSet | None = None,
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
    recorded : StrokeSet, optional
        Letters and signs that people wrote; they take the place of `RECORDED` of the parametric
        ones, each character as often as the others.
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
    if recorded is not None:
        written = np.flatnonzero((kinds < 2) & (rng.random(n) < RECORDED))
        kinds[written] = len(SHARES)
        images[written] = recorded.draw(_choose_recorded(recorded, len(written), rng), rng, style)
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


def _choose_recorded(recorded: StrokeSet, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return `n` samples of `recorded`, each character as often as the others."""
    _, character, counts = np.unique(recorded.labels, return_inverse=True, return_counts=True)
    weights = 1 / counts[character]
    return rng.choice(len(recorded), n, p=weights / weights.sum())
