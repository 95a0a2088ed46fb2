"""The middleware around every request: access, the limit per client, counters, unexpected errors.

Two attacks through a browser are refused. A page of another site must not post to this service, so
requests that change something need the origin of the service itself or an allowed one. A foreign
host name must not be resolved to this machine (DNS rebinding), so a service that listens on this
machine only accepts only the names of this machine.
"""

import hmac
import ipaddress
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping, Set
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from digitscope.service.http.limits import Limits
from digitscope.service.http.metrics import Metrics
from digitscope.service.http.problems import CONTENT_TYPE, Problem, to_problem

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger("digitscope.service")


class RequestMiddleware:
    """Checks a request before the app gets it, and counts it when it is answered.

    Parameters
    ----------
    app : ASGI app
    limits : Limits
    metrics : Metrics
    loopback : bool
        Whether the service listens on this machine only.
    without_key : set of str
        Paths that need no API key.
    """

    def __init__(
        self, app: App, limits: Limits, metrics: Metrics, loopback: bool, without_key: Set[str]
    ) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics
        self._loopback, self._without_key = loopback, without_key
        self._in_progress: Counter[str] = Counter()  # by address of the client

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("", 0))[0]
        began, status = time.perf_counter(), 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._in_progress[client] += 1
        self._metrics.under_way.inc()
        try:
            self._check(scope, client)
            await self._app(scope, receive, send_and_note)
        except Problem as problem:
            await _send_problem(problem, send_and_note)
        except ClientDisconnect:
            status = 499  # as nginx counts clients that closed the connection before the answer
        except Exception as error:
            log.exception("%s %s", scope["method"], scope["path"])
            if status == 500:  # no answer was begun
                await _send_problem(to_problem(error), send_and_note)
        finally:
            self._in_progress[client] -= 1
            if not self._in_progress[client]:
                del self._in_progress[client]
            self._metrics.under_way.dec()
            # The pattern of the route, since a path may contain anything.
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.record(route, scope["method"], status, time.perf_counter() - began)

    def _check(self, scope: Message, client: str) -> None:
        limits = self._limits
        headers = Headers(scope=scope)
        if self._loopback and not _is_this_machine(headers.get("host", "")):
            raise Problem(
                421, "this service answers to localhost alone; --host makes it listen to others."
            )
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            _check_origin(headers, limits.origins)
        if limits.key and scope["path"] not in self._without_key:
            _check_key(headers, limits.key)
        if self._in_progress[client] > limits.per_client:
            raise Problem(
                429,
                f"{limits.per_client} requests from one address may be under way; wait for some.",
                {"Retry-After": "1"},
            )


def _check_key(headers: Headers, key: str) -> None:
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    received = headers.get("x-api-key") or bearer
    if not hmac.compare_digest(received.encode(), key.encode()):
        raise Problem(
            401,
            "send the key of this service, as Authorization: Bearer KEY or X-API-Key: KEY.",
            {"WWW-Authenticate": "Bearer"},
        )


@lru_cache(maxsize=16)
def _is_this_machine(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_origin(headers: Headers, origins: tuple[str, ...]) -> None:
    origin = headers.get("origin", "")
    own = bool(origin) and urlsplit(origin).netloc == headers.get("host")
    if origin in origins or own:
        return
    if origin or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "a page of another site may not post here; --origin allows one.")


async def _send_problem(problem: Problem, send: Send) -> None:
    body = problem.body()
    headers = {
        "content-type": CONTENT_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
    }
    raw = [(k.lower().encode(), v.encode()) for k, v in (headers | problem.headers).items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
