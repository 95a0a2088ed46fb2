"""Millions of images or pictures into Parquet files, on the cores of one machine or of many.

`run_batch` reads any source that fsspec reaches and writes one file for each part of it; Ray Data
hands the parts to workers. What it needs is the extra ``batch``.
"""

from digitscope.errors import MissingExtra

try:
    import fsspec  # noqa: F401
    import pyarrow  # noqa: F401
    import ray  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        f"{error.name or 'Ray'} is missing, which batches need; "
        "install it with: pip install 'digitscope[batch]'"
    ) from None

from digitscope.batch.engine import BatchSummary, run_batch

__all__ = ["BatchSummary", "run_batch"]
