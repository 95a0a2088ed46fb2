"""Synthetic images of digits and non-digits in the form of MNIST.

MNIST contains American handwriting only. Here digits have the forms that are usual in other
countries, too (`digit_forms`), drawn with random variations (`pen`). Non-digits are images that a
classifier should refuse: letters and signs (`sign_forms`), blots, scribbles, parts of digits and
several digits in one image (`clutter`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import Misuse
from digitscope.image.digit import DIGITS, SIDE, Images, Labels, check_images, check_labels
from digitscope.synthesis.clutter import MAKERS, collect_digits, draw_clutter
from digitscope.synthesis.digit_forms import DIGITS as DIGIT_FORMS
from digitscope.synthesis.pen import HAND, Style, draw
from digitscope.synthesis.printed_characters import draw_printed
from digitscope.synthesis.recorded_strokes import StrokeSet
from digitscope.synthesis.sign_forms import LETTERS, SIGNS
from digitscope.synthesis.stroke_notation import Glyph

GLYPHS = tuple(glyph for symbol in DIGIT_FORMS for glyph in symbol)
# Printed characters that cannot be confused with a digit: without b, g, q, s, l, o, I, O, S and
# thin bars.
TYPE = "acdefhjkmnprtuvwxyzACDEFGHJKLMNPQRTUVWXYZ+=?%&#@*<>$~[]"
# Share of each kind of non-digit.
SHARES = {"letters": 0.34, "signs": 0.24, "type": 0.08, "clutter": 0.34}

RECORDED = 0.5  # share of recorded samples among letters and signs, if there are any


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
        Variation between writers, pens and images; `CLEAN` for none.

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
    printed = rng.random(len(wanted)) < style.printed
    images[printed] = draw_printed([str(label) for label in wanted[printed]], rng, style)
    written = np.flatnonzero(~printed)
    which = np.zeros(len(written), np.intp)
    first = 0
    for digit, symbol in enumerate(DIGIT_FORMS):
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
    """Draw images that a classifier should refuse as no digit.

    Handwritten and printed letters and signs, blots, scribbles, patterns, struck-out digits, halves
    of digits, several digits in a row, and digits with a large part of a neighbour.

    Parameters
    ----------
    n : int
        Number of images.
    rng : numpy.random.Generator
        Source of all randomness.
    digits : ndarray of shape (m, 28, 28), dtype uint8, optional
        Real digits; half of the images that are made of digits use them instead of drawn ones.
    labels : ndarray of shape (m,), optional
        Labels of `digits`. Only labelled digits are halved, since the half of some digits is
        another digit.
    recorded : StrokeSet, optional
        Recorded letters and signs. They replace the share `RECORDED` of the parametric ones; all
        characters are equally frequent.
    style : Style, optional
        Variation between writers, pens and images.

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
    images[which] = draw_printed(rng.choice(list(TYPE), len(which)).tolist(), rng, style)
    which = np.flatnonzero(kinds == 3)
    makers, weights = list(MAKERS), np.array(list(MAKERS.values()))
    chosen = rng.choice(len(makers), len(which), p=weights / weights.sum()).tolist()
    pool = collect_digits(min(len(which), 1000), rng, digits, labels)
    images[which] = draw_clutter([makers[i] for i in chosen], rng, pool, style.degradation)
    return images


def _choose(glyphs: tuple[Glyph, ...], n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return `n` random indices into `glyphs`, with probabilities proportional to the weights."""
    weights = np.array([glyph.weight for glyph in glyphs])
    return rng.choice(len(glyphs), n, p=weights / weights.sum())


def _choose_recorded(recorded: StrokeSet, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return `n` random samples of `recorded`; all characters are equally probable."""
    _, character, counts = np.unique(recorded.labels, return_inverse=True, return_counts=True)
    weights = 1 / counts[character]
    return rng.choice(len(recorded), n, p=weights / weights.sum())
