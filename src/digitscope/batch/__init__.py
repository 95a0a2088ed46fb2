"""Millions of images or pictures into Parquet files, on the cores of one machine or of many.

`run_batch` reads any source that fsspec reaches and writes one file for each part of it; Ray Data
hands the parts to workers. What it needs is the extra ``batch``.
"""

from digitscope.extras import require

require("batch", "digitscope batch")

from digitscope.batch.engine import BatchSummary, run_batch

__all__ = ["BatchSummary", "run_batch"]
