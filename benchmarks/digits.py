"""Single digits of other writers, scanners and pens: how many a model reads, and what it refuses.

    uv run python benchmarks/digits.py cnn mlp

``DIGITSCOPE_DATA`` names a folder with ``mnist/`` and, as far as they are at hand, ``bhmsds-dev/``
(digits and other symbols cut from photographed sheets) and ``hwd-1000/`` (drawn digits as PNG
files). All pictures but MNIST's go through `to_mnist`, as those of any user do. None of these
digits was trained on, except MNIST's training images.

A model's score for 'this is a digit' is set so that 95 % of the digits are kept; what is reported
is the share of the other symbols that is kept then.
"""

import argparse
import csv
import os
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import spread, write
from digitscope import to_mnist
from digitscope.classifier import Classifier, load
from digitscope.data import load_data
from digitscope.data.sheet import draw_sheet
from digitscope.errors import NoInk
from digitscope.evaluation import wilson_interval
from digitscope.images import Images

KEPT = 0.95  # of the digits, where the share of symbols is measured
CALLS = 500


@dataclass(frozen=True)
class Pictures:
    """Pictures in MNIST form.

    Attributes
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
    labels : ndarray of str
        A digit, or the name of another symbol.
    empty : ndarray of bool
        Where `to_mnist` found no ink; the image is empty then.
    raw : ndarray of shape (n, 28, 28), dtype uint8, or None
        The pictures as they were, in the polarity of MNIST.
    """

    images: Images
    labels: NDArray[np.str_]
    empty: NDArray[np.bool_]
    raw: Images | None = None

    @property
    def digits(self) -> NDArray[np.bool_]:
        """Which of them are digits."""
        return np.char.isdigit(self.labels)


def in_form(pictures: Iterable[Any], labels: list[str], raw: Images | None = None) -> Pictures:
    """Return pictures as `to_mnist` puts them into form."""
    images = np.zeros((len(labels), 28, 28), np.uint8)
    empty = np.zeros(len(labels), bool)
    for i, picture in enumerate(pictures):
        try:
            images[i] = to_mnist(picture)
        except NoInk:
            empty[i] = True
    return Pictures(images, np.array(labels), empty, raw)


def read_sets(folder: Path) -> tuple[dict[str, Pictures], float]:
    """Return the sets that are in the folder, and the milliseconds `to_mnist` takes for one."""
    sets = {}
    seconds, n = 0.0, 0
    if (file := folder / "bhmsds-dev" / "bhmsds-dev.npz").is_file():
        with np.load(file) as content:
            crops, labels = content["images"], [str(label) for label in content["labels"]]
        started = time.perf_counter()
        sets["bhmsds-dev"] = in_form(crops, labels, 255 - crops)
        seconds, n = time.perf_counter() - started, len(labels)
    if (file := folder / "hwd-1000" / "dataset.csv").is_file():
        with file.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        paths = [file.parent / row["image"] for row in rows]
        sets["hwd-1000"] = in_form(paths, [row["label"] for row in rows])
    return sets, 1000 * seconds / max(n, 1)


def judge_set(model: Classifier, pictures: Pictures) -> dict[str, Any]:
    """Return accuracy, overall and for each digit, and how many other symbols are kept."""
    probabilities, score = model.judge(pictures.images)
    score = np.where(pictures.empty, -1, score)  # what is empty is refused whatever the threshold
    answers = np.where(pictures.empty, "", probabilities.argmax(axis=1).astype(str))
    digits = pictures.digits
    right = (answers == pictures.labels)[digits]
    labels = pictures.labels[digits]
    confusions = Counter(zip(labels[~right], answers[digits][~right], strict=True)).most_common(8)
    result: dict[str, Any] = {
        "digits": len(right),
        "accuracy": float(right.mean()),
        "interval": list(wilson_interval(int(right.sum()), len(right))),
        "accuracy_of": {str(d): float(right[labels == d].mean()) for d in np.unique(labels)},
        "confusions": {f"{true} as {read or 'empty'}": n for (true, read), n in confusions},
    }
    if not digits.all():
        least = np.percentile(score[digits], 100 * (1 - KEPT))
        kept = score[~digits] >= least
        names = pictures.labels[~digits]
        own = score >= model.threshold
        result |= {
            "symbols": len(kept),
            "symbols_kept": float(kept.mean()),
            "symbols_kept_of": {str(s): float(kept[names == s].mean()) for s in np.unique(names)},
            "least_score": float(least),
            "at_own_threshold": {
                "threshold": model.threshold,
                "digits_kept": float(own[digits].mean()),
                "accuracy_of_kept": float(right[own[digits]].mean()) if own[digits].any() else 0.0,
                "symbols_kept": float(own[~digits].mean()),
            },
        }
    return result


def time_one(model: Classifier, images: Images) -> dict[str, float]:
    """Return the milliseconds of one image a call, on one thread."""
    calls = []
    for i in range(CALLS + 20):
        started = time.perf_counter()
        model.predict(images[i : i + 1])
        calls.append(1000 * (time.perf_counter() - started))
    return spread(calls[20:])


def draw_errors(model: Classifier, pictures: Pictures, file: Path, most: int = 400) -> None:
    """Draw what is misread, with 'true>read', and symbols taken for digits, with 'name=read'.

    Each is drawn in MNIST form; where the picture itself is at hand it stands to the left.
    """
    probabilities, score = model.judge(pictures.images)
    answers = probabilities.argmax(axis=1).astype(str)
    digits = pictures.digits
    least = np.percentile(score[digits], 100 * (1 - KEPT))
    wrong = np.flatnonzero(digits & (answers != pictures.labels))
    kept = np.flatnonzero(~digits & (score >= least))
    images, notes = [], []
    for i in [*wrong[:most], *kept[: most // 2]]:
        if pictures.raw is not None:
            images.append(pictures.raw[i])
            notes.append(f"{score[i]:.2f}")
        images.append(pictures.images[i])
        notes.append(f"{pictures.labels[i]}{'>' if digits[i] else '='}{answers[i]}")
    if images:
        draw_sheet(np.stack(images), notes, file)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["cnn"], help="names or .onnx files")
    parser.add_argument("--errors", type=Path, metavar="FOLDER", help="draw what is misread")
    parser.add_argument("--dry", action="store_true", help="write no result")
    options = parser.parse_args()
    test = load_data("mnist").test
    mnist = Pictures(test.images, test.labels.astype(str), np.zeros(len(test), bool))
    folder = os.environ.get("DIGITSCOPE_DATA")
    sets, form_ms = read_sets(Path(folder)) if folder else ({}, 0.0)
    sets = {"mnist test": mnist} | sets
    result: dict[str, Any] = {}
    for name in options.models:
        model = load(name, threads=1)
        key = Path(name).stem
        result[key] = {title: judge_set(model, pictures) for title, pictures in sets.items()}
        result[key]["one_image_ms"] = time_one(model, test.images)
        result[key]["bytes"] = model.path.stat().st_size
        for title, pictures in sets.items():
            if options.errors:
                options.errors.mkdir(parents=True, exist_ok=True)
                draw_errors(model, pictures, options.errors / f"{key}-{title.split()[0]}.png")
    if options.dry:
        for key, found in result.items():
            print(key, *(f"\n  {title}: {value}" for title, value in found.items()))
    else:
        write("digits", result, to_mnist_ms=form_ms)


if __name__ == "__main__":
    main()
