"""Computing in threads: so many at once, so many waiting, and no longer than so."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from digitscope.service.limits import Limits
from digitscope.service.problems import Problem

Result = TypeVar("Result")
RETRY = {"Retry-After": "1"}


class Desk:
    """Takes work and gives results; NumPy, OpenCV and ONNX Runtime let other threads run.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pool: ThreadPoolExecutor | None = None
        self._taken = 0

    @property
    def taken(self) -> int:
        """How much work runs or waits."""
        return self._taken

    async def do(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function gives, worked out in a thread.

        Raises
        ------
        Problem
            503, when too much waits already, or the answer takes too long. What was begun cannot be
            stopped; it keeps its place until it is done, so that the machine is never overloaded.
        """
        if self._taken >= self._limits.at_once + self._limits.waiting:
            raise Problem(503, "too much is waiting already; try again in a second.", RETRY)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._limits.at_once, thread_name_prefix="digitscope")
        future = asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
        self._taken += 1
        future.add_done_callback(self._done)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self._limits.seconds)
        except TimeoutError:
            seconds = self._limits.seconds
            raise Problem(
                503, f"no answer within {seconds:g} s; send a smaller picture, or try again later."
            ) from None

    def _done(self, future: "asyncio.Future[Any]") -> None:
        self._taken -= 1
        if not future.cancelled():
            future.exception()  # seen, if nobody waits for it any more

    def close(self) -> None:
        """Let the threads go; further work would get others, since an app may be started again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
