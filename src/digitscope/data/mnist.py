"""MNIST: 60,000 training and 10,000 test digits of 28×28 by LeCun, Cortes and Burges.

Licence: CC BY-SA 3.0. A folder that was named, or is in ``DIGITSCOPE_DATA``, must hold the files.
Otherwise they are looked for in digitscope's cache and as Keras's ``~/.keras/datasets/mnist.npz``, and
then downloaded into the cache from the first mirror that serves them, checked by SHA-256.
"""

import os
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np

from digitscope.data.dataset import Dataset, Split
from digitscope.data.idx import read_idx
from digitscope.errors import BadData, DataUnavailable
from digitscope.files import sha256
from digitscope.images import check_labels

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
TIMEOUT = 20.0  # seconds without an answer before the next mirror is tried


def cache_folder() -> Path:
    """Return where downloads are kept: ``mnist/`` in the user's cache folder."""
    import pooch

    return Path(os.environ.get("DIGITSCOPE_CACHE") or pooch.os_cache("digitscope")) / "mnist"


def find_mnist(data_dir: Path | None = None) -> Path | None:
    """Return the folder or ``.npz`` file that already holds MNIST, or None."""
    named = data_dir or (Path(env) if (env := os.environ.get("DIGITSCOPE_DATA")) else None)
    if named:
        if (folder := _holding(named)) is None:
            raise DataUnavailable(
                f"{named} does not hold MNIST; expected {', '.join(FILES)} in it or in its mnist/."
            )
        return folder
    if folder := _holding(cache_folder()):
        return folder
    keras_home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    npz = Path(keras_home) / "datasets" / "mnist.npz"
    return npz if npz.is_file() and sha256(npz) == KERAS_SHA256 else None


def _holding(folder: Path) -> Path | None:
    """Return `folder` or its ``mnist/`` if all four files are there, gzipped or not."""
    for place in (folder, folder / "mnist"):
        if all(_file(place, name).is_file() for name in FILES):
            return place
    return None


def _file(folder: Path, name: str) -> Path:
    plain = folder / name.removesuffix(".gz")
    return plain if plain.is_file() else folder / name


def load_mnist(data_dir: Path | None = None, *, mirrors: tuple[str, ...] | None = None) -> Dataset:
    """Return MNIST, downloading it first where it is nowhere on this machine.

    Parameters
    ----------
    data_dir : path, optional
        A folder that holds the four files, or holds them in ``mnist/``. Named, nothing else is
        tried.
    mirrors : tuple of str, optional
        Base addresses to download from; by default `MIRRORS`, or ``DIGITSCOPE_MIRRORS`` (separated
        by spaces).

    Raises
    ------
    DataUnavailable
        When it is neither here nor reachable.
    BadData
        When a file is damaged.
    """
    place = find_mnist(data_dir)
    if place is None:
        if mirrors is None:
            mirrors = tuple(os.environ.get("DIGITSCOPE_MIRRORS", "").split()) or MIRRORS
        place = _download(cache_folder(), mirrors)
    if place.suffix == ".npz":
        return _from_keras(place)
    if place == cache_folder():
        # What pooch has put there is whole, but a disk can go bad: damaged files are taken again.
        broken = [
            file
            for name, hash_ in FILES.items()
            if (file := place / name).is_file() and sha256(file) != hash_
        ]
        if broken:
            for file in broken:
                file.unlink(missing_ok=True)
            return load_mnist(mirrors=mirrors)
    splits = []
    for part in ("train", "t10k"):
        images_file = _file(place, f"{part}-images-idx3-ubyte.gz")
        images = read_idx(images_file)
        labels = read_idx(_file(place, f"{part}-labels-idx1-ubyte.gz"))
        if images.ndim != 3 or images.shape[1:] != (28, 28):
            raise BadData(f"{images_file}: expected images of 28×28. Received: {images.shape}.")
        splits.append(Split(images, check_labels(labels, len(images), str(images_file))))
    return Dataset("mnist", splits[0], splits[1], f"MNIST files in {place}")


def _from_keras(npz: Path) -> Dataset:
    try:
        with np.load(npz, allow_pickle=False) as arrays:
            train = Split(arrays["x_train"], arrays["y_train"])
            test = Split(arrays["x_test"], arrays["y_test"])
    except (KeyError, ValueError, OSError, zlib.error, zipfile.BadZipFile) as error:
        raise BadData(f"{npz} is damaged ({error}); delete it, so that it is taken anew.") from None
    return Dataset("mnist", train, test, f"Keras's copy of MNIST, {npz}")


def _download(folder: Path, mirrors: tuple[str, ...]) -> Path:
    """Fetch the four files into `folder`.

    Pooch writes each under a temporary name, checks its hash and then renames it, so a second
    process at the same time does the same work and loses nothing.
    """
    import logging

    import pooch
    import requests

    pooch.get_logger().setLevel(logging.ERROR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnavailable(
            f"MNIST is not on this machine, and there is no place to download it to: {folder} "
            f"({error.strerror}). Name another with DIGITSCOPE_CACHE."
        ) from None
    reasons = []
    for mirror in mirrors:
        try:
            for name, hash_ in FILES.items():
                progress = _Progress(name)
                try:
                    pooch.retrieve(
                        mirror.rstrip("/") + "/" + name,
                        known_hash=f"sha256:{hash_}",
                        fname=name,
                        path=folder,
                        downloader=pooch.HTTPDownloader(
                            progressbar=progress, timeout=TIMEOUT, chunk_size=65_536
                        ),
                    )
                finally:
                    progress.close()
            return folder
        except (requests.RequestException, ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk, not the mirror
            host = mirror.split("/")[2] if "//" in mirror else mirror
            why = "wrong contents" if isinstance(error, ValueError) else type(error).__name__
            reasons.append(f"{host}: {why}")
    raise DataUnavailable(
        f"MNIST is not on this machine and could not be downloaded ({'; '.join(reasons)}). "
        f"Put its four files into a folder and name it with --data-dir or DIGITSCOPE_DATA."
    )


class _Progress:
    """What pooch wants of a progress bar, drawn by Rich on stderr."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

        self._progress = Progress(
            "downloading {task.description}",
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=Console(file=sys.stderr),
        )
        self._task = self._progress.add_task(name, total=None)
        self._total = 0

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, n: int) -> None:
        self._total = n
        self._progress.start()
        self._progress.update(self._task, total=n)

    def update(self, n: int) -> None:
        self._progress.advance(self._task, n)

    def reset(self) -> None:
        # Pooch resets, then adds the total at once, so that a file of unknown size ends full.
        self._progress.reset(self._task)

    def close(self) -> None:
        if self._progress.live.is_started:
            self._progress.stop()
