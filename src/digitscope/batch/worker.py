"""Answers for one part and writes its file: what runs on each core of a batch.

The file is written beside its place and moved there when it is whole. A worker that is killed by an
image, as a decoder with a fault may be, leaves a mark; the part is then done with care: in a
process of its own, in halves, until the image is found that kills alone. It becomes an error.
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
from digitscope.batch.items import Chunk, chunks_of
from digitscope.batch.job import FOLDER, Job, Part, path_in
from digitscope.batch.sources import Files
from digitscope.errors import BadData
from digitscope.files import replacing

ROW_GROUP = 16_384  # rows that are kept in memory until they are written
KILLED = "its worker was killed while it was read alone"


def do_part(job: Job, part: Part) -> dict[str, int]:
    """Write the answers of a part, unless they are there, and count them.

    Returns
    -------
    dict
        ``rows``, ``errors``, ``refused``, and whether it was ``done`` before.
    """
    cv2.setNumThreads(1)
    out = job.open_out()
    path = path_in(out, part.name)
    if out.system.exists(path):
        return _counts_in(out, path) | {"done": 1}
    mark = path_in(out, FOLDER, f"begun-{part.index:06d}")
    with_care = out.system.exists(mark)
    out.system.touch(mark)
    try:
        with _file_for(out, path) as temporary, _answerer(job, with_care) as answer:
            counts = _write(job, part, answer, temporary)
    finally:  # the mark stays only where this process is killed
        out.system.rm(mark)
    return counts | {"done": 0}


def _write(job: Job, part: Part, answer: Callable[[Chunk], pa.Table], file: Path) -> dict[str, int]:
    """Write the answers of a part to a file of this machine."""
    counts = {"rows": 0, "errors": 0, "refused": 0}
    with pq.ParquetWriter(file, SCHEMAS[job.task], compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for chunk in chunks_of(job, part):
            waiting.append(answer(chunk))
            if sum(len(table) for table in waiting) >= ROW_GROUP:
                _add(writer, waiting, counts)
        if waiting:
            _add(writer, waiting, counts)
        writer.add_key_value_metadata({name: str(n) for name, n in counts.items()})
    if counts["rows"] != part.count:
        raise BadData(
            f"{job.source} has changed: {counts['rows']:,} images for {part.name}, which had "
            f"{part.count:,} when planned."
        )
    return counts


def _add(writer: Any, waiting: list[pa.Table], counts: dict[str, int]) -> None:
    table = pa.concat_tables(waiting)
    waiting.clear()
    writer.write_table(table)
    counts["rows"] += len(table)
    counts["errors"] += len(table) - table["error"].null_count
    counts["refused"] += pc.sum(table["refused"]).as_py() or 0


def _counts_in(out: Files, path: str) -> dict[str, int]:
    """Return the counts that a finished file has in its metadata."""
    with out.system.open(path, "rb") as file:
        metadata = pq.ParquetFile(file).metadata
    return {name: int(metadata.metadata[name.encode()]) for name in ("rows", "errors", "refused")}


@contextmanager
def _file_for(out: Files, path: str) -> Iterator[Path]:
    """Give a temporary file; put it at a path of the output when the block succeeds."""
    if out.is_local:
        with replacing(Path(path)) as temporary:
            yield temporary
        return
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "part.parquet"
        yield temporary
        out.system.put_file(str(temporary), path)


@contextmanager
def _answerer(job: Job, with_care: bool) -> Iterator[Callable[[Chunk], pa.Table]]:
    if not with_care:
        yield Answerer(job)
        return
    with CarefulAnswerer(Answerer(job)) as careful:
        yield careful


class CarefulAnswerer:
    """Answers in a process of its own, and goes on when that process dies.

    Parameters
    ----------
    answer : Answerer
        Or another function of a chunk that can be pickled and has the attribute `job`.
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
        """Return a row for each image; the one that kills has an error."""
        try:
            return self._pool.submit(self._answer, chunk).result()
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new_pool()
        if len(chunk) == 1:
            return error_row(self._answer.job.task, chunk.keys[0], KILLED)
        middle = len(chunk) // 2
        return pa.concat_tables([self(chunk[:middle]), self(chunk[middle:])])
