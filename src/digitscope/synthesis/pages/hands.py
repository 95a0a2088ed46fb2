"""The hands that write on a page: who writes (or prints) which form, how slanted, how large.

A `Hand` gives the ink of any character, the same forms again and again with small changes, as one
writer does. A `Typeface` gives printed characters. Both know how far to move on after each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import DIGIT_CLASSES, SIGNS
from digitscope.synthesis.pages.inks import (
    Bitmap,
    Ink,
    Outline,
    Sources,
    StrokePool,
    printed_bold,
    scanned,
    weigh,
)
from digitscope.synthesis.pages.sign_strokes import OPERATORS, draw_operator, draw_sign
from digitscope.synthesis.pages.truth import Points

OTHER_SYMBOLS = "!#$%&()*+<=>?@[]{}"
RECORDED = 0.5  # share of operators that are recorded strokes, where there are some


class Script(Protocol):
    """What writes: a hand or a typeface."""

    height: float  # of a digit, in pixels of the sheet
    pen: float  # width of the pen, in heights of a digit
    nib: tuple[float, float]  # edge of a broad nib, x and y in heights of a digit; 0, 0 for none
    gap: float  # between the ink of neighbouring characters, in heights of a digit
    layer: int  # on which layer of ink it writes
    handwritten: bool
    joining: float  # share of characters that are joined to the next
    tucked: float  # share of the way to its neighbour's strokes that a character moves into its box
    pitched: float  # share of the space between its width and a usual one that a digit gets

    def ink(self, character: str, rng: np.random.Generator) -> Ink | None:
        """Return the ink of a character, new each time; None if it cannot be written."""

    def rise(self, rng: np.random.Generator) -> float:
        """Return by how much this character leaves the baseline, in heights of a digit."""

    def space(self, rng: np.random.Generator) -> float:
        """Return the gap before the next character, in heights of a digit."""


@dataclass(frozen=True)
class HandStyle:
    """How far hands differ; lengths in heights of a digit, angles in degrees.

    Attributes
    ----------
    drawn : float
        Share of parametric forms among the hands of one source: rare forms of digits are more
        frequent there than among recorded strokes.
    scanned : float
        Share of hands whose digits are scans, where such are at hand.
    pen : tuple of float
        Median width, deviation of its logarithm, smallest and largest width.
    nib : tuple of float
        Share of pens with a broad nib, which draws thin lines along its edge and thick ones across;
        smallest and largest angle of the edge above the horizontal, and its shortest and longest
        length, in widths of the pen.
    slant : tuple of float
        Deviation between hands and within one hand.
    aspect : tuple of float
        Deviation of the logarithm of the width between hands and within one hand.
    turn : float
        Deviation of a character's rotation within a hand.
    size : tuple of float
        Smallest and largest deviation of the logarithm of a character's height within a hand.
    gap : tuple of float
        Mean and deviation of the gap between characters, between hands.
    spaced : tuple of float
        Share of hands that leave much space between digits, and the smallest and largest gap.
    uneven_gap : tuple of float
        Smallest and largest deviation of the gap within a hand.
    rise : tuple of float
        Smallest and largest deviation of a character's place above the baseline, between hands.
    bend : tuple of float
        Smallest and largest deviation of the amplitude of the slow wave that bends a character,
        between hands.
    ones : tuple of float
        Share of hands whose 1s lean more and are taller than their other digits, the largest angle
        by which they do, and the largest factor of their height.
    sizes : float
        Deviation of the logarithm of a digit's usual height between the digits of a hand.
    zeros : tuple of float
        Share of hands whose 0s are smaller than their other digits, and the smallest and largest
        factor of their height.
    fours : tuple of float
        Share of hands whose 4s are narrower than their other digits, and the smallest and largest
        factor of their width.
    joined : float
        Share of hands that sometimes draw on to the next character without lifting the pen.
    tucked : tuple of float
        Share of hands that leave space between strokes instead of bounding boxes (`spacing`), and
        the least and largest share of the way that a character moves into its neighbour's box.
    pitched : tuple of float
        Share of hands that give narrow digits more space, so that columns of digits stand below
        each other, and the least and largest share of the space of a usual digit that they get.
    """

    drawn: float = 0.5
    scanned: float = 0.4
    pen: tuple[float, float, float, float] = (0.085, 0.4, 0.03, 0.24)
    nib: tuple[float, float, float, float, float] = (0.2, -20.0, 60.0, 0.6, 2.0)
    slant: tuple[float, float] = (10.0, 3.0)
    aspect: tuple[float, float] = (0.14, 0.06)
    turn: float = 2.5
    size: tuple[float, float] = (0.03, 0.16)
    gap: tuple[float, float] = (0.1, 0.17)
    spaced: tuple[float, float, float] = (0.12, 0.3, 0.5)
    uneven_gap: tuple[float, float] = (0.04, 0.25)
    rise: tuple[float, float] = (0.01, 0.1)
    bend: tuple[float, float] = (0.01, 0.06)
    ones: tuple[float, float, float] = (0.35, 35.0, 1.7)
    sizes: float = 0.06
    zeros: tuple[float, float, float] = (0.25, 0.45, 0.85)
    fours: tuple[float, float, float] = (0.5, 0.5, 0.9)
    joined: float = 0.25
    tucked: tuple[float, float, float] = (0.6, 0.3, 1.0)
    pitched: tuple[float, float, float] = (0.3, 0.4, 1.0)


STYLE = HandStyle()


@dataclass(eq=False)
class Hand:
    """One writer: a few forms of each digit, letters of one source, one pen."""

    height: float
    pen: float
    gap: float
    layer: int
    pools: Sequence[StrokePool]
    writer: int | None
    letters: StrokePool | None
    letter_writer: int | None
    scans: dict[str, list[NDArray[np.uint8]]] | None
    slant: float
    aspect: float
    style: HandStyle = STYLE
    faithful: float = 1.0  # share of digits that take the writer's own forms again
    handwritten: bool = True
    weight: int = 0  # pixels by which scanned strokes are made thicker or thinner
    uneven: float = 0.06  # deviation of the logarithm of a character's height
    uneven_gap: float = 0.06  # deviation of the gap between characters
    wander: float = 0.03  # deviation of the place above the baseline
    joining: float = 0.0  # share of characters that are joined to the next
    tucked: float = 0.0  # share of the way to its neighbour's strokes that a character moves
    pitched: float = 0.0  # share of the space of a usual digit that a narrow one gets
    nib: tuple[float, float] = (0.0, 0.0)
    bend: float = 0.02  # deviation of the amplitude of the wave that bends a character
    # Tangent of the further slant of 1s, their size, and how much of the growth is below the line.
    ones: tuple[float, float, float] = (0.0, 1.0, 0.0)
    heights: tuple[float, ...] = 10 * (1.0,)  # usual height of each digit
    fours: float = 1.0  # factor of the width of 4s
    forms: dict[str, list[tuple[StrokePool, int]]] = field(default_factory=dict)
    _scanned: dict[tuple[str, int], Bitmap] = field(default_factory=dict)

    def ink(self, character: str, rng: np.random.Generator) -> Ink | None:
        """Return the ink of a character."""
        if character in SIGNS:
            return self._bent(*draw_sign(character, rng), rng)
        if character in DIGIT_CLASSES:
            if self.scans and character in self.scans:
                return self._scan(character, rng)
            pool, row = self._form(character, rng)
            points, starts = pool.outline(row)
            points = points * np.float32(self.heights[int(character)])
            if character == "1":
                lean, size, below = self.ones
                points = points * np.float32(size) + np.array([0, below * (size - 1)], np.float32)
                points[:, 0] -= np.float32(lean) * points[:, 1]
            elif character == "4":
                points = points * np.array([self.fours, 1], np.float32)
            return self._bent(points, starts, rng)
        recorded = self.letters is not None and character in self.letters.by_label
        if character in OPERATORS and not (recorded and rng.random() < RECORDED):
            return self._bent(*draw_operator(character, rng), rng)
        if self.letters is None or not recorded:
            return None
        rows = self.letters.by_label[character]
        if self.letter_writer is not None:
            own = self.letters.by_writer[self.letter_writer].get(character)
            rows = rows if own is None else own
        points, starts = self.letters.outline(int(rows[rng.integers(len(rows))]))
        return self._bent(points, starts, rng)

    def rise(self, rng: np.random.Generator) -> float:
        """Return by how much this character leaves the baseline."""
        return float(self.wander * rng.standard_normal())

    def space(self, rng: np.random.Generator) -> float:
        """Return the gap before the next character."""
        return float(max(self.gap + self.uneven_gap * rng.standard_normal(), -0.2))

    def _form(self, digit: str, rng: np.random.Generator) -> tuple[StrokePool, int]:
        """Return the pool and row of the form that this writer uses now."""
        known = self.forms.setdefault(digit, [])
        if known and rng.random() < self.faithful:
            return known[rng.integers(len(known))]
        pool = self.pools[int(rng.integers(len(self.pools)))]
        rows = pool.by_label[digit]
        if self.writer is not None and len(self.pools) == 1:
            own = pool.by_writer[self.writer].get(digit)
            rows = rows if own is None else own
        row = int(rows[rng.integers(len(rows))])
        if len(known) < 3:
            known.append((pool, row))
        return pool, row

    def _bent(self, points: Points, starts: tuple[int, ...], rng: np.random.Generator) -> Outline:
        """Give strokes the writer's slant and proportions, and a bend of their own."""
        s = self.style
        noise = rng.standard_normal(8)
        size = float(np.exp(self.uneven * noise[0]))
        wide = size * self.aspect * float(np.exp(s.aspect[1] * noise[1]))
        slant = self.slant + np.tan(np.deg2rad(s.slant[1] * noise[2]))
        turn = np.deg2rad(s.turn * noise[3])
        cos, sin = np.cos(turn), np.sin(turn)
        # x' = wide x - slant y, then a turn.
        across = np.array([[wide, 0.0], [-slant * size, size]])
        matrix = (across @ np.array([[cos, sin], [-sin, cos]])).astype(np.float32)
        if self.bend:
            phase = points @ np.array([[noise[4], noise[5]], [noise[6], noise[7]]], np.float32)
            points = points + np.float32(self.bend * 1.4) * np.sin(4 * phase + np.float32(noise[7]))
        bent = points @ matrix
        bent[:, 0] -= bent[:, 0].min()
        return Outline(bent, starts)

    def _scan(self, digit: str, rng: np.random.Generator) -> Bitmap:
        images = self.scans[digit] if self.scans else []
        k = int(rng.integers(len(images)))
        ink = self._scanned.get((digit, k))
        if ink is None:
            ink = scanned(images[k])
            ink = self._scanned[digit, k] = weigh(ink, self.weight) if self.weight else ink
        noise = rng.standard_normal(3)
        size = self.heights[int(digit)] * float(np.exp(self.uneven * noise[0]))
        shear = self.slant * 0.5 + float(np.tan(np.deg2rad(self.style.slant[1] * noise[1])))
        aspect = self.aspect * float(np.exp(self.style.aspect[1] * noise[2]))
        return _sheared(ink, size, shear, aspect)


@dataclass(eq=False)
class Typeface:
    """A font in one weight, width and slant."""

    font: str
    height: float
    gap: float
    layer: int
    pen: float = 0.1
    weight: int = 0
    shear: float = 0.0
    aspect: float = 1.0
    handwritten: bool = False
    joining: float = 0.0
    tucked: float = 0.0
    pitched: float = 0.0
    nib: tuple[float, float] = (0.0, 0.0)
    size: float = 0.0  # deviation of the logarithm of a character's size: fonts that imitate hands
    wander: float = 0.0  # deviation of the place above the baseline, in heights of a digit

    def ink(self, character: str, rng: np.random.Generator) -> Ink | None:
        """Return the ink of a character."""
        ink = printed_bold(character, self.font, self.weight)
        if ink is None:
            return None
        size, shear = 1.0, self.shear
        if self.size:
            size = float(np.exp(self.size * rng.standard_normal()))
            shear += 0.06 * float(rng.standard_normal())
        return _sheared(ink, size, shear, self.aspect)

    def rise(self, rng: np.random.Generator) -> float:
        """Return by how much this character leaves the baseline."""
        return float(self.wander * rng.standard_normal()) if self.wander else 0.0

    def space(self, rng: np.random.Generator) -> float:
        """Return the gap before the next character."""
        return self.gap


def _sheared(ink: Bitmap, size: float, shear: float, aspect: float) -> Bitmap:
    """Return a bitmap of that size, slant and width whose ink starts at x = 0."""
    hull = ink.hull * np.float32(size)
    x = hull[:, 0] * aspect - hull[:, 1] * shear
    start = float(x.min())
    hull = np.stack([x - start, hull[:, 1]], 1).astype(np.float32)
    return Bitmap(
        ink.image, ink.scale * size, ink.left * size - start / aspect, ink.top * size, hull, shear,
        aspect,
    )  # fmt: skip


def draw_hand(
    rng: np.random.Generator,
    sources: Sources,
    height: float,
    layer: int,
    style: HandStyle = STYLE,
) -> Hand:
    """Return a writer: of recorded strokes, parametric forms or scans."""
    median, spread, least, most = style.pen
    pen = float(np.clip(median * np.exp(spread * rng.standard_normal()), least, most))
    gap = float(np.clip(style.gap[0] + style.gap[1] * rng.standard_normal(), -0.18, 0.6))
    if rng.random() < style.spaced[0]:
        gap = float(rng.uniform(*style.spaced[1:]))
    slant = float(np.tan(np.deg2rad(style.slant[0] * rng.standard_normal() + 2)))
    aspect = float(np.exp(style.aspect[0] * rng.standard_normal()))
    pools: Sequence[StrokePool] = sources.digits
    writer = None
    if rng.random() < 0.85:  # one source, most often one writer of it
        recorded = len(sources.digits) - 1
        drawn = not recorded or rng.random() < style.drawn
        pools = (sources.digits[recorded if drawn else int(rng.integers(recorded))],)
        if rng.random() < 0.6:
            writers = list(pools[0].by_writer)
            writer = writers[rng.integers(len(writers))]
    letters = sources.others[rng.integers(len(sources.others))] if sources.others else None
    letter_writer = None
    if letters is not None and rng.random() < 0.6:
        owners = list(letters.by_writer)
        letter_writer = owners[rng.integers(len(owners))]
    ones = (0.0, 1.0, 0.0)
    if rng.random() < style.ones[0]:
        lean = float(np.tan(np.deg2rad(rng.uniform(0, style.ones[1]))))
        ones = (lean, float(rng.uniform(1.0, style.ones[2])), float(rng.uniform(0, 0.5)))
    heights = np.exp(style.sizes * rng.standard_normal(10))
    if rng.random() < style.zeros[0]:
        heights[0] = rng.uniform(*style.zeros[1:])
    fours = float(rng.uniform(*style.fours[1:])) if rng.random() < style.fours[0] else 1.0
    scans = None
    weight = 0
    if sources.scans and rng.random() < style.scanned:
        scans = sources.scan_writer(rng)
        weight = int(rng.integers(-2, 4)) if rng.random() < 0.5 else 0
    nib = (0.0, 0.0)
    if rng.random() < style.nib[0]:
        angle = np.deg2rad(rng.uniform(*style.nib[1:3]))
        pen *= float(rng.uniform(0.5, 0.8))
        edge = pen * float(rng.uniform(*style.nib[3:]))
        nib = (edge * float(np.cos(angle)), -edge * float(np.sin(angle)))
    tucked = pitched = 0.0
    if rng.random() < style.pitched[0]:
        pitched = float(rng.uniform(*style.pitched[1:]))
    elif rng.random() < style.tucked[0]:
        tucked = float(rng.uniform(*style.tucked[1:]))
    return Hand(
        height, pen, gap, layer, pools, writer, letters, letter_writer, scans, slant, aspect,
        style, faithful=float(rng.uniform(0.3, 0.95)), weight=weight,
        uneven=_log_uniform(rng, style.size), uneven_gap=_log_uniform(rng, style.uneven_gap),
        wander=_log_uniform(rng, style.rise),
        joining=float(rng.uniform(0.1, 0.6)) if rng.random() < style.joined else 0.0,
        tucked=tucked, pitched=pitched, nib=nib, ones=ones,
        heights=tuple(heights.tolist()), fours=fours, bend=_log_uniform(rng, style.bend),
    )  # fmt: skip


def _log_uniform(rng: np.random.Generator, between: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(between))))


def draw_typeface(
    rng: np.random.Generator, sources: Sources, height: float, layer: int
) -> Typeface:
    """Return a font in a weight, width and slant."""
    font = sources.fonts[rng.integers(len(sources.fonts))]
    shear = float(rng.uniform(0, 0.25)) if rng.random() < 0.2 else 0.0
    return Typeface(
        font,
        height,
        gap=float(rng.uniform(0.04, 0.2)),
        layer=layer,
        weight=int(rng.integers(-1, 3)) if rng.random() < 0.4 else 0,
        shear=shear,
        aspect=float(np.exp(0.12 * rng.standard_normal())),
        pitched=1.0 if rng.random() < 0.5 else 0.0,  # most fonts have digits of one width
    )
