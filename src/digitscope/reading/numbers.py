"""Numbers: chains of linked glyphs.

A glyph has at most one next and one previous glyph. Both must have a high link probability, and the
predicted centre of the next glyph must be near its found centre. A chain is cut at a letter, slash
or colon, and where a superscript begins or ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import COMMA, DIGIT_CLASSES, MINUS, POINT
from digitscope.reading.glyphs import CHUNK, Glyphs, writing_heights
from digitscope.reading.parameters import ReadingParameters


@dataclass(frozen=True)
class GlyphRun:
    """The glyphs of one number.

    Attributes
    ----------
    glyphs : tuple of int
        Their indices among all glyphs, in reading order.
    raised : bool
    """

    glyphs: tuple[int, ...]
    raised: bool = False


def find_runs(
    glyphs: Glyphs, parameters: ReadingParameters, expected: NDArray[np.bool_] | None = None
) -> list[GlyphRun]:
    """Return the numbers among glyphs.

    A sign with low probability is left out of its number. A digit below the threshold ends the
    number, but the low threshold holds where it is linked to a digit above the threshold, or where
    digits are expected.

    Parameters
    ----------
    glyphs : Glyphs
    parameters : ReadingParameters
    expected : ndarray of shape (n,), dtype bool, optional
        Which glyphs are at places where digits are expected: in the cells of grids.
    """
    best, labels, digit = glyphs.heat.max(axis=1, initial=0), glyphs.labels, glyphs.is_digit
    raised, likely = glyphs.raised > 0.5, best > 0.5
    runs = []
    for chain in find_chains(glyphs, parameters):
        chain = [i for i in chain if labels[i] not in NUMBER_SIGNS or likely[i]]
        linked = any(digit[i] and best[i] >= parameters.threshold for i in chain)
        if expected is not None:
            linked |= bool(expected[chain].any())
        minimum = parameters.threshold
        if linked:
            minimum = min(parameters.low_threshold, minimum)
        part: list[int] = []
        for i in [*chain, -1]:
            fits = i >= 0 and labels[i] in NUMBER_CLASSES and (not digit[i] or best[i] >= minimum)
            if part and (not fits or raised[i] != raised[part[-1]]):
                runs += _without_outer_signs(part, labels, bool(raised[part[-1]]))
                part = []
            if fits:
                part.append(i)
    return runs


NUMBER_SIGNS = POINT + COMMA + MINUS
NUMBER_CLASSES = DIGIT_CLASSES + NUMBER_SIGNS


def _without_outer_signs(
    part: Sequence[int], labels: Sequence[str], raised: bool
) -> list[GlyphRun]:
    """Return the number in a part of a chain, with signs inside and, of those outside, a prefix.

    The prefix is a minus, a decimal mark, or both. A part without digits gives no number.
    """
    digits = [k for k, i in enumerate(part) if labels[i] in DIGIT_CLASSES]
    if not digits:
        return []
    first, last = digits[0], digits[-1]
    if first and labels[part[first - 1]] in (POINT, COMMA):
        first -= 1
    if first and labels[part[first - 1]] == MINUS:
        first -= 1
    return [GlyphRun(tuple(part[first : last + 1]), raised)]


def find_chains(glyphs: Glyphs, parameters: ReadingParameters) -> list[list[int]]:
    """Return all glyphs as chains; a glyph without links is a chain of one."""
    n = len(glyphs)
    following, preceding = np.full(n, -1), np.full(n, -1)
    first = np.arange(n)  # first glyph of the chain whose last glyph is i
    for i, j in find_links(glyphs, parameters):
        if following[i] < 0 and preceding[j] < 0 and first[i] != j:
            following[i], preceding[j] = j, i
            last = j
            while following[last] >= 0:
                last = int(following[last])
            first[last] = first[i]
    chains = []
    for start in np.flatnonzero(preceding < 0).tolist():
        chain = [start]
        while following[chain[-1]] >= 0:
            chain.append(int(following[chain[-1]]))
        chains.append(chain)
    return chains


def find_links(glyphs: Glyphs, parameters: ReadingParameters) -> NDArray[np.int64]:
    """Return candidate links, shape (m, 2) of glyph and next glyph, the best one first."""
    size = writing_heights(glyphs)
    landing = glyphs.centre + glyphs.next
    pairs, costs = [], []
    starts = np.flatnonzero(glyphs.link[:, 0] + 1 > 2 * parameters.link_threshold)
    for part in np.array_split(starts, max(1, -(-len(starts) // CHUNK))):
        away = np.linalg.norm(landing[part, None] - glyphs.centre[None], axis=2)
        away /= np.maximum(size[part], 1)[:, None]
        mean = (glyphs.link[part, :1] + glyphs.link[None, :, 1]) / 2
        fits = (away <= parameters.landing_distance) & (mean > parameters.link_threshold)
        fits[np.arange(len(part)), part] = False
        i, j = np.nonzero(fits)
        pairs.append(np.stack([part[i], j], axis=1))
        costs.append(away[i, j] - mean[i, j])
    order = np.argsort(np.concatenate(costs), kind="stable")
    best: NDArray[np.int64] = np.concatenate(pairs)[order]
    return best
