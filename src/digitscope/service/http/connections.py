"""Connections that do not wait for ever: for the head of a request, nor for a reader.

The server (Uvicorn) closes a connection on which nothing comes between two requests. One that
sends its first request byte by byte, or does not take its answer, it would keep.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from digitscope.service.http.problems import CONTENT_TYPE, Problem

HEAD = 64 * 1024  # bytes of a request line and its headers


class Connection(HttpToolsProtocol):
    """One connection.

    Attributes
    ----------
    seconds : float
        For the head of a request to arrive, and for a full buffer to be taken.
    """

    seconds = 30.0

    @classmethod
    def within(cls, seconds: float) -> "type[Connection]":
        """Return the same with other seconds; Uvicorn takes a class and makes the connections."""
        return type(cls.__name__, (cls,), {"seconds": seconds})

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._head: asyncio.TimerHandle | None = None  # while one is awaited
        self._size = 0  # of it, so far
        self._full: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._head is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()
        super().data_received(data)
        if self._head is not None:
            self._size += len(data)
            if self._size > HEAD:
                self._refuse(431, f"the head of a request may have {HEAD:,} bytes.")

    def on_headers_complete(self) -> None:
        """Wait no longer."""
        self._stop()
        super().on_headers_complete()

    def eof_received(self) -> None:
        """Say so where half a body is all that comes."""
        cycle = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_started:
            self._refuse(400, "the connection was closed before the whole body had come.")

    def pause_writing(self) -> None:
        """Give the client some time to take what is sent."""
        super().pause_writing()
        self._full = self.loop.call_later(self.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on."""
        if self._full:
            self._full.cancel()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._stop()
        if self._full:
            self._full.cancel()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._size = 0
        self._head = self.loop.call_later(
            self.seconds,
            self._refuse,
            408,
            f"the head of the request did not arrive within {self.seconds:g} s.",
        )

    def _stop(self) -> None:
        if self._head:
            self._head.cancel()
            self._head = None

    def _refuse(self, status: int, detail: str) -> None:
        self._stop()
        if self.transport.is_closing():
            return
        if self._size or self.cycle:  # one opened in advance is closed without a word
            body = Problem(status, detail).body()
            head = (
                f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
                "connection: close\r\n\r\n"
            )
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
