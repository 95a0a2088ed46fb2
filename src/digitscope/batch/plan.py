"""Planning of a batch: a source is divided into parts, without reading its images."""

import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain, count, islice
from typing import Any

import pyarrow.parquet as pq

from digitscope.batch.arrays import ArrayFile
from digitscope.batch.columns import choose_column
from digitscope.batch.job import (
    FOLDER,
    LISTING,
    PARTS,
    Job,
    Request,
    TableWriter,
    path_in,
    write_job,
)
from digitscope.batch.sources import Files, Kind, find_files, is_gzipped, kind_of, open_files
from digitscope.errors import BadData, Misuse

Row = dict[str, Any]
MAX_TAR_ENTRIES = 100_000  # entries that tarfile keeps in memory before they are cleared


def write_plan(request: Request) -> Job:
    """Divide a source into parts, and write the plan.

    A gzipped file is one part of any size, since it can only be read from its start.

    Parameters
    ----------
    request : Request

    Returns
    -------
    Job
        The request, with the kind of the source, the chosen column and the counts.

    Raises
    ------
    Misuse, DataUnavailable, BadData
        As for `find_files`; also when a file is damaged, or a column does not exist.
    """
    source, out = open_files(request.source), request.open_out()
    size, column = request.part_size, request.column
    out.system.makedirs(path_in(out, FOLDER), exist_ok=True)
    files = find_files(source, out)
    kind, first = next(files)
    names = chain([first], (file for _, file in files))
    if kind != "parquet" and (column or request.key):
        raise Misuse(f"--column and --key are for Parquet files; {source.url} has {kind} files.")
    images = n_parts = 0
    with ExitStack() as stack:
        parts = stack.enter_context(TableWriter(out, "parts.parquet", PARTS))
        if kind == "parquet":
            column = column or choose_column(source, first)
            rows = _row_ranges(source, names, size, column, request.key)
        elif kind == "arrays":
            rows = _array_parts(source, names, size)
        else:
            listing = stack.enter_context(TableWriter(out, "listing.parquet", LISTING))
            rows = _listed_parts(source, kind, names, size, listing)
        while block := list(islice(rows, 1_000)):
            parts.write(block)
            images += sum(row["count"] for row in block)
            n_parts += len(block)
    if not images:
        raise Misuse(f"{source.url} has no images.")
    found = {"column": column, "kind": kind, "images": images, "parts": n_parts}
    job = Job(**(asdict(request) | found))
    write_job(job)
    return job


def _listed_parts(
    source: Files, kind: Kind, files: Iterable[str], size: int, listing: TableWriter
) -> Iterator[Row]:
    """Yield the parts of pictures and archives, and write the location of each image."""
    find = {"pictures": _pictures, "zip": _zip_entries, "tar": _tar_entries}[kind]
    groups = count()

    def part(rows: list[Row]) -> Row:
        listing.write(rows)
        return {"file": "", "group": next(groups), "first": 0, "count": len(rows)}

    waiting: list[Row] = []
    for file in files:
        for row in find(source, file):
            if len(waiting) == size and not is_gzipped(waiting[-1]["file"]):
                yield part(waiting)
                waiting = []
            waiting.append({"file": file, "name": "", "offset": 0, "size": 0} | row)
        if is_gzipped(file) and waiting:
            yield part(waiting)
            waiting = []
    if waiting:
        yield part(waiting)


def _pictures(source: Files, file: str) -> Iterator[Row]:
    yield {}


def _zip_entries(source: Files, file: str) -> Iterator[Row]:
    with source.system.open(file, "rb") as stream:
        try:
            with zipfile.ZipFile(stream) as archive:
                entries = [info for info in archive.infolist() if _is_picture(info.filename)]
        except Exception as error:  # errors of zipfile and of each filesystem
            raise BadData(f"{file} is damaged or not a zip archive ({error}).") from None
    for info in entries:
        yield {"name": info.filename, "size": info.file_size}


def _tar_entries(source: Files, file: str) -> Iterator[Row]:
    with source.system.open(file, "rb") as stream:
        try:
            mode = "r:gz" if is_gzipped(file) else "r:"
            with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
                for entry in archive:
                    if entry.isfile() and _is_picture(entry.name):
                        place = {"offset": entry.offset_data, "size": entry.size}
                        yield {"name": entry.name} | place
                    if len(archive.members) > MAX_TAR_ENTRIES:
                        archive.members.clear()
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BadData(f"{file} is damaged or not a tar archive ({error}).") from None


def _is_picture(name: str) -> bool:
    return kind_of(name) == "pictures"


def _row_ranges(
    source: Files, files: Iterable[str], size: int, column: str, key: str
) -> Iterator[Row]:
    """Yield the parts of Parquet files, as ranges of rows."""
    for file in files:
        with source.system.open(file, "rb") as stream:
            try:
                content = pq.ParquetFile(stream)
            except Exception as error:  # Arrow raises many types for a damaged file
                raise BadData(f"{file} is damaged or not a Parquet file ({error}).") from None
            names = content.schema_arrow.names
            for wanted in filter(None, (column, key)):
                if wanted not in names:
                    raise BadData(f"{file} has no column {wanted}; it has {', '.join(names)}.")
            yield from _ranges(file, content.metadata.num_rows, size)


def _array_parts(source: Files, files: Iterable[str], size: int) -> Iterator[Row]:
    for file in files:
        with ArrayFile(source, file) as array:
            rows = len(array)
            yield from _ranges(file, rows, size if array.can_seek else max(rows, 1))


def _ranges(file: str, rows: int, size: int) -> Iterator[Row]:
    for first in range(0, rows, size):
        yield {"file": file, "group": 0, "first": first, "count": min(size, rows - first)}
