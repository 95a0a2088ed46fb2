"""Numeric parameters of reading, in one dataclass."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ReadingParameters:
    """Parameters of all steps from the maps of the page network to the page.

    The mark at the end of each entry says how the value was chosen. (layout): it follows from how
    pages are synthesised or written, and was set once. (chosen): measured on validation pages.
    (turned): measured on development pictures in all four orientations. (real): measured on
    development pictures, because validation pages gave another value.

    Attributes
    ----------
    threshold : float
        Minimum probability of a reported digit. A minus, point or comma belongs to a number if its
        probability is above 0.5. (real; with higher values fewer digits are reported on pictures
        without digits, but single digits are refused)
    low_threshold : float
        Minimum presence (`glyphs.to_presence`) of a peak that becomes a glyph of any class. Also
        the minimum probability of a digit that is linked to a digit above `threshold`, or lies in
        the cell of a grid. (real)
    certain : float
        Class probability at or above which a glyph is not classified again. (real)
    classifier_weight : float
        Weight of the log-probabilities of the digit classifier; those of the earlier networks have
        weight 1. (real)
    mark_prior, digit_prior : float
        Prior share of real marks, which are not false alarms, among glyphs; prior share of digits
        among real marks. (real)
    neighbour_weight : float
        Weight of the share of digits among the neighbours of a glyph; the share of real marks has
        weight 1. (real: the page network itself sees whether a mark among digits is a digit)
    neighbour_distance : float
        Distance, in glyph sizes, over which the weight of a neighbour falls to 1/e. (real; from 3
        to 16 the result hardly changes)
    same_centre : float
        Two glyphs are duplicates if their centres are nearer than this, in box sizes. (layout: 1s
        that are written closely are half a box apart, in the measure of `glyphs.suppress`)
    same_size : float
        Largest ratio of the longer sides of duplicates. (layout: errors of boxes)
    min_aspect : float
        Smallest ratio of a box's sides in the measure of `glyphs.suppress`; a thinner box counts as
        having this ratio. (layout: a 1 or a minus)
    base_pixels : float
        Pixels of the level at which the image pyramid starts. (layout: one page with writing of
        usual height)
    max_pixels : float
        Largest number of pixels of the finest level. (layout: time)
    small_share : float
        Share of small writing at or above which a finer level is computed. (chosen)
    upright_share : float
        Share of certain digits among glyphs at or above which the other orientations are not
        tested. (turned)
    turn_evidence : float
        Nats by which the evidence for another orientation must exceed the evidence for upright;
        nats as of independent glyphs. (turned)
    link_threshold : float
        Smallest mean of the two link probabilities of linked glyphs. (real)
    landing_distance : float
        Largest distance between the predicted and the found centre of the next glyph, in digit
        heights. (chosen)
    row_overlap : float
        Smallest common height of two numbers in one line, as a share of the taller one. (layout)
    max_skew : float
        Largest skew of lines, in degrees. (layout)
    ruling_threshold : float
        Smallest probability of a map cell that shows a ruling line or a crossing. (chosen)
    ruled_share : float
        Smallest share of the distance between two crossings that a ruling line covers, and smallest
        share of the length of a grid line that is ruled. (layout: broken lines, merged cells)
    crossing_distance : float
        Largest distance of a crossing from the ruling line that it is on, in map cells. (layout:
        bent lines)
    max_ruling_slope : float
        Largest slope of a row line on an upright page, cells down per cell across. (layout:
        perspective)
    ruling_distance : float
        Largest distance between two pieces of one ruling line, in cells of the grid. (layout)
    """

    threshold: float = 0.5
    low_threshold: float = 0.2
    certain: float = 0.99
    classifier_weight: float = 0.3
    mark_prior: float = 0.8
    digit_prior: float = 0.9
    neighbour_weight: float = 0.3
    neighbour_distance: float = 8.0
    same_centre: float = 0.5
    same_size: float = 2.5
    min_aspect: float = 0.3
    base_pixels: float = 1_050_000.0
    max_pixels: float = 4_000_000.0
    small_share: float = 0.25
    upright_share: float = 0.95
    turn_evidence: float = 2.5
    link_threshold: float = 0.5
    landing_distance: float = 0.65
    row_overlap: float = 0.5
    max_skew: float = 17.0
    ruling_threshold: float = 0.4
    ruled_share: float = 0.6
    crossing_distance: float = 2.0
    max_ruling_slope: float = 0.6
    ruling_distance: float = 0.4
