"""Which forms of digits the page network recognises: each parametric form, on plain rows of digits.

    uv run python benchmarks/forms.py

Rows of numbers are drawn with the parametric forms on plain paper, without perspective, 24 to 36
pixels high; the digit in question is always of one form, the others of any. A digit is known if
its class is the most probable one of the sixteen near its centre. Forms that other people may call
another digit are among them, so not all can reach 100 %.
"""

import argparse
import os
from collections import Counter
from dataclasses import replace
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

import numpy as np

from common import row, write
from digitscope.data.page_sources import page_sources
from digitscope.image.contrast import normalise_contrast
from digitscope.models.glyph_classes import CLASSES, HEAT, STRIDE
from digitscope.models.page_network import PageNetwork
from digitscope.synthesis.digit_forms import DIGITS
from digitscope.synthesis.pages.generator import SIDE, PageSource
from digitscope.synthesis.pages.writing_sources import StrokePool

AROUND = 1  # cells of the maps around a digit's centre, in which its class is looked for
PATCHES = 400  # at most, for one form


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=60, help="digits of each form")
    parser.add_argument("--network", help="an .onnx file; the pretrained one unless given")
    parser.add_argument("--name", default="forms", help="of the result")
    options = parser.parse_args()
    network = PageNetwork(options.network, threads=1) if options.network else PageNetwork(threads=1)
    _, source = page_sources()
    forms: list[dict[str, Any]] = []
    for digit, glyphs in enumerate(DIGITS):
        for form, glyph in enumerate(glyphs):
            read = read_form(network, only(source, str(digit), form), str(digit), options.n)
            known = read[str(digit)] / max(read.total(), 1)
            others = {k: n for k, n in read.most_common() if k != str(digit)}
            forms.append({"digit": digit, "form": form, "name": glyph.name, "n": read.total(),
                          "known": known, "taken_for": others})  # fmt: skip
    shares = [form["known"] for form in forms]
    result = {"forms": len(forms), "known": float(np.mean(shares)), "each": forms}
    for one in sorted(forms, key=lambda form: form["known"])[:20]:
        print(
            f"{one['known']:.0%} of {one['n']}: {one['digit']}, {one['name']}",
            *one["taken_for"].items(),
        )
    print(f"all forms, equal weights: {result['known']:.1%}")
    write(options.name, result, rows(result), show=False)


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the row of all forms, with equal weights."""
    worst = min(result["each"], key=lambda form: form["known"])
    return [
        row(
            "parametric forms of digits that the page network tells apart, all forms alike",
            f"{100 * result['known']:.1f}",
            unit="%",
            n=result["forms"],
            also=f"the worst: {worst['digit']}, {worst['name']}, {worst['known']:.0%}",
        )
    ]


def only(source: PageSource, digit: str, form: int) -> PageSource:
    """Return a source of plain rows in which a digit has one form."""
    drawn = source.sources.digits[-1]
    by_label = drawn.by_label | {digit: drawn.by_writer[form][digit]}
    pool = StrokePool(drawn.strokes, by_label, {0: by_label})
    style = replace(
        source.style, height=(24, 36), outside=0, printed=0, camera=0, surface=0, illustrated=0,
        enlarged=0,
    )  # fmt: skip
    sources = replace(source.sources, digits=(pool,), scans=())
    return replace(source, sources=sources, style=style, papers=("plain",), layouts=("rows",))


def read_form(network: PageNetwork, source: PageSource, digit: str, n: int) -> Counter[str]:
    """Return how often each class was the most probable one at n digits of the form."""
    read: Counter[str] = Counter()
    for number in range(PATCHES):
        picture, truth = source.patch(np.random.default_rng([0, number]), (SIDE, SIDE))
        heat = network.maps(normalise_contrast(picture))[HEAT]
        for glyph in truth.glyphs:
            if glyph.label == digit and read.total() < n:
                left, top, right, bottom = glyph.box
                x, y = (int((left + right) / 2 / STRIDE), int((top + bottom) / 2 / STRIDE))
                near = heat[
                    :, max(y - AROUND, 0) : y + AROUND + 1, max(x - AROUND, 0) : x + AROUND + 1
                ]
                read[CLASSES[int(near.max(axis=(1, 2)).argmax())]] += 1
        if read.total() >= n:
            break
    return read


if __name__ == "__main__":
    main()
