"""Read a page with the page network: photos, scans and screenshots with any amount of numbers."""

from digitscope.page_reading.parameters import ReadingParameters
from digitscope.page_reading.reader import load_reader, read, read_page

__all__ = ["ReadingParameters", "load_reader", "read", "read_page"]
