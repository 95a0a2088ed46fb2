"""Sources of a batch: folders of pictures, archives, Parquet files and array files.

A source is a path or a URL for fsspec: one file, a folder, or a glob pattern. Its kind follows from
the names of its files, which must all be of one kind.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import fsspec

from digitscope.data.arrays import is_array_file
from digitscope.errors import DataUnavailable, Misuse, one_line
from digitscope.image.decode import SUFFIXES

Kind = Literal["pictures", "zip", "tar", "parquet", "arrays"]
ENDINGS: dict[Kind, tuple[str, ...]] = {
    "zip": (".zip",),
    "tar": (".tar", ".tar.gz", ".tgz"),
    "parquet": (".parquet", ".pq"),
    "pictures": tuple(sorted(SUFFIXES)),
}
GZIPPED = (".gz", ".tgz")


@dataclass(frozen=True)
class Files:
    """A filesystem and a path in it.

    Attributes
    ----------
    system : fsspec.AbstractFileSystem
    root : str
        A file, a folder or a pattern, in the format of the filesystem.
    url : str
        The path or URL of the user, for messages.
    """

    system: Any
    root: str
    url: str

    @property
    def is_local(self) -> bool:
        """Whether the filesystem is local."""
        protocol = self.system.protocol
        return "file" in ((protocol,) if isinstance(protocol, str) else protocol)


def absolute(url: str) -> str:
    """Return an absolute path, since workers have other working directories; a URL unchanged."""
    files = open_files(url)
    return files.root if files.is_local else url


def open_files(url: str) -> Files:
    """Return the filesystem of a path or URL.

    Raises
    ------
    Misuse
        When the filesystem is unknown, or its package is missing.
    """
    try:
        system, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        raise Misuse(f"{url} cannot be opened: {error}") from None
    except TypeError:  # a filesystem without the option use_listings_cache
        system, root = fsspec.core.url_to_fs(url)
    return Files(system, root, url)


def kind_of(name: str) -> Kind | None:
    """Return the kind of a file by its name, or None for other files.

    >>> kind_of("a/seven.png"), kind_of("shard-000.tar"), kind_of("notes.txt")
    ('pictures', 'tar', None)
    """
    lower = name.lower()
    for kind, endings in ENDINGS.items():
        if lower.endswith(endings):
            return kind
    return "arrays" if is_array_file(Path(PurePosixPath(lower).name)) else None


def find_files(source: Files, out: Files) -> Iterator[tuple[Kind, str]]:
    """Yield the kind and the path of each file of a source, in the order of their names.

    Parameters
    ----------
    source : Files
    out : Files
        Files in the output, which may be a folder inside the source, are left out.

    Raises
    ------
    Misuse
        When the source does not exist, has no file of a known kind, or has files of several kinds.
    DataUnavailable
        When the filesystem cannot be reached.
    """
    first: tuple[Kind, str] | None = None
    for file in _reachable_files(source):
        kind = kind_of(file)
        if kind is None or file.startswith(out.root.rstrip("/") + "/"):
            continue
        first = first or (kind, file)
        if kind != first[0]:
            raise Misuse(
                f"{source.url} has files of two kinds, {first[0]} ({name_in(first[1], source)}) "
                f"and {kind} ({name_in(file, source)}); select one kind with a pattern, such as "
                f"{source.url.rstrip('/')}/**/*{PurePosixPath(file).suffix}"
            )
        yield kind, file
    if first is None:
        known = ", ".join(sorted(sum(ENDINGS.values(), ())))
        raise Misuse(
            f"{source.url} has no images; expected {known}, or array files .npy, .npz or .idx."
        )


def name_in(file: str, source: Files) -> str:
    """Return the path of a file relative to its source, or its name if the source is that file."""
    root = source.root.rstrip("/")
    if file.startswith(root + "/"):
        return file[len(root) + 1 :]
    return PurePosixPath(file).name


def is_gzipped(file: str) -> bool:
    """Return whether the name of a file is that of a gzip stream, which has no random access."""
    return file.lower().endswith(GZIPPED)


def _reachable_files(source: Files) -> Iterator[str]:
    try:
        yield from _all_files(source)
    except (Misuse, DataUnavailable):
        raise
    except Exception as error:  # each filesystem has its own errors
        raise DataUnavailable(f"{source.url} cannot be reached: {one_line(error)}") from None


def _all_files(source: Files) -> Iterator[str]:
    system, root = source.system, source.root
    if source.is_local and Path(root).is_dir():
        yield from _walk(root)
    elif system.isfile(root):
        yield root
    elif system.exists(root):
        for folder, _, files in system.walk(root):
            yield from (f"{folder}/{name}" for name in sorted(files))
    elif any(sign in root for sign in "*?["):
        found = sorted(system.glob(root))
        if not found:
            raise Misuse(f"nothing matches {source.url}")
        yield from found
    else:
        _raise_missing(source)


def _raise_missing(source: Files) -> None:
    """Raise the error of an unreachable filesystem, or otherwise that nothing is there."""
    try:
        source.system.info(source.root)
    except FileNotFoundError as error:
        if error.__cause__ is not None:  # the server does not answer
            raise error.__cause__ from None
    raise Misuse(f"no such file or folder: {source.url}")


def _walk(folder: str) -> Iterator[str]:
    """Yield the files of a local folder; only the names of one folder are in memory."""
    with os.scandir(folder) as entries:
        names = sorted((entry.name, entry.is_dir()) for entry in entries)
    for name, is_folder in names:
        path = f"{folder.rstrip('/')}/{name}"
        if is_folder:
            yield from _walk(path)
        else:
            yield path
