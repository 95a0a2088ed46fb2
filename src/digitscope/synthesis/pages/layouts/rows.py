"""Layouts of numbers in rows: notes, lists, columns, sums, dates and equations."""

import numpy as np

from digitscope.synthesis.pages.handwriting import Script
from digitscope.synthesis.pages.ink_layers import PEN, PRINT, RULING
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.random_text import (
    date_or_time,
    integer,
    number,
    operand,
    operator,
    quantity,
    term,
    word,
)


def rows(page: LayoutContext) -> None:
    """Fill the sheet with rows of numbers: a notebook, a list, a sheet of exercises."""
    h = page.height
    pitch = h * page.uniform(1.25, 2.6)
    slope = float(np.tan(np.deg2rad(1.5 * page.rng.standard_normal())))
    # On some sheets the gap between two numbers is about the width of a digit, as in "7 8 9 10".
    close = page.chance(0.35)
    gap = page.uniform(*((0.55, 1.0) if close else (0.9, 3.0))) * h
    signs = 0.7 if page.chance(0.3) else 0.15
    longest, labelled = page.randint(1, 3 if close else 8), 0.4 if page.chance(0.35) else 0.04
    y = page.uniform(0.2, 1.3) * h
    hand: Script = page.script
    while y < page.size[0] + h:
        x = -page.uniform(0, 4) * h if page.chance(0.6) else page.uniform(0, 3) * h
        while x < page.size[1]:
            kind = page.rng.random()
            if kind < 0.07 and x >= 0:  # a slash at the left edge could be a slanted 1
                text = date_or_time(page.rng)
            elif kind < 0.1:
                text = word(page.rng, capital=True)
            elif kind < 0.1 + labelled:
                text = quantity(page.rng, longest)
            else:
                text = number(page.rng, longest, signs)
            end = page.sheet.write(hand, text, x, y + slope * x, page.rng, slope=slope)
            if text[-1].isdigit() and page.chance(0.04):  # a superscript
                end = superscript(page, hand, integer(page.rng, 2), end, y + slope * end)
            # The gap between numbers is larger than the gap between digits of a number.
            vary = page.uniform(0.9, 1.3) if close else page.uniform(0.7, 1.6)
            x = end + max(gap * vary, (2 * max(hand.gap, 0) + 0.4) * h)
        if page.chance(0.12):
            hand = page.draw_second_script()
        y += pitch * page.uniform(0.9, 1.15)
    underlay(page, pitch)


def superscript(page: LayoutContext, hand: Script, text: str, x: float, y: float) -> float:
    """Write a small raised number and return its right edge."""
    small = page.uniform(0.5, 0.75)
    usual, pen = hand.height, hand.pen
    hand.height, hand.pen = usual * small, pen / small * 0.85
    end = page.sheet.write(
        hand, text, x + 0.06 * usual, y - page.uniform(0.5, 0.75) * usual, page.rng, raised=True
    )
    hand.height, hand.pen = usual, pen
    return end


def columns(page: LayoutContext) -> None:
    """Write numbers in columns: sums, lists of single digits, scores."""
    h = page.height
    x, right = page.uniform(-1, 2) * h, page.chance(0.5)
    while x < page.size[1]:
        longest = page.randint(1, 6)
        width = ((0.75 + max(page.script.gap - 0.2, 0)) * longest + 0.5) * h
        pitch, y = h * page.uniform(1.15, 2.0), page.uniform(0, 2) * h
        lines = page.randint(3, 14)
        for line in range(lines):
            if y > page.size[0] + h:
                break
            text = number(page.rng, longest, 0.2)
            if page.chance(0.06):
                text = "+" + " " * page.randint(0, 1) + text
            start = x + (width - 0.72 * len(text) * h if right else page.uniform(-0.1, 0.1) * h)
            if line == lines - 1 and page.chance(0.4):  # the sum under its line
                page.sheet.add_stroke(
                    np.array([[x - 0.3 * h, y - pitch * 0.55], [x + width, y - pitch * 0.5]]),
                    page.script.pen * h,
                    PEN,
                )
                y += 0.25 * h
            end = page.sheet.write(page.script, text, start, y, page.rng)
            width = max(width, end - x)
            y += pitch
        x += width + page.uniform(1.0, 4.0) * h
    underlay(page, h * 1.6)


def scattered(page: LayoutContext) -> None:
    """Write numbers anywhere, with different sizes and directions."""
    h = page.height
    taken: list[tuple[float, float, float, float]] = []
    for _ in range(page.randint(3, 60)):
        text = number(page.rng, 6, 0.25) if page.chance(0.92) else date_or_time(page.rng)
        width = (0.85 * len(text) + 0.4) * h
        first = -0.3 * width if "/" not in text else 0.0
        x, y = page.uniform(first, page.size[1]), page.uniform(0, page.size[0] + 0.5 * h)
        width += max(page.script.gap - 0.2, 0) * len(text) * h
        box = x - 0.8 * h, y - 1.6 * h, x + width + 0.8 * h, y + 0.6 * h
        if any(b[0] < box[2] and box[0] < b[2] and b[1] < box[3] and box[1] < b[3] for b in taken):
            continue
        slope = float(np.tan(np.deg2rad(6 * page.rng.standard_normal())))
        end = page.sheet.write(page.script, text, x, y, page.rng, slope=slope)
        taken.append((box[0], box[1] - abs(slope) * width, end + 0.5 * h, box[3]))
        if page.chance(0.05):
            circle(page, (x + end) / 2, y - 0.5 * h, (end - x) / 2 + 0.45 * h, 0.95 * h)
    underlay(page, h * 1.6)


def circle(page: LayoutContext, x: float, y: float, wide: float, high: float) -> None:
    """Draw a loop around a number."""
    angle = np.linspace(page.uniform(0, 6), page.uniform(6.4, 7.4) + 6, 40)[: page.randint(28, 40)]
    points = np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], 1)
    page.sheet.add_stroke(points, page.script.pen * page.height, PEN)


def equations(page: LayoutContext) -> None:
    """Write equations: few digits among letters and operators."""
    h = page.height
    pitch = h * page.uniform(1.6, 3.0)
    y = page.uniform(0.6, 1.6) * h
    while y < page.size[0] + h:
        x = page.uniform(-1.0, 2.5) * h
        arithmetic, close = page.chance(0.6), page.uniform(0.0, 0.4)
        before = ""
        for place in range(page.randint(2, 9)):
            kind = term if not arithmetic else operator if place % 2 else operand
            text = kind(page.rng)
            if before[-1:].isdigit() and text[0].isdigit():  # two numbers
                x += (0.35 + page.uniform(0.15, 0.8)) * h
            if x > page.size[1]:
                break
            if text == "/" and (place == 0 or x < h):
                text = "+"  # a slash cannot begin a row
            end = page.sheet.write(page.script, text, x, y, page.rng)
            if page.chance(0.1) and text[-1].isalnum():
                end = superscript(page, page.script, integer(page.rng, 1), end, y)
            elif page.chance(0.04) and text.isdigit():  # a fraction
                fraction(page, x, end, y)
            x = end + h * (close + page.uniform(0.05, 0.4) + max(page.script.gap, 0))
            before = text
        y += pitch * page.uniform(0.9, 1.2)
    underlay(page, pitch)


def fraction(page: LayoutContext, left: float, right: float, y: float) -> None:
    """Draw a fraction bar and another number below a number."""
    h, wide = page.height, max(right - left, 0.6 * page.height)
    page.sheet.add_stroke(
        np.array([[left - 0.15 * h, y + 0.25 * h], [left + wide + 0.2 * h, y + 0.22 * h]]),
        page.script.pen * h,
        PEN,
    )
    page.sheet.write(page.script, integer(page.rng, 2), left, y + 1.5 * h, page.rng)


def underlay(page: LayoutContext, pitch: float) -> None:
    """Add ruling lines, squares, a margin line or punched holes to some sheets."""
    kind = page.rng.random()
    height, width = page.size
    far = np.array([-40.0, max(height, width) + 40.0])
    thin = page.uniform(0.6, 2.2)
    if kind < 0.2:
        step = pitch * page.uniform(0.8, 1.3)
        for y in np.arange(page.uniform(-1, 0) * step, height + step, step):
            page.sheet.add_ruling(np.array([[far[0], y], [far[1], y]]), thin)
    elif kind < 0.34:
        step = page.height * page.uniform(0.4, 1.1)
        across = np.arange(page.uniform(-1, 0) * step, height + step, step)
        down = np.arange(page.uniform(-1, 0) * step, width + step, step)
        for y in across:
            page.sheet.add_ruling(np.array([[far[0], y], [far[1], y]]), thin)
        for x in down:
            page.sheet.add_ruling(np.array([[x, far[0]], [x, far[1]]]), thin)
        if len(across) * len(down) < 900:
            page.sheet.add_crossings(np.stack(np.meshgrid(down, across), -1))
    if page.chance(0.08):
        x = page.uniform(0, width)
        for shift in (0.0, page.uniform(2, 6))[: page.randint(1, 2)]:
            page.sheet.add_ruling(
                np.array([[x + shift, far[0]], [x + shift, far[1]]]), thin, RULING
            )
    if page.chance(0.04):
        holes(page)


def holes(page: LayoutContext) -> None:
    """Draw one to six dark punched holes along one side."""
    radius = page.height * page.uniform(0.2, 0.8)
    step = radius * page.uniform(4, 20)
    x, y = page.uniform(0.5, 2.5) * radius, page.uniform(0, 1) * step
    if page.chance(0.3):
        x = page.size[1] - x
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    form = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    for place in range(page.randint(1, 6)):
        page.sheet.fill(form + np.array([x, y + place * step]), page.randint(120, 255), PRINT)
