"""Files of many 28×28 images in one array, some images at a time: IDX, ``.npy`` and ``.npz``."""

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

IDX_IMAGES = b"\0\0\x08\x03"  # bytes, in three dimensions


class ArrayFile:
    """An array file that is read from its start on, or from any image where it is not compressed.

    Parameters
    ----------
    source : Files
        The filesystem it is in.
    file : str

    Attributes
    ----------
    can_seek : bool
        Whether reading may begin at any image at no cost.

    Raises
    ------
    BadData
        When it holds no uint8 of shape (n, 28, 28).
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
        except Exception as error:  # NumPy, gzip and zipfile raise a dozen kinds for damaged files
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
        """Give `count` images from `first` on, `size` at a time.

        Raises
        ------
        BadData
            When the file ends before.
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
            raise BadData(f"{self.file} is cut short: {n - len(content):,} bytes are missing.")
        return content

    def _open(self, stream: IO[bytes]) -> IO[bytes]:
        """Return the bytes of the array with its header."""
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
        """Return the member that holds the images."""
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
                f"{self.file} is no IDX file of images; its first bytes are {magic.hex(' ')}, "
                f"expected {IDX_IMAGES.hex(' ')}."
            )
        return tuple(int.from_bytes(self._read(4), "big") for _ in range(3))


def _npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, Any]:
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    return shape, fortran, dtype
