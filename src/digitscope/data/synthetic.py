"""Drawn digits as a data set, and drawn non-digits beside them (`digitscope.synthesis`)."""

import numpy as np

from digitscope.data.dataset import Dataset, Split, Summary
from digitscope.image.digit import DIGITS
from digitscope.synthesis.digits import GLYPHS, draw_digits, draw_non_digits

SEED = 28
TRAIN, TEST = 60_000, 10_000  # images, as many as MNIST has
SOURCE = f"digits drawn from {len(GLYPHS)} forms by digitscope's own pen, seed {SEED}"
LICENCE = "MIT, as digitscope itself"


def load_synthetic(train: int = TRAIN, test: int = TEST, non_digits: int = TEST) -> Dataset:
    """Return drawn digits as a data set, the same ones every time.

    Parameters
    ----------
    train, test : int
        How many images of digits; each digit is as frequent as the others, to one.
    non_digits : int
        How many images of anything else.

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
    """Return what the drawn digits are, without drawing them, which takes some ten seconds."""
    counts = {"train": TRAIN, "test": TEST}
    return Summary(name="synthetic", source=SOURCE, licence=LICENCE, counts=counts, non_digits=TEST)


def _draw_split(n: int, part: int) -> Split:
    rng = np.random.default_rng([SEED, part])
    labels = rng.permutation(np.arange(n) % DIGITS)
    return Split(draw_digits(labels, rng), labels)
