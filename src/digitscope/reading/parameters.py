"""The numeric parameters of reading, all in one place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingParameters:
    """Parameters from the maps to the page.

    Those marked (layout) follow from how pages are synthesised or written and were set once; those
    marked (chosen) are measured on validation pages; those marked (turned) on development pictures
    in all four turns; those marked (real) on development pictures, where validation pages differ.

    Attributes
    ----------
    threshold : float
        Probability of a digit from which on it is reported. A minus, point or comma is part of a
        number where it is more likely than not. (real; higher values invent less on pictures
        without digits, but refuse single digits)
    least : float
        Presence (`glyphs.to_presence`) from which on a peak is a glyph of any class; probability of
        a digit from which on it is reported where it is linked to one above the threshold, or in a
        grid. (real)
    certain : float
        Probability of a glyph's class from which on it gets no further look. (real)
    tile : float
        Weight of the third look's log-probabilities of digits; those before have 1. (real)
    marks, digits : float
        Usual share of real marks, which are no false alarms, among glyphs; of digits among marks.
        (real)
    context : float
        Weight of the share of digits among the neighbours; that of real marks has 1. (real: whether
        a mark among digits is one, the page network sees itself)
    reach : float
        Distance in glyph sizes over which the weight of a neighbour falls to 1/e. (real; from 3 to
        16 it makes little difference)
    same_centre : float
        Distance of two centres, in box sizes, below which they are one glyph. (layout: 1s written
        closely are half a box apart, in the measure of `glyphs.suppress`)
    same_size : float
        Ratio of their longer sides below which they may be one glyph. (layout: errors of boxes)
    slimmest : float
        Least ratio of a box's sides in that measure. (layout: of a 1 or a minus)
    usual_pixels : float
        Of the level from which the pyramid goes down. (layout: one page with usual writing)
    most_pixels : float
        Pixels of the finest level at most. (layout: time)
    small_share : float
        Share of small writing from which on a finer level is looked at. (chosen)
    upright : float
        Share of sure digits among glyphs from which on the turns are not compared. (turned)
    turn : float
        Nats of evidence, as of independent glyphs, that another turn must have more than upright.
        (turned)
    link : float
        Mean of the two link probabilities from which on two glyphs belong together. (real)
    landing : float
        Distance between the predicted and the found centre of the next glyph, in digit heights, up
        to which they may be the same. (chosen)
    same_row : float
        Common height of two numbers side by side, as a share of the taller one. (layout)
    steepest : float
        Degrees; the largest skew of lines. (layout)
    ruling : float
        Probability from which on a cell of the maps shows a ruling line or a crossing. (chosen)
    ruled : float
        Share of the way between two crossings that a ruling line must cover, and of its length
        that a line of a grid must be ruled. (layout: broken lines, merged cells)
    aside : float
        Cells of the maps from a ruling line up to which a crossing is on it. (layout: bent lines)
    steep_ruling : float
        Cells down per cell across; the steepest row line of an upright page. (layout: perspective)
    same_ruling : float
        Distance of two pieces of one ruling line, in cells of the grid. (layout)
    """

    threshold: float = 0.5
    least: float = 0.2
    certain: float = 0.99
    tile: float = 0.3
    marks: float = 0.8
    digits: float = 0.9
    context: float = 0.3
    reach: float = 8.0
    same_centre: float = 0.5
    same_size: float = 2.5
    slimmest: float = 0.3
    usual_pixels: float = 1_050_000.0
    most_pixels: float = 4_000_000.0
    small_share: float = 0.25
    upright: float = 0.95
    turn: float = 2.5
    link: float = 0.5
    landing: float = 0.65
    same_row: float = 0.5
    steepest: float = 17.0
    ruling: float = 0.4
    ruled: float = 0.6
    aside: float = 2.0
    steep_ruling: float = 0.6
    same_ruling: float = 0.4
