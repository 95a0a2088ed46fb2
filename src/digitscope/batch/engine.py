"""Runs a batch: makes or takes up its plan, has Ray Data do its parts, and counts them."""

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

PART_SIZE: dict[Task, int] = {"predict": 32_768, "read": 32}  # some seconds of work
PARTS_TOGETHER = 10_000  # parts that are given to Ray at a time


@dataclass(frozen=True)
class BatchSummary:
    """What a batch did.

    Attributes
    ----------
    out : str
    images : int
        Of the source; the output has a row for each.
    errors, refused : int
        Rows with an error; images in which no digit was sure enough.
    done_before : int
        Images that an earlier, unfinished batch had done.
    seconds : float
        From the start of the first part to the end of the last.
    images_per_second : float
        Of those done now.
    workers : int
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
    """Read all images of a source, and write a Parquet file for each part of it.

    Called again with the same arguments after it was stopped, it goes on with the parts that are
    missing.

    Parameters
    ----------
    source, out : str
        Paths or fsspec URLs. The source is a folder of pictures, of archives, Parquet or array
        files, one such file, or a pattern. All workers must reach both.
    task : "predict" or "read", default "predict"
        The digit on each image, or every number in each picture.
    model : str, optional
        As for `digitscope.load` or `digitscope.reading.load_reader`.
    threshold : float, optional
        The score below which a digit is refused; the model's own unless given.
    column, key : str, optional
        Of a Parquet source: the columns of the images and of their keys.
    part_size : int, optional
        Images in a part; 32,768 for ``predict`` and 32 for ``read`` unless given.
    workers : int, optional
        Processes at once, one core each; as many as there are cores unless given.
    address : str, optional
        ``HOST:PORT`` of a running Ray cluster, or ``auto``; Ray is started for this batch, on this
        machine, unless given.
    on_progress : callable, optional
        Called with the images done and all images after each part.

    Raises
    ------
    Misuse
        When there are no images, or the output belongs to another batch.
    BadData, DataUnavailable, BadModel
        As `write_plan` and `load`; when a worker cannot write, or the count is wrong at the end.

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
    job = _take_up_or_plan(request)
    total = {"rows": 0, "errors": 0, "refused": 0, "before": 0}
    seen: set[int] = set()
    with ray_running(address, workers) as n_workers:
        started = time.perf_counter()
        for counts in _results(job, n_workers):
            seen.add(counts["part"])
            for name in ("rows", "errors", "refused"):
                total[name] += counts[name]
            total["before"] += counts["rows"] * counts["done"]
            if on_progress:
                on_progress(total["rows"], job.images)
        seconds = time.perf_counter() - started
    _check_complete(job, len(seen), total["rows"])
    now = total["rows"] - total["before"]
    return BatchSummary(
        out, job.images, total["errors"], total["refused"], total["before"], round(seconds, 3),
        round(now / max(seconds, 1e-9), 1), n_workers,
    )  # fmt: skip


def _sha256_of(task: Task, model: str) -> str:
    """Return the hash of a model, so that no batch goes on with another one."""
    if task == "predict":
        return sha256(load(model, threads=1).path)
    reader = load_reader(model, threads=1)
    return sha256(reader.page.path) + (sha256(reader.glyph.path) if reader.glyph else "")


def _take_up_or_plan(request: Request) -> Job:
    """Return the job of the output, if it is that of a request, or make its plan."""
    try:
        found = read_job(request.out)
    except DigitscopeError:
        raise
    except Exception as error:  # each filesystem has its own
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
            f"not {getattr(request, name)!r}; choose another folder, or delete this one."
        )
    return found


def _results(job: Job, workers: int) -> Iterator[dict[str, int]]:
    """Give the counts of each part, as they are done."""
    import ray

    ray.data.DataContext.get_current().enable_progress_bars = False
    parts = map(asdict, read_parts(job))
    try:
        while some := list(islice(parts, PARTS_TOGETHER)):
            yield from _done(job, some, workers)
    except ray.exceptions.RayError as error:
        raise BadData(_stopped(job, one_line(error))) from None


def _done(job: Job, parts: list[dict[str, Any]], workers: int) -> Iterator[dict[str, int]]:
    """Have Ray Data do some parts."""
    import ray

    rows = ray.data.from_items(parts, override_num_blocks=len(parts))
    pool = ray.data.TaskPoolStrategy(size=min(workers, len(parts)))
    for row in rows.map(BatchWorker(job), num_cpus=1, compute=pool).iter_rows():
        if stopped := row.pop("stopped"):
            raise BadData(_stopped(job, stopped))
        yield {name: int(value) for name, value in row.items()}


@dataclass(frozen=True)
class BatchWorker:
    """Does the parts of a job; sent to each process of Ray."""

    job: Job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the counts of one part, and why it cannot be done if it cannot."""
        part = Part(**row)
        counts = {"part": part.index, "rows": 0, "errors": 0, "refused": 0, "done": 0}
        try:
            return counts | self.do(part) | {"stopped": ""}
        except Exception as error:  # Ray would put it into words of its own
            return counts | {"stopped": one_line(error)}

    def do(self, part: Part) -> dict[str, int]:
        """Do one part."""
        return do_part(self.job, part)


def _stopped(job: Job, why: str) -> str:
    return (
        f"the batch stopped: {why.rstrip('.')}; what is done is kept in {job.out}, and the same "
        "command goes on with the rest."
    )


def _check_complete(job: Job, parts: int, rows: int) -> None:
    """Fail unless there is a file for each part and a row for each image; tidy up."""
    out = job.open_out()
    files = {path.rsplit("/", 1)[-1] for path in out.system.ls(out.root, detail=False)}
    wanted = {part.name for part in read_parts(job)}
    if parts != job.parts or rows != job.images or not wanted <= files:
        raise BadData(
            f"{job.out} is not complete: {rows:,} rows for {job.images:,} images, in "
            f"{len(wanted & files):,} of {job.parts:,} files."
        )
    _remove_leftovers(out, files)


def _remove_leftovers(out: Files, files: set[str]) -> None:
    """Remove what killed workers left: half-written files and marks."""
    halves = [name for name in files if name.startswith(".part-")]
    marks = out.system.glob(path_in(out, FOLDER, "begun-*"))
    for path in [path_in(out, name) for name in halves] + list(marks):
        out.system.rm(path)
