"""The application: its routes, its state and its middleware."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from digitscope.models.classifier import Classifier
from digitscope.service.http import digits, model_info, monitoring, web_files
from digitscope.service.http.limits import Limits
from digitscope.service.http.middleware import RequestMiddleware
from digitscope.service.http.problems import add_error_handlers
from digitscope.service.http.state import ServiceState
from digitscope.service.playground import routes as playground


def create_app(
    models: Mapping[str, Classifier], limits: Limits | None = None, *, loopback: bool = True
) -> FastAPI:
    """Return the service as an ASGI app.

    Parameters
    ----------
    models : dict of Classifier
        By the names under which requests ask for them; the first is the default.
    limits : Limits, optional
    loopback : bool, default True
        Whether the server listens on this machine only. The app then refuses requests for any
        host name but those of this machine.

    Examples
    --------
    >>> from digitscope import load
    >>> app = create_app({"cnn": load("cnn", threads=1)})
    >>> app.title
    'digitscope'
    """
    limits = limits or Limits()
    state = ServiceState.of(models, limits)
    app = FastAPI(
        title="digitscope",
        version=monitoring.VERSION,
        summary="Reads the numbers that people write.",
        lifespan=_lifespan,
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
    )
    app.state.service = state
    add_error_handlers(app)
    for router in (digits.router, model_info.router, monitoring.router, playground.router):
        app.include_router(router)
    app.include_router(web_files.page_router(state.page))
    app.add_middleware(
        RequestMiddleware,
        limits=limits,
        metrics=state.metrics,
        loopback=loopback,
        without_key=monitoring.HEALTH_PATHS | set(state.page),
    )
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    state: ServiceState = app.state.service
    state.start()
    yield
    await state.stop()
