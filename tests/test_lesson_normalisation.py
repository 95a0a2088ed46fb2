"""The lesson on normalisation: its bound against SciPy and brute force, its scalings, its rates."""

import dataclasses

import numpy as np
import pytest
from scipy.sparse.linalg import eigsh
from sklearn.preprocessing import StandardScaler

from digitscope.errors import Misuse
from digitscope.lessons import run
from digitscope.lessons.experiments import linear_model
from digitscope.lessons.experiments import normalisation as lesson
from digitscope.lessons.experiments.normalisation_figures import NAMES
from digitscope.lessons.experiments.scaling_trials import make_scalings
from digitscope.nn import pixels

QUICK = {"images": 300, "epochs": 1, "seeds": 2, "units": 8, "rates": "1e-4,0.1,1"}


def test_the_scalings_have_the_range_mean_and_deviation_they_promise(digits):
    images = digits.train.images[:400]
    made = {k: f(images) for k, f in make_scalings(pixels(images)).items()}
    assert {x.dtype for x in made.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(made["bytes"], images.reshape(400, -1), rtol=1e-6)
    assert made["unit"].min() == 0
    assert made["unit"].max() == 1
    column = made["unit"].astype(np.float64).reshape(-1, 1)  # all pixels alike
    standard = StandardScaler().fit_transform(column).reshape(400, -1)
    np.testing.assert_allclose(made["standard"], standard, atol=1e-5)
    np.testing.assert_allclose(made["centred"].mean(0), 0, atol=1e-5)


def test_what_is_subtracted_is_of_the_training_images(digits):
    made = make_scalings(pixels(digits.train.images))
    assert abs(made["standard"](digits.test.images[:1]).mean()) > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_the_largest_rate_of_a_linear_model_is_two_over_the_largest_eigenvalue(digits, name):
    images, labels = digits.train.images[:400], digits.train.labels[:400]
    x = make_scalings(pixels(images))[name](images)
    rows = np.column_stack([x.astype(np.float64), np.ones(len(x))])
    # The Hessian of the mean squared error, from another library.
    largest = float(eigsh(rows.T @ rows / len(x), k=1, return_eigenvectors=False)[0])
    rates = tuple(np.array([0.5, 0.9, 1.1, 2.0]) * 2 / largest)
    found, falls = linear_model.descend(x, labels, rates)
    assert found == pytest.approx(largest, rel=1e-6)
    assert falls.tolist() == [True, True, False, False]


def test_the_descent_is_gradient_descent(digits, monkeypatch):
    monkeypatch.setattr(linear_model, "STEPS", 1)
    x, labels = pixels(digits.train.images[:50]), digits.train.labels[:50]
    rows, aims = np.column_stack([x, np.ones(50)]).astype(np.float64), np.eye(10)[labels]

    def falls(rate):
        w = rate * rows.T @ aims / 50  # one step from 0, by residuals and not by moments
        return ((rows @ w - aims) ** 2).sum() < (aims**2).sum()

    rates = tuple(np.geomspace(1e-3, 10, 40))
    assert linear_model.descend(x, labels, rates)[1].tolist() == [falls(rate) for rate in rates]


def test_each_scaling_is_reported_at_its_own_best_rate(digits, monkeypatch):
    monkeypatch.setattr(linear_model, "STEPS", 3)
    settings = lesson.NormalisationSettings(
        images=300, epochs=1, seeds=2, units=8, rates=(1e-4, 0.1, 1.0)
    )
    told = []
    measured = lesson.measure(digits, settings, told.append)
    assert measured.accuracy.shape == measured.silent.shape == (3, 3, 2)
    assert (measured.best == measured.accuracy.mean(2).argmax(1)).all()
    assert measured.start[0].mean() > 5 * measured.start[1].mean()
    assert measured.gradient[0].min() > 100 * measured.gradient[1].max()
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1)
    # Nothing of the test images takes part in what is chosen.
    other = dataclasses.replace(digits, test=digits.test.take(np.arange(20)))
    again = lesson.measure(other, settings, told.append)
    assert (again.accuracy == measured.accuracy).all()
    assert (again.best == measured.best).all()


def test_the_exercises_run(digits, monkeypatch):
    monkeypatch.setattr(linear_model, "STEPS", 3)
    page = run("normalisation", QUICK, data=digits).text
    for exercise in page.exercises:
        changes = dict(change.split("=", 1) for change in exercise.changes)
        assert run("normalisation", QUICK | changes, data=digits).text.finding != page.finding


def test_a_scaling_that_there_is_not(digits):
    with pytest.raises(Misuse, match="Did you mean 'unit'"):
        run("normalisation", QUICK | {"scalings": "units"}, data=digits)


def test_the_largest_rate_tried_is_called_a_lower_bound():
    works = np.array([True, False]), np.array([False, True])
    assert [lesson._last((0.1, 1.0), row) for row in works] == ["0.1", "≥ 1"]


def test_a_rate_that_overflows_counts_as_nothing(digits):
    changes = QUICK | {"rates": "0.01,1e8", "optimizer": "momentum", "epochs": 3}
    page = run("normalisation", changes, data=digits).text
    assert page.tables[0].rows[1][0] == "1e+08"
    assert page.tables[1].rows[0][3:] == ("none", "none")
