"""Synthetic pictures of digits, non-digits and pages, with exact ground truth.

::

    stroke_notation.py     forms of characters as text
    digit_forms.py         the ten digits in this notation; sign_forms.py: letters and signs
    pen.py                 draws forms with random variations, as writers do
    printed_characters.py  printed characters in the fonts of fonts.py
    recorded_strokes.py    recorded handwriting, drawn again with random variations
    clutter.py             non-digits: blots, scribbles, parts of digits
    degradation.py         blur, noise and low resolution, up to the form of MNIST
    digits.py              images of digits and of non-digits, made from all of these
    pages/                 pages to train the page network on
    faulty_pages/          pages with faults of given strength, to measure a reader on

All randomness comes from a `numpy.random.Generator`: the same state gives the same pictures.
"""

from digitscope.synthesis.digits import draw_digits, draw_non_digits
from digitscope.synthesis.pen import CLEAN, HAND, Style

__all__ = ["CLEAN", "HAND", "Style", "draw_digits", "draw_non_digits"]
