"""Reading of pages: photos, scans and screenshots with any amount of numbers.

::

    reader.py       the pipeline: picture -> scales -> glyphs -> numbers -> lines and grids -> Page
    scales.py       the scales at which the page network processes a picture
    glyphs.py       peaks of its maps -> boxes with class probabilities
    second_pass.py  doubtful glyphs are classified again, by the glyph network and by `cnn`
    crops.py        the input of the glyph network: one square crop for each glyph
    tiles.py        the input of `cnn`: one 28×28 image for each digit
    neighbours.py   priors of each glyph, estimated from the glyphs around it
    numbers.py      links between glyphs -> numbers
    lines.py        numbers -> lines
    crossings.py    the maps of ruling lines -> crossings, and the pairs that a line joins
    lattice.py      crossings -> a regular lattice
    grids.py        the grids of a page, and the cell of each glyph
    orientation.py  which of the four page orientations is upright
    windows.py      parts of a picture, resampled
    assembly.py     glyphs, numbers and grids -> `Page`
    page.py         the result: Page, Line, Grid, Cell, Number, Digit, Sign
    parameters.py   every numeric parameter
"""

from digitscope.reading.page import Cell, Digit, Grid, Line, Number, Page
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.reader import Reader, load_reader, open_network, read, read_page

__all__ = [
    "Cell",
    "Digit",
    "Grid",
    "Line",
    "Number",
    "Page",
    "Reader",
    "ReadingParameters",
    "load_reader",
    "open_network",
    "read",
    "read_page",
]
