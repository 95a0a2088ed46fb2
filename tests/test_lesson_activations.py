"""The lesson on activations: slopes, the collapse of a linear network, and dead units."""

import dataclasses

import numpy as np
import pytest

from digitscope.lessons import open_lesson, run
from digitscope.lessons.course import make_settings
from digitscope.lessons.experiments.activations import NONE, ActivationsSettings, measure
from digitscope.lessons.experiments.activations_figures import KINDS
from digitscope.lessons.experiments.hidden_layer import collapse, dead_units
from digitscope.nn import SGD, Design, Network, pixels, train
from digitscope.nn.activations import ACTIVATIONS

TINY = {"units": 12, "rates": "0.05,0.5", "images": 300, "epochs": 2, "seeds": 2}


@pytest.fixture(scope="module")
def lesson(digits):
    return run("activations", TINY, data=digits)


@pytest.mark.parametrize("kind", KINDS)
def test_functions_and_slopes_are_those_of_keras(kind):
    keras = pytest.importorskip("keras")
    y = np.array([-30, -3, -0.5, 0.25, 2, 30])
    function, slope = ACTIVATIONS[kind][1:]
    expected = np.asarray(keras.activations.get(kind)(keras.ops.convert_to_tensor(y, "float64")))
    assert np.allclose(function(y), expected, rtol=1e-6, atol=1e-12)
    numeric = (function(y + 1e-6) - function(y - 1e-6)) / 2e-6
    assert np.allclose(slope(y, function(y)), numeric, atol=1e-7)


def test_a_linear_network_is_one_matrix(digits):
    x, labels = pixels(digits.train.images[:200]), digits.train.labels[:200]
    network = Network(Design(hidden=(16,), activation="linear"), 1, np.float64)
    for _ in train(network, SGD(0.1), x, labels, epochs=3, batch=20):
        pass
    assert np.abs(network.dense[0].bias).max() > 1e-4  # or b1 W2 would be 0
    w, b = collapse(network)
    assert w.shape == (784, 10)
    assert np.allclose(x @ w + b, network.forward(x), atol=1e-12)


def test_dead_units_are_found_and_do_not_learn(digits):
    x, labels = pixels(digits.train.images[:200]), digits.train.labels[:200]
    network = Network(Design(hidden=(16,)), 1)
    network.dense[0].bias[[3, 8]] = -1e3
    assert np.flatnonzero(dead_units(network, x)).tolist() == [3, 8]
    before = network.dense[0].kernel.copy()
    for _ in train(network, SGD(0.1), x, labels, batch=20):
        pass
    moved = np.abs(network.dense[0].kernel - before).max(0)
    assert (moved[[3, 8]] == 0).all()
    assert (np.delete(moved, [3, 8]) > 0).all()


@pytest.mark.parametrize(
    ("kind", "bias", "dead"),
    [("elu", -10, 0), ("elu", -1e3, 16), ("linear", -1e3, 0), ("tanh", 1e3, 16)],
)
def test_which_units_are_dead_is_a_matter_of_the_slope(digits, kind, bias, dead):
    network = Network(Design(hidden=(16,), activation=kind), 1)
    network.dense[0].bias[:] = bias
    assert dead_units(network, pixels(digits.train.images[:50])).sum() == dead


def test_what_is_measured(digits):
    settings = make_settings("activations", ActivationsSettings, TINY)
    shares = []
    measured = measure(digits, settings, shares.append)
    assert measured.test.shape == measured.dead.shape == (len(KINDS) + 1, 2, 2)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert measured.weights == (784 * 12 + 12 + 120 + 10, 7850)
    assert measured.images == (500, 297)
    assert (measured.dead[KINDS.index("linear")] == 0).all()
    assert measured.apart.max() < 1e-9
    assert (measured.agree == 1).all()
    assert (measured.back == 0).all()
    assert (measured.test > 0.05).all()
    held = np.zeros_like(measured.held_out)
    held[1, 1] = 1
    assert dataclasses.replace(measured, held_out=held).best(1) == 1


def test_the_page(lesson):
    accuracies, dying = lesson.text.tables
    assert [row[0] for row in accuracies.rows][-1] == NONE
    assert len(dying.rows) == 2
    assert [p.name for p in lesson.text.figures] == ["functions", "dead-units"]
    panels = lesson.text.figures[0].figure.axes
    assert [axes.get_title(loc="left").lower() for axes in panels] == [*KINDS]
    assert lesson.text.checks[0].holds  # one matrix: true for any settings


def test_exercises_can_be_set(lesson):
    settings = open_lesson("activations").settings
    for exercise in lesson.text.exercises:
        changed = make_settings(
            "activations", settings, dict(change.split("=") for change in exercise.changes)
        )
        assert changed != settings()
