"""Pictures without any digit: a reader should report nothing, and what it reports is invented.

    uv run python benchmarks/empty_pictures.py --out FOLDER --n 65

Photographs that come with scikit-learn and Matplotlib, printed words, empty forms and tables, ruled
paper, charts, textures, noise, shading, drawings, maps, diagrams and codes. A picture depends on
the seed and its place alone (and on the installed fonts: `digitscope.synthesis.fonts.find_fonts`).
There is no single letter that looks like a digit, no single circle, and no single upright line.
"""

import argparse
import functools
import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from empty_drawings import chart, code, diagram, drawing, street_map
from empty_paper import form, ruled, table, text
from empty_surfaces import Picture, Rng, as_jpeg, noise, photographed, shading, texture

N = 500  # pictures of the whole set


@functools.cache
def photographs() -> tuple[Picture, ...]:
    """Return the photographs and scans that come with scikit-learn and Matplotlib."""
    import matplotlib
    import sklearn.datasets

    folder = Path(sklearn.datasets.__file__).parent / "images"
    samples = Path(matplotlib.get_data_path()) / "sample_data"
    files = [folder / "china.jpg", folder / "flower.jpg", samples / "grace_hopper.jpg"]
    files.append(samples / "Minduka_Present_Blue_Pack.png")
    pictures = [np.array(Image.open(file).convert("RGB")) for file in files]
    with gzip.open(samples / "s1045.ima.gz") as scan:  # a slice of a head, by magnetic resonance
        head = np.frombuffer(scan.read(), np.uint16).reshape(256, 256).astype(float)
    with np.load(samples / "jacksboro_fault_dem.npz") as content:  # heights of land
        slope = np.gradient(content["elevation"].astype(float), axis=1)
    for plane in (head, slope):
        low, high = np.percentile(plane, (1, 99))
        gray = ((plane - low) / (high - low)).clip(0, 1) * 255
        pictures.append(np.repeat(gray[..., None], 3, 2).astype(np.uint8))
    return tuple(np.ascontiguousarray(picture) for picture in pictures)


def photograph(rng: Rng) -> Picture:
    """Return a part of one of the photographs, scaled, turned or mirrored."""
    whole = photographs()[int(rng.integers(len(photographs())))]
    height, width = whole.shape[:2]
    share = rng.uniform(0.3, 1.0)
    high, wide = int(height * share), int(width * share)
    top, left = int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1))
    part = whole[top : top + high, left : left + wide]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    scale = rng.uniform(200, 900) / max(high, wide)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    part = cv2.resize(
        np.rot90(part, int(rng.integers(4))), None, fx=scale, fy=scale, interpolation=way
    )
    if rng.random() < 0.3:
        middle = (part.shape[1] / 2, part.shape[0] / 2)
        turn = cv2.getRotationMatrix2D(middle, rng.uniform(-45, 45), 1.2)
        part = cv2.warpAffine(part, turn, part.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)
    return as_jpeg(np.ascontiguousarray(part), int(rng.integers(30, 95)))


def seen(make: Callable[[Rng], Picture]) -> Callable[[Rng], Picture]:
    """Return how to make a sheet that in half of the cases was photographed."""

    def both(rng: Rng) -> Picture:
        sheet = make(rng)
        return photographed(rng, sheet) if rng.random() < 0.5 else sheet

    return both


KINDS: dict[str, Callable[[Rng], Picture]] = {
    "photograph": photograph,
    "text": seen(text),
    "form": seen(form),
    "table": seen(table),
    "ruled paper": seen(ruled),
    "chart": chart,
    "texture": texture,
    "noise": noise,
    "shading": seen(shading),
    "drawing": seen(drawing),
    "map": street_map,
    "diagram": seen(diagram),
    "code": seen(code),
}


def make_all(n: int = N, seed: int = 0) -> Iterator[tuple[str, Picture]]:
    """Yield the kind and the picture, (height, width) gray or (height, width, 3) RGB, of each.

    The kinds take turns; every fourth round is gray.
    """
    for i in range(n):
        kind = list(KINDS)[i % len(KINDS)]
        picture = KINDS[kind](np.random.default_rng([seed, i]))
        if i // len(KINDS) % 4 == 3:
            picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        yield kind, picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=N)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for i, (kind, picture) in enumerate(make_all(options.n, options.seed)):
        file = options.out / f"{kind.replace(' ', '-')}-{i:04}.png"
        cv2.imwrite(str(file), picture if picture.ndim == 2 else picture[..., ::-1])


if __name__ == "__main__":
    main()
