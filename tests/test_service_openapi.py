"""Generated requests, valid and invalid: the answers are those that OpenAPI describes."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from digitscope.models.classifier import load
from digitscope.service.http.app import create_app
from digitscope.service.http.limits import Limits

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
app = create_app(
    {name: load(name, threads=1) for name in ("cnn", "mlp")}, Limits(upload=100_000), loopback=False
)
schema = schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_answers_are_as_described(case):
    checks = list(CHECKS)
    if case.path == "/v1/playground/runs":
        checks.remove(not_a_server_error)  # 503: its runs are not watched, so a few fill it
    response = case.call_and_validate(checks=checks)
    assert response.status_code != 500
