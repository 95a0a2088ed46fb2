"""What is computed in the worker processes: functions of the models and of what a request brought.

Arguments and results go from process to process, so they are bytes, arrays and plain values.
Nothing that a stranger sent is decoded anywhere else.
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
from digitscope.service.http import schemas


class TooLarge(BadImage):
    """A picture of more pixels than the service allows."""

    http_status = 413


@dataclass(frozen=True)
class Model:
    """A classifier, and its weights where its layers can be walked through."""

    classifier: Classifier
    network: Perceptron | None

    @classmethod
    def of(cls, classifier: Classifier) -> "Model":
        """Return the model of a classifier."""
        try:
            return cls(classifier, Perceptron.of(classifier.path))
        except BadModel:
            return cls(classifier, None)


class Asked(NamedTuple):
    """What one request for predictions brought."""

    model: str
    content: bytes | Images  # a picture of one digit, or images of 28×28
    threshold: float | None


class Answer(NamedTuple):
    """An answer as it is sent, and how many digits it is about."""

    digits: int
    body: bytes


Models = Mapping[str, Model]


def as_json(content: Any) -> bytes:
    """Return an answer as it is sent; the schema does not look at it a second time."""
    return json.dumps(content, ensure_ascii=False).encode()


def open_picture(picture: bytes, pixels: int) -> Image.Image | None:
    """Return a picture of which no pixel is decoded yet, or None if it cannot be opened.

    Raises
    ------
    TooLarge
        When it says it has more pixels.
    """
    allowed = f"a picture may have {pixels:,} pixels."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(picture), formats=FORMATS)
    except Image.DecompressionBombError:
        raise TooLarge(f"{allowed} Received: far more.") from None
    except Exception:  # whoever decodes it says what is wrong
        return None
    if image.width * image.height > pixels:
        raise TooLarge(f"{allowed} Received: {image.width:,} × {image.height:,}.")
    return image


def put_into_form(models: Models, picture: bytes, pixels: int) -> NDArray[np.uint8]:
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
) -> Answer:
    """Return the answer of ``/v1/read``."""
    open_picture(picture, pixels)
    page = read(picture, model=load_reader(threads=1), threshold=threshold, decimal=decimal)
    answer = schemas.read_page(PAGE, page, images, picture if annotated else None)
    return Answer(len(page.digits), as_json(answer))


def explain_image(
    models: Models,
    name: str,
    content: bytes | Images,
    pixels: int,
    label: int | None,
    top: int,
    occlusion: bool,
    steps: bool,
) -> Answer:
    """Return the answer of ``/v1/explain`` for a picture, or for one image of 28×28."""
    model, way = models[name], None
    if isinstance(content, bytes):
        way = mnist_steps(open_picture(content, pixels) or content)
        image = way.image
    else:
        image = content[0]
    if occlusion or not model.network:
        answer = schemas.occluded(name, occlude(model.classifier, image))
    else:
        answer = schemas.explained(name, explain(model.classifier, image, label=label), top)
    return Answer(1, as_json(answer | {"steps": schemas.steps(way) if way and steps else None}))


def predict(
    models: Models, asked: Sequence[Asked], pixels: int, small: int
) -> list[Answer | Exception | None]:
    """Return the answers of ``/v1/predict`` to several requests, judged together.

    One call with eight images is cheaper than eight calls with one, the more so since each call
    drives everything else out of the processor's caches.

    Parameters
    ----------
    models : dict of Model
    asked : list of Asked
    pixels : int
        More than those are refused.
    small : int
        A picture of more pixels than that is not looked at: its answer is None.

    Returns
    -------
    list
        An error stands in for the answer to whoever caused it.
    """
    results: list[Answer | Exception | None] = [None] * len(asked)
    ready: dict[str, list[tuple[int, Images]]] = {}
    for i, (name, content, _) in enumerate(asked):
        try:
            if isinstance(content, bytes):
                picture = open_picture(content, pixels)
                if picture and picture.width * picture.height > small:
                    continue
                content = to_mnist(picture or content)[None]
            ready.setdefault(name, []).append((i, content))
        except DigitscopeError as error:
            results[i] = error
        except Exception:
            results[i] = RuntimeError(traceback.format_exc())
    for name, parts in ready.items():
        classifier = models[name].classifier
        together = classifier.judge(np.concatenate([images for _, images in parts]))
        start = 0
        for i, images in parts:
            rows = slice(start, start := start + len(images))
            judgement = Judgement(together.probabilities[rows], together.digit[rows])
            answer = schemas.predictions(name, classifier, judgement, asked[i].threshold)
            results[i] = Answer(len(images), as_json(answer))
    return results
