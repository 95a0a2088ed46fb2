"""Scores of a classifier of single digits: labels and probabilities in, scores with intervals out.

scikit-learn and SciPy compute them. `score` takes arrays; `evaluate_in_detail` and `evaluate` run
the classifier first. The evaluated model is the ONNX file that ships.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData
from digitscope.evaluation.calibration import reliability
from digitscope.evaluation.intervals import wilson_interval
from digitscope.evaluation.writer_scores import WriterScore, score_writers
from digitscope.extras import require
from digitscope.image.digit import DIGITS, Images, Labels, Probabilities
from digitscope.models.classifier import Classifier, temper


class LabelledImages(Protocol):
    """Anything with images of shape (n, 28, 28) and labels of shape (n,), such as a `Split`."""

    @property
    def images(self) -> Images: ...  # noqa: D102
    @property
    def labels(self) -> Labels: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Scores of a classifier on n images.

    Attributes
    ----------
    n : int
        Number of images.
    accuracy : float
        Share of images whose most probable digit is the true one, 0 to 1.
    accuracy_interval : tuple of float
        Wilson's 95 % interval for the accuracy. Wilson, JASA 22 (1927).
    top2_accuracy : float
        Share whose true digit is among the two most probable.
    log_loss : float
        Mean of -log(probability of the true digit), in nats, calibrated.
    roc_auc : float or None
        One against the rest, mean over the digits; None if an image of some digit is missing.
    precision, recall, f1 : list of float
        Per digit, 0 to 9; 0 where the denominator is 0.
    support : list of int
        Number of images per true digit.
    confusion : list of list of int
        Row: true digit; column: predicted digit.
    temperature : float
        T at which the probabilities were scored.
    calibration_error : float
        Mean gap of confidence and accuracy over 15 bins, weighted by their counts, at T. Naeini,
        Cooper and Hauskrecht, AAAI 2015.
    calibration_error_before : float
        The same at T = 1.
    """

    n: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    top2_accuracy: float
    log_loss: float
    roc_auc: float | None
    precision: list[float]
    recall: list[float]
    f1: list[float]
    support: list[int]
    confusion: list[list[int]]
    temperature: float
    calibration_error: float
    calibration_error_before: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain JSON types."""
        return dataclasses.asdict(self) | {"accuracy_interval": list(self.accuracy_interval)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the scores that `to_dict` wrote; unknown keys are ignored."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def score(labels: Labels, probabilities: Probabilities, *, temperature: float = 1.0) -> Scores:
    """Return the scores of predicted probabilities.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        True digits, 0 to 9.
    probabilities : ndarray of shape (n, 10)
        At T = 1.
    temperature : float
        T that calibrates them.

    Examples
    --------
    >>> score(np.array([3, 5]), np.eye(10, dtype=np.float32)[[3, 5]]).accuracy
    1.0
    """
    require("evaluate", "digitscope.evaluate")
    from sklearn import metrics

    if not len(labels):
        raise BadData("evaluation needs at least one image. Received: 0 images.")
    digits = list(range(DIGITS))
    tempered = temper(probabilities, temperature)
    exact = tempered / tempered.sum(axis=1, keepdims=True, dtype=np.float64)  # rows add up to 1
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=digits, zero_division=0
    )
    right = predicted == labels
    has_all_digits = len(np.unique(labels)) == DIGITS
    top2 = np.argsort(probabilities, axis=1)[:, -2:]
    return Scores(
        n=len(labels),
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        top2_accuracy=float((top2 == np.asarray(labels)[:, None]).any(axis=1).mean()),
        log_loss=float(metrics.log_loss(labels, exact, labels=digits)),
        roc_auc=float(metrics.roc_auc_score(labels, exact, multi_class="ovr"))
        if has_all_digits
        else None,
        precision=precision.tolist(),
        recall=recall.tolist(),
        f1=f1.tolist(),
        support=support.tolist(),
        confusion=metrics.confusion_matrix(labels, predicted, labels=digits).tolist(),
        temperature=temperature,
        calibration_error=reliability(labels, tempered).error,
        calibration_error_before=reliability(labels, probabilities).error,
    )


def confused_pairs(confusion: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (true digit, predicted digit, count) of each confusion, the most frequent first.

    >>> confused_pairs(np.array([[5, 2], [0, 7]]))
    [(0, 1, 2)]
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    pairs = [(int(t), int(s), int(wrong[t, s])) for t, s in np.argwhere(wrong)]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))


@dataclass(frozen=True, kw_only=True)
class EvaluationDetails:
    """Predictions of a classifier on labelled images, with their scores.

    Attributes
    ----------
    scores : Scores
    predicted : ndarray of shape (n,)
        The most probable digit of each image.
    mistakes : ndarray of shape (m,), dtype int
        Indices of misread images, in order of falling confidence.
    writers : list of WriterScore
        In order of rising accuracy; empty if the writers are not known.
    """

    scores: Scores
    predicted: NDArray[np.int64]
    mistakes: NDArray[np.intp]
    writers: list[WriterScore]


def evaluate_in_detail(classifier: Classifier, split: LabelledImages) -> EvaluationDetails:
    """Return the predictions of a classifier on labelled images, with their scores.

    Parameters
    ----------
    classifier : Classifier
    split : Split
        If it has writers, each of them gets a score.
    """
    probabilities = classifier.predict_proba(split.images, calibrated=False)
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != split.labels)
    writers = getattr(split, "writers", None)
    return EvaluationDetails(
        scores=score(split.labels, probabilities, temperature=classifier.card.temperature),
        predicted=predicted,
        mistakes=wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")],
        writers=[] if writers is None else score_writers(writers, split.labels, predicted),
    )


def evaluate(classifier: Classifier, split: LabelledImages) -> Scores:
    """Return the scores of a classifier on labelled images.

    Parameters
    ----------
    classifier : Classifier
    split : Split
        For instance ``load_data("mnist").test``.

    Returns
    -------
    Scores
    """
    return evaluate_in_detail(classifier, split).scores
