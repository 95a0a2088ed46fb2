"""Pages of handwritten numbers, with the exact truth of what stands where.

`make_page` photographs a sheet that somebody (`writer`) has filled with digits drawn from given
images (`ink`), with whatever `faults` it is asked for. `write` and `write_page` are the plain
opposite: one form of each digit, crisp, and the same every time.
"""

from digitscope.synthesis.faulty_pages.faults import FAULTS, Faults, check_faults, draw_faults
from digitscope.synthesis.faulty_pages.page_maker import (
    TrueDigit,
    TrueLine,
    TrueNumber,
    Truth,
    make_page,
)
from digitscope.synthesis.faulty_pages.plain import digit_strokes, write, write_page

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
