"""Forms of the letters and signs among the numbers of a page.

None of them looks like a digit. They differ from the forms of `sign_forms`, so no network was
trained on them. Here y is 0 at the top of a digit and 100 at the baseline, so a form also gives its
vertical position on the line.
"""

from digitscope.synthesis.stroke_notation import Glyph

LETTERS = (
    Glyph("A", "0,100 35,0! 70,100 | 12,62 60,62"),
    Glyph("E", "55,0 0,0! 0,100! 58,100 | 0,48 45,48"),
    Glyph("F", "55,0 0,0! 0,100 | 0,48 42,48"),
    Glyph("H", "0,0 0,100 | 60,0 60,100 | 0,50 60,50"),
    Glyph("K", "0,0 0,100 | 55,0 2,55! 60,100"),
    Glyph("M", "0,100 8,0! 40,70! 72,0! 80,100"),
    Glyph("N", "0,100 0,0! 60,100! 60,0"),
    Glyph("P", "0,100 0,0 50,2 58,27 45,50 2,52"),
    Glyph("R", "0,100 0,0 50,2 55,25 40,48 5,50 60,100"),
    Glyph("W", "0,0 22,100! 45,30! 68,100! 90,0"),
    Glyph("X", "0,0 60,100 | 60,0 0,100"),
    Glyph("a", "50,50 20,42 0,70 15,100 48,80 50,45 55,100"),
    Glyph("e", "3,72 45,70 35,43 5,50 0,85 20,100 50,90"),
    Glyph("h", "0,0 0,100 | 0,70 20,45 42,50 44,100"),
    Glyph("k", "0,0 0,100 | 40,42 2,72! 42,100"),
    Glyph("m", "0,45 0,100 | 0,60 20,43 30,50 30,100 | 30,60 50,43 60,50 62,100"),
    Glyph("n", "0,45 0,100 | 0,65 20,43 38,50 40,100"),
    Glyph("r", "0,45 0,100 | 0,68 15,47 36,46"),
    Glyph("v", "0,45 22,100! 45,45"),
    Glyph("w", "0,45 16,100! 34,50! 52,100! 70,45"),
    Glyph("x", "0,45 45,100 | 45,45 0,100"),
    Glyph("+", "0,55 50,55 | 25,30 25,80"),
    Glyph("-", "0,55 45,55"),
    Glyph("=", "0,43 50,43 | 0,67 50,67"),
    Glyph("/", "0,122 80,-22"),  # taller than a 1
    Glyph("×", "0,35 40,80 | 40,35 0,80"),
)
