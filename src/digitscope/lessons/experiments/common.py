"""What the experiments share: the images that they learn from, and cells of their tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset, Split
from digitscope.lessons.content import plus_minus
from digitscope.nn import pixels
from digitscope.nn.losses import Floats

HELD_OUT = 5_000  # images; a third of the training images where these are few


@dataclass(frozen=True)
class Samples:
    """Images to learn from, and held-out ones of the same split.

    Attributes
    ----------
    x : ndarray of shape (n, 784)
        Pixels, 1 = full ink.
    labels : ndarray of shape (n,)
    x_held : ndarray of shape (held, 784)
    labels_held : ndarray of shape (held,)
    """

    x: Floats
    labels: NDArray[np.uint8]
    x_held: Floats
    labels_held: NDArray[np.uint8]


def split(data: Dataset) -> tuple[Split, Split]:
    """Return the training images in two: those to fit, and those that are held out."""
    return data.hold_out(min(HELD_OUT, len(data.train) // 3))


def hold_out(data: Dataset, images: int) -> Samples:
    """Return the pixels of that many training images, and of those that are held out."""
    fit, held_out = split(data)
    return Samples(
        pixels(fit.images[:images]), fit.labels[:images], pixels(held_out.images), held_out.labels
    )


def percents(shares: Iterable[Sequence[float] | NDArray[Any]]) -> list[str]:
    r"""Return a cell for each row of shares: mean and standard deviation over seeds, in per cent.

    >>> percents([[0.5, 0.7], [0.25]])
    ['60.0\xa0±\xa014.1', '25.0']
    """
    return [plus_minus(100 * np.asarray(row), decimals=1) for row in shares]


def by_columns(columns: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the rows of a table for `Facts`, given its cells column by column.

    >>> by_columns({"rate": ["0.1", "0.2"], "accuracy": ["90.0", "91.0"]})
    [('rate', 'accuracy'), ('0.1', '90.0'), ('0.2', '91.0')]
    """
    return [tuple(columns), *zip(*columns.values(), strict=True)]
