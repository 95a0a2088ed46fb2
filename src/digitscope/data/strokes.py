"""Digits as pen strokes: pendigits (30 writers in Istanbul) and UNIPEN (many countries).

pendigits: UCI Pen-Based Recognition of Handwritten Digits, Alpaydin and Alimoglu, 1998, CC BY 4.0.
UNIPEN: train_r01_v07, categories 1a to 1d; Guyon, Schomaker, Plamondon, Liberman and Janet, "UNIPEN
project of on-line data exchange and recognizer benchmarks", ICPR 1994. Its conditions permit to
train recognisers; writers are never named, and coordinates are not passed on.
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.data.dataset import Dataset, Split
from digitscope.data.places import find_file, read_arrays
from digitscope.errors import BadData
from digitscope.images import DIGITS
from digitscope.synthesis.handwriting import StrokeSet
from digitscope.synthesis.pen import Style

PENDIGITS = "strokes/pendigits.npz"
UNIPEN = "strokes/unipen-{}.npz"
OTHERS = ("upper", "lower", "symbols")
BLOCK = 20  # neighbouring files of UNIPEN that stay together, as they may be of one donor
VALIDATION, TEST = 8, 3  # of ten places; the test part has 92 of the 221 slashed 0s
# What a data set's own images look like: pens of every width, and nothing else changed.
PLAIN = Style(0.0, 0.0, (0.0, 0.0), 0.0, 0.0, 0.0, (2.3, 0.35), 0.0, 0.0, 0.0)
SEED = 1994


def read_strokes(path: Path) -> StrokeSet:
    """Return the samples of a stroke file, y downwards and the longer side of each 1.

    Raises
    ------
    BadData
        When the file is damaged or its offsets are wrong.
    """
    names = ("points", "stroke", "sample", "label")
    arrays = read_arrays(path, names)
    n = len(arrays["label"])
    groups = read_arrays(path, ("group",))["group"] if _has(path, "group") else np.zeros(n, int)
    try:
        return StrokeSet(
            arrays["points"].astype(np.float32) * np.array([1e-3, -1e-3], np.float32),
            arrays["stroke"].astype(np.intp),
            arrays["sample"].astype(np.intp),
            arrays["label"],
            groups.astype(np.intp),
        )
    except BadData as error:
        raise BadData(f"{path}: {error}") from None


def _has(path: Path, name: str) -> bool:
    with np.load(path, allow_pickle=False) as archive:
        return name in archive.files


def load_pendigits(data_dir: Path | None = None) -> Dataset:
    """Return pendigits, drawn into MNIST form.

    Its file does not tell the writers, so the parts are every tenth sample and not other writers.
    """
    path = find_file("pendigits", PENDIGITS, data_dir)
    strokes = read_strokes(path)
    place = np.arange(len(strokes)) % 10
    return _dataset(
        "pendigits", strokes, place, f"pen strokes of 30 writers in {path}", known=False
    )


def load_unipen(data_dir: Path | None = None) -> Dataset:
    """Return UNIPEN's digits, drawn into MNIST form, and its letters and signs as non-digits."""
    path = find_file("unipen", UNIPEN.format("digits"), data_dir)
    doubtful = _doubtful()
    strokes = _without(read_strokes(path), doubtful["digits"])
    others = [
        _without(read_strokes(find_file("unipen", UNIPEN.format(kind), data_dir)), doubtful[kind])
        for kind in OTHERS
    ]
    source = f"pen strokes of hundreds of writers in {path.parent}"
    return _dataset("unipen", strokes, _place(strokes), source, others=others)


def _place(strokes: StrokeSet) -> NDArray[np.intp]:
    return strokes.writers // BLOCK % 10


def _trains(place: NDArray[np.intp]) -> NDArray[np.bool_]:
    trains: NDArray[np.bool_] = (place != VALIDATION) & (place != TEST)
    return trains


def _without(strokes: StrokeSet, doubtful: NDArray[np.bool_]) -> StrokeSet:
    return strokes.take(~doubtful) if len(doubtful) == len(strokes) else strokes


def _doubtful() -> dict[str, NDArray[np.bool_]]:
    """Tell which samples of each category have a label that their shape contradicts."""
    with (files("digitscope.data") / "unipen_doubtful.npz").open("rb") as file:
        archive = dict(np.load(file))
    return {
        kind: np.unpackbits(archive[kind], count=int(archive[f"{kind}_n"])).astype(bool)
        for kind in ("digits", *OTHERS)
    }


def _dataset(
    name: str,
    strokes: StrokeSet,
    place: NDArray[np.intp],
    source: str,
    *,
    known: bool = True,
    others: Sequence[StrokeSet] = (),
) -> Dataset:
    """Return a data set whose parts are told by the place, 0 to 9, of each sample."""
    labels = np.char.isdecimal(strokes.labels)
    if not labels.all():
        wrong = strokes.labels[~labels][0]
        raise BadData(f"{source}: labels must be 0 to {DIGITS - 1}. Received: {wrong!r}.")
    rng = np.random.default_rng(SEED)
    writers = strokes.writers.astype(str) if known else None
    every = Split(
        strokes.draw(np.arange(len(strokes)), rng, PLAIN), strokes.labels.astype(np.uint8), writers
    )
    refused = StrokeSet.joined(others) if others else StrokeSet.from_lines([], [])
    tested = np.flatnonzero(_place(refused) == TEST)
    return Dataset(
        name,
        every.take(_trains(place)),
        every.take(place == TEST),
        source,
        validation=every.take(place == VALIDATION),
        originals=strokes.take(_trains(place)),
        other_originals=refused.take(_trains(_place(refused))) if others else None,
        non_digits=refused.draw(tested, rng, PLAIN),
    )
