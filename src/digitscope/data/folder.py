"""People's own images: one subfolder per digit, or a CSV of path and label.

Every picture is put into MNIST form. Where the folder has ``train/`` and ``test/``, those are the
splits; otherwise every fifth image of each digit, in the order of their names, is kept for the
test.
"""

import csv
from pathlib import Path

import numpy as np

from digitscope.data.dataset import Dataset, Split
from digitscope.errors import BadData, BadImage
from digitscope.images import DIGITS
from digitscope.pictures import SUFFIXES
from digitscope.preprocess import to_mnist

Item = tuple[Path, int]


def load_folder(path: Path) -> Dataset:
    """Return the images under `path`, or listed in the CSV file `path`, as a data set.

    Raises
    ------
    BadData
        When there is nothing to find, a label is not 0 to 9, or a picture cannot be decoded.
    """
    name, source = f"folder:{path}", f"images in {path}"
    if (path / "train").is_dir() and (path / "test").is_dir():
        return Dataset(name, _read(_list(path / "train")), _read(_list(path / "test")), source)
    items = _list(path)
    seen = [0] * DIGITS
    kept: list[bool] = []  # whether the image is kept for the test
    for _, label in items:
        seen[label] += 1
        kept.append(seen[label] % 5 == 0)
    if not any(kept):
        raise BadData(
            f"{path}: too few images for a test of its own; expected at least 5 of some digit. "
            f"Received: {len(items)} in all."
        )
    every, test = _read(items), np.array(kept)
    return Dataset(name, every.take(~test), every.take(test), source)


def _list(path: Path) -> list[Item]:
    if not path.exists():
        raise BadData(f"no such folder or CSV file: {path}")
    if path.is_file():
        return _list_csv(path)
    folders = [path / str(digit) for digit in range(DIGITS)]
    items = [
        (file, digit)
        for digit, folder in enumerate(folders)
        if folder.is_dir()
        for file in sorted(folder.iterdir())
        if file.suffix.lower() in SUFFIXES
    ]
    strays = [f.name for f in path.iterdir() if f.is_dir() and f.name.isdigit()]
    if items and (strays := sorted(set(strays) - set(map(str, range(DIGITS))))):
        raise BadData(f"{path}: subfolders must be the digits 0 to 9. Received: {strays[0]}/.")
    tables = sorted(path.glob("*.csv"))
    if not items and len(tables) == 1:
        return _list_csv(tables[0])
    if not items:
        raise BadData(
            f"{path} holds no digit images; expected subfolders 0 to 9 with pictures in them, or "
            f"one CSV file of path,label."
        )
    return items


def _list_csv(table: Path) -> list[Item]:
    items: list[Item] = []
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if not row or (number == 1 and _is_header(row, table.parent)):
                    continue
                if len(row) != 2 or row[1].strip() not in list("0123456789"):
                    raise BadData(
                        f"{table}, line {number}: expected path,label with a label of 0 to 9. "
                        f"Received: {','.join(row)[:80]!r}."
                    )
                items.append((table.parent / row[0].strip(), int(row[1])))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadData(f"{table} is not a CSV file of path,label ({error}).") from None
    if not items:
        raise BadData(f"{table} lists no images; expected lines of path,label.")
    return items


def _is_header(row: list[str], folder: Path) -> bool:
    return not row[-1].strip().isdigit() and not (folder / row[0].strip()).is_file()


def _read(items: list[Item]) -> Split:
    try:
        images = np.stack([to_mnist(file) for file, _ in items])
    except BadImage as error:
        raise BadData(f"{error} Remove it from the data set.") from None
    return Split(images, np.array([label for _, label in items], np.uint8))
