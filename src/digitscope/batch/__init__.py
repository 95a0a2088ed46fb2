"""Batch processing: millions of images or pictures into Parquet files, on one machine or many.

`run_batch` reads any source that fsspec can open, and writes one file for each part of it. Ray Data
distributes the parts to workers. It needs the extra ``batch``.
"""

from digitscope.extras import require

require("batch", "digitscope batch")

from digitscope.batch.engine import BatchSummary, run_batch

__all__ = ["BatchSummary", "run_batch"]
