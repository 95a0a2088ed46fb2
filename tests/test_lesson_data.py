"""The lesson `data`: its formulas against SciPy and scikit-learn, and what must hold of any run."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import chi2_contingency, chisquare
from sklearn.neighbors import NearestCentroid, NearestNeighbors

from digitscope.errors import Misuse
from digitscope.lessons import run
from digitscope.lessons.course import make_settings
from digitscope.lessons.experiments import data as lesson
from digitscope.lessons.experiments import nearest
from digitscope.nn import pixels

TINY = {"sizes": "40,200", "questions": 100, "samples": 1, "seeds": 2}


@pytest.fixture(scope="module")
def settings():
    return make_settings("data", lesson.DataSettings, TINY)


@pytest.fixture(scope="module")
def measured(digits, settings):
    return lesson.measure(digits, settings, lambda share: None)


def test_the_expanded_distance_is_the_distance():
    rng = np.random.default_rng(0)
    a, b = (rng.random((n, 784), np.float32) for n in (7, 5))
    np.testing.assert_allclose(nearest.squared_distances(a, b), cdist(a, b) ** 2, rtol=1e-4)


def test_the_nearest_of_each_memory_is_that_of_scikit_learn(digits, monkeypatch):
    monkeypatch.setattr(nearest, "BLOCK", 32)  # so that there are several, the last one shorter
    x, questions = pixels(digits.train.images[:300]), pixels(digits.test.images[:80])
    found = nearest.nearest(questions, x, (1, 50, 300))
    for row, n in zip(found, (1, 50, 300), strict=True):
        oracle = NearestNeighbors(n_neighbors=1).fit(x[:n]).kneighbors(questions)[1]
        np.testing.assert_array_equal(row, oracle[:, 0])


@pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")  # pixels that are always paper
def test_the_nearest_mean_is_scikit_learns_nearest_centroid(digits, measured):
    x, x_test = pixels(digits.train.images), pixels(digits.test.images)
    oracle = NearestCentroid().fit(x, digits.train.labels)
    assert measured.seen_right == oracle.score(x, digits.train.labels)
    share = np.trace(measured.answers) / len(digits.test)
    assert share == pytest.approx(oracle.score(x_test, digits.test.labels))
    means = measured.images[-1].reshape(10, 784)
    np.testing.assert_allclose(means, oracle.centroids_, atol=1e-6)
    np.testing.assert_array_equal(measured.answers.sum(1), digits.test.counts())
    own = np.linalg.norm(x[digits.train.labels == 3] - means[3], axis=1)
    assert measured.radius[3] == pytest.approx(np.sqrt((own**2).mean()), rel=1e-4)
    away = np.linalg.norm(np.delete(means, 3, 0) - means[3], axis=1)
    assert measured.gap[3] == pytest.approx(away.min(), rel=1e-4)


@pytest.mark.parametrize("shift", [0, 15])
def test_chi_square_and_how_often_chance_gives_as_much_are_scipys(shift):
    counts = np.array([[600, 660, 590, 610, 580, 560, 600, 620, 590, 590]] * 2)
    counts[1] //= 3
    counts[1, :2] += [shift, -shift]
    (even, by_chance), (alike, drawn) = lesson.balance(counts)
    oracle = chisquare(counts[0])
    assert even == pytest.approx(oracle.statistic)
    assert by_chance == pytest.approx(oracle.pvalue, abs=0.02)
    oracle = chi2_contingency(counts)
    assert alike == pytest.approx(oracle.statistic)
    assert drawn == pytest.approx(oracle.pvalue, abs=0.02)


def test_a_memory_knows_what_it_has_seen_whatever_the_labels(measured):
    assert measured.accuracy.shape == (2, 2, 2, 2, 2)
    assert (measured.accuracy[0, :, 0] == 1).all()
    new = measured.accuracy[0, :, 1, -1].mean(-1)
    assert new[0] > 0.7 > 0.3 > new[1]  # true labels, shuffled labels


def test_shuffling_keeps_the_counts_and_moves_only_that_share():
    rng = np.random.default_rng(0)
    labels = np.arange(1_000).astype(np.int64)  # so that each can be told from the others
    dealt = lesson.shuffle_some(labels, 0.3, rng)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.sort(dealt), labels)
    assert 0.29 < (dealt != labels).mean() <= 0.3
    np.testing.assert_array_equal(lesson.shuffle_some(labels, 0.0, rng), labels)  # type: ignore[arg-type]


def test_the_page_says_what_was_measured(digits):
    seen = []
    page = run("data", TINY, data=digits, advance=seen.append).text
    assert seen == sorted(seen)
    assert seen[-1] == 1
    assert "A memory of 200 images" in page.finding
    memory = [check for check in page.checks if check.claim.startswith("the memory is right")]
    assert memory[0].holds
    assert [row[1] for row in page.tables[0].rows] == [str(n) for n in digits.train.counts()]
    for exercise in page.exercises:
        make_settings("data", lesson.DataSettings, dict(c.split("=") for c in exercise.changes))


def test_more_than_all_labels_cannot_be_shuffled(digits):
    with pytest.raises(Misuse, match=r"shuffled must be 0 to 1. Received: 1\.5"):
        run("data", {"shuffled": 1.5}, data=digits)
