"""Try other values of the parameters of reading on validation pages and pictures without digits.

    uv run python benchmarks/reading_parameters.py landing=0.5,0.8,1.1 threshold=0.35,0.45,0.55

Validation pages are synthesised, with writers, fonts and papers that no training has seen. Each
parameter is changed alone; the first row is the one that ships. Only parameters that act after the
glyphs are found can be tried: threshold, linked, sign, link and landing.
"""

import argparse
from collections import Counter
from dataclasses import replace

import numpy as np

import empty_pictures
from common import write
from digitscope.data.handwriting import page_sources
from digitscope.page_network import PageNetwork
from digitscope.pictures import read_gray
from digitscope.reading.glyphs import Glyphs, merge
from digitscope.reading.numbers import find_runs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import confirm, look_at_all
from digitscope.synthesis.pages.generator import PageStyle

SIZE = (352, 352)  # pixels of a validation page
STYLE = PageStyle(height=(14, 40), outside=0.0)
TRIED = ("threshold", "linked", "sign", "link", "landing")


def glyphs_of(gray: np.ndarray, network: PageNetwork, parameters: ReadingParameters) -> Glyphs:
    levels = look_at_all(gray, network, parameters)
    return confirm(merge([level.glyphs for level in levels], parameters), levels, parameters)


def texts(glyphs: Glyphs, parameters: ReadingParameters) -> Counter[str]:
    labels = glyphs.labels
    runs = find_runs(glyphs, parameters)
    return Counter("".join(labels[i] for i in run.glyphs) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("values", nargs="*", help="NAME=VALUE,VALUE, ...")
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--empty", type=int, default=100)
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    changes: list[dict[str, float]] = [{}]
    for part in options.values:
        name, _, numbers = part.partition("=")
        if name not in TRIED:
            parser.error(f"NAME must be one of {', '.join(TRIED)}. Received: {name!r}.")
        changes += [{name: float(number)} for number in numbers.split(",")]
    network, parameters = PageNetwork(threads=1), ReadingParameters()
    source = replace(page_sources()[1], style=STYLE)
    pages = []
    for number in range(options.pages):
        picture, truth = source.patch(np.random.default_rng([0, 3, number]), SIZE)
        pages.append((Counter(truth.numbers), glyphs_of(picture, network, parameters)))
    empty = [
        glyphs_of(read_gray(np.ascontiguousarray(picture)), network, parameters)
        for _, picture in empty_pictures.make_all(options.empty, 0)
    ]
    rows = []
    for change in changes:
        tried = replace(parameters, **change)
        read = [(wanted, texts(glyphs, tried)) for wanted, glyphs in pages]
        row = {
            **change,
            "numbers": sum(wanted.total() for wanted, _ in read),
            "found": sum((wanted & found).total() for wanted, found in read),
            "others": sum((found - wanted).total() for wanted, found in read),
            "invented on empty pictures": sum(texts(g, tried).total() for g in empty),
        }
        rows.append(row)
        print(row, flush=True)
    if not options.dry:
        write("reading-parameters", {"shipped": vars(parameters), "rows": rows})


if __name__ == "__main__":
    main()
