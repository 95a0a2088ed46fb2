"""Named data sets: MNIST, the bundled digits, and folders of one's own images."""

from pathlib import Path

from digitscope.data.bundled import load_digits
from digitscope.data.dataset import Dataset, Split
from digitscope.data.folder import load_folder
from digitscope.data.mnist import find_mnist, load_mnist
from digitscope.errors import Misuse, did_you_mean

NAMES = ("mnist", "digits")

__all__ = ["NAMES", "Dataset", "Split", "find_mnist", "load_data"]


def load_data(name: str = "mnist", data_dir: str | Path | None = None) -> Dataset:
    """Return a data set by its name.

    Parameters
    ----------
    name : str
        ``mnist``; ``digits``, scikit-learn's 1,797; or ``folder:PATH``, one subfolder per digit or
        a CSV file of path,label.
    data_dir : path, optional
        Where the MNIST files are; by default ``DIGITSCOPE_DATA``, the cache, or a download.

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
        When MNIST is neither here nor reachable.

    Examples
    --------
    >>> data = load_data("digits")
    >>> data.train.images.shape, data.test.images.shape
    ((1500, 28, 28), (297, 28, 28))
    """
    if name == "mnist":
        return load_mnist(Path(data_dir) if data_dir else None)
    if name == "digits":
        return load_digits()
    if name.startswith("folder:"):
        return load_folder(Path(name.removeprefix("folder:")).expanduser())
    raise Misuse(
        f"unknown data set {name!r}; there are {', '.join(NAMES)} and folder:PATH."
        + did_you_mean(name, NAMES)
    )
