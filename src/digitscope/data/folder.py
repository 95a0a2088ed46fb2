"""The user's own images: one subfolder per digit, a CSV of path and label, or an ``.npz``.

Every picture is converted to MNIST form. Images in a subfolder ``other``, or with another label
than 0 to 9 in an ``.npz``, are non-digits, on which refusal is tested. If the folder has ``train/``
and ``test/``, these are the splits; otherwise every fifth image of each digit, in the order of
their names, is a test image.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data.dataset import Dataset, Split
from digitscope.errors import BadData, BadImage, NoInk
from digitscope.image.decode import SUFFIXES
from digitscope.image.digit import DIGITS, SIDE, Images, Labels
from digitscope.image.mnist_form import to_mnist

OTHER = "other"  # the subfolder of non-digits
Item = tuple[Path, int]


def load_folder(path: Path) -> Dataset:
    """Return the images under `path`, or in the CSV or ``.npz`` file `path`, as a data set.

    Raises
    ------
    BadData
        When there are no images, a label is not 0 to 9, or a picture cannot be decoded.
    """
    name, source = f"folder:{path}", f"images in {path}"
    if (path / "train").is_dir() and (path / "test").is_dir():
        return Dataset(name, _read(_list(path / "train")), _read(_list(path / "test")), source)
    if path.suffix.lower() == ".npz":
        every, non_digits = _read_npz(path)
    else:
        every = _read(_list(path))
        non_digits = _in_mnist_form(_pictures(path / OTHER), blank=True)
    test = _every_fifth(every.labels)
    if not test.any():
        raise BadData(
            f"{path}: too few images for a test split; expected at least 5 of one digit. "
            f"Received: {len(every)} in all."
        )
    return Dataset(name, every.take(~test), every.take(test), source, non_digits=non_digits)


def _every_fifth(labels: Labels) -> NDArray[np.bool_]:
    """Return which images are test images."""
    is_test = np.zeros(len(labels), bool)
    for digit in range(DIGITS):
        is_test[np.flatnonzero(labels == digit)[4::5]] = True
    return is_test


def _list(path: Path) -> list[Item]:
    if not path.exists():
        raise BadData(f"no such folder or CSV file: {path}")
    if path.is_file():
        return _list_csv(path)
    folders = [path / str(digit) for digit in range(DIGITS)]
    items = [(file, digit) for digit, folder in enumerate(folders) for file in _pictures(folder)]
    numbered = {f.name for f in path.iterdir() if f.is_dir() and f.name.isdigit()}
    if items and (unknown := sorted(numbered - set(map(str, range(DIGITS))))):
        raise BadData(f"{path}: subfolders must be the digits 0 to 9. Received: {unknown[0]}/.")
    tables = sorted(path.glob("*.csv"))
    if not items and len(tables) == 1:
        return _list_csv(tables[0])
    if not items:
        raise BadData(
            f"{path} has no digit images; expected subfolders 0 to 9 with pictures, or one CSV "
            f"file of path,label."
        )
    return items


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)


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
    images = _in_mnist_form([file for file, _ in items])
    return Split(images, np.array([label for _, label in items], np.uint8))


def _read_npz(path: Path) -> tuple[Split, Images]:
    """Return the digits and the non-digits of an ``.npz`` with the arrays images and labels."""
    if not path.is_file():
        raise BadData(f"no such file: {path}")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            images, labels = archive["images"], archive["labels"].astype(str)
    except Exception as error:  # NumPy and zipfile raise many types for a damaged file
        raise BadData(
            f"{path}: expected an .npz with the arrays images and labels ({error})."
        ) from None
    if images.dtype != np.uint8 or images.ndim != 3 or labels.shape != images.shape[:1]:
        raise BadData(
            f"{path}: expected images as uint8 (n, height, width) and a label for each. "
            f"Received: {images.dtype} {images.shape} and labels {labels.shape}."
        )
    is_digit = np.isin(labels, [str(digit) for digit in range(DIGITS)])
    digits = Split(_in_mnist_form(images[is_digit]), labels[is_digit].astype(np.uint8))
    return digits, _in_mnist_form(images[~is_digit], blank=True)


def _in_mnist_form(pictures: Iterable[Any], *, blank: bool = False) -> Images:
    """Return pictures in MNIST form; one without ink is empty if `blank`, otherwise an error."""
    images: list[NDArray[np.uint8]] = []
    for number, picture in enumerate(pictures):
        try:
            images.append(to_mnist(picture))
        except NoInk as error:
            if not blank:
                where = _name(picture, number)
                raise BadData(f"{where}{error} Remove it from the data set.") from None
            images.append(np.zeros((SIDE, SIDE), np.uint8))
        except BadImage as error:
            raise BadData(f"{error} Remove it from the data set.") from None
    return np.stack(images) if images else np.zeros((0, SIDE, SIDE), np.uint8)


def _name(picture: Any, number: int) -> str:
    return "" if isinstance(picture, Path) else f"image {number}: "
