"""Read a page: photos, scans and screenshots with any amount of numbers.

::

    reader.py       picture -> scales -> glyphs -> numbers -> lines and grids -> Page
    scales.py       at which scales the page network looks at a picture
    glyphs.py       peaks of its maps -> boxes with the probabilities of their classes
    second_look.py  doubtful glyphs are seen once more, alone and larger, by the glyph network
    crops.py        what it looks at
    numbers.py      links between glyphs -> numbers
    lines.py        numbers -> lines
    grids.py        ruling lines -> lattices of cells
    orientation.py  which of the four turns is upright
    windows.py      parts of a picture, resampled
    tiles.py        a small picture of each digit
    assembly.py     all of that -> `Page`
    page.py         what comes out: Page, Line, Grid, Cell, Number, Digit, Sign
    parameters.py   every numeric parameter
    annotate.py     the picture with what was read drawn over it
    maps_picture.py the picture with what the network shows drawn over it
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
