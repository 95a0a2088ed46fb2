"""The routes for health checks and for Prometheus."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from digitscope.service.http import schemas
from digitscope.service.http.state import get_state

VERSION = version("digitscope")
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})

router = APIRouter(tags=["service"])


@router.get("/healthz", response_model=schemas.HealthOut)
@router.get("/readyz", response_model=schemas.HealthOut)
async def tell_health() -> dict[str, Any]:
    """Say that the process runs; the models were loaded before it listened."""
    return {"status": "ok", "version": VERSION}


@router.get("/metrics", response_class=Response)
async def tell_metrics(request: Request) -> Response:
    """Give the counters in the text form of Prometheus."""
    counters = get_state(request).metrics.text()
    return Response(counters, media_type="text/plain; version=0.0.4; charset=utf-8")
