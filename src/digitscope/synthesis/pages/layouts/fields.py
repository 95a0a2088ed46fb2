"""Forms: boxed fields with one digit a box, lines to write on, printed labels, check boxes."""

import numpy as np

from digitscope.synthesis.pages.drawing import PEN, PRINT, RULING
from digitscope.synthesis.pages.hands import draw_typeface
from digitscope.synthesis.pages.layouts.setting import Setting, digits, number, word


def combs(s: Setting) -> None:
    """Fill boxed fields: all boxes, some, or none."""
    h = s.height
    y = s.between(-0.5, 1.5) * h
    cell_w, cell_h = h * s.between(1.0, 2.0), h * s.between(1.25, 2.2)
    kind = 4 if s.chance(0.12) else s.count(0, 3)
    line = s.between(0.6, 3.5)
    label = draw_typeface(s.rng, s.sources, h * s.between(0.35, 0.7), PRINT)
    while y < s.size[0]:
        x = s.between(-3, 2) * cell_w
        while x < s.size[1]:
            n = s.count(1, 12)
            comb(s, x, y, n, cell_w, cell_h, kind, line)
            x += (n + s.between(0.4, 3)) * cell_w
        y += cell_h
        if s.chance(0.25):
            size = label.height
            text = " ".join(word(s.rng, True) for _ in range(s.count(1, 2)))
            s.sheet.text(label, text, s.between(0, 0.5) * s.size[1], y + 1.6 * size, s.rng)
            y += 2 * size
        y += h * s.between(0.3, 1.6)


def comb(
    s: Setting, x: float, y: float, n: int, wide: float, high: float, kind: int, line: float
) -> str:
    """Draw one field of n boxes, write a number into it, and return what was written.

    Parameters
    ----------
    s : Setting
    x, y : float
        Upper left corner, in pixels.
    n : int
        Boxes.
    wide, high : float
        Of a box, in pixels.
    kind : int
        0: boxes side by side, 1: boxes with gaps, 2: a comb open above, 3: dashes below, 4: boxes
        with gaps and faint guides for each digit.
    line : float
        Width of the lines, in pixels.
    """
    gap = s.between(0.08, 0.35) * wide if kind in (1, 3, 4) else 0.0
    for i in range(n):
        left, right = x + i * wide + gap / 2, x + (i + 1) * wide - gap / 2
        if kind == 3:
            s.sheet.rule(np.array([[left, y + high], [right, y + high]]), line)
            continue
        s.sheet.rule(np.array([[left, y + high], [right, y + high]]), line)
        top = y + (0.6 * high if kind == 2 else 0)
        s.sheet.rule(np.array([[left, top], [left, y + high]]), line)
        if kind in (1, 4) or i == n - 1:
            s.sheet.rule(np.array([[right, top], [right, y + high]]), line)
        if kind != 2:
            s.sheet.rule(np.array([[left, y], [right, y]]), line)
            s.sheet.cross(np.array([[left, y], [right, y]]))
        s.sheet.cross(np.array([[left, y + high], [right, y + high]]))
        if kind == 4:
            _guide(s, (left + right) / 2, y + high / 2, right - left, high)
    filled = s.rng.random()
    if filled < 0.15:
        return ""
    text = digits(s.rng, n)
    if filled < 0.4:
        k = s.count(1, n)
        text = " " * (n - k) + text[:k] if s.chance(0.5) else text[:k]
    elif filled < 0.5:
        text = "".join(" " if s.chance(0.3) else c for c in text)
    if s.chance(0.3):
        for i, character in enumerate(text.ljust(n)):
            if character == " ":
                _cross_out(s, x + i * wide, y, wide, high)
    # The baseline leaves equal space above and below, with some carelessness.
    base = y + high / 2 + s.height / 2
    loose = 0.1 * max(wide - 0.6 * s.height, 0.2 * s.height)
    places = [
        (
            x + (i + 0.5) * wide + loose * float(s.rng.standard_normal()),
            base + 0.07 * s.height * float(s.rng.standard_normal()),
        )
        for i in range(len(text))
    ]
    s.sheet.boxed(s.hand, text, places, s.rng)
    return " ".join(text.split())


def _guide(s: Setting, x: float, y: float, wide: float, high: float) -> None:
    """Print the faint segments of an 8 into a box, after which digits are to be formed."""
    a, b = s.between(0.18, 0.32) * wide, s.between(0.2, 0.34) * high
    pen = s.between(0.4, 1.3)
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b], [-a, -b]])
    corners += np.array([x, y])
    s.sheet.stroke(corners, pen, RULING)
    s.sheet.stroke(np.array([[x - a, y], [x + a, y]]), pen, RULING)


def _cross_out(s: Setting, x: float, y: float, wide: float, high: float) -> None:
    """Draw a cross or a dash through an empty box."""
    pen = s.hand.pen * s.height
    jitter = 0.1 * wide * s.rng.standard_normal((4, 2))
    corners = np.array([[x, y], [x + wide, y + high], [x + wide, y], [x, y + high]]) + jitter
    if s.chance(0.8):
        s.sheet.stroke(corners[:2], pen, PEN)
        s.sheet.stroke(corners[2:], pen, PEN)
    else:
        middle = np.array([[x + 0.2 * wide, y + high / 2], [x + 0.8 * wide, y + high / 2]])
        s.sheet.stroke(middle + jitter[:2] / 2, pen, PEN)


def form(s: Setting) -> None:
    """Draw a form: printed words, handwritten numbers on lines, in boxes and behind labels."""
    h = s.height
    y = s.between(0.3, 1.5) * h
    label = draw_typeface(s.rng, s.sources, h * s.between(0.4, 0.9), PRINT)
    while y < s.size[0] + h:
        x = s.between(-4, 1) * h
        while x < s.size[1]:
            text = " ".join(word(s.rng, True) for _ in range(s.count(1, 2)))
            if s.chance(0.3):
                text += ":"
            if s.chance(0.15):  # numbered lines
                text = f"{s.count(1, 20)}. {text}"
            x = s.sheet.text(label, text, x, y, s.rng) + 0.6 * h
            if s.chance(0.12):  # filled in with words, over dots
                end = x + s.between(4, 8) * h
                if s.chance(0.6):
                    s.sheet.text(label, "." * round((end - x) / (0.3 * h)), x, y + 0.1 * h, s.rng)
                x = max(s.sheet.text(s.hand, word(s.rng, True), x + 0.3 * h, y, s.rng), end)
            if s.chance(0.04):
                block_code(s, x, y)
                x += 4 * h
            kind = s.rng.random()
            if kind < 0.35:  # on a line
                end = x + s.between(2, 7) * h
                s.sheet.rule(np.array([[x, y + 0.12 * h], [end, y + 0.12 * h]]), s.between(0.6, 2))
                if s.chance(0.8):
                    s.sheet.text(s.hand, number(s.rng, 6), x + 0.3 * h, y, s.rng)
                x = end
            elif kind < 0.6:  # in a box
                end = x + s.between(2.5, 6) * h
                top, bottom = y - 1.5 * h, y + 0.5 * h
                box(s, x, top, end, bottom, s.between(0.6, 3))
                if s.chance(0.8):
                    last = s.sheet.text(s.hand, number(s.rng, 4), x + 0.4 * h, y, s.rng)
                    end = max(end, last)
                x = end
            elif kind < 0.8:
                n = s.count(2, 6)
                comb(s, x, y - 1.3 * h, n, 1.2 * h, 1.7 * h, s.count(0, 4), s.between(0.6, 2))
                x += n * 1.2 * h
            elif kind < 0.9:
                tick_box(s, x, y)
                x += 1.2 * h
            x += s.between(0.8, 2) * h
        y += h * s.between(1.9, 3.2)


def block_code(s: Setting, x: float, y: float) -> None:
    """Print a square code of black and white blocks, or bars, or a mark for a scanner."""
    n = s.count(1, 25)
    side = s.height * s.between(0.6, 1.0) if n < 4 else s.height * s.between(2, 5)
    a = side / n
    bars = s.chance(0.3)
    black = s.rng.random((1 if bars else n, n)) < (0.5 if n > 3 else 0.9)
    for i, j in np.argwhere(black).tolist():
        left, top = x + j * a, y - side + i * a
        low = side if bars else a
        corners = [[left, top], [left + a, top], [left + a, top + low], [left, top + low]]
        s.sheet.wash(np.array(corners), 255, PRINT)


def box(s: Setting, left: float, top: float, right: float, bottom: float, line: float) -> None:
    """Draw a box of four ruling lines."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    for i in range(4):
        s.sheet.rule(corners[i : i + 2], line, RULING)
    s.sheet.cross(corners[:4])


def tick_box(s: Setting, x: float, y: float) -> None:
    """Draw a check box, empty, ticked or crossed."""
    a = s.height * s.between(0.6, 1.0)
    box(s, x, y - a, x + a, y, s.between(0.6, 2))
    width = s.hand.pen * s.height
    if s.chance(0.35):
        s.sheet.stroke(
            np.array([[x + 0.2 * a, y - 0.5 * a], [x + 0.45 * a, y - 0.1 * a], [x + a, y - a]]),
            width,
            PEN,
        )
    elif s.chance(0.4):
        s.sheet.stroke(np.array([[x, y - a], [x + a, y]]), width, PEN)
        s.sheet.stroke(np.array([[x + a, y - a], [x, y]]), width, PEN)
