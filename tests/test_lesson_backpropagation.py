"""The lesson on backpropagation: its forty-odd lines against Keras, and what it measures."""

import numpy as np
import pytest

from digitscope.errors import Misuse
from digitscope.lessons import open_lesson, run
from digitscope.lessons.content import listing
from digitscope.lessons.course import make_settings
from digitscope.lessons.experiments import backpropagation as lesson
from digitscope.lessons.experiments import network_by_hand as by_hand
from digitscope.nn import pixels
from tolerances import RELATIVE, STEP

TINY = {"units": 12, "epochs": 2, "rates": "0.003,0.01", "images": 600, "seeds": 2, "checked": 5}


@pytest.fixture(scope="module")
def told(digits):
    return run("backpropagation", TINY, data=digits)


def batch_of(digits, n=20):
    some = digits.train.take(np.arange(n))
    return pixels(some.images).astype(np.float64), some.labels


def keras_network(weights):
    import keras

    network = keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(weights[0].shape[1], activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    network.set_weights(weights)
    return network


def keras_gradients(network, x, labels):
    import keras
    import tensorflow as tf

    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        loss = entropy(labels, network(x.astype(np.float32)))
    gradients = tape.gradient(loss, [v.value for v in network.trainable_variables])
    return float(loss), [g.numpy() for g in gradients]


def test_the_gradients_and_the_loss_are_those_of_keras(digits):
    rng = np.random.default_rng(0)
    weights = by_hand.begin(32, rng)
    weights[1] += rng.normal(0, 0.3, 32)
    weights[3] += rng.normal(0, 0.3, 10)
    x, labels = batch_of(digits)
    loss, theirs = keras_gradients(keras_network(weights), x, labels)
    ours = by_hand.backward(weights, x, labels)
    assert [g.shape for g in ours] == [w.shape for w in weights]
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=RELATIVE * np.abs(other).max())
    probabilities = by_hand.forward(weights, x)[1]
    assert by_hand.cross_entropy(probabilities, labels) == pytest.approx(loss, 1e-6)


def test_three_steps_are_those_of_keras_adam(digits):
    import keras

    weights = [w.astype(np.float32) for w in by_hand.begin(16, np.random.default_rng(1))]
    rate = 0.01
    network, optimizer = keras_network(weights), keras.optimizers.Adam(rate)
    m, v = [0.0] * 4, [0.0] * 4
    x, labels = batch_of(digits, 60)
    x = x.astype(np.float32)
    for t in (1, 2, 3):
        rows = slice(20 * (t - 1), 20 * t)
        _, gradients = keras_gradients(network, x[rows], labels[rows])
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in gradients],
                        network.trainable_variables)  # fmt: skip
        by_hand.adam(weights, by_hand.backward(weights, x[rows], labels[rows]), m, v, t, rate)
    for mine, theirs in zip(weights, network.get_weights(), strict=True):
        # Where a gradient is nearly 0, its sign is rounding, and Adam steps by it all the same.
        assert np.quantile(np.abs(mine - theirs), 0.999) < STEP * rate
        assert mine.dtype == np.float32


def test_the_check_is_of_the_gradient_that_trains(digits, monkeypatch):
    settings = make_settings("backpropagation", lesson.BackpropagationSettings, TINY)
    x, labels = batch_of(digits)
    good = lesson.differences(settings, x, labels)
    assert [kernel.name for kernel in good] == ["W₁", "W₂"]
    assert all(kernel.error[kernel.best].max() < 1e-6 for kernel in good)
    assert lesson.beside_library(12, x, labels) < 1e-12
    right = by_hand.backward

    def wrong(weights, x, labels):  # as if ReLU had no slope
        gradients = right(weights, x, labels)
        _, by_logits = by_hand.forward(weights, x)
        by_logits[np.arange(len(x)), labels] -= 1
        return [x.T @ (by_logits / len(x) @ weights[2].T), *gradients[1:]]

    monkeypatch.setattr(lesson, "backward", wrong)
    first, second = lesson.differences(settings, x, labels)
    assert np.median(first.error, 1).min() > 0.01
    assert second.error[second.best].max() < 1e-6
    assert lesson.beside_library(12, x, labels) > 0.01


def test_a_network_learns_and_depends_on_its_seed_alone(digits):
    x, labels = pixels(digits.train.images), digits.train.labels
    form: dict = {"units": 24, "batch": 32, "epochs": 4, "rate": 0.01}

    def weights(seed):
        return by_hand.train(x, labels, seed=seed, **form)

    first = weights(0)
    x_test = pixels(digits.test.images)
    assert by_hand.accuracy(first, x_test, digits.test.labels) > 0.85
    assert all((a == b).all() for a, b in zip(first, weights(0), strict=True))
    assert (first[0] != weights(1)[0]).any()


def test_the_page_shows_some_forty_lines_without_the_library(told):
    (code,) = told.text.code
    assert code == listing(
        by_hand.begin, by_hand.forward, by_hand.cross_entropy, by_hand.backward, by_hand.adam,
        by_hand.train,
    )  # fmt: skip
    lines = [line for line in code.split("\n") if line.strip() and '"""' not in line]
    assert len(lines) == 42
    assert not {"Network", "Design", "cross_entropy("} & set(code.replace("def ", "").split())
    assert told.text.finding.startswith("42 lines")


def test_it_reports_what_it_measured(digits):
    settings = make_settings("backpropagation", lesson.BackpropagationSettings, TINY)
    shares = []
    measured = lesson.measure(digits, settings, shares.append)
    assert measured.accuracy.shape == (2,)
    assert measured.rate == settings.rates[int(measured.chosen.argmax())]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    page = open_lesson("backpropagation").tell(measured, settings)
    assert [check.holds for check in page.checks[:3]] == [True] * 3
    assert page.checks[3].holds == (measured.accuracy.mean() >= lesson.PUBLISHED)
    assert f"{100 * measured.accuracy.mean():.1f}" in page.finding


def test_in_float32_the_check_is_coarser(digits, told):
    coarse = run("backpropagation", {**TINY, "precision": "float32"}, data=digits)
    assert "float32" in coarse.text.experiment
    errors = [max(float(row[3]) for row in lesson_rows(page)) for page in (told.text, coarse.text)]
    assert errors[1] > 1e3 * errors[0]
    with pytest.raises(Misuse, match="Received: 'float16'"):
        run("backpropagation", {**TINY, "precision": "float16"}, data=digits)


def lesson_rows(page):
    raised = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
    for row in page.tables[1].rows:
        yield (*row[:3], row[3].translate(raised).replace(" × 10", "e"))
