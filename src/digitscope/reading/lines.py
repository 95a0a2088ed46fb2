"""Text lines: the numbers of a page, grouped from top to bottom and from left to right.

The skew of the page is the slope for which the tops and bottoms of the digits fall into the fewest
rows (Baird, "The skew angle of printed documents", 1987). After deskewing, numbers of similar
height side by side are in one line; lines that continue each other are joined.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from digitscope.reading.glyphs import Floats, median
from digitscope.reading.parameters import ReadingParameters


def find_lines(
    boxes: Floats, raised: Sequence[bool], parameters: ReadingParameters, slope: float
) -> list[list[int]]:
    """Return lines from top to bottom, each as indices of its numbers from left to right.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4), dtype float32
        Left, top, right, bottom of each number's digits.
    raised : sequence of bool
        Which of them are superscripts; each is put behind the number that it belongs to.
    parameters : ReadingParameters
    slope : float
        Pixels down per pixel to the right, from `find_slope`.
    """
    level = deskew(boxes, slope)
    on_base = [k for k, up in enumerate(raised) if not up]
    names = _group_rows(level[on_base], parameters)
    lines: dict[int, list[int]] = {}
    for k, name in zip(on_base, names.tolist(), strict=True):
        lines.setdefault(name, []).append(k)
    rows = [sorted(line, key=lambda k: (level[k, 0], k)) for line in lines.values()]
    for k in sorted((k for k, up in enumerate(raised) if up), key=lambda k: float(level[k, 0])):
        _insert_superscript(k, rows, level)
    return sorted(rows, key=lambda line: median(level[line, 1]))


def deskew(boxes: Floats, slope: float) -> Floats:
    """Return boxes moved up or down so that their lines are horizontal."""
    drop = slope * (boxes[:, 0] + boxes[:, 2]) / 2
    level = boxes.copy()
    level[:, 1] -= drop
    level[:, 3] -= drop
    return level


def find_slope(boxes: Floats, parameters: ReadingParameters) -> float:
    """Return the slope of the lines, in pixels down per pixel to the right.

    Parameters
    ----------
    boxes : ndarray of shape (n, 4), dtype float32
        Left, top, right, bottom of digits.
    parameters : ReadingParameters
    """
    if len(boxes) < 4:
        return 0.0
    height = boxes[:, 3] - boxes[:, 1]
    usual = median(height)
    alike = boxes[(height > 0.5 * usual) & (height < 2 * usual)]
    x = (alike[:, 0] + alike[:, 2]) / 2
    degrees = np.arange(-parameters.max_skew, parameters.max_skew + 0.1, 0.5)
    slopes = np.tan(np.radians(degrees))
    scores = np.zeros(len(slopes))
    for edge in (1, 3):
        y = alike[:, edge] - slopes[:, None] * x  # (slopes, boxes)
        y = (y - y.min(axis=1, keepdims=True)) / (usual / 4)
        # Each edge is divided between its two nearest rows, so that row borders do not matter.
        low = np.floor(y).astype(int)
        n_rows = int(low.max()) + 2
        first = (low + n_rows * np.arange(len(slopes))[:, None]).ravel()
        share = (y - low).ravel()
        rows = np.bincount(first, 1 - share, n_rows * len(slopes))
        rows += np.bincount(first + 1, share, n_rows * len(slopes))
        scores += (rows.reshape(len(slopes), n_rows) ** 2).sum(axis=1)
    # Without clear evidence of a skew the page counts as level.
    best, straight = int(scores.argmax()), scores[len(slopes) // 2]
    return float(slopes[best]) if scores[best] > 1.15 * straight else 0.0


def _group_rows(level: Floats, parameters: ReadingParameters) -> NDArray[np.int64]:
    """Return the label of each number's line."""
    left, top, right, bottom = level.T
    height = bottom - top
    names = np.arange(len(level))
    for i in np.argsort(left, kind="stable").tolist():
        # The nearest number to the right in the same row.
        shared = np.minimum(bottom[i], bottom) - np.maximum(top[i], top)
        beside = shared >= parameters.row_overlap * np.maximum(height[i], height)
        beside &= (left > left[i]) & ((left + right) / 2 > right[i])
        for j in np.flatnonzero(beside)[np.argsort(left[beside], kind="stable")].tolist()[:3]:
            one, other = level[names == names[i]], level[names == names[j]]
            if names[i] != names[j] and not _share_columns(one, other):
                names[names == names[j]] = names[i]
                break
    return names


def _share_columns(one: Floats, other: Floats) -> bool:
    """Return whether a number of one line is above or below a number of the other line."""
    shared = np.minimum(one[:, None, 2], other[None, :, 2])
    shared = shared - np.maximum(one[:, None, 0], other[None, :, 0])
    width = np.minimum(one[:, None, 2] - one[:, None, 0], other[None, :, 2] - other[None, :, 0])
    return bool((shared > 0.5 * width).any())


def _insert_superscript(k: int, rows: list[list[int]], level: Floats) -> None:
    """Insert a superscript into the line, behind the number that it belongs to."""
    best: tuple[float, list[int], int] | None = None
    height = float(level[k, 3] - level[k, 1])
    for row in rows:
        for place, i in enumerate(row):
            across = max(float(level[k, 0] - level[i, 2]), 0.0)
            down = max(float(level[i, 1] - level[k, 3]), float(level[k, 1] - level[i, 3]), 0.0)
            behind = level[k, 0] + level[k, 2] > level[i, 0] + level[i, 2]
            if behind and (best is None or across + down < best[0]):
                best = across + down, row, place
    if best is None or best[0] > 2 * height:
        rows.append([k])
    else:
        best[1].insert(best[2] + 1, k)
