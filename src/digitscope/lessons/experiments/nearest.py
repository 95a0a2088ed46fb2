"""Classifiers without training: the nearest remembered image, and the nearest mean image."""

import numpy as np
from numpy.typing import NDArray

from digitscope.image.digit import DIGITS, Labels
from digitscope.nn.losses import Floats

BLOCK = 1_000  # questions that are compared with the memory at once


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Return |a - b|² of each row of a from each row of b, by one product of matrices."""
    of_a, of_b = (np.einsum("ij,ij->i", rows, rows) for rows in (a, b))  # |a|², |b|²
    squares: Floats = of_a[:, None] + of_b - 2 * (a @ b.T)
    return squares


def nearest(questions: Floats, memory: Floats, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """Return for each size which of that many first remembered images is nearest.

    Parameters
    ----------
    questions, memory : ndarray of shape (n, 784) and (m, 784)
    sizes : tuple of int
        Rising, up to m.

    Returns
    -------
    ndarray of shape (sizes, n)
    """
    found = np.empty((len(sizes), len(questions)), np.int64)
    for at in range(0, len(questions), BLOCK):
        asked = questions[at : at + BLOCK]
        rows = np.arange(len(asked))
        best, least = np.zeros(len(asked), np.int64), np.full(len(asked), np.inf, np.float32)
        for number, (begin, end) in enumerate(zip((0, *sizes[:-1]), sizes, strict=True)):
            far = squared_distances(asked, memory[begin:end])
            winner = far.argmin(1)
            nearer = far[rows, winner] < least
            best[nearer] = begin + winner[nearer]
            least[nearer] = far[rows, winner][nearer]
            found[number, at : at + BLOCK] = best
    return found


def mean_images(x: Floats, labels: Labels) -> Floats:
    """Return the mean of each digit's rows, (10, 784); a digit without any is far from all."""
    means = np.full((DIGITS, x.shape[1]), 1e6, np.float32)
    for digit in np.unique(labels):
        means[digit] = x[labels == digit].mean(0)
    return means
