"""Routes that FastAPI describes and that are answered without its dependencies.

For every request FastAPI looks for dependencies to solve, values to inject and bodies to parse.
Where one image takes a fifth of a millisecond to judge, that is much; and none of it is used here.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError


class Direct(APIRoute):
    """A route whose function may take the request and, as one model named `options`, its query."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        function = self.endpoint
        taken = inspect.get_annotations(function)
        if "options" not in taken:
            return super().get_route_handler()
        kind: type[BaseModel] = taken["options"].__origin__

        async def answer(request: Request) -> Response:
            try:
                options = kind.model_validate(dict(request.query_params))
            except ValidationError as error:
                raise RequestValidationError(error.errors()) from None
            response: Response = await function(request, options)
            return response

        return answer
