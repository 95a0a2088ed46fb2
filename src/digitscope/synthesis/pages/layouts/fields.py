"""Layouts of forms: comb fields with one digit per box, lines, printed labels, check boxes."""

import numpy as np

from digitscope.synthesis.pages.ink_layers import PEN, PRINT, RULING
from digitscope.synthesis.pages.layouts.context import LayoutContext
from digitscope.synthesis.pages.layouts.random_text import digits, number, word
from digitscope.synthesis.pages.typefaces import draw_typeface


def combs(page: LayoutContext) -> None:
    """Fill the sheet with comb fields, which are filled completely, partly or not at all."""
    h = page.height
    y = page.uniform(-0.5, 1.5) * h
    cell_w, cell_h = h * page.uniform(1.0, 2.0), h * page.uniform(1.25, 2.2)
    kind = 4 if page.chance(0.12) else page.randint(0, 3)
    line = page.uniform(0.6, 3.5)
    label = draw_typeface(page.rng, page.sources, h * page.uniform(0.35, 0.7), PRINT)
    while y < page.size[0]:
        x = page.uniform(-3, 2) * cell_w
        while x < page.size[1]:
            n = page.randint(1, 12)
            comb(page, x, y, n, cell_w, cell_h, kind, line)
            x += (n + page.uniform(0.4, 3)) * cell_w
        y += cell_h
        if page.chance(0.25):
            size = label.height
            text = " ".join(word(page.rng, True) for _ in range(page.randint(1, 2)))
            page.sheet.write(
                label, text, page.uniform(0, 0.5) * page.size[1], y + 1.6 * size, page.rng
            )
            y += 2 * size
        y += h * page.uniform(0.3, 1.6)


def comb(
    page: LayoutContext,
    x: float,
    y: float,
    n: int,
    wide: float,
    high: float,
    kind: int,
    line: float,
) -> str:
    """Draw a comb field of n boxes, write a number into it, and return its text.

    Parameters
    ----------
    page : LayoutContext
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
    _draw_boxes(page, x, y, n, wide, high, kind, line)
    text = _comb_text(page, n)
    if not text:
        return ""
    if page.chance(0.3):
        for i, character in enumerate(text.ljust(n)):
            if character == " ":
                _cross_out(page, x + i * wide, y, wide, high)
    # The baseline is at equal distances from top and bottom, with some deviation.
    base = y + high / 2 + page.height / 2
    loose = 0.1 * max(wide - 0.6 * page.height, 0.2 * page.height)
    places = [
        (
            x + (i + 0.5) * wide + loose * float(page.rng.standard_normal()),
            base + 0.07 * page.height * float(page.rng.standard_normal()),
        )
        for i in range(len(text))
    ]
    page.sheet.write_boxed(page.script, text, places, page.rng)
    return " ".join(text.split())


def _draw_boxes(
    page: LayoutContext,
    x: float,
    y: float,
    n: int,
    wide: float,
    high: float,
    kind: int,
    line: float,
) -> None:
    """Draw the boxes of a comb field; the parameters are those of `comb`."""
    gap = page.uniform(0.08, 0.35) * wide if kind in (1, 3, 4) else 0.0
    for i in range(n):
        left, right = x + i * wide + gap / 2, x + (i + 1) * wide - gap / 2
        if kind == 3:
            page.sheet.add_ruling(np.array([[left, y + high], [right, y + high]]), line)
            continue
        page.sheet.add_ruling(np.array([[left, y + high], [right, y + high]]), line)
        top = y + (0.6 * high if kind == 2 else 0)
        page.sheet.add_ruling(np.array([[left, top], [left, y + high]]), line)
        if kind in (1, 4) or i == n - 1:
            page.sheet.add_ruling(np.array([[right, top], [right, y + high]]), line)
        if kind != 2:
            page.sheet.add_ruling(np.array([[left, y], [right, y]]), line)
            page.sheet.add_crossings(np.array([[left, y], [right, y]]))
        page.sheet.add_crossings(np.array([[left, y + high], [right, y + high]]))
        if kind == 4:
            _guide(page, (left + right) / 2, y + high / 2, right - left, high)


def _comb_text(page: LayoutContext, n: int) -> str:
    """Return the text of a comb field of n boxes: all filled, some, or none."""
    filled = page.rng.random()
    if filled < 0.15:
        return ""
    text = digits(page.rng, n)
    if filled < 0.4:
        k = page.randint(1, n)
        text = " " * (n - k) + text[:k] if page.chance(0.5) else text[:k]
    elif filled < 0.5:
        text = "".join(" " if page.chance(0.3) else c for c in text)
    return text


def _guide(page: LayoutContext, x: float, y: float, wide: float, high: float) -> None:
    """Print faint segments of an 8 into a box, as a guide for the digit."""
    a, b = page.uniform(0.18, 0.32) * wide, page.uniform(0.2, 0.34) * high
    pen = page.uniform(0.4, 1.3)
    corners = np.array([[-a, -b], [a, -b], [a, b], [-a, b], [-a, -b]])
    corners += np.array([x, y])
    page.sheet.add_stroke(corners, pen, RULING)
    page.sheet.add_stroke(np.array([[x - a, y], [x + a, y]]), pen, RULING)


def _cross_out(page: LayoutContext, x: float, y: float, wide: float, high: float) -> None:
    """Draw a cross or a dash through an empty box."""
    pen = page.script.pen * page.height
    jitter = 0.1 * wide * page.rng.standard_normal((4, 2))
    corners = np.array([[x, y], [x + wide, y + high], [x + wide, y], [x, y + high]]) + jitter
    if page.chance(0.8):
        page.sheet.add_stroke(corners[:2], pen, PEN)
        page.sheet.add_stroke(corners[2:], pen, PEN)
    else:
        middle = np.array([[x + 0.2 * wide, y + high / 2], [x + 0.8 * wide, y + high / 2]])
        page.sheet.add_stroke(middle + jitter[:2] / 2, pen, PEN)


def form(page: LayoutContext) -> None:
    """Draw a form: printed labels, and handwritten numbers on lines and in boxes."""
    h = page.height
    y = page.uniform(0.3, 1.5) * h
    label = draw_typeface(page.rng, page.sources, h * page.uniform(0.4, 0.9), PRINT)
    while y < page.size[0] + h:
        x = page.uniform(-4, 1) * h
        while x < page.size[1]:
            text = " ".join(word(page.rng, True) for _ in range(page.randint(1, 2)))
            if page.chance(0.3):
                text += ":"
            if page.chance(0.15):  # numbered lines
                text = f"{page.randint(1, 20)}. {text}"
            x = page.sheet.write(label, text, x, y, page.rng) + 0.6 * h
            if page.chance(0.12):  # filled in with words, over dots
                end = x + page.uniform(4, 8) * h
                if page.chance(0.6):
                    page.sheet.write(
                        label, "." * round((end - x) / (0.3 * h)), x, y + 0.1 * h, page.rng
                    )
                x = max(
                    page.sheet.write(page.script, word(page.rng, True), x + 0.3 * h, y, page.rng),
                    end,
                )
            if page.chance(0.04):
                block_code(page, x, y)
                x += 4 * h
            x = _draw_field(page, x, y)
            x += page.uniform(0.8, 2) * h
        y += h * page.uniform(1.9, 3.2)


def _draw_field(page: LayoutContext, x: float, y: float) -> float:
    """Draw a field for a number on a line, in a box or in a comb, and return its right edge."""
    h = page.height
    kind = page.rng.random()
    if kind < 0.35:  # on a line
        end = x + page.uniform(2, 7) * h
        page.sheet.add_ruling(
            np.array([[x, y + 0.12 * h], [end, y + 0.12 * h]]), page.uniform(0.6, 2)
        )
        if page.chance(0.8):
            page.sheet.write(page.script, number(page.rng, 6), x + 0.3 * h, y, page.rng)
        x = end
    elif kind < 0.6:  # in a box
        end = x + page.uniform(2.5, 6) * h
        top, bottom = y - 1.5 * h, y + 0.5 * h
        box(page, x, top, end, bottom, page.uniform(0.6, 3))
        if page.chance(0.8):
            last = page.sheet.write(page.script, number(page.rng, 4), x + 0.4 * h, y, page.rng)
            end = max(end, last)
        x = end
    elif kind < 0.8:
        n = page.randint(2, 6)
        comb(
            page,
            x,
            y - 1.3 * h,
            n,
            1.2 * h,
            1.7 * h,
            page.randint(0, 4),
            page.uniform(0.6, 2),
        )
        x += n * 1.2 * h
    elif kind < 0.9:
        tick_box(page, x, y)
        x += 1.2 * h
    return x


def block_code(page: LayoutContext, x: float, y: float) -> None:
    """Print a square code of blocks, a bar code, or a black mark for a scanner."""
    n = page.randint(1, 25)
    side = page.height * page.uniform(0.6, 1.0) if n < 4 else page.height * page.uniform(2, 5)
    a = side / n
    bars = page.chance(0.3)
    black = page.rng.random((1 if bars else n, n)) < (0.5 if n > 3 else 0.9)
    for i, j in np.argwhere(black).tolist():
        left, top = x + j * a, y - side + i * a
        low = side if bars else a
        corners = [[left, top], [left + a, top], [left + a, top + low], [left, top + low]]
        page.sheet.fill(np.array(corners), 255, PRINT)


def box(
    page: LayoutContext, left: float, top: float, right: float, bottom: float, line: float
) -> None:
    """Draw a box of four ruling lines."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    for i in range(4):
        page.sheet.add_ruling(corners[i : i + 2], line, RULING)
    page.sheet.add_crossings(corners[:4])


def tick_box(page: LayoutContext, x: float, y: float) -> None:
    """Draw a check box, empty, ticked or crossed."""
    a = page.height * page.uniform(0.6, 1.0)
    box(page, x, y - a, x + a, y, page.uniform(0.6, 2))
    width = page.script.pen * page.height
    if page.chance(0.35):
        page.sheet.add_stroke(
            np.array([[x + 0.2 * a, y - 0.5 * a], [x + 0.45 * a, y - 0.1 * a], [x + a, y - a]]),
            width,
            PEN,
        )
    elif page.chance(0.4):
        page.sheet.add_stroke(np.array([[x, y - a], [x + a, y]]), width, PEN)
        page.sheet.add_stroke(np.array([[x + a, y - a], [x, y]]), width, PEN)
