"""Uvicorn with the settings of this service.

Uvicorn has no timeout for the head of a request and none for a client that does not read its
answer. `CONNECTIONS` bounds how many such clients can be connected; behind a proxy such as nginx,
the proxy ends them (docs/howto/production.md).
"""

import socket

import uvicorn
from fastapi import FastAPI

from digitscope.errors import DigitscopeError, Misuse

CONNECTIONS = 1_000  # open at a time; the usual limit of open files on Linux is 1,024
KEEP_ALIVE = 15  # seconds that a connection without a request stays open


def run_server(app: FastAPI, host: str, port: int, seconds: float) -> None:
    """Serve an app until it is interrupted, and print its address when it answers.

    Parameters
    ----------
    app : FastAPI
        From `create_app`.
    host : str
        Address to listen on.
    port : int
        0 for a free one.
    seconds : float
        For requests in progress to be answered after an interrupt.

    Raises
    ------
    Misuse
        When the port is taken.
    DigitscopeError
        When the app does not start.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=int(seconds) + 1,
    )
    try:
        bound = config.bind_socket()
    except SystemExit:
        raise Misuse(
            f"cannot listen on {host}:{port}; is another program there? Try --port 0."
        ) from None
    try:
        _Server(config, app).run(sockets=[bound])
    except SystemExit:
        bound.close()
        raise DigitscopeError("the service could not start; what is above says why.") from None


class _Server(uvicorn.Server):
    """A server that prints its address, and ends the runs of the playground with it."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the address."""
        await super().startup(sockets)
        host = self.config.host
        shown = f"[{host}]" if ":" in host else host
        for bound in sockets or []:
            print(f"http://{shown}:{bound.getsockname()[1]}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the runs first: Uvicorn would wait for the event streams that follow them."""
        await self._app.state.service.runs.close()
        await super().shutdown(sockets)
