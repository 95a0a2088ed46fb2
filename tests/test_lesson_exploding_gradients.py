"""The lesson on exploding gradients: its formulas, its map, and that one run is one run."""

import dataclasses

import numpy as np
import pytest

from digitscope.lessons import open_lesson, run
from digitscope.lessons.experiments import exploding_gradients as lesson
from digitscope.lessons.experiments.layer_sizes import growth, watch
from digitscope.nn import SGD, Design, Network, pixels, train

QUICK: dict = {
    "gains": (1.0, 4.0),
    "rates": (0.01, 1.0),
    "layers": 6,
    "width": 16,
    "gain": 8.0,
    "rate": 0.3,
    "images": 1_000,
    "epochs": 2,
    "seeds": 2,
}


@pytest.fixture(scope="module")
def settings():
    return lesson.ExplodingGradientsSettings(**QUICK)


@pytest.fixture(scope="module")
def measured(digits, settings):
    told = []
    found = lesson.measure(digits, settings, told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    return found


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_each_layer_multiplies_by_the_gain(digits, gain):
    x, labels = pixels(digits.train.images[:200]), digits.train.labels[:200]
    design = Design(hidden=(512,) * 6, initialisation="he", gain=gain)
    sizes, _, _ = watch(design, x, labels, SGD(0.0), 1)
    assert sizes.shape == (1, 8)  # the pixels, six hidden layers, the logits
    assert sizes[0, 0] == pytest.approx(np.sqrt((x[:128] ** 2).mean()), rel=0.1)
    assert growth(sizes[0]) == pytest.approx(gain, rel=0.1)
    exact = [1.0, *(3.0 * gain**layer for layer in range(6)), 7.0]
    assert growth(np.array(exact)) == pytest.approx(gain)


@pytest.mark.parametrize(("gain", "rate"), [(1.0, 0.1), (4.0, 0.1)])
def test_what_is_watched_is_what_is_trained(digits, gain, rate):
    x, labels = pixels(digits.train.images[:1_280]), digits.train.labels[:1_280]
    design = Design(hidden=(32,) * 6, initialisation="he", gain=gain)
    _, losses, norms = watch(design, x, labels, SGD(rate), 20)
    (epoch,) = train(Network(design, 0), SGD(rate), x, labels, seed=0)
    fine = len(epoch.losses) if epoch.finite else len(epoch.losses) - 1
    assert fine > 1
    np.testing.assert_allclose(losses[:fine], epoch.losses[:fine], rtol=1e-5)
    # The whole gradient is that by the kernels and the biases.
    assert (norms[:fine] > np.linalg.norm(epoch.norms[:fine], axis=1) * (1 - 1e-5)).all()
    assert np.isfinite(losses[-1]) == (gain == 1)


def test_the_map_tells_what_explodes(measured, settings):
    assert measured.outcome.shape == (2, 2, 2)
    assert (measured.outcome[1, 1] == 2).all(), "gain 4, rate 1"
    assert (measured.outcome[0] != 2).all(), "gain 1"
    assert measured.overflow
    assert not np.isfinite(measured.losses[-1]) or not np.isfinite(measured.norms[-1])
    assert np.isfinite(measured.losses[:-1]).all()


def test_the_cures_change_one_thing_each(measured, settings):
    nothing, clipped, small, normalised = measured.cures.values()
    assert np.isnan(nothing).all()
    assert not np.isnan([clipped, small, normalised]).any()
    assert len(nothing) == settings.seeds + 2
    lived = np.array([*measured.lived.values()])
    assert (lived[0] < lived[1:]).all(), "the exploded ones ended early"


def test_the_page_counts_every_network(measured, settings):
    page = open_lesson("exploding-gradients").tell(measured, settings)
    counted = np.array([row[3:] for row in page.tables[0].rows], int)
    assert counted.sum() == measured.outcome.size
    assert counted[:, 2].tolist() == (measured.outcome == 2).sum((1, 2)).tolist()
    assert page.tables[2].rows[0][1] == str(settings.seeds + 2)
    assert "no finite number" in page.finding


def test_where_nothing_explodes_the_page_says_so(digits, settings):
    tame = dataclasses.replace(settings, gains=(1.0,), gain=1.0, rate=0.01)
    page = open_lesson("exploding-gradients").tell(
        lesson.measure(digits, tame, lambda share: None), tame
    )
    assert "still finite" in page.finding
    assert page.tables[0].rows[0][5] == "0"
    assert not next(check for check in page.checks if "seeds explode" in check.claim).holds


def test_the_exercises_run(digits):
    page = run("exploding-gradients", QUICK, data=digits).text
    for exercise in page.exercises:
        changes = dict(change.split("=", 1) for change in exercise.changes)
        assert run("exploding-gradients", QUICK | changes, data=digits).text.finding
