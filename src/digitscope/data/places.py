"""Where the files of a data set are on this machine, and how they are opened."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData, DataUnavailable


def find_file(name: str, file: str, data_dir: Path | None = None) -> Path:
    """Return the path of a data set's file: in the folder that was named, or in the cache.

    Parameters
    ----------
    name : str
        Of the data set, for the message.
    file : str
        Relative to the folder of all data sets, such as ``strokes/pendigits.npz``.
    data_dir : path, optional
        The folder; by default ``DIGITSCOPE_DATA``.

    Raises
    ------
    DataUnavailable
        When it is not there.
    """
    named = data_dir or (Path(env) if (env := os.environ.get("DIGITSCOPE_DATA")) else None)
    if named and (named / file).is_file():
        return named / file
    raise DataUnavailable(
        f"{name} is not on this machine; expected {file} in the folder that --data-dir or "
        f"DIGITSCOPE_DATA names."
    )


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Return the named arrays of an ``.npz``, each unpacked once; nothing is unpickled.

    Raises
    ------
    BadData
        When the file is damaged or lacks one of them.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except KeyError as error:
        raise BadData(f"{path}: expected the arrays {', '.join(names)} ({error}).") from None
    except Exception as error:  # NumPy and zipfile raise a dozen kinds for a damaged file
        raise BadData(
            f"{path} is damaged ({error}); delete it, so that it is taken anew."
        ) from None
