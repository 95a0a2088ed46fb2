"""A stream of batches of patches with their targets, drawn in worker processes during training.

Patch i depends on (seed, i) only. So the stream is the same for any number of workers and can start
at any batch.
"""

import multiprocessing
import queue
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.errors import TrainingFailed
from digitscope.image.contrast import normalise_contrast
from digitscope.synthesis.pages.targets import Targets, draw_targets
from digitscope.synthesis.pages.truth import PageTruth

VALIDATION = 1  # second number of the seeds of held-out patches; seeds of training have one number
AHEAD = 6  # most batches in the queue of each worker
PATIENCE = 2.0  # seconds; timeout after which a process checks whether the other one is alive


Made = TypeVar("Made")  # a batch
From = TypeVar("From")  # the source of a batch


class Source(Protocol):
    """A source of patches. It is pickled once for each worker."""

    def patch(self, rng: np.random.Generator) -> tuple[NDArray[np.uint8], PageTruth]:
        """Return a gray picture, uint8 (height, width), with its ground truth."""


@dataclass(frozen=True)
class Batch:
    """A batch of patches.

    Attributes
    ----------
    images : ndarray of shape (n, height, width), dtype uint8
        After `normalise_contrast`.
    targets : Targets
    """

    images: NDArray[np.uint8]
    targets: Targets


@dataclass(frozen=True)
class Plan:
    """The patches of each batch of a stream.

    Attributes
    ----------
    seed : tuple of int
        Patch i is drawn with ``default_rng([*seed, i])``.
    batch_size : int
    first, end : int
        Numbers of the first batch, and of the last batch plus 1.
    """

    seed: tuple[int, ...]
    batch_size: int
    first: int
    end: int


def draw_patch(
    source: Source, seed: tuple[int, ...], number: int
) -> tuple[NDArray[np.uint8], PageTruth]:
    """Return patch `number` of a stream, with normalised contrast, and its ground truth."""
    gray, truth = source.patch(np.random.default_rng([*seed, number]))
    return normalise_contrast(gray), truth


def held_out_patches(source: Source, n: int) -> list[tuple[NDArray[np.uint8], PageTruth]]:
    """Return the `n` held-out patches for validation, which are the same for every training."""
    return [draw_patch(source, (0, VALIDATION), number) for number in range(n)]


def draw_batch(source: Source, plan: Plan, number: int) -> Batch:
    """Return batch `number` of a stream."""
    images, targets = [], []
    for patch in range(number * plan.batch_size, (number + 1) * plan.batch_size):
        image, truth = draw_patch(source, plan.seed, patch)
        images.append(image)
        targets.append(draw_targets(truth))
    return Batch(np.stack(images), Targets.stack(targets))


class BatchStream(Generic[From, Made]):
    """The batches of a plan, in order.

    Parameters
    ----------
    draw : callable
        ``draw(source, plan, number)`` returns batch `number` of a plan, like `draw_batch`. Function
        and result must be picklable.
    source : Source, or another type that `draw` takes
    plan : Plan
    workers : int
        Number of worker processes; 0 draws each batch in this process on demand. With workers, a
        script needs ``if __name__ == "__main__":``, since they are started by `spawn`.

    Examples
    --------
    ::

        with BatchStream(draw_batch, source, Plan((0,), 16, 0, 500), workers=1) as stream:
            for batch in stream:
                ...
    """

    def __init__(
        self,
        draw: Callable[[From, Plan, int], Made],
        source: From,
        plan: Plan,
        *,
        workers: int = 1,
    ) -> None:
        self._draw, self._source, self._plan = draw, source, plan
        context = multiprocessing.get_context("spawn")
        self._queues: list[Any] = [context.Queue(AHEAD) for _ in range(workers)]
        self._workers = [
            context.Process(
                target=_work,
                args=(draw, source, plan, number, workers, self._queues[number]),
                daemon=True,
            )
            for number in range(workers)
        ]
        for worker in self._workers:
            worker.start()

    def __iter__(self) -> Iterator[Made]:
        for number in range(self._plan.first, self._plan.end):
            if self._workers:
                yield self._next((number - self._plan.first) % len(self._workers))
            else:
                yield self._draw(self._source, self._plan, number)

    def _next(self, worker: int) -> Made:
        while True:
            alive = self._workers[worker].is_alive()
            try:
                answer = self._queues[worker].get(timeout=PATIENCE)
            except queue.Empty:
                if alive:
                    continue
                code = self._workers[worker].exitcode
                raise TrainingFailed(
                    f"a worker process that draws patches ended with exit code {code}, perhaps "
                    f"for lack of memory. Continue with fewer workers."
                ) from None
            if isinstance(answer, str):
                raise TrainingFailed(f"a patch could not be drawn: {answer}")
            made: Made = answer
            return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for worker in self._workers:
            worker.terminate()
        for worker, waiting in zip(self._workers, self._queues, strict=True):
            worker.join()
            waiting.cancel_join_thread()
            waiting.close()


def _work(
    draw: Callable[[From, Plan, int], Made],
    source: From,
    plan: Plan,
    number: int,
    workers: int,
    made: Any,
) -> None:
    """Draw every `workers`-th batch of a plan until its end, or until the parent process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    cv2.setNumThreads(1)
    parent = multiprocessing.parent_process()
    for batch in range(plan.first + number, plan.end, workers):
        answer: str | Made
        try:
            answer = draw(source, plan, batch)
        except Exception as error:  # any error of a source is reported to the parent
            where = traceback.extract_tb(error.__traceback__)[-1]
            answer = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        while True:
            try:
                made.put(answer, timeout=PATIENCE)
                break
            except queue.Full:
                if parent is None or not parent.is_alive():
                    made.cancel_join_thread()
                    return
