"""Surfaces without digits: paper, textures, noise and shading, and the camera that looks at them.

Everything is drawn from a random generator with NumPy and OpenCV alone, apart from how training
pages are made, so that these pictures are a fair test. Pictures are uint8, (height, width, 3) RGB.
"""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Rng: TypeAlias = np.random.Generator
Picture: TypeAlias = NDArray[np.uint8]  # (height, width, 3), RGB
Plane: TypeAlias = NDArray[np.float64]  # (height, width)


def draw_size(rng: Rng, least: int = 240, most: int = 900) -> tuple[int, int]:
    """Return a height and a width in pixels."""
    return int(rng.integers(least, most)), int(rng.integers(least, most))


def clouds(rng: Rng, size: tuple[int, int], scale: float, stretch: float = 1.0) -> Plane:
    """Return smooth noise with mean 0 and standard deviation 1.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    scale : float
        About the height of one bump, in pixels.
    stretch : float
        Width of a bump as a multiple of its height.
    """
    height, width = size
    rows = max(3, round(height / scale) + 2)
    columns = max(3, round(width / (scale * stretch)) + 2)
    small = rng.normal(size=(rows, columns)).astype(np.float32)
    plane = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(float)
    spread: Plane = (plane - plane.mean()) / (plane.std() + 1e-6)
    return spread


def octaves(rng: Rng, size: tuple[int, int], scale: float, stretch: float = 1.0) -> Plane:
    """Return noise of four scales, each half as large and half as strong as the one before."""
    planes = [clouds(rng, size, max(1.0, scale / 2**i), stretch) / 2**i for i in range(4)]
    total: Plane = np.sum(planes, axis=0)
    return total


def coloured(plane: Plane, dark: NDArray[np.float64], light: NDArray[np.float64]) -> Picture:
    """Return a plane of 0 to 1 as colours between two."""
    share = np.clip(plane, 0, 1)[..., None]
    picture: Picture = (dark + (light - dark) * share).clip(0, 255).astype(np.uint8)
    return picture


def two_colours(rng: Rng) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a darker and a lighter colour of about the same hue, 0 to 255."""
    hue = rng.uniform(0.6, 1.0, 3)
    low, high = np.sort(rng.uniform(40, 250, 2))
    return hue * low, hue * max(high, low + 30)


def paper(rng: Rng, size: tuple[int, int] | None = None) -> Picture:
    """Return empty paper, white or of a light tint, with a little grain."""
    height, width = size or draw_size(rng)
    tint = rng.uniform(215, 255) * rng.uniform(0.9, 1.0, 3)
    grain = rng.normal(0, rng.uniform(0, 3), (height, width, 1))
    sheet: Picture = (tint + grain).clip(0, 255).astype(np.uint8)
    return sheet


def wood(rng: Rng) -> Picture:
    """Return the grain of a board."""
    size = draw_size(rng)
    bend = 3 * clouds(rng, size, size[0] / 3, 6)
    rows = np.arange(size[0])[:, None] / rng.uniform(8, 40)
    rings = 0.5 + 0.3 * np.sin(2 * np.pi * rows + bend)
    fibres = clouds(rng, size, 1.5, 60)
    board = coloured(rings + 0.12 * fibres, *two_colours(rng))
    return board if rng.random() < 0.5 else np.ascontiguousarray(board.transpose(1, 0, 2))


def cloth(rng: Rng) -> Picture:
    """Return woven threads, some of them in checks."""
    size = draw_size(rng)
    thread = rng.uniform(3, 12)  # pixels from thread to thread
    y, x = np.mgrid[: size[0], : size[1]] * (2 * np.pi / thread)
    weave = 0.5 + 0.25 * np.sin(x) * np.sign(np.sin(y / 2)) + 0.2 * np.sin(y)
    if rng.random() < 0.5:
        weave = weave + 0.3 * np.sign(np.sin(x / 12) * np.sin(y / 12))
    return coloured(weave + 0.1 * clouds(rng, size, 2), *two_colours(rng))


def plaster(rng: Rng) -> Picture:
    """Return a rough wall under light from one side."""
    size = draw_size(rng)
    relief = octaves(rng, size, rng.uniform(6, 60))
    light = np.gradient(relief, axis=int(rng.integers(2)))
    return coloured(0.5 + light / (6 * light.std() + 1e-6), *two_colours(rng))


def bricks(rng: Rng) -> Picture:
    """Return a wall of bricks or tiles."""
    height, width = draw_size(rng)
    high, shift = int(rng.integers(16, 60)), rng.random() < 0.6
    wide = int(high * rng.uniform(1, 2.5))
    dark, light = two_colours(rng)
    wall = np.full((height, width, 3), light if rng.random() < 0.5 else dark * 0.6)
    joint = int(rng.integers(2, 5))
    for row in range(-1, height // high + 1):
        offset = (row % 2) * wide // 2 * shift
        for column in range(-1, width // wide + 2):
            top, left = row * high + joint, column * wide - offset + joint
            tone = dark + (light - dark) * rng.uniform(0.1, 0.7)
            right, bottom = left + wide - joint, top + high - joint
            wall[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = tone
    return (wall + 8 * clouds(rng, (height, width), 3)[..., None]).clip(0, 255).astype(np.uint8)


def pebbles(rng: Rng) -> Picture:
    """Return adjacent stones, or the cells of leather: the nearest of random points."""
    height, width = draw_size(rng)
    seeds = np.full((height, width), 255, np.uint8)
    n = int(height * width / rng.uniform(15, 50) ** 2)
    seeds[rng.integers(0, height, n), rng.integers(0, width, n)] = 0
    far = cv2.distanceTransform(seeds, cv2.DIST_L2, 5).astype(float)
    return coloured(1 - far / far.max() + 0.05 * clouds(rng, far.shape, 2), *two_colours(rng))


def metal(rng: Rng) -> Picture:
    """Return brushed or corrugated metal."""
    size = draw_size(rng)
    ripple = np.sin(np.arange(size[1]) * 2 * np.pi / rng.uniform(10, 60))[None]
    plane = 0.5 + rng.uniform(0, 0.4) * ripple + 0.1 * clouds(rng, size, 1.0, 80)
    return coloured(plane, *two_colours(rng))


def texture(rng: Rng) -> Picture:
    """Return wood, cloth, a wall, stones or metal."""
    ways = (wood, cloth, plaster, bricks, pebbles, metal)
    return ways[int(rng.integers(len(ways)))](rng)


def noise(rng: Rng) -> Picture:
    """Return grain of a sensor or of film, dust and hairs of a scanner, or coarse specks."""
    height, width = size = draw_size(rng)
    level = rng.uniform(20, 240)
    picture = np.full((height, width, 3), level)
    way = rng.integers(4)
    if way == 0:  # a sensor in the dark, with stripes along its rows
        picture += rng.normal(0, rng.uniform(3, 40), (height, width, 3))
        picture += rng.normal(0, rng.uniform(0, 6), (height, 1, 1))
    elif way == 1:  # film
        grain = clouds(rng, size, rng.uniform(1, 4)) * rng.uniform(4, 30)
        picture += grain[..., None]
    elif way == 2:  # specks of one to four pixels
        specks = clouds(rng, size, rng.uniform(1, 4))
        share = np.quantile(specks, 1 - 10 ** rng.uniform(-3.5, -1.3))
        picture[specks > share] = 255 - level
    else:  # dust and hairs on the glass
        picture[:] = rng.uniform(200, 250)
        for _ in range(int(rng.integers(40, 400))):
            at = tuple(int(v) for v in rng.integers(0, (width, height)))
            cv2.circle(picture, at, int(rng.integers(0, 2)), (rng.uniform(60, 200),) * 3, -1)
        for _ in range(int(rng.integers(2, 8))):
            hair = np.cumsum(rng.normal(rng.normal(0, 4, 2), 4, (int(rng.integers(12, 40)), 2)), 0)
            points = (hair + rng.uniform(0, (width, height))).astype(np.int32)
            cv2.polylines(picture, [points], False, (110.0,) * 3, 1, cv2.LINE_AA)
    return picture.clip(0, 255).astype(np.uint8)


def shading(rng: Rng) -> Picture:
    """Return empty paper in uneven light: gradients, shadows, folds, creases."""
    height, width = size = draw_size(rng)
    y, x = np.mgrid[:height, :width]
    turn = rng.uniform(0, 2 * np.pi)
    along = (x - width / 2) * np.cos(turn) + (y - height / 2) * np.sin(turn)
    along = along / np.abs(along).max()  # -1 to 1
    light = 0.75 + rng.uniform(0, 0.25) * along
    way = rng.integers(4)
    if way == 0:  # the edge of a shadow, sharp or soft
        light *= 1 - rng.uniform(0.2, 0.6) / (1 + np.exp(-along * rng.uniform(5, 200)))
    elif way == 1:  # folds across the sheet
        for _ in range(int(rng.integers(1, 4))):
            at = along - rng.uniform(-0.7, 0.7)
            light += rng.uniform(-0.15, 0.15) * np.exp(-np.abs(at) * rng.uniform(10, 80))
    elif way == 2:  # crumpled
        relief = octaves(rng, size, rng.uniform(60, 200))
        light += rng.uniform(0.02, 0.06) * np.gradient(relief, axis=1) / 0.03
    else:  # dark towards the corners
        far = ((x / width - 0.5) ** 2 + (y / height - 0.5) ** 2) * 2
        light *= 1 - rng.uniform(0.2, 0.8) * far
    shaded: Picture = (paper(rng, size) * light[..., None]).clip(0, 255).astype(np.uint8)
    return shaded


def photographed(rng: Rng, sheet: Picture) -> Picture:
    """Return a sheet as a camera sees it: on a desk or filling the picture, lit, blurred, noisy."""
    height, width = sheet.shape[:2]
    if rng.random() < 0.5:
        desk = cv2.resize(texture(rng), (width, height))
        desk = (desk * rng.uniform(0.3, 1.0)).astype(np.uint8)
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        inward = rng.uniform(-0.02, 0.15, (4, 2)) * (width, height)
        seen = (corners + inward * [[1, 1], [-1, 1], [-1, -1], [1, -1]]).astype(np.float32)
        flat = cv2.getPerspectiveTransform(corners, seen)
        cv2.warpPerspective(
            sheet, flat, (width, height), dst=desk, borderMode=cv2.BORDER_TRANSPARENT
        )
        sheet = desk
    light = 1 + rng.uniform(0, 0.08) * clouds(rng, (height, width), max(height, width))
    blurred = cv2.GaussianBlur(sheet, (0, 0), rng.uniform(0.3, 1.3))
    grain = rng.normal(0, rng.uniform(0, 6), sheet.shape)
    seen_by = (blurred * light[..., None] + grain).clip(0, 255).astype(np.uint8)
    return as_jpeg(seen_by, int(rng.integers(40, 95)))


def as_jpeg(picture: Picture, quality: int) -> Picture:
    """Return a picture after JPEG compression of a quality of 1 to 100."""
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    again = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert again is not None
    return np.asarray(again, np.uint8)
