"""Empty sheets of paper, boards and screens as people write on them.

Each kind is one function that returns gray levels; `draw_paper` chooses one, adds what all papers
have (a slow change of level, grain) and suggests the gray of the ink.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from digitscope.synthesis.pages.security import draw_security
from digitscope.synthesis.pages.textures import (
    Plane,
    Range,
    Size,
    below,
    between,
    choose,
    clouds,
    facets,
    fibres,
    flat,
    grain,
    lines,
    smooth,
    soft_grain,
    specks,
    window,
)

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
VALIDATION_KINDS = ("parchment", "receipt")  # kept from training to measure new papers
TRAINING_KINDS = tuple(kind for kind in WEIGHTS if kind not in VALIDATION_KINDS)


@dataclass(frozen=True)
class PaperStyle:
    """How papers vary. Ranges are uniform unless said; levels are gray of 0 to 255.

    Attributes
    ----------
    weights : dict of str to float
        How often each kind is drawn, in proportion to the others.
    white, tinted, old, dark : tuple of float
        Gray levels of white sheets, of coloured and recycled ones, of newspaper and other aged
        paper, of blackboards and dark screens.
    grain : tuple of float
        Spread of the grain that every paper has, in levels; small values are more frequent.
    rough : tuple of float
        Spread of the texture of rough paper, in levels; small values are more frequent.
    shade_chance : float
        Chance that the level of any sheet changes slowly.
    shade : tuple of float
        Spread of that change, in levels.
    crease : tuple of float
        Spread of the light on crumpled paper, and largest step of level at a fold, in levels.
    border_chance : float
        Chance of a black border on each side of a photocopy.
    border : tuple of float
        Its width, as a part of the shorter side.
    specks : tuple of float
        Number of specks on 224×224 pixels of a copy or of recycled paper.
    through : tuple of float
        Contrast of writing that shines through, in levels.
    contrast : tuple of float
        Least and greatest difference of ink and paper, in levels; the greatest holds where the
        paper allows it.
    pale_chance : float
        Chance that the difference comes from the lower third of that range.
    dark_screen_chance : float
        Chance that a screen shows light writing on dark.
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


@dataclass(frozen=True)
class Paper:
    """An empty sheet.

    Attributes
    ----------
    gray : ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.
    ink : float
        Suggested gray of writing, 0 to 255; lighter than the paper on boards and dark screens.
    kind : str
    faults : tuple of str
        The kind, and what else was done to the sheet.
    clear : tuple of int
        Left, top, right, bottom of the part inside black borders, in pixels.
    """

    gray: Plane
    ink: float
    kind: str
    faults: tuple[str, ...]
    clear: tuple[int, int, int, int]


def draw_paper(
    rng: np.random.Generator,
    size: Size,
    kind: str | None = None,
    *,
    kinds: tuple[str, ...] = TRAINING_KINDS,
    style: PaperStyle | None = None,
) -> Paper:
    """Draw an empty sheet.

    It stands for scans of forms and letters, phone photos of notebooks and newspapers, cheques,
    receipts, photocopies, boards and screens, before light and camera.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    kind : str, optional
        One of `WEIGHTS`; drawn from `kinds` by default.
    kinds : tuple of str
        `TRAINING_KINDS` or `VALIDATION_KINDS`.
    style : PaperStyle, optional

    Examples
    --------
    >>> paper = draw_paper(np.random.default_rng(0), (64, 96), "blackboard")
    >>> paper.gray.shape, paper.ink > paper.gray.mean()
    ((64, 96), np.True_)
    """
    style = style or PaperStyle()
    kind = kind or choose(rng, {each: style.weights[each] for each in kinds})
    gray = PAPERS[kind](rng, size, style)
    faults = (kind,)
    if rng.random() < style.shade_chance:
        gray += between(rng, style.shade) * smooth(rng, size, max(size) * between(rng, (0.2, 0.8)))
        faults += ("shade",)
    amount = below(rng, style.grain)
    if amount > 0.5:
        texture = grain() if rng.random() < 0.6 else soft_grain()
        gray += amount * window(rng, texture, size)
    level = float(gray[::8, ::8].mean())
    clear = (0, 0, size[1], size[0])
    if kind == "photocopy":
        clear = _border(rng, gray, style)
    np.clip(gray, 0, 255, out=gray)
    return Paper(gray, _ink(rng, level, style), kind, faults, clear)


def _ink(rng: np.random.Generator, level: float, style: PaperStyle) -> float:
    """Return a gray that can be read on a paper of some mean level."""
    lowest, highest = style.contrast
    if rng.random() < style.pale_chance:
        highest = lowest + (highest - lowest) / 3
    room = level - 5 if level > 110 else 250 - level
    difference = min(between(rng, (lowest, highest)), room)
    return level - difference if level > 110 else level + max(difference, 0.55 * room)


def _plain(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a white or cream sheet: flatbed scans, drawing programs (pure white)."""
    return flat(size, 255.0 if rng.random() < 0.15 else between(rng, style.white))


def _coloured(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return coloured or gray paper: sticky notes, tinted form fields, card."""
    return flat(size, between(rng, style.tinted))


def _textured(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return rough paper: drawing paper, cardboard, envelopes under side light."""
    gray = flat(size, between(rng, style.tinted if rng.random() < 0.4 else style.white))
    pick = rng.random()
    scale = between(rng, (0.7, 2.0))
    amount = below(rng, style.rough)
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
    period = between(rng, (2.5, 7.0))
    along = np.sin(np.arange(size[0]) * (6.283 / period) + 2 * rng.random()).astype(np.float32)
    ribs = along[:, None] + 0.6 * window(rng, grain(), size)
    return ribs if rng.random() < 0.5 else cv2.resize(ribs.T, size[::-1])


def _recycled(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return recycled paper: gray with dark and light flecks and fibres."""
    level = between(rng, (155.0, 220.0))
    gray = flat(size, level) + between(rng, (1.5, 5.0)) * window(rng, fibres(), size)
    count = _per_area(size, between(rng, style.specks))
    specks(rng, gray, count, (level - 70, level + 20), 1.3)
    return gray


def _crumpled(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return paper that was crumpled and smoothed again, under side light."""
    gray = flat(size, between(rng, (185.0, 240.0)))
    gray += below(rng, style.crease) * window(rng, facets(), size, between(rng, (0.6, 1.8)))
    return gray


def _folded(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a letter that was folded once or twice: each part has its own light."""
    gray = flat(size, between(rng, style.white))
    x = np.arange(size[1], dtype=np.float32)[None, :]
    y = np.arange(size[0], dtype=np.float32)[:, None]
    for _ in range(int(rng.integers(1, 4))):
        angle = rng.normal(0, 0.05) + (1.5708 if rng.random() < 0.5 else 0.0)
        cos, sin = float(np.cos(angle)), float(np.sin(angle))
        middle = cos * size[1] * rng.random() + sin * size[0] * rng.random()
        away = cos * x + sin * y - np.float32(middle)
        step = between(rng, style.crease) * (1 if rng.random() < 0.5 else -1)
        near = np.clip(away * np.float32(1 / between(rng, (3, 40))), -1, 1)  # the bent part
        slow = np.clip(away * np.float32(1 / (0.6 * max(size))), -1, 1)
        gray += step * 0.5 * (near - slow)
        if rng.random() < 0.7:  # the broken fibres of the crease itself
            sharp = np.maximum(1 - np.abs(away) * np.float32(1 / between(rng, (0.8, 2.0))), 0)
            gray += sharp * between(rng, (-45, 25))
    return gray


def _newspaper(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return newsprint: gray, fibrous, with the print of the other page shining through."""
    gray = flat(size, between(rng, style.old))
    gray += between(rng, (1.5, 5.0)) * window(rng, fibres(), size, between(rng, (0.6, 1.2)))
    if rng.random() < 0.7:
        gray -= below(rng, style.through) * 0.8 * _print(rng, size)
    return gray


def _print(rng: np.random.Generator, size: Size) -> Plane:
    """Return mirrored columns of print out of focus, 0 to 1."""
    pitch = between(rng, (5.0, 16.0))  # pixels from line to line
    rows = np.arange(size[0]) / pitch + rng.random()
    inside = (rows % 1 < 0.55).astype(np.float32)
    letters = window(rng, grain(), (int(rows[-1]) + 1, size[1]), turn=False) > 0
    words = smooth(rng, (int(rows[-1]) + 1, size[1]), 1.0, 2.5 * pitch) > -0.6
    mask = (letters & words).astype(np.float32)[rows.astype(int)] * inside[:, None]
    return cv2.GaussianBlur(mask, (0, 0), between(rng, (0.8, 2.2)))  # type: ignore[no-any-return]


def _security(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return the fine patterns of a bank cheque."""
    return draw_security(rng, size)


def _photocopy(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a photocopy or fax: white, with specks and sometimes streaks of the drum."""
    level = between(rng, (225.0, 255.0))
    gray = flat(size, level)
    count = _per_area(size, below(rng, style.specks))
    specks(rng, gray, count, (0, 140), between(rng, (0.8, 2.4)))
    if rng.random() < 0.25:
        for _ in range(int(rng.integers(1, 4))):
            column = int(rng.integers(size[1]))
            gray[:, column : column + int(rng.integers(1, 3))] -= between(rng, (10, 90))
    if rng.random() < 0.2:  # toner that lies as a veil
        gray -= between(rng, (5, 30)) * (window(rng, grain(), size) > between(rng, (0.5, 2)))
    return gray


def _border(rng: np.random.Generator, gray: Plane, style: PaperStyle) -> tuple[int, int, int, int]:
    """Draw black borders of a copier in place and return the box inside them."""
    height, width = gray.shape
    edges = [0, 0, width, height]
    for side in range(4):
        if rng.random() > style.border_chance:
            continue
        band = max(2, round(between(rng, style.border) * min(height, width)))
        ragged = rng.normal(0, 0.8, (height, width)[side % 2 == 1]).cumsum() * (rng.random() < 0.5)
        depth = np.clip(band + ragged, 1, 2 * band).astype(np.float32)
        tone = between(rng, (0, 45))
        if side % 2 == 0:
            place = np.arange(2 * band + 1, dtype=np.float32)[None, :]
            cover = np.clip(depth[:, None] - place, 0, 1)
            part = gray[:, : 2 * band + 1] if side == 0 else gray[:, : -2 * band - 2 : -1]
        else:
            place = np.arange(2 * band + 1, dtype=np.float32)[:, None]
            cover = np.clip(depth[None, :] - place, 0, 1)
            part = gray[: 2 * band + 1] if side == 1 else gray[: -2 * band - 2 : -1]
        part += (tone - part) * cover
        edges[side] += (2 * band) * (1 if side < 2 else -1)
    return edges[0], edges[1], edges[2], edges[3]


def _stained(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return paper with rings of cups, spots of oil and water, dirty corners."""
    gray = flat(size, between(rng, style.white))
    small = tuple(max(1, side // 2) for side in size)
    layer = np.zeros(small, np.float32)
    for _ in range(int(rng.integers(1, 6))):
        centre = (int(rng.random() * small[1]), int(rng.random() * small[0]))
        radius = max(2, int(between(rng, (0.03, 0.4)) * min(small)))
        axes = (radius, max(1, int(radius * between(rng, (0.6, 1)))))
        depth = between(rng, (6, 45))
        if rng.random() < 0.4:
            cv2.ellipse(layer, centre, axes, 0, 0, between(rng, (150, 360)), depth, 2)
        else:
            cv2.ellipse(layer, centre, axes, between(rng, (0, 180)), 0, 360, depth, -1)
    layer = cv2.GaussianBlur(layer, (0, 0), between(rng, (0.8, 6.0)))
    uneven = 1 + 0.35 * window(rng, clouds(), small)
    gray -= cv2.resize(layer * uneven, size[::-1])
    return gray


def _shown_through(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return thin paper through which the writing of its back shines, mirrored and blurred."""
    gray = flat(size, between(rng, (195.0, 245.0)))
    canvas = np.zeros(size, np.uint8)
    pitch = between(rng, (18.0, 60.0))
    slope = rng.normal(0, 0.03)
    line = -0.5 * pitch
    while line < size[0] + pitch:
        line += pitch * between(rng, (0.9, 1.3))
        steps = int(1 + 4.5 * size[1] / pitch)
        angle = np.arange(steps * 4) * 0.9
        turns = rng.normal(1, 0.35, steps * 4)
        x = np.arange(steps * 4) * (pitch * 0.09) + 0.16 * pitch * np.cos(angle) * turns
        y = line - slope * x + 0.24 * pitch * np.sin(angle) * turns * rng.uniform(0.4, 1.5)
        points = np.column_stack([x - 0.2 * (y - line), y]) * 16
        gaps = np.sort(rng.integers(0, steps * 4, 2 + steps // 5))
        width = 1 if pitch < 30 else 2
        for word in np.split(points.astype(np.int32), gaps)[::1]:
            if len(word) > 5:
                cv2.polylines(canvas, [word[:-3]], False, 255, width, cv2.LINE_AA, 4)
    blurred = cv2.GaussianBlur(canvas, (0, 0), between(rng, (0.7, 2.2)))
    gray -= blurred * np.float32(below(rng, style.through) / 160)
    return gray


def _carbon(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return the second sheet of a carbon set: pale, with smudges and grainy pressure marks."""
    gray = flat(size, between(rng, (150.0, 225.0)))
    smudge = window(rng, clouds(), size, between(rng, (0.8, 2)))
    gray -= between(rng, (4, 14)) * np.maximum(smudge, 0)
    gray += between(rng, (2, 8)) * window(rng, soft_grain(), size)
    return gray


def _board(rng: np.random.Generator, size: Size, level: float, wiped: float) -> Plane:
    """Return a board with the broad arcs of a wiped sponge and clouds of dust."""
    gray = flat(size, level)
    few = (max(2, size[0] // 4), max(2, size[1] // 4))
    streaks = smooth(rng, few, between(rng, (1.0, 3.0)), between(rng, (20, 60)))
    angle = rng.normal(0, 35)
    turn = cv2.getRotationMatrix2D((few[1] / 2, few[0] / 2), angle, 1.6)
    streaks = cv2.warpAffine(streaks, turn, few[::-1], borderMode=cv2.BORDER_REFLECT)
    streaks *= 0.5 + 0.5 * smooth(rng, few, between(rng, (10, 30)))
    gray += cv2.resize(wiped * streaks, size[::-1], interpolation=cv2.INTER_CUBIC)
    gray += 0.7 * wiped * window(rng, clouds(), size)
    return gray


def _blackboard(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a blackboard or slate with smears of chalk."""
    gray = _board(rng, size, between(rng, (30.0, 85.0)), between(rng, (2, 12)))
    gray += between(rng, (0, 5)) * window(rng, soft_grain(), size)
    return gray


def _whiteboard(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a whiteboard with pale rests of wiped pens."""
    return _board(rng, size, between(rng, (190.0, 245.0)), between(rng, (0.5, 6)))


def _screen(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return a screen, plain as in a screenshot or photographed: its pixels, moiré."""
    dark = rng.random() < style.dark_screen_chance
    gray = flat(size, between(rng, style.dark) if dark else between(rng, (215.0, 255.0)))
    if rng.random() < 0.4:
        return gray
    x, y = np.arange(size[1], dtype=np.float32)[None, :], np.arange(size[0])[:, None]
    depth = between(rng, (2, 9)) * (0.6 if dark else 1.0)
    if rng.random() < 0.6:
        pitch = 6.283 / between(rng, (2.1, 6.0))
        gray += depth * (np.cos(pitch * x) * 0.5 + np.cos(pitch * y).astype(np.float32) * 0.5)
    for _ in range(int(rng.integers(0, 3))):
        spacing, angle = between(rng, (6, 50)), between(rng, (0, 3.1416))
        phase = np.float32(np.cos(angle) / spacing) * x
        phase = phase + (np.sin(angle) / spacing * y).astype(np.float32)
        phase += between(rng, (0, 1.2)) * smooth(rng, size, max(size) / 2)
        gray += depth * (lines(phase, 0.5) - 0.5)
    return gray


def _parchment(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return the paper of old registers: brown, blotched, fibrous, darker at some edges."""
    gray = flat(size, between(rng, style.old))
    gray += between(rng, (4, 12)) * window(rng, clouds(), size, between(rng, (0.5, 1.5)))
    gray += between(rng, (1, 5)) * window(rng, fibres(), size)
    gray -= between(rng, (0, 18)) * np.maximum(smooth(rng, size, max(size) / 3), 0)
    specks(rng, gray, _per_area(size, 20), (90, 150), 2.0)
    return gray


def _receipt(rng: np.random.Generator, size: Size, style: PaperStyle) -> Plane:
    """Return thermal paper: pale, with streaks along the roll and scratches."""
    gray = flat(size, between(rng, (190.0, 245.0)))
    streak = rng.standard_normal(size[1]).astype(np.float32)
    gray += between(rng, (1, 4)) * streak[None, :]
    gray += between(rng, (1, 6)) * smooth(rng, size, size[0] / 2, 12)
    for _ in range(int(rng.integers(0, 5))):
        ends = (rng.random(4) * (size[1], size[0], size[1], size[0])).astype(int).tolist()
        cv2.line(gray, ends[:2], ends[2:], between(rng, (120, 200)), 1, cv2.LINE_AA)
    return gray


def _per_area(size: Size, count: float) -> int:
    """Return how many things there are in a picture if there are `count` on 224×224 pixels."""
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
