"""The glyphs around a glyph help to tell whether it is a digit.

The probabilities of the networks hold for the mixture of pages that they were trained on. In the
grain of wood, where doubtful glyphs stand among doubtful ones, most are false alarms; on a page of
writing most are real. So the share of real marks around each glyph, and the share of digits among
them, are estimated from the probabilities of its neighbours, and its own probabilities are
corrected for them. This is the method of Saerens, Latinne and Decaestecker, "Adjusting the Outputs
of a Classifier to New a Priori Probabilities", Neural Computation 14, 2002, with the neighbours of
each glyph in the place of one whole data set.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import DIGIT_CLASSES, SIGNS
from digitscope.reading.glyphs import CHUNK, Floats, Glyphs
from digitscope.reading.parameters import ReadingParameters

DIGITS = len(DIGIT_CLASSES)
MOST = 64  # neighbours of a glyph that count; the weights of further ones are small
# Of estimating shares and correcting probabilities. On development pictures, further rounds change
# one probability in fifty by 0.01 to 0.06.
ROUNDS = 10
LEAST = 1e-4  # smaller probabilities count as this one


def weigh_neighbours(glyphs: Glyphs, parameters: ReadingParameters) -> Glyphs:
    """Return glyphs with probabilities that are corrected for what stands around each.

    Which digit a glyph is, if it is one, stays as it was; so does a glyph without neighbours.

    Parameters
    ----------
    glyphs : Glyphs
    parameters : ReadingParameters
    """
    if len(glyphs) < 2:
        return glyphs
    marks, digits = parameters.marks, parameters.digits
    nearest, weights = _neighbours(glyphs, parameters.reach)  # (n, k)
    own = probabilities = to_kinds(glyphs.heat)  # (n, 3)
    for _ in range(ROUNDS):
        around = np.einsum("nk,nkc->nc", weights, probabilities[nearest])
        digit, real = around[:, 0], around[:, 0] + around[:, 1]
        # The usual shares count as one neighbour more.
        share = (marks + real) / (1 + weights.sum(axis=1))
        among = (digits + digit) / (1 + real)
        yes, no = share / marks, (1 - share) / (1 - marks)
        more = (among / digits) ** parameters.context
        less = ((1 - among) / (1 - digits)) ** parameters.context
        probabilities = own * np.stack([yes * more, yes * less, no], axis=1)
        probabilities /= probabilities.sum(axis=1, keepdims=True)
    factor = (probabilities / own).astype(np.float32)
    digit, sign, other = np.split(glyphs.heat, [DIGITS, DIGITS + len(SIGNS)], axis=1)
    # Neighbours cannot tell a point from a speck, so they never raise the probability of a sign.
    of_sign = np.minimum(factor[:, 1:2], 1)
    heat = np.hstack([digit * factor[:, :1], sign * of_sign, other * factor[:, 1:2]])
    return replace(glyphs, heat=np.minimum(heat, np.float32(1 - LEAST)))


def to_kinds(heat: Floats) -> NDArray[np.float64]:
    """Return the probabilities of a digit, of another mark and of a false alarm, shape (n, 3).

    Parameters
    ----------
    heat : ndarray of shape (n, 16), dtype float32
        Probability of each class.
    """
    digit = heat[:, :DIGITS].sum(axis=1, dtype=np.float64)
    other = heat[:, DIGITS:].sum(axis=1, dtype=np.float64)
    kinds = np.maximum(np.stack([digit, other, 1 - digit - other], axis=1), LEAST)
    probabilities: NDArray[np.float64] = kinds / kinds.sum(axis=1, keepdims=True)
    return probabilities


def _neighbours(glyphs: Glyphs, reach: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the neighbours of each glyph and how much each counts, two arrays of shape (n, k).

    A neighbour counts less the farther away it is, in sizes of both glyphs, and the more their
    sizes differ.
    """
    size = np.maximum(glyphs.size.max(axis=1), 1).astype(np.float64)
    centre = glyphs.centre.astype(np.float64)
    k = min(MOST, len(glyphs) - 1)
    nearest = np.empty((len(glyphs), k), np.intp)
    weights = np.empty((len(glyphs), k))
    for start in range(0, len(glyphs), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(glyphs)))
        away = np.linalg.norm(centre[rows, None] - centre[None], axis=2)
        larger = np.maximum(size[rows, None], size[None])
        smaller = np.minimum(size[rows, None], size[None])
        weight = np.exp(-away / (reach * np.sqrt(larger * smaller))) * smaller / larger
        weight[np.arange(len(rows)), rows] = -1  # no glyph is its own neighbour
        best = np.argpartition(-weight, k - 1, axis=1)[:, :k]
        nearest[rows], weights[rows] = best, np.take_along_axis(weight, best, axis=1)
    return nearest, weights
