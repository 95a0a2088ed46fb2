"""The answers of the digit routes as plain dictionaries, filled in the worker processes.

`digitscope.service.http.schemas` describes them. Tests hold both against each other.
"""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.explanation import Explanation, Occlusion, plain
from digitscope.image.mnist_form import Steps
from digitscope.models.classifier import Classifier, Judgement
from digitscope.reading import Page
from digitscope.rendering.annotation import annotate

STEPS = ("gray", "ink", "digit", "stroke", "box")  # of the way to MNIST form, in their order
THUMBNAIL = 256  # pixels; the larger side of a step's picture
EXPLAINED = (  # what an answer takes from an explanation as it is
    "image", "winner", "runner_up", "label", "loss", "loss_after", "logits", "probabilities",
    "pixels", "biases", "remainder", "score", "threshold", "refused",
)  # fmt: skip


def predictions_answer(
    name: str, classifier: Classifier, judgement: Judgement, threshold: float | None
) -> dict[str, Any]:
    """Return the answer of ``/v1/predict``."""
    if threshold is None:
        threshold = classifier.threshold if classifier.refuses else 0.0
    predictions = []
    scores = judgement.digit.tolist()
    for probabilities, score in zip(judgement.probabilities.tolist(), scores, strict=True):
        confidence = max(probabilities)
        guess = probabilities.index(confidence)
        predictions.append(
            {
                "digit": guess if score >= threshold else None,
                "confidence": round(confidence, 6),
                "score": round(score, 6),
                "guess": guess,
                "probabilities": [round(p, 6) for p in probabilities],
            }
        )
    return {"model": name, "threshold": threshold, "predictions": predictions}


def page_answer(name: str, page: Page, images: bool, picture: bytes | None) -> dict[str, Any]:
    """Return the answer of ``/v1/read``.

    Parameters
    ----------
    name : str
        Of the model.
    page : Page
    images : bool
        Whether the answer has the picture of each digit in MNIST form.
    picture : bytes, optional
        The picture to draw the digits over, for the field ``annotated``.
    """
    content = page.to_dict()
    if images:
        blocks = [*content["lines"], *(c for g in content["grids"] for r in g["cells"] for c in r)]
        rows = [digit for block in blocks for n in block["numbers"] for digit in n["digits"]]
        for row, digit in zip(rows, page.digits, strict=True):
            row["image"] = base64.b64encode(digit.image.tobytes()).decode()
    annotated = _data_url(annotate(picture, page)) if picture else None
    return {"model": name} | content | {"annotated": annotated}


def explanation_answer(name: str, explanation: Explanation, top: int) -> dict[str, Any]:
    """Return the answer of ``/v1/explain`` for a multilayer perceptron, without all its weights.

    Parameters
    ----------
    name : str
        Of the model.
    explanation : Explanation
    top : int
        The number of units whose weights are shown: those that contribute most.
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
                strict=False,  # a network without a hidden layer has no units
            )
        )
    ]
    sizes = list(explanation.network.sizes)
    own = {"steps": None, "kind": "layers", "model": name, "sizes": sizes, "units": units}
    return own | {field: plain(getattr(explanation, field)) for field in EXPLAINED}


def occlusion_answer(name: str, occlusion: Occlusion) -> dict[str, Any]:
    """Return the answer of ``/v1/explain`` for any other network."""
    return {"steps": None, "kind": "occlusion", "model": name} | occlusion.to_dict()


def step_pictures(conversion: Steps) -> list[dict[str, Any]]:
    """Return each step of the way to MNIST form as a picture, dark ink on light paper."""
    pictures = []
    for name in STEPS:
        plane: NDArray[Any] = getattr(conversion, name)
        height, width = plane.shape
        picture = Image.fromarray(plane if name == "gray" else (255 - plane).astype(np.uint8))
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        pictures.append(
            {"name": name, "width": width, "height": height, "picture": _data_url(picture)}
        )
    return pictures


def _data_url(picture: Image.Image) -> str:
    stream = io.BytesIO()
    picture.save(stream, "png")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
