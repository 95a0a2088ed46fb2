"""How large the numbers are that each layer gives, step by step, until they are not finite."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.nn import Design, Network, Optimizer, cross_entropy
from digitscope.nn.losses import Floats


def watch(
    design: Design, x: Floats, labels: NDArray[Any], optimizer: Optimizer, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return sizes, losses and norms of the first steps, to the first that is not finite.

    The first weights, the batches and their order are those of `train` with seed 0.
    """
    network = Network(design, 0)
    order = np.random.default_rng([0, 128]).permutation(len(x))
    batch = min(128, len(x))
    sizes, losses, norms = [], [], []
    with np.errstate(all="ignore"):  # what overflows is what is looked for
        for at in range(0, min(steps * batch, len(x) - batch + 1), batch):
            rows = order[at : at + batch]
            logits = network.forward(x[rows])
            values, by_logits = cross_entropy(logits, labels[rows])
            network.backward(by_logits / np.float32(batch))
            given = [*(dense.inputs for dense in network.dense), logits]
            # In float64, where the squares do not overflow before the numbers themselves do.
            sizes.append([float(np.sqrt((a.astype(np.float64) ** 2).mean())) for a in given])
            losses.append(float(values.mean()))
            norms.append(float(np.linalg.norm(network.gradient.astype(np.float64))))
            if not np.isfinite([losses[-1], norms[-1]]).all():
                break
            optimizer.step(network.weights, network.gradient)
    return np.array(sizes), np.array(losses), np.array(norms)


def growth(sizes: NDArray[np.float64]) -> float:
    """Return the factor from hidden layer to hidden layer: the geometric mean."""
    hidden = sizes[1:-1]
    return float((hidden[-1] / hidden[0]) ** (1 / max(1, len(hidden) - 1)))
