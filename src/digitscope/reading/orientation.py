"""Page orientation: which of its four turns is upright.

The EXIF block of a photo may hold a wrong orientation, and a scan has none. The glyph network
classifies the orientation of crops of the most probable glyphs, unless most of them are certain
digits. One glyph alone is ambiguous: a w on its side is a 3.
"""

from collections.abc import Sequence

import numpy as np

from digitscope.image.decode import Gray
from digitscope.reading.crops import cut_crops
from digitscope.reading.glyphs import Glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import Level
from digitscope.reading.second_pass import CropClassifier

MAX_SAMPLE = 64  # glyphs whose orientation is classified
MIN_PROBABILITY = 0.01  # smaller probabilities count as this one
# Correlation of the evidence of two glyphs: one page has one hand or font. Chosen together with
# the parameter `turn_evidence`, on development pictures in four turns and on pictures without
# digits.
CORRELATION = 0.1


def find_turn(
    gray: Gray, levels: Sequence[Level], network: CropClassifier, parameters: ReadingParameters
) -> int:
    """Return the quarter turns, counter-clockwise, that make a page upright: 0 to 3.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    levels : sequence of Level
        Of the picture as it is.
    network : GlyphNetwork
    parameters : ReadingParameters
    """
    glyphs = max((level.glyphs for level in levels), key=to_evidence)
    if len(glyphs) < 2 or _share_of_digits(glyphs) >= parameters.upright_share:
        return 0
    glyphs = glyphs[np.argsort(-glyphs.presence, kind="stable")[:MAX_SAMPLE]]
    turns = network.turns(cut_crops(gray, glyphs.centre, glyphs.size))  # (n, 4)
    logs = np.log(np.maximum(turns, MIN_PROBABILITY))
    evidence = (glyphs.presence[:, None] * logs).sum(axis=0)
    k = int(np.argmax(evidence))
    lead = (evidence[k] - evidence[0]) / (1 + CORRELATION * (len(glyphs) - 1))
    return (4 - k) % 4 if lead > parameters.turn_evidence else 0


def to_evidence(glyphs: Glyphs) -> float:
    """Return the evidence that glyphs carry, in nats: the sum of -log(1 - class probability)."""
    doubt = 1 - glyphs.heat.max(axis=1, initial=0)
    return float(-np.log(np.maximum(doubt, MIN_PROBABILITY)).sum())


def _share_of_digits(glyphs: Glyphs) -> float:
    """Return the share of certain digits among glyphs, each weighted by its probability."""
    digits = glyphs.heat[glyphs.is_digit].max(axis=1, initial=0)
    return float((digits**2).sum() / max(float(glyphs.presence.sum()), 1e-9))
