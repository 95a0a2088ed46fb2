"""Locations of data files on this machine, and reading of ``.npz`` files."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData


def named_folder(data_dir: Path | None = None) -> Path | None:
    """Return `data_dir`, or else the folder that ``DIGITSCOPE_DATA`` names, or None."""
    return data_dir or (Path(named) if (named := os.environ.get("DIGITSCOPE_DATA")) else None)


def cache_folder(name: str = "") -> Path:
    """Return the folder of downloads, or a subfolder of it: in the user's cache by default."""
    import pooch

    return Path(os.environ.get("DIGITSCOPE_CACHE") or pooch.os_cache("digitscope")) / name


def find_file(file: str, data_dir: Path | None = None) -> Path | None:
    """Return the path of a data file in the data folder or in the cache, or None.

    Parameters
    ----------
    file : str
        Path relative to the data folder, such as ``strokes/pendigits.npz``; the cache has the same
        structure.
    data_dir : path, optional
        The data folder; by default ``DIGITSCOPE_DATA``.
    """
    named = named_folder(data_dir)
    places = ([named] if named else []) + [cache_folder()]
    return next((place / file for place in places if (place / file).is_file()), None)


def read_arrays(
    path: Path, names: tuple[str, ...], *, optional: tuple[str, ...] = ()
) -> dict[str, NDArray[Any]]:
    """Return the named arrays of an ``.npz``; pickled objects are not loaded.

    Parameters
    ----------
    path : Path
    names : tuple of str
        Required arrays.
    optional : tuple of str
        Arrays that are returned if the file has them.

    Raises
    ------
    BadData
        When the file is damaged or lacks one of `names`.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            present = archive.files
            wanted = [name for name in (*names, *optional) if name in present]
            arrays = {name: archive[name] for name in wanted}
    except Exception as error:  # NumPy and zipfile raise many types for a damaged file
        raise BadData(
            f"{path} is damaged ({' '.join(str(error).split())}); delete it, so that it is "
            f"downloaded or made again."
        ) from None
    if missing := [name for name in names if name not in arrays]:
        raise BadData(
            f"{path}: expected the arrays {', '.join(names)}. "
            f"Received: {', '.join(present) or 'none'}; {missing[0]!r} is missing."
        )
    return arrays
