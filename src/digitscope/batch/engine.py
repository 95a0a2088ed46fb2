"""Execution of a batch: its plan is made or continued, and Ray Data processes the parts."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from digitscope.batch.cluster import ray_running
from digitscope.batch.job import FOLDER, Job, Part, Request, Task, path_in, read_job, read_parts
from digitscope.batch.plan import write_plan
from digitscope.batch.sources import Files, absolute
from digitscope.batch.worker import do_part
from digitscope.errors import BadData, DataUnavailable, DigitscopeError, Misuse, one_line
from digitscope.files import sha256
from digitscope.models.classifier import PRETRAINED, load
from digitscope.reading import load_reader
from digitscope.reading.reader import GLYPH, PAGE

PART_SIZE: dict[Task, int] = {"predict": 32_768, "read": 32}  # images; some seconds of work
PARTS_PER_DATASET = 10_000  # parts that are submitted to Ray together


@dataclass(frozen=True)
class BatchSummary:
    """Counts and times of a finished batch.

    Attributes
    ----------
    out : str
        Path or URL of the output.
    images : int
        Images of the source; the output has a row for each.
    errors, refused : int
        Rows with an error; images without a digit above the threshold.
    done_before : int
        Images that were processed by an earlier, interrupted batch.
    seconds : float
        From the start of the first part to the end of the last.
    images_per_second : float
        Of the images processed now.
    workers : int
        Cores that were used.
    """

    out: str
    images: int
    errors: int
    refused: int
    done_before: int
    seconds: float
    images_per_second: float
    workers: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return asdict(self)


def run_batch(
    source: str,
    out: str,
    *,
    task: Task = "predict",
    model: str | None = None,
    threshold: float | None = None,
    column: str = "",
    key: str = "",
    part_size: int | None = None,
    workers: int | None = None,
    address: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> BatchSummary:
    """Process all images of a source, and write a Parquet file for each part of it.

    An interrupted batch is continued by a call with the same arguments.

    Parameters
    ----------
    source, out : str
        Paths or fsspec URLs. The source is a folder of pictures, archives, Parquet or array files,
        one such file, or a glob pattern. All workers must have access to both.
    task : "predict" or "read", default "predict"
        The digit on each image, or every number in each picture.
    model : str, optional
        As for `digitscope.load` or `digitscope.reading.load_reader`.
    threshold : float, optional
        Minimum score of a digit that is not refused; by default that of the model.
    column, key : str, optional
        Of a Parquet source: the columns of the images and of their keys.
    part_size : int, optional
        Images in a part; by default 32,768 for ``predict`` and 32 for ``read``.
    workers : int, optional
        Number of processes, each on one core; by default the number of cores.
    address : str, optional
        ``HOST:PORT`` of a running Ray cluster, or ``auto``. By default Ray is started for this
        batch, on this machine.
    on_progress : callable, optional
        Called after each part with the number of processed images and of all images.

    Raises
    ------
    Misuse
        When there are no images, or the output belongs to another batch.
    BadData, DataUnavailable, BadModel
        As for `write_plan` and `load`; also when a worker cannot write, or the number of rows is
        wrong at the end.

    Examples
    --------
    ::

        summary = run_batch("scans/", "answers/", task="read")
        table = pyarrow.parquet.read_table("answers/")
    """
    name = model or ("cnn" if task == "predict" else "page")
    request = Request(
        source=absolute(source),
        out=absolute(out),
        task=task,
        model=name if name in (*PRETRAINED, PAGE, GLYPH) else str(Path(name).resolve()),
        model_sha256=_sha256_of(task, name),
        threshold=threshold,
        column=column,
        key=key,
        part_size=part_size or PART_SIZE[task],
    )
    return _run_job(_open_or_plan(request), out, workers, address, on_progress)


def _run_job(
    job: Job,
    out: str,
    workers: int | None,
    address: str | None,
    on_progress: Callable[[int, int], None] | None,
) -> BatchSummary:
    """Process all parts of a job on Ray, and check that the output is complete."""
    total = {"rows": 0, "errors": 0, "refused": 0, "before": 0}
    parts: set[int] = set()
    with ray_running(address, workers) as n_workers:
        started = time.perf_counter()
        for counts in _results(job, n_workers):
            parts.add(counts["part"])
            for name in ("rows", "errors", "refused"):
                total[name] += counts[name]
            total["before"] += counts["rows"] * counts["done"]
            if on_progress:
                on_progress(total["rows"], job.images)
        seconds = time.perf_counter() - started
    _check_complete(job, len(parts), total["rows"])
    now = total["rows"] - total["before"]
    return BatchSummary(
        out, job.images, total["errors"], total["refused"], total["before"], round(seconds, 3),
        round(now / max(seconds, 1e-9), 1), n_workers,
    )  # fmt: skip


def _sha256_of(task: Task, model: str) -> str:
    """Return the hash of a model, so that a batch is never continued with another one."""
    if task == "predict":
        return sha256(load(model, threads=1).path)
    reader = load_reader(model, threads=1)
    return sha256(reader.page.path) + (sha256(reader.glyph.path) if reader.glyph else "")


def _open_or_plan(request: Request) -> Job:
    """Return the job in the output, after a check against the request, or make a new plan."""
    try:
        found = read_job(request.out)
    except DigitscopeError:
        raise
    except Exception as error:  # each filesystem has its own errors
        raise DataUnavailable(f"{request.out} cannot be reached: {one_line(error)}") from None
    if found is None:
        try:
            return write_plan(request)
        except OSError as error:
            raise DataUnavailable(f"{request.out} cannot be written: {one_line(error)}") from None
    if different := found.differs_in(request):
        name = different[0]
        raise Misuse(
            f"{request.out} belongs to another batch: its {name} is {getattr(found, name)!r}, "
            f"not {getattr(request, name)!r}. Choose another folder, or delete this one."
        )
    return found


def _results(job: Job, workers: int) -> Iterator[dict[str, int]]:
    """Yield the counts of each part when it is finished."""
    import ray

    ray.data.DataContext.get_current().enable_progress_bars = False
    parts = map(asdict, read_parts(job))
    try:
        while block := list(islice(parts, PARTS_PER_DATASET)):
            yield from _process_parts(job, block, workers)
    except ray.exceptions.RayError as error:
        raise BadData(_stop_message(job, one_line(error))) from None


def _process_parts(job: Job, parts: list[dict[str, Any]], workers: int) -> Iterator[dict[str, int]]:
    """Process parts with Ray Data, and yield the counts of each."""
    import ray

    rows = ray.data.from_items(parts, override_num_blocks=len(parts))
    pool = ray.data.TaskPoolStrategy(size=min(workers, len(parts)))
    for row in rows.map(BatchWorker(job), num_cpus=1, compute=pool).iter_rows():
        if reason := row.pop("stopped"):
            raise BadData(_stop_message(job, reason))
        yield {name: int(value) for name, value in row.items()}


@dataclass(frozen=True)
class BatchWorker:
    """Function of Ray Data that processes a part; it is sent to each worker process."""

    job: Job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the counts of one part, and in ``stopped`` the error, if any."""
        part = Part(**row)
        counts = {"part": part.index, "rows": 0, "errors": 0, "refused": 0, "done": 0}
        try:
            return counts | self.do(part) | {"stopped": ""}
        except Exception as error:  # Ray would replace the message
            return counts | {"stopped": one_line(error)}

    def do(self, part: Part) -> dict[str, int]:
        """Process one part."""
        return do_part(self.job, part)


def _stop_message(job: Job, reason: str) -> str:
    return (
        f"the batch stopped: {reason.rstrip('.')}; finished parts are kept in {job.out}, and the "
        "same command continues with the rest."
    )


def _check_complete(job: Job, parts: int, rows: int) -> None:
    """Raise unless there is a file for each part and a row for each image; remove leftovers."""
    out = job.open_out()
    files = {path.rsplit("/", 1)[-1] for path in out.system.ls(out.root, detail=False)}
    wanted = {part.name for part in read_parts(job)}
    if parts != job.parts or rows != job.images or not wanted <= files:
        raise BadData(
            f"{job.out} is not complete: expected {job.images:,} rows in {job.parts:,} files. "
            f"Received: {rows:,} rows in {len(wanted & files):,} files."
        )
    _remove_leftovers(out, files)


def _remove_leftovers(out: Files, files: set[str]) -> None:
    """Remove temporary files and marks of killed workers."""
    unfinished = [name for name in files if name.startswith(".part-")]
    marks = out.system.glob(path_in(out, FOLDER, "begun-*"))
    for path in [path_in(out, name) for name in unfinished] + list(marks):
        out.system.rm(path)
