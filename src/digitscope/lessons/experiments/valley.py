"""A valley of two weights, and how optimizers go down it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.nn import OPTIMIZERS

IN_VALLEY = ("sgd", "momentum", "rmsprop", "adam")  # weight decay would pull towards the goal
PATH = 400  # most steps
TRIED = np.geomspace(1e-3, 1, 73)  # rates: 24 for each power of ten
LOW = 1e-3  # of the height at the start: the goal


@dataclass(frozen=True)
class Valley:
    """The function ½ wᵀ H w.

    Attributes
    ----------
    condition : float
        Its curvature across; along it is 1.
    angle : float
        Degrees by which it is turned from the axes.
    """

    condition: float
    angle: float = 0.0

    @property
    def axes(self) -> NDArray[np.float64]:
        """The directions along and across, as columns."""
        turn = np.deg2rad(self.angle)
        return np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    @property
    def curvature(self) -> NDArray[np.float64]:
        """The matrix H."""
        return np.asarray(self.axes @ np.diag([1.0, self.condition]) @ self.axes.T)

    def height(self, w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return ½ wᵀ H w of each of the points (n, 2)."""
        return np.asarray(0.5 * np.einsum("ni,ij,nj->n", w, self.curvature, w))


@dataclass(frozen=True)
class Walk:
    """A way through the valley."""

    name: str  # of the optimizer
    rate: float
    steps: int  # until it stays below the goal; PATH + 1 if it does not
    path: NDArray[np.float64]  # (steps + 1, 2), the weights after each; PATH + 1 at most


def walk(name: str, rate: float, valley: Valley) -> Walk:
    """Let an optimizer go down the valley."""
    curvature, optimizer = valley.curvature, OPTIMIZERS[name](rate)
    w = valley.axes @ [-1.0, 0.3]
    points = [w.copy()]
    with np.errstate(all="ignore"):  # too large a rate leaves the valley
        for _ in range(PATH):
            optimizer.step(w, curvature @ w)
            points.append(w.copy())
        steps = steps_to(valley.height(np.array(points)))
    return Walk(name, rate, steps, np.array(points[: steps + 1]))


def walk_all(valley: Valley) -> list[Walk]:
    """Return the walk of each optimizer at its best rate."""
    return [
        min((walk(name, float(rate), valley) for rate in TRIED), key=lambda way: way.steps)
        for name in IN_VALLEY
    ]


def steps_to(heights: NDArray[np.float64]) -> int:
    """Return after how many steps a walk stays below `LOW` of its first height."""
    above = np.flatnonzero(~(heights <= LOW * heights[0]))  # NaN counts as above
    return int(above[-1]) + 1
