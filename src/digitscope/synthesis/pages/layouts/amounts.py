"""Layout of amounts of money, as on bank cheques."""

import numpy as np

from digitscope.synthesis.pages.handwriting import HandwritingStyle, Script, draw_handwriting
from digitscope.synthesis.pages.ink_layers import PEN
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.drawings import scrawl
from digitscope.synthesis.pages.layouts.fields import box
from digitscope.synthesis.pages.layouts.random_text import digits

ROUND = 0.2  # share of amounts that end with zeros
HASTY = HandwritingStyle(ones=(0.75, 40.0, 2.0))


def amounts(page: LayoutContext) -> None:
    """Write amounts as on cheques: narrow gaps, dashes, fill characters and lines of the form."""
    h = page.height
    y = page.uniform(0.8, 1.6) * h
    while y < page.size[0] + h:
        x = page.uniform(-1.5, 2.0) * h
        hand = draw_handwriting(page.rng, page.sources, h * page.uniform(0.85, 1.15), PEN, HASTY)
        hand.gap = page.uniform(-0.15, 0.25)
        slope = float(np.tan(np.deg2rad(3 * page.rng.standard_normal())))
        while x < page.size[1]:
            text = _amount(page)
            fence = page.chance(0.12)
            if fence:
                x = page.sheet.write(hand, "#*=-$"[page.randint(0, 4)], x, y, page.rng) + 0.25 * h
            x = page.sheet.write(hand, text, x, y + slope * x, page.rng, slope=slope)
            if page.chance(0.15):
                end = [".-", ".", ",", "=", ",-", "#"][page.randint(0, 5)]
                x = page.sheet.write(hand, end, x + 0.15 * h, y + slope * x, page.rng)
            elif page.chance(0.3):
                x = _after_amount(page, hand, x, y + slope * x)
            x += h * page.uniform(1.2, 3)
        kind = page.rng.random()
        if kind < 0.35:
            line = y + page.uniform(0.02, 0.5) * h
            page.sheet.add_ruling(
                np.array([[-20, line], [page.size[1] + 20, line]]), page.uniform(0.6, 2)
            )
        elif kind < 0.5:
            box(page, -20 + page.uniform(0, 60), y - 1.6 * h, page.size[1] + page.uniform(-60, 20),
                y + 0.6 * h, page.uniform(0.6, 2.5))  # fmt: skip
        if page.chance(0.3):
            scrawl(page, page.uniform(0, page.size[1]), y + h * page.uniform(0.6, 1.5))
        y += h * page.uniform(1.7, 3.2)


def _amount(page: LayoutContext) -> str:
    """Return a random amount of money, most often with a separator and cents."""
    whole = digits(page.rng, page.randint(1, 5), ROUND)
    if page.chance(0.3):  # amounts begin with 1 more often than with any other digit (Benford)
        whole = "1" + whole[1:]
    kind = page.rng.random()
    mark = ".,"[page.randint(0, 1)]
    if len(whole) > 3 and kind < 0.6:
        whole = whole[:-3] + mark + whole[-3:]
        mark = "," if mark == "." else "."
    if kind < 0.2:
        return whole + mark + "-"
    cents = "00" if page.chance(ROUND) else digits(page.rng, 2)
    return whole + mark + cents if kind < 0.7 else whole


def _after_amount(page: LayoutContext, hand: Script, x: float, y: float) -> float:
    """Draw the end of an amount: a dash, two strokes, or small cents above a line."""
    h = page.height
    kind = page.randint(0, 2)
    pen = hand.pen * h
    if kind == 0:
        end = x + h * page.uniform(0.8, 3)
        line = [[x + 0.3 * h, y - 0.4 * h], [end, y - page.uniform(0.2, 0.6) * h]]
        page.sheet.add_stroke(np.array(line), pen, PEN)
        return end
    if kind == 1:
        for shift in (0.0, 0.15):
            page.sheet.add_stroke(
                np.array([[x + 0.3 * h, y - (0.35 + shift) * h], [x + h, y - (0.4 + shift) * h]]),
                pen,
                PEN,
            )
        return x + h
    usual = hand.height
    hand.height = 0.6 * usual
    cents = "00" if page.chance(ROUND) else digits(page.rng, 2)
    end = page.sheet.write(hand, cents, x + 0.3 * h, y - 0.45 * h, page.rng, raised=True)
    hand.height = usual
    page.sheet.add_stroke(np.array([[x + 0.3 * h, y - 0.35 * h], [end, y - 0.3 * h]]), pen, PEN)
    return end
