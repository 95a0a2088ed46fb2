"""The plan of a batch: which part of the source becomes which file of the output.

The plan is written before the first image is read, and never changed. A part whose file exists is
done, so a batch that was killed goes on with the others, and no image is left out or read twice.

::

    OUT/part-000000.parquet ...      the answers, one file for each part
    OUT/_batch/job.json              what is done with which model; written last
    OUT/_batch/parts.parquet         the parts
    OUT/_batch/listing.parquet       of pictures and archives: where each image is
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.parquet as pq

from digitscope.batch.sources import Files, Kind, open_files
from digitscope.errors import BadData

Task = Literal["predict", "read"]
FOLDER = "_batch"  # readers of Parquet folders leave out names that begin with _
LISTING = pa.schema(
    [("file", pa.string()), ("name", pa.string()), ("offset", pa.int64()), ("size", pa.int64())]
)
PARTS = pa.schema(
    [("file", pa.string()), ("group", pa.int64()), ("first", pa.int64()), ("count", pa.int64())]
)


@dataclass(frozen=True)
class Part:
    """Images that become one file of the output.

    Attributes
    ----------
    index : int
    file : str
        The file they are in; empty where the listing tells.
    group : int
        Row group of the listing.
    first : int
        The first image, counted from the start of the file.
    count : int
    """

    index: int
    file: str
    group: int
    first: int
    count: int

    @property
    def name(self) -> str:
        """The name of its file in the output."""
        return f"part-{self.index:06d}.parquet"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides the answers of a batch.

    Attributes
    ----------
    source, out : str
        Absolute paths or URLs.
    task : "predict" or "read"
    model : str
        A name, or the path of an ``.onnx`` file or a run.
    model_sha256 : str
    threshold : float or None
        Below which a digit is refused; None for the model's own.
    column, key : str
        Of a Parquet source: the columns of the images and of their keys; no keys if empty.
    part_size : int
        Images in a part, at most.
    """

    source: str
    out: str
    task: Task
    model: str
    model_sha256: str
    threshold: float | None
    column: str = ""
    key: str = ""
    part_size: int

    def open_out(self) -> Files:
        """Return the filesystem of the output."""
        return open_files(self.out)


@dataclass(frozen=True, kw_only=True)
class Job(Request):
    """A request with its plan.

    Attributes
    ----------
    kind : str
        Of the source's files.
    images, parts : int
        How many there are.
    """

    kind: Kind
    images: int
    parts: int

    def differs_in(self, request: Request) -> list[str]:
        """Return in what a request for the same output differs from this job."""
        mine = asdict(self)
        # Without a name of its own, the column is the one that the plan chose.
        theirs = asdict(request) | ({} if request.column else {"column": self.column})
        return [name for name in theirs if name != "out" and mine[name] != theirs[name]]


def path_in(out: Files, *names: str) -> str:
    """Return a path in the output."""
    return "/".join([out.root.rstrip("/"), *names])


def write_job(job: Job) -> None:
    """Write the file that says that the plan is complete."""
    out = job.open_out()
    with out.system.open(path_in(out, FOLDER, "job.json"), "w") as file:
        json.dump(asdict(job), file, indent=2)


def read_job(url: str) -> Job | None:
    """Return the job whose output a folder is; None where there is none.

    Raises
    ------
    BadData
        When its file is damaged.
    """
    out = open_files(url)
    path = path_in(out, FOLDER, "job.json")
    if not out.system.exists(path):
        return None
    try:
        with out.system.open(path, "r") as file:
            return Job(**(json.load(file) | {"out": url}))
    except (ValueError, TypeError) as error:
        raise BadData(
            f"{url}/{FOLDER}/job.json is damaged ({error}); choose another folder for the output."
        ) from None


def read_parts(job: Job) -> Iterator[Part]:
    """Give the parts of a job in their order."""
    index = 0
    out = job.open_out()
    with out.system.open(path_in(out, FOLDER, "parts.parquet"), "rb") as file:
        for batch in pq.ParquetFile(file).iter_batches():
            for row in batch.to_pylist():
                yield Part(index, **row)
                index += 1


class TableWriter:
    """A Parquet file beside the plan that is written in row groups, some rows at a time."""

    def __init__(self, out: Files, name: str, schema: pa.Schema) -> None:
        self._file = out.system.open(path_in(out, FOLDER, name), "wb")
        self._writer = pq.ParquetWriter(self._file, schema)
        self._schema = schema

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()
        self._file.close()

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Write rows as one row group."""
        self._writer.write_table(pa.Table.from_pylist(rows, self._schema))
