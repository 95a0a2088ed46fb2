"""Gather the digits of a line into numbers.

A number is a run of digits. It ends at a gap, at a letter or sign, at a dot on the base line, and
where digits are raised: a superscript is a number of its own. A dot or a minus is not read; so 12.5
comes back as 12 and 5. On a line that is mostly letters, digits inside of words are taken for
letters too: the o and the l of "Total" look like a 0 and a 1 to anybody.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from digitscope.reading.chains import Chain, Reading
from digitscope.reading.judge import Judge, Verdict
from digitscope.reading.page import Box, Digit, Number
from digitscope.reading.pieces import Extent, Piece, join

APART = 0.6  # heights of paper between two numbers
NARROW, CLEAR = 0.3, 0.45  # less is within a number; more, on a line of narrow gaps, is between two
PAGE = 4  # glyphs for which the page counts in the company of a line's own
RAISED = 0.8  # of the height before it; a superscript is lower
PRINT = 0.6  # share of strangers from which on a line is a line of words
FEWEST = 5  # glyphs of such a line
BARS = 3  # lone ones in a row, or lines of nothing but 1s: the rest of rules
POINT = 0.08  # heights; a smaller dot is dirt


@dataclass(frozen=True, eq=False)
class _Glyph:
    """A digit, or with no verdict something else.

    Attributes
    ----------
    piece : Piece
    extent : tuple of float
        Left, top, right and bottom where the line is level.
    verdict : Verdict or None
    """

    piece: Piece
    extent: Extent
    verdict: Verdict | None

    @property
    def height(self) -> float:
        return self.extent[3] - self.extent[1]


@dataclass(frozen=True)
class Company:
    """How many of the glyphs around are digits beyond doubt: what a doubtful one probably is.

    Attributes
    ----------
    digits, glyphs : float
    """

    digits: float
    glyphs: float

    def __add__(self, other: "Company") -> "Company":
        return Company(self.digits + other.digits, self.glyphs + other.glyphs)

    def shrunk(self, most: float) -> "Company":
        """Return the same share of so many glyphs at most."""
        scale = min(1.0, most / max(self.glyphs, 1e-9))
        return Company(self.digits * scale, self.glyphs * scale)

    def welcomes(self, score: float, threshold: float) -> bool:
        """Tell whether a glyph is a digit: by Bayes' rule, with the share of digits as prior."""
        prior = (self.digits + 1) / (self.glyphs + 2)
        odds = score / max(1 - score, 1e-9) * prior / (1 - prior)
        return odds / (1 + odds) >= threshold


def without_bars(lines: Sequence[tuple[Number, ...]]) -> list[tuple[Number, ...]]:
    """Return the lines of a page that hold numbers, without those that are the rest of its rules.

    Dashes down a margin, and the uprights of a table or of squared paper, are lines of nothing but
    1s. Several of them, and more than there are lines of any other single digit, are no list of
    answers.
    """
    lines = [numbers for numbers in lines if numbers]
    texts = ["".join(number.text for number in numbers) for numbers in lines]
    bars = [set(text) == {"1"} for text in texts]
    singles = sum(len(text) == 1 and text != "1" for text in texts)
    if sum(bars) < max(BARS, singles + 1):
        return lines
    return [numbers for numbers, bar in zip(lines, bars, strict=True) if not bar]


def company(chain: Chain, readings: Sequence[Reading], judge: Judge, threshold: float) -> Company:
    """Count the digits of a line that need nobody's word."""
    glyphs = digits = 0
    for reading in readings:
        sure = reading.is_digit and judge[reading.key].digit >= threshold
        digits += sure
        glyphs += sure or not chain.is_speck(*reading.key)
    return Company(digits, glyphs)


def to_numbers(
    chain: Chain,
    readings: Sequence[Reading],
    judge: Judge,
    threshold: float,
    around: Company,
    to_page: NDArray[np.float64],
) -> tuple[Number, ...]:
    """Return the numbers of a line.

    Parameters
    ----------
    chain : Chain
    readings : sequence of Reading
        From left to right.
    judge : Judge
        Who has judged them.
    threshold : float
        The score below which a digit is refused that stands in doubtful company.
    around : Company
        Of the whole page.
    to_page : ndarray of shape (3, 3)
        From pixels of the line to those of the picture.
    """
    around = around.shrunk(PAGE) + company(chain, readings, judge, threshold)
    glyphs = _glyphs(chain, readings, judge, threshold, around)
    words = _words(glyphs, chain.height)
    strangers = sum(glyph.verdict is None for glyph in glyphs)
    if len(glyphs) >= FEWEST and strangers >= PRINT * len(glyphs):
        words = [word for word in words if _is_number(word)]
    numbers = []
    for word in words:
        for is_digit, run in groupby(word, lambda glyph: glyph.verdict is not None):
            if is_digit:
                numbers += _levels(list(run), to_page)
    # A row of nothing but bars is the rest of a frame or a fence of stems.
    bars = len(numbers) >= BARS and all(number.text == "1" for number in numbers)
    return () if bars else tuple(numbers)


def _glyphs(
    chain: Chain, readings: Sequence[Reading], judge: Judge, threshold: float, around: Company
) -> list[_Glyph]:
    """Return the digits and strangers of a line, without its specks."""
    glyphs: list[_Glyph] = []
    for reading in readings:
        box = chain.extent(*reading.key)
        verdict = judge[reading.key] if reading.is_digit else None
        if verdict is not None and not around.welcomes(verdict.digit, threshold):
            verdict = None
        glyphs.append(_Glyph(join(reading.key), box, verdict))
    large = [not chain.is_speck(*reading.key) for reading in readings]
    return [
        glyph
        for k, glyph in enumerate(glyphs)
        if large[k] or _is_point(glyph, glyphs[k - 1 : k], glyphs[k + 1 :], chain.height)
    ]


def _is_point(
    speck: _Glyph, before: Sequence[_Glyph], behind: Sequence[_Glyph], height: float
) -> bool:
    """Tell whether a speck stands on the base line between two glyphs, as in 12.5 or 12,5."""
    if not before or not behind:
        return False
    left, top, right, bottom = speck.extent
    return (
        max(right - left, bottom - top) >= POINT * height
        and top >= before[0].extent[3] - 0.3 * height
        and left >= before[0].extent[2]
        and right <= behind[0].extent[0]
    )


def _words(glyphs: Sequence[_Glyph], height: float) -> list[list[_Glyph]]:
    """Part a line where the paper shows between two glyphs."""
    gaps = []
    right = -math.inf
    for glyph in glyphs:
        gaps.append((glyph.extent[0] - right) / height)
        right = max(right, glyph.extent[2])
    wide = _wide_gap(gaps[1:])
    words: list[list[_Glyph]] = []
    for glyph, gap in zip(glyphs, gaps, strict=True):
        if gap > wide:
            words.append([])
        words[-1].append(glyph)
    return words


def _wide_gap(gaps: Sequence[float]) -> float:
    """Return from which gap on two numbers are apart.

    Where the gaps of a line fall clearly into narrow and wide ones, in the middle between them.

    >>> _wide_gap([0.1, 0.2, 0.1]), round(_wide_gap([0.0, 0.1, 0.5, 0.0, 0.6]), 2)
    (0.6, 0.3)
    """
    narrow = max([gap for gap in gaps if gap <= NARROW], default=None)
    wide = min([gap for gap in gaps if gap > NARROW], default=None)
    if narrow is None or wide is None or wide < CLEAR or wide - narrow < CLEAR / 2:
        return APART
    return min(APART, max(NARROW, (narrow + wide) / 2))


def _is_number(word: Sequence[_Glyph]) -> bool:
    """Tell whether a word among words is a number; alone, l and O are not."""
    verdicts = [glyph.verdict for glyph in word]
    if any(verdict is None for verdict in verdicts):
        return False
    return len(verdicts) > 1 or verdicts[0].label not in (0, 1)  # type: ignore[union-attr]


def _levels(run: Sequence[_Glyph], to_page: NDArray[np.float64]) -> list[Number]:
    """Part digits side by side where they go up to a superscript or down again."""
    base = run[0]  # the last digit that is not raised
    levels = [(False, [run[0]])]
    for glyph in run[1:]:
        raised = _is_raised(glyph, base)
        if raised == levels[-1][0]:
            levels[-1][1].append(glyph)
        else:
            levels.append((raised, [glyph]))
        if not raised:
            base = glyph
    return [
        Number(tuple(_digit(glyph, to_page) for glyph in glyphs), raised)
        for raised, glyphs in levels
    ]


def _is_raised(glyph: _Glyph, base: _Glyph) -> bool:
    left, top, right, _ = base.extent
    return (
        glyph.height < RAISED * base.height
        and glyph.extent[3] < top + 0.62 * base.height
        and glyph.extent[0] > (left + right) / 2
    )


def _digit(glyph: _Glyph, to_page: NDArray[np.float64]) -> Digit:
    assert glyph.verdict is not None
    piece, verdict = glyph.piece, glyph.verdict
    return Digit(verdict.label, verdict.sure, box_of(piece, to_page), verdict.image)


def box_of(piece: Piece, to_page: NDArray[np.float64]) -> Box:
    """Return the box around a piece, in pixels of the picture."""
    left, top, right, bottom = piece.left, piece.top, piece.right, piece.bottom
    corners = np.array([(left, top, 1), (right, top, 1), (right, bottom, 1), (left, bottom, 1)])
    x, y, w = to_page @ corners.T
    x, y = x / w, y / w
    x0, y0 = math.floor(x.min() + 0.01), math.floor(y.min() + 0.01)
    return x0, y0, math.ceil(x.max() - 0.01) - x0, math.ceil(y.max() - 0.01) - y0
