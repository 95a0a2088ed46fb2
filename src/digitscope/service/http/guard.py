"""The door: who may come in, how many at once, and what is counted. Plain ASGI, for every request.

A page of another site must not post here through a visitor's browser, nor may a stranger's domain
name be pointed at this machine (DNS rebinding): while the service listens to this machine alone, it
answers to the names of this machine alone.
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
from digitscope.service.http.problems import CONTENT_TYPE, Problem, of

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

log = logging.getLogger("digitscope.service")


class Guard:
    """Lets requests in, or refuses them.

    Parameters
    ----------
    app : ASGI app
    limits : Limits
    metrics : Metrics
    loopback : bool
        Whether the service listens to this machine alone.
    unlocked : set of str
        Paths for which no key is needed: they tell nothing of anybody.
    """

    def __init__(
        self, app: App, limits: Limits, metrics: Metrics, loopback: bool, unlocked: Set[str]
    ) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics
        self._loopback, self._unlocked = loopback, unlocked
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = (scope.get("client") or ("", 0))[0]
        began, status = time.perf_counter(), 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._under_way[client] += 1
        self._metrics.under_way.inc()
        try:
            self._check(scope, client)
            await self._app(scope, receive, send_on)
        except Problem as problem:
            await _refuse(problem, send_on)
        except ClientDisconnect:
            status = 499  # as others count those who left before they were answered
        except Exception as error:
            log.exception("%s %s", scope["method"], scope["path"])
            if status == 500:  # nothing was sent yet
                await _refuse(of(error), send_on)
        finally:
            self._under_way[client] -= 1
            if not self._under_way[client]:
                del self._under_way[client]
            self._metrics.under_way.dec()
            route = getattr(scope.get("route"), "path", "other")  # never the path as it was sent
            self._metrics.seen(route, scope["method"], status, time.perf_counter() - began)

    def _check(self, scope: Message, client: str) -> None:
        limits = self._limits
        headers = Headers(scope=scope)
        if self._loopback and not _is_here(headers.get("host", "")):
            raise Problem(
                421, "this service answers to localhost alone; --host makes it listen to others."
            )
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            _check_site(headers, limits.origins)
        if limits.key and scope["path"] not in self._unlocked:
            given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix(
                "Bearer "
            )
            if not hmac.compare_digest(given.encode(), limits.key.encode()):
                raise Problem(
                    401,
                    "send the key of this service, as Authorization: Bearer KEY or X-API-Key: KEY.",
                    {"WWW-Authenticate": "Bearer"},
                )
        if self._under_way[client] > limits.per_client:
            raise Problem(
                429,
                f"{limits.per_client} requests from one address may be under way; wait for some.",
                {"Retry-After": "1"},
            )


@lru_cache(maxsize=16)
def _is_here(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _check_site(headers: Headers, origins: tuple[str, ...]) -> None:
    origin = headers.get("origin", "")
    own = bool(origin) and urlsplit(origin).netloc == headers.get("host")
    if origin in origins or own:
        return
    if origin or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "a page of another site may not post here; --origin allows one.")


async def _refuse(problem: Problem, send: Send) -> None:
    body = problem.body()
    headers = {
        "content-type": CONTENT_TYPE,
        "content-length": str(len(body)),
        "connection": "close",
    }
    raw = [(k.lower().encode(), v.encode()) for k, v in (headers | problem.headers).items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
