"""Numbers in rows: notes, lists, columns, sums, dates and equations on paper of every kind."""

import numpy as np

from digitscope.synthesis.pages.drawing import PEN, PRINT, RULING
from digitscope.synthesis.pages.hands import Script
from digitscope.synthesis.pages.layouts.setting import (
    Setting,
    date_or_time,
    integer,
    number,
    operand,
    operator,
    quantity,
    term,
    word,
)


def rows(s: Setting) -> None:
    """Fill the sheet with rows of numbers: a notebook, a list, a sheet of exercises."""
    h = s.height
    pitch = h * s.between(1.25, 2.6)
    slope = float(np.tan(np.deg2rad(1.5 * s.rng.standard_normal())))
    # On some sheets two numbers are about a digit's width apart, as in "7 8 9 10".
    close = s.chance(0.35)
    gap = s.between(*((0.55, 1.0) if close else (0.9, 3.0))) * h
    signs = 0.7 if s.chance(0.3) else 0.15
    longest, labelled = s.count(1, 3 if close else 8), 0.4 if s.chance(0.35) else 0.04
    y = s.between(0.2, 1.3) * h
    hand: Script = s.hand
    while y < s.size[0] + h:
        x = -s.between(0, 4) * h if s.chance(0.6) else s.between(0, 3) * h
        while x < s.size[1]:
            kind = s.rng.random()
            if kind < 0.07 and x >= 0:  # a leaning 1 can begin a row, a slash cannot
                text = date_or_time(s.rng)
            elif kind < 0.1:
                text = word(s.rng, capital=True)
            elif kind < 0.1 + labelled:
                text = quantity(s.rng, longest)
            else:
                text = number(s.rng, longest, signs)
            end = s.sheet.text(hand, text, x, y + slope * x, s.rng, slope=slope)
            if text[-1].isdigit() and s.chance(0.04):  # a superscript
                end = superscript(s, hand, integer(s.rng, 2), end, y + slope * end)
            # Digits of one number stand closer than two numbers.
            vary = s.between(0.9, 1.3) if close else s.between(0.7, 1.6)
            x = end + max(gap * vary, (2 * max(hand.gap, 0) + 0.4) * h)
        if s.chance(0.12):
            hand = s.second()
        y += pitch * s.between(0.9, 1.15)
    underlay(s, pitch)


def superscript(s: Setting, hand: Script, text: str, x: float, y: float) -> float:
    """Write a small raised number and return its right edge."""
    small = s.between(0.5, 0.75)
    usual, pen = hand.height, hand.pen
    hand.height, hand.pen = usual * small, pen / small * 0.85
    end = s.sheet.text(
        hand, text, x + 0.06 * usual, y - s.between(0.5, 0.75) * usual, s.rng, raised=True
    )
    hand.height, hand.pen = usual, pen
    return end


def columns(s: Setting) -> None:
    """Write numbers below each other: sums, lists of single digits, scores."""
    h = s.height
    x, right = s.between(-1, 2) * h, s.chance(0.5)
    while x < s.size[1]:
        longest = s.count(1, 6)
        width = ((0.75 + max(s.hand.gap - 0.2, 0)) * longest + 0.5) * h
        pitch, y = h * s.between(1.15, 2.0), s.between(0, 2) * h
        lines = s.count(3, 14)
        for line in range(lines):
            if y > s.size[0] + h:
                break
            text = number(s.rng, longest, 0.2)
            if s.chance(0.06):
                text = "+" + " " * s.count(0, 1) + text
            start = x + (width - 0.72 * len(text) * h if right else s.between(-0.1, 0.1) * h)
            if line == lines - 1 and s.chance(0.4):  # the sum under its line
                s.sheet.stroke(
                    np.array([[x - 0.3 * h, y - pitch * 0.55], [x + width, y - pitch * 0.5]]),
                    s.hand.pen * h,
                    PEN,
                )
                y += 0.25 * h
            end = s.sheet.text(s.hand, text, start, y, s.rng)
            width = max(width, end - x)
            y += pitch
        x += width + s.between(1.0, 4.0) * h
    underlay(s, h * 1.6)


def scattered(s: Setting) -> None:
    """Write numbers anywhere, with different sizes and directions."""
    h = s.height
    taken: list[tuple[float, float, float, float]] = []
    for _ in range(s.count(3, 60)):
        text = number(s.rng, 6, 0.25) if s.chance(0.92) else date_or_time(s.rng)
        width = (0.85 * len(text) + 0.4) * h
        first = -0.3 * width if "/" not in text else 0.0
        x, y = s.between(first, s.size[1]), s.between(0, s.size[0] + 0.5 * h)
        width += max(s.hand.gap - 0.2, 0) * len(text) * h
        box = x - 0.8 * h, y - 1.6 * h, x + width + 0.8 * h, y + 0.6 * h
        if any(b[0] < box[2] and box[0] < b[2] and b[1] < box[3] and box[1] < b[3] for b in taken):
            continue
        slope = float(np.tan(np.deg2rad(6 * s.rng.standard_normal())))
        end = s.sheet.text(s.hand, text, x, y, s.rng, slope=slope)
        taken.append((box[0], box[1] - abs(slope) * width, end + 0.5 * h, box[3]))
        if s.chance(0.05):
            circle(s, (x + end) / 2, y - 0.5 * h, (end - x) / 2 + 0.45 * h, 0.95 * h)
    underlay(s, h * 1.6)


def circle(s: Setting, x: float, y: float, wide: float, high: float) -> None:
    """Draw a loop around what was written."""
    angle = np.linspace(s.between(0, 6), s.between(6.4, 7.4) + 6, 40)[: s.count(28, 40)]
    points = np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], 1)
    s.sheet.stroke(points, s.hand.pen * s.height, PEN)


def equations(s: Setting) -> None:
    """Write equations: few digits among letters and operators."""
    h = s.height
    pitch = h * s.between(1.6, 3.0)
    y = s.between(0.6, 1.6) * h
    while y < s.size[0] + h:
        x = s.between(-1.0, 2.5) * h
        arithmetic, close = s.chance(0.6), s.between(0.0, 0.4)
        before = ""
        for place in range(s.count(2, 9)):
            kind = term if not arithmetic else operator if place % 2 else operand
            text = kind(s.rng)
            if before[-1:].isdigit() and text[0].isdigit():  # two numbers
                x += (0.35 + s.between(0.15, 0.8)) * h
            if x > s.size[1]:
                break
            if text == "/" and (place == 0 or x < h):
                text = "+"  # a slash cannot begin a row
            end = s.sheet.text(s.hand, text, x, y, s.rng)
            if s.chance(0.1) and text[-1].isalnum():
                end = superscript(s, s.hand, integer(s.rng, 1), end, y)
            elif s.chance(0.04) and text.isdigit():  # a fraction
                fraction(s, x, end, y)
            x = end + h * (close + s.between(0.05, 0.4) + max(s.hand.gap, 0))
            before = text
        y += pitch * s.between(0.9, 1.2)
    underlay(s, pitch)


def fraction(s: Setting, left: float, right: float, y: float) -> None:
    """Draw a fraction bar below a number and another number below that."""
    h, wide = s.height, max(right - left, 0.6 * s.height)
    s.sheet.stroke(
        np.array([[left - 0.15 * h, y + 0.25 * h], [left + wide + 0.2 * h, y + 0.22 * h]]),
        s.hand.pen * h,
        PEN,
    )
    s.sheet.text(s.hand, integer(s.rng, 2), left, y + 1.5 * h, s.rng)


def underlay(s: Setting, pitch: float) -> None:
    """Give some sheets ruling lines, squares, dots, a margin line or punched holes."""
    kind = s.rng.random()
    height, width = s.size
    far = np.array([-40.0, max(height, width) + 40.0])
    thin = s.between(0.6, 2.2)
    if kind < 0.2:
        step = pitch * s.between(0.8, 1.3)
        for y in np.arange(s.between(-1, 0) * step, height + step, step):
            s.sheet.rule(np.array([[far[0], y], [far[1], y]]), thin)
    elif kind < 0.34:
        step = s.height * s.between(0.4, 1.1)
        across = np.arange(s.between(-1, 0) * step, height + step, step)
        down = np.arange(s.between(-1, 0) * step, width + step, step)
        for y in across:
            s.sheet.rule(np.array([[far[0], y], [far[1], y]]), thin)
        for x in down:
            s.sheet.rule(np.array([[x, far[0]], [x, far[1]]]), thin)
        if len(across) * len(down) < 900:
            s.sheet.cross(np.stack(np.meshgrid(down, across), -1))
    if s.chance(0.08):
        x = s.between(0, width)
        for shift in (0.0, s.between(2, 6))[: s.count(1, 2)]:
            s.sheet.rule(np.array([[x + shift, far[0]], [x + shift, far[1]]]), thin, RULING)
    if s.chance(0.04):
        holes(s)


def holes(s: Setting) -> None:
    """Punch two to six holes along one side, through which something dark is seen."""
    radius = s.height * s.between(0.2, 0.8)
    step = radius * s.between(4, 20)
    x, y = s.between(0.5, 2.5) * radius, s.between(0, 1) * step
    if s.chance(0.3):
        x = s.size[1] - x
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    form = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    for place in range(s.count(1, 6)):
        s.sheet.wash(form + np.array([x, y + place * step]), s.count(120, 255), PRINT)
