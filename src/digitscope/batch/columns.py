"""The columns of a Parquet file that hold images, and what is in them."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from digitscope.batch.sources import Files
from digitscope.errors import BadData
from digitscope.images import SIDE, Images

PIXELS = SIDE * SIDE
USUAL = ("image", "images", "jpg", "png", "content", "bytes")


def choose_column(source: Files, file: str) -> str:
    """Return the column of a Parquet file that holds images.

    Raises
    ------
    BadData
        When none or several may; the message names the columns.
    """
    with source.system.open(file, "rb") as stream:
        try:
            schema = pq.ParquetFile(stream).schema_arrow
        except Exception as error:  # Arrow has a dozen kinds for a damaged file
            raise BadData(f"{file} is damaged or no Parquet file ({error}).") from None
    fitting = [field.name for field in schema if _holds_images(field.type)]
    usual = [name for name in USUAL if name in fitting]
    if len(fitting) == 1 or usual:
        return (usual or fitting)[0]
    columns = ", ".join(f"{field.name} ({field.type})" for field in schema)
    raise BadData(f"{file}: name the column of the images with --column; it has {columns}.")


def _holds_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):  # as Hugging Face's data sets keep images
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


def to_images(column: Any) -> Images | list[bytes | None]:
    """Return the images of a column: as one array where all are 784 pixels, else the bytes of each.

    Parameters
    ----------
    column : pyarrow.Array
        Bytes of a picture file or of 28×28 pixels, a list of 784 pixels, or a struct with `bytes`.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8, or list
        None for a row without an image.

    Raises
    ------
    BadData
        When the column holds something else.
    """
    if pa.types.is_struct(column.type):
        column = pc.struct_field(column, "bytes")
    if _is_pixels(column.type):
        lengths, pixels = pc.list_value_length(column), column.flatten()
        if not column.null_count and pc.all(pc.equal(lengths, PIXELS)).as_py():
            return np.asarray(pixels).reshape(-1, SIDE, SIDE)
        return [None if row is None else bytes(row) for row in column.to_pylist()]
    if not _is_bytes(column.type):
        raise BadData(f"expected bytes or lists of 784 pixels. Received a column of {column.type}.")
    if pa.types.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary())
    if column.null_count or not pc.all(pc.equal(pc.binary_length(column), PIXELS)).as_py():
        return list(column.to_pylist())
    if not len(column):
        return []
    width = np.int64 if pa.types.is_large_binary(column.type) else np.int32
    offsets = np.frombuffer(column.buffers()[1], width)[column.offset :]
    content = np.frombuffer(column.buffers()[2], np.uint8)
    start = int(offsets[0])
    return content[start : start + len(column) * PIXELS].reshape(-1, SIDE, SIDE)
