"""Worker of a batch: it processes one part and writes its file, on one core.

The file is written under a temporary name and renamed when it is complete. A worker that is killed
by an image, for example by a bug of a decoder, leaves a mark. The part is then processed again in
isolation: in a separate process, and after each crash in halves, until the image that causes the
crash is found. Its row gets an error.
"""

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import cv2
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from digitscope.batch.answers import SCHEMAS, Answerer, error_row
from digitscope.batch.items import Chunk, read_chunks
from digitscope.batch.job import FOLDER, Job, Part, path_in
from digitscope.batch.sources import Files
from digitscope.errors import BadData
from digitscope.files import replacing

ROW_GROUP = 16_384  # rows that are kept in memory before they are written
KILLED = "the worker process was killed while it processed this image"


def do_part(job: Job, part: Part) -> dict[str, int]:
    """Write the answers of a part, unless its file exists, and return the counts.

    Returns
    -------
    dict
        ``rows``, ``errors``, ``refused``, and ``done``, 1 if the file existed before.
    """
    cv2.setNumThreads(1)
    out = job.open_out()
    path = path_in(out, part.name)
    if out.system.exists(path):
        return _counts_in(out, path) | {"done": 1}
    mark = path_in(out, FOLDER, f"begun-{part.index:06d}")
    isolate = out.system.exists(mark)
    out.system.touch(mark)
    try:
        with _temporary_file(out, path) as temporary, _answerer(job, isolate) as answer:
            counts = _write(job, part, answer, temporary)
    finally:  # the mark remains only if this process is killed
        out.system.rm(mark)
    return counts | {"done": 0}


def _write(job: Job, part: Part, answer: Callable[[Chunk], pa.Table], file: Path) -> dict[str, int]:
    """Write the answers of a part to a local file, and return the counts."""
    counts = {"rows": 0, "errors": 0, "refused": 0}
    with pq.ParquetWriter(file, SCHEMAS[job.task], compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for chunk in read_chunks(job, part):
            waiting.append(answer(chunk))
            if sum(len(table) for table in waiting) >= ROW_GROUP:
                _write_row_group(writer, waiting, counts)
        if waiting:
            _write_row_group(writer, waiting, counts)
        writer.add_key_value_metadata({name: str(n) for name, n in counts.items()})
    if counts["rows"] != part.count:
        raise BadData(
            f"{job.source} has changed since the plan was made: expected {part.count:,} images "
            f"for {part.name}. Received: {counts['rows']:,}."
        )
    return counts


def _write_row_group(writer: Any, waiting: list[pa.Table], counts: dict[str, int]) -> None:
    table = pa.concat_tables(waiting)
    waiting.clear()
    writer.write_table(table)
    counts["rows"] += len(table)
    counts["errors"] += len(table) - table["error"].null_count
    counts["refused"] += pc.sum(table["refused"]).as_py() or 0


def _counts_in(out: Files, path: str) -> dict[str, int]:
    """Return the counts from the metadata of a finished file."""
    with out.system.open(path, "rb") as file:
        metadata = pq.ParquetFile(file).metadata
    return {name: int(metadata.metadata[name.encode()]) for name in ("rows", "errors", "refused")}


@contextmanager
def _temporary_file(out: Files, path: str) -> Iterator[Path]:
    """Yield the path of a temporary file; move it to a path of the output if the block succeeds."""
    if out.is_local:
        with replacing(Path(path)) as temporary:
            yield temporary
        return
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "part.parquet"
        yield temporary
        out.system.put_file(str(temporary), path)


@contextmanager
def _answerer(job: Job, isolate: bool) -> Iterator[Callable[[Chunk], pa.Table]]:
    if not isolate:
        yield Answerer(job)
        return
    with IsolatedAnswerer(Answerer(job)) as isolated:
        yield isolated


class IsolatedAnswerer:
    """Answerer in a separate process, which is replaced if it is killed.

    Parameters
    ----------
    answer : Answerer
        Or another picklable function of a chunk with the attribute `job`.
    """

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self._pool = self._new_pool()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))

    def __call__(self, chunk: Chunk) -> pa.Table:
        """Return a row for each image; an image that kills the process has an error."""
        try:
            return self._pool.submit(self._answer, chunk).result()
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new_pool()
        if len(chunk) == 1:
            return error_row(self._answer.job.task, chunk.keys[0], KILLED)
        middle = len(chunk) // 2
        return pa.concat_tables([self(chunk[:middle]), self(chunk[middle:])])
