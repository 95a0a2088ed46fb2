"""Answers of a batch: a table with a row for each image."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from digitscope.batch.items import Chunk, Picture
from digitscope.batch.job import Job, Task
from digitscope.errors import BadImage, one_line
from digitscope.image.digit import SIDE, Images
from digitscope.image.mnist_form import to_mnist
from digitscope.models.classifier import Classifier, load
from digitscope.reading import Page, Reader, load_reader, read

FLOAT, BOX = pa.float32(), [(side, pa.int32()) for side in ("left", "top", "width", "height")]
DIGIT = pa.struct([("digit", pa.int8()), ("confidence", FLOAT), *BOX])
NUMBER = pa.struct([("text", pa.string()), ("value", pa.float64()), ("confidence", FLOAT), *BOX])
PREDICTED = pa.schema(
    [
        ("key", pa.string()),
        ("text", pa.string()),
        ("digit", pa.int8()),
        ("confidence", FLOAT),
        ("score", FLOAT),
        ("guess", pa.int8()),
        ("refused", pa.bool_()),
        ("error", pa.string()),
    ]
)
READ = pa.schema(
    [
        ("key", pa.string()),
        ("text", pa.string()),
        ("numbers", pa.list_(NUMBER)),
        ("digits", pa.list_(DIGIT)),
        ("turn", pa.int16()),
        ("refused", pa.bool_()),
        ("error", pa.string()),
    ]
)
SCHEMAS: dict[Task, pa.Schema] = {"predict": PREDICTED, "read": READ}


@dataclass(frozen=True)
class Answerer:
    """Function that answers for chunks of images, with the model of a job.

    Attributes
    ----------
    job : Job
    """

    job: Job

    def __call__(self, chunk: Chunk) -> pa.Table:
        """Return a row for each image; if it cannot be read, the row has an `error`."""
        answer = _predict if self.job.task == "predict" else _read
        return answer(chunk, self.job.model, self.job.threshold)


def error_row(task: Task, key: str, error: str) -> pa.Table:
    """Return the row of an image that cannot be read."""
    return pa.Table.from_pylist([{"key": key, "error": error}], SCHEMAS[task])


def _predict(chunk: Chunk, model: str, threshold: float | None) -> pa.Table:
    classifier = _classifier(model)
    if threshold is None:
        threshold = classifier.threshold if classifier.refuses else 0.0
    images, errors = _as_digits(chunk)
    good = np.array([error is None for error in errors], bool)
    probabilities, scores = classifier.judge(images)
    guesses = probabilities.argmax(axis=1).astype(np.int8)
    best = probabilities.max(axis=1, initial=0)
    refused = scores < threshold
    digits = pa.array(guesses, mask=refused | ~good)
    columns = {
        "text": digits.cast(pa.string()),
        "digit": digits,
        "confidence": pa.array(best, mask=~good),
        "score": pa.array(scores, mask=~good),
        "guess": pa.array(guesses, mask=~good),
        "refused": pa.array(refused, mask=~good),
        "error": pa.array(errors, pa.string()),
    }
    return pa.table({"key": pa.array(chunk.keys, pa.string())} | columns, PREDICTED)


def _as_digits(chunk: Chunk) -> tuple[Images, list[str | None]]:
    """Return images in MNIST form, and the error of each picture that cannot be converted."""
    if isinstance(chunk.images, np.ndarray):
        return chunk.images, [None] * len(chunk)
    images = np.zeros((len(chunk), SIDE, SIDE), np.uint8)
    errors: list[str | None] = []
    for place, picture in zip(images, chunk.images, strict=True):
        try:
            content = _content(picture)
            place[:] = content if isinstance(content, np.ndarray) else to_mnist(content)
            errors.append(None)
        except Exception as error:  # one damaged picture must not end the job
            errors.append(one_line(error))
    return images, errors


def _content(picture: Picture) -> bytes | Images:
    """Return the content of a picture; raise the error with which it was fetched."""
    if picture is None:
        raise BadImage("there is no image in this row.")
    if isinstance(picture, Exception):
        raise picture
    return picture


def _read(chunk: Chunk, model: str, threshold: float | None) -> pa.Table:
    reader = _reader(model)
    rows: list[dict[str, Any]] = []
    for key, picture in zip(chunk.keys, chunk.images, strict=True):
        try:
            content = _content(picture)
            gray = 255 - content if isinstance(content, np.ndarray) else content
            page = read(gray, model=reader, threshold=threshold)
            rows.append({"key": key} | _row(page))
        except Exception as error:  # one damaged picture must not end the job
            rows.append({"key": key, "error": one_line(error)})
    return pa.Table.from_pylist(rows, READ)


def _row(page: Page) -> dict[str, Any]:
    """Return the columns of one page."""
    return {
        "text": page.text,
        "numbers": [
            {"text": n.text, "value": n.value, "confidence": n.confidence} | _box(n.box)
            for n in page.numbers
        ],
        "digits": [
            {"digit": d.label, "confidence": d.confidence} | _box(d.box) for d in page.digits
        ],
        "turn": page.turn,
        "refused": not page.digits,
    }


def _box(box: tuple[int, int, int, int]) -> dict[str, int]:
    return dict(zip(("left", "top", "width", "height"), box, strict=True))


@functools.cache
def _classifier(model: str) -> Classifier:
    return load(model, threads=1)


@functools.cache
def _reader(model: str) -> Reader:
    return load_reader(model, threads=1)
