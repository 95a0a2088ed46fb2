"""The synthetic data set: drawn digits and non-digits (`digitscope.synthesis`)."""

import numpy as np

from digitscope.data.dataset import Dataset, Split, Summary
from digitscope.image.digit import DIGITS
from digitscope.synthesis.digits import GLYPHS, draw_digits, draw_non_digits

SEED = 28
TRAIN, TEST = 60_000, 10_000  # numbers of images, the same as of MNIST
SOURCE = f"digits drawn from {len(GLYPHS)} forms by digitscope's own pen, seed {SEED}"
LICENCE = "MIT, as digitscope itself"


def load_synthetic(train: int = TRAIN, test: int = TEST, non_digits: int = TEST) -> Dataset:
    """Return the synthetic data set; its images are the same in every call.

    Parameters
    ----------
    train, test : int
        Numbers of images of digits. All digits are equally frequent, up to one image.
    non_digits : int
        Number of non-digits.

    Examples
    --------
    >>> data = load_synthetic(20, 10, 5)
    >>> data.train.counts(), len(data.test), len(data.non_digits)
    ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], 10, 5)
    """
    return Dataset(
        "synthetic",
        _draw_split(train, 0),
        _draw_split(test, 1),
        SOURCE,
        non_digits=draw_non_digits(non_digits, np.random.default_rng([SEED, 2])),
        licence=LICENCE,
    )


def summarise_synthetic() -> Summary:
    """Return a summary of the data set without drawing it, which takes about ten seconds."""
    counts = {"train": TRAIN, "test": TEST}
    return Summary(name="synthetic", source=SOURCE, licence=LICENCE, counts=counts, non_digits=TEST)


def _draw_split(n: int, part: int) -> Split:
    rng = np.random.default_rng([SEED, part])
    labels = rng.permutation(np.arange(n) % DIGITS)
    return Split(draw_digits(labels, rng), labels)
