"""Handwriting of one writer: forms of characters, pen, slant, size and spacing.

A `Script` draws the ink of any character and gives the space after it: a `Handwriting`, which
repeats the forms of one writer with small changes, or a `Typeface` (module `typefaces`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import DIGIT_CLASSES, SIGNS
from digitscope.synthesis.pages.glyph_ink import (
    Bitmap,
    Ink,
    Outline,
    scanned,
    sheared,
    weigh,
)
from digitscope.synthesis.pages.sign_strokes import OPERATORS, draw_operator, draw_sign
from digitscope.synthesis.pages.truth import Points
from digitscope.synthesis.pages.writing_sources import Sources, StrokePool

RECORDED = 0.5  # share of recorded strokes among operators, if any are recorded


class Script(Protocol):
    """A source of characters: a handwriting or a typeface."""

    height: float  # of a digit, in pixels of the sheet
    pen: float  # width of the pen, in heights of a digit
    nib: tuple[float, float]  # edge of a broad nib, x and y in heights of a digit; 0, 0 for none
    gap: float  # between the ink of neighbouring characters, in heights of a digit
    layer: int  # number of the layer of ink
    handwritten: bool
    joining: float  # share of characters that are joined to the next
    kerned: float  # share of the possible overlap with the bounding box of the character before
    monospaced: float  # share of the difference to the usual width that is added to a narrow digit

    def ink(self, character: str, rng: np.random.Generator) -> Ink | None:
        """Return the ink of a character, drawn anew; None if the script lacks it."""

    def rise(self, rng: np.random.Generator) -> float:
        """Return the distance of this character from the baseline, in heights of a digit."""

    def space(self, rng: np.random.Generator) -> float:
        """Return the gap before the next character, in heights of a digit."""


@dataclass(frozen=True)
class HandwritingStyle:
    """Variation between and within handwritings; lengths in heights of a digit, angles in degrees.

    "Between" is the variation from writer to writer, "within" from character to character.

    Attributes
    ----------
    drawn : float
        Share of parametric forms among handwritings of one source. They contain rare forms of
        digits more often than recorded strokes do.
    scanned : float
        Share of writers whose digits are scans, if scans are available.
    pen : tuple of float
        Median width, deviation of its logarithm, smallest and largest width.
    nib : tuple of float
        Share of pens with a broad nib, which draws thin lines along its edge and thick ones across;
        smallest and largest angle of the edge to the horizontal; its shortest and longest length,
        in widths of the pen.
    slant : tuple of float
        Deviation between writers and within.
    aspect : tuple of float
        Deviation of the logarithm of the width, between writers and within.
    turn : float
        Deviation of a character's rotation, within.
    size : tuple of float
        Smallest and largest deviation of the logarithm of a character's height, within.
    gap : tuple of float
        Mean and deviation of the gap after a character, between writers.
    spaced : tuple of float
        Share of writers with large gaps between digits, and the smallest and largest gap.
    gap_jitter : tuple of float
        Smallest and largest deviation of the gap, within.
    rise : tuple of float
        Smallest and largest deviation of a character's distance from the baseline.
    bend : tuple of float
        Smallest and largest deviation of the amplitude of the smooth wave that bends a character.
    ones : tuple of float
        Share of writers whose 1s have more slant and height than their other digits, the largest
        additional slant, and the largest factor of the height.
    sizes : float
        Deviation of the logarithm of the usual height, between the ten digits of a writer.
    zeros : tuple of float
        Share of writers whose 0s are smaller than their other digits, and the smallest and largest
        factor of the height.
    fours : tuple of float
        Share of writers whose 4s are narrower than their other digits, and the smallest and largest
        factor of the width.
    joined : float
        Share of writers who sometimes do not lift the pen before the next character.
    tucked : tuple of float
        Share of writers who leave space between strokes instead of bounding boxes (`spacing`), and
        the smallest and largest value of `Script.kerned`.
    pitched : tuple of float
        Share of writers who give narrow digits the space of wide ones, so that digits form columns,
        and the smallest and largest value of `Script.monospaced`.
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
    gap_jitter: tuple[float, float] = (0.04, 0.25)
    rise: tuple[float, float] = (0.01, 0.1)
    bend: tuple[float, float] = (0.01, 0.06)
    ones: tuple[float, float, float] = (0.35, 35.0, 1.7)
    sizes: float = 0.06
    zeros: tuple[float, float, float] = (0.25, 0.45, 0.85)
    fours: tuple[float, float, float] = (0.5, 0.5, 0.9)
    joined: float = 0.25
    kerned: tuple[float, float, float] = (0.6, 0.3, 1.0)
    monospaced: tuple[float, float, float] = (0.3, 0.4, 1.0)


STYLE = HandwritingStyle()


@dataclass(eq=False)
class Handwriting:
    """The handwriting of one writer: a few forms of each digit, letters of one source, one pen."""

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
    style: HandwritingStyle = STYLE
    consistency: float = 1.0  # share of digits that repeat an earlier form of the writer
    handwritten: bool = True
    weight: int = 0  # pixels by which scanned strokes are thickened, or thinned below 0
    size_jitter: float = 0.06  # deviation of the logarithm of a character's height
    gap_jitter: float = 0.06  # deviation of the gap after a character, in heights of a digit
    baseline_jitter: float = 0.03  # deviation from the baseline, in heights of a digit
    joining: float = 0.0  # share of characters that are joined to the next
    kerned: float = 0.0  # as in `Script`
    monospaced: float = 0.0
    nib: tuple[float, float] = (0.0, 0.0)
    bend: float = 0.02  # deviation of the amplitude of the wave that bends a character
    # Of 1s: tangent of the additional slant, factor of the height, and share of the additional
    # height that is below the baseline.
    ones: tuple[float, float, float] = (0.0, 1.0, 0.0)
    heights: tuple[float, ...] = 10 * (1.0,)  # usual height of each digit
    fours: float = 1.0  # factor of the width of 4s
    forms: dict[str, list[tuple[StrokePool, int]]] = field(default_factory=dict)
    _scanned: dict[tuple[str, int], Bitmap] = field(default_factory=dict)

    def ink(self, character: str, rng: np.random.Generator) -> Ink | None:
        """Return the ink of a character."""
        if character in SIGNS:
            return self._distort(*draw_sign(character, rng), rng)
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
            return self._distort(points, starts, rng)
        recorded = self.letters is not None and character in self.letters.by_label
        if character in OPERATORS and not (recorded and rng.random() < RECORDED):
            return self._distort(*draw_operator(character, rng), rng)
        if self.letters is None or not recorded:
            return None
        rows = self.letters.by_label[character]
        if self.letter_writer is not None:
            own = self.letters.by_writer[self.letter_writer].get(character)
            rows = rows if own is None else own
        points, starts = self.letters.outline(int(rows[rng.integers(len(rows))]))
        return self._distort(points, starts, rng)

    def rise(self, rng: np.random.Generator) -> float:
        """Return the distance of this character from the baseline, in heights of a digit."""
        return float(self.baseline_jitter * rng.standard_normal())

    def space(self, rng: np.random.Generator) -> float:
        """Return the gap before the next character, in heights of a digit."""
        return float(max(self.gap + self.gap_jitter * rng.standard_normal(), -0.2))

    def _form(self, digit: str, rng: np.random.Generator) -> tuple[StrokePool, int]:
        """Return the pool and row of the form of a digit: an earlier one or a new one."""
        known = self.forms.setdefault(digit, [])
        if known and rng.random() < self.consistency:
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

    def _distort(
        self, points: Points, starts: tuple[int, ...], rng: np.random.Generator
    ) -> Outline:
        """Apply the writer's slant and proportions and a random bend to strokes."""
        s = self.style
        noise = rng.standard_normal(8)
        size = float(np.exp(self.size_jitter * noise[0]))
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
        size = self.heights[int(digit)] * float(np.exp(self.size_jitter * noise[0]))
        shear = self.slant * 0.5 + float(np.tan(np.deg2rad(self.style.slant[1] * noise[1])))
        aspect = self.aspect * float(np.exp(self.style.aspect[1] * noise[2]))
        return sheared(ink, size, shear, aspect)


def draw_handwriting(
    rng: np.random.Generator,
    sources: Sources,
    height: float,
    layer: int,
    style: HandwritingStyle = STYLE,
) -> Handwriting:
    """Return the handwriting of a random writer: recorded strokes, parametric forms or scans."""
    median, spread, least, most = style.pen
    pen = float(np.clip(median * np.exp(spread * rng.standard_normal()), least, most))
    gap = float(np.clip(style.gap[0] + style.gap[1] * rng.standard_normal(), -0.18, 0.6))
    if rng.random() < style.spaced[0]:
        gap = float(rng.uniform(*style.spaced[1:]))
    slant = float(np.tan(np.deg2rad(style.slant[0] * rng.standard_normal() + 2)))
    aspect = float(np.exp(style.aspect[0] * rng.standard_normal()))
    pools, writer = _draw_digit_pools(rng, sources, style)
    letters, letter_writer = _draw_letters(rng, sources)
    ones = (0.0, 1.0, 0.0)
    if rng.random() < style.ones[0]:
        lean = float(np.tan(np.deg2rad(rng.uniform(0, style.ones[1]))))
        ones = (lean, float(rng.uniform(1.0, style.ones[2])), float(rng.uniform(0, 0.5)))
    heights = np.exp(style.sizes * rng.standard_normal(10))
    if rng.random() < style.zeros[0]:
        heights[0] = rng.uniform(*style.zeros[1:])
    fours = float(rng.uniform(*style.fours[1:])) if rng.random() < style.fours[0] else 1.0
    scans, weight = None, 0
    if sources.scans and rng.random() < style.scanned:
        scans = sources.scan_writer(rng)
        weight = int(rng.integers(-2, 4)) if rng.random() < 0.5 else 0
    pen, nib = _draw_nib(rng, pen, style)
    kerned, monospaced = _draw_spacing(rng, style)
    return Handwriting(
        height, pen, gap, layer, pools, writer, letters, letter_writer, scans, slant, aspect,
        style, consistency=float(rng.uniform(0.3, 0.95)), weight=weight,
        size_jitter=_log_uniform(rng, style.size), gap_jitter=_log_uniform(rng, style.gap_jitter),
        baseline_jitter=_log_uniform(rng, style.rise),
        joining=float(rng.uniform(0.1, 0.6)) if rng.random() < style.joined else 0.0,
        kerned=kerned, monospaced=monospaced, nib=nib, ones=ones,
        heights=tuple(heights.tolist()), fours=fours, bend=_log_uniform(rng, style.bend),
    )  # fmt: skip


def _draw_digit_pools(
    rng: np.random.Generator, sources: Sources, style: HandwritingStyle
) -> tuple[Sequence[StrokePool], int | None]:
    """Return the pools of the digits, most often one, and the writer if all are of one writer."""
    pools: Sequence[StrokePool] = sources.digits
    writer = None
    if rng.random() < 0.85:
        recorded = len(sources.digits) - 1
        drawn = not recorded or rng.random() < style.drawn
        pools = (sources.digits[recorded if drawn else int(rng.integers(recorded))],)
        if rng.random() < 0.6:
            writers = list(pools[0].by_writer)
            writer = writers[rng.integers(len(writers))]
    return pools, writer


def _draw_letters(
    rng: np.random.Generator, sources: Sources
) -> tuple[StrokePool | None, int | None]:
    """Return the pool of the letters, and the writer if all are of one writer."""
    letters = sources.others[rng.integers(len(sources.others))] if sources.others else None
    writer = None
    if letters is not None and rng.random() < 0.6:
        writers = list(letters.by_writer)
        writer = writers[rng.integers(len(writers))]
    return letters, writer


def _draw_nib(
    rng: np.random.Generator, pen: float, style: HandwritingStyle
) -> tuple[float, tuple[float, float]]:
    """Return the width of the pen and the edge of its nib; (0, 0) for a round pen."""
    if rng.random() >= style.nib[0]:
        return pen, (0.0, 0.0)
    angle = np.deg2rad(rng.uniform(*style.nib[1:3]))
    pen *= float(rng.uniform(0.5, 0.8))
    edge = pen * float(rng.uniform(*style.nib[3:]))
    return pen, (edge * float(np.cos(angle)), -edge * float(np.sin(angle)))


def _draw_spacing(rng: np.random.Generator, style: HandwritingStyle) -> tuple[float, float]:
    """Return `kerned` and `monospaced`, of which at most one is not 0."""
    if rng.random() < style.monospaced[0]:
        return 0.0, float(rng.uniform(*style.monospaced[1:]))
    if rng.random() < style.kerned[0]:
        return float(rng.uniform(*style.kerned[1:])), 0.0
    return 0.0, 0.0


def _log_uniform(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))
