"""The lesson on optimizers: its valley against SciPy and theory, its race, its ranges of rates."""

import dataclasses
import math

import numpy as np
import pytest

from digitscope.lessons import open_lesson, run
from digitscope.lessons.course import make_settings
from digitscope.lessons.experiments import optimizers as lesson
from digitscope.lessons.experiments.optimizers_figures import NAMES
from digitscope.lessons.experiments.valley import PATH, Valley, steps_to, walk
from digitscope.nn import SGD, Adam, Momentum

TINY = {
    "rates": "0.1,0.3", "adaptive_rates": "0.003,0.01", "hidden": 12, "images": 600, "batch": 16,
    "epochs": 2, "seeds": 2, "target": 0.6,
}  # fmt: skip


def settings_of(**changes):
    return make_settings("optimizers", lesson.OptimizersSettings, {**TINY, **changes})


@pytest.fixture(scope="module")
def measured(digits):
    shares = []
    result = lesson.measure(digits, settings_of(), shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    return result


@pytest.mark.parametrize("angle", [0, 30, 45])
def test_the_valley_has_its_curvatures_along_the_turned_axes(angle):
    valley = Valley(40, angle)
    values, axes = np.linalg.eigh(valley.curvature)
    assert values == pytest.approx([1, 40])
    assert abs(axes[:, 0] @ [math.cos(math.radians(angle)), math.sin(math.radians(angle))]) > 0.999
    start = walk("sgd", 0.01, valley).path[:1]
    assert valley.height(start) == pytest.approx(0.5 + 20 * 0.3**2)


def test_the_slope_of_the_valley_is_that_of_its_height():
    from scipy.optimize import check_grad

    valley = Valley(7, angle=20)
    gap = check_grad(
        lambda w: valley.height(w[None])[0],
        lambda w: valley.curvature @ w,
        np.array([0.4, -1.1]),
    )
    assert gap < 1e-5


@pytest.mark.parametrize("condition", [10, 100])
def test_gradient_descent_shrinks_as_theory_says(condition):
    path = walk("sgd", 2 / (1 + condition), Valley(condition)).path
    lengths = np.linalg.norm(path, axis=1)
    assert len(lengths) > 10
    assert lengths[1:] / lengths[:-1] == pytest.approx((condition - 1) / (condition + 1))


def test_momentum_with_the_rate_and_mass_of_polyak_shrinks_as_theory_says():
    root = math.sqrt(100)
    valley, mass = Valley(100), ((root - 1) / (root + 1)) ** 2
    optimizer = Momentum(rate=(2 / (root + 1)) ** 2, momentum=mass)
    w = np.array([-1.0, 0.3])
    lengths = []
    for _ in range(200):
        optimizer.step(w, valley.curvature @ w)
        lengths.append(np.linalg.norm(w))
    assert (lengths[-1] / lengths[99]) ** (1 / 100) == pytest.approx((root - 1) / (root + 1), 0.02)


def test_a_turned_valley_is_the_same_for_gradient_descent_and_not_for_adam():
    def steps(name, angle):
        return walk(name, 0.01, Valley(100, angle)).steps

    assert steps("sgd", 0) == steps("sgd", 33)
    assert steps("momentum", 0) == steps("momentum", 33)
    assert steps("adam", 0) != steps("adam", 33)


def test_steps_are_counted_until_a_walk_stays_below():
    heights = np.array([1.0, 0.5, 1e-4, 0.2, 1e-4, 1e-5])
    assert steps_to(heights) == 4
    assert steps_to(heights[:4]) == 4  # it never stays
    heights[5] = np.nan
    assert steps_to(heights) == 6
    slow, wild = walk("sgd", 1e-6, Valley(10)), walk("sgd", 1.0, Valley(10))
    assert slow.steps == wild.steps == PATH + 1
    assert len(slow.path) == PATH + 1


def test_between_which_rates_it_is_within_a_point():
    rates = (0.01, 0.1, 1.0, 10.0)
    low, high = lesson.good_rates(rates, np.array([0.93, 0.95, 0.945, 0.925]))
    assert low == pytest.approx(0.1 / 10**0.5)
    assert high == pytest.approx(10**0.25)
    assert lesson.good_rates(rates, np.array([0.95, 0.949, 0.948, 0.947])) == pytest.approx(
        (0.01, 10)
    )
    low, high = lesson.good_rates(rates, np.array([0.95, 0.1, 0.95, 0.1]))
    assert 0.01 <= low < high < 0.011


def test_the_best_rate_is_chosen_on_the_held_out_images(measured):
    settings = settings_of()
    for name, accuracy, best in zip(NAMES, measured.held_out, measured.best, strict=True):
        assert best == lesson.rates_of(name, settings)[int(accuracy.argmax())]
    assert measured.accuracy.shape == (5, 2, 2 * lesson.LEGS)
    assert measured.accuracy[:, :, -1].mean() > measured.accuracy[:, :, 0].mean()


def test_the_steps_to_a_target(measured):
    needed = lesson.steps_needed(measured, 0.6)
    for optimizer, row in zip(measured.accuracy, needed, strict=True):
        for curve, steps in zip(optimizer, row, strict=True):
            above = [n for n, a in zip(measured.leg, curve, strict=True) if a >= 0.6]
            assert steps == (above[0] if above else math.inf)
    assert np.isinf(lesson.steps_needed(measured, 1.01)).all()


def test_a_rate_that_diverges_leaves_the_rest_of_the_page_whole(measured):
    stopped = measured.accuracy.copy()
    stopped[0, :, 3:] = np.nan
    changed = dataclasses.replace(measured, accuracy=stopped)
    page = open_lesson("optimizers").tell(changed, settings_of(target=0.999))
    assert page.finding.startswith("None reads")
    assert "2 of 2 not in" in page.tables[0].rows[0][3]
    assert "2 of 2 not in" in page.figures[1].figure.get_suptitle().replace("\n", " ")


def test_decay_reaches_adamw_alone(digits):
    from digitscope import nn

    x = nn.pixels(digits.train.images[:200])

    def weights(name, decay):
        network = nn.Network(nn.Design(hidden=(8,)))
        settings = settings_of(decay=decay)
        for _ in lesson.legs(network, name, 0.01, x, digits.train.labels[:200], settings, 0):
            pass
        return network.weights

    assert (weights("adam", 0.0) == weights("adam", 5.0)).all()
    assert weights("adamw", 0.0) == pytest.approx(weights("adam", 0.0), abs=1e-7)
    assert np.linalg.norm(weights("adamw", 5.0)) < np.linalg.norm(weights("adam", 0.0))


def test_the_page_shows_the_code_that_ran(digits):
    told = run("optimizers", {**TINY, "condition": 20}, data=digits)
    (code,) = told.text.code
    assert lesson.OPTIMIZERS["sgd"] is SGD  # type: ignore[attr-defined]
    assert lesson.OPTIMIZERS["adam"] is Adam  # type: ignore[attr-defined]
    for line in ("weights -= self.rate * gradient", "class AdamW(Adam)"):
        assert line in code
    assert f"{2 / 21:.3g}" in told.text.checks[1].claim
