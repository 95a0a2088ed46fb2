"""Errors as problem details: RFC 9457, ``application/problem+json``.

The detail of a problem is one sentence: what was expected, what was received, what to do. It never
has a stack trace. Each class of `digitscope.errors` has its own HTTP status.
"""

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from digitscope.errors import DigitscopeError

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """The refusal of a request.

    Parameters
    ----------
    status : int
    detail : str
        One sentence for the sender of the request.
    headers : dict, optional
        Such as ``Retry-After``.
    """

    def __init__(self, status: int, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers or {}

    def body(self) -> bytes:
        """Return the problem as JSON."""
        title = HTTPStatus(self.status).phrase
        content = {
            "type": "about:blank",
            "title": title,
            "status": self.status,
            "detail": self.detail,
        }
        return json.dumps(content, ensure_ascii=False).encode()

    def response(self) -> Response:
        """Return the problem as a response."""
        return Response(self.body(), self.status, self.headers, media_type=CONTENT_TYPE)


def to_problem(error: Exception) -> Problem:
    """Return the problem that describes an exception."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, DigitscopeError):
        return Problem(error.http_status, " ".join(str(error).split()))
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        name = first["loc"][-1]
        return Problem(
            422, f"{name}: {first['msg'].lower()}. Received: {str(first['input'])[:80]!r}."
        )
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        detail = error.detail
        if error.status_code == 404:
            detail = "there is nothing at this address; /openapi.json lists what there is."
        elif error.status_code == 405:
            detail = f"this address takes {headers.get('Allow', 'other methods')} alone."
        return Problem(error.status_code, detail, headers)
    return Problem(500, "digitscope failed at this request; its log says why.")


def add_error_handlers(app: FastAPI) -> None:
    """Make the app answer each expected error with a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        return to_problem(error).response()

    for kind in (Problem, DigitscopeError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of problems with these statuses, for `responses`."""
    schema = {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
        },
    }
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
