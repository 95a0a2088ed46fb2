"""Single digits, amounts of cheques, words, drawings and pages without any digit."""

from itertools import pairwise

import numpy as np

from digitscope.synthesis.pages.drawing import PEN, PEN_2, PRINT
from digitscope.synthesis.pages.hands import HandStyle, Script, draw_hand, draw_typeface
from digitscope.synthesis.pages.inks import Outline
from digitscope.synthesis.pages.layouts.fields import block_code, box
from digitscope.synthesis.pages.layouts.rows import circle, underlay
from digitscope.synthesis.pages.layouts.setting import LETTERS, Setting, digits, number, word

BROAD = HandStyle(pen=(0.14, 0.5, 0.03, 0.26))
# Signs and letters that do not look like a digit, and more of those that networks take for one.
ALONE = "+-=<>*#%&?@[]{}" + LETTERS + "wwwxxxyyyyy"
ROUND = 0.2  # share of amounts of money that end with zeros
HASTY = HandStyle(ones=(0.75, 40.0, 2.0))


def single(s: Setting) -> None:
    """Write single digits of any pen, with much or no space around them, some signs and blots."""
    h = s.height
    step = h * s.between(1.3, 2.5)
    hand: Script = draw_hand(s.rng, s.sources, h, PEN, BROAD) if s.chance(0.8) else s.hand
    framed = s.chance(0.3)
    y = s.between(0.2, 1.1) * h
    while y < s.size[0] + h:
        x = s.between(-0.5, 0.5) * h
        while x < s.size[1]:
            if s.chance(0.06):
                blot(s, x, y)
            elif s.chance(0.72):
                # Plain 1s are refused most often, since so many strokes look like them.
                character = "1" if s.chance(0.08) else digits(s.rng, 1)
                s.sheet.text(hand, character, x, y, s.rng)
            elif s.chance(0.25):
                s.sheet.text(hand, ALONE[s.count(0, len(ALONE) - 1)], x, y, s.rng)
            if framed:
                left, middle = x - 0.2 * step, y - 0.5 * h
                box(s, left, middle - step / 2, left + step, middle + step / 2, 1.5)
            if s.chance(0.4):
                hand = draw_hand(s.rng, s.sources, h, PEN, BROAD)
            x += step
        y += step


def blot(s: Setting, x: float, y: float) -> None:
    """Draw a blot of ink as large as a digit, or the filled mark of a list or a form."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    high = s.height * s.between(0.2, 0.55)
    wide = high * s.between(0.5, 1.3)
    ragged = s.between(0, 0.25)
    bumps = [s.rng.standard_normal() * np.cos(k * angle + s.between(0, 6)) for k in (1, 2, 3, 5)]
    radius = 1 + ragged * np.mean(bumps, axis=0)
    outline = np.stack([wide * np.cos(angle), high * np.sin(angle)], 1) * radius[:, None]
    s.sheet.wash(outline + np.array([x + wide, y - 0.5 * s.height]), s.count(180, 255), PEN)


def amounts(s: Setting) -> None:
    """Write amounts as on cheques: tight, touching, with dashes, fences and lines of the form."""
    h = s.height
    y = s.between(0.8, 1.6) * h
    while y < s.size[0] + h:
        x = s.between(-1.5, 2.0) * h
        hand = draw_hand(s.rng, s.sources, h * s.between(0.85, 1.15), PEN, HASTY)
        hand.gap = s.between(-0.15, 0.25)
        slope = float(np.tan(np.deg2rad(3 * s.rng.standard_normal())))
        while x < s.size[1]:
            text = _amount(s)
            fence = s.chance(0.12)
            if fence:
                x = s.sheet.text(hand, "#*=-$"[s.count(0, 4)], x, y, s.rng) + 0.25 * h
            x = s.sheet.text(hand, text, x, y + slope * x, s.rng, slope=slope)
            if s.chance(0.15):
                end = [".-", ".", ",", "=", ",-", "#"][s.count(0, 5)]
                x = s.sheet.text(hand, end, x + 0.15 * h, y + slope * x, s.rng)
            elif s.chance(0.3):
                x = _after_amount(s, hand, x, y + slope * x)
            x += h * s.between(1.2, 3)
        kind = s.rng.random()
        if kind < 0.35:
            line = y + s.between(0.02, 0.5) * h
            s.sheet.rule(np.array([[-20, line], [s.size[1] + 20, line]]), s.between(0.6, 2))
        elif kind < 0.5:
            box(s, -20 + s.between(0, 60), y - 1.6 * h, s.size[1] + s.between(-60, 20),
                y + 0.6 * h, s.between(0.6, 2.5))  # fmt: skip
        if s.chance(0.3):
            scrawl(s, s.between(0, s.size[1]), y + h * s.between(0.6, 1.5))
        y += h * s.between(1.7, 3.2)


def _amount(s: Setting) -> str:
    """Return an amount of money, most often with a separator and cents."""
    whole = digits(s.rng, s.count(1, 5), ROUND)
    if s.chance(0.3):  # amounts begin with 1 more often than with any other digit (Benford)
        whole = "1" + whole[1:]
    kind = s.rng.random()
    mark = ".,"[s.count(0, 1)]
    if len(whole) > 3 and kind < 0.6:
        whole = whole[:-3] + mark + whole[-3:]
        mark = "," if mark == "." else "."
    if kind < 0.2:
        return whole + mark + "-"
    cents = "00" if s.chance(ROUND) else digits(s.rng, 2)
    return whole + mark + cents if kind < 0.7 else whole


def _after_amount(s: Setting, hand: Script, x: float, y: float) -> float:
    """Draw what closes an amount: a dash, two strokes, or small cents over a line."""
    h = s.height
    kind = s.count(0, 2)
    pen = hand.pen * h
    if kind == 0:
        end = x + h * s.between(0.8, 3)
        s.sheet.stroke(np.array([[x + 0.3 * h, y - 0.4 * h], [end, y - s.between(0.2, 0.6) * h]]),
                       pen, PEN)  # fmt: skip
        return end
    if kind == 1:
        for shift in (0.0, 0.15):
            s.sheet.stroke(
                np.array([[x + 0.3 * h, y - (0.35 + shift) * h], [x + h, y - (0.4 + shift) * h]]),
                pen,
                PEN,
            )
        return x + h
    usual = hand.height
    hand.height = 0.6 * usual
    cents = "00" if s.chance(ROUND) else digits(s.rng, 2)
    end = s.sheet.text(hand, cents, x + 0.3 * h, y - 0.45 * h, s.rng, raised=True)
    hand.height = usual
    s.sheet.stroke(np.array([[x + 0.3 * h, y - 0.35 * h], [end, y - 0.3 * h]]), pen, PEN)
    return end


def scrawl(s: Setting, x: float, y: float) -> None:
    """Draw a piece of a signature or of joined letters: no glyph, only strokes."""
    h, n = s.height * s.between(0.6, 1.6), s.count(6, 30)
    steps = np.cumsum(s.rng.uniform(0.05, 0.3, n)) * h
    heights = h * (s.rng.uniform(-0.6, 0.3, n))
    angle = np.linspace(0, s.between(6, 25), 6 * n)
    xs = np.interp(np.linspace(0, n - 1, 6 * n), np.arange(n), steps) + 0.25 * h * np.cos(angle)
    ys = np.interp(np.linspace(0, n - 1, 6 * n), np.arange(n), heights) + 0.3 * h * np.sin(angle)
    s.sheet.stroke(np.stack([x + xs, y + ys], 1), s.hand.pen * s.height, PEN_2)


def words(s: Setting) -> None:
    """Write or print text with few numbers or none: letters, newspapers, notes, headings."""
    h = s.height
    script: Script = s.type if s.chance(0.55) else draw_hand(s.rng, s.sources, h, PEN)
    pitch = script.height * s.between(1.4, 2.4)
    numbers = s.between(0, 0.3) if s.chance(0.5) else 0.0
    y = s.between(0, 1.2) * h
    while y < s.size[0] + h:
        x = -s.between(0, 3) * h
        while x < s.size[1]:
            text = number(s.rng, 5) if s.chance(numbers) else word(s.rng, True)
            if s.chance(0.1):
                text += ",.:;!?"[s.count(0, 5)]
            x = s.sheet.text(script, text, x, y, s.rng) + max(0.5, script.gap + 0.4) * h
        if s.chance(0.1):
            y += pitch * 0.7
        y += pitch
    if script is not s.type:
        underlay(s, pitch)


def drawing(s: Setting) -> None:
    """Draw lines, shapes, curves and scribbles, with a few numbers or none."""
    height, width = s.size
    shapes = s.between(0, 0.9) if s.chance(0.5) else 0.0
    for _ in range(s.count(1, 12)):
        pen, layer = s.between(0.8, 5), PEN if s.chance(0.5) else PRINT
        x, y = s.between(0, width), s.between(0, height)
        if s.chance(shapes):
            shape(s, x, y, pen, layer)
            continue
        kind = s.count(0, 10)
        if kind == 0:  # a long line; short upright ones would be 1s
            end = np.array([x, y]) + s.rng.standard_normal(2) * 0.7 * width
            if np.hypot(*(end - [x, y])) > 4 * s.height:
                s.sheet.stroke(np.array([[x, y], end]), pen, layer)
        elif kind == 1:
            side = s.between(3, 8) * s.height
            box(s, x, y, x + side * s.between(0.6, 2), y + side, pen)
        elif kind == 2:
            radius = s.between(3, 8) * s.height
            circle(s, x, y, radius, radius * s.between(0.7, 1.3))
        elif kind == 3:
            scrawl(s, x, y)
        elif kind == 5:
            block_code(s, x, y)
        elif kind == 6:
            sideways(s, x, y)
        elif kind == 8:
            markers(s, x, y, pen, layer)
        elif kind == 9:
            bars(s, x, y)
        elif kind == 10:
            zigzag(s, x, y, pen, layer)
        elif kind == 4:  # hatching
            step, long = s.between(2, 8), s.between(30, 120)
            lean = s.rng.standard_normal(2)
            for i in range(s.count(8, 30)):
                start = np.array([x + i * step, y])
                s.sheet.stroke(np.stack([start, start + lean * long]), pen, layer)
        else:  # a curve of a chart
            xs = np.linspace(x, x + width * s.between(0.3, 1), 60)
            ys = y + height * 0.2 * np.cumsum(s.rng.standard_normal(60)) / 8
            s.sheet.stroke(np.stack([xs, ys], 1), pen, layer)
    if s.chance(0.4):
        for _ in range(s.count(1, 4)):
            s.sheet.text(s.hand, number(s.rng, 4), s.between(0, 0.8) * width,
                         s.between(0.2, 1) * height, s.rng)  # fmt: skip


def markers(s: Setting, x: float, y: float, pen: float, layer: int) -> None:
    """Draw a cloud of equal small triangles, squares, diamonds or discs: the points of a chart."""
    radius = s.height * float(np.exp(s.between(-1.8, -0.4)))
    corners = (3, 4, 40)[s.count(0, 2)]
    filled = corners == 40 or s.chance(0.7)  # an outlined disc would be a 0
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 4 * s.count(0, 7)
    form = radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    cloud = s.between(2, 12) * radius * s.rng.standard_normal((s.count(3, 40), 2))
    tone = s.count(80, 255)
    for centre in cloud + np.array([x, y]):
        if filled:
            s.sheet.wash(form + centre, tone, layer)
        else:
            s.sheet.stroke(np.concatenate([form, form[:1]]) + centre, min(pen, radius / 3), layer)


def bars(s: Setting, x: float, y: float) -> None:
    """Draw a bar chart: upright bars of different heights on a line."""
    n, long = s.count(3, 9), s.between(3, 9) * s.height
    step = s.height * float(np.exp(s.between(-0.5, 1.2)))
    wide = step * s.between(0.4, 0.95)
    for k, high in enumerate(s.rng.uniform(0.15, 1, n) * long):
        left = x + k * step
        corners = [[left, y], [left + wide, y], [left + wide, y - high], [left, y - high]]
        s.sheet.wash(np.array(corners), s.count(60, 255), PRINT)
    if s.chance(0.7):
        end = x + n * step
        s.sheet.rule(np.array([[x - 0.3 * step, y], [end, y]]), s.between(0.6, 2), PRINT)


def zigzag(s: Setting, x: float, y: float, pen: float, layer: int) -> None:
    """Draw a line to and fro without lifting the pen: shading, or a scribble over a mistake."""
    n = s.count(10, 50)
    step = s.height * s.between(0.06, 0.35)
    high = s.height * s.between(0.8, 4)
    along = step * np.arange(n) + 0.3 * step * s.rng.standard_normal(n)
    across = high * (np.arange(n) % 2 + 0.12 * s.rng.standard_normal(n))
    turn = s.between(-0.6, 0.6)
    xs = along * np.cos(turn) + across * np.sin(turn)
    ys = across * np.cos(turn) - along * np.sin(turn)
    s.sheet.stroke(np.stack([x + xs, y - ys], 1), pen, layer)


def shape(s: Setting, x: float, y: float, pen: float, layer: int) -> None:
    """Fill or outline a disc, a polygon or a star, as in charts, maps and logos."""
    corners = 40 if s.chance(0.3) else s.count(3, 9)
    star = corners < 40 and s.chance(0.3)
    n = 2 * corners if star else corners
    radius = np.full(n, s.height * float(np.exp(s.between(-1, 1.6))))
    if star:
        radius[::2] *= s.between(0.3, 0.7)
    if corners < 40 and s.chance(0.4):
        radius *= np.exp(0.3 * s.rng.standard_normal(n))
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False) + s.between(0, 6)
    wide = s.between(0.6, 1.5)
    points = np.stack([x + wide * radius * np.cos(angle), y + radius * np.sin(angle)], 1)
    if corners == 40 or s.chance(0.6):  # an outlined disc would be a 0
        s.sheet.wash(points, s.count(60, 255), layer)
    else:
        s.sheet.stroke(np.concatenate([points, points[:1]]), pen, layer)


def sideways(s: Setting, x: float, y: float) -> None:
    """Write a word up or down along a margin: only strokes, since no letter is upright."""
    hand = draw_hand(s.rng, s.sources, s.height * s.between(0.4, 1.0), PEN)
    turn = 1 if s.chance(0.5) else -1
    for character in word(s.rng, True):
        ink = hand.ink(character, s.rng)
        if not isinstance(ink, Outline):
            continue
        size = hand.height
        points = ink.points * size
        along = turn * points[:, 0]
        placed = np.stack([x - turn * points[:, 1], y + along], 1)
        for first, end in pairwise(ink.starts):
            if end - first > 1:
                s.sheet.stroke(placed[first:end], hand.pen * size, PEN)
        y += turn * (float(points[:, 0].max()) + hand.gap * size)


def empty(s: Setting) -> None:
    """Leave the sheet without any writing: blank, ruled or squared paper."""
    underlay(s, s.height * 1.6)
    if s.chance(0.3):
        label = draw_typeface(s.rng, s.sources, s.height, PRINT)
        s.sheet.text(label, word(s.rng, True), s.between(0, 100), s.between(0, s.size[0]), s.rng)
