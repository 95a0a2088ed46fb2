"""Layouts of single digits, letters and signs, with space around each or in boxes."""

import numpy as np

from digitscope.synthesis.pages.handwriting import HandwritingStyle, Script, draw_handwriting
from digitscope.synthesis.pages.ink_layers import PEN
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.fields import box
from digitscope.synthesis.pages.layouts.random_text import LETTERS, digits

BROAD = HandwritingStyle(pen=(0.14, 0.5, 0.03, 0.26))
# Signs and letters that do not look like a digit; those that networks confuse with digits are more
# frequent.
ALONE = "+-=<>*#%&?@[]{}" + LETTERS + "wwwxxxyyyyy"


def single(page: LayoutContext) -> None:
    """Write single digits with any pen, separate or in boxes, with some signs and blots."""
    h = page.height
    step = h * page.uniform(1.3, 2.5)
    hand: Script = (
        draw_handwriting(page.rng, page.sources, h, PEN, BROAD) if page.chance(0.8) else page.script
    )
    framed = page.chance(0.3)
    y = page.uniform(0.2, 1.1) * h
    while y < page.size[0] + h:
        x = page.uniform(-0.5, 0.5) * h
        while x < page.size[1]:
            if page.chance(0.06):
                blot(page, x, y)
            elif page.chance(0.72):
                # More 1s, since networks refuse plain 1s most often.
                character = "1" if page.chance(0.08) else digits(page.rng, 1)
                page.sheet.write(hand, character, x, y, page.rng)
            elif page.chance(0.25):
                page.sheet.write(hand, ALONE[page.randint(0, len(ALONE) - 1)], x, y, page.rng)
            if framed:
                left, middle = x - 0.2 * step, y - 0.5 * h
                box(page, left, middle - step / 2, left + step, middle + step / 2, 1.5)
            if page.chance(0.4):
                hand = draw_handwriting(page.rng, page.sources, h, PEN, BROAD)
            x += step
        y += step


def blot(page: LayoutContext, x: float, y: float) -> None:
    """Draw a blot of ink with the size of a digit, or a filled mark of a list or a form."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    high = page.height * page.uniform(0.2, 0.55)
    wide = high * page.uniform(0.5, 1.3)
    ragged = page.uniform(0, 0.25)
    bumps = [
        page.rng.standard_normal() * np.cos(k * angle + page.uniform(0, 6)) for k in (1, 2, 3, 5)
    ]
    radius = 1 + ragged * np.mean(bumps, axis=0)
    outline = np.stack([wide * np.cos(angle), high * np.sin(angle)], 1) * radius[:, None]
    page.sheet.fill(
        outline + np.array([x + wide, y - 0.5 * page.height]), page.randint(180, 255), PEN
    )
