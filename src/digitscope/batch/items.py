"""Images of one part, read in chunks, with their keys."""

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import pyarrow.parquet as pq

from digitscope.batch.arrays import ArrayFile
from digitscope.batch.columns import to_images
from digitscope.batch.job import FOLDER, Job, Part, path_in
from digitscope.batch.sources import Files, Kind, is_gzipped, name_in, open_files
from digitscope.errors import BadData, BadImage
from digitscope.image.digit import Images

IMAGES_PER_CHUNK = 1_024  # 28×28 images, about a megabyte
PICTURES_PER_CHUNK = 16  # picture files, some megabytes each
MAX_PICTURE_BYTES = 500_000_000  # larger picture files are not read into memory
Picture: TypeAlias = bytes | Images | Exception | None


@dataclass(frozen=True)
class Chunk:
    """Images that are processed together.

    Attributes
    ----------
    keys : list of str
    images : ndarray of shape (n, 28, 28), dtype uint8, or list
        28×28 images, 0 = paper. Items of a list are the bytes of a picture file, a 28×28 image,
        None for a row without an image, or the error with which it could not be fetched.
    """

    keys: list[str]
    images: Images | list[Picture]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: slice) -> "Chunk":
        return Chunk(self.keys[rows], self.images[rows])


def read_chunks(job: Job, part: Part) -> Iterator[Chunk]:
    """Yield the images of a part.

    Raises
    ------
    BadData
        When a Parquet or array file has changed since the plan was made, or is damaged.
    """
    source = open_files(job.source)
    if job.kind == "parquet":
        return _read_parquet(job, source, part)
    if job.kind == "arrays":
        return _read_arrays(source, part)
    return _read_listed(job, source, part)


def _read_arrays(source: Files, part: Part) -> Iterator[Chunk]:
    name = name_in(part.file, source)
    at = part.first
    with ArrayFile(source, part.file) as array:
        if at + part.count > len(array):
            raise BadData(
                f"{part.file} has changed since the plan was made: expected at least "
                f"{at + part.count:,} images. Received: {len(array):,}."
            )
        for images in array.chunks(at, part.count, IMAGES_PER_CHUNK):
            yield Chunk([f"{name}[{at + i}]" for i in range(len(images))], images)
            at += len(images)


def _read_parquet(job: Job, source: Files, part: Part) -> Iterator[Chunk]:
    name = name_in(part.file, source)
    with source.system.open(part.file, "rb") as stream:
        content = pq.ParquetFile(stream)
        groups, start = _row_groups(content.metadata, part)
        columns = [job.column, job.key] if job.key else [job.column]
        skip, left = part.first - start, part.count
        for batch in content.iter_batches(IMAGES_PER_CHUNK, row_groups=groups, columns=columns):
            skipped = min(skip, len(batch))
            skip -= skipped
            batch = batch.slice(skipped, left)
            if not len(batch):
                continue
            at = part.first + part.count - left
            keys = [f"{name}[{at + i}]" for i in range(len(batch))]
            if job.key:
                given = batch.column(job.key).to_pylist()
                keys = [k if g is None else str(g) for k, g in zip(keys, given, strict=True)]
            yield from _as_chunks(keys, to_images(batch.column(job.column)))
            left -= len(batch)
            if not left:
                return
    raise BadData(f"{part.file} has changed since the plan was made: {left:,} rows are missing.")


def _row_groups(metadata: Any, part: Part) -> tuple[list[int], int]:
    """Return the row groups that contain a part, and the first row of these groups."""
    groups: list[int] = []
    start = row = 0
    for group in range(metadata.num_row_groups):
        end = row + metadata.row_group(group).num_rows
        if end > part.first and row < part.first + part.count:
            start = start if groups else row
            groups.append(group)
        row = end
    return groups, start


def _as_chunks(keys: list[str], images: Any) -> Iterator[Chunk]:
    """Yield an array as one chunk, and a list of pictures in smaller chunks."""
    step = PICTURES_PER_CHUNK if isinstance(images, list) else max(len(keys), 1)
    for start in range(0, len(keys), step):
        yield Chunk(keys[start : start + step], images[start : start + step])


def _read_listed(job: Job, source: Files, part: Part) -> Iterator[Chunk]:
    out = job.open_out()
    with out.system.open(path_in(out, FOLDER, "listing.parquet"), "rb") as stream:
        rows = pq.ParquetFile(stream).read_row_group(part.group).to_pylist()
    with _Fetcher(source, job.kind) as fetcher:
        for start in range(0, len(rows), PICTURES_PER_CHUNK):
            block = rows[start : start + PICTURES_PER_CHUNK]
            keys = [_key(source, row["file"], row["name"]) for row in block]
            yield Chunk(keys, [fetcher.fetch(row) for row in block])


def _key(source: Files, file: str, name: str) -> str:
    """Return the key of a picture: its path in the source, or in the only archive."""
    if not name:
        return name_in(file, source)
    return name if file == source.root else f"{name_in(file, source)}/{name}"


class _Fetcher:
    """Reader of picture files and archive members; the last archive stays open."""

    def __init__(self, source: Files, kind: Kind) -> None:
        self._source, self._kind = source, kind
        self._file = ""
        self._opened: Any = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def fetch(self, row: dict[str, Any]) -> bytes | Exception:
        """Return the bytes of the picture in a row of the listing, or the error."""
        try:
            if row["size"] > MAX_PICTURE_BYTES:
                raise BadImage(
                    f"a picture file must have at most {MAX_PICTURE_BYTES:,} bytes. "
                    f"Received: {row['size']:,}."
                )
            if self._kind == "pictures":
                return bytes(self._source.system.cat_file(row["file"], end=MAX_PICTURE_BYTES))
            archive = self._open(row["file"])
            if self._kind == "zip":
                return bytes(archive.read(row["name"]))
            archive.seek(row["offset"])
            content: bytes = archive.read(row["size"])
        except Exception as error:  # each filesystem and archive format has its own errors
            return error
        if len(content) < row["size"]:
            return BadData(f"{row['file']} is truncated.")
        return content

    def _open(self, file: str) -> Any:
        if file != self._file:
            self._stack.close()
            opened = self._stack.enter_context(self._source.system.open(file, "rb"))
            if self._kind == "zip":
                opened = self._stack.enter_context(zipfile.ZipFile(opened))
            elif is_gzipped(file):
                opened = self._stack.enter_context(gzip.GzipFile(fileobj=opened))
            self._opened = opened
            self._file = file
        return self._opened
