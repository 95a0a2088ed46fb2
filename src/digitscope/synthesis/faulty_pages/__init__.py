"""Pages of handwritten numbers with given faults and exact ground truth, to measure a reader.

`make_page` fills a sheet (`writer`) with digits of given images (`stroke_drawing`) and renders a
photograph of it with given `faults`. `write` and `write_page` draw plain pages for tests: one form
of each digit, without any variation.
"""

from digitscope.synthesis.faulty_pages.faults import FAULTS, Faults, check_faults, draw_faults
from digitscope.synthesis.faulty_pages.page_maker import (
    TrueDigit,
    TrueLine,
    TrueNumber,
    Truth,
    make_page,
)
from digitscope.synthesis.faulty_pages.plain_writing import digit_strokes, write, write_page

__all__ = [
    "FAULTS",
    "Faults",
    "TrueDigit",
    "TrueLine",
    "TrueNumber",
    "Truth",
    "check_faults",
    "digit_strokes",
    "draw_faults",
    "make_page",
    "write",
    "write_page",
]
