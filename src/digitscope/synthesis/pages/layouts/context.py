"""The context of a layout: generator, sheet, sources, and scripts to write with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from digitscope.synthesis.pages.handwriting import Script, draw_handwriting
from digitscope.synthesis.pages.ink_layers import PEN, PEN_2, PRINT
from digitscope.synthesis.pages.sheet import Sheet
from digitscope.synthesis.pages.typefaces import Typeface, draw_typeface
from digitscope.synthesis.pages.writing_sources import Sources


@dataclass(eq=False)
class LayoutContext:
    """The page that a layout fills.

    Attributes
    ----------
    rng : numpy.random.Generator
    sheet : Sheet
    sources : Sources
    height : float
        Height of a digit of the main script, in pixels.
    """

    rng: np.random.Generator
    sheet: Sheet
    sources: Sources
    height: float
    printed: float = 0.15  # share of pages with printed numbers
    script: Script = field(init=False)
    typeface: Typeface = field(init=False)

    def __post_init__(self) -> None:
        self.typeface = draw_typeface(self.rng, self.sources, self.height, PRINT)
        self.script = self.draw_script()

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the sheet, in pixels."""
        return self.sheet.size

    def draw_script(self, height: float | None = None, layer: int | None = None) -> Script:
        """Return a random script for numbers: most often a handwriting, sometimes a typeface."""
        layer = PEN if layer is None else layer
        height = height or self.height
        if self.rng.random() < self.printed:
            script = draw_typeface(self.rng, self.sources, height, layer)
            if self.rng.random() < 0.3:  # a typeface that imitates handwriting
                script.size, script.baseline_jitter = 0.06, 0.05
            return script
        return draw_handwriting(self.rng, self.sources, height, layer)

    def draw_second_script(self) -> Script:
        """Return another random script, with another pen."""
        return self.draw_script(self.height * float(self.rng.uniform(0.8, 1.25)), PEN_2)

    def chance(self, share: float) -> bool:
        """Return True with the probability `share`."""
        return bool(self.rng.random() < share)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number from an interval."""
        return float(self.rng.uniform(low, high))

    def randint(self, low: int, high: int) -> int:
        """Return a random whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))


Layout: TypeAlias = Callable[[LayoutContext], None]
