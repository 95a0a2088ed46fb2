"""The lesson on accuracy: intervals, what it takes to tell two networks apart, who reads what."""

import numpy as np
import pytest
from scipy import stats

from digitscope.lessons import run
from digitscope.lessons.experiments.accuracy import (
    AccuracySettings,
    measure,
    needed,
    scale,
    tally,
)
from digitscope.models.classifier import load

TINY = {"images": 300, "epochs": 2, "hidden": 16, "seeds": 3}


@pytest.fixture(scope="module")
def measured(digits):
    return measure(digits, AccuracySettings(**TINY), lambda share: None)


def test_the_interval_is_scipys(digits):
    lesson = run("accuracy", TINY | {"accuracy": 0.9764}, data=digits)
    right, n = round(0.9764 * len(digits.test)), len(digits.test)
    low, high = stats.binomtest(right, n).proportion_ci(method="wilson")
    assert f"{100 * low:.2f}" in lesson.text.finding
    assert f"{100 * high:.2f}" in lesson.text.finding


@pytest.mark.parametrize("differ", [5, 6, 7, 30, 121, 300])
def test_so_far_ahead_is_enough_and_two_fewer_is_not(differ):
    ahead = needed(differ)
    if differ == 5:
        assert ahead == 0
        return
    assert stats.binomtest((differ + ahead) // 2, differ).pvalue < 0.05
    assert stats.binomtest((differ + ahead - 2) // 2, differ).pvalue >= 0.05
    assert (differ + ahead) % 2 == 0


def test_tally_of_images_and_of_the_binomial():
    errors = np.random.default_rng(0).random((4, 1000)) < 0.3
    _, *rows = tally(errors)
    assert [row[0] for row in rows] == ["0", "1 to 2", "3", "4"]
    assert sum(int(row[1].replace(",", "")) for row in rows) == 1000
    expected = 1000 * stats.binom.pmf([0, 3, 4], 4, errors.mean())
    assert [float(rows[i][2]) for i in (0, 2, 3)] == pytest.approx(expected, abs=0.06)


def test_measured(measured, digits):
    assert measured.answers.shape == (3, len(digits.test))
    assert len(measured.pairs) == 3
    wrong = measured.answers != digits.test.labels
    differ = [int((wrong[a] != wrong[b]).sum()) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert measured.pairs[:, 0].tolist() == differ
    assert not measured.cards  # they are of MNIST's test images
    np.testing.assert_array_equal(measured.shipped["cnn"], load("cnn").predict(digits.test.images))


def test_scale_counts_right_answers(measured, digits):
    rows = dict(scale(measured, AccuracySettings(**TINY)))
    assert rows["in question"] == round(0.9764 * len(digits.test))
    right = (measured.answers == digits.test.labels).sum(1)
    assert right.min() <= rows["784-16-10, mean"] <= right.max()
    commonest = np.bincount(digits.train.labels[:300]).argmax()
    assert rows[f"always {commonest}"] == (digits.test.labels == commonest).sum()


def test_page_and_progress(digits):
    shares = []
    lesson = run("accuracy", TINY, data=digits, advance=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    nobody = next(p for p in lesson.text.figures if p.name == "nobody")
    assert len(nobody.figure.axes) <= 10


def test_one_network_shows_no_spread_and_no_pairs(digits):
    one, two = (run("accuracy", TINY | {"seeds": n}, data=digits).text for n in (1, 2))
    assert "needs at least two" in one.finding
    assert "spread by" in two.finding
    assert [len(table.rows) for table in one.tables] == [6, 1]
    assert [len(table.rows) for table in two.tables] == [6, 3, 2]
    assert len(two.checks) - len(one.checks) == 2
    assert not [check for check in one.checks if "two seeds" in check.claim]
