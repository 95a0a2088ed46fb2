"""A page as ink: how dark it is, its rules and grids, and the pieces of ink without them."""

from collections.abc import Sequence
from functools import cached_property

import cv2
import numpy as np

from digitscope.ink import Ink, level
from digitscope.reading.grids import RuledGrid, find_grids
from digitscope.reading.lines import TextLine, find_lines
from digitscope.reading.pieces import Piece, take_apart
from digitscope.rules.removal import remove_rules
from digitscope.rules.tracing import trace_rules

LEAST = 7  # pixels; lower writing is not read


class Sheet:
    """A page, the parts of which are worked out when they are first asked for.

    Parameters
    ----------
    darkness : ndarray of shape (height, width), dtype uint8
        As `digitscope.ink.lift` returns it.
    noise : float
        Of the paper, as `lift` returns it.
    """

    def __init__(self, darkness: Ink, noise: float) -> None:
        self.darkness, self.noise = darkness, noise
        self._tracing = trace_rules(darkness)

    def turned(self, quarters: int) -> "Sheet":
        """Return the sheet turned counter-clockwise."""
        return Sheet(np.ascontiguousarray(np.rot90(self.darkness, quarters)), self.noise)

    @cached_property
    def pieces(self) -> list[Piece]:
        """All ink that is no rule, from left to right."""
        clean = remove_rules(self.darkness, tracing=self._tracing)
        return take_apart(level(clean, self.noise))

    @cached_property
    def grids(self) -> list[RuledGrid]:
        """The ruled grids."""
        return find_grids(self.darkness, self.noise, tracing=self._tracing)

    @cached_property
    def lines(self) -> list[TextLine]:
        """The lines of writing, as if there were no grids."""
        return find_lines(self.pieces)

    @cached_property
    def loose(self) -> list[TextLine]:
        """The lines of writing that lie in no grid."""
        return find_lines(_outside(self.pieces, self.grids)) if self.grids else self.lines


def _outside(pieces: Sequence[Piece], grids: Sequence[RuledGrid]) -> list[Piece]:
    """Return the pieces whose middle lies in no grid."""
    rims = []
    for grid in grids:
        c = grid.corners
        rim = np.concatenate([c[0], c[1:, -1], c[-1, -2::-1], c[-2:0:-1, 0]])
        rims.append(rim.reshape(-1, 1, 2).astype(np.float32))
    return [
        p
        for p in pieces
        if all(
            cv2.pointPolygonTest(rim, (p.left + p.width / 2, p.top + p.height / 2), False) < 0
            for rim in rims
        )
    ]
