"""A sheet that is filled with writing and ruling lines, and drawn with its exact truth.

Layouts call `Sheet.text`, `Sheet.boxed`, `Sheet.rule` and so on, with places in pixels of the flat
sheet. `Sheet.draw` maps all points through a camera, draws them (`drawing`), and returns the
coverage of each layer of ink with the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.drawing import (
    RULING,
    Layers,
    Map,
    PlacedGlyph,
    covered,
    draw_glyphs,
    mapped,
    seen_parts,
    shown,
    true_glyphs,
)
from digitscope.synthesis.pages.hands import Script
from digitscope.synthesis.pages.inks import Ink, Outline
from digitscope.synthesis.pages.spacing import overlap
from digitscope.synthesis.pages.truth import PageTruth, Points, TrueGrid

DOT_GAP = 0.02  # heights of a digit; the smallest gap beside a point or comma
LOOPED = "0689"  # digits that cannot be told once their loops are filled
BROAD, THIN = 0.12, 0.02  # heights of a digit; pens that may fill loops, and one that fills none
JOIN = 0.9  # heights of a digit; the longest stroke that joins two characters
USUAL = 0.6  # heights of a digit; usual width of one
JOINING = ".,-"  # signs that belong to a number


@dataclass(eq=False)
class Sheet:
    """What a layout fills.

    Attributes
    ----------
    size : tuple of int
        Height and width in pixels. Writing may reach beyond it.
    """

    size: tuple[int, int]
    glyphs: list[PlacedGlyph] = field(default_factory=list)
    lines: list[tuple[Points, float, int, bool]] = field(default_factory=list)
    crossings: list[Points] = field(default_factory=list)
    grids: list[tuple[NDArray[np.float32], tuple[tuple[str, ...], ...]]] = field(
        default_factory=list
    )
    washes: list[tuple[Points, int, int]] = field(default_factory=list)
    numbers: int = 0

    def character(
        self, script: Script, text: str, x: float, y: float, rng: np.random.Generator
    ) -> float:
        """Write one character with its left edge at x on the baseline y; return its right edge."""
        ink = script.ink(text, rng)
        if ink is None:
            return x
        y -= script.rise(rng) * script.height
        beside = script.pitched * max(USUAL - ink.right, 0) / 2 if text.isdigit() else 0.0
        x += beside * script.height
        self.glyphs.append(_glyph(script, text, ink, x, y))
        return x + (ink.right + beside) * script.height

    def text(
        self,
        script: Script,
        text: str,
        x: float,
        y: float,
        rng: np.random.Generator,
        *,
        raised: bool = False,
        slope: float = 0.0,
    ) -> float:
        """Write a text from x on along the baseline y and return its right edge.

        Digits with ``.``, ``,`` and ``-`` between or before them are one number. Other characters
        separate numbers; a space leaves a gap as between two words.

        Parameters
        ----------
        script : Script
        text : str
        x, y : float
            In pixels of the sheet.
        rng : numpy.random.Generator
        raised : bool
            Whether it is a superscript.
        slope : float
            Pixels down for each pixel to the right.
        """
        start, number, before = x, -1, -1
        gap, first = 0.0, len(self.glyphs)
        for place, character in enumerate(text):
            if character == " ":
                x += max(0.55, gap + 0.45) * script.height
                number = before = -1
                continue
            if place and text[place - 1] != " ":
                gap = script.space(rng)
                if character in ".," or text[place - 1] in ".,":
                    gap = max(gap, DOT_GAP)  # or the dot would be hidden by the digit
                x += gap * script.height
            count = len(self.glyphs)
            x = self.character(script, character, x, y + slope * (x - start), rng)
            if len(self.glyphs) == count:
                number = before = -1
                continue
            glyph = self.glyphs[-1]
            glyph.raised = raised
            pair = text[max(place - 1, 0) : place + 1]
            if script.tucked and count > first and " " not in pair and "/" not in pair:
                closer = script.tucked * overlap(self.glyphs[-2].ink, glyph.ink)
                closer = max(closer + min(gap, 0), 0) * script.height  # a gap below 0 did a part
                glyph.x -= closer
                x -= closer
            if not _belongs(text, place):
                number = before = -1
                continue
            if number < 0:
                number, self.numbers = self.numbers, self.numbers + 1
            glyph.number = number
            if before >= 0:
                self.glyphs[before].next = count
                if script.joining and rng.random() < script.joining:
                    self._join(self.glyphs[before], glyph)
            before = count
        return x

    def _join(self, one: PlacedGlyph, other: PlacedGlyph) -> None:
        """Draw the pen's way from the end of a character to the start of the next."""
        if isinstance(one.ink, Outline) and isinstance(other.ink, Outline):
            end = one.ink.points[-1] * one.height + (one.x, one.y)
            start = other.ink.points[0] * other.height + (other.x, other.y)
            if np.hypot(*(start - end)) < JOIN * one.height:
                self.stroke(np.stack([end, start]), one.pen, one.layer)

    def boxed(
        self, script: Script, text: str, places: Sequence[tuple[float, float]],
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Write the characters of one number, each centred at its own place: x, and the baseline.

        A space leaves its place empty and ends the number.
        """
        number = before = -1
        for character, (x, y) in zip(text, places, strict=False):
            ink = None if character == " " else script.ink(character, rng)
            if ink is None:
                number = before = -1
                continue
            left = x - ink.right * script.height / 2
            rise = script.rise(rng) * script.height
            self.glyphs.append(_glyph(script, character, ink, left, y - rise))
            if number < 0:
                number, self.numbers = self.numbers, self.numbers + 1
            self.glyphs[-1].number = number
            if before >= 0:
                self.glyphs[before].next = len(self.glyphs) - 1
            before = len(self.glyphs) - 1

    def rule(self, points: NDArray[np.floating], width: float, layer: int = RULING) -> None:
        """Draw a ruling line, box side or frame that the truth knows."""
        self.lines.append((np.asarray(points, np.float32), width, layer, True))

    def cross(self, points: NDArray[np.floating]) -> None:
        """Say where ruling lines cross or meet."""
        self.crossings.append(np.asarray(points, np.float32).reshape(-1, 2))

    def stroke(self, points: NDArray[np.floating], width: float, layer: int) -> None:
        """Draw a line that is background: of a drawing, a signature, a stroke that was struck."""
        self.lines.append((np.asarray(points, np.float32), width, layer, False))

    def wash(self, outline: NDArray[np.floating], level: int, layer: int = RULING) -> None:
        """Fill an area with a tone from 0 to 255."""
        self.washes.append((np.asarray(outline, np.float32), level, layer))

    def grid(
        self, crossings: NDArray[np.floating], cells: Sequence[Sequence[str]] | None = None
    ) -> None:
        """Say that there is a grid; crossings are of shape (rows + 1, columns + 1, 2)."""
        table = np.asarray(crossings, np.float32)
        rows, columns = table.shape[0] - 1, table.shape[1] - 1
        texts = cells or [[""] * columns for _ in range(rows)]
        self.grids.append((table, tuple(tuple(row) for row in texts)))

    def draw(
        self, to_picture: Map, mask: NDArray[np.float32] | None = None
    ) -> tuple[list[NDArray[np.uint8] | None], PageTruth]:
        """Return the coverage of each layer, 0 to 255, and the truth.

        Parameters
        ----------
        to_picture : callable
            From points of the sheet to points of the picture, both of shape (n, 2).
        mask : ndarray of shape (height, width), optional
            1 where the picture shows the sheet; writing elsewhere is left out.
        """
        layers = Layers(self.size)
        for outline, level, layer in self.washes:
            layers.fill(to_picture(outline), level, layer)
        rulings: list[Points] = []
        lines = mapped([line[0] for line in self.lines], to_picture)
        for line, (_, width, layer, known) in zip(lines, self.lines, strict=True):
            if layers.line(line, width, layer) and known:
                rulings += [line] if mask is None else seen_parts(line, mask)
        boxes = draw_glyphs(self.glyphs, to_picture, layers, mask)
        strokes = [
            (line, width)
            for line, (_, width, layer, known) in zip(lines, self.lines, strict=True)
            if not known and layer > RULING
        ]
        areas = [to_picture(area) for area, _, layer in self.washes if layer > RULING]
        hidden = covered(boxes, strokes, areas, self.size)
        glyphs, ignored = true_glyphs(self.glyphs, boxes, hidden, self.size)
        crossings = np.zeros((0, 2), np.float32)
        if self.crossings:
            crossings = to_picture(np.concatenate(self.crossings))
            if mask is not None:
                crossings = crossings[shown(crossings, mask)]
        grids = tuple(
            TrueGrid(to_picture(c.reshape(-1, 2)).reshape(c.shape), cells)
            for c, cells in self.grids
        )
        truth = PageTruth(
            self.size,
            glyphs,
            ignored,
            tuple(rulings),
            crossings,
            grids,
        )
        return layers.reduced(), truth


def _glyph(script: Script, text: str, ink: Ink, x: float, y: float) -> PlacedGlyph:
    """Return a character that a script writes, with its lengths in pixels."""
    height = script.height
    nib = script.nib[0] * height, script.nib[1] * height
    glyph = PlacedGlyph(text, ink, x, y, height, script.pen * height, script.layer, nib)
    if script.pen >= BROAD and text in LOOPED and isinstance(ink, Outline):
        glyph.known = ink.loops(script.pen) >= ink.loops(THIN)
    return glyph


def _belongs(text: str, place: int) -> bool:
    """Tell whether a character is part of a number: a digit, or a sign that joins digits.

    >>> [_belongs("-1.5, 3-4.", i) for i in range(10)]
    [True, True, True, True, False, False, True, False, True, False]
    """
    character = text[place]
    if character.isdigit():
        return True
    if character not in JOINING or not text[place + 1 : place + 2].isdigit():
        return False
    before = text[place - 1] if place else " "
    return not before.isdigit() and before not in ".," if character == "-" else before.isdigit()
