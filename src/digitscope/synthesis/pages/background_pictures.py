"""Real pictures without digits, used as backgrounds and illustrations of pages.

The environment variable ``DIGITSCOPE_PICTURES`` names a folder of such pictures, which
``tools/pictures`` fills. They are used in addition to drawn surfaces. Without the variable, all
surfaces are drawn.
"""

import functools
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.errors import Misuse
from digitscope.synthesis.pages.textures import Plane, Size, uniform

SUFFIXES = {".jpg", ".jpeg", ".png"}
PART = (0.3, 1.0)  # size of the crop, as a share of the largest crop that fits in the picture
GAIN = (0.4, 1.1)  # factor of the contrast
TURNED = 0.2  # share of pictures that are rotated by 90°, 180° or 270°
MANY = 0.5  # share of surfaces that show several whole pictures, each reduced to a square
SIDES = (24, 160)  # pixels; side of these squares, log-uniform
MOST = 12  # most different pictures on one surface
COVERED = (0.2, 0.9)  # height and width of an illustration, as shares of those of the page
# Endings of the names of pictures from `tools/pictures` that show numbers.
NUMBERED = (
    "-firestation_mimooh_01.jpg", "-postage_stamp_jarno_vasa_.jpg", "-mobile.jpg",
    "-numero_verde_angelo_gelm_01.jpg", "-cronometro_mauro_olivo_01.jpg", "-mag4.jpg",
    "-sailboat_illustration_labels.jpg", "-sailing_heel.jpg", "-sailing_jibe.jpg", "-grave-d.jpg",
    "-ind05b.jpg", "-door012.jpg", "-door054.jpg",
)  # fmt: skip


def find_pictures(folder: Path | None = None) -> tuple[str, ...]:
    """Return the paths of real pictures without digits, sorted; none without a folder.

    Parameters
    ----------
    folder : Path, optional
        By default the folder named by ``DIGITSCOPE_PICTURES``, if any.

    Raises
    ------
    Misuse
        When the folder holds no picture.
    """
    named = folder or (Path(env) if (env := os.environ.get("DIGITSCOPE_PICTURES")) else None)
    if named is None:
        return ()
    found = sorted(str(p) for p in named.glob("*") if p.suffix.lower() in SUFFIXES)
    if not found:
        raise Misuse(f"{named} holds no pictures; expected {', '.join(sorted(SUFFIXES))} files.")
    return tuple(found)


def files_of_part(files: tuple[str, ...], validation: bool) -> tuple[str, ...]:
    """Return the files for validation pages, which are every eighth, or those for training.

    If the result would be empty, all files are returned.

    >>> files_of_part(tuple("abcdefg"), validation=True)
    ('f',)
    """
    return tuple(f for i, f in enumerate(files) if (i % 8 == 5) == validation) or files


def pictures_of_part(validation: bool) -> tuple[str, ...]:
    """Return the real pictures for validation or training, without those that show numbers."""
    part = files_of_part(find_pictures(), validation)
    return tuple(file for file in part if not file.endswith(NUMBERED))


@functools.lru_cache(maxsize=64)
def _load(name: str) -> NDArray[np.uint8]:
    picture = cv2.imread(name, cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise Misuse(f"{name} cannot be read as a picture; remove it from the folder.")
    return np.asarray(picture, np.uint8)


def crop_picture(rng: np.random.Generator, size: Size, names: tuple[str, ...]) -> Plane:
    """Return a random crop of a random picture, scaled to a size, possibly mirrored or rotated.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    names : tuple of str
        Paths as `find_pictures` returns them.

    Returns
    -------
    ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.
    """
    picture = _load(names[int(rng.integers(len(names)))])
    if rng.random() < TURNED:
        picture = np.rot90(picture, int(rng.integers(1, 4)))
    scale = uniform(rng, PART) * min(
        side / asked for side, asked in zip(picture.shape, size, strict=True)
    )
    height, width = (max(int(scale * asked), 2) for asked in size)
    top = int(rng.integers(picture.shape[0] - height + 1))
    left = int(rng.integers(picture.shape[1] - width + 1))
    part = picture[top : top + height, left : left + width]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    way = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    cut: Plane = np.asarray(
        cv2.resize(np.ascontiguousarray(part), size[::-1], interpolation=way), np.float32
    )
    gain = uniform(rng, GAIN)
    lowest, highest = float(cut.min()), float(cut.max())
    # A random level at which the changed contrast fits between black and white.
    room = max(255 - gain * (highest - lowest), 0)
    cut -= lowest
    cut *= gain
    cut += room * rng.random()
    return np.clip(cut, 0, 255, out=cut)


def draw_picture_surface(rng: np.random.Generator, size: Size, names: tuple[str, ...]) -> Plane:
    """Return a crop of one picture, or several whole pictures side by side, each in a square.

    The small pictures represent coarse scales of a reader, at which an object has the size of a
    digit. Parameters and result are those of `crop_picture`.
    """
    if rng.random() >= MANY:
        return crop_picture(rng, size, names)
    side = int(np.exp(rng.uniform(*np.log(SIDES))))
    rows, columns = (-(-length // side) for length in size)
    wall = np.empty((rows * side, columns * side), np.float32)
    chosen = [_load(names[k]) for k in rng.integers(len(names), size=min(rows * columns, MOST))]
    for place in range(rows * columns):
        picture = chosen[place % len(chosen)]
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        y, x = place // columns * side, place % columns * side
        wall[y : y + side, x : x + side] = small[:, ::-1] if rng.random() < 0.5 else small
    top, left = (int(rng.integers(side)) if n > 1 else 0 for n in (rows, columns))
    rolled: Plane = np.roll(wall, (top, left), (0, 1))[: size[0], : size[1]]
    return np.ascontiguousarray(rolled)


def print_picture(rng: np.random.Generator, paper: Plane, names: tuple[str, ...]) -> None:
    """Print a random picture on a part of a light paper, in place, as in newspapers.

    Parameters
    ----------
    rng : numpy.random.Generator
    paper : ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.
    names : tuple of str
        Paths as `find_pictures` returns them.
    """
    height, width = (max(int(uniform(rng, COVERED) * side), 2) for side in paper.shape)
    top = int(rng.integers(paper.shape[0] - height + 1))
    left = int(rng.integers(paper.shape[1] - width + 1))
    part = paper[top : top + height, left : left + width]
    part *= crop_picture(rng, (height, width), names) / 255
