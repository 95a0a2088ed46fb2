"""Batch processing: millions of images or pictures into Parquet files, on one machine or many.

`run_batch` reads any source that fsspec can open, and writes one file for each part of it. Ray Data
distributes the parts to workers. It needs the extra ``batch``.
"""

from digitscope.errors import MissingExtra

try:
    import fsspec  # noqa: F401
    import pyarrow  # noqa: F401
    import ray  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        f"batch needs {error.name or 'Ray'}, which is not installed; "
        "install it with: pip install 'digitscope[batch]'"
    ) from None

from digitscope.batch.engine import BatchSummary, run_batch

__all__ = ["BatchSummary", "run_batch"]
