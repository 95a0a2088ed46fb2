"""Drawing of MNIST digits as pen strokes of any size, and of letters.

An MNIST digit is 20 pixels high and shows its pixels when enlarged. So each image is converted to
two smooth fields: the distance of a point to the edge of the stroke, and its distance to the middle
line of the stroke. Their weighted mean gives the edge of a stroke of any width, sharp at any size.
Letters and signs are the forms of `letter_forms` with randomly displaced points.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pen import draw_lines
from digitscope.synthesis.stroke_notation import Glyph, outline

Coverage: TypeAlias = NDArray[np.float32]  # (height, width), 0 = no ink, 1 = full ink
Fields: TypeAlias = NDArray[np.float32]  # (n, 102, 102, 2), see `distance_fields`

FINE = 3  # samples of a field per MNIST pixel
MARGIN = 3  # MNIST pixels added around an image, since some digits touch its border
# MNIST pixels; largest distance of ink from paper in a digit without filled loops, which holds for
# 95 % of MNIST's digits.
BLOB = 2.9
DUST = 0.04  # share of a digit's ink; smaller pieces are dirt of the scans and are removed
SMOOTH = 0.4  # MNIST pixels; standard deviation of the blur that smooths the fields
EMS = 20.0  # MNIST pixels; height of a digit

STRAY = 0.025  # heights of a digit; standard deviation of the displacement of a letter's points


@dataclass(frozen=True)
class StrokeStyle:
    """Properties of a writer's strokes.

    Attributes
    ----------
    width : float
        Width of the stroke, as a share of the height of the text.
    evenness : float
        0 keeps the varying width of MNIST's strokes, 1 gives a constant width.
    slant : float
        Shear to the right, pixels for each pixel of height.
    tremble : float
        Standard deviation of the displacement of the edge, in MNIST pixels.
    broken : float
        Share of digits that are drawn in pieces.
    """

    width: float = 0.1
    evenness: float = 0.6
    slant: float = 0.0
    tremble: float = 0.12
    broken: float = 0.0


def distance_fields(images: NDArray[np.uint8]) -> Fields:
    """Return the two distance fields of MNIST digits.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.

    Returns
    -------
    ndarray of shape (n, 102, 102, 2), dtype float32
        Distances in MNIST pixels: to the edge of the stroke, positive inside; and to its middle
        line, negative.
    """
    images = np.pad(images, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))
    side = images.shape[1] * FINE
    masks = np.empty((len(images), side, side), np.uint8)
    for mask, image in zip(masks, images, strict=True):
        fine = cv2.resize(image.astype(np.float32), (side, side), interpolation=cv2.INTER_CUBIC)
        soft = cv2.GaussianBlur(fine, (0, 0), 0.5 * FINE)
        mask[:] = soft > 0.36 * soft.max()
        for level in (0.6, 0.8):
            mask[_holes(soft > level * soft.max())] = 0
        _, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
        dust = stats[:, cv2.CC_STAT_AREA] < DUST * mask.sum()
        mask[dust[pieces]] = 0
    result = np.empty((*masks.shape, 2), np.float32)
    for field, mask, line in zip(result, masks, _thinned(masks), strict=True):
        inside = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
        outside = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5)
        field[..., 0] = inside - outside
        field[..., 1] = -cv2.distanceTransform(1 - line, cv2.DIST_L2, cv2.DIST_MASK_5)
        field /= FINE
        field[:] = cv2.GaussianBlur(field, (0, 0), SMOOTH * FINE)
        # Smoothing has blunted the ridge on the middle line, where the distance is 0.
        blunt = 0.8 * SMOOTH
        field[..., 1] = -np.sqrt((field[..., 1] ** 2 - blunt**2).clip(0))
    return result


def _holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the paper that ink encloses; in 28×28 pixels a small loop is only slightly paler."""
    _, names, stats, _ = cv2.connectedComponentsWithStats((~mask).astype(np.uint8), connectivity=4)
    inner = stats[:, cv2.CC_STAT_AREA] >= 0.6 * FINE**2
    inner[[0, names[0, 0]]] = False
    found: NDArray[np.bool_] = inner[names]
    return found


def is_clear(field: NDArray[np.float32]) -> bool:
    """Return whether no loop of a digit is filled, as of 95 % of MNIST's digits.

    A digit with a filled loop, drawn with a thinner pen, would be another digit.
    """
    return bool(field[..., 0].max() < BLOB)


def _thinned(masks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the middle lines of masks of 0 and 1 (Zhang and Suen, 1984)."""
    lines = masks.copy()
    lines[:, (0, -1), :] = 0
    lines[:, :, (0, -1)] = 0
    middle = lines[:, 1:-1, 1:-1]
    for turn in range(4 * FINE * 6):
        # The eight neighbours, clockwise from above.
        p = [
            lines[:, 1 + dy : lines.shape[1] - 1 + dy, 1 + dx : lines.shape[2] - 1 + dx]
            for dy, dx in ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
        ]
        ink = p[0] + p[1] + p[2] + p[3] + p[4] + p[5] + p[6] + p[7]
        steps = sum((1 - p[i]) & p[(i + 1) % 8] for i in range(8))
        if turn % 2 == 0:
            sides = (p[0] & p[2] & p[4]) | (p[2] & p[4] & p[6])
        else:
            sides = (p[0] & p[2] & p[6]) | (p[0] & p[4] & p[6])
        gone = (middle == 1) & (ink >= 2) & (ink <= 6) & (steps == 1) & (sides == 0)
        if turn % 2 and not gone.any():
            break
        middle[gone] = 0
    return lines


def draw_digit(
    rng: np.random.Generator,
    field: NDArray[np.float32],
    height: float,
    style: StrokeStyle,
    turn: float = 0.0,
) -> Coverage:
    """Return the coverage of a digit, cropped to its ink.

    Parameters
    ----------
    field : ndarray of shape (102, 102, 2)
        Of this digit, from `distance_fields`.
    height : float
        Of a full-sized digit, in pixels.
    turn : float
        Degrees by which it is turned.
    """
    width = style.width * EMS
    line = field[..., 1] > -1.2 / FINE
    own = float(field[..., 0][line].mean()) if line.any() else 1.6
    edge = (1 - style.evenness) * (field[..., 0] - own + width / 2)
    edge += style.evenness * (field[..., 1] + width / 2)
    tremble = style.tremble * min(1.0, width / 2)  # less for a thin stroke, which would break
    rough = rng.normal(0, tremble, (9, 9)).astype(np.float32)
    edge += cv2.resize(rough, edge.shape, interpolation=cv2.INTER_CUBIC)
    if rng.random() < style.broken:
        _cut(rng, edge, line, width)
    scale = height / EMS  # page pixels for each pixel of MNIST
    side = int(np.ceil(height * (1.5 + abs(style.slant)) + 4))
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    shape = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, -style.slant], [0, 1]])
    stretch = np.exp(rng.normal(0, 0.04))
    forward = shape @ np.diag([stretch, 1 / stretch]) * (scale / FINE)
    centre = (np.array(edge.shape) - 1) / 2
    matrix = np.column_stack([forward, np.full(2, (side - 1) / 2) - forward @ centre])
    depth = cv2.warpAffine(
        edge, matrix, (side, side), flags=cv2.INTER_CUBIC, borderValue=-10.0
    )  # in MNIST pixels
    return cropped((0.5 + depth * scale).clip(0, 1).astype(np.float32))


def _cut(
    rng: np.random.Generator, edge: NDArray[np.float32], line: NDArray[np.bool_], width: float
) -> None:
    """Make gaps in a stroke, as of a pen that runs dry."""
    rows, columns = np.nonzero(line & (edge > 0))
    if not rows.size:
        return
    y, x = np.mgrid[: edge.shape[0], : edge.shape[1]] / FINE
    for _ in range(rng.integers(1, 4)):
        at = rng.integers(rows.size)
        away = np.hypot(y - rows[at] / FINE, x - columns[at] / FINE)
        np.minimum(edge, away - width * rng.uniform(0.6, 0.9), out=edge)


def draw_letter(
    rng: np.random.Generator, letter: Glyph, height: float, style: StrokeStyle
) -> tuple[Coverage, int]:
    """Return the coverage of a letter or sign, and the row of its baseline.

    Parameters
    ----------
    letter : Glyph
        One of `letter_forms.LETTERS`.
    height : float
        Height of a digit beside it, in pixels.
    """
    fine = max(
        1, round(60 / height)
    )  # small letters are drawn enlarged and reduced, for smooth edges
    size = height * fine
    margin = int(0.35 * size)
    canvas = np.zeros((int(size) + 2 * margin, int(1.1 * size) + 2 * margin), np.uint8)
    points = letter.skeleton.points + rng.normal(0, STRAY, letter.skeleton.points.shape)
    points[:, 0] += style.slant * (0.5 - points[:, 1])
    lines = [line * size + margin for line in outline(letter, points)]
    draw_lines(canvas, lines, style.width * size, smooth=True)
    small = cv2.resize(canvas, None, fx=1 / fine, fy=1 / fine, interpolation=cv2.INTER_AREA)
    coverage = small.astype(np.float32) / 255
    columns = np.flatnonzero(coverage.any(axis=0))
    return coverage[:, columns[0] : columns[-1] + 1], round((margin + size) / fine)


def cropped(coverage: Coverage) -> Coverage:
    """Return the coverage cropped to its ink, or one empty pixel if there is none."""
    rows = np.flatnonzero((coverage > 0.02).any(axis=1))
    columns = np.flatnonzero((coverage > 0.02).any(axis=0))
    if not rows.size:
        return np.zeros((1, 1), np.float32)
    return coverage[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
