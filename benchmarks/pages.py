"""Pages of handwritten numbers as files, each with the truth of what stands where.

    uv run python benchmarks/pages.py --out FOLDER --n 20 --split train

The pages are those of `digitscope.synthesis.faulty_pages`, written with MNIST's digits. Development
looks at pages of training digits; the reported figures come from pages of test digits. Each page
has a random mix of faults, or those that ``--fault NAME=STRENGTH`` names.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.faulty_pages import Faults, Truth, draw_faults, make_page


def outlined(page: NDArray[np.uint8], truth: Truth) -> NDArray[np.uint8]:
    """Return the page with the box of each number and digit drawn, to look at."""
    drawn = cv2.cvtColor(page, cv2.COLOR_GRAY2RGB) if page.ndim == 2 else page.copy()
    for number in truth.numbers:
        for box, colour in [(d.box, (0, 160, 0)) for d in number.digits] + [
            (number.box, (220, 0, 0))
        ]:
            cv2.rectangle(drawn, box[:2], (box[2] - 1, box[3] - 1), colour, 1)
        cv2.putText(drawn, number.text, (number.box[0], number.box[1] - 2), 0, 0.45, (220, 0, 0), 1)
    return drawn


def mnist(split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the images and labels of MNIST's ``train`` or ``test``."""
    from digitscope.data import load_data

    part = getattr(load_data("mnist"), split)
    return part.images, part.labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--n", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--split", choices=("train", "test"), default="train")
    parser.add_argument("--fault", action="append", metavar="NAME=STRENGTH", default=None)
    parser.add_argument("--boxes", action="store_true", help="draw the truth on the pages")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    images, labels = mnist(options.split)
    for i in range(options.n):
        rng = np.random.default_rng([options.seed, i])
        faults: Faults = draw_faults(rng)
        if options.fault is not None:
            pairs = (fault.partition("=") for fault in options.fault)
            faults = {name: float(strength or 1) for name, _, strength in pairs}
        page, truth = make_page(rng, images, labels, faults=faults, gray=i % 4 == 3)
        if options.boxes:
            page = outlined(page, truth)
        stem = options.out / f"{options.split}-{options.seed}-{i:04}"
        cv2.imwrite(f"{stem}.png", page if page.ndim == 2 else page[..., ::-1])
        content = asdict(truth) | {
            "texts": [[n.text for n in line.numbers] for line in truth.lines]
        }
        Path(f"{stem}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
