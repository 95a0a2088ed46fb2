"""Which way up is a page? Of its four turns, the one that the glyph network sees in its glyphs.

The orientation in a photo's EXIF block may lie, and a scan has none. Crops of the surest glyphs,
digits and others, are shown to the glyph network, unless most of them are digits without doubt. One
glyph alone does not tell: a w on its side is a 3.
"""

from collections.abc import Sequence

import numpy as np

from digitscope.image.decode import Gray
from digitscope.reading.crops import cut_crops
from digitscope.reading.glyphs import Glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import Level
from digitscope.reading.second_look import GlyphLooker

SAMPLE = 64  # glyphs that are looked at
DOUBT = 0.01  # least probability that a glyph is not what it seems to be
# Correlation of what two glyphs of a page tell, since they are of one hand or font. Chosen with the
# parameter `turn`, on development pictures in four turns and on pictures without digits.
ALIKE = 0.1


def find_turn(
    gray: Gray, levels: Sequence[Level], network: GlyphLooker, parameters: ReadingParameters
) -> int:
    """Return by how many quarters, counter-clockwise, a page must be turned; 0 for upright.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    levels : sequence of Level
        Of the picture as it is.
    network : GlyphNetwork
    parameters : ReadingParameters
    """
    seen = max((level.glyphs for level in levels), key=to_evidence)
    if len(seen) < 2 or _share_of_digits(seen) >= parameters.upright:
        return 0
    seen = seen[np.argsort(-seen.presence, kind="stable")[:SAMPLE]]
    turns = network.turns(cut_crops(gray, seen.centre, seen.size))  # (n, 4)
    evidence = (seen.presence[:, None] * np.log(np.maximum(turns, DOUBT))).sum(axis=0)
    k = int(np.argmax(evidence))
    more = (evidence[k] - evidence[0]) / (1 + ALIKE * (len(seen) - 1))
    return (4 - k) % 4 if more > parameters.turn else 0


def to_evidence(glyphs: Glyphs) -> float:
    """Return how much is seen, in nats.

    Each glyph adds the negative logarithm of the probability that it is not what it seems to be.
    """
    doubt = 1 - glyphs.heat.max(axis=1, initial=0)
    return float(-np.log(np.maximum(doubt, DOUBT)).sum())


def _share_of_digits(glyphs: Glyphs) -> float:
    """Return which share of what is seen are digits without doubt."""
    digits = glyphs.heat[glyphs.is_digit].max(axis=1, initial=0)
    return float((digits**2).sum() / max(float(glyphs.presence.sum()), 1e-9))
