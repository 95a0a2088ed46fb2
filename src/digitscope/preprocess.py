"""Put any picture of one digit into the form of MNIST.

MNIST's own recipe (LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document
Recognition", 1998): light ink on 0, scaled with its aspect into a box of 20×20, set into 28×28 with
the centre of mass in the middle. A network trained on such images reads others only in this form.
To it comes the width of the strokes: a ballpoint's hairline and a marker's bar are both brought
near what MNIST's pens drew.
"""

import functools
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.errors import NoInk
from digitscope.images import SIDE
from digitscope.pictures import Gray, read_gray

BOX = 20  # pixels; the longer side of a digit
MIN_CONTRAST = 24  # gray levels between paper and the darkest ink, below which nothing is written
TINY = 40  # pixels; a picture with a shorter side is a crop to be taken as it is
STROKE = 1.8, 4.0  # pixels; nine of ten MNIST strokes are at least and at most that wide
LONGEST = 640  # pixels; a picture with a longer side is scaled down first, to bound the time
LARGE = 256  # pixels; a larger digit is scaled by Pillow itself
MOST_PIECES = 3  # largest difference between the numbers of paper and ink pieces that counts
PIECE = 0.2  # share of the border whose weight in the vote one more piece of paper has
SPECK = 0.01  # share of the picture's area; smaller pieces are not counted
SHADE = 0.15  # share of the contrast by which shaded paper is at least paler than ink
PAST = 0.05  # share of the picture's longer side by which a ruling line outruns the digit
THINNER = 0.85  # largest width of a ruling line, in stroke widths of the digit
RIM = 0.15  # share of a frame's sides along which it lies, at most
WITHIN = 0.3  # least height of what a frame surrounds, as a share of the frame's
SMALL = 160  # pixels; the longer side of the copy on which the paper is found
WINDOW = 0.4  # side of its median, as a share of that copy's shorter side
GAP = 0.05  # largest gap in a broken stroke, as a share of the ink's longer side
NEAR = 0.15  # largest distance between pieces of a digit, as a share of its longer side
LEVELS = np.arange(256, dtype=np.float32)  # of gray
HALVES = 2 * np.arange(256)  # the same, counted in halves of a level
TIE = 1e-3  # pixels; centres of mass that differ by less are the same
FINE = 4  # times as fine as MNIST is the digit whose strokes are changed


class Steps(NamedTuple):
    """A digit on its way into the form of MNIST, one step after another.

    Attributes
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        The picture without its colours, 0 = black; a large one is scaled down.
    ink : ndarray of shape (height, width), dtype float32
        What is written, in either polarity: 0 = paper, 255 = full ink, as in all that follow.
    digit : ndarray of shape (height, width), dtype float32
        Without rules, specks and parts of neighbours.
    stroke : ndarray, dtype float32
        Without the paper around it, and its strokes about as wide as MNIST has them.
    box : ndarray, dtype float32
        Its longer side is 20 pixels.
    image : ndarray of shape (28, 28), dtype uint8
        Set by its centre of mass: what the network sees.
    """

    gray: Gray
    ink: NDArray[np.float32]
    digit: NDArray[np.float32]
    stroke: NDArray[np.float32]
    box: NDArray[np.float32]
    image: NDArray[np.uint8]


def to_mnist(picture: str | Path | bytes | Image.Image | NDArray[Any]) -> NDArray[np.uint8]:
    """Return a picture of one digit in MNIST form.

    Parameters
    ----------
    picture : path, bytes, PIL image, or uint8 ndarray of shape (height, width[, 3 or 4])
        One digit, cropped, dark on light or light on dark.

    Returns
    -------
    ndarray of shape (28, 28), dtype uint8
        0 = paper, 255 = ink.

    Raises
    ------
    BadImage
        When the picture cannot be decoded.
    NoInk
        When nothing is written on it.

    Examples
    --------
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10  # a dark 1 on light paper
    >>> digit = to_mnist(page)
    >>> digit.shape, int(digit[0, 0]), int(digit[14, 14])
    ((28, 28), 0, 255)
    """
    return mnist_steps(picture).image


def mnist_steps(picture: str | Path | bytes | Image.Image | NDArray[Any]) -> Steps:
    """Return what `to_mnist` returns, and all that led to it.

    Parameters
    ----------
    picture : as `to_mnist`

    Raises
    ------
    BadImage, NoInk
        As `to_mnist`.

    Examples
    --------
    >>> page = np.full((90, 60), 250, np.uint8)
    >>> page[20:70, 28:34] = 10
    >>> steps = mnist_steps(page)
    >>> steps.box.shape, bool((steps.image == to_mnist(page)).all())
    ((20, 2), True)
    """
    gray = _reduced(read_gray(picture))
    try:
        ink = find_ink(gray)
        digit = _alone(gray, ink)
        stroke = _with_usual_stroke(_trimmed(digit))
        box = _boxed(stroke)
        return Steps(gray, ink, digit, stroke, box, _centred(box))
    except NoInk as error:
        where = f"{picture}: " if isinstance(picture, str | Path) else ""
        raise NoInk(f"{where}{error}") from None


def _reduced(gray: Gray) -> Gray:
    """Return a picture at most 640 pixels long: itself, or means over squares of its pixels."""
    factor = math.ceil(max(gray.shape) / LONGEST)
    if factor == 1:
        return gray
    return np.asarray(Image.fromarray(gray).reduce(min(factor, *gray.shape)))


def _alone(gray: Gray, ink: NDArray[np.float32]) -> NDArray[np.float32]:
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


def find_ink(gray: Gray) -> NDArray[np.float32]:
    """Return how much ink is where: float32 of shape (height, width), 0 = paper, 255 = full ink.

    The paper is what fills most of the border and lies in the more pieces, in either polarity.
    """
    # All that is asked of the picture depends on how many pixels have which level.
    counts = np.bincount(gray.ravel(), minlength=256)
    threshold = _otsu(counts)
    light = _is_paper_light(gray > threshold)
    if light:
        counts = counts[::-1]
        threshold = 254 - threshold  # pixels of that very level are dark: ink
    split = int(np.float32(threshold)) + 1
    paper = counts[:split].cumsum()
    middle = _median(paper) if paper[-1] else 255.0
    if counts.nonzero()[0][-1] - middle < MIN_CONTRAST:
        raise NoInk("nothing is written on it: paper and ink differ by less than 24 gray levels.")
    # Grain of the paper goes, but clean paper keeps its faintest anti-aliased edge.
    halves = np.abs(HALVES[:split] - round(2 * middle))
    grain = 3 * 1.4826 * _median(np.bincount(halves, counts[:split]).cumsum()) / 2
    grain = min(grain, threshold - middle)  # a shadow is no grain: what is ink stays ink
    ink = LEVELS - middle
    ink[ink <= grain] = 0
    peak = _percentile(counts[split:].cumsum(), ink[split:], 0.9)
    if peak < 250:
        ink *= 255 / peak
    np.minimum(ink, 255, out=ink)
    found: NDArray[np.float32] = (ink[::-1] if light else ink)[gray]
    return found


def _is_paper_light(light: NDArray[np.bool_]) -> bool:
    """Tell whether the lighter pixels of a picture are the paper, and not what is written.

    The paper usually has most of the border. A tight crop has much ink there, too; then the number
    of connected pieces joins the vote: strokes divide the paper into several pieces, and are
    themselves one piece.
    """
    border = np.concatenate([light[0], light[-1], light[:, 0], light[:, -1]])
    lead = 2 * np.count_nonzero(border) / border.size - 1
    if abs(lead) > MOST_PIECES * PIECE:
        return bool(lead > 0)
    more = _count_pieces(light) - _count_pieces(~light)
    return bool(lead + PIECE * min(max(more, -MOST_PIECES), MOST_PIECES) > 0)


def _count_pieces(mask: NDArray[np.bool_]) -> int:
    """Return the number of connected pieces of a mask, without specks."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return int((stats[1:, cv2.CC_STAT_AREA] > SPECK * mask.size).sum())


def _otsu(counts: NDArray[np.int64]) -> float:
    """Return the gray level that best splits the histogram in two (Otsu, 1979)."""
    levels = counts.nonzero()[0]
    first, last = levels[0], levels[-1]
    if first == last:
        return float(first)
    # From the first to the last but one, neither side of a split is empty.
    below = counts[first:last].cumsum(dtype=np.float64)
    sums = (counts[first : last + 1] * LEVELS[first : last + 1]).cumsum(dtype=np.float64)
    above = below[-1] + counts[last] - below
    between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    # A clean picture has a whole plateau of best splits; its middle is the fairest of them.
    best = (between >= between.max() * (1 - 1e-9)).nonzero()[0] + first
    return float(best.sum() / best.size)


def _median(below: NDArray[Any]) -> float:
    """Return the median of numbers of which `below[i]` are at most i."""
    n = int(below[-1])
    low = below.searchsorted((n - 1) // 2, "right")
    return float(low if n % 2 else (low + below.searchsorted(n // 2, "right")) / 2)


def _percentile(below: NDArray[np.int64], values: NDArray[np.float32], share: float) -> float:
    """Return the value below which a share lies, of `below[i]` numbers up to `values[i]` each."""
    last = int(below[-1]) - 1
    place = last * share
    low = values[below.searchsorted(int(place), "right")]
    high = values[below.searchsorted(min(int(place) + 1, last), "right")]
    part = place % 1
    return float(low + (high - low) * part if part < 0.5 else high - (high - low) * (1 - part))


def fit_to_box(ink: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale ink into a 20×20 box and set it, by its centre of mass, into 28×28.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype float32
        0 = paper, 255 = full ink.

    Raises
    ------
    NoInk
        When all of it is paper.
    """
    return _centred(_boxed(_with_usual_stroke(_trimmed(ink))))


def _trimmed(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ink without the paper around it."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not rows.size:
        raise NoInk("nothing is written on it.")
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _boxed(digit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale a digit's ink to 20 pixels, with its aspect."""
    return digit if max(digit.shape) == BOX else _resize(digit, _size(digit, BOX))


def _centred(digit: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Set ink of at most 20×20 into 28×28 by its centre of mass."""
    height, width = digit.shape
    rows, columns = (digit.sum(axis=axis, dtype=np.float64) for axis in (1, 0))
    mass = max(float(rows.sum()), 1e-9)
    row = float(rows @ np.arange(height)) / mass
    column = float(columns @ np.arange(width)) / mass
    # In every MNIST image the centre of mass lies within half a pixel of pixel 14. A centre halfway
    # between two pixels goes to the first of them, whatever the last bits of the sums.
    top = min(max(round(SIDE // 2 - row - TIE), 0), SIDE - height)
    left = min(max(round(SIDE // 2 - column - TIE), 0), SIDE - width)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = digit.round()
    return image


def _size(digit: NDArray[np.float32], longer: int) -> tuple[int, int]:
    """Return width and height with the digit's aspect, the longer of the two as given."""
    height, width = digit.shape
    scale = longer / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(digit: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Scale ink to (width, height) by Pillow's bicubic filter."""
    height, width = digit.shape
    if max(height, width) > LARGE:
        scaled = np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC))
    else:
        # In double precision, so that all processors find the same gray levels.
        down = resampling(height, size[1]).astype(np.float64)
        scaled = down @ digit @ resampling(width, size[0]).T.astype(np.float64)
    return scaled.clip(0, 255).astype(np.float32)


@functools.lru_cache(maxsize=512)
def resampling(source: int, target: int) -> NDArray[np.float32]:
    """Return Pillow's bicubic filter from `source` to `target` pixels as a matrix.

    Two products with it scale a small picture several times as fast as Pillow does.
    """
    image = Image.fromarray(np.eye(source, dtype=np.float32))
    return np.asarray(image.resize((source, target), Image.Resampling.BICUBIC))


def _with_usual_stroke(digit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a digit whose strokes MNIST's pens might have drawn; `digit` itself if they might."""
    if max(digit.shape) == BOX:  # it has MNIST's size already
        return digit
    import cv2

    # Four times as fine as MNIST, with a margin for strokes to grow into.
    width, height = _size(digit, BOX)
    rim = 2 * FINE
    fine = _resize(digit, (width * FINE, height * FINE))
    fine = cv2.copyMakeBorder(fine, rim, rim, rim, rim, cv2.BORDER_CONSTANT)
    inside = (fine > 110).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 3)
    # As in `_stroke_width`.
    inked = cv2.countNonZero(inside)
    stroke = (4 * cv2.sumElems(depth)[0] / max(inked, 1) - 2) / FINE
    wanted = min(max(stroke, STROKE[0]), STROKE[1])
    if wanted == stroke or not inked:
        return digit
    outside = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    # How far inside of the new edge; a straight stroke grows by half the difference at each side.
    distance = depth - outside + (wanted - stroke) * FINE / 2
    drawn = (255 * (distance + 0.5).clip(0, 1)).astype(np.float32)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not rows.size:
        return digit
    changed: NDArray[np.float32] = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return changed
