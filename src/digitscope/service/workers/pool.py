"""A pool of worker processes with a bounded queue, a timeout, and replacement of failed workers.

No library does this job. In `concurrent.futures` a job has no timeout that ends its process, and
the end of one worker fails the whole pool. In `pebble` (tried with 5.2) the whole pool fails for
good when a worker is killed while no job runs, and a worker that hangs before it has taken its job
is never replaced.
"""

import asyncio
import logging
import pickle
import subprocess
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from socket import socketpair
from typing import Any, TypeVar, cast

from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.workers.launch import child_command
from digitscope.service.workers.worker_process import LENGTH

Result = TypeVar("Result")
RETRY = {"Retry-After": "1"}

log = logging.getLogger("digitscope.service")


class WorkerDied(Exception):
    """A worker process has ended, or cannot be started."""


class Worker:
    """One process of `digitscope.service.workers.worker_process`; it runs one job at a time.

    Parameters
    ----------
    models : dict of Path
        The files of the models, by their names.
    """

    def __init__(self, models: Mapping[str, Path]) -> None:
        command, options = child_command("digitscope.service.workers.worker_process")
        self._socket, childs_end = socketpair()
        with childs_end:
            # Standard output goes to standard error: what a library prints belongs in the log.
            self._process = subprocess.Popen(
                command, stdin=childs_end.fileno(), stdout=2, **options
            )
        self._socket.sendall(pickle.dumps(models))
        self._socket.setblocking(False)

    @property
    def pid(self) -> int:
        """The process identifier."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function returns in that process.

        Raises
        ------
        WorkerDied
            When the process ends before it has answered.
        Exception
            What the function raised.
        """
        job = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, job)
            result = await self._receive()
        except OSError:
            raise WorkerDied from None
        if isinstance(result, Exception):
            raise result
        return result

    async def _receive(self) -> Any:
        loop = asyncio.get_running_loop()
        received = bytearray()
        while len(received) < LENGTH or len(received) < LENGTH + int.from_bytes(received[:LENGTH]):
            part = await loop.sock_recv(self._socket, 1 << 20)
            if not part:
                raise WorkerDied
            received += part
        return pickle.loads(memoryview(received)[LENGTH:])

    def kill(self) -> None:
        """End the process, also in the middle of a job."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def timeout_problem(limits: Limits) -> Problem:
    """Return the problem of a request that was not answered in time."""
    return Problem(
        503, f"no answer within {limits.seconds:g} s; send a smaller picture, or try again later."
    )


class WorkerPool:
    """Runs jobs in worker processes.

    Parameters
    ----------
    models : dict of Path
        The files of the models, by their names.
    limits : Limits
        `waiting` bounds the queue, `seconds` the time of a job with its time in the queue.
    size : int
        Number of worker processes.
    """

    def __init__(self, models: Mapping[str, Path], limits: Limits, size: int) -> None:
        self._models = {name: path.absolute() for name, path in models.items()}
        self._limits, self._size = limits, size
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._pending = 0
        weakref.finalize(self, _kill_all, self._workers)

    @property
    def pending(self) -> int:
        """How many jobs run or wait."""
        return self._pending

    @property
    def pids(self) -> list[int]:
        """The process identifiers of the workers."""
        return [worker.pid for worker in self._workers]

    def start(self) -> None:
        """Start the workers that are missing; each loads its models in parallel to this process."""
        while len(self._workers) < self._size:
            worker = Worker(self._models)
            self._workers.add(worker)
            self._idle.append(worker)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function of `jobs` returns in a worker process.

        Parameters
        ----------
        function : callable
            Its first argument are the models; `arguments` follow.
        *arguments

        Raises
        ------
        Problem
            503 if the queue is full, if the answer takes too long, or if the worker process ends.
            A worker that took too long or ended is replaced.
        """
        if self._pending >= self._size + self._limits.waiting:
            raise Problem(503, "too much is waiting already; try again in a second.", RETRY)
        self._pending += 1
        try:
            async with asyncio.timeout(self._limits.seconds), self._slots:
                return cast(Result, await self._run_now(function, *arguments))
        except TimeoutError:
            raise timeout_problem(self._limits) from None
        except WorkerDied:
            raise Problem(
                503, "what worked on it has died; try again, or send a smaller picture.", RETRY
            ) from None
        finally:
            self._pending -= 1

    async def _run_now(self, function: Callable[..., Any], *arguments: Any) -> Any:
        worker = self._take_idle()
        try:
            result = await worker.run(function, *arguments)
        except Exception as error:
            if isinstance(error, WorkerDied):
                self._replace(worker)
            else:
                self._idle.append(worker)
            raise
        except BaseException:  # cancelled: its late answer would be taken for that of the next job
            self._replace(worker)
            raise
        self._idle.append(worker)
        return result

    def _take_idle(self) -> Worker:
        for worker in [worker for worker in self._idle if not worker.is_alive]:
            self._remove(worker)
        try:
            self.start()
        except OSError as error:  # no memory, or too many open files
            log.error("a worker process cannot be started: %s", error)
        if not self._idle:
            raise WorkerDied
        return self._idle.pop()

    def _replace(self, worker: Worker) -> None:
        self._remove(worker)
        with suppress(OSError):  # the next job tries again
            self.start()

    def _remove(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        worker.kill()

    def stop(self) -> None:
        """End the workers; a later job starts others, since an app may be started again."""
        self._idle.clear()
        _kill_all(self._workers)


def _kill_all(workers: set[Worker]) -> None:
    while workers:
        workers.pop().kill()
