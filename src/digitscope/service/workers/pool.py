"""Computing in processes: so many at once, so many waiting, and no longer than so."""

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
from digitscope.service.workers.process import LENGTH
from digitscope.service.workers.processes import child

Result = TypeVar("Result")
RETRY = {"Retry-After": "1"}

log = logging.getLogger("digitscope.service")


class Died(Exception):
    """A worker process is no more."""


class Worker:
    """A process of `digitscope.service.workers.process`, which does one thing after another.

    Parameters
    ----------
    models : dict of Path
        The files of the models, by their names.
    """

    def __init__(self, models: Mapping[str, Path]) -> None:
        command, options = child("digitscope.service.workers.process")
        self._socket, theirs = socketpair()
        with theirs:
            # What a library prints goes to the log.
            self._process = subprocess.Popen(command, stdin=theirs.fileno(), stdout=2, **options)
        self._socket.sendall(pickle.dumps(models))
        self._socket.setblocking(False)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def lives(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    async def do(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function gives in that process.

        Raises
        ------
        Died
            When the process ends over it.
        Exception
            What the function raised.
        """
        order = pickle.dumps((function, arguments), pickle.HIGHEST_PROTOCOL)
        try:
            await asyncio.get_running_loop().sock_sendall(self._socket, order)
            result = await self._receive()
        except OSError:
            raise Died from None
        if isinstance(result, Exception):
            raise result
        return result

    async def _receive(self) -> Any:
        loop = asyncio.get_running_loop()
        received = bytearray()
        while len(received) < LENGTH or len(received) < LENGTH + int.from_bytes(received[:LENGTH]):
            part = await loop.sock_recv(self._socket, 1 << 20)
            if not part:
                raise Died
            received += part
        return pickle.loads(memoryview(received)[LENGTH:])

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def late(limits: Limits) -> Problem:
    """Return what is said to those who waited too long."""
    return Problem(
        503, f"no answer within {limits.seconds:g} s; send a smaller picture, or try again later."
    )


class Desk:
    """Takes work for some worker processes, and gives results.

    Parameters
    ----------
    models : dict of Path
        The files of the models, by their names.
    limits : Limits
    at_once : int
        Worker processes.
    """

    def __init__(self, models: Mapping[str, Path], limits: Limits, at_once: int) -> None:
        self._models = {name: path.absolute() for name, path in models.items()}
        self._limits, self._at_once = limits, at_once
        self._places = asyncio.Semaphore(at_once)
        self._idle: list[Worker] = []
        self._workers: set[Worker] = set()
        self._taken = 0
        weakref.finalize(self, _end, self._workers)

    @property
    def taken(self) -> int:
        """How much work runs or waits."""
        return self._taken

    @property
    def workers(self) -> list[int]:
        """The numbers of the processes."""
        return [worker.pid for worker in self._workers]

    def open(self) -> None:
        """Start the workers; the service answers already while they load their models."""
        while len(self._workers) < self._at_once:
            worker = Worker(self._models)
            self._workers.add(worker)
            self._idle.append(worker)

    async def do(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return what a function of `jobs` returns, computed by a worker process.

        Parameters
        ----------
        function : callable
            Takes the models, and what follows.
        *arguments

        Raises
        ------
        Problem
            503, when too much waits already, when the answer takes too long, or when the worker
            dies over it; another takes its place.
        """
        if self._taken >= self._at_once + self._limits.waiting:
            raise Problem(503, "too much is waiting already; try again in a second.", RETRY)
        self._taken += 1
        try:
            async with asyncio.timeout(self._limits.seconds), self._places:
                return cast(Result, await self._have_done(function, *arguments))
        except TimeoutError:
            raise late(self._limits) from None
        except Died:
            raise Problem(
                503, "what worked on it has died; try again, or send a smaller picture.", RETRY
            ) from None
        finally:
            self._taken -= 1

    async def _have_done(self, function: Callable[..., Any], *arguments: Any) -> Any:
        worker = self._take()
        try:
            result = await worker.do(function, *arguments)
        except Exception as error:
            if isinstance(error, Died):
                self._replace(worker)
            else:
                self._idle.append(worker)
            raise
        except BaseException:  # nobody waits for its answer any more
            self._replace(worker)
            raise
        self._idle.append(worker)
        return result

    def _take(self) -> Worker:
        for worker in [worker for worker in self._idle if not worker.lives]:
            self._dismiss(worker)
        try:
            self.open()
        except OSError as error:  # no memory, or too many files
            log.error("a worker process cannot be started: %s", error)
        if not self._idle:
            raise Died
        return self._idle.pop()

    def _replace(self, worker: Worker) -> None:
        self._dismiss(worker)
        with suppress(OSError):  # whoever needs it next tries again
            self.open()

    def _dismiss(self, worker: Worker) -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        worker.end()

    def close(self) -> None:
        """End the workers; further work would get others, since an app may be started again."""
        self._idle.clear()
        _end(self._workers)


def _end(workers: set[Worker]) -> None:
    while workers:
        workers.pop().end()
