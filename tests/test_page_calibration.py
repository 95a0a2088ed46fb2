"""The line that makes the confidence of digits the share of right ones, and where it goes."""

import numpy as np
import pytest
from scipy.special import expit, logit

from digitscope.evaluation.page_scores import PageScores
from digitscope.models.card import ModelCard
from digitscope.models.glyph_classes import CLASSES, HEAT, MAPS, OTHER
from digitscope.models.page_network import PageNetwork
from digitscope.recipes.page_recipe import PAGE

keras = pytest.importorskip("keras")
from digitscope.training.onnx_export import write_onnx  # noqa: E402
from digitscope.training.page.calibration import (  # noqa: E402
    Calibration,
    calibration_error,
    fit_calibration,
)
from digitscope.training.page.export import check_page_agreement, page_to_onnx  # noqa: E402
from digitscope.training.page.network import build_page_network  # noqa: E402


def scores_of(confidence, right, label="3"):
    n = len(confidence)
    nothing = np.zeros(0)
    return PageScores(
        truths=(),
        peak_page=np.zeros(n, np.intp),
        peak_class=np.full(n, CLASSES.index(label)),
        peak_place=np.zeros((n, 2)),
        confidence=confidence,
        right=right,
        glyph_page=nothing.astype(np.intp),
        glyph_class=nothing.astype(np.intp),
        glyph_box=np.zeros((0, 4)),
        glyph_height=nothing,
        found=nothing,
    )


def drawn(n=20_000, slope=2.5, offset=0.7):
    rng = np.random.default_rng(0)
    logit = rng.uniform(-3, 3, n)
    right = rng.random(n) < 1 / (1 + np.exp(-(slope * logit + offset)))
    return 1 / (1 + np.exp(-logit)), right


def test_the_line_is_found_again():
    line = fit_calibration(scores_of(*drawn()))
    assert (line.slope, line.offset) == pytest.approx((2.5, 0.7), abs=0.1)
    assert line.n == 20_000
    assert line.error_after < 0.01 < 0.1 < line.error_before


def test_only_digits_count_and_too_few_change_nothing():
    confidence, right = drawn()
    assert fit_calibration(scores_of(confidence, right, label=OTHER)) == Calibration()
    confidence, right = drawn(300)
    assert fit_calibration(scores_of(confidence, np.ones_like(right))) == Calibration()


def test_the_error_is_the_mean_distance_in_bins():
    confidence = np.array([0.15, 0.15, 0.95, 0.95, 1.0])
    right = np.array([False, True, True, True, True])
    assert calibration_error(confidence, right) == pytest.approx((0.7 + 0.05 + 0.05) / 5)


def test_the_maps_of_classes_follow_the_line_and_no_others(tmp_path):
    recipe = PAGE.but(stem=4, channels=(8, 8, 8), encoder=(1, 0, 0), decoder=(0, 0))
    network = build_page_network(recipe)
    image = np.random.default_rng(1).integers(0, 256, (32, 48), dtype=np.uint8)
    maps = []
    for line in (Calibration(), Calibration(slope=2.0, offset=0.5)):
        path = tmp_path / "page.onnx"
        write_onnx(page_to_onnx(network, line, half=False), path, ModelCard())
        check_page_agreement(network, path, image[None], line, half=False)
        maps.append(PageNetwork(path, threads=1).maps(image))
    before, after = maps
    expected = expit(2 * logit(before[HEAT]) + 0.5)
    np.testing.assert_allclose(after[HEAT], expected, rtol=5e-3)
    others = np.setdiff1d(np.arange(MAPS), np.arange(MAPS)[HEAT])
    np.testing.assert_array_equal(after[others], before[others])
