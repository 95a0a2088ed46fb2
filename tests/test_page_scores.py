"""Peaks of the page network against the truth: precision, recall, threshold."""

import numpy as np
import pytest

from digitscope.evaluation.page_scores import PageScores, find_peaks
from digitscope.models.glyph_classes import CLASSES, MAPS
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph


def page(*peaks, side=16):
    """Return maps of a page with peaks (row, column, label, probability)."""
    maps = np.zeros((MAPS, side, side), np.float32)
    for row, column, label, probability in peaks:
        maps[CLASSES.index(label), row, column] = probability
    return maps


def glyph(label, x, y, height=16.0):
    return TrueGlyph(label, label, (x - 5.0, y - 8.0, x + 5.0, y + 8.0), height)


def test_a_place_has_one_peak_of_its_most_probable_class():
    maps = page((4, 4, "3", 0.5), (4, 5, "8", 0.3), (9, 9, "1", 0.8), (12, 2, "7", 0.04))
    maps[CLASSES.index("8"), 4, 4] = 0.2
    peaks = find_peaks(maps[:16])
    assert [CLASSES[k] for k in peaks.classes] == ["1", "3"]
    np.testing.assert_allclose(peaks.confidences, [0.8, 0.5])
    assert peaks.places.tolist() == [[38, 38], [18, 18]]


def scores():
    truth = PageTruth(
        (64, 64),
        (glyph("3", 18, 18), glyph("3", 50, 18), glyph("1", 50, 50), glyph("9", 18, 50, 10.0)),
        ((56.0, 0.0, 64.0, 8.0),),
    )
    maps = page(
        (4, 4, "3", 0.9),  # right
        (6, 4, "3", 0.6),  # the same glyph again: invented
        (4, 12, "5", 0.5),  # on the other 3: a wrong class
        (12, 12, "1", 0.4),  # right
        (12, 4, "2", 0.7),  # on writing too small to be sought: not counted
        (0, 15, "4", 0.8),  # in an ignored box: not counted
        (14, 8, "*", 0.2),  # invented, but no digit
    )
    return PageScores.from_maps([(maps, truth), (page(), PageTruth((64, 64), ()))])


def test_precision_and_recall_by_hand():
    found = scores()
    rates = found.rates()
    assert (rates.right, rates.invented, rates.missed) == (2, 2, 1)
    assert rates.precision == 0.5
    assert rates.recall == pytest.approx(2 / 3)
    assert rates.f1 == pytest.approx(4 / 7)
    higher = found.rates(threshold=0.55)
    assert (higher.right, higher.invented, higher.missed) == (1, 1, 2)
    only = found.rates(pages=np.array([False, True]))
    assert (only.right, only.invented, only.missed) == (0, 0, 0)
    assert found.rates("*", 0.1).invented == 1
    assert found.found.tolist() == pytest.approx([0.9, -1, 0.4])
    row = found.row()
    assert row["recall_digits"] == pytest.approx(2 / 3)
    assert row["f1.1"] == 1


def test_the_curve_agrees_with_the_rates():
    found = scores()
    for threshold, precision, recall, n in zip(*found.curve(), strict=True):
        rates = found.rates(threshold=threshold)
        assert (precision, recall) == pytest.approx((rates.precision, rates.recall))
        assert n == rates.right + rates.invented


def many(invented, n=200):
    """Return the scores of pages with a digit each, confidences rising, some invented ones."""
    pages = []
    for k in range(n):
        peaks = [(4, 4, "3", 0.5 + 0.4 * k / n)]
        if k < invented:
            peaks.append((12, 12, "6", 0.45 + 0.1 * k / n))
        pages.append((page(*peaks), PageTruth((64, 64), (glyph("3", 18, 18),))))
    return PageScores.from_maps(pages)


def test_the_threshold_is_the_lowest_that_is_precise_enough():
    found = many(invented=40)
    chosen = found.choose_threshold(0.99)
    assert chosen["precision"] >= 0.99
    thresholds, precisions, _, _ = found.curve()
    assert (precisions[thresholds < chosen["threshold"]] < 0.99).all()
    assert chosen["recall"] == found.rates(threshold=chosen["threshold"]).recall
    assert chosen["n"] == 200


def test_without_a_precise_threshold_it_is_the_best_f1():
    found = many(invented=60, n=80)  # fewer than 100 digits show no 99 %
    chosen = found.choose_threshold(0.99)
    best = max(found.rates(threshold=t).f1 for t in found.curve()[0])
    assert found.rates(threshold=chosen["threshold"]).f1 == best
    nothing = PageScores.from_maps([(page(), PageTruth((64, 64), ()))])
    assert nothing.choose_threshold() == {}
    assert nothing.rates().f1 == 0
