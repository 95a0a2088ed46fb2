"""The training loop over epochs and batches, and parallel training of several networks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from digitscope.cores import usable_cores
from digitscope.nn.losses import Floats, Loss, cross_entropy
from digitscope.nn.network import Network
from digitscope.nn.optimizers import Optimizer, clip

Case = TypeVar("Case")
Result = TypeVar("Result")


@dataclass(frozen=True)
class BatchResult:
    """The result of one training step.

    Attributes
    ----------
    loss : float
        Mean loss of the batch, before the step, in nats.
    norms : list of float
        Norm of the gradient of each kernel, first layer to last, before clipping.
    finite : bool
        False if the loss or a gradient is not finite; the weights are then not changed.
    """

    loss: float
    norms: list[float]
    finite: bool


@dataclass(frozen=True)
class Epoch:
    """The result of one epoch.

    Attributes
    ----------
    number : int
        From 1.
    losses : ndarray of shape (steps,)
        Mean loss of each batch, before its step, in nats.
    norms : ndarray of shape (steps, layers)
        Norm of the gradient of each kernel in each step, first layer to last, before clipping.
    finite : bool
        False if training ended here because the loss or a gradient was not finite; the weights are
        those before that step.
    """

    number: int
    losses: NDArray[np.float64]
    norms: NDArray[np.float64]
    finite: bool


def steps(
    network: Network,
    optimizer: Optimizer,
    x: Floats,
    labels: NDArray[Any],
    *,
    batch: int = 128,
    seed: int = 0,
    loss: Loss = cross_entropy,
    limit: float = 0.0,
) -> Iterator[BatchResult]:
    """Train a network and yield the result of each step, without a last epoch.

    The iterator ends if the loss or a gradient is not finite. The parameters are those of `train`.

    Examples
    --------
    >>> from digitscope.nn import Adam, Design
    >>> x, labels = np.eye(10, 784, dtype=np.float32), np.arange(10)
    >>> taken = islice(steps(Network(Design(hidden=())), Adam(0.01), x, labels, batch=10), 50)
    >>> losses = [step.loss for step in taken]
    >>> losses[-1] < losses[0]
    True
    """
    rng = np.random.default_rng([seed, 128])
    # A generator of its own, so that dropout does not change the order of the images.
    dropout_rng = np.random.default_rng([seed, 129])
    batch = min(batch, len(x))
    for _ in count():
        order = rng.permutation(len(x))
        for at in range(0, len(x) - batch + 1, batch):
            rows = order[at : at + batch]
            with np.errstate(all="ignore"):  # an overflow shows in the losses
                values, by_logits = loss(network.forward(x[rows], dropout_rng), labels[rows])
                network.backward(by_logits / by_logits.dtype.type(batch))
                mean, norms = float(values.mean()), network.norms()
                finite = bool(np.isfinite(mean) and np.isfinite(norms).all())
                if finite:
                    if limit:
                        clip(network.gradient, limit)
                    optimizer.step(network.weights, network.gradient)
            yield BatchResult(mean, norms, finite)
            if not finite:
                return


def train(
    network: Network,
    optimizer: Optimizer,
    x: Floats,
    labels: NDArray[Any],
    *,
    epochs: int = 1,
    batch: int = 128,
    seed: int = 0,
    loss: Loss = cross_entropy,
    limit: float = 0.0,
) -> Iterator[Epoch]:
    """Train a network and yield the result of each epoch.

    Parameters
    ----------
    network : Network
        Its weights change.
    optimizer : Optimizer
    x : ndarray of shape (n, inputs)
    labels : ndarray of shape (n,)
    epochs, batch : int
        An incomplete last batch is left out; the next epoch has another order.
    seed : int
        Seed of the order of the images and of dropout.
    loss : callable, optional
        Function from logits and labels to losses and gradients.
    limit : float
        Largest norm of the gradient, to which longer gradients are clipped; 0 for no clipping.

    Yields
    ------
    Epoch

    Examples
    --------
    >>> from digitscope.nn import Adam, Design
    >>> x, labels = np.eye(10, 784, dtype=np.float32), np.arange(10)
    >>> network = Network(Design(hidden=(16,)))
    >>> *_, last = train(network, Adam(0.01), x, labels, epochs=60, batch=10)
    >>> network.accuracy(x, labels)
    1.0
    """
    batch = min(batch, len(x))
    each = steps(network, optimizer, x, labels, batch=batch, seed=seed, loss=loss, limit=limit)
    for number in range(1, epochs + 1):
        taken = list(islice(each, len(x) // batch))
        losses, norms = np.array([s.loss for s in taken]), np.array([s.norms for s in taken])
        yield Epoch(number, losses, norms, taken[-1].finite)
        if not taken[-1].finite:
            return


def each(
    function: Callable[[Case], Result],
    cases: Sequence[Case],
    advance: Callable[[float], None] = lambda share: None,
) -> list[Result]:
    """Return the results of a function for each case, in order, computed on all cores.

    Parameters
    ----------
    function : callable
        Takes one case. It should spend most of its time in NumPy, which releases the interpreter
        lock.
    cases : sequence
    advance : callable, optional
        Called after each case with the share that is done.

    Examples
    --------
    >>> each(lambda n: n * n, [1, 2, 3])
    [1, 4, 9]
    """
    from threadpoolctl import threadpool_limits

    # One thread per network, since matrices of this size gain little from more.
    with threadpool_limits(1), ThreadPoolExecutor(min(usable_cores(), 8)) as pool:
        futures = [pool.submit(function, case) for case in cases]
        try:
            for done, future in enumerate(as_completed(futures), 1):
                future.result()  # raises the error of a worker thread
                advance(done / len(futures))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]
