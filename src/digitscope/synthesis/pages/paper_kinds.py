"""The kinds of paper, boards and screens: one function each, which returns gray levels."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from digitscope.synthesis.pages.security_paper import draw_security_paper
from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    Size,
    clouds,
    facets,
    fibres,
    flat,
    grain,
    lines,
    smooth,
    soft_grain,
    specks,
    strokes,
    triangular,
    uniform,
    window,
)

# Relative frequency of each kind.
WEIGHTS = {
    "plain": 20.0,
    "coloured": 8.0,
    "textured": 9.0,
    "recycled": 4.0,
    "crumpled": 6.0,
    "folded": 5.0,
    "newspaper": 6.0,
    "security": 15.0,
    "photocopy": 6.0,
    "stained": 4.0,
    "shown through": 5.0,
    "carbon": 2.0,
    "blackboard": 3.0,
    "whiteboard": 3.0,
    "screen": 4.0,
    "parchment": 3.0,
    "receipt": 3.0,
}


@dataclass(frozen=True)
class PaperStyle:
    """Variation of papers. Ranges are uniform unless stated; levels are gray levels, 0 to 255.

    Attributes
    ----------
    weights : dict of str to float
        Relative frequency of each kind.
    white, tinted, old, dark : tuple of float
        Gray levels of white sheets, of coloured and recycled ones, of newspaper and other aged
        paper, of blackboards and dark screens.
    grain : tuple of float
        Standard deviation of the grain of any paper, in levels; small values are more frequent.
    rough : tuple of float
        Standard deviation of the texture of rough paper, in levels; small values are more frequent.
    shade_chance : float
        Chance of shading, a slow change of level, on any sheet.
    shade : tuple of float
        Standard deviation of the shading, in levels.
    crease : tuple of float
        Standard deviation of the light on crumpled paper, and largest step at a fold, in levels.
    border_chance : float
        Chance of a black border on each side of a photocopy.
    border : tuple of float
        Its width, as a share of the shorter side.
    specks : tuple of float
        Number of specks per 224×224 pixels of a photocopy or of recycled paper.
    through : tuple of float
        Contrast of writing that shows through from the back, in levels.
    contrast : tuple of float
        Smallest and largest difference between ink and paper, in levels, limited by the level of
        the paper; large values are more frequent. The smallest is larger on patterned paper.
    pale_chance : float
        Chance that the difference is in the lower third of that range.
    dark_screen_chance : float
        Chance that a screen is dark, with light writing.
    """

    weights: dict[str, float] = field(default_factory=lambda: dict(WEIGHTS))
    white: Range = (205.0, 253.0)
    tinted: Range = (125.0, 225.0)
    old: Range = (150.0, 222.0)
    dark: Range = (8.0, 85.0)
    grain: Range = (0.0, 5.0)
    rough: Range = (2.5, 14.0)
    shade_chance: float = 0.4
    shade: Range = (1.0, 9.0)
    crease: Range = (4.0, 20.0)
    border_chance: float = 0.4
    border: Range = (0.01, 0.06)
    specks: Range = (4.0, 90.0)
    through: Range = (6.0, 34.0)
    contrast: Range = (45.0, 225.0)
    pale_chance: float = 0.2
    dark_screen_chance: float = 0.4


def _plain(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a white or cream sheet: flatbed scans, drawing programs (pure white)."""
    return flat(size, 255.0 if rng.random() < 0.15 else uniform(rng, style.white))


def _coloured(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return coloured or gray paper: sticky notes, tinted form fields, card."""
    return flat(size, uniform(rng, style.tinted))


def _textured(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return rough paper: drawing paper, cardboard, envelopes under side light."""
    gray = flat(size, uniform(rng, style.tinted if rng.random() < 0.4 else style.white))
    pick = rng.random()
    scale = uniform(rng, (0.7, 2.0))
    amount = triangular(rng, style.rough)
    if pick < 0.4:
        gray += amount * window(rng, fibres(), size, scale)
    elif pick < 0.7:
        gray += amount * window(rng, soft_grain(), size, scale)
    elif pick < 0.85:
        gray += 0.5 * amount * _laid(rng, size)
    else:
        gray += 0.6 * amount * window(rng, clouds(), size, scale)
    return gray


def _laid(rng: np.random.Generator, size: Size) -> Plane:
    """Return the fine ribs of laid paper and envelopes, spread about 1."""
    period = uniform(rng, (2.5, 7.0))
    along = np.sin(np.arange(size[0]) * (6.283 / period) + 2 * rng.random()).astype(np.float32)
    ribs: Plane = along[:, None] + 0.6 * window(rng, grain(), size)
    if rng.random() < 0.5:
        ribs = cv2.resize(ribs.T, size[::-1])
    return ribs


def _recycled(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return recycled paper: gray with dark and light flecks and fibres."""
    level = uniform(rng, (155.0, 220.0))
    gray = flat(size, level) + uniform(rng, (1.5, 5.0)) * window(rng, fibres(), size)
    count = _per_area(size, uniform(rng, style.specks))
    specks(rng, gray, count, (level - 70, level + 20), 1.3)
    return gray


def _crumpled(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return paper that was crumpled and smoothed again, under side light."""
    gray = flat(size, uniform(rng, (185.0, 240.0)))
    gray += triangular(rng, style.crease) * window(rng, facets(), size, uniform(rng, (0.6, 1.8)))
    return gray


def _folded(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a letter that was folded one to three times; each part has another brightness."""
    gray = flat(size, uniform(rng, style.white))
    x = np.arange(size[1], dtype=np.float32)[None, :]
    y = np.arange(size[0], dtype=np.float32)[:, None]
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.normal(0, 0.05) + (1.5708 if rng.random() < 0.5 else 0.0)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        middle = cos * size[1] * rng.random() + sin * size[0] * rng.random()
        away = cos * x + sin * y - np.float32(middle)
        step = uniform(rng, style.crease) * (1 if rng.random() < 0.5 else -1)
        near = np.clip(away * np.float32(1 / uniform(rng, (3, 40))), -1, 1)  # the bent part
        slow = np.clip(away * np.float32(1 / (0.6 * max(size))), -1, 1)
        gray += step * 0.5 * (near - slow)
        if rng.random() < 0.7:  # the broken fibres of the crease itself
            sharp = np.maximum(1 - np.abs(away) * np.float32(1 / uniform(rng, (0.8, 2.0))), 0)
            gray += sharp * uniform(rng, (-45, 25))
    return gray


def _newspaper(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return newspaper: gray, fibrous, with the print of the other page showing through."""
    gray = flat(size, uniform(rng, style.old))
    gray += uniform(rng, (1.5, 5.0)) * window(rng, fibres(), size, uniform(rng, (0.6, 1.2)))
    if rng.random() < 0.7:
        gray -= triangular(rng, style.through) * 0.8 * _print(rng, size)
    return gray


def _print(rng: np.random.Generator, size: Size) -> Plane:
    """Return blurred lines of print, 0 to 1."""
    pitch = uniform(rng, (5.0, 16.0))  # pixels from line to line
    rows = np.arange(size[0]) / pitch + rng.random()
    inside = (rows % 1 < 0.55).astype(np.float32)
    letters = window(rng, grain(), (int(rows[-1]) + 1, size[1]), turn=False) > 0
    words = smooth(rng, (int(rows[-1]) + 1, size[1]), 1.0, 2.5 * pitch) > -0.6
    mask = (letters & words).astype(np.float32)[rows.astype(int)] * inside[:, None]
    return cv2.GaussianBlur(mask, (0, 0), uniform(rng, (0.8, 2.2)))  # type: ignore[no-any-return]


def _security(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return the fine patterns of a bank cheque."""
    return draw_security_paper(rng, size)


def _photocopy(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a photocopy or fax: white, with specks and sometimes streaks of the drum."""
    level = uniform(rng, (225.0, 255.0))
    gray = flat(size, level)
    count = _per_area(size, triangular(rng, style.specks))
    specks(rng, gray, count, (0, 140), uniform(rng, (0.8, 2.4)))
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            column = int(rng.integers(size[1]))
            gray[:, column : column + int(rng.integers(1, 3))] -= uniform(rng, (10, 90))
    if rng.random() < 0.2:  # a thin layer of toner
        gray -= uniform(rng, (5, 30)) * (window(rng, grain(), size) > uniform(rng, (0.5, 2)))
    return gray


def _stained(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return paper with rings of cups and spots of oil and water."""
    gray = flat(size, uniform(rng, style.white))
    small = (max(1, size[0] // 2), max(1, size[1] // 2))
    layer = np.zeros(small, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        centre = (int(rng.random() * small[1]), int(rng.random() * small[0]))
        radius = max(2, int(uniform(rng, (0.03, 0.4)) * min(small)))
        axes = (radius, max(1, int(radius * uniform(rng, (0.6, 1)))))
        depth = uniform(rng, (6, 45))
        if rng.random() < 0.4:
            cv2.ellipse(layer, centre, axes, 0, 0, uniform(rng, (150, 360)), depth, 2)
        else:
            cv2.ellipse(layer, centre, axes, uniform(rng, (0, 180)), 0, 360, depth, -1)
    layer = cv2.GaussianBlur(layer, (0, 0), uniform(rng, (0.8, 6.0)))
    uneven = 1 + 0.35 * window(rng, clouds(), small)
    gray -= cv2.resize(layer * uneven, size[::-1])
    return gray


def _shown_through(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return thin paper with the writing of its back showing through, blurred."""
    gray = flat(size, uniform(rng, (195.0, 245.0)))
    coarse = (max(8, size[0] // 2), max(8, size[1] // 2))  # blurred anyway
    canvas = np.zeros(coarse, np.uint8)
    pitch = uniform(rng, (9.0, 30.0))
    rows, steps = int(coarse[0] / pitch) + 2, int(4 + 8 * coarse[1] / pitch)
    # Letters are loops of varying height: x = t + cos, y = sin.
    angle = np.arange(steps) * 1.3
    turns = rng.normal(1, 0.4, (rows, steps)) * rng.uniform(0.6, 1.5, (rows, 1))
    x = np.arange(steps) * (0.13 * pitch) + 0.16 * pitch * np.cos(angle) * turns
    y = 0.22 * pitch * np.sin(angle) * turns + np.arange(rows)[:, None] * pitch
    y += rng.normal(0, 0.03) * x
    points = (np.stack([x - 0.2 * (y % pitch), y], axis=2) * 16).astype(np.int32)
    ends = rng.random((rows, steps)) < 0.14
    for row, gaps in zip(points, ends, strict=True):
        words = np.split(row, np.flatnonzero(gaps))
        cv2.polylines(canvas, [word[:-2] for word in words if len(word) > 4], False, 255, 1, 8, 4)
    blurred = cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), uniform(rng, (0.5, 1.1)))
    blurred *= np.float32(triangular(rng, style.through) / 120)
    gray -= cv2.resize(blurred, size[::-1])
    return gray


def _carbon(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return the second sheet of a carbon set: pale, with smudges and grainy pressure marks."""
    gray = flat(size, uniform(rng, (150.0, 225.0)))
    smudge = window(rng, clouds(), size, uniform(rng, (0.8, 2)))
    gray -= uniform(rng, (4, 14)) * np.maximum(smudge, 0)
    gray += uniform(rng, (2, 8)) * window(rng, soft_grain(), size)
    return gray


def _board(rng: np.random.Generator, size: Size, level: float, wiped: float) -> Plane:
    """Return a board with the broad traces of a sponge and clouds of dust."""
    gray = flat(size, level)
    coarse = (max(2, size[0] // 4), max(2, size[1] // 4))
    streaks = smooth(rng, coarse, uniform(rng, (1.0, 3.0)), uniform(rng, (20, 60)))
    angle = rng.normal(0, 35)
    turn = cv2.getRotationMatrix2D((coarse[1] / 2, coarse[0] / 2), angle, 1.6)
    streaks = cv2.warpAffine(streaks, turn, coarse[::-1], borderMode=cv2.BORDER_REFLECT)
    streaks *= 0.5 + 0.5 * smooth(rng, coarse, uniform(rng, (10, 30)))
    gray += cv2.resize(wiped * streaks, size[::-1], interpolation=cv2.INTER_CUBIC)
    gray += 0.7 * wiped * window(rng, clouds(), size)
    return gray


def _blackboard(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a blackboard or slate with smears of chalk."""
    gray = _board(rng, size, uniform(rng, (30.0, 85.0)), uniform(rng, (2, 12)))
    gray += uniform(rng, (0, 5)) * window(rng, soft_grain(), size)
    return gray


def _whiteboard(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a whiteboard with pale traces of wiped writing."""
    return _board(rng, size, uniform(rng, (190.0, 245.0)), uniform(rng, (0.5, 6)))


def _screen(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a screen: plain, as in a screenshot, or photographed, with pixels and moiré."""
    dark = rng.random() < style.dark_screen_chance
    gray = flat(size, uniform(rng, style.dark) if dark else uniform(rng, (215.0, 255.0)))
    if rng.random() < 0.4:
        return gray
    x, y = np.arange(size[1], dtype=np.float32)[None, :], np.arange(size[0])[:, None]
    depth = uniform(rng, (2, 9)) * (0.6 if dark else 1.0)
    if rng.random() < 0.6:
        pitch = 6.283 / uniform(rng, (2.1, 6.0))
        gray += depth * (np.cos(pitch * x) * 0.5 + np.cos(pitch * y).astype(np.float32) * 0.5)
    for _ in range(int(rng.integers(0, 3))):
        spacing, angle = uniform(rng, (6, 50)), uniform(rng, (0, 3.1416))
        phase = np.float32(np.cos(angle) / spacing) * x
        phase = phase + (np.sin(angle) / spacing * y).astype(np.float32)
        phase += uniform(rng, (0, 1.2)) * smooth(rng, size, max(size) / 2)
        gray += depth * (lines(phase, 0.5) - 0.5)
    return gray


def _parchment(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return the paper of old registers: brown, blotched, fibrous, darker at some edges."""
    gray = flat(size, uniform(rng, style.old))
    gray += uniform(rng, (4, 12)) * window(rng, clouds(), size, uniform(rng, (0.5, 1.5)))
    gray += uniform(rng, (1, 5)) * window(rng, fibres(), size)
    gray -= uniform(rng, (0, 18)) * np.maximum(smooth(rng, size, max(size) / 3), 0)
    specks(rng, gray, _per_area(size, 20), (90, 150), 2.0)
    return gray


def _receipt(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return thermal paper: pale, with streaks along the roll and scratches."""
    gray = flat(size, uniform(rng, (190.0, 245.0)))
    streak = rng.standard_normal(size[1]).astype(np.float32)
    gray += uniform(rng, (1, 4)) * streak[None, :]
    gray += uniform(rng, (1, 6)) * smooth(rng, size, size[0] / 2, 12)
    ends = rng.random((int(rng.integers(0, 5)), 2, 2)) * size[::-1]
    strokes(rng, gray, list(ends), uniform(rng, (120, 200)))
    return gray


def _per_area(size: Size, count: float) -> int:
    """Return the number of objects in a picture for `count` objects per 224×224 pixels."""
    return min(round(count * size[0] * size[1] / 224**2), 2000)


PAPERS: dict[str, Callable[[np.random.Generator, Size, PaperStyle], Plane]] = {
    "plain": _plain,
    "coloured": _coloured,
    "textured": _textured,
    "recycled": _recycled,
    "crumpled": _crumpled,
    "folded": _folded,
    "newspaper": _newspaper,
    "security": _security,
    "photocopy": _photocopy,
    "stained": _stained,
    "shown through": _shown_through,
    "carbon": _carbon,
    "blackboard": _blackboard,
    "whiteboard": _whiteboard,
    "screen": _screen,
    "parchment": _parchment,
    "receipt": _receipt,
}
