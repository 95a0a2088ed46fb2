"""Jobs: the functions that worker processes run, with the models and the content of a request.

Arguments and results are pickled, so they are bytes, arrays and plain values. A picture that a
client sent is decoded only here, never in the process that answers HTTP. The answer to a request
leaves the worker as JSON, ready to be sent (`digitscope.service.http.responses` says why).
"""

import io
import json
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.errors import BadImage, BadModel, DigitscopeError
from digitscope.explanation import explain, occlude
from digitscope.image.decode import FORMATS
from digitscope.image.digit import Images
from digitscope.image.mnist_form import mnist_steps, to_mnist
from digitscope.models.classifier import Classifier, Judgement
from digitscope.nn.perceptron import Perceptron
from digitscope.reading import load_reader, read
from digitscope.reading.page import Decimal
from digitscope.reading.reader import PAGE
from digitscope.service.workers import answers


class TooLarge(BadImage):
    """A picture with more pixels than the service allows."""

    http_status = 413


@dataclass(frozen=True)
class LoadedModel:
    """A classifier, and its weights in NumPy if it is a multilayer perceptron."""

    classifier: Classifier
    network: Perceptron | None

    @classmethod
    def of(cls, classifier: Classifier) -> "LoadedModel":
        """Return the model of a classifier."""
        try:
            return cls(classifier, Perceptron.of(classifier.path))
        except BadModel:
            return cls(classifier, None)


class PredictionJob(NamedTuple):
    """What one request for predictions asks for."""

    model: str
    content: bytes | Images  # a picture of one digit, or images of 28×28
    threshold: float | None


class JobResult(NamedTuple):
    """The answer to a request as JSON, and the number of digits in it."""

    digits: int
    body: bytes


Models = Mapping[str, LoadedModel]


def as_json(content: Any) -> bytes:
    """Return an answer as JSON in UTF-8."""
    return json.dumps(content, ensure_ascii=False).encode()


def open_picture(picture: bytes, pixels: int) -> Image.Image | None:
    """Return a picture whose pixels are not decoded yet, or None if it cannot be opened.

    Raises
    ------
    TooLarge
        When its header states more pixels than allowed.
    """
    allowed = f"a picture may have {pixels:,} pixels."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(picture), formats=FORMATS)
    except Image.DecompressionBombError:
        raise TooLarge(f"{allowed} Received: far more.") from None
    except Exception:  # the decoder reports what is wrong
        return None
    if image.width * image.height > pixels:
        raise TooLarge(f"{allowed} Received: {image.width:,} × {image.height:,}.")
    return image


def to_mnist_form(models: Models, picture: bytes, pixels: int) -> NDArray[np.uint8]:
    """Return a picture of one digit in the form of MNIST."""
    return to_mnist(open_picture(picture, pixels) or picture)


def read_page(
    models: Models,
    picture: bytes,
    pixels: int,
    threshold: float | None,
    decimal: Decimal,
    images: bool,
    annotated: bool,
) -> JobResult:
    """Return the answer of ``/v1/read``."""
    open_picture(picture, pixels)
    page = read(picture, model=load_reader(threads=1), threshold=threshold, decimal=decimal)
    answer = answers.page_answer(PAGE, page, images, picture if annotated else None)
    return JobResult(len(page.digits), as_json(answer))


def explain_image(
    models: Models,
    name: str,
    content: bytes | Images,
    pixels: int,
    label: int | None,
    top: int,
    occlusion: bool,
    steps: bool,
) -> JobResult:
    """Return the answer of ``/v1/explain`` for a picture, or for one image of 28×28."""
    model, conversion = models[name], None
    if isinstance(content, bytes):
        conversion = mnist_steps(open_picture(content, pixels) or content)
        image = conversion.image
    else:
        image = content[0]
    if occlusion or not model.network:
        answer = answers.occlusion_answer(name, occlude(model.classifier, image))
    else:
        explanation = explain(model.classifier, image, label=label)
        answer = answers.explanation_answer(name, explanation, top)
    pictures = answers.step_pictures(conversion) if conversion and steps else None
    return JobResult(1, as_json(answer | {"steps": pictures}))


def predict(
    models: Models, batch: Sequence[PredictionJob], pixels: int, small: int
) -> list[JobResult | Exception | None]:
    """Return the answers of ``/v1/predict`` to several requests, whose images are one batch.

    One call of a network with eight images is faster than eight calls with one image.

    Parameters
    ----------
    models : dict of LoadedModel
    batch : list of PredictionJob
    pixels : int
        Pictures with more pixels than that are refused.
    small : int
        Pictures with more pixels than that are left out; their answer is None.

    Returns
    -------
    list
        For each request its answer, or the error that it caused.
    """
    results: list[JobResult | Exception | None] = [None] * len(batch)
    accepted: dict[str, list[tuple[int, Images]]] = {}  # by model: index of the request, images
    for i, (name, content, _) in enumerate(batch):
        try:
            if isinstance(content, bytes):
                picture = open_picture(content, pixels)
                if picture and picture.width * picture.height > small:
                    continue
                content = to_mnist(picture or content)[None]
            accepted.setdefault(name, []).append((i, content))
        except DigitscopeError as error:
            results[i] = error
        except Exception:
            results[i] = RuntimeError(traceback.format_exc())
    for name, parts in accepted.items():
        classifier = models[name].classifier
        judgement = classifier.judge(np.concatenate([images for _, images in parts]))
        start = 0
        for i, images in parts:
            rows = slice(start, start := start + len(images))
            own = Judgement(judgement.probabilities[rows], judgement.digit[rows])
            answer = answers.predictions_answer(name, classifier, own, batch[i].threshold)
            results[i] = JobResult(len(images), as_json(answer))
    return results
