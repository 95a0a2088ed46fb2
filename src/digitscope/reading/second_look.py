"""Further looks at each doubtful glyph: two other networks see it alone and larger.

The page network decides where digits are, at a resolution that is chosen for the whole page. Which
digit it is shows better in a crop from the picture itself. Where both are in doubt, the classifier
of single digits sees the glyph as it sees any digit, in the form of MNIST.
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

SLIGHT = 0.1  # least probability of a digit of a glyph that may be one


class GlyphLooker(Protocol):
    """Anything that gives probabilities of crops: the glyph network, or a stand-in in tests."""

    def look(self, crops: NDArray[np.uint8], heat: Floats, /) -> Floats:
        """Return the probability of each class, (n, 16), from crops and what was seen before."""

    def turns(self, crops: NDArray[np.uint8], /) -> Floats:
        """Return the probability of each of the four turns, (n, 4), from crops."""


class DigitLooker(Protocol):
    """Anything that gives probabilities of digits: a `Classifier`, or a stand-in in tests."""

    def predict_proba(self, images: Images, /) -> Floats:
        """Return the probability of each digit, (n, 10), from images in the form of MNIST."""


def look_again(
    gray: Gray, glyphs: Glyphs, network: GlyphLooker, parameters: ReadingParameters
) -> Glyphs:
    """Return glyphs with the probabilities of both networks together.

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
    return _with_heat(glyphs, rows, network.look(crops, glyphs.heat[rows]))


def look_at_digits(
    gray: Gray, glyphs: Glyphs, classifier: DigitLooker, parameters: ReadingParameters
) -> Glyphs:
    """Return glyphs in which the classifier had a say in which digits the doubtful ones are.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The picture in which the glyphs were found.
    glyphs : Glyphs
        After the second look.
    classifier : Classifier
    parameters : ReadingParameters
    """
    rows = np.flatnonzero(doubtful(glyphs, parameters.certain))
    if not len(rows):
        return glyphs
    tiles = np.stack([cut_tile(gray, *box) for box in glyphs.boxes[rows].tolist()])
    digits = classifier.predict_proba(tiles)
    return _with_heat(glyphs, rows, add_digits(glyphs.heat[rows], digits, parameters.tile))


def _with_heat(glyphs: Glyphs, rows: NDArray[np.intp], seen: Floats) -> Glyphs:
    """Return glyphs, some of them with other probabilities."""
    heat = glyphs.heat.copy()
    heat[rows] = seen
    return replace(glyphs, heat=heat)


def doubtful(glyphs: Glyphs, certain: float) -> NDArray[np.bool_]:
    """Tell which glyphs a further look may change: those that may be a digit, and are not certain.

    Parameters
    ----------
    glyphs : Glyphs
    certain : float
        Probability of a class from which on a glyph is certain.
    """
    digits = glyphs.heat[:, : len(DIGIT_CLASSES)].max(axis=1, initial=0)
    doubted: NDArray[np.bool_] = (digits >= SLIGHT) & (glyphs.heat.max(axis=1, initial=0) < certain)
    return doubted
