"""Random affine and elastic distortion of training images, a whole epoch's at a time.

After Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003. They smooth white noise with a Gaussian; here the
displacement is a random sum of Gaussian bumps on a coarse grid, so that one matrix product serves
all images.
"""

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.images import Images
from digitscope.recipes import Augmentation

MAX_ROWS = 32_767  # OpenCV addresses no more in one picture
# Rows of paper under each image, one for each side that a sample may fall off, so that bilinear
# interpolation never reads a neighbour.
PADDING = 2


@functools.cache
def _map_basis(height: int, width: int, smoothness: float) -> NDArray[np.float32]:
    """Return the functions of the pixel that a sampling map is a weighted sum of."""
    rows, columns = np.mgrid[:height, :width].reshape(2, -1)
    x, y = columns - (width - 1) / 2, rows - (height - 1) / 2
    half = max(height, width) / 2
    knots = np.linspace(-half, half, max(2, round(2 * half / smoothness) + 1))
    knot_y, knot_x = np.meshgrid(knots, knots, indexing="ij")
    distance = np.hypot(x - knot_x.reshape(-1, 1), y - knot_y.reshape(-1, 1))
    bumps = np.exp(-0.5 * (distance / smoothness) ** 2)
    # Unit variance at every pixel, so that `elastic` is what it says.
    bumps /= np.sqrt(np.sum(bumps**2, axis=0))
    # (3 + len(knots)**2, height * width): constant, x, y, then one bump for each knot.
    return np.vstack([np.ones_like(x), x, y, bumps]).astype(np.float32)


def _draw_weights(
    n: int, n_basis: int, rng: np.random.Generator, settings: Augmentation
) -> NDArray[np.float32]:
    """Return random weights of the map basis, (2, n, n_basis): for x, then for y."""
    angle, shear, log_x, log_y = rng.standard_normal((4, n), dtype=np.float32)
    angle *= np.deg2rad(settings.rotation)
    shear *= settings.shear
    scale_x, scale_y = np.exp(settings.scale * log_x), np.exp(settings.scale * log_y)
    cos, sin = np.cos(angle), np.sin(angle)
    weights = rng.standard_normal((2, n, n_basis), dtype=np.float32)
    weights[:, :, 0] *= settings.shift
    weights[:, :, 3:] *= settings.elastic
    # The affine part is rotation @ [[1, shear], [0, 1]] @ diag(scale_x, scale_y).
    weights[0, :, 1], weights[0, :, 2] = cos * scale_x, (cos * shear - sin) * scale_y
    weights[1, :, 1], weights[1, :, 2] = sin * scale_x, (sin * shear + cos) * scale_y
    return weights


def augment(images: Images, rng: np.random.Generator, settings: Augmentation) -> Images:
    """Distort each image by its own random affine and elastic map.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.
    rng : numpy.random.Generator
        Source of all randomness: the same state gives the same images.
    settings : Augmentation
        How strongly.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        The distorted images in the order given; paper where a map leaves its image.

    Examples
    --------
    >>> from digitscope.data import load_data
    >>> images = load_data("digits").train.images[:8]
    >>> augment(images, np.random.default_rng(0), Augmentation()).shape
    (8, 28, 28)
    """
    n, height, width = images.shape
    basis = _map_basis(height, width, settings.smoothness)
    weights = _draw_weights(n, len(basis), rng, settings)
    # The basis is centred, the maps count from the top left pixel.
    weights[:, :, 0] += np.array([[width - 1], [height - 1]], np.float32) / 2
    distorted = np.empty((n, height, width), np.uint8)
    # Images stacked into a tall one: a call of cv2.remap for each would cost far more.
    size = MAX_ROWS // (height + PADDING)
    tall = np.zeros((size, height + PADDING, width), np.uint8)
    top = np.arange(size, dtype=np.float32)[:, np.newaxis] * (height + PADDING)
    for start in range(0, n, size):
        k = min(size, n - start)
        tall[:k, :height] = images[start : start + k]
        x, y = weights[:, start : start + k] @ basis  # each (k, height * width)
        y = np.clip(y, -1, height, out=y) + top[:k]  # beyond the padding is a neighbour
        maps = x.reshape(-1, width), y.reshape(-1, width)
        target = distorted[start : start + k].reshape(-1, width)  # a view
        cv2.remap(tall[:k].reshape(-1, width), *maps, cv2.INTER_LINEAR, dst=target)
    return distorted
