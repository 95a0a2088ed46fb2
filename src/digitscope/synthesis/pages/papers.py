"""Empty sheets of paper, boards and screens.

`draw_paper` chooses one of `paper_kinds`, adds shading and grain, and suggests a gray level for the
ink.
"""

from dataclasses import dataclass

import numpy as np

from digitscope.synthesis.pages.paper_kinds import PAPERS, WEIGHTS, PaperStyle
from digitscope.synthesis.pages.textures import (
    Plane,
    Size,
    choose,
    grain,
    smooth,
    soft_grain,
    triangular,
    uniform,
    window,
)

__all__ = ["TRAINING_KINDS", "VALIDATION_KINDS", "WEIGHTS", "Paper", "PaperStyle", "draw_paper"]

VALIDATION_KINDS = ("parchment", "receipt")  # held out from training, to measure unseen papers
TRAINING_KINDS = tuple(kind for kind in WEIGHTS if kind not in VALIDATION_KINDS)


@dataclass(frozen=True)
class Paper:
    """An empty sheet.

    Attributes
    ----------
    gray : ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.
    ink : float
        Suggested gray level of writing, 0 to 255; lighter than the paper on boards and dark
        screens.
    kind : str
    faults : tuple of str
        The kind, and the names of further effects.
    clear : tuple of int
        Left, top, right, bottom of the area inside black borders, in pixels.
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

    It simulates forms, letters, notebooks, newspapers, cheques, receipts, photocopies, boards and
    screens, before light and camera.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    kind : str, optional
        One of `WEIGHTS`; by default drawn from `kinds`.
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
    faults: tuple[str, ...] = (kind,)
    if rng.random() < style.shade_chance:
        gray += uniform(rng, style.shade) * smooth(rng, size, max(size) * uniform(rng, (0.2, 0.8)))
        faults += ("shade",)
    amount = triangular(rng, style.grain)
    if amount > 0.5:
        texture = grain() if rng.random() < 0.6 else soft_grain()
        gray += amount * window(rng, texture, size)
    sample = gray[::5, ::3]
    level, spread = float(sample.mean()), float(sample.std())
    clear = (0, 0, size[1], size[0])
    if kind == "photocopy":
        clear = _border(rng, gray, style)
    np.clip(gray, 0, 255, out=gray)
    return Paper(gray, _ink(rng, level, spread, style), kind, faults, clear)


def _ink(rng: np.random.Generator, level: float, spread: float, style: PaperStyle) -> float:
    """Return a gray level that is readable on a paper with a given mean and spread."""
    lowest, highest = style.contrast[0] + 1.5 * spread, style.contrast[1]
    if rng.random() < style.pale_chance:
        difference = uniform(rng, (lowest, lowest + (highest - lowest) / 3))
    else:
        difference = max(uniform(rng, (lowest, highest)), uniform(rng, (lowest, highest)))
    room = level - 5 if level > 110 else 250 - level
    difference = min(difference, room)
    return level - difference if level > 110 else level + max(difference, 0.55 * room)


def _border(rng: np.random.Generator, gray: Plane, style: PaperStyle) -> tuple[int, int, int, int]:
    """Draw black borders of a photocopy, in place, and return the box inside them."""
    height, width = gray.shape
    edges = [0, 0, width, height]
    for side in range(4):
        if rng.random() > style.border_chance:
            continue
        band = max(2, round(uniform(rng, style.border) * min(height, width)))
        depth = np.full((height, width)[side % 2], band, np.float32)
        if rng.random() < 0.5:  # slanted and slightly ragged
            slow = np.linspace(0, rng.normal(0, 0.5 * band), len(depth))
            knots = np.linspace(0, len(depth), 2 + len(depth) // 5)
            ragged = np.interp(np.arange(len(depth)), knots, rng.normal(0, 0.6, len(knots)))
            depth = np.clip(depth + slow + ragged, 1, 2 * band).astype(np.float32)
        tone = uniform(rng, (0, 45))
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
