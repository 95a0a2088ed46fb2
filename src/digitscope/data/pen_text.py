"""Conversion of the published pendigits file, a text format similar to UNIPEN, to arrays.

``.SEGMENT DIGIT ? "8"`` begins a sample and has its label. Between ``.PEN_DOWN`` and ``.PEN_UP``
each line has x and y of one point, y upwards. Other lines that begin with a dot are ignored.

The SHA-256 of the original file is not known. Instead the file is checked by its git hash, which
the list of the repository's files at a fixed commit contains. The number of samples of each digit
must also be the published one.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data.downloads import Remote
from digitscope.errors import BadData

REPOSITORY = "fxjollois/pendigits-shiny"
COMMIT = "a5c7bdb5b474e5442b472f68afeed237eb76b51a"
IN_REPOSITORY = "data/pendigits-orig.tra"
TEXT = Remote(
    "pendigits-orig.tra",
    (f"https://raw.githubusercontent.com/{REPOSITORY}/{COMMIT}/{IN_REPOSITORY}",),
)
TREE = Remote(
    "pendigits-shiny.json",
    (f"https://api.github.com/repos/{REPOSITORY}/git/trees/{COMMIT}?recursive=1",),
)
# Samples of each digit, 0 to 9, in the training file (Alpaydin and Alimoglu, pendigits.names).
COUNTS = (780, 779, 780, 719, 780, 720, 720, 778, 719, 719)
SIDE = 1000  # units; the longer side of a converted sample
STEP = 12  # units; least distance of neighbouring points, in x or in y; the last point is kept
MIN_POINTS = 8  # a sample with fewer points is an accidental mark
SEGMENT = re.compile(r'\.SEGMENT\s+\S+\s+\S+\s+"(.+)"\s*')
Points = NDArray[np.int64]  # (p, 2)
Sample = tuple[str, list[Points]]  # label, strokes


def convert(folder: Path) -> dict[str, NDArray[Any]]:
    """Return the file in `folder`, checked, as the arrays of ``strokes/pendigits.npz``.

    Raises
    ------
    BadData
        When the file is not that of the commit, or has other counts than the published ones.
    """
    content = (folder / TEXT.name).read_bytes()
    check_blob(content, folder / TREE.name)
    samples = parse(content, TEXT.name)
    labels = [label for label, _ in samples]
    counts = tuple(labels.count(str(digit)) for digit in range(len(COUNTS)))
    if counts != COUNTS or len(labels) != sum(COUNTS):
        raise BadData(
            f"{TEXT.name}: expected {sum(COUNTS):,} samples, of the digits 0 to 9 {COUNTS}. "
            f"Received: {len(labels):,}, {counts}."
        )
    return pack(samples)


def check_blob(content: bytes, tree: Path) -> None:
    """Check the content of a file by its git hash, which is in the list of the repository's files.

    Raises
    ------
    BadData
        When the hashes differ, or the list does not contain the file.
    """
    try:
        entries = {entry["path"]: entry["sha"] for entry in json.loads(tree.read_bytes())["tree"]}
        expected = entries[IN_REPOSITORY]
    except (ValueError, KeyError, TypeError) as error:
        raise BadData(
            f"{tree.name} must be a list of the repository's files that contains {IN_REPOSITORY} "
            f"({type(error).__name__})."
        ) from None
    found = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise BadData(
            f"{TEXT.name}: expected the git hash {expected}. Received: {len(content):,} bytes "
            f"with {found}."
        )


def parse(content: bytes, name: str) -> list[Sample]:
    r"""Return label and strokes of each sample in the text.

    Raises
    ------
    BadData
        When a line is not in the format; the message has its number.

    Examples
    --------
    >>> text = b'.SEGMENT DIGIT ? "1"\n.PEN_DOWN\n  5   9 \n  5   2\n.PEN_UP\n.DT 100\n'
    >>> [(label, [stroke.tolist() for stroke in strokes]) for label, strokes in parse(text, "a")]
    [('1', [[[5, 9], [5, 2]]])]
    """
    samples: list[tuple[str, list[list[tuple[int, int]]]]] = []
    down = False
    for number, line in enumerate(content.decode("ascii", "replace").splitlines(), start=1):
        if line.startswith(".SEGMENT"):
            match = SEGMENT.fullmatch(line)
            if not match:
                raise BadData(_line(name, number, '.SEGMENT DIGIT ? "label"', line))
            samples.append((match[1], []))
            down = False
        elif line.startswith(".PEN_DOWN"):
            if not samples:
                raise BadData(_line(name, number, ".SEGMENT before the first stroke", line))
            samples[-1][1].append([])
            down = True
        elif line.startswith("."):
            down = down and not line.startswith(".PEN_UP")
        elif down and line.strip():
            samples[-1][1][-1].append(_point(line, name, number))
    return [(label, [np.array(s) for s in strokes if s]) for label, strokes in samples]


def _point(line: str, name: str, number: int) -> tuple[int, int]:
    try:
        x, y = map(int, line.split())
    except ValueError:
        raise BadData(_line(name, number, "two whole numbers, x and y", line)) from None
    return x, y


def _line(name: str, number: int, expected: str, line: str) -> str:
    return f"{name}, line {number}: expected {expected}. Received: {line[:60]!r}."


def pack(samples: list[Sample]) -> dict[str, NDArray[Any]]:
    """Return the samples as the arrays of a stroke file, without those of too few points.

    Each is scaled to `SIDE`; points nearer than `STEP` to the previous point are left out.
    """
    labels, strokes, sizes = [], [], []
    for label, lines in samples:
        kept = _scale(lines)
        if sum(map(len, kept)) < MIN_POINTS:
            continue
        labels.append(label)
        strokes += kept
        sizes.append(len(kept))
    points = np.concatenate(strokes) if strokes else np.zeros((0, 2))
    return {
        "points": points.astype(np.int16),
        "stroke": np.cumsum([0, *map(len, strokes)]).astype(np.int32),
        "sample": np.cumsum([0, *sizes]).astype(np.int32),
        "label": np.array(labels, str),
    }


def _scale(lines: list[Points]) -> list[Points]:
    """Return one sample's strokes scaled to a longer side of `SIDE`, without redundant points."""
    if not lines:
        return []
    together = np.concatenate(lines)
    low, extent = together.min(axis=0), np.ptp(together, axis=0).max()
    if not extent:
        return []
    return [_thin(np.rint((line - low) * SIDE / extent).astype(np.int64)) for line in lines]


def _thin(line: Points) -> Points:
    kept = [0]
    for i in range(1, len(line)):
        if np.abs(line[i] - line[kept[-1]]).max() >= STEP:
            kept.append(i)
    if kept[-1] != len(line) - 1:
        kept.append(len(line) - 1)
    return line[kept]
