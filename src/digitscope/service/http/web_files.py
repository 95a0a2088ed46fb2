"""The page: files of our own, read once and kept in memory, with headers that allow nothing else.

No script, style, font or picture comes from elsewhere, and none is written into the HTML, so that
the browser can be told to run nothing but these files (Content Security Policy). A browser keeps
them and asks whether they have changed.
"""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

KINDS = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


class Served(NamedTuple):
    """One file of the page."""

    content: bytes
    kind: str
    tag: str


def load_page() -> dict[str, Served]:
    """Return the files of the page by their paths; ``/`` is the page itself."""
    folder: Traversable = files("digitscope.service").joinpath("web")
    served = {}
    for file in folder.iterdir():
        kind = KINDS.get("." + file.name.rpartition(".")[2])
        if kind:
            content = file.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            path = "/" if file.name == "index.html" else f"/page/{file.name}"
            served[path] = Served(content, kind, tag)
    return served


def routes(served: dict[str, Served]) -> APIRouter:
    """Return the routes to those files, each by its own path: nothing else can be asked for."""
    router = APIRouter(include_in_schema=False)

    async def send(request: Request) -> Response:
        file = served[request.url.path]
        headers = POLICY | {"ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.kind, headers=headers)

    for path in served:
        router.add_api_route(path, send, methods=["GET", "HEAD"])
    return router
