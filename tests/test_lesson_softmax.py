"""The lesson on softmax: its losses against Keras, its temperature, and what float32 loses."""

import numpy as np
import pytest

from digitscope.lessons import run
from digitscope.lessons.experiments.float32_softmax import CLIP, clipped_loss, plain_softmax
from digitscope.lessons.experiments.softmax import SoftmaxSettings, measure
from digitscope.nn.losses import cross_entropy, softmax

TINY: dict = {
    "images": 300, "epochs": 20, "hidden": 16, "seeds": 2, "steps": 1, "gains": (1.0, 30.0),
}  # fmt: skip


@pytest.fixture(scope="module")
def measured(digits):
    return measure(digits, SoftmaxSettings(**TINY), lambda share: None)


@pytest.mark.parametrize("scale", [1, 5, 60])
def test_clipped_loss_is_that_of_keras_given_probabilities(scale):
    import keras
    import tensorflow as tf

    logits = np.random.default_rng(0).normal(0, scale, (50, 10)).astype(np.float32)
    labels = np.random.default_rng(1).integers(0, 10, 50)
    losses, gradients = clipped_loss(logits, labels)
    with tf.GradientTape() as tape:
        given = tf.constant(logits)
        tape.watch(given)
        # Eager: Keras does not see the softmax that the probabilities come from.
        probabilities = tf.exp(given - tf.reduce_max(given, 1, keepdims=True))
        probabilities /= tf.reduce_sum(probabilities, 1, keepdims=True)
        theirs = keras.losses.categorical_crossentropy(np.eye(10)[labels], probabilities)
    np.testing.assert_allclose(losses, theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(gradients, tape.gradient(theirs, given), atol=1e-5)
    flat = softmax(logits)[np.arange(50), labels] < CLIP
    assert flat.any() == (scale > 1)
    assert not gradients[flat].any()


def test_where_nothing_is_clipped_both_losses_are_the_same():
    logits = np.random.default_rng(0).normal(0, 2, (50, 10)).astype(np.float32)
    labels = np.arange(50) % 10
    for ours, theirs in zip(
        clipped_loss(logits, labels), cross_entropy(logits, labels), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_the_formula_as_it_stands_is_softmax_until_exp_overflows():
    from scipy.special import softmax as oracle

    logits = np.array([[1.0, 2.0, 80.0], [0.0, 0.0, 89.0]], np.float32)
    np.testing.assert_allclose(plain_softmax(logits)[0], oracle(logits[0]), rtol=1e-5)
    assert np.isnan(plain_softmax(logits)[1]).any()


def test_measured(measured):
    assert measured.changed == 0
    assert measured.highest == pytest.approx(88.72283, abs=1e-4)
    from_logits, plain, clipped = measured.by_gap
    assert np.isinf(plain[-1])
    assert from_logits[-1] == 120
    assert clipped.max() == pytest.approx(-np.log(1e-7), abs=1e-3)
    no_gradient, zero = measured.lost
    assert (zero <= no_gradient).all()
    assert (no_gradient[1] > no_gradient[0]).all()
    np.testing.assert_array_equal(measured.accuracy[0, 0], measured.accuracy[1, 0])


def test_the_fitted_temperature_is_the_best_on_what_it_was_fitted_on(measured):
    assert (measured.fitted > 0).all()
    assert measured.scores.shape == (2, 2, TINY["seeds"])
    assert np.isfinite(measured.scores).all()


def test_page_and_progress(digits):
    shares = []
    lesson = run("softmax", TINY, data=digits, advance=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "30 times the usual" in lesson.text.finding
