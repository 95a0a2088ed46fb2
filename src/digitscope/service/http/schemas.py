"""What is answered: schemas with examples for the documentation, and how they are filled.

The schemas describe; the answers are plain dictionaries, since validating every one of them again
would take longer than most of them take to work out. A test holds the two together.
"""

import base64
import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from digitscope.explanation import Explanation, Occlusion, plain
from digitscope.image.mnist_form import Steps
from digitscope.models.classifier import Classifier, Judgement
from digitscope.nn.perceptron import Perceptron
from digitscope.reading import Page
from digitscope.rendering.annotation import annotate

Box = tuple[int, int, int, int]
THUMBNAIL = 256  # pixels; the larger side of a step's picture


class Answer(BaseModel):
    """Base of the answers: nothing but what is described."""

    model_config = ConfigDict(extra="forbid")


class Prediction(Answer):
    """One image."""

    digit: int | None = Field(description="0 to 9; null if it is refused as no digit", examples=[7])
    confidence: float = Field(description="calibrated probability of `guess`", examples=[0.9981])
    score: float = Field(description="how probably it is a digit at all", examples=[0.9993])
    guess: int = Field(description="the most probable digit, refused or not", examples=[7])
    probabilities: list[float] = Field(description="of 0 to 9, calibrated")


class Predictions(Answer):
    """The answer of ``/v1/predict``, one prediction for each image, in their order."""

    model: str = Field(examples=["cnn"])
    threshold: float = Field(description="the score below which an image is refused")
    predictions: list[Prediction]


class Digit(Answer):
    """One digit of a page."""

    label: int
    confidence: float
    box: Box = Field(description="left, top, width, height, in pixels of the upright picture")
    image: str | None = Field(
        default=None, description="the digit in MNIST form: base64 of 784 bytes, 0 = paper"
    )


class Sign(Answer):
    """A minus, point or comma of a number."""

    text: Literal["-", ".", ","]
    confidence: float
    box: Box
    place: int = Field(description="how many digits of the number stand before it")


class Number(Answer):
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
    digits: list[Digit]
    signs: list[Sign]


class Line(Answer):
    """Numbers in a line, or in a cell of a grid."""

    text: str = Field(examples=["407 25"])
    box: Box
    numbers: list[Number]


class Grid(Answer):
    """A ruled grid."""

    box: Box
    rows: list[list[str]]
    cells: list[list[Line]]


class ReadPage(Answer):
    """The answer of ``/v1/read``."""

    model: str = Field(examples=["page"])
    version: int = Field(description="of this schema", examples=[2])
    width: int
    height: int
    turn: int = Field(description="degrees counter-clockwise by which the picture was turned")
    text: str = Field(examples=["407 25\n81"])
    lines: list[Line]
    grids: list[Grid]
    annotated: str | None = Field(
        default=None, description="the picture with what was read drawn over it: a data: address"
    )


class Unit(Answer):
    """One unit of the last hidden layer."""

    unit: int
    sum: float = Field(description="y, before the activation")
    activation: float = Field(description="A = f(y)")
    to_winner: float = Field(description="what it adds to the logit of the winner: A · W")
    to_runner_up: float
    picture: list[list[float]] | None = Field(
        default=None, description="its weights as 28×28, for those that decide most"
    )


class Step(Answer):
    """A picture on its way into the form of MNIST."""

    name: Literal["gray", "ink", "digit", "stroke", "box"]
    width: int
    height: int
    picture: str = Field(description="a data: address, PNG; drawn smaller if it is large")


class Explained(Answer):
    """The answer of ``/v1/explain`` for a multilayer perceptron."""

    steps: list[Step] | None = None
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
    units: list[Unit] = Field(description="of the last hidden layer, in the order of the network")
    pixels: list[list[float]] = Field(
        description="what each pixel adds to the lead of the winner over the runner-up"
    )
    biases: float
    remainder: float
    score: float
    threshold: float
    refused: bool


class Occluded(Answer):
    """The answer of ``/v1/explain`` for any other network: what is missed when it is covered."""

    steps: list[Step] | None = None
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


class Layer(Answer):
    """One layer: y = x · W + b, and f(y)."""

    inputs: int
    units: int
    activation: str


class Network(Answer):
    """A multilayer perceptron, whose weights are at ``/v1/models/{name}/weights``."""

    scale: float = Field(description="what a pixel of 0 to 255 is multiplied by")
    layers: list[Layer]


class Model(Answer):
    """One model that the service has."""

    name: str = Field(examples=["cnn"])
    parameters: int
    refuses: bool = Field(description="whether it learned what is no digit")
    threshold: float
    explains: Literal["layers", "occlusion"]
    network: Network | None = None
    card: dict[str, Any] = Field(description="what the model's file says of itself")


class Models(Answer):
    """The answer of ``/v1/models``."""

    default: str
    models: list[Model]


class Health(Answer):
    """The answer of ``/healthz`` and ``/readyz``."""

    status: Literal["ok"]
    version: str


def predictions(
    name: str, classifier: Classifier, judgement: Judgement, threshold: float | None
) -> dict[str, Any]:
    """Return the answer of ``/v1/predict``."""
    if threshold is None:
        threshold = classifier.threshold if classifier.refuses else 0.0
    rows = judgement.probabilities.tolist()
    answers = []
    for row, score in zip(rows, judgement.digit.tolist(), strict=True):
        confidence = max(row)
        guess = row.index(confidence)
        answers.append(
            {
                "digit": guess if score >= threshold else None,
                "confidence": round(confidence, 6),
                "score": round(score, 6),
                "guess": guess,
                "probabilities": [round(p, 6) for p in row],
            }
        )
    return {"model": name, "threshold": threshold, "predictions": answers}


def read_page(name: str, page: Page, images: bool, picture: bytes | None) -> dict[str, Any]:
    """Return the answer of ``/v1/read``.

    Parameters
    ----------
    name : str
        Of the model.
    page : Page
    images : bool
        Whether each digit brings its picture in MNIST form.
    picture : bytes, optional
        The picture that is to be given back with what was read drawn over it.
    """
    content = page.to_dict()
    if images:
        blocks = [*content["lines"], *(c for g in content["grids"] for r in g["cells"] for c in r)]
        rows = [digit for block in blocks for n in block["numbers"] for digit in n["digits"]]
        for row, digit in zip(rows, page.digits, strict=True):
            row["image"] = base64.b64encode(digit.image.tobytes()).decode()
    drawn = _address(annotate(picture, page)) if picture else None
    return {"model": name} | content | {"annotated": drawn}


def steps(way: Steps) -> list[dict[str, Any]]:
    """Return each step to the 28×28 as a picture, dark ink on light paper."""
    answers = []
    for name in ("gray", "ink", "digit", "stroke", "box"):
        plane: NDArray[Any] = getattr(way, name)
        height, width = plane.shape
        picture = Image.fromarray(plane if name == "gray" else (255 - plane).astype(np.uint8))
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        answers.append(
            {"name": name, "width": width, "height": height, "picture": _address(picture)}
        )
    return answers


def network(perceptron: Perceptron) -> dict[str, Any]:
    """Return what a network is made of, without its weights."""
    rows = [
        {"inputs": len(layer.kernel), "units": len(layer.bias), "activation": layer.activation}
        for layer in perceptron.layers
    ]
    return {"scale": perceptron.scale, "layers": rows}


def _address(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def explained(name: str, explanation: Explanation, top: int) -> dict[str, Any]:
    """Return the answer of ``/v1/explain`` for a perceptron, without its hundred thousand weights.

    Parameters
    ----------
    name : str
        Of the model.
    explanation : Explanation
    top : int
        Units whose weights are shown, those that decide most.
    """
    strongest = set(explanation.strongest(top))
    last = explanation.steps[-1]
    sums = explanation.steps[-2].sums if len(explanation.steps) > 1 else last.inputs
    units = [
        {
            "unit": unit,
            "sum": y,
            "activation": a,
            "to_winner": to_winner,
            "to_runner_up": to_runner_up,
            "picture": plain(explanation.picture(unit)) if unit in strongest else None,
        }
        for unit, (y, a, (to_winner, to_runner_up)) in enumerate(
            zip(
                plain(sums),
                plain(last.inputs),
                plain(explanation.contributions),
                strict=False,  # without a hidden layer there are no units
            )
        )
    ]
    own: dict[str, Any] = {
        "steps": None,
        "kind": "layers",
        "model": name,
        "sizes": list(explanation.network.sizes),
    }
    return own | {
        field: units if field == "units" else plain(getattr(explanation, field))
        for field in Explained.model_fields
        if field not in own
    }


def occluded(name: str, occlusion: Occlusion) -> dict[str, Any]:
    """Return the answer of ``/v1/explain`` for any other network."""
    return {"steps": None, "kind": "occlusion", "model": name} | occlusion.to_dict()
