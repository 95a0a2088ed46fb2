"""What the page network tells apart, and the form of its maps.

The network looks at a gray picture and gives, for each cell of 4×4 pixels, `MAPS` numbers. Training
draws these maps from the truth of synthesised pages, reading finds glyphs in them; both take the
order of the maps from here. The glyph network looks at single glyphs, with the same classes.
"""

import math

DIGIT_CLASSES = "0123456789"
POINT, COMMA, MINUS, SLASH, COLON = ".", ",", "-", "/", ":"
SIGNS = POINT + COMMA + MINUS + SLASH + COLON
OTHER = "*"  # letters and every symbol that is neither a digit nor one of the signs
CLASSES = DIGIT_CLASSES + SIGNS + OTHER  # one character each; the place is the number of the class

NOTHING = len(CLASSES)  # the class of a crop without a glyph in its middle, for the glyph network
CROP = 32  # pixels; side of what the glyph network looks at

STRIDE = 4  # pixels of the picture to one cell of the maps, in each direction
UNIT = 16.0  # pixels; widths and heights are given as natural logarithms of multiples of it

# The place of each map along the channel axis.
HEAT = slice(0, len(CLASSES))  # per class: that the centre of a glyph's box is in this cell
SIZE = slice(16, 18)  # ln(width / UNIT), ln(height / UNIT) of the glyph's box
OFFSET = slice(18, 20)  # centre of the box minus the cell's left and top edge, in cells, 0 to 1
LINK = slice(20, 22)  # that the glyph has a next, and a previous one in the same number
NEXT = slice(22, 24)  # centre of the next glyph minus this centre, x and y, in UNITs
RAISED = slice(24, 25)  # that the glyph belongs to a superscript
RULING = slice(25, 28)  # ruling lines: more across than down; more down than across; crossings
MAPS = 28

# Heights of writing, in pixels: of the digits of the writer who wrote the glyph.
SMALLEST, LARGEST = 12.0, 48.0  # within these the network finds every glyph
BEST = math.sqrt(SMALLEST * LARGEST)  # digits of this height are read best
IGNORED = 1.3  # factor beyond them up to which an answer is neither right nor wrong
