"""Scores of networks, and comparison of two networks.

::

    digit_scores.py   a classifier of single digits: accuracy, log-loss, confusion matrix
    calibration.py    its temperature and its calibration error
    refusal.py        separation of digits and non-digits
    writer_scores.py  its accuracy by writer
    intervals.py      confidence intervals of a share
    comparison.py     two classifiers on the same images
    page_scores.py    the page network: its glyphs against the ground truth
"""

from digitscope.evaluation.calibration import (
    BINS,
    Reliability,
    bin_by_confidence,
    fit_temperature,
    reliability,
)
from digitscope.evaluation.digit_scores import (
    EvaluationDetails,
    LabelledImages,
    Scores,
    confused_pairs,
    evaluate,
    evaluate_in_detail,
    score,
)
from digitscope.evaluation.intervals import wilson_interval
from digitscope.evaluation.refusal import Refusal, score_refusal
from digitscope.evaluation.writer_scores import score_writers

__all__ = [
    "BINS",
    "EvaluationDetails",
    "LabelledImages",
    "Refusal",
    "Reliability",
    "Scores",
    "bin_by_confidence",
    "confused_pairs",
    "evaluate",
    "evaluate_in_detail",
    "fit_temperature",
    "reliability",
    "score",
    "score_refusal",
    "score_writers",
    "wilson_interval",
]
