"""The IDX file format of MNIST: a big-endian header with type and sizes, then the bytes.

The format is described by LeCun, Cortes and Burges with the data set itself.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData

UINT8 = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the uint8 array in an IDX file, plain or gzipped.

    Raises
    ------
    BadData
        When the file is not an IDX file of bytes, is damaged, or has another length than its header
        says.
    """
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadData(f"{path} is damaged or cut short ({error}).") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] != UINT8 or not content[3]:
        raise BadData(f"{path} is not an IDX file of bytes; its first bytes are {content[:4]!r}.")
    dimensions = content[3]
    header = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4))
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise BadData(
            f"{path} is damaged: expected {expected:,} bytes for shape {shape}, from its header. "
            f"Received: {len(content):,}."
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)
