"""Named data sets: MNIST, other writers' digits, drawn ones, and folders of one's own images."""

import os
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
        parametric strokes; or ``folder:PATH``: one subfolder per digit (and ``other`` for what is
        none), a CSV file of path,label, or an ``.npz`` with the arrays images and labels. Without
        a name: MNIST, or the bundled digits where MNIST is neither here nor reachable; the data
        set's `remark` then says so.
    data_dir : path, optional
        Where the files are; by default ``DIGITSCOPE_DATA``, the cache, or a download.

    Returns
    -------
    Dataset

    Raises
    ------
    Misuse
        For a name there is not.
    BadData
        When the files are damaged or inconsistent.
    DataUnavailable
        When it is neither here nor to be had from the network.
    MissingExtra
        For all but a folder without the packages of the extra ``evaluate``.

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
            return replace(load_digits(), remark=f"{error} Going on with the bundled digits.")
    name = name or "mnist"
    folder = Path(data_dir) if data_dir else None
    # What needs OpenCV is imported when it is asked for.
    if name == "mnist":
        return load_mnist(folder)
    if name == "swiss-digits":
        from digitscope.data.swiss_digits import load_swiss_digits

        return load_swiss_digits(folder)
    if name in ("pendigits", "unipen"):
        from digitscope.data.stroke_sets import load_pendigits, load_unipen

        return load_pendigits(folder) if name == "pendigits" else load_unipen(folder)
    if name == "digits":
        return load_digits()
    if name == "synthetic":
        from digitscope.data.synthetic import load_synthetic

        return load_synthetic()
    raise Misuse(
        f"unknown data set {name!r}; there are {', '.join(NAMES)} and folder:PATH."
        + did_you_mean(name, NAMES)
    )


def summarise_data(data_dir: str | Path | None = None) -> list[Summary]:
    """Return what each data set of `NAMES` holds, without a download and without drawing it.

    Parameters
    ----------
    data_dir : path, optional
        Where the files are; by default ``DIGITSCOPE_DATA`` or the cache.

    Returns
    -------
    list of Summary
        One that is damaged has the error as its `source`.
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
