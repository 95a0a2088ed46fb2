"""Cache of pictures in MNIST form, since converting thousands of pictures takes many seconds.

The key of a cache entry contains hashes of the source file and of the converting code.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import PIL
from numpy.typing import NDArray

from digitscope.data.places import cache_folder, read_arrays
from digitscope.errors import BadData, BadImage
from digitscope.files import replacing, sha256
from digitscope.image import mnist_form
from digitscope.image.digit import SIDE, Images

# Modules of digitscope.image on which the result of `to_mnist` depends.
SOURCES = ("decode.py", "ink.py", "isolation.py", "mnist_form.py")
PACKAGES = (np, cv2, PIL)


def in_mnist_form(pictures: Sequence[NDArray[np.uint8]], origin: Path) -> Images:
    """Return pictures in MNIST form, from the cache if they were converted before.

    Parameters
    ----------
    pictures : sequence of ndarray of shape (height, width), dtype uint8
        All pictures of the file, each of one digit.
    origin : Path
        The source file.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.

    Raises
    ------
    BadData
        When one of them has no ink.
    """
    key = hashlib.sha256(f"{sha256(origin)} {_code_hash()}".encode()).hexdigest()[:16]
    kept = cache_folder("converted") / f"{origin.stem}-{key}.npz"
    if kept.is_file():
        try:
            images: Images = read_arrays(kept, ("images",))["images"]
            if images.dtype == np.uint8 and images.shape == (len(pictures), SIDE, SIDE):
                return images
        except BadData:
            pass  # a damaged cache entry is replaced below
    images = _convert(pictures, origin)
    try:
        with replacing(kept) as temporary:
            np.savez_compressed(temporary, images=images)
        for older in kept.parent.glob(f"{origin.stem}-*.npz"):
            if older != kept:
                older.unlink(missing_ok=True)
    except OSError:
        pass  # without a writable cache, only time is lost
    return images


def _convert(pictures: Sequence[NDArray[np.uint8]], origin: Path) -> Images:
    images = np.empty((len(pictures), SIDE, SIDE), np.uint8)
    for i, picture in enumerate(pictures):
        try:
            images[i] = mnist_form.to_mnist(picture)
        except BadImage as error:
            raise BadData(f"{origin}: image {i}: {error} Remove it from the data set.") from None
    return images


def _code_hash() -> str:
    """Return a hash of the code of `to_mnist` and of the versions of its packages."""
    root = Path(mnist_form.__file__).parent
    digest = hashlib.sha256(" ".join(package.__version__ for package in PACKAGES).encode())
    for name in SOURCES:
        digest.update((root / name).read_bytes())
    return digest.hexdigest()
