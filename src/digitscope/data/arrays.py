"""Array files with stacks of digit images: ``.npy``, ``.npz`` and IDX."""

from pathlib import Path
from typing import Any

import numpy as np

from digitscope.data.idx import read_idx
from digitscope.errors import BadData, BadImage
from digitscope.image.digit import Images, check_images


def is_array_file(path: Path) -> bool:
    """Return whether the name of a file is that of an array file.

    >>> is_array_file(Path("t10k-images-idx3-ubyte.gz")), is_array_file(Path("seven.png"))
    (True, False)
    """
    name = path.name.lower().removesuffix(".gz")
    return name.endswith((".npy", ".npz", ".idx", "-ubyte")) or "idx3" in name


def read_images(path: Path) -> Images:
    """Return the images in an array file: uint8 of shape (n, 28, 28), 0 = paper, 255 = ink.

    From an ``.npz`` the array ``images`` is taken, or otherwise the only one of that dtype and
    number of dimensions. Pickled objects are not loaded.

    Raises
    ------
    BadData
        When the file is damaged or holds no such array.
    """
    if path.suffix.lower() not in (".npy", ".npz"):
        images = read_idx(path)
    else:
        with path.open("rb") as file:
            try:
                loaded = np.load(file, allow_pickle=False)
                images = loaded if isinstance(loaded, np.ndarray) else _choose(loaded, path)
            except BadData:
                raise
            except Exception as error:  # NumPy and zipfile raise many types for a damaged file
                raise BadData(f"{path} is not a readable array file ({error}).") from None
    try:
        return check_images(images)
    except BadImage as error:
        raise BadData(f"{path}: {error}") from None


def _choose(archive: np.lib.npyio.NpzFile, path: Path) -> Images:
    if "images" in archive.files:  # the other arrays are not read
        return archive["images"]
    arrays = {name: np.asarray(archive[name]) for name in archive.files}
    name = choose_array({name: (a.dtype, a.shape) for name, a in arrays.items()}, path)
    return arrays[name]


def choose_array(forms: dict[str, tuple[Any, tuple[int, ...]]], path: Path | str) -> str:
    """Return the name of the array of images in an ``.npz`` file.

    Parameters
    ----------
    forms : dict
        Dtype and shape of each array, by name.
    path : path
        For the error message.

    Raises
    ------
    BadData
        When no array is called images, and not exactly one is uint8 with three dimensions.
    """
    if "images" in forms:
        return "images"
    fitting = [n for n, (dtype, shape) in forms.items() if len(shape) == 3 and dtype == np.uint8]
    if len(fitting) != 1:
        found = ", ".join(f"{n} {dtype} {shape}" for n, (dtype, shape) in forms.items())
        raise BadData(
            f"{path}: expected an array called images, or exactly one uint8 of shape (n, 28, 28). "
            f"Received: {found or 'nothing'}."
        )
    return fitting[0]
