"""Array files of 28×28 images, read in chunks: IDX, ``.npy`` and ``.npz``."""

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy

from digitscope.batch.sources import Files, is_gzipped
from digitscope.data.arrays import choose_array
from digitscope.errors import BadData
from digitscope.image.digit import PIXELS, SIDE, Images

IDX_IMAGES = b"\0\0\x08\x03"  # header of an IDX file of uint8 in three dimensions


class ArrayFile:
    """An open array file.

    Parameters
    ----------
    source : Files
        The filesystem of the file.
    file : str

    Attributes
    ----------
    can_seek : bool
        Whether the file is not compressed, so that reading can start at any image.

    Raises
    ------
    BadData
        When the array is not uint8 of shape (n, 28, 28).
    """

    def __init__(self, source: Files, file: str) -> None:
        self.file = file
        self.can_seek = True
        self._stack = ExitStack()
        try:
            self._stream = self._open(self._stack.enter_context(source.system.open(file, "rb")))
            shape = self._read_header()
        except BadData:
            self._stack.close()
            raise
        except Exception as error:  # NumPy, gzip and zipfile raise many types for damaged files
            self._stack.close()
            raise BadData(f"{file} is damaged or cut short ({error}).") from None
        if len(shape) != 3 or shape[1:] != (SIDE, SIDE):
            self._stack.close()
            raise BadData(f"{file}: expected uint8 of shape (n, 28, 28). Received: {shape}.")
        self._images = shape[0]
        self._start = self._stream.tell()

    def __len__(self) -> int:
        return self._images

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def chunks(self, first: int, count: int, size: int) -> Iterator[Images]:
        """Yield `count` images from index `first`, in chunks of `size`.

        Raises
        ------
        BadData
            When the file has fewer images.
        """
        self._stream.seek(self._start + first * PIXELS)
        while count:
            n = min(size, count)
            content = self._read(n * PIXELS)
            yield np.frombuffer(content, np.uint8).reshape(n, SIDE, SIDE)
            count -= n

    def _read(self, n: int) -> bytes:
        try:
            content = self._stream.read(n)
        except Exception as error:
            raise BadData(f"{self.file} is damaged or cut short ({error}).") from None
        if len(content) < n:
            raise BadData(f"{self.file} is truncated: {n - len(content):,} bytes are missing.")
        return content

    def _open(self, stream: IO[bytes]) -> IO[bytes]:
        """Return the stream of the array, which begins with its header."""
        if is_gzipped(self.file):
            self.can_seek = False
            unzipped: IO[bytes] = gzip.open(stream)  # type: ignore[assignment]  # noqa: SIM115
            return self._stack.enter_context(unzipped)
        if not self.file.lower().endswith(".npz"):
            return stream
        archive = self._stack.enter_context(zipfile.ZipFile(stream))
        name = self._choose(archive)
        self.can_seek = archive.getinfo(name).compress_type == zipfile.ZIP_STORED
        return self._stack.enter_context(archive.open(name))

    def _choose(self, archive: zipfile.ZipFile) -> str:
        """Return the name of the member with the images."""
        forms = {}
        for name in archive.namelist():
            with archive.open(name) as member:
                shape, _, dtype = _npy_header(member)
            forms[name.removesuffix(".npy")] = (dtype, shape)
        return choose_array(forms, self.file) + ".npy"

    def _read_header(self) -> tuple[int, ...]:
        if self.file.lower().endswith((".npy", ".npz")):
            shape, fortran, dtype = _npy_header(self._stream)
            if dtype != np.uint8 or fortran:
                order = " in Fortran order" if fortran else ""
                raise BadData(
                    f"{self.file}: expected uint8 of shape (n, 28, 28). "
                    f"Received: {dtype} {shape}{order}."
                )
            return shape
        magic = self._read(4)
        if magic != IDX_IMAGES:
            raise BadData(
                f"{self.file} is not an IDX file of images: expected {IDX_IMAGES.hex(' ')} as its "
                f"first bytes. Received: {magic.hex(' ')}."
            )
        return tuple(int.from_bytes(self._read(4), "big") for _ in range(3))


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype
