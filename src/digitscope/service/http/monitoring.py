"""The routes for health checks and for Prometheus."""

from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from digitscope.service.http import schemas
from digitscope.service.http.state import StateDep

VERSION = version("digitscope")
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})

router = APIRouter(tags=["service"])


@router.get("/healthz", response_model=schemas.HealthOut)
@router.get("/readyz", response_model=schemas.HealthOut)
async def tell_health() -> dict[str, Any]:
    """Say that the process runs; the models were loaded before it listened."""
    return {"status": "ok", "version": VERSION}


@router.get("/metrics", response_class=Response)
async def tell_metrics(state: StateDep) -> Response:
    """Give the counters in the text form of Prometheus."""
    return Response(state.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
