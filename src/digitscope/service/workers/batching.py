"""Requests for predictions: small ones are predicted in batches, large ones one by one.

A worker process of its own predicts the small requests, so that none of them waits behind a page.
Requests that arrive while it is busy are its next batch; no request waits for others to arrive.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.workers import jobs
from digitscope.service.workers.pool import RETRY, WorkerPool, timeout_problem

SMALL_BYTES = 16_384  # largest body of a small request
SMALL_PIXELS = 64 * 64  # largest picture of a small request
BATCH = 32  # requests of a batch at most
QUEUE = 1_000  # small requests that may wait: about half a second of work

Outcome = jobs.JobResult | Exception | None  # None: the picture has more pixels than a small one


class PredictionBatcher:
    """Answers requests for predictions.

    Parameters
    ----------
    models : dict of Path
        The files of the models, by their names.
    limits : Limits
    pool : WorkerPool
        For large requests.
    """

    def __init__(self, models: Mapping[str, Path], limits: Limits, pool: WorkerPool) -> None:
        self._worker, self._pool, self._limits = WorkerPool(models, limits, 1), pool, limits
        self._queue: list[tuple[jobs.PredictionJob, asyncio.Future[Outcome]]] = []
        self._task: asyncio.Task[None] | None = None

    async def predict(self, job: jobs.PredictionJob) -> jobs.JobResult:
        """Return the answer to one request.

        Raises
        ------
        Problem
            As `WorkerPool.run`.
        DigitscopeError
            When the content is no picture, or one of too many pixels.
        """
        size = len(job.content) if isinstance(job.content, bytes) else job.content.nbytes
        outcome: Outcome = await self._enqueue(job) if size <= SMALL_BYTES else None
        if outcome is None:
            pixels = self._limits.pixels
            (outcome,) = await self._pool.run(jobs.predict, [job], pixels, pixels)
        if isinstance(outcome, Exception):
            raise outcome
        assert outcome is not None
        return outcome

    async def _enqueue(self, job: jobs.PredictionJob) -> Outcome:
        if len(self._queue) >= QUEUE:
            raise Problem(503, "too much is waiting already; try again in a second.", RETRY)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._queue.append((job, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await future
        except TimeoutError:
            raise timeout_problem(self._limits) from None

    async def _work(self) -> None:
        try:
            while self._queue:
                batch, self._queue = self._queue[:BATCH], self._queue[BATCH:]
                # Requests that timed out or whose client has left are cancelled.
                await self._run([entry for entry in batch if not entry[1].cancelled()])
        finally:
            self._task = None

    async def _run(self, batch: list[tuple[jobs.PredictionJob, asyncio.Future[Outcome]]]) -> None:
        outcomes: list[Outcome]
        try:
            outcomes = await self._worker.run(
                jobs.predict, [job for job, _ in batch], self._limits.pixels, SMALL_PIXELS
            )
        except Exception as error:
            outcomes = [error] * len(batch)
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if not future.cancelled():
                future.set_result(outcome)

    def start(self) -> None:
        """Start the worker process."""
        self._worker.start()

    def stop(self) -> None:
        """End the worker process."""
        self._worker.stop()
