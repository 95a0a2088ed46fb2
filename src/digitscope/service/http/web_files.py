"""The files of the page, read once and kept in memory.

All scripts, styles and pictures are files of this package, and the HTML has none inline. The
Content Security Policy can therefore forbid everything else. A browser keeps the files and asks
each time whether they have changed (ETag).
"""

import hashlib
from collections.abc import Mapping
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


class PageFile(NamedTuple):
    """One file of the page."""

    content: bytes
    kind: str
    tag: str


def load_page() -> dict[str, PageFile]:
    """Return the files of the page by their paths; ``/`` is the page itself."""
    folder: Traversable = files("digitscope.service").joinpath("web")
    served = {}
    for file in folder.iterdir():
        kind = KINDS.get("." + file.name.rpartition(".")[2])
        if kind:
            content = file.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            path = "/" if file.name == "index.html" else f"/page/{file.name}"
            served[path] = PageFile(content, kind, tag)
    return served


async def send_file(request: Request) -> Response:
    """Send the file of a path."""
    file = request.app.state.service.page[request.url.path]
    headers = POLICY | {"ETag": file.tag}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.kind, headers=headers)


def page_router(page: Mapping[str, PageFile]) -> APIRouter:
    """Return the routes of the files, one for each exact path; no other path reaches a file."""
    router = APIRouter(include_in_schema=False)
    for path in page:
        router.add_api_route(path, send_file, methods=["GET", "HEAD"])
    return router
