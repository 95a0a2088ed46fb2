"""Try other values of the parameters of reading on validation pages and pictures without digits.

    uv run python tools/reading_parameters.py threshold=0.35,0.45 landing_distance=0.5,0.8

Validation pages are synthesised, with writers, fonts and papers that no training has seen. Each
parameter is changed alone; the first row is the one that ships. Only parameters that act after the
glyphs are found can be tried: certain, classifier_weight, mark_prior, digit_prior,
neighbour_weight, neighbour_distance, threshold, low_threshold, link_threshold and landing_distance.
The rows are written to ``tools/reading_parameters.json``.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from digitscope.data.page_sources import page_sources
from digitscope.image.decode import read_gray
from digitscope.reading.glyphs import Glyphs, merge
from digitscope.reading.neighbours import adjust_priors
from digitscope.reading.numbers import find_runs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.reader import Reader, load_reader
from digitscope.reading.scales import average_levels, compute_levels
from digitscope.reading.second_pass import apply_digit_classifier, apply_glyph_network, doubtful
from digitscope.synthesis.pages.generator import PageStyle

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import empty_pictures

RESULT = Path(__file__).with_suffix(".json")
SIZE = (352, 352)  # pixels of a validation page
STYLE = PageStyle(height=(14, 40), outside=0.0)
TRIED = (
    *("certain", "classifier_weight", "mark_prior", "digit_prior"),
    *("neighbour_weight", "neighbour_distance"),
    *("threshold", "low_threshold", "link_threshold", "landing_distance"),
)


@dataclass(frozen=True)
class Looked:
    """A picture after the page network has looked at it."""

    gray: np.ndarray
    glyphs: Glyphs

    @classmethod
    def of(cls, gray: np.ndarray, reader: Reader, parameters: ReadingParameters) -> "Looked":
        """Return it with the glyphs of all levels."""
        levels = compute_levels(gray, reader.page, parameters)
        glyphs = merge([level.glyphs for level in levels], parameters)
        return cls(gray, average_levels(glyphs, levels, parameters))

    def texts(self, reader: Reader, parameters: ReadingParameters) -> Counter[str]:
        """Return the numbers after all looks, and how often each is there."""
        assert reader.glyph is not None
        assert reader.digit is not None
        glyphs = apply_glyph_network(self.gray, self.glyphs, reader.glyph, parameters)
        glyphs = apply_digit_classifier(self.gray, glyphs, reader.digit, parameters)
        return texts(adjust_priors(glyphs, parameters), parameters)


def texts(glyphs: Glyphs, parameters: ReadingParameters) -> Counter[str]:
    """Return the numbers that glyphs make up, and how often each is there."""
    labels = glyphs.labels
    runs = find_runs(glyphs, parameters)
    return Counter("".join(labels[i] for i in run.glyphs) for run in runs)


def main() -> None:
    """Read the pages with each value, print the counts and write them down."""
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
    reader, parameters = load_reader(threads=1), ReadingParameters()
    source = replace(page_sources()[1], style=STYLE)
    pages = []
    for number in range(options.pages):
        picture, truth = source.patch(np.random.default_rng([0, 3, number]), SIZE)
        pages.append((Counter(truth.numbers), Looked.of(picture, reader, parameters)))
    empty = [
        Looked.of(read_gray(np.ascontiguousarray(picture)), reader, parameters)
        for _, picture in empty_pictures.make_all(options.empty, 0)
    ]
    rows = []
    for change in changes:
        tried = replace(parameters, **change)
        read = [(wanted, looked.texts(reader, tried)) for wanted, looked in pages]
        row = {
            **change,
            "numbers": sum(wanted.total() for wanted, _ in read),
            "found": sum((wanted & found).total() for wanted, found in read),
            "others": sum((found - wanted).total() for wanted, found in read),
            "invented on empty pictures": sum(
                looked.texts(reader, tried).total() for looked in empty
            ),
            "second looks": sum(
                int(doubtful(looked.glyphs, tried.certain).sum()) for _, looked in pages
            ),
        }
        rows.append(row)
        print(row, flush=True)
    if not options.dry:
        command = " ".join(["uv run python tools/reading_parameters.py", *sys.argv[1:]])
        date = datetime.now(UTC).date().isoformat()
        content = {"command": command, "date": date, "shipped": vars(parameters), "rows": rows}
        RESULT.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
