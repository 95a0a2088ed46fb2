"""MNIST: 60,000 training and 10,000 test digits of 28×28 by LeCun, Cortes and Burges.

Licence: CC BY-SA 3.0. If a data folder is named, also by ``DIGITSCOPE_DATA``, it must contain the
files. Otherwise they are searched in digitscope's cache and in Keras's ``~/.keras/datasets/mnist.npz``,
and then downloaded to the cache from the first mirror that has them, checked by SHA-256.
"""

import os
from pathlib import Path

from digitscope.data.dataset import Dataset, Split, Summary
from digitscope.data.downloads import Remote, fetch
from digitscope.data.idx import read_idx
from digitscope.data.places import cache_folder, named_folder, read_arrays
from digitscope.errors import BadData, DataUnavailable
from digitscope.files import sha256
from digitscope.image.digit import check_labels

FILES = {  # name: SHA-256
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
MIRRORS = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
)
KERAS_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
LICENCE = "CC BY-SA 3.0"
CITATION = (
    "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-Based Learning Applied to Document "
    "Recognition, Proceedings of the IEEE 86 (1998)"
)


def find_mnist(data_dir: Path | None = None) -> Path | None:
    """Return the folder or ``.npz`` file of MNIST on this machine, or None.

    Raises
    ------
    DataUnavailable
        When a data folder is named and does not contain MNIST.
    """
    if named := named_folder(data_dir):
        if (folder := _folder_of_files(named)) is None:
            raise DataUnavailable(
                f"MNIST is not in {named}; expected {', '.join(FILES)} in it or in its mnist/."
            )
        return folder
    if folder := _folder_of_files(cache_folder("mnist")):
        return folder
    keras_home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    npz = Path(keras_home) / "datasets" / "mnist.npz"
    return npz if npz.is_file() and sha256(npz) == KERAS_SHA256 else None


def summarise_mnist(data_dir: Path | None = None) -> Summary:
    """Return a summary of MNIST, without downloading it."""
    if find_mnist(data_dir):
        return load_mnist(data_dir).summary()
    source = "not on this machine; downloaded once (11 MB), at the first use"
    return Summary(name="mnist", source=source, licence=LICENCE, citation=CITATION)


def _folder_of_files(folder: Path) -> Path | None:
    """Return `folder` or its ``mnist/`` if all four files are there, gzipped or not."""
    for place in (folder, folder / "mnist"):
        if all(_file(place, name).is_file() for name in FILES):
            return place
    return None


def _file(folder: Path, name: str) -> Path:
    plain = folder / name.removesuffix(".gz")
    return plain if plain.is_file() else folder / name


def load_mnist(data_dir: Path | None = None, *, mirrors: tuple[str, ...] | None = None) -> Dataset:
    """Return MNIST; download it first if it is not on this machine.

    Parameters
    ----------
    data_dir : path, optional
        A folder with the four files, in it or in its ``mnist/``. If it is given, no other place is
        tried.
    mirrors : tuple of str, optional
        Base addresses to download from; by default `MIRRORS`, or ``DIGITSCOPE_MIRRORS`` (separated
        by spaces).

    Raises
    ------
    DataUnavailable
        When it is not on this machine and cannot be downloaded.
    BadData
        When a file is damaged.
    """
    place = find_mnist(data_dir)
    if place is None:
        place = _download(mirrors)
    if place.suffix == ".npz":
        return _from_keras(place)
    if place == cache_folder("mnist") and _remove_damaged(place):
        return load_mnist(mirrors=mirrors)
    splits = []
    for part in ("train", "t10k"):
        images_file = _file(place, f"{part}-images-idx3-ubyte.gz")
        images = read_idx(images_file)
        labels = read_idx(_file(place, f"{part}-labels-idx1-ubyte.gz"))
        if images.ndim != 3 or images.shape[1:] != (28, 28):
            raise BadData(f"{images_file}: expected images of 28×28. Received: {images.shape}.")
        splits.append(Split(images, check_labels(labels, len(images), str(images_file))))
    return _dataset(splits[0], splits[1], f"MNIST files in {place}")


def _remove_damaged(folder: Path) -> bool:
    """Remove files with a wrong hash from the cache, and return whether there were any."""
    damaged = [
        file
        for name, hash_ in FILES.items()
        if (file := folder / name).is_file() and sha256(file) != hash_
    ]
    for file in damaged:
        file.unlink(missing_ok=True)
    return bool(damaged)


def _dataset(train: Split, test: Split, source: str) -> Dataset:
    return Dataset("mnist", train, test, source, licence=LICENCE, citation=CITATION)


def _from_keras(npz: Path) -> Dataset:
    arrays = read_arrays(npz, ("x_train", "y_train", "x_test", "y_test"))
    train = Split(arrays["x_train"], arrays["y_train"])
    test = Split(arrays["x_test"], arrays["y_test"])
    return _dataset(train, test, f"Keras's copy of MNIST, {npz}")


def _download(mirrors: tuple[str, ...] | None) -> Path:
    """Download the four files to the cache."""
    files = [
        Remote(name, tuple(mirror + name for mirror in MIRRORS), hash_)
        for name, hash_ in FILES.items()
    ]
    return fetch(
        "MNIST",
        files,
        cache_folder("mnist"),
        lambda folder: folder,
        remedy="Put its four files into a folder and name it with --data-dir or DIGITSCOPE_DATA.",
        mirrors=mirrors,
    )
