"""Downloads: files are fetched once, checked, and written to the cache completely or not at all.

``DIGITSCOPE_MIRRORS`` (base addresses, separated by spaces) replaces the addresses of the files;
each mirror must serve them under their `Remote.name`.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitscope.data.places import cache_folder
from digitscope.errors import BadData, DataUnavailable
from digitscope.files import replacing

TIMEOUT = 20.0  # seconds without an answer before the next address is tried
T = TypeVar("T")


@dataclass(frozen=True)
class Remote:
    """A file on the web.

    Attributes
    ----------
    name : str
        Of the file on this machine and on a mirror.
    addresses : tuple of str
        Where it is served.
    sha256 : str, optional
        Hash of the file; without it, only its contents are checked.
    """

    name: str
    addresses: tuple[str, ...]
    sha256: str | None = None

    def at(self, mirrors: Sequence[str]) -> tuple[str, ...]:
        """Return the file's addresses on the mirrors, or its own where there are none."""
        named = tuple(mirror.rstrip("/") + "/" + self.name for mirror in mirrors)
        return named or self.addresses


def fetch(
    what: str,
    files: Sequence[Remote],
    folder: Path,
    accept: Callable[[Path], T],
    *,
    remedy: str,
    mirrors: Sequence[str] | None = None,
) -> T:
    """Fetch files into a folder from the first server that has all of them with the right contents.

    Pooch writes each file under a temporary name, checks its hash and then renames it, so several
    processes can do this at the same time.

    Parameters
    ----------
    what : str
        The data set, for the error message.
    files : sequence of Remote
        All with the same number of addresses.
    folder : Path
    accept : callable
        Takes the folder; raises `BadData` when a file has the wrong contents.
    remedy : str
        Last sentence of the error message: what the user can do instead.
    mirrors : sequence of str, optional
        Base addresses to download from; by default those of ``DIGITSCOPE_MIRRORS``.

    Returns
    -------
    object
        The result of `accept`.

    Raises
    ------
    DataUnavailable
        When no server has them.
    """
    import requests

    if mirrors is None:
        mirrors = tuple(os.environ.get("DIGITSCOPE_MIRRORS", "").split())
    _make_folder(folder, what)
    reasons = []
    for addresses in zip(*(file.at(mirrors) for file in files), strict=True):
        address = addresses[0]
        try:
            for file, address in zip(files, addresses, strict=True):
                _retrieve(file, address, folder)
            return accept(folder)
        except BadData as error:
            reasons.append(f"{_host(address)}: wrong contents: {str(error).rstrip('.')}")
            for file in files:  # files with wrong contents must not stay in the cache
                (folder / file.name).unlink(missing_ok=True)
        except (requests.RequestException, ValueError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of the disk, not of the network
            why = "wrong contents" if isinstance(error, ValueError) else type(error).__name__
            reasons.append(f"{_host(address)}: {why}")
    raise DataUnavailable(
        f"{what} is not on this machine and could not be downloaded ({'; '.join(reasons)}). "
        f"{remedy}"
    )


def fetch_arrays(
    what: str,
    files: Sequence[Remote],
    convert: Callable[[Path], dict[str, NDArray[Any]]],
    file: str,
) -> Path:
    """Fetch files, convert them to arrays, and write these as an ``.npz`` to the cache.

    The files are kept in a temporary folder only. If the process is killed, the cache contains
    nothing of them.

    Parameters
    ----------
    what : str
        The data set, for the error message.
    files : sequence of Remote
    convert : callable
        Takes the folder of the files, checks and converts them; raises `BadData`.
    file : str
        Path of the ``.npz``, relative to the cache.

    Returns
    -------
    Path
        Path of the ``.npz``.
    """
    path = cache_folder() / file
    _make_folder(path.parent, what)
    remedy = f"Put {file} into a folder and name that folder with --data-dir or DIGITSCOPE_DATA."
    with tempfile.TemporaryDirectory(prefix="digitscope-") as folder:
        arrays = fetch(what, files, Path(folder), convert, remedy=remedy)
    with replacing(path) as temporary:
        np.savez_compressed(temporary, **arrays)  # type: ignore[arg-type]
    return path


def _make_folder(folder: Path, what: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnavailable(
            f"{what} is not on this machine, and the cache {folder} cannot be created "
            f"({error.strerror}). Name another folder with DIGITSCOPE_CACHE."
        ) from None


def _host(address: str) -> str:
    return address.split("/")[2] if "//" in address else address


def _retrieve(file: Remote, address: str, folder: Path) -> None:
    import logging

    import pooch

    pooch.get_logger().setLevel(logging.ERROR)
    progress = _Progress(file.name)
    try:
        pooch.retrieve(
            address,
            known_hash=f"sha256:{file.sha256}" if file.sha256 else None,
            fname=file.name,
            path=folder,
            downloader=pooch.HTTPDownloader(
                progressbar=progress, timeout=TIMEOUT, chunk_size=65_536
            ),
        )
    finally:
        progress.close()


class _Progress:
    """Progress bar with the interface that pooch requires, drawn by Rich on stderr."""

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
        self._progress.update(self._task, total=n or None)  # 0 if the server does not say

    def update(self, n: int) -> None:
        self._progress.advance(self._task, n)

    def reset(self) -> None:
        # Pooch calls this at the end and then adds the total, so that the bar ends full.
        self._progress.reset(self._task)

    def close(self) -> None:
        if self._progress.live.is_started:
            self._progress.stop()
