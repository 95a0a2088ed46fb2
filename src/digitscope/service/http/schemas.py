"""Schemas of the answers, with examples for the OpenAPI description.

All names end in ``Out``: `DigitOut` is a digit as this service sends it out, and
`digitscope.reading.page` has the class of the digit itself.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Box = tuple[int, int, int, int]


class OutModel(BaseModel):
    """Base of all answers; fields that are not described are errors."""

    model_config = ConfigDict(extra="forbid")


class PredictionOut(OutModel):
    """One image."""

    digit: int | None = Field(description="0 to 9; null if it is refused as no digit", examples=[7])
    confidence: float = Field(description="calibrated probability of `guess`", examples=[0.9981])
    score: float = Field(description="how probably it is a digit at all", examples=[0.9993])
    guess: int = Field(description="the most probable digit, refused or not", examples=[7])
    probabilities: list[float] = Field(description="of 0 to 9, calibrated")


class PredictionsOut(OutModel):
    """The answer of ``/v1/predict``, one prediction for each image, in their order."""

    model: str = Field(examples=["cnn"])
    threshold: float = Field(description="the score below which an image is refused")
    predictions: list[PredictionOut]


class DigitOut(OutModel):
    """One digit of a page."""

    label: int
    confidence: float
    box: Box = Field(description="left, top, width, height, in pixels of the upright picture")
    image: str | None = Field(
        default=None, description="the digit in MNIST form: base64 of 784 bytes, 0 = paper"
    )


class SignOut(OutModel):
    """A minus, point or comma of a number."""

    text: Literal["-", ".", ","]
    confidence: float
    box: Box
    place: int = Field(description="how many digits of the number stand before it")


class NumberOut(OutModel):
    """Digits that belong together, with the signs among them."""

    text: str = Field(examples=["-12.5"])
    value: float | None = Field(
        description="what the text stands for; null where the marks do not tell, as in 1.250",
        examples=[-12.5],
    )
    confidence: float = Field(description="probability that all digits and signs are right")
    box: Box
    raised: bool = Field(description="a superscript of the number before it")
    before: Literal["", "/", ":"] = Field(
        description="slash or colon between this number and the one before it"
    )
    digits: list[DigitOut]
    signs: list[SignOut]


class LineOut(OutModel):
    """Numbers in a line, or in a cell of a grid."""

    text: str = Field(examples=["407 25"])
    box: Box
    numbers: list[NumberOut]


class GridOut(OutModel):
    """A ruled grid."""

    box: Box
    rows: list[list[str]]
    cells: list[list[LineOut]]


class PageOut(OutModel):
    """The answer of ``/v1/read``."""

    model: str = Field(examples=["page"])
    version: int = Field(description="of this schema", examples=[2])
    width: int
    height: int
    turn: int = Field(description="degrees counter-clockwise by which the picture was turned")
    text: str = Field(examples=["407 25\n81"])
    lines: list[LineOut]
    grids: list[GridOut]
    annotated: str | None = Field(
        default=None, description="the picture with what was read drawn over it: a data: address"
    )


class UnitOut(OutModel):
    """One unit of the last hidden layer."""

    unit: int
    sum: float = Field(description="y, before the activation")
    activation: float = Field(description="A = f(y)")
    to_winner: float = Field(description="what it adds to the logit of the winner: A · W")
    to_runner_up: float
    picture: list[list[float]] | None = Field(
        default=None, description="its weights as 28×28, for those that decide most"
    )


class StepOut(OutModel):
    """A picture on its way into the form of MNIST."""

    name: Literal["gray", "ink", "digit", "stroke", "box"]
    width: int
    height: int
    picture: str = Field(description="a data: address, PNG; drawn smaller if it is large")


class ExplanationOut(OutModel):
    """The answer of ``/v1/explain`` for a multilayer perceptron."""

    steps: list[StepOut] | None = None
    kind: Literal["layers"]
    model: str
    image: list[list[int]] = Field(description="the 28×28 that the network saw, 0 = paper")
    sizes: list[int] = Field(examples=[[784, 128, 10]])
    winner: int
    runner_up: int
    label: int = Field(description="what the loss takes for the true digit")
    loss: float
    loss_after: float = Field(description="after one step of Adam on this image")
    logits: list[float]
    probabilities: list[float] = Field(description="softmax of the logits, not calibrated")
    units: list[UnitOut] = Field(
        description="of the last hidden layer, in the order of the network"
    )
    pixels: list[list[float]] = Field(
        description="what each pixel adds to the lead of the winner over the runner-up"
    )
    biases: float
    remainder: float
    score: float
    threshold: float
    refused: bool


class OcclusionOut(OutModel):
    """The answer of ``/v1/explain`` for any other network: what is missed when it is covered."""

    steps: list[StepOut] | None = None
    kind: Literal["occlusion"]
    model: str
    image: list[list[int]]
    patch: int
    winner: int
    probability: float
    log_odds: float
    drops: list[list[float]]
    digits: list[list[int]]
    score: float
    threshold: float
    refused: bool


class LayerOut(OutModel):
    """One layer: y = x · W + b, and f(y)."""

    inputs: int
    units: int
    activation: str


class NetworkOut(OutModel):
    """A multilayer perceptron, whose weights are at ``/v1/models/{name}/weights``."""

    scale: float = Field(description="what a pixel of 0 to 255 is multiplied by")
    layers: list[LayerOut]


class ModelOut(OutModel):
    """One model that the service has."""

    name: str = Field(examples=["cnn"])
    parameters: int
    refuses: bool = Field(description="whether it was trained to refuse non-digits")
    threshold: float
    explains: Literal["layers", "occlusion"]
    network: NetworkOut | None = None
    card: dict[str, Any] = Field(description="what the model's file says of itself")


class ModelsOut(OutModel):
    """The answer of ``/v1/models``."""

    default: str
    models: list[ModelOut]


class HealthOut(OutModel):
    """The answer of ``/healthz`` and ``/readyz``."""

    status: Literal["ok"]
    version: str
