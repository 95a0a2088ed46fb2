"""The query and the body of a request: options, pictures, and images of 28×28.

A body is read into memory, within the limits of the service, and never written to disk.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
from fastapi import Request
from pydantic import BaseModel, Field
from starlette.formparsers import MultiPartException, MultiPartParser

from digitscope.image.digit import PIXELS, SIDE, Images
from digitscope.reading.page import Decimal
from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem

ARRAY = "application/octet-stream"
JSON = "application/json"
CLOSE = {"Connection": "close"}  # the rest of the body is not read

# OpenAPI descriptions of bodies.
BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
FORM: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
PIXEL = {"type": "integer", "minimum": 0, "maximum": 255}
ROW = {"type": "array", "minItems": SIDE, "maxItems": SIDE, "items": PIXEL}
IMAGE = {"type": "array", "minItems": SIDE, "maxItems": SIDE, "items": ROW}
IMAGES: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["images"],
        "properties": {"images": {"type": "array", "minItems": 1, "items": IMAGE}},
    }
}
PICTURE_CONTENT = {"image/*": BINARY, "multipart/form-data": FORM}
ARRAY_CONTENT = {ARRAY: BINARY, JSON: IMAGES}


class PredictOptions(BaseModel):
    """The query of ``/v1/predict``."""

    model: str | None = Field(None, description="one of /v1/models; the default if left out")
    threshold: float | None = Field(
        None, ge=0, le=1, description="refuse what scores less; the model's own if left out"
    )


class ReadOptions(BaseModel):
    """The query of ``/v1/read``."""

    model: str | None = Field(None, description="page; no other model reads pages")
    threshold: float | None = Field(
        None, ge=0, le=1, description="refuse digits that are less sure; 0 to 1"
    )
    decimal: Decimal = Field("auto", description="the decimal mark, for the values of numbers")
    annotated: bool = Field(False, description="draw what was read over the picture, too")
    images: bool = Field(False, description="give each digit in MNIST form, 28×28")


class ExplainOptions(BaseModel):
    """The query of ``/v1/explain``."""

    model: str | None = Field(None, description="one of /v1/models; the default if left out")
    label: int | None = Field(None, ge=0, le=9, description="the true digit")
    top: int = Field(6, ge=0, le=1000, description="units shown with weights")
    occlusion: bool = Field(False, description="an occlusion map in any case")
    steps: bool = Field(False, description="of a picture, each step from it to the 28×28")


def kind_of(request: Request) -> str:
    """Return the media type of the body in lower case, empty if the request states none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body.

    Raises
    ------
    Problem
        413 if it is larger than allowed, 408 if it takes too long to arrive, 400 if it is empty.
    """
    too_large = Problem(
        413,
        f"a request may have {limits.upload:,} bytes; send a smaller picture, such as a JPEG.",
        CLOSE,
    )
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limits.upload:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for part in request.stream():
                body += part
                if len(body) > limits.upload:
                    raise too_large
    except TimeoutError:
        raise Problem(408, f"the body did not arrive within {limits.seconds:g} s.", CLOSE) from None
    if not body:
        raise Problem(400, "the body is empty; send a picture in it.")
    return bytes(body)


async def take_picture(request: Request, limits: Limits) -> bytes:
    """Return the one picture of a request: its body, or the field ``file`` of a form.

    Raises
    ------
    Problem
        As `read_body`; and 415 for another content type, 422 for a form without a file.
    """
    kind = kind_of(request)
    if kind == "multipart/form-data":
        return await _from_form(request, await read_body(request, limits), limits)
    if kind and not kind.startswith("image/") and kind != ARRAY:
        raise Problem(
            415,
            f"send a picture: the body itself as image/png, image/jpeg and so on, or a form with a "
            f"field named file. Received: {kind}.",
        )
    return await read_body(request, limits)


async def _from_form(request: Request, body: bytes, limits: Limits) -> bytes:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=1, max_fields=4)
    parser.spool_max_size = limits.upload + 1  # bytes; a larger file would be written to disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        reason = getattr(error, "message", "its parts cannot be separated")
        raise Problem(400, f"the form is damaged: {reason}") from None
    try:
        file = form.get("file")
        if file is None or isinstance(file, str):
            raise Problem(422, "the form needs a field named file that holds the picture.")
        content: bytes = await file.read()
    finally:
        await form.close()
    if not content:
        raise Problem(400, "the file is empty; send a picture in it.")
    return content


def to_images(body: bytes, limits: Limits) -> Images:
    """Return raw images, uint8 (n, 28, 28), 0 = paper, from a body of n times 784 bytes.

    Raises
    ------
    Problem
        422 if the length is no multiple of 784, 413 if there are too many images.
    """
    if len(body) % PIXELS:
        raise Problem(
            422,
            f"{ARRAY} must hold images of 28×28 bytes, 0 = paper, 255 = ink: a multiple of "
            f"{PIXELS}. Received: {len(body):,} bytes.",
        )
    images = np.frombuffer(body, np.uint8).reshape(-1, SIDE, SIDE)
    return _check_count(images, limits)


def from_json(body: bytes, limits: Limits) -> Images:
    """Return the images of a body such as ``{"images": [[[0, ...], ...], ...]}``, each 28×28.

    Raises
    ------
    Problem
        400 if the body is no JSON, 422 if it has another form, 413 if there are too many images.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise Problem(400, "the body is no JSON.") from None
    wanted = '{"images": [...]}, each of 28 rows of 28 whole numbers, 0 = paper to 255 = ink'
    try:
        images = np.asarray(content["images"])
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Problem(422, f"expected {wanted}.") from None
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or images.dtype.kind not in "iu":
        raise Problem(
            422, f"expected {wanted}. Received: {images.dtype.name} of shape {images.shape}."
        )
    if images.min() < 0 or images.max() > 255:
        raise Problem(422, f"expected {wanted}. Received: {images.min()} to {images.max()}.")
    return _check_count(images.astype(np.uint8), limits)


def _check_count(images: Images, limits: Limits) -> Images:
    if len(images) > limits.images:
        raise Problem(413, f"a call may have {limits.images:,} images. Received: {len(images):,}.")
    return images
