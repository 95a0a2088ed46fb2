"""Swiss digits: 8,371 scanned digits by 14 writers, who flag their 1s and cross their 7s.

Paper is light, ink dark; nothing was cleaned. Source: github.com/kensanata/numbers, CC0, as in
github.com/braeunlich/anagnostes at 8211aed. The parts are split by writer.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.data.dataset import Dataset, Split
from digitscope.data.places import find_file, read_arrays
from digitscope.errors import BadData
from digitscope.images import check_labels
from digitscope.preprocess import find_ink, to_mnist
from digitscope.synthesis.handwriting import ScanSet
from digitscope.synthesis.wear import REACH

FILE = "swiss-digits/swiss-digits.npz"
# Of 14 writers in the order of their names, chosen by place and not by how well they are read.
VALIDATION = ("0003_CH3M", "0010_CH3M")
TEST = ("0006_CH4M", "0013_CH3M", "0021_CH4M")


def load_swiss_digits(data_dir: Path | None = None) -> Dataset:
    """Return the Swiss digits in MNIST form, with the scans of the training writers.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be downloaded.
    BadData
        When it is damaged.
    """
    path = find_file("swiss-digits", FILE, data_dir)
    crops, labels, writers = read_scans(path)
    images = np.stack([to_mnist(crop) for crop in crops])
    validation, test = np.isin(writers, VALIDATION), np.isin(writers, TEST)
    train = ~(validation | test)
    every = Split(images, labels, writers)
    return Dataset(
        "swiss-digits",
        every.take(train),
        every.take(test),
        f"scans of 14 Swiss writers in {path}",
        validation=every.take(validation),
        originals=ScanSet(
            tuple(_ink(crops[i]) for i in np.flatnonzero(train)),
            labels[train].astype(str),
            np.unique(writers[train], return_inverse=True)[1],
        ),
    )


def read_scans(path: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8], NDArray[np.str_]]:
    """Return the gray crops, labels and writers of the file, checked."""
    arrays = read_arrays(path, ("images", "shapes", "labels", "writers"))
    images, shapes = arrays["images"], arrays["shapes"]
    n = len(images)
    good = images.dtype == np.uint8 and images.ndim == 3 and shapes.shape == (n, 2)
    if not good or (shapes < 1).any() or (shapes > images.shape[1:]).any():
        raise BadData(
            f"{path}: expected images as uint8 (n, height, width) and shapes (n, 2) within them. "
            f"Received: {images.dtype} {images.shape} and {shapes.shape}."
        )
    labels = check_labels(arrays["labels"], n, str(path))
    crops = [image[:h, :w] for image, (h, w) in zip(images, shapes.tolist(), strict=True)]
    return crops, labels, arrays["writers"].astype(str)


def _ink(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink of one scan, cut to it, its longer side at most 80 pixels."""
    ink = find_ink(crop).round().astype(np.uint8)
    left, top, width, height = cv2.boundingRect(ink)
    ink = ink[top : top + height, left : left + width]
    scale = min(1.0, REACH / max(ink.shape))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]
