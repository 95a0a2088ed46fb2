"""Jobs: the request and the plan of a batch, in which each part becomes one file of the output.

The plan is written before the first image is read, and does not change. A part is finished if its
file exists, so an interrupted batch continues with the other parts, and no image is left out or
processed twice.

::

    OUT/part-000000.parquet ...      the answers, one file for each part
    OUT/_batch/job.json              the request; written last
    OUT/_batch/parts.parquet         the parts
    OUT/_batch/listing.parquet       of pictures and archives: the location of each image
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
FOLDER = "_batch"  # readers of Parquet folders ignore names that begin with _
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
        The file of the images; empty if they are in the listing.
    group : int
        Row group of the listing.
    first : int
        Index of the first image in the file.
    count : int
        Number of images.
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
    """Arguments of a batch that determine its answers.

    Attributes
    ----------
    source, out : str
        Absolute paths or URLs.
    task : "predict" or "read"
    model : str
        A name, or the path of an ``.onnx`` file or a run.
    model_sha256 : str
    threshold : float or None
        Minimum score of a digit that is not refused; None for that of the model.
    column, key : str
        Of a Parquet source: the columns of the images and of their keys; empty for no keys.
    part_size : int
        Largest number of images in a part.
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
        Kind of the source's files.
    images, parts : int
        Numbers of images and of parts.
    """

    kind: Kind
    images: int
    parts: int

    def differs_in(self, request: Request) -> list[str]:
        """Return the fields in which a request for the same output differs from this job."""
        own = asdict(self)
        # A request without a column takes the one that the plan chose.
        other = asdict(request) | ({} if request.column else {"column": self.column})
        return [name for name in other if name != "out" and own[name] != other[name]]


def path_in(out: Files, *names: str) -> str:
    """Return a path in the output."""
    return "/".join([out.root.rstrip("/"), *names])


def write_job(job: Job) -> None:
    """Write ``job.json``, which marks the plan as complete."""
    out = job.open_out()
    with out.system.open(path_in(out, FOLDER, "job.json"), "w") as file:
        json.dump(asdict(job), file, indent=2)


def read_job(url: str) -> Job | None:
    """Return the job of an output folder; None if it has none.

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
    """Yield the parts of a job in order."""
    index = 0
    out = job.open_out()
    with out.system.open(path_in(out, FOLDER, "parts.parquet"), "rb") as file:
        for batch in pq.ParquetFile(file).iter_batches():
            for row in batch.to_pylist():
                yield Part(index, **row)
                index += 1


class TableWriter:
    """Writer of a Parquet file of the plan, one row group at a time."""

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
