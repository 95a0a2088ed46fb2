"""The lesson `layers`: its count and its way through the layers against Keras."""

import dataclasses

import numpy as np
import pytest

from digitscope.lessons import open_lesson, run
from digitscope.lessons.course import make_settings
from digitscope.lessons.experiments import layers as lesson
from digitscope.lessons.experiments.layer_by_layer import by_hand, count_weights
from digitscope.nn import Design, Network, pixels

TINY = {"units": "2,5", "shown": 5, "images": 300, "epochs": 1, "seeds": 2}


@pytest.fixture(scope="module")
def settings():
    return make_settings("layers", lesson.LayersSettings, TINY)


@pytest.fixture(scope="module")
def measured(digits, settings):
    return lesson.measure(digits, settings, lambda share: None)


def in_keras(*units):
    import keras

    dense = [keras.layers.Dense(n, activation="relu") for n in units]
    return keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), *dense, keras.layers.Dense(10)]
    )


@pytest.mark.parametrize("units", [(), (128,), (16, 16), (7, 6, 5)])
def test_the_count_of_weights_is_that_of_keras_and_of_the_network(units):
    total = count_weights((784, *units, 10))
    assert total == in_keras(*units).count_params() == len(Network(Design(hidden=units)).weights)


def test_by_hand_is_what_keras_computes(digits):
    network = Network(Design(hidden=(12,), initialisation="he"), seed=3)
    network.dense[0].bias[...] = np.linspace(-1, 1, 12)
    network.dense[1].bias[...] = np.linspace(0, 2, 10)
    model = in_keras(12)
    model.set_weights([part for dense in network.dense for part in (dense.kernel, dense.bias)])
    image = pixels(digits.test.images[:1]).reshape(28, 28)
    hidden, logits = by_hand(network, image)
    assert hidden.shape == (12,)
    assert (hidden == 0).any()
    oracle = model.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(logits, oracle, rtol=1e-4, atol=1e-5)


def test_what_was_measured_belongs_together(measured):
    assert measured.kernels == ((784, 5), (5, 10))
    assert measured.total == measured.weights[0, 1] == 795 * 5 + 10
    assert measured.weights.tolist() == [[1600, 3985], [1606, 4015]]
    assert measured.accuracy.shape == (2, 2, 2)
    np.testing.assert_array_equal(measured.in_order, measured.accuracy[0, 1])
    assert (measured.reordered != measured.in_order).any()
    assert measured.difference < 1e-5 * measured.reach
    assert measured.probabilities.sum() == pytest.approx(1)
    assert measured.probabilities.argmax() == measured.logits.argmax()


def test_the_images_called_wrong_are_wrong(digits, settings, measured):
    for number in measured.wrong:
        changed = make_settings("layers", lesson.LayersSettings, {**TINY, "image": number})
        followed = lesson.measure(digits, changed, lambda share: None)
        assert followed.logits.argmax() != followed.label


def test_the_page_says_what_was_measured(digits):
    seen = []
    page = run("layers", TINY, data=digits, advance=seen.append).text
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert "3,985 weights" in page.finding
    assert page.checks[0].holds
    assert page.checks[1].holds
    assert page.tables[0].rows[-1][-1] == "3,985"
    for exercise in page.exercises:
        make_settings("layers", lesson.LayersSettings, dict(c.split("=") for c in exercise.changes))


def test_one_size_and_one_depth_are_enough(digits):
    page = run("layers", {**TINY, "units": "3", "depths": "1", "seeds": 1}, data=digits).text
    assert [row[0] for row in page.tables[1].rows] == ["none", "3"]
    assert "sizes tried" not in page.finding
    assert not [check for check in page.checks if "few units" in check.claim]


def test_a_depth_is_only_said_to_add_what_the_seeds_can_tell():
    noisy = lesson.deepening(np.array([[0.5, 0.7, 0.9], [0.6, 0.8, 0.7]]))
    assert not noisy["significant"]
    clear = lesson.deepening(np.array([[0.80, 0.81, 0.82], [0.90, 0.91, 0.92]]))
    assert clear["significant"]
    assert clear["gain"] == pytest.approx(10)


def test_the_text_says_whether_a_depth_adds_anything(measured, settings):
    def seen(accuracy):
        changed = dataclasses.replace(measured, accuracy=np.array(accuracy))
        return open_lesson("layers").tell(changed, settings).seen.replace("\u00a0", " ")

    clear = [[[0.80, 0.82], [0.70, 0.72]], [[0.90, 0.92], [0.60, 0.62]]]  # (depths, units, seeds)
    assert (
        "With 2 units the way from 1 to 2 layers adds 10.0 points; "
        "with 5 units the way from 1 to 2 layers costs 10.0 points."
    ) in seen(clear)
    noisy = [[[0.5, 0.9], [0.5, 0.9]], [[0.6, 0.7], [0.6, 0.7]]]
    assert "With 2 units the networks differ so much" in seen(noisy)
    assert seen(noisy).endswith("that 2 seeds cannot tell 2 hidden layers from 1.")
