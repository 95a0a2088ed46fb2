"""The images of one part, some at a time, with their keys."""

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

ARRAYS_AT_A_TIME = 1_024  # 28×28 images, about a megabyte
PICTURES_AT_A_TIME = 16  # picture files, some megabytes each

LARGEST = 500_000_000  # bytes of a picture file; larger ones are not read into memory
Picture: TypeAlias = bytes | Images | Exception | None


@dataclass(frozen=True)
class Chunk:
    """Some images.

    Attributes
    ----------
    keys : list of str
    images : ndarray of shape (n, 28, 28), dtype uint8, or list
        28×28 images, 0 = paper; or one by one: the bytes of a picture file, a 28×28 image, None for
        a row without, or the error with which it could not be fetched.
    """

    keys: list[str]
    images: Images | list[Picture]

    def __len__(self) -> int:
        return len(self.keys)

    def __getitem__(self, rows: slice) -> "Chunk":
        return Chunk(self.keys[rows], self.images[rows])


def chunks_of(job: Job, part: Part) -> Iterator[Chunk]:
    """Give the images of a part.

    Raises
    ------
    BadData
        When a file of many images changed since the plan was made, or is damaged.
    """
    source = open_files(job.source)
    if job.kind == "parquet":
        return _of_parquet(job, source, part)
    if job.kind == "arrays":
        return _of_arrays(source, part)
    return _of_listing(job, source, part)


def _of_arrays(source: Files, part: Part) -> Iterator[Chunk]:
    name = name_in(part.file, source)
    at = part.first
    with ArrayFile(source, part.file) as array:
        if at + part.count > len(array):
            raise BadData(f"{part.file} has {len(array):,} images; it had more when planned.")
        for images in array.chunks(at, part.count, ARRAYS_AT_A_TIME):
            yield Chunk([f"{name}[{at + i}]" for i in range(len(images))], images)
            at += len(images)


def _of_parquet(job: Job, source: Files, part: Part) -> Iterator[Chunk]:
    name = name_in(part.file, source)
    with source.system.open(part.file, "rb") as stream:
        content = pq.ParquetFile(stream)
        groups, start = _row_groups(content.metadata, part)
        columns = [job.column, job.key] if job.key else [job.column]
        skip, left = part.first - start, part.count
        for batch in content.iter_batches(ARRAYS_AT_A_TIME, row_groups=groups, columns=columns):
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
    raise BadData(f"{part.file} has {left:,} rows less than when it was planned.")


def _row_groups(metadata: Any, part: Part) -> tuple[list[int], int]:
    """Return the row groups of a file that hold a part, and the row at which they start."""
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
    """Give picture files a few at a time."""
    step = PICTURES_AT_A_TIME if isinstance(images, list) else max(len(keys), 1)
    for start in range(0, len(keys), step):
        yield Chunk(keys[start : start + step], images[start : start + step])


def _of_listing(job: Job, source: Files, part: Part) -> Iterator[Chunk]:
    out = job.open_out()
    with out.system.open(path_in(out, FOLDER, "listing.parquet"), "rb") as stream:
        rows = pq.ParquetFile(stream).read_row_group(part.group).to_pylist()
    with _Fetcher(source, job.kind) as fetcher:
        for start in range(0, len(rows), PICTURES_AT_A_TIME):
            some = rows[start : start + PICTURES_AT_A_TIME]
            keys = [_key(source, row["file"], row["name"]) for row in some]
            yield Chunk(keys, [fetcher.fetch(row) for row in some])


def _key(source: Files, file: str, name: str) -> str:
    """Return what a picture is called: its path in the source, or in the only archive."""
    if not name:
        return name_in(file, source)
    return name if file == source.root else f"{name_in(file, source)}/{name}"


class _Fetcher:
    """Fetches pictures from files and archives; the archive that was read last stays open."""

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
        """Return the bytes of the picture that a row of the listing names, or what went wrong."""
        try:
            if row["size"] > LARGEST:
                raise BadImage(f"it has {row['size']:,} bytes, more than {LARGEST:,}.")
            if self._kind == "pictures":
                return bytes(self._source.system.cat_file(row["file"], end=LARGEST))
            archive = self._open(row["file"])
            if self._kind == "zip":
                return bytes(archive.read(row["name"]))
            archive.seek(row["offset"])
            content: bytes = archive.read(row["size"])
        except Exception as error:  # each filesystem and archive has its own
            return error
        if len(content) < row["size"]:
            return BadData(f"{row['file']} is cut short.")
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
