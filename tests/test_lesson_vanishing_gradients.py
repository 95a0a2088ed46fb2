"""The lesson on vanishing gradients, against the formula that it gives."""

import numpy as np
import pytest

from digitscope.lessons.experiments import vanishing_gradients as lesson
from digitscope.nn import Design, Network

SMALL: dict = {"depths": (2, 6), "width": 24, "images": 600, "seeds": 2, "epochs": 1}


@pytest.fixture(scope="module")
def measured(digits):
    return lesson.measure(digits, lesson.VanishingGradientsSettings(**SMALL), lambda share: None)


def test_going_back_through_a_layer_multiplies_by_its_weights_and_its_slope():
    """The recursion on the page, done by hand, gives the gradient that the network gives."""
    network = Network(Design(hidden=(7, 6, 5), activation="sigmoid", inputs=4), 1, np.float64)
    x = np.random.default_rng(0).normal(size=(1, 4))
    by_logits = np.random.default_rng(1).normal(size=(1, 10))
    network.forward(x)
    network.backward(by_logits)
    outputs, sums = [x[0]], []
    for dense in network.dense[:-1]:
        sums.append(outputs[-1] @ dense.kernel + dense.bias)
        outputs.append(1 / (1 + np.exp(-sums[-1])))
    delta = by_logits[0]
    for place in range(len(network.dense) - 1, -1, -1):
        np.testing.assert_allclose(
            network.dense[place].by_kernel, np.outer(outputs[place], delta), rtol=1e-10
        )
        if place:
            a = outputs[place]
            delta = (network.dense[place].kernel @ delta) * a * (1 - a)


def test_the_gradient_vanishes_with_depth_and_the_remedies_keep_it(measured):
    ratio = {
        kind: [row.mean(0)[0] / row.mean(0)[-1] for row in rows]
        for kind, rows in zip(measured.kinds, measured.norms, strict=True)
    }
    shallow, deep = ratio["sigmoid"]
    assert deep < shallow / 20
    assert all(ratio[kind][1] > 20 * deep for kind in measured.kinds[1:])


def test_each_cell_is_its_own_network(measured):
    assert measured.accuracy.shape == (5, 2, 2)
    assert [row.shape for row in measured.norms[0]] == [(2, 3), (2, 7)]
    first, second = measured.norms[3][0]
    assert not np.allclose(first, second), "two seeds"
