"""The lesson on overfitting: early stopping, what choosing costs, and what is measured."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from digitscope.lessons import run
from digitscope.lessons.course import make_settings
from digitscope.lessons.experiments.early_stopping import Rows, optimism, stop_early
from digitscope.lessons.experiments.overfitting import OverfittingSettings, measure
from digitscope.nn import Adam, Design, Epoch, Network, cross_entropy, pixels, train

TINY = {
    "images": 60, "epochs": 8, "units": 12, "rate": 0.01, "batch": 20, "validation": 100,
    "patience": 2, "more": 2, "sizes": "40,200", "chosen_by": "20,200", "seeds": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def lesson(digits):
    return run("overfitting", TINY, data=digits)


def epochs(network, asked):
    """Pretend to train: each epoch leaves its number in the weights."""
    for number in range(1, 100):
        asked.append(number)
        network.weights[:] = number
        yield Epoch(number, np.zeros(1), np.zeros((1, 2)), True)


@pytest.mark.parametrize(
    ("losses", "patience", "best", "last"),
    [
        ([5, 4, 3, 4, 5, 1], 2, 3, 5),
        ([5, 4, 3, 4, 5, 1, 2, 2, 2], 3, 6, 9),
        ([5, 6], 1, 1, 2),
        ([5, 4, 4, 3, 3, 3], 2, 4, 6),  # as low is not lower
    ],
)
def test_early_stopping_stops_and_goes_back(losses, patience, best, last):
    network, asked, given = Network(Design(hidden=(4,))), [], iter(losses)
    assert stop_early(network, epochs(network, asked), lambda: next(given), patience) == (
        best,
        last,
    )
    assert asked[-1] == last  # nobody trained on
    assert (network.weights == best).all()


def test_early_stopping_agrees_with_keras():
    keras = pytest.importorskip("keras")
    rng = np.random.default_rng(3)
    for _ in range(20):
        losses = rng.random(12).round(2).tolist()
        callback = keras.callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True)

        class Model:
            stop_training = False

            def get_weights(self):
                return []

            def set_weights(self, weights):
                pass

        model = Model()
        callback.set_model(model)
        callback.on_train_begin()
        for last, loss in enumerate(losses, 1):
            callback.on_epoch_end(last - 1, {"val_loss": loss})
            if model.stop_training:
                break
        network, given = Network(Design(hidden=(4,))), iter(losses)
        training = list(zip(epochs(network, []), losses, strict=False))
        found = stop_early(network, (epoch for epoch, _ in training), lambda: next(given), 3)  # noqa: B023
        assert found == (callback.best_epoch + 1, last)


def test_choosing_by_few_is_too_good_and_by_nothing_it_is_not():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(30, 400)) + 3
    by, others = optimism(noise, 20, 1)
    # The least of 30 means of 20 lies about 2.04 standard errors below the mean.
    assert by == pytest.approx(3 - 2.04 / 20**0.5, abs=0.06)
    assert others == pytest.approx(3, abs=0.06)
    by, others = optimism(noise[:1], 20, 1)  # one epoch: no choice
    assert by == pytest.approx(others, abs=0.04)
    clear = np.array([[2.0] * 400, [1.0] * 400])
    assert optimism(clear, 20, 1) == (1, 1)


def test_scores_are_those_of_scikit_learn(digits):
    from sklearn.metrics import accuracy_score, log_loss

    rows, network = Rows.of(digits.test), Network(Design(hidden=(12,)), 1)
    given = network.probabilities(rows.x).astype(float)
    given /= given.sum(1, keepdims=True)  # to float64's precision
    loss, accuracy = rows.score(network)
    assert loss == pytest.approx(log_loss(rows.labels, given, labels=range(10)), 1e-5)
    assert accuracy == accuracy_score(rows.labels, given.argmax(1))


def test_what_is_measured(digits):
    shares = []
    settings = make_settings("overfitting", OverfittingSettings, TINY)
    m = measure(digits, settings, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert m.curves.shape == (2, 8, 4)
    assert m.chosen.shape == (2, 2, 2)
    assert m.results.shape == (5, 2, 3)
    assert m.images == (500, 100, 297)
    # Early stopping walks along the curve of the network without a remedy.
    for curve, (kept, last) in zip(m.curves[..., 2], m.stopped, strict=True):
        assert kept - 1 == curve[:last].argmin()
        assert last == min(kept + settings.patience, 8)
    right, wrong = np.moveaxis(m.parts, -1, 0)
    assert (right < np.log(10)).all()  # the probability of the right digit is over 1/10
    assert (wrong > np.log(2)).all()  # and here below 1/2
    assert (m.gap[..., 0] >= 0.999).all()
    assert (m.gap[1, :, 1] > m.gap[0, :, 1]).all()  # more images, more of the test images


def test_the_validation_images_are_held_out(digits):
    """The first curve is that of a network trained on other images, by the lab alone."""
    settings = make_settings("overfitting", OverfittingSettings, TINY | {"seeds": 1})
    fit, held_out = digits.hold_out(500)
    order = np.random.default_rng([0, 60_000]).permutation(len(fit))[:60]
    x, labels = pixels(fit.images[order]), fit.labels[order]
    network = Network(Design(hidden=(12,)), 0)
    losses = []
    with threadpool_limits(1):  # as the lesson does it
        for _ in train(network, Adam(0.01), x, labels, epochs=8, batch=20, seed=0):
            logits = network.forward(pixels(held_out.images[:100]))
            losses.append(cross_entropy(logits, held_out.labels[:100])[0].mean())
    m = measure(digits, settings, lambda share: None)
    assert m.curves[0, :, 2] == pytest.approx(losses, rel=1e-5)


def test_the_page(lesson):
    page = lesson.text
    assert [len(table.rows) for table in page.tables] == [5, 2]
    assert [p.name for p in page.figures] == ["curves", "gap"]
    assert "def stop_early" in page.code[0]
