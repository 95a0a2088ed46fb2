"""The ink of one digit, without shadows, frames, ruling lines, specks and parts of neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray
from digitscope.image.ink import find_ink

TINY = 40  # pixels; a picture with a shorter side is a crop to be taken as it is
SHADE = 0.15  # share of the contrast by which shaded paper is at least paler than ink
PAST = 0.05  # share of the picture's longer side by which a ruling line outruns the digit
THINNER = 0.85  # largest width of a ruling line, in stroke widths of the digit
RIM = 0.15  # share of a frame's sides along which it lies, at most
WITHIN = 0.3  # least height of what a frame surrounds, as a share of the frame's
SMALL = 160  # pixels; the longer side of the copy on which the paper is found
WINDOW = 0.4  # side of its median, as a share of that copy's shorter side
GAP = 0.05  # largest gap in a broken stroke, as a share of the ink's longer side
NEAR = 0.15  # largest distance between pieces of a digit, as a share of its longer side


def isolate_digit(gray: Gray, ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the ink of the one digit on a picture, without what else lies about."""
    if min(gray.shape) < TINY:
        return ink
    if _border_share(ink) > 0.25:
        light = float(gray[ink > 96].mean()) > float(gray[ink <= 96].mean())
        local = find_ink(_evenly_lit(255 - gray if light else gray))
        if _border_share(local) < _border_share(ink) and _was_shadow(gray, ink, local):
            ink = local
    whole = ink.round().astype(np.uint8)
    ruled = _unless_strokes(whole, _without_frame(whole))
    ruled = _unless_strokes(ruled, _without_lines(ruled))
    ruled = _unless_strokes(ruled, _without_lines(ruled.T).T)
    digit = _without_specks(ruled)
    return digit if digit.any() else ink


def _evenly_lit(gray: Gray) -> Gray:
    """Return a picture divided by its paper: a median over a window that no stroke fills."""
    import cv2  # which a small crop can do without

    few = SMALL / max(gray.shape)
    small = cv2.resize(gray, None, fx=few, fy=few, interpolation=cv2.INTER_AREA)
    window = 2 * round(WINDOW * min(small.shape) / 2) + 1
    paper = cv2.medianBlur(small, max(window, 3))
    paper = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    even: Gray = cv2.divide(gray, np.maximum(paper, 1), scale=200)
    return even


def _border_share(ink: NDArray[np.float32]) -> float:
    """Return how much of the picture's border is inked, 0 to 1."""
    border = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    return float((border > 96).mean())


def _was_shadow(gray: Gray, ink: NDArray[np.float32], local: NDArray[np.float32]) -> bool:
    """Tell whether ink held a shadow, so that local ink, found by another method, is right.

    The paper in a shadow is paler than what is written on it. The inside of a broad stroke, which
    that method may lose, is not paler than the rest of the stroke.
    """
    inked, found = ink > 96, local > 96
    side = inked if 2 * np.count_nonzero(inked & found) > np.count_nonzero(found) else ~inked
    parts = (side & found, side & ~found, ~side)
    if not all(part.any() for part in parts):
        return False
    written, lost, other = (float(gray[part].mean()) for part in parts)
    return bool((lost - written) * np.sign(other - written) > SHADE * abs(other - written))


def _unless_strokes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink after rules were removed, or before if strokes of the digit were.

    A ruling line is thinner than the digit's strokes, or reaches beyond the digit at both ends. A
    frame reaches beyond the largest piece of the digit on all sides.
    """
    if after is before:
        return before
    import cv2

    rest = (_without_specks(after) > 96).astype(np.uint8)
    gone = ((before > 96) & (after <= 96)).astype(np.uint8)
    if not rest.any() or not gone.any():
        return after if rest.any() else before
    if _stroke_width(gone) < THINNER * _stroke_width(rest):
        return after
    _, names, stats, _ = cv2.connectedComponentsWithStats(rest)
    main = names == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    return after if any(_past(gone, rest)) or all(_past(gone, main)) else before


def _past(gone: NDArray[Any], rest: NDArray[Any]) -> list[bool]:
    """Tell whether ink goes on past the rest at left and right, and whether at top and bottom."""
    least = PAST * max(rest.shape)
    ends = [
        [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for mask in (gone, rest)] for axis in (0, 1)
    ]
    return [bool(far[0] < near[0] - least and far[1] > near[1] + least) for far, near in ends]


def _stroke_width(inside: NDArray[np.uint8]) -> float:
    """Return the mean width of strokes in pixels, from a mask with ink.

    Across a bar w pixels wide the distance to the first pixel outside is (w + 2) / 4 in the mean.
    """
    import cv2

    depth = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    return 4 * float(depth.sum(dtype=np.float64)) / max(cv2.countNonZero(inside), 1) - 2


def _without_frame(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink without frames: the largest piece, if it lies along its box around another."""
    import cv2

    mask = (ink > 96).astype(np.uint8)
    _, names, stats, _ = cv2.connectedComponentsWithStats(mask)
    if len(stats) < 3:
        return ink
    piece = 1 + int((stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]).argmax())
    left, top, wide, high, _ = stats[piece].tolist()
    across, down = round(RIM * wide), round(RIM * high)
    inner = names[top + down : top + high - down, left + across : left + wide - across]
    within = stats[np.setdiff1d(inner, [0]), cv2.CC_STAT_HEIGHT]
    if (inner == piece).any() or within.max(initial=0) <= WITHIN * high:
        return ink
    around = cv2.dilate((names == piece).astype(np.uint8), np.ones((5, 5), np.uint8))
    around[mask.astype(bool) & (names != piece)] = 0
    return _without_frame(np.where(around, 0, ink).astype(np.uint8))


def _without_lines(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink without thin lines that go from the left border straight to the right one.

    On a page a rule is told by its length; here the digit may be nearly as large as the picture.
    """
    import cv2

    width = ink.shape[1]
    mask = (ink > 96).astype(np.uint8)
    long = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, round(0.6 * width)), np.uint8))
    _, names, stats, _ = cv2.connectedComponentsWithStats(long)
    left, _, wide, high, _ = stats.T
    is_line = (left <= 1) & (left + wide >= width - 1) & (high <= max(2, width // 25))
    is_line[0] = False  # the paper
    if not is_line.any():
        return ink
    # With its soft edges; where ink goes on above and below, a stroke crosses, and stays.
    line = cv2.dilate(is_line[names].astype(np.uint8), np.ones((5, 1), np.uint8))
    others = mask & (1 - line)
    reach = np.ones((2 * int(high[is_line].max()) + 7, 1), np.uint8)
    crossing = cv2.morphologyEx(others, cv2.MORPH_CLOSE, reach) & line
    gone = line & (1 - crossing)
    # A line within a broad stroke goes along its edges, with ink on one side.
    alone = gone & (1 - cv2.dilate(others, reach))
    if 2 * cv2.countNonZero(alone) < cv2.countNonZero(gone):
        return ink
    cleaned: NDArray[np.uint8] = np.where(gone, 0, ink).astype(np.uint8)
    return cleaned


def _without_specks(ink: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the largest piece of ink and what may belong to it, such as the hat of a 5."""
    import cv2

    height, width = ink.shape
    inked = (ink > 96).astype(np.uint8)
    _, _, across, down = cv2.boundingRect(inked)
    # Pencils and coarse scans break a stroke into dots, which are one piece all the same.
    reach = 2 * round(GAP * max(across, down) / 2) + 1
    joined = cv2.morphologyEx(
        cv2.copyMakeBorder(inked, reach, reach, reach, reach, cv2.BORDER_CONSTANT),
        cv2.MORPH_CLOSE,
        cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)),
    )[reach:-reach, reach:-reach]
    _, names, stats, _ = cv2.connectedComponentsWithStats(joined)
    left, top, wide, high, area = stats[1:].T
    if not area.size:
        return ink.astype(np.float32)
    size = np.maximum(wide, high)
    main = int(area.argmax())
    keep = (size > 0.15 * size[main]) & (area > 0.03 * area[main])
    # What the crop cut through lies at its border, beside the digit: a part of a neighbour.
    at_border = (left == 0) | (top == 0) | (left + wide == width) | (top + high == height)
    near = _is_near(stats[1:], main) & (area > 0.1 * area[main])
    keep &= ~at_border | (area > 0.3 * area[main]) | near
    keep[main] = True
    kept = np.concatenate([[False], keep])[names].astype(np.uint8)
    # The soft edges of a piece lie around it.
    around = cv2.dilate(kept, np.ones((3, 3), np.uint8), iterations=2)
    cleaned: NDArray[np.float32] = (ink * around).astype(np.float32)
    return cleaned


def _is_near(stats: NDArray[np.int32], main: int) -> NDArray[np.bool_]:
    """Tell which pieces lie above, below or within the main one, hardly a stroke apart."""
    left, top, wide, high, _ = stats.T
    right, bottom = left + wide, top + high
    across = np.minimum(right, right[main]) - np.maximum(left, left[main])
    down = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
    near: NDArray[np.bool_] = (across > 0) & (down > -NEAR * max(wide[main], high[main]))
    return near
