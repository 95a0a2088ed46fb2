"""Read a page with the page network: maps, glyphs, numbers, lines, grids."""

from digitscope.page_reading.parameters import ReadingParameters
from digitscope.page_reading.reader import read

__all__ = ["ReadingParameters", "read"]
