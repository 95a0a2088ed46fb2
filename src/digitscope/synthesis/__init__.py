"""Pictures drawn by digitscope itself: digits, what is no digit, and pages, with their exact truth.

A form is a line of text (`strokes`): the ten digits in `glyphs`, letters and signs in `signs`. A
`pen` draws forms as writers do, `type` sets printed characters, `clutter` makes blots, scribbles
and parts of digits. `wear` brings all of them into the form of MNIST, and `digits` mixes them into
as many images as are asked for. `pages` fills sheets of paper and photographs them.

Everything is drawn from a `numpy.random.Generator`: the same state gives the same pictures.
"""

from digitscope.synthesis.digits import draw_digits, draw_non_digits
from digitscope.synthesis.pen import CLEAN, HAND, Style

__all__ = ["CLEAN", "HAND", "Style", "draw_digits", "draw_non_digits"]
