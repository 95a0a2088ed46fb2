"""How good a network is, and which of two is better.

::

    digit_scores.py  a classifier of single digits: accuracy, calibration, refusal
    comparison.py    two classifiers on the same images
    page_scores.py   the page network: its glyphs against the ground truth
"""

from digitscope.evaluation.digit_scores import (
    BINS,
    Examination,
    LabelledImages,
    Refusal,
    Reliability,
    Scores,
    bin_by_confidence,
    confused_pairs,
    evaluate,
    examine,
    fit_temperature,
    reliability,
    score,
    score_refusal,
    score_writers,
    wilson_interval,
)

__all__ = [
    "BINS",
    "Examination",
    "LabelledImages",
    "Refusal",
    "Reliability",
    "Scores",
    "bin_by_confidence",
    "confused_pairs",
    "evaluate",
    "examine",
    "fit_temperature",
    "reliability",
    "score",
    "score_refusal",
    "score_writers",
    "wilson_interval",
]
