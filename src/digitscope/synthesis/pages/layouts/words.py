"""Layouts of text with few numbers or none, and of empty sheets."""

from digitscope.synthesis.pages.handwriting import Script, draw_handwriting
from digitscope.synthesis.pages.ink_layers import PEN, PRINT
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.random_text import number, word
from digitscope.synthesis.pages.layouts.rows import underlay
from digitscope.synthesis.pages.typefaces import draw_typeface


def words(page: LayoutContext) -> None:
    """Write or print text with few numbers or none, as in letters, newspapers and notes."""
    h = page.height
    script: Script = (
        page.typeface if page.chance(0.55) else draw_handwriting(page.rng, page.sources, h, PEN)
    )
    pitch = script.height * page.uniform(1.4, 2.4)
    numbers = page.uniform(0, 0.3) if page.chance(0.5) else 0.0
    y = page.uniform(0, 1.2) * h
    while y < page.size[0] + h:
        x = -page.uniform(0, 3) * h
        while x < page.size[1]:
            text = number(page.rng, 5) if page.chance(numbers) else word(page.rng, True)
            if page.chance(0.1):
                text += ",.:;!?"[page.randint(0, 5)]
            x = page.sheet.write(script, text, x, y, page.rng) + max(0.5, script.gap + 0.4) * h
        if page.chance(0.1):
            y += pitch * 0.7
        y += pitch
    if script is not page.typeface:
        underlay(page, pitch)


def empty(page: LayoutContext) -> None:
    """Leave the sheet nearly empty: blank, ruled or squared paper, sometimes with one word."""
    underlay(page, page.height * 1.6)
    if page.chance(0.3):
        label = draw_typeface(page.rng, page.sources, page.height, PRINT)
        page.sheet.write(
            label,
            word(page.rng, True),
            page.uniform(0, 100),
            page.uniform(0, page.size[0]),
            page.rng,
        )
