"""Named data sets: MNIST, digits of other writers, synthetic digits, and the user's own images."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from digitscope.data.bundled import load_digits
from digitscope.data.dataset import Dataset, Split, Summary, join
from digitscope.data.folder import load_folder
from digitscope.data.mnist import find_mnist, load_mnist, summarise_mnist
from digitscope.errors import BadData, DataUnavailable, Misuse, did_you_mean
from digitscope.extras import require

NAMES = ("mnist", "swiss-digits", "pendigits", "unipen", "digits", "synthetic")

__all__ = [
    "NAMES",
    "Dataset",
    "Split",
    "Summary",
    "find_mnist",
    "join",
    "load_data",
    "summarise_data",
]


def load_data(name: str | None = None, data_dir: str | Path | None = None) -> Dataset:
    """Return a data set by its name.

    Parameters
    ----------
    name : str, optional
        ``mnist``; ``swiss-digits``, scans by 14 writers; ``pendigits`` and ``unipen``, drawn from
        recorded pen strokes; ``digits``, scikit-learn's 1,797; ``synthetic``, 70,000 drawn from
        parametric strokes; or ``folder:PATH``: one subfolder per digit (and ``other`` for
        non-digits), a CSV file of path,label, or an ``.npz`` with the arrays images and labels.
        By default MNIST, or the bundled digits if MNIST is not on this machine and cannot be
        downloaded; the data set's `remark` then says so.
    data_dir : path, optional
        Folder of the files; by default ``DIGITSCOPE_DATA``, the cache, or a download.

    Returns
    -------
    Dataset

    Raises
    ------
    Misuse
        For an unknown name.
    BadData
        When the files are damaged or inconsistent.
    DataUnavailable
        When the files are not on this machine and cannot be downloaded.
    MissingExtra
        If the packages of the extra ``evaluate`` are not installed; a folder needs none.

    Examples
    --------
    >>> data = load_data("digits")
    >>> data.train.images.shape, data.test.images.shape
    ((1500, 28, 28), (297, 28, 28))
    """
    if name and name.startswith("folder:"):
        return load_folder(Path(name.removeprefix("folder:")).expanduser())
    require("evaluate", "digitscope.load_data")
    if name is None and not data_dir and not os.environ.get("DIGITSCOPE_DATA"):
        try:
            return load_mnist()
        except DataUnavailable as error:
            return replace(load_digits(), remark=f"{error} The bundled digits are used instead.")
    name = name or "mnist"
    if name.startswith("folder:"):
        return load_folder(Path(name.removeprefix("folder:")).expanduser())
    if name not in NAMES:
        raise Misuse(
            f"unknown data set {name!r}; expected {', '.join(NAMES)} or folder:PATH."
            + did_you_mean(name, NAMES)
        )
    return _loader(name)(Path(data_dir) if data_dir else None)


def _loader(name: str) -> Callable[[Path | None], Dataset]:
    """Return the function that loads a data set; it imports OpenCV only where it is needed."""
    if name == "mnist":
        return load_mnist
    if name == "digits":
        return lambda _: load_digits()
    if name == "synthetic":
        from digitscope.data.synthetic import load_synthetic

        return lambda _: load_synthetic()
    if name == "swiss-digits":
        from digitscope.data.swiss_digits import load_swiss_digits

        return load_swiss_digits
    from digitscope.data.stroke_sets import load_pendigits, load_unipen

    return load_pendigits if name == "pendigits" else load_unipen


def summarise_data(data_dir: str | Path | None = None) -> list[Summary]:
    """Return a summary of each data set of `NAMES`, without downloading or drawing it.

    Parameters
    ----------
    data_dir : path, optional
        Folder of the files; by default ``DIGITSCOPE_DATA`` or the cache.

    Returns
    -------
    list of Summary
        For a damaged data set the `source` is the error message.
    """
    from digitscope.data.stroke_sets import summarise_pendigits, summarise_unipen
    from digitscope.data.swiss_digits import summarise_swiss_digits
    from digitscope.data.synthetic import summarise_synthetic

    folder = Path(data_dir) if data_dir else None
    summaries = {
        "mnist": lambda: summarise_mnist(folder),
        "swiss-digits": lambda: summarise_swiss_digits(folder),
        "pendigits": lambda: summarise_pendigits(folder),
        "unipen": lambda: summarise_unipen(folder),
        "digits": lambda: load_digits().summary(),
        "synthetic": summarise_synthetic,
    }
    found = []
    for name in NAMES:
        try:
            found.append(summaries[name]())
        except (BadData, DataUnavailable) as error:
            found.append(Summary(name=name, source=str(error)))
    return found
