"""Real pictures without digits: photographs, textures, drawings. They lie behind pages or on them.

A folder of such pictures, named by ``DIGITSCOPE_PICTURES``, adds them to the drawn surfaces;
``tools/pictures`` fills one. Without it, all surfaces are drawn.
"""

import functools
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.errors import Misuse
from digitscope.synthesis.pages.textures import Plane, Size, between

SUFFIXES = {".jpg", ".jpeg", ".png"}
PART = (0.3, 1.0)  # of a picture's shorter side: the part that is cut out
GAIN = (0.4, 1.1)  # factor of its contrast
TURNED = 0.2  # share that is turned by 90°, 180° or 270°
MANY = 0.5  # share of surfaces that show several whole pictures, as a coarse look shows them
SIDES = (24, 160)  # pixels; of the squares that those fill; small ones are more frequent
MOST = 12  # different pictures on one surface
COVERED = (0.2, 0.9)  # of the sides of a page: an illustration's height and width
# Pictures of the packages in `tools/pictures` that show numbers, as their files' names end.
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
        By default the folder that ``DIGITSCOPE_PICTURES`` names, if it names one.

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


def of_part(files: tuple[str, ...], validation: bool) -> tuple[str, ...]:
    """Return the files of validation pages, every eighth one, or the others, for training.

    Where the part would be empty, all files belong to it.

    >>> of_part(tuple("abcdefg"), validation=True)
    ('f',)
    """
    return tuple(f for i, f in enumerate(files) if (i % 8 == 5) == validation) or files


def pictures_of_part(validation: bool) -> tuple[str, ...]:
    """Return the real pictures of a part, without those that show numbers after all."""
    part = of_part(find_pictures(), validation)
    return tuple(file for file in part if not file.endswith(NUMBERED))


@functools.lru_cache(maxsize=64)
def _load(name: str) -> NDArray[np.uint8]:
    picture = cv2.imread(name, cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise Misuse(f"{name} cannot be read as a picture; take it out of the folder.")
    return np.asarray(picture, np.uint8)


def cut_picture(rng: np.random.Generator, size: Size, names: tuple[str, ...]) -> Plane:
    """Return a part of a picture at another size, mirrored or turned.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    names : tuple of str
        As `find_pictures` returns them; one is drawn.

    Returns
    -------
    ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.
    """
    picture = _load(names[int(rng.integers(len(names)))])
    if rng.random() < TURNED:
        picture = np.rot90(picture, int(rng.integers(1, 4)))
    scale = between(rng, PART) * min(
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
    gain = between(rng, GAIN)
    lowest, highest = float(cut.min()), float(cut.max())
    # Any level at which the changed contrast still fits between black and white.
    room = max(255 - gain * (highest - lowest), 0)
    cut -= lowest
    cut *= gain
    cut += room * rng.random()
    return np.clip(cut, 0, 255, out=cut)


def lay_pictures(rng: np.random.Generator, size: Size, names: tuple[str, ...]) -> Plane:
    """Return a part of one picture, or several whole ones side by side, each in a square.

    A reader also looks at a picture at coarse scales, where an apple is as large as a digit.
    Parameters and result are those of `cut_picture`.
    """
    if rng.random() >= MANY:
        return cut_picture(rng, size, names)
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


def illustrate(rng: np.random.Generator, paper: Plane, names: tuple[str, ...]) -> None:
    """Print a picture on a part of a light paper, in place, as in newspapers and work sheets.

    Parameters
    ----------
    rng : numpy.random.Generator
    paper : ndarray of shape (height, width), dtype float32
        0 = black, 255 = white.
    names : tuple of str
        As `find_pictures` returns them.
    """
    height, width = (max(int(between(rng, COVERED) * side), 2) for side in paper.shape)
    top = int(rng.integers(paper.shape[0] - height + 1))
    left = int(rng.integers(paper.shape[1] - width + 1))
    part = paper[top : top + height, left : left + width]
    part *= cut_picture(rng, (height, width), names) / 255
