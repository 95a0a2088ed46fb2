"""The routes of the service."""

import dataclasses
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from digitscope.errors import did_you_mean
from digitscope.image.digit import Images
from digitscope.models.classifier import Classifier
from digitscope.reading.reader import PAGE
from digitscope.service.http import request_bodies, schemas, web_files
from digitscope.service.http.direct import Direct
from digitscope.service.http.guard import Guard
from digitscope.service.http.limits import Limits
from digitscope.service.http.metrics import Metrics
from digitscope.service.http.problems import Problem, documented, install
from digitscope.service.playground.live_runs import Runs
from digitscope.service.playground.routes import routes as playground_routes
from digitscope.service.workers import jobs
from digitscope.service.workers.batching import Batches
from digitscope.service.workers.pool import Desk

VERSION = version("digitscope")
UNLOCKED = {"/healthz", "/readyz"}  # without a key, as is the page
MAY_FAIL = documented(400, 401, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503)


def create_app(
    models: Mapping[str, Classifier], limits: Limits | None = None, *, loopback: bool = True
) -> FastAPI:
    """Return the service as an ASGI app.

    Parameters
    ----------
    models : dict of Classifier
        By the names under which they are asked for; the first is the default.
    limits : Limits, optional
    loopback : bool, default True
        Whether it will listen to this machine alone; it then refuses other names of it.

    Examples
    --------
    >>> from digitscope import load
    >>> app = create_app({"cnn": load("cnn", threads=1)})
    >>> app.title
    'digitscope'
    """
    limits = limits or Limits()
    paths = {name: model.path for name, model in models.items()}
    desk = Desk(paths, limits, limits.at_once)
    batches = Batches(paths, limits, desk)
    runs = Runs(limits)
    metrics = Metrics(lambda: len(runs))
    default = next(iter(models))
    loaded = {name: jobs.Model.of(model) for name, model in models.items()}
    served = web_files.load_page()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        desk.open()
        batches.open()
        yield
        await runs.close()
        desk.close()
        batches.close()

    app = FastAPI(
        title="digitscope",
        version=VERSION,
        summary="Reads the numbers that people write.",
        lifespan=lifespan,
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    app.router.route_class = Direct
    install(app)

    def choose(name: str | None) -> tuple[str, jobs.Model]:
        name = name or default
        if name not in loaded:
            known = ", ".join(loaded)
            hint = did_you_mean(name, loaded)
            raise Problem(404, f"no such model; there are {known}.{hint} Received: {name[:80]!r}.")
        return name, loaded[name]

    async def one_digit(request: Request) -> NDArray[np.uint8]:
        picture = await request_bodies.take_picture(request, limits)
        return await desk.do(jobs.put_into_form, picture, limits.pixels)

    async def take(request: Request) -> bytes | Images:
        kind = request_bodies.kind_of(request)
        if kind == request_bodies.ARRAY:
            return request_bodies.to_images(await request_bodies.read_body(request, limits), limits)
        if kind == request_bodies.JSON:
            return request_bodies.from_json(await request_bodies.read_body(request, limits), limits)
        return await request_bodies.take_picture(request, limits)

    def answer_with(name: str, answer: jobs.Answer) -> Response:
        metrics.digits.labels(name).inc(answer.digits)
        return _json(answer.body)

    @app.post(
        "/v1/read", response_model=schemas.ReadPage, responses=MAY_FAIL, tags=["digits"],
        openapi_extra={"requestBody": {"required": True, "content": request_bodies.OF_PICTURE}},
    )  # fmt: skip
    async def read_numbers(
        request: Request, options: Annotated[request_bodies.ReadOptions, Query()]
    ) -> Response:
        """Read every number in a photo, scan or drawing."""
        if options.model not in (None, PAGE):
            received = f"{(options.model or '')[:80]!r}"
            raise Problem(404, f"pages are read by the model {PAGE}. Received: {received}.")
        picture = await request_bodies.take_picture(request, limits)
        answer = await desk.do(
            jobs.read_page, picture, limits.pixels, options.threshold, options.decimal,
            options.images, options.annotated,
        )  # fmt: skip
        return answer_with(PAGE, answer)

    @app.post(
        "/v1/predict", response_model=schemas.Predictions, responses=MAY_FAIL, tags=["digits"],
        openapi_extra={"requestBody": {"required": True, "content": {
            **request_bodies.OF_PICTURE, request_bodies.ARRAY: request_bodies.PICTURE,
            request_bodies.JSON: request_bodies.IMAGES,
        }}},
    )  # fmt: skip
    async def predict_digits(
        request: Request, options: Annotated[request_bodies.PredictOptions, Query()]
    ) -> Response:
        """Say which digit an image shows: a picture of one, or many images of 28×28.

        A picture may have any size and is put into the form of MNIST. Images of 28×28 are taken as
        they are, as `application/octet-stream` of 784 bytes each or as JSON: 0 = paper, 255 = ink.
        """
        name, _ = choose(options.model)
        asked = jobs.Asked(name, await take(request), options.threshold)
        return answer_with(name, await batches.ask(asked))

    @app.post(
        "/v1/explain", response_model=schemas.Explained | schemas.Occluded, responses=MAY_FAIL,
        tags=["digits"],
        openapi_extra={"requestBody": {"required": True, "content": {
            **request_bodies.OF_PICTURE, request_bodies.ARRAY: request_bodies.PICTURE,
        }}},
    )  # fmt: skip
    async def explain_digit(
        request: Request, options: Annotated[request_bodies.ExplainOptions, Query()]
    ) -> Response:
        """Explain one image: layer by layer where the network allows it, else by covering parts."""
        name, _ = choose(options.model or next((n for n, m in loaded.items() if m.network), None))
        content = await take(request)
        if not isinstance(content, bytes) and len(content) != 1:
            raise Problem(422, f"explain takes one image. Received: {len(content)}.")
        answer = await desk.do(
            jobs.explain_image, name, content, limits.pixels,
            options.label, options.top, options.occlusion, options.steps,
        )  # fmt: skip
        return answer_with(name, answer)

    @app.get("/v1/models", response_model=schemas.Models, tags=["service"])
    async def list_models() -> Response:
        """List the models that can be asked, and what they say of themselves."""
        rows = [
            {
                "name": name,
                "parameters": model.classifier.card.parameters,
                "refuses": model.classifier.refuses,
                "threshold": model.classifier.threshold,
                "explains": "layers" if model.network else "occlusion",
                "network": schemas.network(model.network) if model.network else None,
                "card": dataclasses.asdict(model.classifier.card),
            }
            for name, model in loaded.items()
        ]
        return _json(jobs.as_json({"default": default, "models": rows}))

    @app.get(
        "/v1/models/{name}/weights", response_class=Response, responses=documented(404),
        tags=["service"],
    )  # fmt: skip
    async def give_weights(name: str) -> Response:
        """Give all weights of a multilayer perceptron, as float32 with the lowest byte first.

        Layer by layer, as `/v1/models` lists them: the kernel, row by row, of inputs × units, and
        the biases.
        """
        name, chosen = choose(name)
        if not chosen.network:
            raise Problem(404, f"{name} is no multilayer perceptron; its weights are not given.")
        layers = chosen.network.layers
        parts = [part.ravel() for layer in layers for part in (layer.kernel, layer.bias)]
        return Response(
            np.concatenate(parts).astype("<f4").tobytes(), media_type=request_bodies.ARRAY
        )

    @app.get("/healthz", response_model=schemas.Health, tags=["service"])
    @app.get("/readyz", response_model=schemas.Health, tags=["service"])
    async def tell_health() -> Response:
        """Say that the process runs; the models were loaded before it listened."""
        return _json(jobs.as_json({"status": "ok", "version": VERSION}))

    @app.get("/metrics", response_class=Response, tags=["service"])
    async def tell_metrics() -> Response:
        """Give the counters in the text form of Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.include_router(web_files.routes(served))
    app.include_router(playground_routes(runs, limits, one_digit))
    app.state.runs = runs  # whoever stops the server ends them first: their streams stay open
    app.add_middleware(
        Guard, limits=limits, metrics=metrics, loopback=loopback, unlocked=UNLOCKED | set(served)
    )
    return app


def _json(content: bytes) -> Response:
    return Response(content, media_type="application/json")
