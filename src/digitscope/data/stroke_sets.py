"""Data sets of pen strokes: pendigits (30 writers in Istanbul) and UNIPEN (many countries).

pendigits: UCI Pen-Based Recognition of Handwritten Digits, Alpaydin and Alimoglu, 1998, CC BY 4.0;
downloaded if it is not on this machine (`pen_text`).
UNIPEN: train_r01_v07, categories 1a to 1d; Guyon, Schomaker, Plamondon, Liberman and Janet, "UNIPEN
project of on-line data exchange and recognizer benchmarks", ICPR 1994. Its conditions of use permit
the training of recognisers; writers must not be named, and coordinates not passed on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import pen_text
from digitscope.data.dataset import Dataset, Split, Summary
from digitscope.data.downloads import fetch_arrays
from digitscope.data.places import find_file, read_arrays
from digitscope.errors import BadData, DataUnavailable
from digitscope.image.digit import DIGITS
from digitscope.synthesis.pen import Style
from digitscope.synthesis.recorded_strokes import StrokeSet

PENDIGITS = "strokes/pendigits.npz"
UNIPEN = "strokes/unipen-{}.npz"
OTHERS = ("upper", "lower", "symbols")
RECORD = "zenodo.org/records/1195803"
SLASH = 0.4  # least length of the slash in a 0, as a share of the sample's longer side
STRAIGHT = 1.25  # largest length of a slash, in distances between its ends
BLOCK = 20  # consecutive files of UNIPEN that stay in one part, as they may be of one donor
# Folds, 0 to 9, of each part; UNIPEN's test part has 90 of the 221 slashed 0s.
PARTS = {"train": (0, 1, 2, 4, 5, 6, 7, 9), "validation": (8,), "test": (3,)}
# Style of the data set's images: pens of different widths, without other changes.
PLAIN = Style(0.0, 0.0, (0.0, 0.0), 0.0, 0.0, 0.0, (2.3, 0.35), 0.0, 0.0, 0.0)
SEED = 1994


@dataclass(frozen=True)
class _About:
    name: str
    source: str
    licence: str
    citation: str


ABOUT_PENDIGITS = _About(
    "pendigits",
    "pen strokes of 30 writers in {}",
    "CC BY 4.0",
    "E. Alpaydin and F. Alimoglu, Pen-Based Recognition of Handwritten Digits, UCI Machine "
    "Learning Repository (1998)",
)
ABOUT_UNIPEN = _About(
    "unipen",
    "pen strokes of hundreds of writers in {}",
    "UNIPEN's conditions of use: cite it, name no writer, pass no coordinates on",
    "I. Guyon, L. Schomaker, R. Plamondon, M. Liberman and S. Janet, UNIPEN project of on-line "
    "data exchange and recognizer benchmarks, ICPR (1994)",
)


def load_pendigits(data_dir: Path | None = None) -> Dataset:
    """Return pendigits, drawn in MNIST form.

    The writers are not in its file, so the parts are split by sample and not by writer.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be downloaded.
    BadData
        When it is damaged.
    """
    path = find_file(PENDIGITS, data_dir) or fetch_arrays(
        "pendigits", [pen_text.TREE, pen_text.TEXT], pen_text.convert, PENDIGITS
    )
    strokes = read_digits(path)
    return _dataset(ABOUT_PENDIGITS, path, strokes, np.arange(len(strokes)) % 10, has_writers=False)


def load_unipen(data_dir: Path | None = None) -> Dataset:
    """Return UNIPEN's digits, drawn in MNIST form, and its letters and signs as non-digits.

    Samples with a doubtful label (`tools/unipen_labels`) are left out.

    Raises
    ------
    DataUnavailable
        When one of the files is not on this machine; they are not downloaded.
    BadData
        When one is damaged.
    """
    paths = {kind: _unipen_file(kind, data_dir) for kind in ("digits", *OTHERS)}
    doubtful = _doubtful()
    strokes, others = read_digits(paths["digits"]), [read_strokes(paths[k]) for k in OTHERS]
    remark = ""
    for kind, found in zip(("digits", *OTHERS), [strokes, *others], strict=True):
        if len(found) != len(doubtful[kind]):
            remark = (
                f"{paths[kind]} has {len(found):,} samples. Doubtful labels are known only for the "
                f"file with {len(doubtful[kind]):,} samples, so none is left out."
            )
    trusted = _without(strokes, doubtful["digits"])
    refused = StrokeSet.joined(
        [_without(o, doubtful[k]) for o, k in zip(others, OTHERS, strict=True)]
    )
    folds = _folds(trusted.writers)
    return _dataset(ABOUT_UNIPEN, paths["digits"], trusted, folds, others=refused, remark=remark)


def summarise_pendigits(data_dir: Path | None = None) -> Summary:
    """Return a summary of pendigits without drawing it."""
    path = find_file(PENDIGITS, data_dir)
    if path is None:
        source = "not on this machine; downloaded once, at the first use"
        return _summary(ABOUT_PENDIGITS, source)
    folds = np.arange(len(read_arrays(path, ("label",))["label"])) % 10
    return _summary(ABOUT_PENDIGITS, ABOUT_PENDIGITS.source.format(path), counts=_counts(folds))


def summarise_unipen(data_dir: Path | None = None) -> Summary:
    """Return a summary of UNIPEN without drawing it."""
    try:
        paths = {kind: _unipen_file(kind, data_dir) for kind in ("digits", *OTHERS)}
    except DataUnavailable:
        source = f"not on this machine; available from {RECORD}, see docs/data.md"
        return _summary(ABOUT_UNIPEN, source)
    groups = {}
    for kind, doubtful in _doubtful().items():
        found = read_arrays(paths[kind], ("group",))["group"]
        groups[kind] = found[~doubtful] if len(doubtful) == len(found) else found
    others = np.concatenate([groups[kind] for kind in OTHERS])
    return _summary(
        ABOUT_UNIPEN,
        ABOUT_UNIPEN.source.format(paths["digits"]),
        counts=_counts(_folds(groups["digits"])),
        writers=len(np.unique(groups["digits"])),
        non_digits=_counts(_folds(others))["test"],
    )


def _summary(about: _About, source: str, **more: Any) -> Summary:
    return Summary(
        name=about.name, source=source, licence=about.licence, citation=about.citation, **more
    )


def _counts(folds: NDArray[np.intp]) -> dict[str, int]:
    return {part: int(np.isin(folds, own).sum()) for part, own in PARTS.items()}


def _unipen_file(kind: str, data_dir: Path | None) -> Path:
    file = UNIPEN.format(kind)
    if path := find_file(file, data_dir):
        return path
    raise DataUnavailable(
        f"unipen is not on this machine; expected {file}, one of the converted files "
        f"strokes/unipen-*.npz, in the folder that --data-dir or DIGITSCOPE_DATA names. They are "
        f"made from UNIPEN train_r01_v07, which is available from {RECORD} and is not downloaded. "
        f"To train without it: digitscope train cnn --sources swiss-digits --sources pendigits."
    )


def read_strokes(path: Path) -> StrokeSet:
    """Return the samples of a stroke file, with y downwards and a longer side of 1.

    Raises
    ------
    BadData
        When the file is damaged or its offsets are wrong.
    """
    arrays = read_arrays(path, ("points", "stroke", "sample", "label"), optional=("group",))
    label = arrays.pop("label")
    group = arrays.setdefault("group", np.zeros(label.shape, int))
    for name, array in arrays.items():
        dimensions = 2 if name == "points" else 1
        if not np.issubdtype(array.dtype, np.integer) or array.ndim != dimensions:
            raise BadData(
                f"{path}: {name} must be integers in {dimensions} dimension(s). "
                f"Received: {array.dtype} {array.shape}."
            )
    if label.ndim != 1 or label.dtype.kind != "U":
        raise BadData(
            f"{path}: label must be strings of shape (n,). Received: {label.dtype} {label.shape}."
        )
    points = arrays["points"].astype(np.float32)
    try:
        if points.shape[1] == 2:  # StrokeSet refuses others
            points *= np.array([1e-3, -1e-3], np.float32)
        return StrokeSet(
            points,
            arrays["stroke"].astype(np.intp),
            arrays["sample"].astype(np.intp),
            label,
            group.astype(np.intp),
        )
    except BadData as error:
        raise BadData(f"{path}: {error}") from None


def read_digits(path: Path) -> StrokeSet:
    """Return the samples of a stroke file whose labels are all digits.

    Raises
    ------
    BadData
        As `read_strokes`, and when a label is not 0 to 9.
    """
    strokes = read_strokes(path)
    wrong = np.flatnonzero(~np.isin(strokes.labels, [str(digit) for digit in range(DIGITS)]))
    if len(wrong):
        raise BadData(
            f"{path}: labels must be 0 to {DIGITS - 1}. "
            f"Received: {str(strokes.labels[wrong[0]])!r} for sample {wrong[0]}."
        )
    return strokes


def slashed_zeros(strokes: StrokeSet) -> NDArray[np.bool_]:
    """Return which samples are a 0 with a slash: the last of its strokes is long and straight.

    Parameters
    ----------
    strokes : StrokeSet
        Labelled as digits.

    Returns
    -------
    ndarray of shape (n,), dtype bool

    Examples
    --------
    >>> ring = [[0, 0], [0.5, 0], [0.5, 1], [0, 1], [0, 0]]
    >>> samples = [[ring], [ring, [[0, 1], [0.5, 0]]]]
    >>> slashed_zeros(StrokeSet.from_lines(samples, ["0", "0"])).tolist()
    [False, True]
    """
    slashed = np.zeros(len(strokes), bool)
    for i in np.flatnonzero((strokes.labels == "0") & (np.diff(strokes.sample) > 1)).tolist():
        line = strokes.lines(i)[-1]
        chord = np.hypot(*(line[-1] - line[0]))
        length = np.hypot(*np.diff(line, axis=0).T).sum()
        slashed[i] = chord > SLASH and length < STRAIGHT * chord
    return slashed


def unipen_test_strokes(data_dir: Path | None = None) -> StrokeSet:
    """Return the strokes of UNIPEN's test digits, in the order of ``load_unipen().test``.

    They are for analysis only, such as which test images are slashed 0s, and never for training.

    Raises
    ------
    DataUnavailable, BadData
        As `load_unipen`.
    """
    path = _unipen_file("digits", data_dir)
    trusted = _without(read_digits(path), _doubtful()["digits"])
    return trusted.take(np.isin(_folds(trusted.writers), PARTS["test"]))


def unipen_strokes(part: str, data_dir: Path | None = None) -> tuple[StrokeSet, StrokeSet]:
    """Return UNIPEN's digits, and its letters and signs, of the writers of one part.

    Raises
    ------
    DataUnavailable, BadData
        As `load_unipen`.
    """
    doubtful = _doubtful()
    found = {}
    for kind in ("digits", *OTHERS):
        path = _unipen_file(kind, data_dir)
        trusted = _without(read_strokes(path), doubtful[kind])
        found[kind] = trusted.take(np.isin(_folds(trusted.writers), PARTS[part]))
    return found["digits"], StrokeSet.joined([found[kind] for kind in OTHERS])


def pendigits_strokes(part: str, data_dir: Path | None = None) -> StrokeSet:
    """Return the strokes of one part of pendigits.

    Raises
    ------
    DataUnavailable, BadData
        When the file is not on this machine, or damaged.
    """
    path = find_file(PENDIGITS, data_dir)
    if path is None:
        raise DataUnavailable(
            f"{PENDIGITS} is not on this machine; load_data('pendigits') downloads it."
        )
    strokes = read_digits(path)
    return strokes.take(np.isin(np.arange(len(strokes)) % 10, PARTS[part]))


def _folds(writers: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the fold, 0 to 9, of each sample."""
    return writers // BLOCK % 10


def _without(strokes: StrokeSet, doubtful: NDArray[np.bool_]) -> StrokeSet:
    return strokes.take(~doubtful) if len(doubtful) == len(strokes) else strokes


def _doubtful() -> dict[str, NDArray[np.bool_]]:
    """Return which samples of each category have a label that does not fit their shape."""
    with (files("digitscope.data") / "unipen_doubtful.npz").open("rb") as file:
        archive = dict(np.load(file))
    return {
        kind: np.unpackbits(archive[kind], count=int(archive[f"{kind}_n"])).astype(bool)
        for kind in ("digits", *OTHERS)
    }


def _dataset(
    about: _About,
    path: Path,
    strokes: StrokeSet,
    folds: NDArray[np.intp],
    *,
    has_writers: bool = True,
    others: StrokeSet | None = None,
    remark: str = "",
) -> Dataset:
    """Return a data set whose parts are chosen by the fold, 0 to 9, of each sample."""
    _check_parts(path, folds)
    rng = np.random.default_rng(SEED)
    images = strokes.draw(np.arange(len(strokes)), rng, PLAIN)
    writers = strokes.writers.astype(str) if has_writers else None
    every = Split(images, strokes.labels.astype(np.uint8), writers)
    refused = StrokeSet.from_lines([], []) if others is None else others
    train, validation, test = (np.isin(folds, own) for own in PARTS.values())
    other_test, other_train = (
        np.isin(_folds(refused.writers), PARTS[part]) for part in ("test", "train")
    )
    return Dataset(
        about.name,
        every.take(train),
        every.take(test),
        about.source.format(path),
        remark=remark,
        validation=every.take(validation),
        originals=strokes.take(train),
        other_originals=None if others is None else refused.take(other_train),
        non_digits=refused.draw(np.flatnonzero(other_test), rng, PLAIN),
        licence=about.licence,
        citation=about.citation,
    )


def _check_parts(path: Path, folds: Sequence[int] | NDArray[np.intp]) -> None:
    for part, own in PARTS.items():
        if not np.isin(folds, own).any():
            raise BadData(
                f"{path}: expected samples for the parts {', '.join(PARTS)}. "
                f"Received: {len(folds):,} samples, none of them for {part}."
            )
