"""Split a line into digits: competing readings, of which the most probable one wins.

Along a line there are borders: between two pieces of ink, and where a piece that may be several
digits can be cut. A reading goes from border to border and takes what lies between two of them for
a digit or for something else; its probability is the product of what the classifier says of each,
with a price on each cut and each joint, and dynamic programming finds the best of all readings.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from digitscope.reading.judge import Judge, Key
from digitscope.reading.lines import TextLine
from digitscope.reading.pieces import Extent, Lean, Piece, extent, union
from digitscope.reading.splits import Cut, find_cuts, part

# Prices, as natural logarithms of prior probabilities. Lengths are in heights of the line's digits.
CUT = -0.2  # a border of digits runs through connected ink ...
CROSSED = -2.0  # ... for each height of ink that it crosses
TIGHT = -3.0  # ... for each height that it is narrower than ...
ROOM = 0.9  # ... two digits usually are
LOW = -10.0  # a digit is lower, for each height, than ...
TALL = 0.75  # ... usual, of what was cut off
RAISED = 0.45  # ... even a superscript, of the others
FAT = -5.0  # a digit is wider, for each height, than ...
FULL = 0.9  # ... nearly all are
JOINT = -0.3  # a digit is made of pieces that do not touch ...
GAP = -8.0  # ... for each height of paper between them
FRIENDS, STRANGERS = 2.6, 0.4  # digits and others that every line is thought to have had before
REST = -3.0  # a part of a piece is no digit, though others are
STRAY = -0.3  # a speck is part of no digit

BROAD = 1.0  # from which width on a piece would have been several digits
ONE = -2.0  # what was cut off is a 1: so are the strokes of w, u and n
TOGETHER = 5  # pieces that one digit may be made of
WIDEST, TALLEST = 1.25, 1.9  # of a digit that is no whole piece
LONGEST = 12.0  # a wider piece is no number
THINNEST = 0.02  # ink of what is cut off, in squares of a digit's height
BROADEST = 2.0  # of a digit that is one whole piece
SPECK = 0.22  # what is smaller in both directions is no digit, but may be part of one
DUST = 0.07  # what is smaller is nothing
DOUBT = {0.5: 0.8, 0.8: 0.97}  # from that width on, what is less surely one digit may be several
DEAREST = -1.7  # the least price at which the classifier is asked
NEVER = 1e-4  # the least probability; nothing is impossible


@dataclass(frozen=True, eq=False)
class Reading:
    """What lies between two borders, read as one digit or left aside.

    Attributes
    ----------
    key : tuple of Piece
    is_digit : bool
    score : float
        Logarithm of its probability, all prices paid.
    """

    key: Key
    is_digit: bool
    score: float


@dataclass(frozen=True, eq=False)
class _Span:
    """What lies between two borders, and the price of taking it for a digit."""

    key: Key
    start: int
    stop: int
    price: float


@dataclass(frozen=True, eq=False)
class _Border:
    """A place where a digit may begin or end: at a cut of a piece, or in front of it (None)."""

    piece: int
    cut: Cut | None = None


class Chain:
    """A line and its borders.

    Parameters
    ----------
    line : TextLine
    """

    def __init__(self, line: TextLine) -> None:
        self.height, self.lean = line.height, line.lean
        self._extents: dict[Piece, Extent] = {}
        self._parts: dict[tuple[int, Cut | None, Cut | None], Piece | None] = {}
        least = max(2.0, DUST * line.height)
        pieces = [p for p in (*line.pieces, *line.small) if max(p.height, p.width) >= least]
        self._pieces = sorted(pieces, key=lambda p: self.extent(p)[0] + self.extent(p)[2])
        self._stranger = math.log(STRANGERS / FRIENDS)  # odds that a piece is no digit
        self._cut_at([[] for _ in self._pieces])

    def extent(self, *pieces: Piece) -> Extent:
        """Return the box around pieces where the line is level: left, top, right, bottom."""
        for piece in pieces:
            if piece not in self._extents:
                self._extents[piece] = extent(piece, self.lean)
        if len(pieces) == 1:
            return self._extents[pieces[0]]
        return union(self._extents[piece] for piece in pieces)

    def size(self, *pieces: Piece) -> tuple[float, float]:
        """Return the width and the height of pieces, in heights of the line's digits."""
        left, top, right, bottom = self.extent(*pieces)
        return (right - left) / self.height, (bottom - top) / self.height

    def is_speck(self, *pieces: Piece) -> bool:
        """Tell whether pieces are too small for a digit."""
        return max(self.size(*pieces)) < SPECK

    def questions(self) -> list[tuple[Key, Lean]]:
        """Return what the classifier has to be asked about."""
        # What is wider than any digit is no span; how surely it is none is asked all the same.
        wide = [(p,) for p in self._pieces if BROADEST < self.size(p)[0] <= LONGEST]
        return [(key, self.lean) for key in (*wide, *(span.key for span in self._spans))]

    def doubt(self, judge: Judge) -> bool:
        """Cut wide pieces that read badly as one digit; tell whether there were any.

        How many of the others are digits tells what a piece of this line probably is: the u and the
        n of a word fall into fine pairs of ones.
        """
        sure: dict[Piece, float] = {}
        for span in self._spans:
            for piece in span.key:
                sure[piece] = max(sure.get(piece, 0.0), judge[span.key].sure)
        single = [sure[p] > 0.5 for p in sure if self.size(p)[0] <= 1 and not self.is_speck(p)]
        friends = sum(single)
        self._stranger = math.log((len(single) - friends + STRANGERS) / (friends + FRIENDS))
        cuts: list[list[Cut]] = []
        for piece in self._pieces:
            wide = self.size(piece)[0]
            enough = max(
                (sureness for width, sureness in DOUBT.items() if wide >= width), default=0
            )
            # Among strangers only what is as wide as two digits may be two.
            doubtful = sure.get(piece, 0.0) < enough and (self._stranger < 0 or wide >= ROOM)
            doubtful &= wide <= LONGEST and self.size(piece)[1] <= TALLEST
            upright = self.lean.slope + self.lean.slant
            cuts.append(find_cuts(piece, self.height, upright) if doubtful else [])
        if any(cuts):
            self._cut_at(cuts)
        return any(cuts)

    def read(self, judge: Judge) -> list[Reading]:
        """Return the best reading of the whole chain, from left to right."""
        n = len(self._borders) - 1
        ends: list[list[tuple[int, Reading]]] = [[] for _ in range(n + 1)]
        for span in self._spans:
            verdict = judge[span.key]
            score = math.log(max(verdict.sure, NEVER)) + span.price
            if verdict.label == 1 and self._is_cut(span):
                score += ONE
            ends[span.stop].append((span.start, Reading(span.key, True, score)))
        for start, stop in self._within_pieces():
            piece = self._between(start, stop)
            if piece is None:
                continue
            score = self._price_of_stranger(piece)
            if piece is not self._pieces[self._borders[start].piece]:
                score += REST
            elif not self.is_speck(piece):
                score += math.log(max(1 - judge[(piece,)].digit, NEVER))
            ends[stop].append((start, Reading((piece,), False, score)))
        best = [0.0] + [-math.inf] * n
        came: list[tuple[int, Reading] | None] = [None] * (n + 1)
        for stop in range(1, n + 1):
            for start, reading in ends[stop]:
                if best[start] + reading.score > best[stop]:
                    best[stop] = best[start] + reading.score
                    came[stop] = (start, reading)
        readings = []
        step = came[n]
        while step:
            start, reading = step
            readings.append(reading)
            step = came[start]
        return readings[::-1]

    def evidence(self, readings: list[Reading]) -> float:
        """Return how much more probable digits are than no digits, weighted by their ink.

        The sum over a page compares two ways to turn it: the ink is the same in both.
        """
        total = 0.0
        for reading in readings:
            if reading.is_digit:
                gain = reading.score - self._price_of_stranger(*reading.key)
                ink = sum(int((piece.ink > 127).sum()) for piece in reading.key)
                total += max(gain, 0.0) * ink
        return total

    def _price_of_stranger(self, *pieces: Piece) -> float:
        if self.is_speck(*pieces):
            return STRAY
        many = max(1.0, self.size(*pieces)[0] / BROAD) if self._stranger < 0 else 1.0
        return self._stranger * many

    def _cut_at(self, cuts: list[list[Cut]]) -> None:
        """Set the borders, and find what between them may be a digit."""
        self._borders = [_Border(k, cut) for k, own in enumerate(cuts) for cut in (None, *own)] + [
            _Border(len(cuts))
        ]
        self._spans = []
        for start in range(len(self._borders) - 1):
            first = self._borders[start].piece
            for stop in range(start + 1, len(self._borders)):
                last = self._borders[stop].piece
                if last - first > TOGETHER:
                    break
                if self._is_far(start, stop):
                    break
                key = self._key(start, stop)
                if not key:
                    continue
                width, height = self.size(*key)
                if width > WIDEST and (len(key) > 1 or key[0] is not self._pieces[first]):
                    break
                if max(width, height) < SPECK or (len(key) > 1 and height > TALLEST):
                    continue
                price = self._price(key, start, stop)
                if key[0] is self._pieces[first] and len(key) == 1 and width <= BROADEST:
                    price = max(price, DEAREST)  # one stroke of the pen; some digits are that wide
                if price >= DEAREST:
                    self._spans.append(_Span(key, start, stop, price))

    def _is_far(self, start: int, stop: int) -> bool:
        """Tell at a glance whether two cuts of a piece are too far apart for a digit."""
        one, two = self._borders[start], self._borders[stop]
        if one.piece != two.piece or two.cut is None:
            return False
        left = one.cut.last if one.cut else 0
        return two.cut.first - left > WIDEST * self.height

    def _is_cut(self, span: _Span) -> bool:
        return any(self._borders[end].cut for end in (span.start, span.stop))

    def _key(self, start: int, stop: int) -> Key:
        """Return the pieces and parts of pieces between two borders."""
        one, two = self._borders[start], self._borders[stop]
        if one.piece == two.piece:
            piece = self._part(one.piece, one.cut, two.cut)
            return (piece,) if piece else ()
        parts = [self._part(one.piece, one.cut, None)]
        parts += self._pieces[one.piece + 1 : two.piece]
        if two.cut is not None:
            parts.append(self._part(two.piece, None, two.cut))
        return tuple(p for p in parts if p) if all(parts) else ()

    def _part(self, k: int, left: Cut | None, right: Cut | None) -> Piece | None:
        """Return what lies between two cuts of a piece; the same object whenever it is asked."""
        if left is None and right is None:
            return self._pieces[k]
        if (k, left, right) not in self._parts:
            least = THINNEST * self.height**2
            self._parts[k, left, right] = part(self._pieces[k], left, right, least)
        return self._parts[k, left, right]

    def _within_pieces(self) -> list[tuple[int, int]]:
        """Return the pairs of borders that begin and end in one piece."""
        pairs = []
        for start, border in enumerate(self._borders[:-1]):
            for stop in range(start + 1, len(self._borders)):
                pairs.append((start, stop))
                if self._borders[stop].piece != border.piece:
                    break
        return pairs

    def _between(self, start: int, stop: int) -> Piece | None:
        one, two = self._borders[start], self._borders[stop]
        return self._part(one.piece, one.cut, two.cut)

    def _price(self, key: Key, start: int, stop: int) -> float:
        """Return the log prior probability that what lies between two borders is a digit."""
        width, height = self.size(*key)
        price = FAT * max(0.0, width - FULL)
        for one, two in pairwise(key):
            price += JOINT + GAP * max(self._gap(one, two), 0.0)
        ends = [border for border in (self._borders[start], self._borders[stop]) if border.cut]
        for border in ends:
            assert border.cut is not None
            room = self.size(self._pieces[border.piece])[0]
            whole = CUT + TIGHT * max(0.0, ROOM - room) + CROSSED * border.cut.cost
            price += whole / 2  # the other half falls to what lies beyond the cut
        return price + LOW * max(0.0, (TALL if ends else RAISED) - height)

    def _gap(self, one: Piece, two: Piece) -> float:
        """Return the paper between two pieces, in heights; negative where they overlap."""
        a, b = self.extent(one), self.extent(two)
        return (max(a[0], b[0]) - min(a[2], b[2])) / self.height
