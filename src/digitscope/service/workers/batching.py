"""Predictions: small requests go together to a worker of their own, large ones to the desk.

Nobody waits for others to come: whatever has come while the worker was busy goes next. And nobody
with one digit waits behind a page.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.workers import jobs
from digitscope.service.workers.pool import RETRY, Desk, late

BYTES = 16_384  # of a request, at most
PIXELS = 64 * 64
TOGETHER = 32  # requests
Answer = jobs.Answer | Exception | None  # None: it is not small after all
WAITING = 1_000  # requests, half a second of work


class Batches:
    """Takes requests for predictions, and gives their answers.

    Parameters
    ----------
    models : dict of Path
        The files of the models, by their names.
    limits : Limits
    desk : Desk
        For large requests.
    """

    def __init__(self, models: Mapping[str, Path], limits: Limits, desk: Desk) -> None:
        self._own, self._desk, self._limits = Desk(models, limits, 1), desk, limits
        self._waiting: list[tuple[jobs.Asked, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, asked: jobs.Asked) -> jobs.Answer:
        """Return the answer.

        Raises
        ------
        Problem
            As `Desk.do`.
        DigitscopeError
            When the picture is none, or too large.
        """
        size = len(asked.content) if isinstance(asked.content, bytes) else asked.content.nbytes
        answer: Answer = await self._together(asked) if size <= BYTES else None
        if answer is None:
            pixels = self._limits.pixels
            (answer,) = await self._desk.do(jobs.predict, [asked], pixels, pixels)
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer

    async def _together(self, asked: jobs.Asked) -> Answer:
        if len(self._waiting) >= WAITING:
            raise Problem(503, "too much is waiting already; try again in a second.", RETRY)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        try:
            async with asyncio.timeout(self._limits.seconds):
                return await future
        except TimeoutError:
            raise late(self._limits) from None

    async def _work(self) -> None:
        try:
            while self._waiting:
                now, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                # Some may have given up meanwhile.
                await self._have_done([one for one in now if not one[1].cancelled()])
        finally:
            self._task = None

    async def _have_done(self, now: list[tuple[jobs.Asked, asyncio.Future[Answer]]]) -> None:
        answers: list[Answer]
        try:
            asked = [asked for asked, _ in now]
            answers = await self._own.do(jobs.predict, asked, self._limits.pixels, PIXELS)
        except Exception as error:
            answers = [error] * len(now)
        for (_, future), answer in zip(now, answers, strict=True):
            if not future.cancelled():
                future.set_result(answer)

    def open(self) -> None:
        """Start the worker."""
        self._own.open()

    def close(self) -> None:
        """End the worker."""
        self._own.close()
