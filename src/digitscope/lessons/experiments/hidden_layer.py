"""A hidden layer looked at from outside: whether it can be left out, and which units are dead."""

import numpy as np
from numpy.typing import NDArray

from digitscope.nn import Network
from digitscope.nn.network import Activate


def collapse(
    network: Network,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the one matrix and the one bias of a linear network."""
    first, last = network.dense
    w_1 = first.kernel.astype(float)  # (784, 128)
    w_2 = last.kernel.astype(float)  # (128, 10)
    return w_1 @ w_2, first.bias @ w_2 + last.bias


def dead_units(
    network: Network, x: NDArray[np.float32]
) -> NDArray[np.bool_]:  # fmt: skip
    """Return which hidden units have a slope of 0 for every image."""
    dense, activate = network.blocks[0][:2]
    assert isinstance(activate, Activate)
    sums = dense.forward(x, None)  # (n, units)
    slopes = activate.slope(sums, activate.function(sums))
    dead: NDArray[np.bool_] = (slopes == 0).all(0)
    return dead


def compare(network: Network, x: NDArray[np.float32]) -> tuple[float, float]:
    """Return how far the linear network is from its one matrix, in double precision."""
    first, last = network.dense
    w, b = collapse(network)
    rows = x.astype(float)
    both = (rows @ first.kernel + first.bias) @ last.kernel + last.bias
    single = rows @ w + b
    return float(np.abs(both - single).max()), float((both.argmax(1) == single.argmax(1)).mean())
