"""A sheet with writing and ruling lines, and its ground truth.

Layouts call `Sheet.write`, `Sheet.add_ruling` and so on, with positions in pixels of the flat
sheet. `Sheet.draw` maps all points to the picture, draws them (`ink_layers`), and returns the
coverage of each layer of ink with the ground truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.glyph_ink import Ink, Outline
from digitscope.synthesis.pages.handwriting import Script
from digitscope.synthesis.pages.ink_layers import (
    RULING,
    InkLayers,
    Map,
    PlacedGlyph,
    covered,
    draw_glyphs,
    mapped,
    seen_parts,
    shown,
    true_glyphs,
)
from digitscope.synthesis.pages.spacing import overlap
from digitscope.synthesis.pages.truth import PageTruth, Points, TrueGrid

DOT_GAP = 0.02  # heights of a digit; smallest gap beside a point or comma
LOOPED = "0689"  # digits that cannot be recognised if their loops are filled
BROAD, THIN = 0.12, 0.02  # heights of a digit; pens from BROAD on may fill loops, THIN fills none
JOIN = 0.9  # heights of a digit; longest stroke that joins two characters
USUAL = 0.6  # heights of a digit; usual width of a digit
JOINING = ".,-"  # signs that can be a part of a number


@dataclass(eq=False)
class Sheet:
    """A sheet that a layout fills.

    Attributes
    ----------
    size : tuple of int
        Height and width in pixels. Writing may extend beyond it.
    """

    size: tuple[int, int]
    glyphs: list[PlacedGlyph] = field(default_factory=list)
    lines: list[tuple[Points, float, int, bool]] = field(default_factory=list)
    crossings: list[Points] = field(default_factory=list)
    grids: list[tuple[NDArray[np.float32], tuple[tuple[str, ...], ...]]] = field(
        default_factory=list
    )
    fills: list[tuple[Points, int, int]] = field(default_factory=list)
    numbers: int = 0

    def write_character(
        self, script: Script, text: str, x: float, y: float, rng: np.random.Generator
    ) -> float:
        """Write one character with its left edge at x on the baseline y; return its right edge."""
        ink = script.ink(text, rng)
        if ink is None:
            return x
        y -= script.rise(rng) * script.height
        beside = script.monospaced * max(USUAL - ink.right, 0) / 2 if text.isdigit() else 0.0
        x += beside * script.height
        self.glyphs.append(_glyph(script, text, ink, x, y))
        return x + (ink.right + beside) * script.height

    def write(
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
        """Write a text from x along the baseline y and return its right edge.

        Digits with ``.``, ``,`` and ``-`` between or before them are one number. Other characters
        separate numbers; a space leaves a gap between words.

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
                    gap = max(gap, DOT_GAP)  # otherwise the digit could hide the dot
                x += gap * script.height
            count = len(self.glyphs)
            x = self.write_character(script, character, x, y + slope * (x - start), rng)
            if len(self.glyphs) == count:
                number = before = -1
                continue
            self.glyphs[-1].raised = raised
            pair = text[max(place - 1, 0) : place + 1]
            if script.kerned and count > first and " " not in pair and "/" not in pair:
                x -= self._kern(script, gap)
            if not _belongs(text, place):
                number = before = -1
                continue
            if number < 0:
                number, self.numbers = self.numbers, self.numbers + 1
            self._link(count, number, before)
            if before >= 0 and script.joining and rng.random() < script.joining:
                self._join(self.glyphs[before], self.glyphs[count])
            before = count
        return x

    def _kern(self, script: Script, gap: float) -> float:
        """Move the last glyph closer to the one before and return by how many pixels."""
        one, other = self.glyphs[-2:]
        closer = script.kerned * overlap(one.ink, other.ink)
        closer = max(closer + min(gap, 0), 0) * script.height  # a negative gap is a part of it
        other.x -= closer
        return closer

    def _link(self, glyph: int, number: int, before: int) -> None:
        """Make a glyph a part of a number, after the glyph `before`; -1 if it is the first."""
        self.glyphs[glyph].number = number
        if before >= 0:
            self.glyphs[before].next = glyph

    def _join(self, one: PlacedGlyph, other: PlacedGlyph) -> None:
        """Draw a line from the end of a character to the start of the next, if they are near."""
        if isinstance(one.ink, Outline) and isinstance(other.ink, Outline):
            end = one.ink.points[-1] * one.height + (one.x, one.y)
            start = other.ink.points[0] * other.height + (other.x, other.y)
            if np.hypot(*(start - end)) < JOIN * one.height:
                self.add_stroke(np.stack([end, start]), one.pen, one.layer)

    def write_boxed(
        self, script: Script, text: str, places: Sequence[tuple[float, float]],
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Write the characters of one number, each centred at a given x, on a given baseline.

        A space leaves its position empty and ends the number.
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
            self._link(len(self.glyphs) - 1, number, before)
            before = len(self.glyphs) - 1

    def add_ruling(self, points: NDArray[np.floating], width: float, layer: int = RULING) -> None:
        """Add a ruling line, box side or frame, which the ground truth contains."""
        self.lines.append((np.asarray(points, np.float32), width, layer, True))

    def add_crossings(self, points: NDArray[np.floating]) -> None:
        """Add the points where ruling lines cross or meet to the ground truth."""
        self.crossings.append(np.asarray(points, np.float32).reshape(-1, 2))

    def add_stroke(self, points: NDArray[np.floating], width: float, layer: int) -> None:
        """Add a line of a drawing, signature or scribble, which is not in the ground truth."""
        self.lines.append((np.asarray(points, np.float32), width, layer, False))

    def fill(self, outline: NDArray[np.floating], level: int, layer: int = RULING) -> None:
        """Fill an area with a gray level from 0 to 255."""
        self.fills.append((np.asarray(outline, np.float32), level, layer))

    def add_grid(
        self, crossings: NDArray[np.floating], cells: Sequence[Sequence[str]] | None = None
    ) -> None:
        """Add a grid to the ground truth; crossings have the shape (rows + 1, columns + 1, 2)."""
        table = np.asarray(crossings, np.float32)
        rows, columns = table.shape[0] - 1, table.shape[1] - 1
        texts = cells or [[""] * columns for _ in range(rows)]
        self.grids.append((table, tuple(tuple(row) for row in texts)))

    def draw(
        self, to_picture: Map, mask: NDArray[np.float32] | None = None
    ) -> tuple[list[NDArray[np.uint8] | None], PageTruth]:
        """Return the coverage of each layer, 0 to 255, and the ground truth.

        Parameters
        ----------
        to_picture : callable
            From points of the sheet to points of the picture, both of shape (n, 2).
        mask : ndarray of shape (height, width), optional
            1 where the picture shows the sheet. Writing elsewhere is not drawn.
        """
        layers = InkLayers(self.size)
        for outline, level, layer in self.fills:
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
        areas = [to_picture(area) for area, _, layer in self.fills if layer > RULING]
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
    """Return the character of a script at a position, with lengths in pixels."""
    height = script.height
    nib = script.nib[0] * height, script.nib[1] * height
    glyph = PlacedGlyph(text, ink, x, y, height, script.pen * height, script.layer, nib)
    if script.pen >= BROAD and text in LOOPED and isinstance(ink, Outline):
        glyph.known = ink.loops(script.pen) >= ink.loops(THIN)
    return glyph


def _belongs(text: str, place: int) -> bool:
    """Return whether a character is part of a number: a digit, or a sign between or before digits.

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
