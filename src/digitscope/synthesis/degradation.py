"""Degradation of drawn digits on the way from paper to an image in the form of MNIST.

Dry pens, blur, the rough edges of a threshold, low resolution, cut borders and noise; then the
20×20 box with the centre of mass in the middle.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import SIDE
from digitscope.image.mnist_form import BOX, resampling

Floats: TypeAlias = NDArray[np.float32]
Ink: TypeAlias = NDArray[np.uint8]  # (height, width), 0 = paper, 255 = ink

SCALE = 4  # canvas pixels for each pixel of the image
REACH = BOX * SCALE  # canvas pixels; the longer side of what is drawn
MARGIN = 6  # canvas pixels on each side, for strokes that end slightly outside
WIDEST = 1.4  # largest factor by which the nib changes the width of the canvas
# Height and width of the canvas that images are drawn on, in pixels.
CANVAS = (REACH + 2 * MARGIN, round(REACH * WIDEST) + 2 * MARGIN)


def trim(ink: Ink) -> Ink:
    """Return a picture cropped to its ink."""
    left, top, width, height = cv2.boundingRect(ink)
    return ink[top : top + height, left : left + width]


def place(ink: Ink, aspect: float, slant: float, turn: float) -> Ink:
    """Return ink on a canvas after aspect, slant and turn; its longer side has `REACH` pixels.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        Cropped to its ink.
    aspect : float
        Factor of its width.
    slant : float
        Pixels to the right per pixel upwards.
    turn : float
        In radians, clockwise.

    Returns
    -------
    ndarray of the shape `CANVAS`, dtype uint8
    """
    height, width = ink.shape
    cos, sin = np.cos(turn), np.sin(turn)
    affine = np.array([[cos, -sin], [sin, cos]]) @ np.array([[aspect, -slant], [0, 1]])
    corners = affine @ np.array([[0, width, 0, width], [0, 0, height, height]])
    low, size = corners.min(axis=1), np.ptp(corners, axis=1)
    scale = REACH / size.max()
    placed = np.column_stack([affine * scale, MARGIN - low * scale])
    return cv2.warpAffine(ink, placed, CANVAS[::-1])  # type: ignore[no-any-return]


def fit(ink: Ink, squash: float = 1.0) -> NDArray[np.uint8]:
    """Return ink in the form of MNIST, like `image.mnist_form.fit_to_box`, with unchanged strokes.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        With at least one pixel of ink.
    squash : float
        Factor of its width, applied first.
    """
    digit = trim(ink)
    height, width = digit.shape
    scale = BOX / max(height, width * squash)
    rows, columns = max(1, round(height * scale)), max(1, round(width * squash * scale))
    image = np.zeros((SIDE, SIDE), np.uint8)
    scaled = resampling(height, rows) @ digit.astype(np.float32) @ resampling(width, columns).T
    # cv2 rounds and clips in one go.
    digit = cv2.convertScaleAbs(np.maximum(scaled, 0))
    moments = cv2.moments(digit)
    mass = max(moments["m00"], 1e-9)
    y = min(max(round(SIDE // 2 - moments["m01"] / mass), 0), SIDE - rows)
    x = min(max(round(SIDE // 2 - moments["m10"] / mass), 0), SIDE - columns)
    image[y : y + rows, x : x + columns] = digit
    return image


class Degradation:
    """The random degradation of `n` images, drawn in advance.

    It does not depend on what has drawn the ink.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    amount : float
        Factor of the probabilities, 0 (none) to 1.
    """

    # Probability of blur, rough edges, dry ink, low resolution, a cut border, noise, pale ink.
    CHANCES = (0.14, 0.14, 0.04, 0.1, 0.16, 0.06, 0.12)

    def __init__(self, n: int, rng: np.random.Generator, amount: float) -> None:
        happens = rng.random((n, len(self.CHANCES))) < np.array(self.CHANCES) * amount
        self._happens: list[list[bool]] = happens.tolist()
        self._how: list[list[list[float]]] = rng.random((n, len(self.CHANCES), 2)).tolist()
        # Noise for rough edges, dry ink and noise; larger than a canvas, each image takes a part.
        grain = rng.standard_normal((CANVAS[0] + 64, CANVAS[1] + 64), dtype=np.float32)
        self._fine = grain
        self._coarse = _unit(cv2.GaussianBlur(grain, (0, 0), SCALE * 0.5))

    def finish(self, ink: Ink, i: int, squash: float = 1.0) -> NDArray[np.uint8]:
        """Return an image from its ink.

        Parameters
        ----------
        ink : ndarray of shape (height, width), dtype uint8
            Not empty and at most of the shape `CANVAS`. Its longer side should have about `REACH`
            pixels, since blur and roughness are in pixels of the canvas.
        i : int
            Number of the image, 0 to n - 1.
        squash : float
            Factor of the width of the ink.

        Returns
        -------
        ndarray of shape (28, 28), dtype uint8
            In the form of MNIST.
        """
        if not any(self._happens[i]):
            return fit(ink, squash)
        blurred, rough, dry, small, cut, noisy, pale = self._happens[i]
        how = self._how[i]
        degraded = ink
        if dry:
            degraded = np.where(
                self._grain(self._coarse, ink, how[2]) < 1.4 + how[2][0], degraded, 0
            )
            degraded = degraded.astype(np.uint8)
        if blurred:
            side = round(SCALE * (0.75 + 1.75 * how[0][0]))
            # Two box filters approximate a Gaussian at less cost.
            degraded = cv2.blur(cv2.blur(degraded, (side, side)), (side, side))
        if rough:
            soft = cv2.blur(degraded, (3, 3))
            level = cv2.mean(soft, degraded)[
                0
            ]  # lower for a thin pen, so that its line stays whole
            edge = 0.55 + (0.07 + 0.13 * how[1][0]) * self._grain(self._coarse, ink, how[1])
            edge = level * edge.clip(0.2, 0.85)
            degraded = cv2.compare(soft, edge.astype(np.uint8), cv2.CMP_GT)
        if (dry or rough) and _length(degraded) < 0.8 * _length(ink):  # too much is lost
            degraded = ink
        if small or blurred:
            degraded = self._reduce(degraded, squash, how[3] if small else None)
            squash = 1.0
        if cut:
            degraded = _cut(degraded, how[4])
        image = fit(degraded, squash)
        if pale:
            image = cv2.convertScaleAbs(image, alpha=0.65 + 0.35 * how[6][0])
        if noisy:
            grain = self._grain(self._fine, image, how[5]) * (8 + 22 * how[5][0])
            inked = image + grain * (image > 0)
            image = inked.clip(0, 255).astype(np.uint8)
        return image

    @staticmethod
    def _grain(field: Floats, like: NDArray[np.uint8], where: list[float]) -> Floats:
        top, left = int(64 * where[0]), int(64 * where[1])
        return field[top : top + like.shape[0], left : left + like.shape[1]]

    @staticmethod
    def _reduce(ink: Ink, squash: float, how: list[float] | None) -> Ink:
        """Reduce to a length of 9 to 18 pixels, or twice the box, and stretch the gray levels."""
        part = trim(ink)
        height, width = part.shape
        longest = 9 + 9 * how[0] if how else 2 * BOX
        scale = longest / max(height, width * squash)
        target = (max(1, round(width * squash * scale)), max(1, round(height * scale)))
        reduced = cv2.resize(part, target, interpolation=cv2.INTER_AREA)
        gain = 255 / max(1, int(reduced.max()))
        reduced = cv2.convertScaleAbs(reduced, alpha=min(gain, 8))
        level = 20.0
        # A third of the images of low resolution are bilevel, as old scans are.
        if black := how is not None and how[1] < 0.33:
            inked = reduced[reduced > level]
            level = float(inked.mean()) * (0.5 + 1.2 * how[1]) if how and inked.size else level
        kept = np.where(reduced > level, 255 if black else reduced, 0).astype(np.uint8)
        return kept if kept.any() else reduced


def _length(ink: Ink) -> int:
    _, _, width, height = cv2.boundingRect(ink)
    return int(max(width, height))


def _unit(field: Floats) -> Floats:
    unit: Floats = (field / field.std()).astype(np.float32)
    return unit


def _cut(ink: Ink, how: list[float]) -> Ink:
    """Cut up to 5 % off one side, as a crop does that is too tight."""
    left, top, width, height = cv2.boundingRect(ink)
    side, sliver = int(4 * how[0]), how[1] * 0.05
    right, bottom = left + width, top + height
    if side == 0:
        top += round(height * sliver)
    elif side == 1:
        bottom -= round(height * sliver)
    elif side == 2:
        left += round(width * sliver)
    else:
        right -= round(width * sliver)
    return ink[top:bottom, left:right]
