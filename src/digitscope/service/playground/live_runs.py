"""The live runs of the playground: their processes, their events and their listeners.

The events of a run are kept here, in one list, and not in a queue for each listener. A listener
that connects late, or again after a lost connection, continues from the last event that it got. A
slow listener does not delay the others.
"""

import asyncio
import base64
import json
import logging
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

from digitscope.image.digit import Images
from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.workers.launch import child_command

UNWATCHED = 60.0  # seconds after which a run without listeners is ended
HEARTBEAT = 15.0  # seconds without an event, after which a comment keeps the connection open
MAX_EVENTS = 5_000  # of one run; with more, every second of the older half is dropped
MAX_LINE = 1 << 20  # bytes of one line from a process

log = logging.getLogger("digitscope.service")


class LiveRun:
    """One network in training, in a process of its own.

    Attributes
    ----------
    name : str
        Random and long, so that only those who know it can reach the run.
    listeners : int
        How many clients follow it now.
    watched : bool
        Whether a client has followed it at any time.
    state : str
        ``loading``, ``training``, ``paused``, ``done``, or ``gone`` with the process.
    """

    def __init__(
        self, process: asyncio.subprocess.Process, gone: Callable[["LiveRun"], None]
    ) -> None:
        self.name = secrets.token_urlsafe(12)
        self.state = "loading"
        self.listeners, self.watched = 0, False
        self._process, self._gone = process, gone
        self._events: list[tuple[int, str, str]] = []  # number, kind, JSON
        self._weights: tuple[int, str, str] | None = None  # only the latest
        self._count = self._last_asked = 0
        self._finished = False  # whether the last training has reported its end
        self._stopping = False  # whether this object has ended the process
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Event()  # set, and replaced, with each event
        self._end_timer: asyncio.TimerHandle | None = None
        self._tasks = [
            asyncio.create_task(task) for task in (self._read_events(), self._log_errors())
        ]
        self._start_end_timer()

    @property
    def pid(self) -> int:
        """The process identifier."""
        return self._process.pid

    async def predict(self, image: Images, seconds: float) -> dict[str, Any]:
        """Return the prediction of the network, as it is now, for an image of 28×28."""
        content = base64.b64encode(image.tobytes()).decode()
        return await self.ask(seconds, do="predict", image=content)

    async def ask(self, seconds: float, **command: Any) -> dict[str, Any]:
        """Send a command to the process, and return its answer.

        Raises
        ------
        Problem
            404 if the process has ended, 503 if it takes too long.
        """
        stdin = self._process.stdin
        if stdin is None or stdin.is_closing() or self.state == "gone":
            raise _no_run(self.name)
        self._last_asked += 1
        number = self._last_asked
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        stdin.write(json.dumps(command | {"id": number}).encode() + b"\n")
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            raise Problem(503, f"the run gave no answer within {seconds:g} s.") from None
        finally:
            self._asked.pop(number, None)

    async def follow(self, last: int) -> AsyncIterator[bytes]:
        """Yield all events after that number, past and future, as server-sent events."""
        self.listeners += 1
        self.watched = True
        try:
            while True:
                changed = self._changed
                events = [event for event in self._events if event[0] > last]
                if self._weights and self._weights[0] > last:
                    events.append(self._weights)
                for number, kind, data in sorted(events):
                    yield f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()
                    last = number
                if self.state == "gone":
                    return
                if changed is not self._changed:
                    continue
                try:
                    await asyncio.wait_for(changed.wait(), HEARTBEAT)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self.listeners -= 1
            self._start_end_timer()

    async def end(self) -> None:
        """End the process and the streams of its listeners."""
        self._stopping = True
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_end_timer(self) -> None:
        if self._end_timer:
            self._end_timer.cancel()
        if not self.listeners and self.state != "gone":
            loop = asyncio.get_running_loop()
            self._end_timer = loop.call_later(UNWATCHED, self._end_if_unwatched)

    def _end_if_unwatched(self) -> None:
        if not self.listeners and self._process.returncode is None:
            self._stopping = True
            self._process.kill()

    async def _read_events(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            message = json.loads(line)
            kind, data = message["kind"], message["data"]
            if kind == "answer":
                waiting = self._asked.get(data.pop("id"))
                if waiting and not waiting.done():
                    waiting.set_result(data)
                continue
            if kind == "state":
                self.state = data["state"]
                self._finished = self._finished and self.state != "training"
            self._finished = self._finished or kind == "end"
            self._record(kind, data)
        self._close(await self._process.wait())

    def _close(self, code: int) -> None:
        """Record the end of the process, and tell all who wait for it."""
        if not (self._finished or self._stopping):
            message = _describe_exit(code)
            log.warning("playground: a run: %s", message)
            none = {"test_accuracy": None, "test_images": 0}
            self._record("end", {"reason": "killed", "message": message} | none)
        self.state = "gone"
        if self._end_timer:
            self._end_timer.cancel()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(_no_run(self.name))
        self._notify()
        self._gone(self)

    async def _log_errors(self) -> None:
        assert self._process.stderr
        async for line in self._process.stderr:
            log.error("playground: %s", line.decode(errors="replace").rstrip())

    def _record(self, kind: str, data: dict[str, Any]) -> None:
        self._count += 1
        event = self._count, kind, json.dumps(data)
        if kind == "weights":
            self._weights = event
        else:
            self._events.append(event)
            if len(self._events) > MAX_EVENTS:
                old, new = self._events[: MAX_EVENTS // 2], self._events[MAX_EVENTS // 2 :]
                latest = {e[1]: e for e in self._events}.values()  # of each kind
                kept = [e for i, e in enumerate(old) if i % 2 or e in latest]
                self._events = kept + new
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class LiveRuns:
    """All live runs of one service.

    Parameters
    ----------
    limits : Limits
        `runs` is the number of runs at a time, `run_seconds` the longest training of each.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._runs: dict[str, LiveRun] = {}
        self._starting = 0  # processes that are being started

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, name: str) -> LiveRun:
        try:
            return self._runs[name]
        except KeyError:
            raise _no_run(name) from None

    async def start(self, settings: dict[str, Any]) -> LiveRun:
        """Start a run.

        Raises
        ------
        Problem
            403 if there is no playground, 503 if there are `runs` runs already and all are watched.
        """
        most = self._limits.runs
        if not most:
            raise Problem(403, "the playground of this service is disabled; --runs enables it.")
        while len(self) + self._starting >= most:
            # A run that was never watched is new: its page has not connected yet.
            left = (run for run in self._runs.values() if run.watched and not run.listeners)
            unwatched = next(left, None)
            if unwatched is None:
                raise Problem(
                    503, f"{most} networks are in training already; try again when one has ended."
                )
            await self.end(unwatched)
        command, options = child_command("digitscope.service.playground.trainer_process")
        self._starting += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, limit=MAX_LINE, **options,
            )  # fmt: skip
        finally:
            self._starting -= 1
        run = LiveRun(process, self._forget)
        self._runs[run.name] = run
        assert process.stdin
        settings = settings | {"seconds": self._limits.run_seconds}
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        return run

    def _forget(self, run: LiveRun) -> None:
        self._runs.pop(run.name, None)

    async def end(self, run: LiveRun) -> None:
        """End a run and remove it."""
        self._forget(run)
        await run.end()

    async def close(self) -> None:
        """End all runs."""
        while self._runs:
            await self.end(next(iter(self._runs.values())))


def _describe_exit(code: int) -> str:
    if code >= 0:
        return f"its process failed (exit status {code}); the log of the service says why."
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"its process was ended from outside ({name}); start it again."


def _no_run(name: str) -> Problem:
    return Problem(404, f"no such run; it may have ended. Received: {name[:40]!r}.")
