"""What happens to ink on its way from paper into an image in the form of MNIST.

Dry pens, blur, ragged edges of a threshold, coarse scans, crops that cut a sliver off, noise; and
the 20×20 box with the centre of mass in the middle.
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
MARGIN = 6  # canvas pixels on each side, for pens that end a little outside
WIDEST = 1.4  # how far a nib may stretch the canvas sideways
# Height and width of the canvas that images are drawn on, in pixels.
CANVAS = (REACH + 2 * MARGIN, round(REACH * WIDEST) + 2 * MARGIN)


def trim(ink: Ink) -> Ink:
    """Return the part of a picture that has ink in it."""
    left, top, width, height = cv2.boundingRect(ink)
    return ink[top : top + height, left : left + width]


def place(ink: Ink, aspect: float, slant: float, turn: float) -> Ink:
    """Bend ink and scale it so that its longer side is that of the box on the canvas.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        Cut to its ink.
    aspect : float
        What its width is multiplied with.
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
    """Do what `image.mnist_form.fit_to_box` does to uint8 ink, but leave its strokes as they are.

    Parameters
    ----------
    ink : ndarray of shape (height, width), dtype uint8
        With some ink in it.
    squash : float
        What its width is multiplied with first.
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


class Wear:
    """What happens to ink on its way into an image, drawn beforehand for `n` images.

    It is the same for any ink, whatever drew it.

    Parameters
    ----------
    n : int
    rng : numpy.random.Generator
    amount : float
        0 for none of it to 1.
    """

    CHANCES = (0.14, 0.14, 0.04, 0.1, 0.16, 0.06, 0.12)

    def __init__(self, n: int, rng: np.random.Generator, amount: float) -> None:
        happens = rng.random((n, len(self.CHANCES))) < np.array(self.CHANCES) * amount
        self._happens: list[list[bool]] = happens.tolist()
        self._how: list[list[list[float]]] = rng.random((n, len(self.CHANCES), 2)).tolist()
        # Grain that rough edges, dry ink and noise are cut from; wider than a canvas.
        grain = rng.standard_normal((CANVAS[0] + 64, CANVAS[1] + 64), dtype=np.float32)
        self._fine = grain
        self._coarse = _unit(cv2.GaussianBlur(grain, (0, 0), SCALE * 0.5))

    def finish(self, ink: Ink, i: int, squash: float = 1.0) -> NDArray[np.uint8]:
        """Return an image from its ink.

        Parameters
        ----------
        ink : ndarray of shape (height, width), dtype uint8
            Not empty and at most of the shape `CANVAS`. What is drawn should be some `REACH` pixels
            long, because blur and roughness are in pixels of the canvas.
        i : int
            Which of the `n` images it is.
        squash : float
            What the width of the ink is multiplied with.

        Returns
        -------
        ndarray of shape (28, 28), dtype uint8
            In the form of MNIST.
        """
        if not any(self._happens[i]):
            return fit(ink, squash)
        blurred, rough, dry, small, cut, noisy, pale = self._happens[i]
        how = self._how[i]
        worn = ink
        if dry:
            worn = np.where(self._grain(self._coarse, ink, how[2]) < 1.4 + how[2][0], worn, 0)
            worn = worn.astype(np.uint8)
        if blurred:
            side = round(SCALE * (0.75 + 1.75 * how[0][0]))
            worn = cv2.blur(cv2.blur(worn, (side, side)), (side, side))  # as good as a Gaussian
        if rough:
            soft = cv2.blur(worn, (3, 3))
            level = cv2.mean(soft, worn)[0]  # lower for a thin pen, that its line may not break
            edge = 0.55 + (0.07 + 0.13 * how[1][0]) * self._grain(self._coarse, ink, how[1])
            edge = level * edge.clip(0.2, 0.85)
            worn = cv2.compare(soft, edge.astype(np.uint8), cv2.CMP_GT)
        if (dry or rough) and _length(worn) < 0.8 * _length(ink):  # worn away
            worn = ink
        if small or blurred:
            worn = self._reduce(worn, squash, how[3] if small else None)
            squash = 1.0
        if cut:
            worn = _cut(worn, how[4])
        image = fit(worn, squash)
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
        """Scale down to 9 to 18 pixels, or to twice the box, and stretch the levels."""
        part = trim(ink)
        height, width = part.shape
        longest = 9 + 9 * how[0] if how else 2 * BOX
        scale = longest / max(height, width * squash)
        target = (max(1, round(width * squash * scale)), max(1, round(height * scale)))
        reduced = cv2.resize(part, target, interpolation=cv2.INTER_AREA)
        gain = 255 / max(1, int(reduced.max()))
        reduced = cv2.convertScaleAbs(reduced, alpha=min(gain, 8))
        level = 20.0
        # A third of the small ones are black and white, as old scans are.
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
    """Cut off up to a twentieth at one side, as of a digit that touched its border."""
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
