"""Digits that touch: rows of them as they stand, and single ones cut out of a row.

Who reads a page meets both: a piece of ink that is several digits, and what a cut leaves of one,
with a stub of its neighbour on it or a bit of its own missing.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.data.synthetic_clutter import Digits, trim
from digitscope.data.synthetic_wear import REACH, Ink, Wear
from digitscope.images import DIGITS, SIDE, Images

LENGTHS = (0.6, 0.24, 0.11, 0.05)  # shares of rows of two, three, four and five digits
APART = 0.15  # share of neighbours that do not touch
DEEP = 7.0  # canvas pixels, of a digit 64 high, that touching strokes overlap at most
LEANS = 0.4  # pixels across for each pixel up, of a cut
STRAY = 5  # canvas pixels that a cut may miss the best place
STUB = 3  # canvas pixels of a neighbour that a winding cut may leave
OWN, FOREIGN = 0.85, 0.12  # shares of a digit's ink that a cut must leave and may add


def draw_rows(n: int, rng: np.random.Generator, digits: Digits, wear: float = 1.0) -> Images:
    """Draw rows of two to five digits, most of them touching.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    digits : Digits
        Where the digits are taken from.
    wear : float
        0 to 1, what happens to them on their way into an image.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8

    Examples
    --------
    >>> from digitscope.data.synthetic_clutter import gather
    >>> rng = np.random.default_rng(0)
    >>> draw_rows(3, rng, gather(20, rng)).shape
    (3, 28, 28)
    """
    lengths = rng.choice(np.arange(2, 2 + len(LENGTHS)), n, p=LENGTHS)
    finish = Wear(n, rng, wear).finish
    images = np.empty((n, SIDE, SIDE), np.uint8)
    for i, length in enumerate(lengths.tolist()):
        parts = [_sized(digits.pick(rng), rng) for _ in range(length)]
        ink = np.maximum.reduce(_set(parts, rng))
        images[i] = finish(_reduced(ink), i)
    return images


def draw_cut_out(
    labels: NDArray[np.integer], rng: np.random.Generator, digits: Digits, wear: float = 1.0
) -> Images:
    """Draw digits that were cut out of a row: each touched one neighbour, or one on each side.

    Parameters
    ----------
    labels : ndarray of shape (n,), whole numbers from 0 to 9
    rng : numpy.random.Generator
    digits : Digits
        With some of each label.
    wear : float

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
    """
    of_label = [np.flatnonzero(digits.labels == label) for label in range(DIGITS)]
    finish = Wear(len(labels), rng, wear).finish
    images = np.empty((len(labels), SIDE, SIDE), np.uint8)
    for i, label in enumerate(labels.tolist()):
        subject = digits.inks[int(rng.choice(of_label[label]))]
        images[i] = finish(_reduced(_cut_out(subject, rng, digits)), i)
    return images


def _cut_out(subject: Ink, rng: np.random.Generator, digits: Digits) -> Ink:
    """Set a digit between neighbours and cut it out again."""
    left, right = ((True, False), (False, True), (True, True))[int(rng.integers(3))]
    parts = [_sized(subject, rng)]
    if left:
        parts.insert(0, _sized(digits.pick(rng), rng))
    if right:
        parts.append(_sized(digits.pick(rng), rng))
    layers = _set(parts, rng)
    own = layers[int(left)]
    row: Ink = np.maximum.reduce(layers)
    kept = row.copy()
    for neighbour, side in ((layers[0], -1), (layers[-1], 1)):
        if neighbour is not own:
            kept[_beyond_cut(own, neighbour, row, side, rng)] = 0
    mass = max(float(own.sum()), 1.0)
    remains = float(np.minimum(own, kept).sum()) / mass
    added = float(cv2.subtract(kept, own).sum()) / mass
    if remains >= OWN and added <= FOREIGN:
        return kept
    # No line parts them: one that winds around the digit leaves a stub of what touches it.
    reach = int(rng.integers(0, STUB + 1))
    around = cv2.dilate(own, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    stubbed: Ink = np.where(around > 127, row, own)
    return stubbed


def _beyond_cut(
    own: Ink, neighbour: Ink, row: Ink, side: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return what lies beyond a line of random lean that crosses little ink between two digits."""
    height, width = row.shape
    up = (height - 1) / 2 - np.arange(height)
    columns = np.arange(width)
    one, two = (own, neighbour) if side > 0 else (neighbour, own)
    (_, end), (start, _) = _span(one), _span(two)
    middle = (end + start) / 2
    best, line = np.inf, np.zeros(height)
    for lean in rng.uniform(-LEANS, LEANS, 6):
        for at in middle + np.arange(-9, 10, 3):
            candidate = at + lean * up
            where = candidate.round().astype(int).clip(0, width - 1)
            cost = float(row[np.arange(height), where].sum()) + 100 * abs(at - middle)
            if cost < best:
                best, line = cost, candidate
    line = line + rng.uniform(-STRAY, STRAY)
    beyond: NDArray[np.bool_] = (columns - line[:, None]) * side > 0
    return beyond


def _span(ink: Ink) -> tuple[int, int]:
    left, _, width, _ = cv2.boundingRect(ink)
    return left, left + width


def _sized(ink: Ink, rng: np.random.Generator) -> Ink:
    """Scale a digit to a height of about 64."""
    scale = 64 / max(ink.shape[0], 0.6 * ink.shape[1]) * rng.uniform(0.85, 1.1)
    size = (max(2, round(ink.shape[1] * scale)), max(2, round(ink.shape[0] * scale)))
    scaled: Ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    return scaled


def _set(parts: list[Ink], rng: np.random.Generator) -> list[Ink]:
    """Set digits side by side, most so close that their strokes touch; one picture of each."""
    tops = [round((120 - part.shape[0]) / 2 + rng.uniform(-8, 8)) for part in parts]
    tops = [max(0, top) for top in tops]
    lefts = [0]
    front = _edge(parts[0], tops[0], -1)  # the last column of ink so far in each row
    for part, top in zip(parts[1:], tops[1:], strict=True):
        back = _edge(part, top, 1)
        touch = float(np.min(back - front))  # the shift to the left that makes them meet
        if not np.isfinite(touch):  # no row in common
            touch = -float(np.nanmax(np.where(np.isfinite(front), front, np.nan)))
        gap = rng.uniform(2, 14) if rng.random() < APART else -rng.uniform(0, DEEP)
        left = round(gap - touch)
        lefts.append(left)
        front = np.maximum(front, _edge(part, top, -1) + left)
    least = min(lefts)
    width = max(left - least + part.shape[1] for left, part in zip(lefts, parts, strict=True))
    layers = []
    for part, top, left in zip(parts, tops, lefts, strict=True):
        layer = np.zeros((140, width + 4), np.uint8)
        layer[top : top + part.shape[0], left - least : left - least + part.shape[1]] = part
        layers.append(layer)
    return layers


def _edge(part: Ink, top: int, side: int) -> NDArray[np.float64]:
    """Return in each row of a canvas the first (1) or last (-1) column of ink; ∞ or -∞ for none."""
    edge = np.full(140, side * np.inf)
    inked = part > 127
    rows = inked.any(axis=1)
    last = part.shape[1] - 1
    found = inked.argmax(axis=1) if side > 0 else last - inked[:, ::-1].argmax(axis=1)
    edge[top : top + len(part)][rows] = found[rows]
    return edge


def _reduced(ink: Ink) -> Ink:
    """Cut ink to its box and scale it to what a canvas holds: wear is in a canvas's pixels."""
    ink = trim(ink)
    scale = REACH / max(ink.shape)
    if scale >= 0.9:
        return ink
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    reduced: Ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    return reduced
