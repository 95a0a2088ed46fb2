"""The lesson on cross-entropy: both losses and both forms of labels against Keras."""

import numpy as np
import pytest

from digitscope.lessons import run
from digitscope.lessons.experiments.cross_entropy import (
    WRONG,
    CrossEntropySettings,
    measure,
)
from digitscope.lessons.experiments.label_losses import (
    one_hot,
    one_hot_cross_entropy,
    squared_error,
)
from digitscope.nn.losses import cross_entropy

TINY: dict = {"images": 300, "epochs": 2, "hidden": 16, "seeds": 2, "rates": (0.1, 0.5)}


@pytest.fixture(scope="module")
def measured(digits):
    return measure(digits, CrossEntropySettings(**TINY), lambda share: None)


@pytest.fixture(scope="module")
def cases():
    rng = np.random.default_rng(0)
    return rng.normal(0, 3, (40, 10)), rng.integers(0, 10, 40)


def test_both_forms_are_those_of_keras(cases):
    import keras

    logits, labels = cases
    sparse = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    dense = keras.losses.categorical_crossentropy(np.eye(10)[labels], logits, from_logits=True)
    np.testing.assert_allclose(cross_entropy(logits, labels)[0], sparse, rtol=1e-5)
    ours = one_hot_cross_entropy(logits, one_hot(labels, np.float64))
    np.testing.assert_allclose(ours, dense, rtol=1e-5)


def test_squared_error_and_its_gradient_are_those_of_automatic_differentiation(cases):
    import tensorflow as tf

    logits, labels = cases
    with tf.GradientTape() as tape:
        given = tf.constant(logits)
        tape.watch(given)
        theirs = tf.reduce_sum((tf.nn.softmax(given) - np.eye(10)[labels]) ** 2, 1)
    losses, gradients = squared_error(logits, labels)
    np.testing.assert_allclose(losses, theirs, rtol=1e-9)
    np.testing.assert_allclose(gradients, tape.gradient(theirs, given), atol=1e-12)


def test_measured(measured, digits):
    assert measured.ulps <= 4
    assert measured.difference < 1e-7
    assert measured.first == pytest.approx(np.log(10), abs=0.05)
    n = len(digits.train)
    assert list(measured.sizes.values()) == [n, 8 * n, 40 * n]
    assert measured.right.mean() > 0.2
    squared = measured.slopes[1, WRONG == 10][0]
    assert squared < 1e-3 < 0.99 < measured.slopes[0, WRONG == 10][0]


def test_the_rate_is_the_best_on_held_out_images_and_its_results_are_kept(measured):
    assert (measured.chosen == np.array(TINY["rates"])[measured.held_out.argmax(2)]).all()
    assert measured.accuracy.shape == (2, 2, TINY["seeds"])
    assert measured.curves.shape[:3] == (2, 2, TINY["seeds"])
    # Before the first steps both losses see the same networks; large weights cost more.
    assert (measured.curves[1, :, :, 0] > measured.curves[0, :, :, 0]).all()


def test_page_and_progress(digits):
    shares = []
    lesson = run("cross-entropy", TINY, data=digits, advance=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert "times as large" in lesson.text.finding
