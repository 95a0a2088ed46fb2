"""The runs of the playground: a process each, what they told, and who listens.

What a run tells is kept here and not in queues of its listeners: whoever comes late, or again, is
told from where he left off, and a slow one slows nobody.
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

ALONE = 60.0  # seconds that a run lives without anybody who listens
QUIET = 15.0  # seconds after which a comment keeps the connection open
KEPT = 5_000  # events of one run; older ones are thinned out beyond
LINE = 1 << 20  # bytes of one line from a process

log = logging.getLogger("digitscope.service")


class Run:
    """One process in training.

    Attributes
    ----------
    name : str
        Nobody can guess it.
    listeners : int
        How many follow it now.
    watched : bool
        Whether anybody ever did.
    state : str
        ``loading``, ``training``, ``paused``, ``done``, or ``gone`` with the process.
    """

    def __init__(self, process: asyncio.subprocess.Process, gone: Callable[["Run"], None]) -> None:
        self.name = secrets.token_urlsafe(12)
        self.state = "loading"
        self.listeners, self.watched = 0, False
        self._process, self._gone = process, gone
        self._events: list[tuple[int, str, str]] = []  # number, kind, JSON
        self._weights: tuple[int, str, str] | None = None  # only the latest
        self._count = self._last_asked = 0
        self._ended = False  # whether the last training told its end
        self._meant = False  # whether the process is to end
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self._leaving: asyncio.TimerHandle | None = None
        self._tasks = [
            asyncio.create_task(task) for task in (self._hear(), self._hear_errors(process))
        ]
        self._leave_if_alone()

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    async def predict(self, image: Images, seconds: float) -> dict[str, Any]:
        """Return what the network, as it now is, says to an image of 28×28."""
        content = base64.b64encode(image.tobytes()).decode()
        return await self.ask(seconds, do="predict", image=content)

    async def ask(self, seconds: float, **command: Any) -> dict[str, Any]:
        """Send a command to the process, and return its answer.

        Raises
        ------
        Problem
            404 if the process is gone, 503 if it takes too long.
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
        """Give all events after that number, and those to come, as server-sent events."""
        self.listeners += 1
        self.watched = True
        try:
            while True:
                news = self._news
                events = [event for event in self._events if event[0] > last]
                if self._weights and self._weights[0] > last:
                    events.append(self._weights)
                for number, kind, data in sorted(events):
                    yield f"id: {number}\nevent: {kind}\ndata: {data}\n\n".encode()
                    last = number
                if self.state == "gone":
                    return
                if news is not self._news:
                    continue
                try:
                    await asyncio.wait_for(news.wait(), QUIET)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self.listeners -= 1
            self._leave_if_alone()

    async def end(self) -> None:
        """End the process, and all who listen."""
        self._meant = True
        if self._process.returncode is None:
            self._process.kill()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _leave_if_alone(self) -> None:
        if self._leaving:
            self._leaving.cancel()
        if not self.listeners and self.state != "gone":
            self._leaving = asyncio.get_running_loop().call_later(ALONE, self._leave)

    def _leave(self) -> None:
        if not self.listeners and self._process.returncode is None:
            self._meant = True
            self._process.kill()

    async def _hear(self) -> None:
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
                self._ended = self._ended and self.state != "training"
            self._ended = self._ended or kind == "end"
            self._keep(kind, data)
        code = await self._process.wait()
        if not (self._ended or self._meant):
            message = _how(code)
            log.warning("playground: a run: %s", message)
            none = {"test_accuracy": None, "test_images": 0}
            self._keep("end", {"reason": "killed", "message": message} | none)
        self.state = "gone"
        if self._leaving:
            self._leaving.cancel()
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(_no_run(self.name))
        self._wake()
        self._gone(self)

    async def _hear_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr
        async for line in process.stderr:
            log.error("playground: %s", line.decode(errors="replace").rstrip())

    def _keep(self, kind: str, data: dict[str, Any]) -> None:
        self._count += 1
        event = self._count, kind, json.dumps(data)
        if kind == "weights":
            self._weights = event
        else:
            self._events.append(event)
            if len(self._events) > KEPT:
                old, new = self._events[: KEPT // 2], self._events[KEPT // 2 :]
                latest = {e[1]: e for e in self._events}.values()  # of each kind
                thin = [e for i, e in enumerate(old) if i % 2 or e in latest]
                self._events = thin + new
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Runs:
    """All runs of one service.

    Parameters
    ----------
    limits : Limits
        `runs` at a time, `run_seconds` of training for each.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._runs: dict[str, Run] = {}
        self._starting = 0  # processes that are not among them yet

    def __len__(self) -> int:
        return len(self._runs)

    def __getitem__(self, name: str) -> Run:
        try:
            return self._runs[name]
        except KeyError:
            raise _no_run(name) from None

    async def start(self, settings: dict[str, Any]) -> Run:
        """Start a run.

        Raises
        ------
        Problem
            403 where there is no playground, 503 when all processes are taken and listened to.
        """
        most = self._limits.runs
        if not most:
            raise Problem(403, "this service has no playground; --runs gives it one.")
        while len(self) + self._starting >= most:
            # One that was never watched is about to be.
            left = (run for run in self._runs.values() if run.watched and not run.listeners)
            alone = next(left, None)
            if alone is None:
                raise Problem(
                    503, f"{most} networks are in training already; try again when one has ended."
                )
            await self.end(alone)
        command, options = child_command("digitscope.service.playground.trainer_process")
        self._starting += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, limit=LINE, **options,
            )  # fmt: skip
        finally:
            self._starting -= 1
        run = Run(process, self._forget)
        self._runs[run.name] = run
        assert process.stdin
        first = settings | {"seconds": self._limits.run_seconds}
        process.stdin.write(json.dumps(first).encode() + b"\n")
        return run

    def _forget(self, run: Run) -> None:
        self._runs.pop(run.name, None)

    async def end(self, run: Run) -> None:
        """End a run, and forget it."""
        self._forget(run)
        await run.end()

    async def close(self) -> None:
        """End all runs."""
        while self._runs:
            await self.end(next(iter(self._runs.values())))


def _how(code: int) -> str:
    if code >= 0:
        return f"its process failed (exit status {code}); the log of the service says why."
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"its process was ended from outside ({name}); start it again."


def _no_run(name: str) -> Problem:
    return Problem(404, f"no such run; it may have ended. Received: {name[:40]!r}.")
