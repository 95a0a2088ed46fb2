"""Second pass over doubtful glyphs: two other networks classify each of them again.

The page network finds digits at a resolution that is chosen for the whole page. A crop from the
original picture shows better which digit a glyph is, so the glyph network classifies it again.
Where both are in doubt, the classifier of single digits sees the glyph in MNIST form.
"""

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray
from digitscope.image.digit import Images
from digitscope.models.fusion import add_digits
from digitscope.models.glyph_classes import DIGIT_CLASSES
from digitscope.reading.crops import cut_crops
from digitscope.reading.glyphs import Floats, Glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.tiles import cut_tile

MIN_DIGIT = 0.1  # a glyph is classified again only if one digit is at least this probable


class CropClassifier(Protocol):
    """Interface of `GlyphNetwork`, which tests replace by a fake."""

    def classify(self, crops: NDArray[np.uint8], heat: Floats, /) -> Floats:
        """Return class probabilities (n, 16) from crops and those of the page network."""

    def turns(self, crops: NDArray[np.uint8], /) -> Floats:
        """Return the probability of each of the four orientations, (n, 4), from crops."""


class DigitClassifier(Protocol):
    """Interface of `Classifier`, which tests replace by a fake."""

    def predict_proba(self, images: Images, /) -> Floats:
        """Return the probability of each digit, (n, 10), from images in MNIST form."""


def apply_glyph_network(
    gray: Gray, glyphs: Glyphs, network: CropClassifier, parameters: ReadingParameters
) -> Glyphs:
    """Return glyphs in which doubtful ones have the fused probabilities of both networks.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The picture in which the glyphs were found.
    glyphs : Glyphs
    network : GlyphNetwork
    parameters : ReadingParameters
    """
    rows = np.flatnonzero(doubtful(glyphs, parameters.certain))
    if not len(rows):
        return glyphs
    crops = cut_crops(gray, glyphs.centre[rows], glyphs.size[rows])
    return _with_heat(glyphs, rows, network.classify(crops, glyphs.heat[rows]))


def apply_digit_classifier(
    gray: Gray, glyphs: Glyphs, classifier: DigitClassifier, parameters: ReadingParameters
) -> Glyphs:
    """Return glyphs whose digit probabilities include those of the classifier, where in doubt.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The picture in which the glyphs were found.
    glyphs : Glyphs
        After `apply_glyph_network`.
    classifier : Classifier
    parameters : ReadingParameters
    """
    rows = np.flatnonzero(doubtful(glyphs, parameters.certain))
    if not len(rows):
        return glyphs
    tiles = np.stack([cut_tile(gray, *box) for box in glyphs.boxes[rows].tolist()])
    digits = classifier.predict_proba(tiles)
    heat = add_digits(glyphs.heat[rows], digits, parameters.classifier_weight)
    return _with_heat(glyphs, rows, heat)


def _with_heat(glyphs: Glyphs, rows: NDArray[np.intp], changed: Floats) -> Glyphs:
    """Return glyphs in which some rows have other class probabilities."""
    heat = glyphs.heat.copy()
    heat[rows] = changed
    return replace(glyphs, heat=heat)


def doubtful(glyphs: Glyphs, certain: float) -> NDArray[np.bool_]:
    """Return which glyphs are classified again: those that may be a digit and are not certain.

    Parameters
    ----------
    glyphs : Glyphs
    certain : float
        Class probability at or above which a glyph is certain.
    """
    digits = glyphs.heat[:, : len(DIGIT_CLASSES)].max(axis=1, initial=0)
    best = glyphs.heat.max(axis=1, initial=0)
    selected: NDArray[np.bool_] = (digits >= MIN_DIGIT) & (best < certain)
    return selected
