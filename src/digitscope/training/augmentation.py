"""Random augmentation of the training images of an epoch: distortion, then changes of strokes.

The distortion is affine and elastic, after Simard, Steinkraus and Platt, "Best Practices for
Convolutional Neural Networks Applied to Visual Document Analysis", ICDAR 2003. They smooth white
noise with a Gaussian. Here the displacement is a random sum of Gaussian bumps on a coarse grid, so
that one matrix product gives those of all images.
"""

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import Images
from digitscope.recipes import Augmentation

MAX_ROWS = 32_767  # largest number of rows of a picture in OpenCV
# Empty rows between stacked images, one for each of them, so that bilinear interpolation never
# reads a neighbouring image.
PADDING = 2
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
CHUNK = 1_000  # images per filter operation

Planes: TypeAlias = NDArray[np.float32]  # (n, 28, 28), 0 = paper, 255 = ink


@functools.cache
def _map_basis(height: int, width: int, smoothness: float) -> NDArray[np.float32]:
    """Return the basis functions whose weighted sum is a sampling map."""
    rows, columns = np.mgrid[:height, :width].reshape(2, -1)
    x, y = columns - (width - 1) / 2, rows - (height - 1) / 2
    half = max(height, width) / 2
    knots = np.linspace(-half, half, max(2, round(2 * half / smoothness) + 1))
    knot_y, knot_x = np.meshgrid(knots, knots, indexing="ij")
    distance = np.hypot(x - knot_x.reshape(-1, 1), y - knot_y.reshape(-1, 1))
    bumps = np.exp(-0.5 * (distance / smoothness) ** 2)
    # Unit variance at every pixel, so that `elastic` is the standard deviation.
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


def augment(
    images: Images, rng: np.random.Generator, settings: Augmentation, degraded: int = 0
) -> Images:
    """Return augmented images.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.
    rng : numpy.random.Generator
        Source of all randomness: the same state gives the same images.
    settings : Augmentation
        Strength of each change.
    degraded : int
        Number of images at the end that already have random strokes, blur, noise and cuts. They
        are only distorted and get neighbours.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        The augmented images in the same order; paper where a map is outside of its image.

    Examples
    --------
    >>> from digitscope.data import load_data
    >>> images = load_data("digits").train.images[:8]
    >>> augment(images, np.random.default_rng(0), Augmentation()).shape
    (8, 28, 28)
    """
    bent = bend(images, rng, settings)
    shares = settings.stroke, settings.blur, settings.neighbours, settings.cut, settings.noise
    if any(shares):
        fresh = len(bent) - degraded
        bent[:fresh] = _change_strokes(bent[:fresh], rng, settings)
        if degraded:
            neighbours_only = replace(settings, stroke=0, blur=0, cut=0, noise=0)
            bent[fresh:] = _change_strokes(bent[fresh:], rng, neighbours_only)
    return bent


def bend(images: Images, rng: np.random.Generator, settings: Augmentation) -> Images:
    """Distort each image by its own random affine and elastic map.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), dtype uint8
    rng : numpy.random.Generator
    settings : Augmentation
        Its affine and elastic parameters are used.

    Returns
    -------
    ndarray of shape (n, height, width), dtype uint8
        0 where a map is outside of its image.
    """
    n, height, width = images.shape
    basis = _map_basis(height, width, settings.smoothness)
    weights = _draw_weights(n, len(basis), rng, settings)
    # The origin of the basis is the centre, that of the maps the upper left pixel.
    weights[:, :, 0] += np.array([[width - 1], [height - 1]], np.float32) / 2
    distorted = np.empty((n, height, width), np.uint8)
    # Images are stacked into a tall one, since a call of cv2.remap for each takes much longer.
    size = MAX_ROWS // (height + PADDING)
    tall = np.zeros((size, height + PADDING, width), np.uint8)
    top = np.arange(size, dtype=np.float32)[:, np.newaxis] * (height + PADDING)
    for start in range(0, n, size):
        k = min(size, n - start)
        tall[:k, :height] = images[start : start + k]
        x, y = weights[:, start : start + k] @ basis  # each (k, height * width)
        y = np.clip(y, -1, height, out=y) + top[:k]  # beyond the padding is another image
        maps = x.reshape(-1, width), y.reshape(-1, width)
        target = distorted[start : start + k].reshape(-1, width)  # a view
        cv2.remap(tall[:k].reshape(-1, width), *maps, cv2.INTER_LINEAR, dst=target)
    return distorted


def defocus(
    images: Images, rng: np.random.Generator, share: float, sigma: tuple[float, float]
) -> Images:
    """Blur a random share of the images, as a lens out of focus does.

    Parameters
    ----------
    images : ndarray of shape (n, height, width), dtype uint8
    rng : numpy.random.Generator
    share : float
        Share of the images.
    sigma : tuple of float
        Smallest and largest standard deviation of the blur, in pixels.

    Returns
    -------
    ndarray of shape (n, height, width), dtype uint8
    """
    soft = images.copy()
    for row in np.flatnonzero(rng.random(len(images)) < share).tolist():
        soft[row] = cv2.GaussianBlur(images[row], (0, 0), float(rng.uniform(*sigma)))
    return soft


def _change_strokes(images: Images, rng: np.random.Generator, settings: Augmentation) -> Images:
    """Apply changes of strokes, crops, lenses and scanners to random shares of the images."""
    changed = images.copy()

    def some(share: float, size: int = CHUNK) -> Iterator[tuple[NDArray[np.intp], Planes]]:
        rows = np.flatnonzero(rng.random(len(images), dtype=np.float32) < share)
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            yield part, changed[part].astype(np.float32)

    for rows, planes in some(settings.neighbours):
        changed[rows] = _add_neighbours(planes, rng).astype(np.uint8)
    for rows, planes in some(settings.stroke):
        # From -1, one pixel less on each side of a stroke, to 1, one pixel more.
        change = rng.uniform(-1, 1, (len(rows), 1, 1)).astype(np.float32)
        wide = _filter_stacked(planes, lambda tall: cv2.dilate(tall, CROSS))
        thin = _filter_stacked(planes, lambda tall: cv2.erode(tall, CROSS))
        # Images with little ink are thinned less, so that no stroke vanishes.
        room = np.minimum(1, planes.mean(axis=(1, 2), keepdims=True) / 20 - 0.5).clip(0)
        planes += np.maximum(change, 0) * (wide - planes)
        planes += np.maximum(-change, 0) * room * (thin - planes)
        changed[rows] = planes.round().astype(np.uint8)
    for rows, planes in some(settings.cut):
        changed[rows] = _cut(planes, rng).astype(np.uint8)
    for rows, planes in some(settings.blur):
        amount = rng.random((len(rows), 1, 1), dtype=np.float32)
        soft = _filter_stacked(planes, lambda tall: cv2.GaussianBlur(tall, (5, 5), 1.2))
        planes += amount * (soft - planes)
        changed[rows] = planes.round().astype(np.uint8)
    for rows, planes in some(settings.noise):
        changed[rows] = _grain(planes, rng).round().clip(0, 255).astype(np.uint8)
    return changed


def _filter_stacked(planes: Planes, operation: Callable[[Planes], Planes]) -> Planes:
    """Apply a filter of up to 5×5 pixels to all images, stacked into a tall one."""
    n, height, width = planes.shape
    tall = np.zeros((n, height + PADDING, width), np.float32)
    tall[:, :height] = planes
    result: Planes = operation(tall.reshape(-1, width)).reshape(tall.shape)[:, :height]
    return result


def _add_neighbours(planes: Planes, rng: np.random.Generator) -> Planes:
    """Add a part of another digit at the left or right border."""
    n, _, width = planes.shape
    others = planes[rng.permutation(n)]
    columns = np.arange(width)
    shift = rng.integers(17, 23, n) * rng.choice([-1, 1], n)
    source = columns - shift[:, np.newaxis]  # (n, width)
    inside = (source >= 0) & (source < width)
    moved = np.take_along_axis(others, source.clip(0, width - 1)[:, np.newaxis, :], axis=2)
    joined: Planes = np.maximum(planes, moved * inside[:, np.newaxis, :])
    return joined


def _cut(planes: Planes, rng: np.random.Generator) -> Planes:
    """Remove one or two outer rows or columns of the ink, at a random side."""
    side = rng.integers(0, 4, len(planes))
    depth = rng.integers(1, 3, len(planes))
    for k in range(4):
        rows = np.flatnonzero(side == k)
        turned = np.rot90(planes[rows], k, axes=(1, 2))  # the side is on top
        inked = turned.max(axis=2) > 64
        first = np.where(inked.any(axis=1), inked.argmax(axis=1), 0) + depth[rows]
        keep = np.arange(turned.shape[1]) >= first[:, np.newaxis]
        planes[rows] = np.rot90(turned * keep[:, :, np.newaxis], -k, axes=(1, 2))
    return planes


def _grain(planes: Planes, rng: np.random.Generator) -> Planes:
    """Apply a threshold to the first half of the images and add noise to the second."""
    half = len(planes) // 2
    level = rng.uniform(60, 190, (half, 1, 1)).astype(np.float32)
    planes[:half] = 255.0 * (planes[:half] > level)
    amount = rng.uniform(2, 24, (len(planes) - half, 1, 1)).astype(np.float32)
    planes[half:] += amount * rng.standard_normal(planes[half:].shape, dtype=np.float32)
    return planes
