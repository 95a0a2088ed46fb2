"""Group pieces of ink into lines of text, whatever their sizes and however askew the page.

Two pieces stand in one line when they overlap in height by nearly half of the taller one and no
wide gap parts them; so a large number and the small print beside it keep apart without any global
line height. The skew is that angle under which tops and bottoms fall into the fewest rows (Baird,
1987); the slant of the hand is the shear under which the pieces are narrowest. What is much smaller
than its neighbour (the hat of a 5, a dot, a superscript) goes along with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.reading.pieces import EDGE, Lean, Piece, extent

STEEPEST = 15  # degrees
OVERLAP = 0.45  # of the taller piece
NEAR = 1.5  # heights between neighbours
FEW, SAMPLE = 4, 40  # pieces by which the slant of a hand is judged: at least, at most
NARROWER = 0.95  # the share of their width to which pieces must shrink under a slant
SMALL = 0.45  # of the neighbour's height; such a piece goes along and is no line of its own
PART = 0.75  # of the neighbour's height; such a piece goes along if it is close
CLOSE = 0.35  # of a piece's size; so near lies a part of a broken digit


@dataclass(frozen=True, eq=False)
class TextLine:
    """Pieces that stand in a row.

    Attributes
    ----------
    pieces : tuple of Piece
        From left to right.
    small : tuple of Piece
        What goes along with them: hats, dots, dashes, superscripts.
    height : float
        Of its digits, in pixels.
    lean : Lean
    """

    pieces: tuple[Piece, ...]
    small: tuple[Piece, ...]
    height: float
    lean: Lean


def find_lines(pieces: Sequence[Piece], *, level: bool = False) -> list[TextLine]:
    """Return the lines of a page from top to bottom; `level` when it is known not to be askew."""
    if not pieces:
        return []
    boxes = np.array([(p.left, p.top, p.right, p.bottom) for p in pieces], np.float32)
    slope = 0.0 if level else find_slope(boxes)
    lean = Lean(slope, find_slant(pieces, boxes, slope))
    boxes = np.array([extent(p, lean) for p in pieces], np.float32)
    names = _link(boxes)
    names = _join_rows(boxes, names)
    home = _find_homes(pieces, boxes, names)
    # What goes along with something that goes along itself ends where that ends.
    for _ in range(3):
        home = np.where((home >= 0) & (home[home] >= 0), home[home], home)
    lines = []
    for name in np.unique(names):
        own = np.flatnonzero((names == name) & (home < 0))
        if not len(own):
            continue
        along = np.flatnonzero(np.isin(home, own))
        height = float(np.median(boxes[own, 3] - boxes[own, 1]))
        top = float(np.median(boxes[own, 1]))
        line = TextLine(
            tuple(pieces[i] for i in own.tolist()),
            tuple(pieces[i] for i in along.tolist()),
            height,
            lean,
        )
        lines.append((top, line))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def find_slope(boxes: NDArray[np.float32]) -> float:
    """Return by how many pixels the lines fall per pixel to the right.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4), dtype float32
        Left, top, right, bottom.
    """
    height = boxes[:, 3] - boxes[:, 1]
    width = boxes[:, 2] - boxes[:, 0]
    usual = float(np.median(height[height >= 0.5 * np.percentile(height, 90)]))
    text = (height > 0.5 * usual) & (height < 2 * usual) & (width < 3 * usual)
    if text.sum() < 4:
        return 0.0
    x = (boxes[text, 0] + boxes[text, 2]) / 2
    slopes = np.tan(np.radians(np.arange(-STEEPEST - 2, STEEPEST + 2.1, 0.5)))
    scores = np.zeros(len(slopes))
    for edge in (1, 3):
        y = boxes[text, edge] - slopes[:, None] * x  # (slopes, boxes)
        y = (y - y.min(axis=1, keepdims=True)) / (usual / 4)
        # Each edge is shared between its two rows, so that no row's border matters.
        low = np.floor(y).astype(int)
        most = int(low.max()) + 2
        first = (low + most * np.arange(len(slopes))[:, None]).ravel()
        share = (y - low).ravel()
        rows = np.bincount(first, 1 - share, most * len(slopes))
        rows += np.bincount(first + 1, share, most * len(slopes))
        scores += (rows.reshape(len(slopes), most) ** 2).sum(axis=1)
    best, straight = int(scores.argmax()), scores[len(slopes) // 2]
    return float(slopes[best]) if scores[best] > 1.15 * straight else 0.0


def find_slant(pieces: Sequence[Piece], boxes: NDArray[np.float32], slope: float) -> float:
    """Return by how many pixels upright strokes go to the right per pixel up from their line.

    It is the shear under which the pieces are narrowest. A little of it is in every hand and counts
    as none.
    """
    height = boxes[:, 3] - boxes[:, 1]
    usual = float(np.median(height[height >= 0.5 * np.percentile(height, 90)]))
    text = np.flatnonzero((height > 0.6 * usual) & (height < 1.7 * usual))
    if len(text) < FEW:
        return 0.0
    slants = np.arange(-8, 9) / 10
    shears = np.array([Lean(slope, slant).matrix[0] for slant in slants])  # x and y to along
    width = np.zeros(len(slants))
    for i in text[:: -(-len(text) // SAMPLE)].tolist():
        ink = pieces[i].ink > EDGE
        y = np.flatnonzero(ink.any(axis=1))
        first = ink[y].argmax(axis=1)
        last = ink.shape[1] - 1 - ink[y, ::-1].argmax(axis=1)
        low = (shears[:, :1] * first + shears[:, 1:] * y).min(axis=1)
        high = (shears[:, :1] * last + shears[:, 1:] * y).max(axis=1)
        width += (high - low) / ink.shape[0]
    best = int(width.argmin())
    return float(slants[best]) if width[best] < NARROWER * width[len(slants) // 2] else 0.0


def _link(boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return for each box the name of its line: neighbours of like height side by side."""
    left, top, right, bottom = boxes.T
    height = bottom - top
    names = np.arange(len(boxes))
    order = np.argsort(left)
    for i in order:
        shared = np.minimum(bottom[i], bottom) - np.maximum(top[i], top)
        taller = np.maximum(height[i], height)
        gap = np.maximum(left[i], left) - np.minimum(right[i], right)
        near = (shared >= OVERLAP * taller) & (gap <= NEAR * taller)
        same = np.zeros(len(boxes), bool)
        same[names[near]] = True
        names[same[names]] = same.argmax()
    return names


def _join_rows(boxes: NDArray[np.float32], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join lines that continue each other further along the same row."""
    rows = []
    for name in np.unique(names):
        own = boxes[names == name]
        rows.append((float(np.median(own[:, 1])), float(np.median(own[:, 3])), int(name)))
    rows.sort()
    names = names.copy()
    now = {name: name for _, _, name in rows}
    for i, (top, bottom, name) in enumerate(rows):
        for next_top, next_bottom, other in rows[i + 1 : i + 30]:
            shared = min(bottom, next_bottom) - max(top, next_top)
            if shared >= 0.6 * max(bottom - top, next_bottom - next_top):
                old, new = now[other], now[name]
                names[names == old] = new
                now = {key: new if value == old else value for key, value in now.items()}
                break
    return names


def _find_homes(
    pieces: Sequence[Piece], boxes: NDArray[np.float32], names: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return for each piece the taller neighbour that it goes along with, or -1."""
    left, top, right, bottom = boxes.T
    height = bottom - top
    home = np.full(len(boxes), -1)
    company = np.bincount(names, minlength=len(boxes))[names]
    of_line = np.zeros(len(boxes), np.float32)
    for name in np.unique(names):
        of_line[names == name] = np.median(height[names == name])
    of_line = np.maximum(of_line, height)
    for i in np.flatnonzero(height < PART * of_line.max()).tolist():
        size = max(height[i], right[i] - left[i])
        middle_x, middle_y = (left[i] + right[i]) / 2, (top[i] + bottom[i]) / 2
        away_x = np.maximum(np.maximum(left - middle_x, middle_x - right), 0) / of_line
        away_y = np.maximum(np.maximum(top - middle_y, middle_y - bottom), 0) / of_line
        beside = (away_x < 0.7) & (away_y < 0.35)
        gap_x = np.maximum(np.maximum(left - right[i], left[i] - right), 0)
        gap_y = np.maximum(np.maximum(top - bottom[i], top[i] - bottom), 0)
        close = (np.maximum(gap_x, gap_y) < CLOSE * size) & (away_y < 0.35)
        # Three of a size are a line of their own, unless they cling to something taller.
        clings = (height[i] < PART * of_line) & close
        beside &= (height[i] < SMALL * of_line) & (company[i] < 3)
        fits = np.flatnonzero((clings | beside) & (names != names[i]))
        for j in fits[np.argsort((away_x + away_y)[fits], kind="stable")].tolist():
            if beside[j] or _is_near(pieces[i], pieces[j], round(CLOSE * size)):
                home[i] = j
                break
    return home


def _is_near(piece: Piece, other: Piece, reach: int) -> bool:
    """Tell whether there is ink of another piece around the box of this one."""
    rows = slice(max(0, piece.top - reach - other.top), max(0, piece.bottom + reach - other.top))
    columns = slice(
        max(0, piece.left - reach - other.left), max(0, piece.right + reach - other.left)
    )
    return bool((other.ink[rows, columns] > 127).any())
