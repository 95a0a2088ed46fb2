"""The routes that read, predict and explain digits."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from digitscope.image.digit import Images
from digitscope.reading.reader import PAGE
from digitscope.service.http import request_bodies, schemas
from digitscope.service.http.problems import Problem, documented
from digitscope.service.http.responses import worker_response
from digitscope.service.http.state import ServiceState, get_state
from digitscope.service.workers import jobs

router = APIRouter(
    prefix="/v1",
    tags=["digits"],
    responses=documented(400, 401, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503),
)


def _body(*kinds: str) -> dict[str, Any]:
    """Return the OpenAPI description of a body that is a picture, or of one of other kinds."""
    content = request_bodies.PICTURE_CONTENT | {
        kind: request_bodies.ARRAY_CONTENT[kind] for kind in kinds
    }
    return {"requestBody": {"required": True, "content": content}}


@router.post("/read", response_model=schemas.PageOut, openapi_extra=_body())
async def read_numbers(
    request: Request, options: Annotated[request_bodies.ReadOptions, Query()]
) -> Response:
    """Read every number in a photo, scan or drawing."""
    if options.model not in (None, PAGE):
        received = f"{(options.model or '')[:80]!r}"
        raise Problem(404, f"pages are read by the model {PAGE}. Received: {received}.")
    state = get_state(request)
    picture = await request_bodies.take_picture(request, state.limits)
    result = await state.pool.run(
        jobs.read_page, picture, state.limits.pixels, options.threshold, options.decimal,
        options.images, options.annotated,
    )  # fmt: skip
    return worker_response(result, PAGE, state.metrics)


@router.post(
    "/predict",
    response_model=schemas.PredictionsOut,
    openapi_extra=_body(request_bodies.ARRAY, request_bodies.JSON),
)
async def predict_digits(
    request: Request, options: Annotated[request_bodies.PredictOptions, Query()]
) -> Response:
    """Say which digit an image shows: a picture of one, or many images of 28×28.

    A picture may have any size and is put into the form of MNIST. Images of 28×28 are taken as
    they are, as `application/octet-stream` of 784 bytes each or as JSON: 0 = paper, 255 = ink.
    """
    state = get_state(request)
    name, _ = state.choose_model(options.model)
    content = await _take_content(request, state)
    result = await state.batcher.predict(jobs.PredictionJob(name, content, options.threshold))
    return worker_response(result, name, state.metrics)


@router.post(
    "/explain",
    response_model=schemas.ExplanationOut | schemas.OcclusionOut,
    openapi_extra=_body(request_bodies.ARRAY),
)
async def explain_digit(
    request: Request, options: Annotated[request_bodies.ExplainOptions, Query()]
) -> Response:
    """Explain one image: layer by layer where the network allows it, else by covering parts."""
    state = get_state(request)
    perceptron = next((name for name, model in state.models.items() if model.network), None)
    name, _ = state.choose_model(options.model or perceptron)
    content = await _take_content(request, state)
    if not isinstance(content, bytes) and len(content) != 1:
        raise Problem(422, f"explain takes one image. Received: {len(content)}.")
    result = await state.pool.run(
        jobs.explain_image, name, content, state.limits.pixels,
        options.label, options.top, options.occlusion, options.steps,
    )  # fmt: skip
    return worker_response(result, name, state.metrics)


async def _take_content(request: Request, state: ServiceState) -> bytes | Images:
    """Return the picture of a request, or its images of 28×28."""
    limits = state.limits
    kind = request_bodies.kind_of(request)
    if kind == request_bodies.ARRAY:
        return request_bodies.to_images(await request_bodies.read_body(request, limits), limits)
    if kind == request_bodies.JSON:
        return request_bodies.from_json(await request_bodies.read_body(request, limits), limits)
    return await request_bodies.take_picture(request, limits)
