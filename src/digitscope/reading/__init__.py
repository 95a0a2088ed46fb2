"""Read a page: photos, scans and screenshots with any amount of handwritten numbers."""

from digitscope.reading.page import Cell, Digit, Grid, Line, Number, Page
from digitscope.reading.reader import read

__all__ = ["Cell", "Digit", "Grid", "Line", "Number", "Page", "read"]
