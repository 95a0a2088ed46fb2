"""Scores against scikit-learn, SciPy and numbers worked out by hand."""

import json
from math import comb

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from digitscope.data import Split
from digitscope.errors import BadData
from digitscope.evaluation import (
    BINS,
    confused_pairs,
    evaluate,
    evaluate_in_detail,
    fit_temperature,
    reliability,
    score,
    score_refusal,
    score_writers,
    wilson_interval,
)
from digitscope.evaluation.comparison import compare, compare_predictions
from digitscope.models.classifier import load, temper

RNG = np.random.default_rng(11)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def draw(n, temperature=1.0, spread=2.0):
    """Labels drawn from the probabilities of some logits, and those logits made T times larger."""
    logits = RNG.normal(0, spread, (n, 10))
    uniform = RNG.random((n, 1))
    labels = (softmax(logits).astype(np.float64).cumsum(axis=1) < uniform).sum(axis=1).clip(0, 9)
    return labels.astype(np.uint8), softmax(logits * temperature)


def test_every_score_is_scikit_learns():
    labels, probabilities = draw(2_000)
    predicted = probabilities.argmax(axis=1)
    scores = score(labels, probabilities)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert scores.n == 2_000
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(labels, predicted))
    assert scores.log_loss == pytest.approx(metrics.log_loss(labels, exact), rel=1e-5)
    auc = metrics.roc_auc_score(labels, exact, multi_class="ovr", average="macro")
    assert scores.roc_auc == pytest.approx(auc, rel=1e-5)
    top2 = metrics.top_k_accuracy_score(labels, probabilities, k=2)
    assert scores.top2_accuracy == pytest.approx(top2)
    report = metrics.classification_report(labels, predicted, output_dict=True)
    for digit in range(10):
        row = report[str(digit)]
        assert scores.precision[digit] == pytest.approx(row["precision"])
        assert scores.recall[digit] == pytest.approx(row["recall"])
        assert scores.f1[digit] == pytest.approx(row["f1-score"])
        assert scores.support[digit] == row["support"]
    assert scores.confusion == metrics.confusion_matrix(labels, predicted).tolist()


def test_three_answers_worked_out_by_hand():
    labels = np.array([0, 0, 1], np.uint8)
    probabilities = np.full((3, 10), 0.01, np.float32)
    probabilities[0, [0, 1]] = 0.80, 0.12  # right
    probabilities[1, [1, 0]] = 0.80, 0.12  # wrong, but second
    probabilities[2, [2, 3]] = 0.80, 0.12  # wrong altogether
    scores = score(labels, probabilities)
    assert scores.accuracy == pytest.approx(1 / 3)
    assert scores.top2_accuracy == pytest.approx(2 / 3)
    assert scores.log_loss == pytest.approx(-np.log([0.80, 0.12, 0.01]).mean(), rel=1e-5)
    assert scores.precision[:3] == [1, 0, 0]
    assert scores.recall[:3] == [0.5, 0, 0]
    assert scores.f1[0] == pytest.approx(2 / 3)
    assert scores.support == [2, 1] + [0] * 8
    assert scores.roc_auc is None  # eight digits are missing
    assert [row[:3] for row in scores.confusion[:2]] == [[1, 1, 0], [0, 0, 1]]
    # All three say 80 %, and one of three is right.
    assert scores.calibration_error == pytest.approx(0.8 - 1 / 3, rel=1e-5)


def test_the_temperature_changes_how_sure_it_is_and_nothing_else():
    labels, probabilities = draw(500)
    plain, warm = score(labels, probabilities), score(labels, probabilities, temperature=2.0)
    assert (plain.accuracy, plain.f1, plain.top2_accuracy) == (
        warm.accuracy,
        warm.f1,
        warm.top2_accuracy,
    )
    of_the_true = temper(probabilities, 2.0)[np.arange(500), labels]
    assert warm.log_loss == pytest.approx(-np.log(of_the_true).mean(), rel=1e-4)
    assert warm.calibration_error != plain.calibration_error
    assert warm.calibration_error_before == pytest.approx(plain.calibration_error, rel=1e-6)


@pytest.mark.parametrize("right", [0, 1, 37, 99, 100])
def test_the_interval_is_wilsons(right):
    oracle = binomtest(right, 100).proportion_ci(method="wilson")
    assert wilson_interval(right, 100) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_the_calibration_error_by_hand():
    """Two bins: 2 answers of 95 % with one right, and 2 of 55 % with both right."""
    probabilities = np.zeros((4, 10), np.float32)
    probabilities[:2, 0], probabilities[:2, 1] = 0.95, 0.05
    probabilities[2:, 0], probabilities[2:, 1] = 0.55, 0.45
    result = reliability(np.array([0, 1, 0, 0], np.uint8), probabilities)
    np.testing.assert_allclose(result.confidence, [0.55, 0.95], rtol=1e-6)
    np.testing.assert_allclose(result.accuracy, [1.0, 0.5])
    assert result.count.tolist() == [2, 2]
    assert result.error == pytest.approx(0.5 * 0.45 + 0.5 * 0.45, rel=1e-6)


def test_complete_certainty_falls_into_the_last_bin():
    result = reliability(np.array([3], np.uint8), np.eye(10, dtype=np.float32)[[3]])
    assert (result.error, result.count.tolist()) == (0.0, [1])
    assert BINS == 15


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found_again(temperature):
    labels, probabilities = draw(20_000, temperature)
    found = fit_temperature(labels, probabilities)
    assert found == pytest.approx(temperature, rel=0.05)
    before = score(labels, probabilities)
    after = score(labels, probabilities, temperature=found)
    assert after.log_loss <= before.log_loss + 1e-9
    assert after.calibration_error < 0.02
    if temperature != 1:
        assert after.calibration_error < before.calibration_error / 3


def test_a_classifier_that_is_always_right_keeps_a_finite_temperature():
    found = fit_temperature(np.arange(10, dtype=np.uint8), np.eye(10, dtype=np.float32))
    assert 0.01 < found < 100


def test_mcnemar_by_hand():
    """A alone is right 8 times, B alone 2 times: p = 2 Σ C(10, k ≤ 2) / 2^10."""
    labels = np.zeros(20, np.uint8)
    a, b = np.zeros(20, int), np.zeros(20, int)
    b[:8], a[8:10], a[10:13], b[10:13] = 1, 1, 1, 2
    result = compare_predictions(labels, a, b)
    assert result.only_a == list(range(8))
    assert result.only_b == [8, 9]
    assert result.both_wrong == 3
    assert (result.accuracy_a, result.accuracy_b) == (15 / 20, 9 / 20)
    assert result.p_value == pytest.approx(2 * sum(comb(10, k) for k in range(3)) / 2**10)


def test_a_model_does_not_differ_from_itself():
    labels, probabilities = draw(100)
    predicted = probabilities.argmax(axis=1)
    result = compare_predictions(labels, predicted, predicted)
    assert (result.p_value, result.only_a, result.only_b) == (1.0, [], [])


def test_nothing_to_evaluate_is_said():
    nothing = np.zeros(0, np.uint8), np.zeros((0, 10), np.float32)
    with pytest.raises(BadData, match="evaluation needs at least one image"):
        score(*nothing)
    with pytest.raises(BadData, match="comparison needs at least one image"):
        compare_predictions(nothing[0], nothing[0], nothing[0])


def test_what_is_written_is_plain_json():
    labels, probabilities = draw(50)
    content = score(labels, probabilities).to_dict()
    assert json.loads(json.dumps(content)) == content
    predicted = probabilities.argmax(axis=1)
    content = compare_predictions(labels, predicted, 9 - predicted).to_dict()
    assert json.loads(json.dumps(content)) == content


def test_evaluate_scores_what_the_classifier_says(make_onnx, digits):
    classifier = load(make_onnx())
    probabilities = classifier.predict_proba(digits.test.images, calibrated=False)
    assert evaluate(classifier, digits.test) == score(digits.test.labels, probabilities)


def test_compare_runs_both_classifiers(make_onnx, digits):
    blank = load(make_onnx("zero.onnx", kernel=np.zeros((784, 10))))  # always says 0
    other = load(make_onnx("other.onnx"))
    result = compare(blank, other, digits.test)
    assert result.accuracy_a == pytest.approx(np.mean(digits.test.labels == 0))
    assert set(result.predicted_a) == {0}
    assert result.predicted_b == other.predict(digits.test.images).tolist()


def test_the_metrics_of_a_run_are_those_of_its_onnx_file(run, digits):
    scores = evaluate(load(run.model_file), digits.test).to_dict()
    assert {name: run.metrics[name] for name in scores} == scores
    assert run.metrics["data"] == "digits"
    assert run.metrics["accuracy"] > 0.85


def test_refusal_against_counting_by_hand():
    digits, others = np.array([0.9, 0.8, 0.7, 0.2]), np.array([0.75, 0.1])
    refusal = score_refusal(digits, others, 0.7)
    assert (refusal.digits_kept, refusal.non_digits_kept) == (0.75, 0.5)
    # Of the 8 pairs of a digit and another, 0.9 and 0.8 win twice, 0.7 and 0.2 once.
    assert refusal.roc_auc == pytest.approx(6 / 8)
    assert refusal.to_dict()["n_non_digits"] == 2


def test_refusal_at_95_percent_of_the_digits():
    digits = np.linspace(0.01, 1, 100, dtype=np.float32)
    others = np.array([0.04, 0.07, 0.5])
    assert score_refusal(digits, others, 0.5).non_digits_kept_at_95 == pytest.approx(2 / 3)


def test_refusal_at_98_percent_of_the_digits():
    digits = np.linspace(0.01, 1, 100, dtype=np.float32)
    others = np.array([0.01, 0.04, 0.07, 0.5])
    assert score_refusal(digits, others, 0.5).non_digits_kept_at_98 == pytest.approx(3 / 4)


def test_refusal_needs_both_kinds():
    with pytest.raises(BadData, match="Received: 1 digits and 0 non-digits"):
        score_refusal(np.array([0.5]), np.array([]), 0.5)


def test_confused_pairs_by_count_then_digit():
    confusion = np.diag([5] * 10)
    confusion[4, 9], confusion[9, 4], confusion[2, 7] = 2, 3, 2
    assert confused_pairs(confusion) == [(9, 4, 3), (2, 7, 2), (4, 9, 2)]
    assert confusion.trace() == 50  # the caller's matrix is as it was


def test_writers_are_scored_one_by_one_the_worst_first():
    writers = np.array(["a", "b", "c", "b", "b", "c"])
    labels = np.array([1, 2, 3, 4, 5, 6], np.uint8)
    predicted = np.array([1, 2, 0, 0, 5, 6])
    scores = score_writers(writers, labels, predicted)
    assert [(s.writer, s.right, s.n) for s in scores] == [("c", 1, 2), ("b", 2, 3), ("a", 1, 1)]
    assert scores[1].accuracy == pytest.approx(2 / 3)
    assert scores[1].accuracy_interval == wilson_interval(2, 3)
    content = scores[0].to_dict()
    assert json.loads(json.dumps(content)) == content


def test_what_is_examined_is_what_the_classifier_says(make_onnx, digits):
    classifier = load(make_onnx())
    part = Split(digits.test.images, digits.test.labels, np.arange(297).astype(str))
    found = evaluate_in_detail(classifier, part)
    assert found.scores == evaluate(classifier, digits.test)
    assert (found.predicted == classifier.predict(part.images)).all()
    wrong = np.flatnonzero(found.predicted != part.labels)
    assert sorted(found.mistakes) == wrong.tolist()
    confidence = classifier.predict_proba(part.images, calibrated=False).max(axis=1)
    assert (np.diff(confidence[found.mistakes]) <= 0).all()  # the surest first
    assert [w.right for w in found.writers] == sorted(w.right for w in found.writers)
    assert len(found.writers) == 297
    assert evaluate_in_detail(classifier, digits.test).writers == []  # nobody knows who wrote them
