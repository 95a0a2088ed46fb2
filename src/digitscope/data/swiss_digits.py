"""Swiss digits: 8,371 scanned digits by 14 writers, whose 1s have a flag and 7s a crossbar.

Paper is light and ink dark; the scans were not cleaned. Licence: CC0. Collected by Alex Schroeder
(github.com/kensanata/numbers); taken from github.com/braeunlich/anagnostes at 8211aed, where each
digit is a PNG. The parts are split by writer; seven more writers in that repository are not used.
A download is checked by a hash of the pixels of all scans.
"""

import hashlib
import re
import tarfile
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.data.converted import in_mnist_form
from digitscope.data.dataset import Dataset, Split, Summary
from digitscope.data.downloads import Remote, fetch_arrays
from digitscope.data.places import find_file, read_arrays
from digitscope.errors import BadData, BadImage, DataUnavailable
from digitscope.image.decode import read_gray
from digitscope.image.digit import check_labels
from digitscope.image.ink import find_ink
from digitscope.synthesis.degradation import REACH, trim
from digitscope.synthesis.recorded_strokes import ScanSet

FILE = "swiss-digits/swiss-digits.npz"
COMMIT = "8211aed397f6da43855377a6fcf573ba56ad8cbf"
ARCHIVE = Remote(
    "anagnostes-8211aed.tar.gz",
    (f"https://github.com/braeunlich/anagnostes/archive/{COMMIT}.tar.gz",),
)
MEMBER = re.compile(r"[^/]+/src/main/resources/numbers/(\w{9})/([0-9])/[^/]+\.png")
# `fingerprint` of the scans on which the pretrained networks were trained.
FINGERPRINT = "2715524462db702f7cc4b84e2841c8263afb6c977f6f7f28f0c488dfd108e48b"
MAX_SCAN_BYTES = 1_000_000  # largest PNG of one digit that is decoded; the scans have about 10,000
# Chosen by their position in the order of the writers' names, not by the accuracy on them.
TRAIN = (
    "0001_CH4M", "0004_CH4M", "0007_CH3M", "0009_CH4M", "0012_CH3M", "0015_CH2M", "0016_CH3F",
    "0018_CHXX", "0019_US5M",
)  # fmt: skip
VALIDATION = ("0003_CH3M", "0010_CH3M")
TEST = ("0006_CH4M", "0013_CH3M", "0021_CH4M")
PARTS = {"train": TRAIN, "validation": VALIDATION, "test": TEST}
WRITERS = tuple(sorted((*TRAIN, *VALIDATION, *TEST)))
LICENCE = "CC0 1.0"
CITATION = "A. Schroeder and contributors, Numbers, github.com/kensanata/numbers (2017)"
Crops = list[NDArray[np.uint8]]


def load_swiss_digits(data_dir: Path | None = None) -> Dataset:
    """Return the Swiss digits in MNIST form, with the scans of the training writers.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be downloaded.
    BadData
        When it is damaged.
    """
    path = find_file(FILE, data_dir) or fetch_arrays(
        "swiss-digits", [ARCHIVE], lambda folder: read_archive(folder / ARCHIVE.name), FILE
    )
    crops, labels, writers = read_scans(path)
    every = Split(in_mnist_form(crops, path), labels, writers)
    train, validation, test = (np.isin(writers, names) for names in PARTS.values())
    return Dataset(
        "swiss-digits",
        every.take(train),
        every.take(test),
        f"scans of {len(WRITERS)} Swiss writers in {path}",
        validation=every.take(validation),
        originals=_scans(crops, labels, writers, train),
        licence=LICENCE,
        citation=CITATION,
    )


def swiss_scans(part: str, data_dir: Path | None = None) -> ScanSet:
    """Return the scans of the writers of one part.

    Raises
    ------
    DataUnavailable, BadData
        When the file is not on this machine, or damaged.
    """
    path = find_file(FILE, data_dir)
    if path is None:
        raise DataUnavailable(
            f"{FILE} is not on this machine; load_data('swiss-digits') downloads it."
        )
    crops, labels, writers = read_scans(path)
    return _scans(crops, labels, writers, np.isin(writers, PARTS[part]))


def _scans(
    crops: Crops, labels: NDArray[np.uint8], writers: NDArray[np.str_], rows: NDArray[np.bool_]
) -> ScanSet:
    return ScanSet(
        tuple(_ink(crops[i]) for i in np.flatnonzero(rows)),
        labels[rows].astype(str),
        np.unique(writers[rows], return_inverse=True)[1],
    )


def summarise_swiss_digits(data_dir: Path | None = None) -> Summary:
    """Return a summary of the Swiss digits without reading the scans."""
    about: dict[str, Any] = {"licence": LICENCE, "citation": CITATION}
    path = find_file(FILE, data_dir)
    if path is None:
        source = "not on this machine; downloaded once, at the first use"
        return Summary(name="swiss-digits", source=source, **about)
    writers = read_arrays(path, ("writers",))["writers"].astype(str)
    counts = {part: int(np.isin(writers, names).sum()) for part, names in PARTS.items()}
    source = f"scans of {len(WRITERS)} Swiss writers in {path}"
    n = len(np.unique(writers))
    return Summary(name="swiss-digits", source=source, counts=counts, writers=n, **about)


def read_scans(path: Path) -> tuple[Crops, NDArray[np.uint8], NDArray[np.str_]]:
    """Return the gray crops, labels and writers of the file, checked.

    Raises
    ------
    BadData
        When the file is damaged, a label is not 0 to 9, or its writers are not the 14 known ones.
    """
    arrays = read_arrays(path, ("images", "shapes", "labels", "writers"))
    images, shapes, writers = arrays["images"], arrays["shapes"], arrays["writers"].astype(str)
    n = len(images)
    good = images.dtype == np.uint8 and images.ndim == 3 and shapes.shape == (n, 2)
    if not good or (shapes < 1).any() or (shapes > images.shape[1:]).any():
        raise BadData(
            f"{path}: expected images as uint8 (n, height, width) and shapes (n, 2) within them. "
            f"Received: {images.dtype} {images.shape} and {shapes.dtype} {shapes.shape}."
        )
    labels = check_labels(arrays["labels"], n, str(path))
    if writers.shape != (n,):
        raise BadData(
            f"{path}: each image needs a writer. Received: {n} images and writers {writers.shape}."
        )
    _check_writers(set(writers.tolist()), str(path))
    crops = [image[:h, :w] for image, (h, w) in zip(images, shapes.tolist(), strict=True)]
    return crops, labels, writers


def _check_writers(found: set[str], where: str) -> None:
    """Raise unless the writers are the 14 known ones, on which the scores in the docs are based."""
    for wrong, kind in ((found - set(WRITERS), "unknown"), (set(WRITERS) - found, "missing")):
        if wrong:
            raise BadData(
                f"{where}: expected the {len(WRITERS)} writers {WRITERS[0]} to {WRITERS[-1]}. "
                f"Received: {len(found)} writers; {kind}: {', '.join(sorted(wrong)[:3])}."
            )


def read_archive(path: Path) -> dict[str, NDArray[Any]]:
    """Return the scans of the 14 writers in the repository's archive as the arrays of `FILE`.

    They are ordered by writer, digit and file name. Other writers are skipped.

    Raises
    ------
    BadData
        When the archive is damaged, or its scans are not those of `FINGERPRINT`.
    """
    scans: dict[tuple[str, str, str], NDArray[np.uint8]] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                match = MEMBER.fullmatch(member.name)
                if not (match and match[1] in WRITERS and member.isfile()):
                    continue
                if member.size > MAX_SCAN_BYTES:
                    raise BadData(
                        f"{member.name} must have at most {MAX_SCAN_BYTES:,} bytes. "
                        f"Received: {member.size:,}."
                    )
                content = archive.extractfile(member).read()  # type: ignore[union-attr]
                scans[match[1], match[2], member.name] = read_gray(content)
    except (tarfile.TarError, EOFError, zlib.error, OSError, BadImage) as error:
        raise BadData(f"{path.name} is damaged or cut short ({error}).") from None
    _check_writers({writer for writer, _, _ in scans}, path.name)
    names = sorted(scans)
    crops = [scans[name] for name in names]
    writers = np.array([writer for writer, _, _ in names])
    labels = np.array([digit for _, digit, _ in names]).astype(np.uint8)
    found = fingerprint(crops, labels, writers)
    if found != FINGERPRINT:
        raise BadData(
            f"{path.name}: expected scans with the fingerprint {FINGERPRINT[:12]}…. "
            f"Received: {len(crops):,} scans, {found[:12]}…."
        )
    return pack(crops, labels, writers)


def pack(
    crops: Crops, labels: NDArray[np.uint8], writers: NDArray[np.str_]
) -> dict[str, NDArray[Any]]:
    """Return crops of different sizes as the arrays of `FILE`, padded with paper."""
    shapes = np.array([crop.shape for crop in crops], np.uint8)
    side = int(shapes.max())
    images = np.full((len(crops), side, side), 255, np.uint8)
    for image, crop in zip(images, crops, strict=True):
        image[: crop.shape[0], : crop.shape[1]] = crop
    return {"images": images, "shapes": shapes, "labels": labels, "writers": writers}


def fingerprint(crops: Crops, labels: NDArray[np.uint8], writers: NDArray[np.str_]) -> str:
    """Return a SHA-256 over writer, digit, size and pixels of all scans, in any order."""
    lines = sorted(
        f"{writer} {label} {crop.shape[0]} {crop.shape[1]} "
        f"{hashlib.sha256(crop.tobytes()).hexdigest()}\n"
        for crop, label, writer in zip(crops, labels.tolist(), writers.tolist(), strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _ink(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the ink of one scan, cropped, with a longer side of at most 80 pixels."""
    ink = trim(find_ink(crop).round().astype(np.uint8))
    height, width = ink.shape
    scale = min(1.0, REACH / max(ink.shape))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(ink, size, interpolation=cv2.INTER_AREA)  # type: ignore[no-any-return]
