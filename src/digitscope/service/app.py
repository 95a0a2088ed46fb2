"""The routes of the service."""

import dataclasses
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from numpy.typing import NDArray

from digitscope.classifier import Classifier, Judgement
from digitscope.errors import BadModel, did_you_mean
from digitscope.explanation import explain, occlude
from digitscope.images import Images
from digitscope.perceptron import Perceptron
from digitscope.preprocess import mnist_steps, to_mnist
from digitscope.reading import read
from digitscope.service import answers, inputs, page
from digitscope.service.guard import Guard
from digitscope.service.limits import Limits
from digitscope.service.metrics import Metrics
from digitscope.service.problems import Problem, documented, install
from digitscope.service.work import Desk

VERSION = version("digitscope")
# What is faster done at once than handed to a thread.
FEW = 16  # images to judge
SMALL = 64 * 64  # pixels of a picture to put into MNIST's form
UNLOCKED = {"/healthz", "/readyz"}  # without a key, as is the page
MAY_FAIL = documented(400, 401, 403, 404, 408, 413, 415, 421, 422, 429, 500, 503)

ModelName = Annotated[str | None, Query(description="one of /v1/models; the default if left out")]
Threshold = Annotated[
    float | None,
    Query(ge=0, le=1, description="refuse what scores less; the model's own if left out"),
]


@dataclasses.dataclass(frozen=True)
class Loaded:
    """A model, and its weights where its layers can be walked through."""

    classifier: Classifier
    network: Perceptron | None


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
    desk, metrics = Desk(limits), Metrics()
    default = next(iter(models))
    loaded = {name: Loaded(model, _network(model)) for name, model in models.items()}
    served = page.load_page()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(
        title="digitscope",
        version=VERSION,
        summary="Reads the numbers that people write.",
        lifespan=lifespan,
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
    )
    install(app)

    def choose(name: str | None) -> tuple[str, Loaded]:
        name = name or default
        if name not in loaded:
            known = ", ".join(loaded)
            hint = did_you_mean(name, loaded)
            raise Problem(404, f"no such model; there are {known}.{hint} Received: {name[:80]!r}.")
        return name, loaded[name]

    async def one_digit(request: Request) -> NDArray[np.uint8]:
        picture = await inputs.take_picture(request, limits)
        if inputs.check_size(picture, limits) <= SMALL:
            return to_mnist(picture)
        return await desk.do(to_mnist, picture)

    @app.post(
        "/v1/read", response_model=answers.ReadPage, responses=MAY_FAIL, tags=["digits"],
        openapi_extra={"requestBody": {"required": True, "content": inputs.OF_PICTURE}},
    )  # fmt: skip
    async def read_numbers(
        request: Request,
        model: ModelName = None,
        threshold: Threshold = None,
        annotated: Annotated[
            bool, Query(description="draw what was read over the picture, too")
        ] = False,
        images: Annotated[
            bool, Query(description="give of each digit the 28×28 that the network saw")
        ] = False,
    ) -> Response:
        """Read every number in a photo, scan or drawing."""
        name, chosen = choose(model)
        picture = await inputs.take_picture(request, limits)
        inputs.check_size(picture, limits)

        def work() -> tuple[int, dict[str, Any]]:
            found = read(picture, model=chosen.classifier, threshold=threshold)
            drawn = picture if annotated else None
            return len(found.digits), answers.read_page(name, found, images, drawn)

        digits, answer = await desk.do(work)
        metrics.digits.labels(name).inc(digits)
        return _json(answer)

    @app.post(
        "/v1/predict", response_model=answers.Predictions, responses=MAY_FAIL, tags=["digits"],
        openapi_extra={"requestBody": {"required": True, "content": {
            **inputs.OF_PICTURE, inputs.ARRAY: inputs.PICTURE, "application/json": inputs.IMAGES,
        }}},
    )  # fmt: skip
    async def predict_digits(
        request: Request, model: ModelName = None, threshold: Threshold = None
    ) -> Response:
        """Say which digit an image shows: a picture of one, or many images of 28×28.

        A picture may have any size and is put into the form of MNIST. Images of 28×28 are taken as
        they are, as `application/octet-stream` of 784 bytes each or as JSON: 0 = paper, 255 = ink.
        """
        name, chosen = choose(model)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == inputs.ARRAY:
            images = inputs.to_images(await inputs.read_body(request, limits), limits)
        elif kind == "application/json":
            images = inputs.from_json(await inputs.read_body(request, limits), limits)
        else:
            images = (await one_digit(request))[None]
        judgement = await _judge(desk, chosen.classifier, images)
        metrics.digits.labels(name).inc(len(images))
        return _json(answers.predictions(name, chosen.classifier, judgement, threshold))

    @app.post(
        "/v1/explain", response_model=answers.Explained | answers.Occluded, responses=MAY_FAIL,
        tags=["digits"],
        openapi_extra={"requestBody": {"required": True, "content": {
            **inputs.OF_PICTURE, inputs.ARRAY: inputs.PICTURE,
        }}},
    )  # fmt: skip
    async def explain_digit(
        request: Request,
        model: ModelName = None,
        label: Annotated[int | None, Query(ge=0, le=9, description="the true digit")] = None,
        top: Annotated[int, Query(ge=0, le=1000, description="units shown with weights")] = 6,
        occlusion: Annotated[bool, Query(description="an occlusion map in any case")] = False,
        steps: Annotated[
            bool, Query(description="of a picture, each step from it to the 28×28")
        ] = False,
    ) -> Response:
        """Explain one image: layer by layer where the network allows it, else by covering parts."""
        name, chosen = choose(model or next((n for n, m in loaded.items() if m.network), None))
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == inputs.ARRAY:
            images = inputs.to_images(await inputs.read_body(request, limits), limits)
            if len(images) != 1:
                raise Problem(422, f"explain takes one image. Received: {len(images)}.")
            picture = None
        else:
            picture = await inputs.take_picture(request, limits)
            inputs.check_size(picture, limits)

        def work() -> dict[str, Any]:
            way = mnist_steps(picture) if picture else None
            image = way.image if way else images[0]
            if occlusion or not chosen.network:
                answer = answers.occluded(name, occlude(chosen.classifier, image))
            else:
                answer = answers.explained(
                    name, explain(chosen.classifier, image, label=label), top
                )
            return answer | {"steps": answers.steps(way) if way and steps else None}

        return _json(await desk.do(work))

    @app.get("/v1/models", response_model=answers.Models, tags=["service"])
    async def list_models() -> Response:
        """List the models that can be asked, and what they say of themselves."""
        rows = [
            {
                "name": name,
                "parameters": model.classifier.card.parameters,
                "refuses": model.classifier.refuses,
                "threshold": model.classifier.threshold,
                "explains": "layers" if model.network else "occlusion",
                "network": answers.network(model.network) if model.network else None,
                "card": dataclasses.asdict(model.classifier.card),
            }
            for name, model in loaded.items()
        ]
        return _json({"default": default, "models": rows})

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
        return Response(np.concatenate(parts).astype("<f4").tobytes(), media_type=inputs.ARRAY)

    @app.get("/healthz", response_model=answers.Health, tags=["service"])
    @app.get("/readyz", response_model=answers.Health, tags=["service"])
    async def tell_health() -> Response:
        """Say that the process runs; the models were loaded before it listened."""
        return _json({"status": "ok", "version": VERSION})

    @app.get("/metrics", response_class=Response, tags=["service"])
    async def tell_metrics() -> Response:
        """Give the counters in the text form of Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    app.include_router(page.routes(served))
    app.add_middleware(
        Guard, limits=limits, metrics=metrics, loopback=loopback, unlocked=UNLOCKED | set(served)
    )
    return app


def _network(model: Classifier) -> Perceptron | None:
    try:
        return Perceptron.of(model.path)
    except BadModel:
        return None


async def _judge(desk: Desk, classifier: Classifier, images: Images) -> Judgement:
    if len(images) <= FEW:
        return classifier.judge(images)
    return await desk.do(classifier.judge, images)


def _json(content: dict[str, Any]) -> Response:
    # Written once, without the schema's second look at it.
    return Response(json.dumps(content, ensure_ascii=False), media_type="application/json")
