"""Which way up is a page? Turn a sample of its pieces in all four ways and see how they read.

The orientation in a photo's EXIF block may lie, and a scan has none. Pieces are turned after they
have been put into MNIST form, so a page that is upright costs nothing but the look at its sample,
which is remembered.
"""

from collections.abc import Sequence

import numpy as np

from digitscope.reading.judge import Judge
from digitscope.reading.lines import TextLine

SAMPLE, FEWEST = 32, 3  # pieces by which a page is judged: at most, at least
UPRIGHT = 0.9  # mean probability of a digit from which on a page is upright
LIKELY = -1.2  # mean log probability that a turn must at least reach: of words none does
CLEAR = 0.25  # mean log probability by which another turn must be better
LONG = 2.5  # a piece so much longer than wide, or wider than long, tells nothing


def suspect_turn(lines: Sequence[TextLine], judge: Judge) -> int:
    """Return by how many quarters, counter-clockwise, a page may have to be turned; 0 for upright.

    It is a suspicion: whether the turned page reads better as a whole is for the reader to see.
    """
    pieces = [
        (piece, line.lean)
        for line in lines
        for piece in line.pieces
        if 1 / LONG < piece.width / piece.height < LONG
    ]
    step = max(1, -(-len(pieces) // SAMPLE))
    questions = [((piece,), lean) for piece, lean in pieces[::step]]
    if len(questions) < FEWEST:
        return 0
    judge.ask(questions)
    asked = [judge[key] for key, _ in questions]
    if float(np.mean([verdict.sure for verdict in asked])) > UPRIGHT:
        return 0
    evidence = judge.turns(np.stack([verdict.image for verdict in asked]))
    best = int(np.argmax(evidence))
    return best if evidence[best] > max(evidence[0] + CLEAR, LIKELY) else 0
