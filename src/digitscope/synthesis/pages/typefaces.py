"""Printed characters: a font with a size, weight, width and slant."""

from dataclasses import dataclass

import numpy as np

from digitscope.synthesis.pages.glyph_ink import Ink, printed_bold, sheared
from digitscope.synthesis.pages.writing_sources import Sources


@dataclass(eq=False)
class Typeface:
    """A font with one size, weight, width and slant; the attributes are those of `Script`."""

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
    kerned: float = 0.0
    monospaced: float = 0.0
    nib: tuple[float, float] = (0.0, 0.0)
    size: float = 0.0  # deviation of the logarithm of a character's size, to imitate handwriting
    baseline_jitter: float = 0.0  # deviation from the baseline, in heights of a digit

    def ink(self, character: str, rng: np.random.Generator) -> Ink | None:
        """Return the ink of a character."""
        ink = printed_bold(character, self.font, self.weight)
        if ink is None:
            return None
        size, shear = 1.0, self.shear
        if self.size:
            size = float(np.exp(self.size * rng.standard_normal()))
            shear += 0.06 * float(rng.standard_normal())
        return sheared(ink, size, shear, self.aspect)

    def rise(self, rng: np.random.Generator) -> float:
        """Return the distance of this character from the baseline, in heights of a digit."""
        return float(self.baseline_jitter * rng.standard_normal()) if self.baseline_jitter else 0.0

    def space(self, rng: np.random.Generator) -> float:
        """Return the gap before the next character, in heights of a digit."""
        return self.gap


def draw_typeface(
    rng: np.random.Generator, sources: Sources, height: float, layer: int
) -> Typeface:
    """Return a random font with a random weight, width and slant."""
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
        monospaced=1.0 if rng.random() < 0.5 else 0.0,  # most fonts have digits of one width
    )
