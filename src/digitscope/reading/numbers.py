"""Links between glyphs become numbers.

A glyph has at most one next and one previous glyph. Both must expect each other, and the vector to
the next one must end near its centre. A chain of linked glyphs is cut where something stands that
is no part of a number: a letter, a slash, a colon, or the step up to a superscript.
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
        Their places among all glyphs, in the order of reading.
    raised : bool
    """

    glyphs: tuple[int, ...]
    raised: bool = False


def find_runs(
    glyphs: Glyphs, parameters: ReadingParameters, expected: NDArray[np.bool_] | None = None
) -> list[GlyphRun]:
    """Return the numbers among glyphs.

    A doubtful sign is left out of its number; a doubtful digit ends it, unless it is linked to a
    sure one or in a place where digits are expected: then less is enough.

    Parameters
    ----------
    glyphs : Glyphs
    parameters : ReadingParameters
    expected : ndarray of shape (n,), dtype bool, optional
        Which glyphs are where digits are expected: in the cells of grids.
    """
    best, labels, digit = glyphs.heat.max(axis=1, initial=0), glyphs.labels, glyphs.is_digit
    raised, sure = glyphs.raised > 0.5, best > 0.5  # more likely than not
    runs = []
    for chain in find_chains(glyphs, parameters):
        chain = [i for i in chain if labels[i] not in MARKS or sure[i]]
        linked = any(digit[i] and best[i] >= parameters.threshold for i in chain)
        if expected is not None:
            linked |= bool(expected[chain].any())
        least = min(parameters.least, parameters.threshold) if linked else parameters.threshold
        part: list[int] = []
        for i in [*chain, -1]:
            fits = i >= 0 and labels[i] in PARTS and (not digit[i] or best[i] >= least)
            if part and (not fits or raised[i] != raised[part[-1]]):
                runs += _trimmed(part, labels, bool(raised[part[-1]]))
                part = []
            if fits:
                part.append(i)
    return runs


MARKS = POINT + COMMA + MINUS
PARTS = DIGIT_CLASSES + MARKS


def _trimmed(part: Sequence[int], labels: Sequence[str], raised: bool) -> list[GlyphRun]:
    """Return the number in a part of a chain; of signs only those that can begin or be within."""
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
    """Return all glyphs in chains of linked ones, a glyph without links in a chain of its own."""
    n = len(glyphs)
    following, preceding = np.full(n, -1), np.full(n, -1)
    first = np.arange(n)  # of the chain that a glyph is the last one of
    for i, j in candidates(glyphs, parameters):
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


def candidates(glyphs: Glyphs, parameters: ReadingParameters) -> NDArray[np.int64]:
    """Return the possible links, shape (m, 2) of glyph and next glyph, the best one first."""
    size = writing_heights(glyphs)
    landing = glyphs.centre + glyphs.next
    pairs, costs = [], []
    starts = np.flatnonzero(glyphs.link[:, 0] + 1 > 2 * parameters.link)
    for part in np.array_split(starts, max(1, -(-len(starts) // CHUNK))):
        away = np.linalg.norm(landing[part, None] - glyphs.centre[None], axis=2)
        away /= np.maximum(size[part], 1)[:, None]
        mean = (glyphs.link[part, :1] + glyphs.link[None, :, 1]) / 2
        fits = (away <= parameters.landing) & (mean > parameters.link)
        fits[np.arange(len(part)), part] = False
        i, j = np.nonzero(fits)
        pairs.append(np.stack([part[i], j], axis=1))
        costs.append(away[i, j] - mean[i, j])
    order = np.argsort(np.concatenate(costs), kind="stable")
    best: NDArray[np.int64] = np.concatenate(pairs)[order]
    return best
