"""A network taken apart: its output layer by layer, and how many weights it has."""

from itertools import pairwise

import numpy as np

from digitscope.nn import Network
from digitscope.nn.losses import Floats


def by_hand(network: Network, image: Floats) -> tuple[Floats, Floats]:
    """Return what a network of one hidden layer of ReLU makes of one image, layer by layer.

    Parameters
    ----------
    network : Network
    image : ndarray of shape (28, 28)

    Returns
    -------
    hidden : ndarray of shape (units,)
    logits : ndarray of shape (10,)
    """
    first, last = network.dense
    x = image.reshape(-1)  # (784,)
    hidden = np.maximum(x @ first.kernel + first.bias, 0)  # (units,)
    logits = hidden @ last.kernel + last.bias  # (10,)
    return hidden, logits


def count_weights(sizes: tuple[int, ...]) -> int:
    """Return the number of weights of dense layers of these sizes.

    >>> count_weights((784, 128, 10))
    101770
    """
    return sum(inputs * units + units for inputs, units in pairwise(sizes))
