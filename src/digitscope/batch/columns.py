"""Columns of images in Parquet files: their choice, and their conversion to arrays."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from digitscope.batch.sources import Files
from digitscope.errors import BadData
from digitscope.image.digit import PIXELS, SIDE, Images

# First bytes of picture files, since a small file may have 784 bytes, as an image of pixels has.
SIGNATURES = (
    b"\x89PNG",
    b"\xff\xd8\xff",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"P5",
    b"P6",
)
USUAL_NAMES = ("image", "images", "jpg", "png", "content", "bytes")  # in order of preference


def choose_column(source: Files, file: str) -> str:
    """Return the column of images in a Parquet file.

    Raises
    ------
    BadData
        When no column or several columns may hold images; the message names all columns.
    """
    with source.system.open(file, "rb") as stream:
        try:
            schema = pq.ParquetFile(stream).schema_arrow
        except Exception as error:  # Arrow raises many types for a damaged file
            raise BadData(f"{file} is damaged or not a Parquet file ({error}).") from None
    fitting = [field.name for field in schema if _holds_images(field.type)]
    usual = [name for name in USUAL_NAMES if name in fitting]
    if len(fitting) == 1 or usual:
        return (usual or fitting)[0]
    columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
    raise BadData(f"{file}: name the column of the images with --column. Columns: {columns}.")


def _holds_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):  # the format of Hugging Face data sets
        return any(field.name == "bytes" and _is_bytes(field.type) for field in kind)
    return bool(_is_bytes(kind) or _is_pixels(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind)
    )


def _is_pixels(kind: pa.DataType) -> bool:
    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    lists = lists or pa.types.is_fixed_size_list(kind)
    return bool(lists and pa.types.is_uint8(kind.value_type))


def to_images(column: Any) -> Images | list[bytes | Images | None]:
    """Return the images of a column: one array if all have 784 pixels, otherwise a list.

    Parameters
    ----------
    column : pyarrow.Array
        Bytes of a picture file or of 28×28 pixels, a list of 784 pixels, or a struct with `bytes`.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8, or list
        Items of a list are the bytes of a picture file, an image of shape (28, 28), or None for a
        row without an image.

    Raises
    ------
    BadData
        When the column has another type.
    """
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "bytes")
    if _is_pixels(column.type):
        lengths, pixels = pc.list_value_length(column), column.flatten()
        if len(column) and not column.null_count and pc.all(pc.equal(lengths, PIXELS)).as_py():
            return np.asarray(pixels).reshape(-1, SIDE, SIDE)
        return [None if row is None else _image(bytes(row)) for row in column.to_pylist()]
    if not _is_bytes(column.type):
        raise BadData(f"expected bytes or lists of 784 pixels. Received a column of {column.type}.")
    if pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
    all_pixels = len(column) and not column.null_count
    all_pixels = all_pixels and pc.all(pc.equal(pc.binary_length(column), PIXELS)).as_py()
    if not all_pixels or column[0].as_py().startswith(SIGNATURES):
        return [None if row is None else _image(row) for row in column.to_pylist()]
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    offsets = np.frombuffer(column.buffers()[1], width)[column.offset :]
    content = np.frombuffer(column.buffers()[2], np.uint8)
    start = int(offsets[0])
    return content[start : start + len(column) * PIXELS].reshape(-1, SIDE, SIDE)


def _image(content: bytes) -> bytes | Images:
    """Return 784 pixels as an image, and the bytes of a picture file unchanged."""
    if len(content) != PIXELS or content.startswith(SIGNATURES):
        return content
    return np.frombuffer(content, np.uint8).reshape(SIDE, SIDE)
