"""A source of patches for tests: rectangles for digits, and ruling lines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import CLASSES
from digitscope.recipes.glyph_recipe import GLYPH
from digitscope.recipes.page_recipe import PAGE
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph

# Networks and trainings that take a second.
TINY_PAGE = PAGE.but(
    stem=4,
    channels=(8, 8, 8),
    encoder=(1, 0, 0),
    decoder=(0, 0),
    patch=32,
    patches=8,
    batch_size=4,
    epochs=1,
    validation=4,
    precision="float32",
)
TINY_GLYPH = GLYPH.but(
    stem=4,
    channels=(8, 8),
    hidden=16,
    patches=8,
    batch_size=4,
    crops=12,
    singles=6,
    epochs=2,
    average=0.9,
    validation=4,
    precision="float32",
)


@dataclass(frozen=True)
class FakePages:
    """Patches with frames of different sizes; the class is how wide a frame is."""

    side: int = 64
    glyphs: int = 4

    def patch(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], PageTruth]:
        gray = np.full((self.side, self.side), 230, np.uint8)
        glyphs = []
        for number in range(self.glyphs):
            label = int(rng.integers(0, 3))
            width, height = 6 + 6 * label, 20
            left = int(rng.integers(0, self.side - width))
            top = int(rng.integers(0, self.side - height))
            gray[top : top + height, left : left + width] = 40
            gray[top + 3 : top + height - 3, left + 3 : left + width - 3] = 230
            box = (float(left), float(top), float(left + width), float(top + height))
            following = number + 1 if number % 2 == 0 and number + 1 < self.glyphs else -1
            glyphs.append(
                TrueGlyph(
                    CLASSES[label], CLASSES[label], box, float(height), number // 2, following
                )
            )
        y = float(rng.integers(0, self.side))
        gray[int(y)] = 60
        line = np.array([[0, y + 0.5], [self.side, y + 0.5]], np.float32)
        return gray, PageTruth(gray.shape, tuple(glyphs), rulings=(line,))
