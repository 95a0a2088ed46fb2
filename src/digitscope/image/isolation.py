"""Isolation of one digit: removal of shadows, frames, ruling lines, specks and neighbours."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.image.decode import Gray
from digitscope.image.ink import find_ink

# Limits were chosen on development pictures of single digits.
INK = 96  # least ink (0 to 255) of a pixel that belongs to a stroke
MIN_SIDE = 40  # pixels; a picture with a shorter side counts as a clean crop
MIN_SHADE = 0.15  # smallest difference between shaded paper and ink, as a share of the contrast
OVERHANG = 0.05  # shares of the picture's longer side by which a ruling line outreaches the digit
MAX_LINE_WIDTH = 0.85  # largest width of a ruling line, in stroke widths of the digit
FRAME_RIM = 0.15  # largest width of the rim in which a frame lies, as a share of its sides
MIN_CONTENT = 0.3  # smallest height of the content of a frame, as a share of the frame's height
SMALL_SIDE = 160  # pixels; longer side of the reduced copy on which the paper is estimated
WINDOW = 0.4  # side of the median filter, as a share of the shorter side of that copy
MAX_GAP = 0.05  # largest gap in a broken stroke, as a share of the ink's longer side
MAX_DISTANCE = 0.15  # largest distance between pieces of a digit, as a share of its longer side


def isolate_digit(gray: Gray, ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the ink of the one digit on a picture, without shadows and other marks.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
    ink : ndarray of shape (height, width), dtype float32
        From `find_ink`: 0 = paper, 255 = full ink.

    Returns
    -------
    ndarray of shape (height, width), dtype float32
    """
    if min(gray.shape) < MIN_SIDE:
        return ink
    if _border_share(ink) > 0.25:
        light = float(gray[ink > INK].mean()) > float(gray[ink <= INK].mean())
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
    """Return a picture divided by its paper, estimated by a median filter wider than a stroke."""
    import cv2  # not needed for small crops

    scale = SMALL_SIDE / max(gray.shape)
    small = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    window = 2 * round(WINDOW * min(small.shape) / 2) + 1
    paper = cv2.medianBlur(small, max(window, 3))
    paper = cv2.resize(paper, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
    even: Gray = cv2.divide(gray, np.maximum(paper, 1), scale=200)
    return even


def _border_share(ink: NDArray[np.float32]) -> float:
    """Return the share of the picture's border that has ink, 0 to 1."""
    border = np.concatenate([ink[0], ink[-1], ink[:, 0], ink[:, -1]])
    return float((border > INK).mean())


def _was_shadow(gray: Gray, ink: NDArray[np.float32], local: NDArray[np.float32]) -> bool:
    """Return whether `ink` contains a shadow, and `local`, from the evenly lit picture, is right.

    Paper in a shadow is lighter than the ink on it. The inside of a wide stroke, which `local` may
    lose, is not lighter than the rest of the stroke.
    """
    inked, found = ink > INK, local > INK
    side = inked if 2 * np.count_nonzero(inked & found) > np.count_nonzero(found) else ~inked
    parts = (side & found, side & ~found, ~side)
    if not all(part.any() for part in parts):
        return False
    written, lost, other = (float(gray[part].mean()) for part in parts)
    return bool((lost - written) * np.sign(other - written) > MIN_SHADE * abs(other - written))


def _unless_strokes(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink after a removal, or the ink before it if strokes of the digit were removed.

    A ruling line is thinner than the digit's strokes, or extends beyond the digit at both ends. A
    frame extends beyond the largest piece of the digit on all sides.
    """
    if after is before:
        return before
    import cv2

    rest = (_without_specks(after) > INK).astype(np.uint8)
    removed = ((before > INK) & (after <= INK)).astype(np.uint8)
    if not rest.any() or not removed.any():
        return after if rest.any() else before
    if _stroke_width(removed) < MAX_LINE_WIDTH * _stroke_width(rest):
        return after
    _, names, stats, _ = cv2.connectedComponentsWithStats(rest)
    main = names == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    return after if any(_overhangs(removed, rest)) or all(_overhangs(removed, main)) else before


def _overhangs(removed: NDArray[Any], rest: NDArray[Any]) -> list[bool]:
    """Return whether removed ink extends beyond the rest at both ends, across and down."""
    minimum = OVERHANG * max(rest.shape)
    ends = [
        [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for mask in (removed, rest)]
        for axis in (0, 1)
    ]
    return [bool(far[0] < near[0] - minimum and far[1] > near[1] + minimum) for far, near in ends]


def _stroke_width(inside: NDArray[np.uint8]) -> float:
    """Return the mean width of strokes in pixels, from a mask of ink.

    In a bar of width w, the mean distance of a pixel to the outside is (w + 2) / 4.
    """
    import cv2

    depth = cv2.distanceTransform(cv2.copyMakeBorder(inside, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    return 4 * float(depth.sum(dtype=np.float64)) / max(cv2.countNonZero(inside), 1) - 2


def _without_frame(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink without frames: the piece with the largest box, if all of it is at its rim.

    Inside the frame there must be another piece of sufficient height.
    """
    import cv2

    mask = (ink > INK).astype(np.uint8)
    _, names, stats, _ = cv2.connectedComponentsWithStats(mask)
    if len(stats) < 3:
        return ink
    piece = 1 + int((stats[1:, cv2.CC_STAT_WIDTH] * stats[1:, cv2.CC_STAT_HEIGHT]).argmax())
    left, top, wide, high, _ = stats[piece].tolist()
    across, down = round(FRAME_RIM * wide), round(FRAME_RIM * high)
    inner = names[top + down : top + high - down, left + across : left + wide - across]
    within = stats[np.setdiff1d(inner, [0]), cv2.CC_STAT_HEIGHT]
    if (inner == piece).any() or within.max(initial=0) <= MIN_CONTENT * high:
        return ink
    around = cv2.dilate((names == piece).astype(np.uint8), np.ones((5, 5), np.uint8))
    around[mask.astype(bool) & (names != piece)] = 0
    return _without_frame(np.where(around, 0, ink).astype(np.uint8))


def _without_lines(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink without thin straight lines from the left border to the right border.

    Length alone is not enough here: the digit may be nearly as large as the picture.
    """
    import cv2

    width = ink.shape[1]
    mask = (ink > INK).astype(np.uint8)
    long = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((1, round(0.6 * width)), np.uint8))
    _, names, stats, _ = cv2.connectedComponentsWithStats(long)
    left, _, wide, high, _ = stats.T
    is_line = (left <= 1) & (left + wide >= width - 1) & (high <= max(2, width // 25))
    is_line[0] = False  # the paper
    if not is_line.any():
        return ink
    # The dilation adds the soft edges of the line. A stroke that crosses it, with ink above and
    # below, is kept.
    line = cv2.dilate(is_line[names].astype(np.uint8), np.ones((5, 1), np.uint8))
    others = mask & (1 - line)
    reach = np.ones((2 * int(high[is_line].max()) + 7, 1), np.uint8)
    crossing = cv2.morphologyEx(others, cv2.MORPH_CLOSE, reach) & line
    removed = line & (1 - crossing)
    # A "line" with other ink along most of its length is the edge of a wide stroke.
    isolated = removed & (1 - cv2.dilate(others, reach))
    if 2 * cv2.countNonZero(isolated) < cv2.countNonZero(removed):
        return ink
    cleaned: NDArray[np.uint8] = np.where(removed, 0, ink).astype(np.uint8)
    return cleaned


def _without_specks(ink: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the largest piece of ink and pieces that may belong to it, such as the bar of a 5."""
    import cv2

    height, width = ink.shape
    inked = (ink > INK).astype(np.uint8)
    _, _, across, down = cv2.boundingRect(inked)
    # Pencils and coarse scans break a stroke into dots, which a closing joins to one piece.
    reach = 2 * round(MAX_GAP * max(across, down) / 2) + 1
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
    # A piece at the border, beside the digit, is the cut-off part of a neighbour.
    at_border = (left == 0) | (top == 0) | (left + wide == width) | (top + high == height)
    near = _is_near(stats[1:], main) & (area > 0.1 * area[main])
    keep &= ~at_border | (area > 0.3 * area[main]) | near
    keep[main] = True
    kept = np.concatenate([[False], keep])[names].astype(np.uint8)
    # The dilation adds the soft edges of the pieces.
    around = cv2.dilate(kept, np.ones((3, 3), np.uint8), iterations=2)
    cleaned: NDArray[np.float32] = (ink * around).astype(np.float32)
    return cleaned


def _is_near(stats: NDArray[np.int32], main: int) -> NDArray[np.bool_]:
    """Return which pieces are above, below or inside the main one, at a small distance."""
    left, top, wide, high, _ = stats.T
    right, bottom = left + wide, top + high
    across = np.minimum(right, right[main]) - np.maximum(left, left[main])
    down = np.minimum(bottom, bottom[main]) - np.maximum(top, top[main])
    near: NDArray[np.bool_] = (across > 0) & (down > -MAX_DISTANCE * max(wide[main], high[main]))
    return near
