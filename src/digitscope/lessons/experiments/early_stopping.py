"""Early stopping: judging a network, when to stop, and what choosing an epoch costs."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Split
from digitscope.nn import Epoch, Network, cross_entropy, pixels
from digitscope.nn.losses import Floats

DRAWS = 500  # validation sets drawn of each size


@dataclass(frozen=True)
class Rows:
    """Images as a network takes them, and their labels."""

    x: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @classmethod
    def of(cls, split: Split) -> "Rows":
        """Return those of a split."""
        return cls(pixels(split.images), split.labels)

    def judge(self, network: Network) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the loss of each image, and whether it is read rightly."""
        logits: Floats = network.forward(self.x)
        return cross_entropy(logits, self.labels)[0], logits.argmax(1) == self.labels

    def score(self, network: Network) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        losses, right = self.judge(network)
        return float(losses.mean(dtype=float)), float(right.mean())


def stop_early(
    network: Network,
    training: Iterable[Epoch],
    loss: Callable[[], float],
    patience: int,
) -> tuple[int, int]:
    """Stop when the validation loss has not fallen for `patience` epochs.

    The network then has its best weights again. Returned are the epoch they
    are from, and the last one there was.
    """
    lowest, best, kept = np.inf, 0, network.weights.copy()
    for epoch in training:  # training ends with the iteration
        now = loss()
        if now < lowest:
            lowest, best = now, epoch.number
            kept = network.weights.copy()
        if epoch.number == best + patience:
            break
    network.weights[:] = kept
    return best, epoch.number


def optimism(losses: Floats, n: int, seed: int) -> tuple[float, float]:
    """Choose the epoch by `n` of the images, many times, and see how it does on the others.

    `losses` has shape (epochs, images). Returned is the mean loss at the chosen epoch: of the
    images it was chosen by, and of the others.
    """
    rng = np.random.default_rng([seed, n])
    found = []
    total = losses.sum(1, dtype=float)  # (epochs,)
    for _ in range(DRAWS):
        part = losses[:, rng.choice(losses.shape[1], n, replace=False)].sum(1, dtype=float)
        best = int(part.argmin())
        found.append((part[best] / n, (total - part)[best] / (losses.shape[1] - n)))
    chosen_by, others = np.mean(found, 0)
    return float(chosen_by), float(others)
