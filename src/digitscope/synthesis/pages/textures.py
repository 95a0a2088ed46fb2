"""Noise, grain and line patterns for papers, surfaces and camera noise.

Slow fields are drawn at a coarse resolution and enlarged. Fine grain is a random window of a large
periodic texture, which is drawn once per process from a fixed seed. So a picture depends on the
given generator only, and takes little time.
"""

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.float32]  # (height, width)
Size: TypeAlias = tuple[int, int]  # height and width, in pixels
Range: TypeAlias = tuple[float, float]  # lowest and highest value of a uniform draw

SIDE = 768  # pixels; side of the cached textures, a compromise between repetition and memory
CELL = 8  # pixels; distance between the points at which the phase of line patterns is computed


def uniform(rng: np.random.Generator, bounds: Range) -> float:
    """Return a number drawn uniformly from a range."""
    return bounds[0] + (bounds[1] - bounds[0]) * rng.random()


def triangular(rng: np.random.Generator, bounds: Range) -> float:
    """Return a number drawn from a range with linearly falling density: low values are frequent."""
    return bounds[0] + (bounds[1] - bounds[0]) * (1.0 - float(rng.random() ** 0.5))


def choose(rng: np.random.Generator, weights: dict[str, float]) -> str:
    """Return a random name, with probabilities proportional to the weights."""
    left = rng.random() * sum(weights.values())
    for name, weight in weights.items():
        left -= weight
        if left < 0:
            return name
    return name


def flat(size: Size, level: float) -> Plane:
    """Return a plane of constant level."""
    return np.full(size, level, np.float32)


def smooth(rng: np.random.Generator, size: Size, period: float, along: float = 0.0) -> Plane:
    """Return slow noise with mean about 0 and spread below 1.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
    period : float
        Vertical distance between two independent values, in pixels.
    along : float
        Horizontal distance; 0 for the same as `period`.
    """
    rows = min(max(2, round(size[0] / period) + 1), size[0])
    columns = min(max(2, round(size[1] / (along or period)) + 1), size[1])
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    if min(size) >= 32 and 8 * rows <= size[0] and 8 * columns <= size[1]:
        # Cubic at a quarter of the size, then linear: faster, with hardly any difference.
        coarse = cv2.resize(coarse, (size[1] // 4, size[0] // 4), interpolation=cv2.INTER_CUBIC)
        return cv2.resize(coarse, size[::-1])  # type: ignore[no-any-return]
    method = cv2.INTER_CUBIC if rows * columns < 4096 else cv2.INTER_LINEAR
    return cv2.resize(coarse, size[::-1], interpolation=method)  # type: ignore[no-any-return]


def window(
    rng: np.random.Generator, texture: Plane, size: Size, scale: float = 1.0, *, turn: bool = True
) -> Plane:
    """Return a random window of a periodic texture, possibly mirrored and transposed.

    Parameters
    ----------
    rng : numpy.random.Generator
    texture : ndarray of shape (height, width), dtype float32
    size : tuple of int
    scale : float
        Pixels of the window per pixel of the texture.
    turn : bool
        Whether the texture may be transposed; False for textures with a direction.
    """
    turned = turn and rng.random() < 0.5
    height, width = size[::-1] if turned else size
    rows, columns = max(1, round(height / scale)), max(1, round(width / scale))
    top = int(rng.integers(max(1, texture.shape[0] - rows + 1)))
    left = int(rng.integers(max(1, texture.shape[1] - columns + 1)))
    if rows <= texture.shape[0] and columns <= texture.shape[1]:
        part = texture[top : top + rows, left : left + columns]
    else:
        part = texture.take(np.arange(top, top + rows), axis=0, mode="wrap")
        part = part.take(np.arange(left, left + columns), axis=1, mode="wrap")
    if (rows, columns) != (height, width):
        method = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
        part = cv2.resize(part, (width, height), interpolation=method)
    if turned:
        part = cv2.transpose(part)
    return cv2.flip(part, int(rng.integers(-1, 2)))  # type: ignore[no-any-return]


def coordinates(size: Size) -> tuple[Plane, Plane]:
    """Return x and y of the coarse points that `enlarge` takes, in pixels; they broadcast."""
    rows, columns = -(-size[0] // CELL) + 3, -(-size[1] // CELL) + 3
    x = (np.arange(columns, dtype=np.float32) - 1) * CELL
    y = (np.arange(rows, dtype=np.float32) - 1) * CELL
    return x[None, :], y[:, None]


def enlarge(coarse: Plane, size: Size) -> Plane:
    """Return values at `coordinates(size)` as a plane of `size`.

    Linear interpolation followed by a mean over one cell is a quadratic spline, which keeps
    straight lines straight. OpenCV's cubic interpolation causes waves of one cell's length.
    """
    plane = cv2.resize(coarse, (coarse.shape[1] * CELL, coarse.shape[0] * CELL))
    plane = cv2.blur(plane, (CELL, CELL))
    start = CELL + CELL // 2  # the first value is at -CELL
    return plane[start : start + size[0], start : start + size[1]]  # type: ignore[no-any-return]


def lines(phase: Plane, width: float) -> Plane:
    """Return lines where a phase is a whole number: 1 in the middle of a line, 0 between lines.

    Parameters
    ----------
    phase : ndarray of shape (height, width), dtype float32
        In cycles.
    width : float
        Width of a line at half of its depth, as a share of the distance between two lines.
    """
    away = np.abs((np.arange(256) + 128) % 256 - 128) / 256.0
    profile = np.clip(1.0 - away / max(width, 0.02), 0, 1).astype(np.float32)
    places = (phase * 256.0).astype(np.int32).astype(np.uint8)  # modulo one cycle
    return cv2.LUT(places, profile)  # type: ignore[no-any-return]


def specks(
    rng: np.random.Generator, picture: Plane, count: int, gray: Range, radius: float
) -> None:
    """Draw irregular specks and a few short hairs on a picture, in place.

    Parameters
    ----------
    rng : numpy.random.Generator
    picture : ndarray of shape (height, width), dtype float32
    count : int
    gray : tuple of float
        Range of the gray level, which is the same for all; their opacity differs.
    radius : float
        Largest radius, in pixels; most are much smaller.
    """
    mask = np.zeros(picture.shape, np.uint8)
    centres = rng.random((count, 1, 2)) * picture.shape[::-1]
    cover = (255 * rng.random(count) ** 0.5).tolist()
    reach = 0.5 + max(radius - 0.5, 0) * rng.random((count, 1)) ** 4
    hair = rng.random(count) < 0.07
    turn = rng.random((count, 1)) * 6.283
    corners = np.arange(6) * np.where(hair[:, None], 0.35, 1.047) + turn
    reach = np.where(hair[:, None], 3 + 5 * reach, reach * rng.uniform(0.6, 1.3, (count, 6)))
    outlines = np.stack([np.cos(corners), np.sin(corners)], axis=2) * reach[:, :, None] + centres
    for outline, thin, tone in zip((outlines * 16).astype(np.int32), hair, cover, strict=True):
        if thin:
            cv2.polylines(mask, [outline], False, tone, 1, cv2.LINE_AA, 4)
        else:
            cv2.fillConvexPoly(mask, outline, tone, cv2.LINE_AA, 4)
    blend(picture, mask, uniform(rng, gray))


def strokes(
    rng: np.random.Generator, picture: Plane, paths: list[NDArray[np.floating]], gray: float
) -> None:
    """Draw thin smooth lines through points (x and y in pixels) on a picture, in place."""
    mask = np.zeros(picture.shape, np.uint8)
    for path in paths:
        points = [np.round(path * 16).astype(np.int32)]
        cv2.polylines(mask, points, False, int(rng.integers(90, 256)), 1, cv2.LINE_AA, 4)
    blend(picture, mask, gray)


def blend(picture: Plane, mask: NDArray[np.uint8], gray: float) -> None:
    """Blend a picture with a gray level, in place; the mask is the opacity, 0 to 255."""
    picture += (gray - picture) * (mask * np.float32(1 / 255))


def unit(plane: NDArray[np.floating]) -> Plane:
    """Return a plane with mean 0 and standard deviation 1."""
    centred = plane - plane.mean()
    scaled: Plane = (centred / max(float(centred.std()), 1e-6)).astype(np.float32)
    return scaled


def _wrapped_blur(plane: Plane, sigma: float) -> Plane:
    """Return a periodic plane after a Gaussian blur; the result is periodic too."""
    pad = int(4 * sigma) + 1
    padded = np.pad(plane, pad, mode="wrap")
    blurred: Plane = cv2.GaussianBlur(padded, (0, 0), sigma)[pad:-pad, pad:-pad]
    return blurred


def _strokes(
    seed: int, count: int, length: Range, angles: Callable[[np.random.Generator], float]
) -> Plane:
    """Return a periodic texture of short straight lines of random gray level."""
    rng = np.random.default_rng(seed)
    canvas = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(count):
        start = rng.random(2) * SIDE
        angle = angles(rng)
        reach = uniform(rng, length) * np.array([np.cos(angle), np.sin(angle)])
        tone = float(rng.normal())
        for shift in {(0, 0), *(tuple(-SIDE * ((start + reach) // SIDE).astype(int)),)}:
            a, b = ((start + shift) * 16).astype(int), ((start + reach + shift) * 16).astype(int)
            cv2.line(canvas, a.tolist(), b.tolist(), tone, 1, cv2.LINE_AA, 4)
    return canvas


@cache
def grain() -> Plane:
    """Return white Gaussian noise of spread 1, like sensor noise."""
    return np.random.default_rng(1).standard_normal((SIDE, SIDE), dtype=np.float32)


@cache
def soft_grain() -> Plane:
    """Return noise of spread 1, correlated over about 2 pixels, like film or coarse paper."""
    return unit(
        _wrapped_blur(np.random.default_rng(2).standard_normal((SIDE, SIDE), np.float32), 1)
    )


@cache
def clouds() -> Plane:
    """Return noise of spread 1 whose amplitude increases with the wavelength."""
    rng = np.random.default_rng(3)
    waves = np.fft.fftfreq(SIDE)[:, None] ** 2 + np.fft.rfftfreq(SIDE)[None, :] ** 2
    waves = np.maximum(waves, (1 / 300) ** 2)
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * waves**-0.65
    return unit(np.fft.irfft2(spectrum, (SIDE, SIDE)))


@cache
def fibres() -> Plane:
    """Return short fibres in all directions, spread 1, like rough paper or felt."""
    drawn = _strokes(4, 16_000, (6, 24), lambda rng: float(rng.random() * 6.3))
    return unit(_wrapped_blur(drawn, 0.7))


@cache
def blades() -> Plane:
    """Return blades that mostly point upwards, spread 1, like grass or fur."""
    return unit(_strokes(5, 40_000, (8, 34), lambda rng: float(rng.normal(1.57, 0.5))))


@cache
def cells() -> Plane:
    """Return the distance to the nearest of many random points, spread 1."""
    return unit(_distances(6, 3600))


@cache
def facets() -> Plane:
    """Return the light on crumpled paper, spread 1: facets of many sizes between sharp creases."""
    light = np.zeros((SIDE, SIDE), np.float32)
    for seed, points, weight in ((7, 36, 1.0), (8, 140, 0.6), (9, 500, 0.35)):
        height = _distances(seed, points)
        slope = np.roll(height, 2, axis=0) - height + 0.6 * (np.roll(height, 2, axis=1) - height)
        light += weight * slope
    return unit(_wrapped_blur(light, 1.2))


def _distances(seed: int, points: int) -> Plane:
    """Return the distance of each pixel to the nearest of some random points; periodic."""
    rng = np.random.default_rng(seed)
    mask = np.ones((SIDE, SIDE), np.uint8)
    mask[rng.integers(SIDE, size=points), rng.integers(SIDE, size=points)] = 0
    tiled = np.pad(mask, SIDE // 3, mode="wrap")
    away: Plane = cv2.distanceTransform(tiled, cv2.DIST_L2, 5)
    return away[SIDE // 3 : -(SIDE // 3), SIDE // 3 : -(SIDE // 3)]
