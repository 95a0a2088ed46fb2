"""Random strokes of the signs in numbers, and of operators between numbers.

Lengths are in heights of a digit; y points downwards and is 0 at the baseline.
"""

from typing import TypeAlias

import numpy as np

from digitscope.synthesis.pages.truth import Points

Strokes: TypeAlias = tuple[
    Points, tuple[int, ...]
]  # points; first point of each stroke, then their number
OPERATORS = "+=×÷"


def draw_sign(sign: str, rng: np.random.Generator) -> Strokes:
    """Return the strokes of a decimal point, comma, minus, slash or colon."""
    r = rng.uniform(0, 1, 6)
    if sign == ".":
        y = -0.04 - 0.05 * r[0]
        if r[1] < 0.6:
            return np.array([[0, y], [0.02, y]], np.float32), (0, 2)
        return np.array([[0, y], [0.04 + 0.05 * r[2], y + 0.04 * r[3]]], np.float32), (0, 2)
    if sign == ",":
        top, foot = -0.12 + 0.1 * r[0], 0.1 + 0.25 * r[1]
        lean = 0.02 + 0.16 * r[2]
        middle = [lean * (0.8 + 0.4 * r[3]), (top + foot) / 2]
        return np.array([[lean, top], middle, [0, foot]], np.float32), (0, 3)
    if sign == "-":
        y, wide = -0.32 - 0.25 * r[0], 0.25 + 0.5 * r[1]
        rise, bow = 0.12 * (r[2] - 0.5), 0.08 * (r[3] - 0.5)
        line = [[0, y], [wide / 2, y + bow - rise / 2], [wide, y - rise]]
        return np.array(line, np.float32), (0, 3)
    if sign == "/":  # longer than a digit, unlike a slanted 1
        top, foot = -1.12 - 0.35 * r[0], 0.1 + 0.35 * r[1]
        lean = 0.35 + 0.55 * r[2]
        middle = [lean / 2 + 0.06 * (r[3] - 0.5), (top + foot) / 2]
        return np.array([[lean, top], middle, [0, foot]], np.float32), (0, 3)
    low, high = -0.02 - 0.12 * r[0], -0.42 - 0.2 * r[1]
    points = [[0, high], [0.02, high + 0.02], [0.03 * r[2], low], [0.03 * r[2] + 0.02, low + 0.02]]
    return np.array(points, np.float32), (0, 2, 4)


def draw_operator(operator: str, rng: np.random.Generator) -> Strokes:
    """Return the strokes of a plus, an equals sign, a times or a division sign."""
    r = rng.uniform(0, 1, 8)
    x, y = 0.4, -0.3 - 0.25 * r[0]
    wide, high = 0.3 + 0.45 * r[1], 0.3 + 0.5 * r[2]
    rise, lean = 0.12 * (r[3] - 0.5), 0.12 * (r[4] - 0.5)
    left, right = [x - wide / 2, y + rise / 2], [x + wide / 2, y - rise / 2]
    if operator == "+":
        x, y = x + 0.3 * wide * (r[5] - 0.5), y + 0.3 * high * (r[6] - 0.5)
        top, foot = [x + lean / 2, y - high / 2], [x - lean / 2, y + high / 2]
        lines = [[left, right], [top, foot]] if r[7] < 0.5 else [[top, foot], [left, right]]
        if rng.random() < 0.1:  # without lifting the pen
            lines = [lines[0] + lines[1]]
    elif operator == "=":
        apart = 0.07 + 0.1 * r[5]
        uneven = 0.15 * (r[6] - 0.5)
        lines = [
            [[left[0], left[1] - apart], [right[0] + uneven, right[1] - apart]],
            [[left[0] + uneven, left[1] + apart], [right[0], right[1] + apart]],
        ]
    elif operator == "×":
        side = 0.2 + 0.35 * r[1]
        x, y, tall = 0.4, -0.3 - 0.12 * r[0], side * (0.8 + 0.5 * r[2])
        edges = x - side / 2, x + side / 2, y - tall / 2, y + tall / 2
        lines = [
            [[edges[0], edges[2]], [edges[1] + lean, edges[3]]],
            [[edges[1], edges[2] + rise], [edges[0] + lean, edges[3]]],
        ]
    else:
        away = 0.13 + 0.12 * r[5]
        dots = [[[x, y + step], [x + 0.02, y + step]] for step in (-away, away)]
        lines = [[left, right], *dots]
    starts = np.cumsum([0, *map(len, lines)])
    return np.concatenate(lines).astype(np.float32), tuple(starts.tolist())
