"""Class priors of each glyph, estimated from the glyphs around it.

The probabilities of the networks hold for the mixture of pages that they were trained on. In wood
grain, where all glyphs are doubtful, most are false alarms; on a page of writing most are real. So
the share of real marks around each glyph, and the share of digits among them, are estimated from
the probabilities of its neighbours, and the glyph's own probabilities are corrected for these
priors. The method is that of Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a
Classifier to New a Priori Probabilities", Neural Computation 14, 2002, with the neighbours of each
glyph instead of one whole data set.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import DIGIT_CLASSES, SIGNS
from digitscope.reading.glyphs import Floats, Glyphs
from digitscope.reading.parameters import ReadingParameters

DIGITS = len(DIGIT_CLASSES)
MAX_NEIGHBOURS = 64  # neighbours of a glyph that count; the weights of further ones are small
CHUNK = 32  # glyphs whose distances to all others are held in memory together
# Iterations of estimating priors and correcting probabilities. On development pictures, more
# iterations change one probability in fifty by 0.01 to 0.06.
ITERATIONS = 10
MIN_PROBABILITY = 1e-4  # smaller probabilities count as this one


def adjust_priors(glyphs: Glyphs, parameters: ReadingParameters) -> Glyphs:
    """Return glyphs whose probabilities are corrected for the priors of their neighbourhood.

    The shares of the ten digits among themselves do not change. A glyph without neighbours does not
    change at all.

    Parameters
    ----------
    glyphs : Glyphs
    parameters : ReadingParameters
    """
    if len(glyphs) < 2:
        return glyphs
    mark_prior, digit_prior = parameters.mark_prior, parameters.digit_prior
    nearest, weights = _neighbours(glyphs, parameters.neighbour_distance)  # (n, k)
    own = probabilities = to_kinds(glyphs.heat)  # (n, 3)
    for _ in range(ITERATIONS):
        around = np.einsum("nk,nkc->nc", weights, probabilities[nearest])
        digit, real = around[:, 0], around[:, 0] + around[:, 1]
        # The usual prior counts as one more neighbour.
        mark_share = (mark_prior + real) / (1 + weights.sum(axis=1))
        digit_share = (digit_prior + digit) / (1 + real)
        mark_ratio = mark_share / mark_prior
        false_ratio = (1 - mark_share) / (1 - mark_prior)
        digit_ratio = (digit_share / digit_prior) ** parameters.neighbour_weight
        other_ratio = ((1 - digit_share) / (1 - digit_prior)) ** parameters.neighbour_weight
        ratios = [mark_ratio * digit_ratio, mark_ratio * other_ratio, false_ratio]
        probabilities = own * np.stack(ratios, axis=1)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    factor = (probabilities / own).astype(np.float32)
    digit, sign, other = np.split(glyphs.heat, [DIGITS, DIGITS + len(SIGNS)], axis=1)
    # Neighbours do not distinguish a point from a speck, so they never make a sign more probable.
    sign_factor = np.minimum(factor[:, 1:2], 1)
    heat = np.hstack([digit * factor[:, :1], sign * sign_factor, other * factor[:, 1:2]])
    return replace(glyphs, heat=np.minimum(heat, np.float32(1 - MIN_PROBABILITY)))


def to_kinds(heat: Floats) -> NDArray[np.float64]:
    """Return the probabilities of a digit, of another mark and of a false alarm, shape (n, 3).

    Parameters
    ----------
    heat : ndarray of shape (n, 16), dtype float32
        Probability of each class.
    """
    digit = heat[:, :DIGITS].sum(axis=1, dtype=np.float64)
    other = heat[:, DIGITS:].sum(axis=1, dtype=np.float64)
    kinds = np.maximum(np.stack([digit, other, 1 - digit - other], axis=1), MIN_PROBABILITY)
    probabilities: NDArray[np.float64] = kinds / kinds.sum(axis=1, keepdims=True)
    return probabilities


def _neighbours(glyphs: Glyphs, distance: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the neighbours of each glyph and their weights, two arrays of shape (n, k).

    The weight falls with the distance, in sizes of both glyphs, and with the ratio of their sizes.
    """
    size = np.maximum(glyphs.size.max(axis=1), 1).astype(np.float64)
    centre = glyphs.centre.astype(np.float64)
    k = min(MAX_NEIGHBOURS, len(glyphs) - 1)
    nearest = np.empty((len(glyphs), k), np.intp)
    weights = np.empty((len(glyphs), k))
    for start in range(0, len(glyphs), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(glyphs)))
        away = np.linalg.norm(centre[rows, None] - centre[None], axis=2)
        larger = np.maximum(size[rows, None], size[None])
        smaller = np.minimum(size[rows, None], size[None])
        weight = np.exp(-away / (distance * np.sqrt(larger * smaller))) * smaller / larger
        weight[np.arange(len(rows)), rows] = -1  # a glyph is not its own neighbour
        best = np.argpartition(-weight, k - 1, axis=1)[:, :k]
        nearest[rows], weights[rows] = best, np.take_along_axis(weight, best, axis=1)
    return nearest, weights
