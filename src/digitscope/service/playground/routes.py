"""Routes of the playground: start a training, follow it, pause it, ask its network."""

from typing import Annotated, Any, Literal

from annotated_types import Ge, Le
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digitscope.nn import OPTIMIZERS
from digitscope.nn.activations import ACTIVATIONS
from digitscope.nn.network import INITIALISATIONS
from digitscope.recipes import Recipe
from digitscope.recipes.described import descriptions
from digitscope.service.http import request_bodies
from digitscope.service.http.problems import Problem, documented
from digitscope.service.http.state import get_state
from digitscope.service.workers import jobs

CHOICES: dict[str, tuple[str, ...]] = {
    "data": ("mnist", "digits"),
    "pixels": ("unit", "raw", "standard"),
    "activation": tuple(ACTIVATIONS),
    "initialisation": tuple(INITIALISATIONS),
    "optimizer": tuple(OPTIMIZERS),
}
MAY_FAIL = documented(400, 401, 403, 404, 408, 413, 422, 429, 500, 503)


RECIPE = descriptions(Recipe)


def _setting(default: Any, title: str, help_: str, *, choices: str = "", **limits: Any) -> Any:
    """Return a setting's field with what the schema and the page say of it.

    `choices` names an entry of `CHOICES`.
    """
    extra: dict[str, Any] | None = {"enum": list(CHOICES[choices])} if choices else None
    return Field(default=default, title=title, description=help_, json_schema_extra=extra, **limits)


class Settings(BaseModel):
    """What is trained, and how."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hidden: list[Annotated[int, Ge(1), Le(512)]] = _setting(
        [128], "Hidden layers", f"{RECIPE['hidden'].help}, such as 128 or 64 64 64; empty for none",
        max_length=10,
    )  # fmt: skip
    activation: str = _setting(
        "relu", "Activation", RECIPE["activation"].help, choices="activation"
    )
    optimizer: str = _setting("adam", "Optimizer", "rule of the updates", choices="optimizer")
    rate: float = _setting(
        0.001, "Learning rate", "how long a step is", gt=0, le=1_000, allow_inf_nan=False
    )
    batch: int = _setting(128, "Batch", RECIPE["batch_size"].help, ge=1, le=4_096)
    images: int = _setting(10_000, "Images", "images to learn from", ge=10, le=60_000)
    epochs: int = _setting(5, "Epochs", RECIPE["epochs"].help, ge=1, le=100)
    pixels: str = _setting(
        "unit", "Pixels", "unit: 0 to 1; raw: 0 to 255; standard: mean 0 and variance 1",
        choices="pixels",
    )  # fmt: skip
    initialisation: str = _setting(
        "glorot", "First weights", "how they are drawn", choices="initialisation"
    )
    normalisation: bool = _setting(False, "Batch normalisation", "of each hidden layer's sums")
    residual: bool = _setting(False, "Residual", "hidden layers add to their inputs")
    dropout: float = _setting(0.0, "Dropout", RECIPE["dropout"].help, ge=0, le=0.9)
    data: str = _setting(
        "mnist", "Data", "mnist, or the 1,797 digits that come with scikit-learn", choices="data"
    )
    seed: int = _setting(
        0, "Seed", "seed of the first weights and the order of the images", ge=0, lt=2**31
    )

    @classmethod
    def of(cls, body: bytes) -> "Settings":
        """Return the settings in a body of JSON.

        Raises
        ------
        Problem
            400 if the body is not JSON, 422 for an unknown setting or one out of its range.
        """
        try:
            settings = cls.model_validate_json(body)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            if first["type"] == "json_invalid":
                raise Problem(400, "the body is no JSON.") from None
            name = ".".join(map(str, first["loc"])) or "settings"
            received = str(first["input"])[:80]
            raise Problem(422, f"{name}: {first['msg'].lower()}. Received: {received!r}.") from None
        for name, known in CHOICES.items():
            if getattr(settings, name) not in known:
                received = getattr(settings, name)[:80]
                raise Problem(
                    422, f"{name} must be one of {', '.join(known)}. Received: {received!r}."
                )
        return settings


class LabelOut(BaseModel):
    """What the page says of a setting."""

    title: str
    description: str


class OfferOut(BaseModel):
    """The answer of ``/v1/playground``: what can be chosen."""

    runs: int = Field(description="networks in training at a time; 0 for no playground")
    choices: dict[str, list[str]]
    defaults: Settings
    ranges: dict[str, tuple[int | float, int | float]] = Field(
        description="lowest and highest, of numbers"
    )
    labels: dict[str, LabelOut] = Field(
        description="title and description of each setting, in order"
    )


class RunOut(BaseModel):
    """A run that was started."""

    run: str = Field(description="its name; random, so that it cannot be guessed")
    settings: Settings


class RunStateOut(BaseModel):
    """Where a run stands."""

    state: Literal["loading", "training", "paused", "done", "gone"]


class RunPredictionOut(BaseModel):
    """What a network in training says to an image."""

    digit: int | None = Field(description="null if its outputs are not numbers any more")
    probabilities: list[float] | None
    step: int


def _ranges() -> dict[str, list[int | float]]:
    ranges = {}
    for name, schema in Settings.model_json_schema()["properties"].items():
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if low is not None:
            ranges[name] = [low, high]
    return ranges


def _labels() -> dict[str, dict[str, str]]:
    properties = Settings.model_json_schema()["properties"]
    return {
        name: {part: schema[part] for part in ("title", "description")}
        for name, schema in properties.items()
    }


router = APIRouter(prefix="/v1/playground", tags=["playground"])


@router.get("", response_model=OfferOut)
async def offer(request: Request) -> dict[str, Any]:
    """Say what can be chosen for a run, and what is taken for what is left out."""
    known = {"choices": CHOICES, "defaults": Settings(), "ranges": _ranges()}
    known["labels"] = _labels()
    return {"runs": get_state(request).limits.runs} | known


@router.post(
    "/runs", status_code=201, response_model=RunOut, responses=MAY_FAIL,
    openapi_extra={"requestBody": {"required": True, "content": {
        "application/json": {"schema": Settings.model_json_schema()},
    }}},
)  # fmt: skip
async def start(request: Request) -> dict[str, Any]:
    """Start to train a network, in a process of its own."""
    state = get_state(request)
    settings = Settings.of(await request_bodies.read_body(request, state.limits))
    run = await state.runs.start(settings.model_dump())
    return {"run": run.name, "settings": settings}


@router.get("/runs/{name}/events", response_class=StreamingResponse, responses=MAY_FAIL)
async def follow(
    request: Request,
    name: str,
    after: Annotated[int, Query(ge=0, description="as Last-Event-ID")] = 0,
) -> StreamingResponse:
    """Tell what happens, as server-sent events: state, begin, progress, weights, end."""
    last = request.headers.get("last-event-id", "")
    number = int(last) if last.isdecimal() and len(last) < 10 else after
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = get_state(request).runs[name].follow(number)
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


@router.post("/runs/{name}/pause", response_model=RunStateOut, responses=MAY_FAIL)
async def pause(request: Request, name: str) -> dict[str, Any]:
    """Pause a training between two steps."""
    state = get_state(request)
    return await state.runs[name].ask(state.limits.seconds, do="pause")


@router.post("/runs/{name}/resume", response_model=RunStateOut, responses=MAY_FAIL)
async def resume(request: Request, name: str) -> dict[str, Any]:
    """Continue a paused training, or train a finished one for as many epochs again."""
    state = get_state(request)
    return await state.runs[name].ask(state.limits.seconds, do="resume")


@router.post(
    "/runs/{name}/predict", response_model=RunPredictionOut, responses=MAY_FAIL,
    openapi_extra={"requestBody": {"required": True, "content": {
        **request_bodies.PICTURE_CONTENT, request_bodies.ARRAY: request_bodies.BINARY,
    }}},
)  # fmt: skip
async def predict(request: Request, name: str) -> dict[str, Any]:
    """Say what the network, as far as it has learned, takes a picture of one digit for."""
    state = get_state(request)
    run, limits = state.runs[name], state.limits
    if request_bodies.kind_of(request) != request_bodies.ARRAY:
        picture = await request_bodies.take_picture(request, limits)
        image = await state.pool.run(jobs.to_mnist_form, picture, limits.pixels)
        return await run.predict(image, limits.seconds)
    images = request_bodies.to_images(await request_bodies.read_body(request, limits), limits)
    if len(images) != 1:
        raise Problem(422, f"a run is asked for one image at a time. Received: {len(images)}.")
    return await run.predict(images[0], limits.seconds)


@router.delete("/runs/{name}", status_code=204, responses=MAY_FAIL)
async def end(request: Request, name: str) -> Response:
    """End a run and its process."""
    runs = get_state(request).runs
    await runs.end(runs[name])
    return Response(status_code=204)
