"""Classes of the page network and the glyph network, and the layout of the page network's maps.

The page network returns `MAPS` numbers for each cell of 4×4 pixels of a gray picture. Training
draws these maps from the ground truth of synthesised pages, and reading finds glyphs in them; both
take the order of the maps from here. The glyph network classifies single glyphs into the same
classes.
"""

import math

DIGIT_CLASSES = "0123456789"
POINT, COMMA, MINUS, SLASH, COLON = ".", ",", "-", "/", ":"
SIGNS = POINT + COMMA + MINUS + SLASH + COLON
OTHER = "*"  # letters and every symbol that is neither a digit nor one of the signs
CLASSES = DIGIT_CLASSES + SIGNS + OTHER  # one character each; its index is the class number

NOTHING = len(CLASSES)  # class of a crop without a glyph at its centre (glyph network only)
CROP = 32  # side of the glyph network's input, in pixels

STRIDE = 4  # pixels of the picture per cell of the maps, in each direction
UNIT = 16.0  # unit of lengths in the maps, in pixels

# Slices of the channel axis. Probabilities are 0 to 1.
HEAT = slice(0, len(CLASSES))  # per class: probability that a glyph's box is centred in this cell
SIZE = slice(16, 18)  # ln(width / UNIT), ln(height / UNIT) of the glyph's box
OFFSET = slice(18, 20)  # centre of the box minus the cell's left and top edge, in cells, 0 to 1
LINK = slice(20, 22)  # probabilities of a next and of a previous glyph in the same number
NEXT = slice(22, 24)  # centre of the next glyph minus this centre, x and y, in UNITs
RAISED = slice(24, 25)  # probability that the glyph belongs to a superscript
RULING = slice(25, 28)  # probabilities: line rather across; line rather down; crossing
MAPS = 28

# Heights of writing, in pixels: of the digits of the writer who wrote the glyph.
SMALLEST, LARGEST = 12.0, 48.0  # range in which the network learns to find every glyph
BEST = math.sqrt(SMALLEST * LARGEST)  # geometric mean, 24; digits of about this height read best
IGNORED = 1.3  # up to this factor outside of the range, glyphs are neither sought nor errors
