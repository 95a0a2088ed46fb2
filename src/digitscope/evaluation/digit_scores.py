"""How good a classifier is: (labels, probabilities) -> scores with intervals.

The arithmetic is scikit-learn's and SciPy's. Everything takes arrays first; `examine` and
`evaluate` only run the classifier for them. What is evaluated is the ONNX file that ships.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData
from digitscope.extras import require
from digitscope.image.digit import DIGITS, Images, Labels, Probabilities
from digitscope.models.classifier import Classifier, temper

BINS = 15  # of equal width, for the calibration error, as in Guo et al. 2017


class LabelledImages(Protocol):
    """Anything with images of shape (n, 28, 28) and labels of shape (n,), such as a `Split`."""

    @property
    def images(self) -> Images: ...  # noqa: D102
    @property
    def labels(self) -> Labels: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What was measured on n images.

    Attributes
    ----------
    n : int
    accuracy : float
        Share of images whose most probable digit is the true one, 0 to 1.
    accuracy_interval : tuple of float
        Wilson's 95 % interval for the accuracy. Wilson, JASA 22 (1927).
    top2_accuracy : float
        Share whose true digit is among the two most probable.
    log_loss : float
        Mean of -log(probability of the true digit), in nats, calibrated.
    roc_auc : float or None
        One against the rest, mean over the digits; None where a digit is missing.
    precision, recall, f1 : list of float
        Per digit, 0 to 9; 0 where there is nothing to divide by.
    support : list of int
        True images per digit.
    confusion : list of list of int
        Row: true digit; column: predicted.
    temperature : float
        T of the probabilities that were scored.
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
        """Return the scores that `to_dict` wrote; what else is there is left out."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def score(labels: Labels, probabilities: Probabilities, *, temperature: float = 1.0) -> Scores:
    """Return the scores of probabilities against the true labels.

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
        raise BadData("there is nothing to evaluate: expected at least one image. Received: 0.")
    digits = list(range(DIGITS))
    tempered = temper(probabilities, temperature)
    exact = tempered / tempered.sum(axis=1, keepdims=True, dtype=np.float64)  # rows add up to 1
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        labels, predicted, labels=digits, zero_division=0
    )
    right = predicted == labels
    everything = len(np.unique(labels)) == DIGITS
    top2 = np.argsort(probabilities, axis=1)[:, -2:]
    return Scores(
        n=len(labels),
        accuracy=float(right.mean()),
        accuracy_interval=wilson_interval(int(right.sum()), len(labels)),
        top2_accuracy=float((top2 == np.asarray(labels)[:, None]).any(axis=1).mean()),
        log_loss=float(metrics.log_loss(labels, exact, labels=digits)),
        roc_auc=float(metrics.roc_auc_score(labels, exact, multi_class="ovr"))
        if everything
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


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """How well a score tells digits from what is none.

    Attributes
    ----------
    threshold : float
        Below which an answer is refused.
    n_digits, n_non_digits : int
    digits_kept, non_digits_kept : float
        Shares that reach the threshold, 0 to 1.
    non_digits_kept_at_95 : float
        Share of what is no digit that is kept when 95 % of the digits are.
    non_digits_kept_at_98 : float
        The same when 98 % of the digits are.
    roc_auc : float
        Probability that a digit scores higher than what is none.
    """

    threshold: float
    n_digits: int
    n_non_digits: int
    digits_kept: float
    non_digits_kept: float
    non_digits_kept_at_95: float
    non_digits_kept_at_98: float
    roc_auc: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return dataclasses.asdict(self)


def score_refusal(
    digits: NDArray[np.float32], non_digits: NDArray[np.float32], threshold: float
) -> Refusal:
    """Return how well scores tell digits from what is none.

    Parameters
    ----------
    digits : ndarray of shape (n,)
        The scores of digits, as `Classifier.judge` gives them.
    non_digits : ndarray of shape (m,)
        Those of what is no digit.
    threshold : float
        Below which an answer is refused.

    Examples
    --------
    >>> score_refusal(np.array([0.9, 0.8]), np.array([0.1, 0.85]), 0.5).non_digits_kept
    0.5
    """
    require("evaluate", "digitscope.evaluate")
    from sklearn import metrics

    if not (len(digits) and len(non_digits)):
        raise BadData(
            f"refusing is scored on digits and on what is none. "
            f"Received: {len(digits)} and {len(non_digits)} images."
        )
    is_digit = np.repeat([1, 0], [len(digits), len(non_digits)])
    return Refusal(
        threshold=float(threshold),
        n_digits=len(digits),
        n_non_digits=len(non_digits),
        digits_kept=float((digits >= threshold).mean()),
        non_digits_kept=float((non_digits >= threshold).mean()),
        non_digits_kept_at_95=float((non_digits >= np.quantile(digits, 0.05)).mean()),
        non_digits_kept_at_98=float((non_digits >= np.quantile(digits, 0.02)).mean()),
        roc_auc=float(metrics.roc_auc_score(is_digit, np.concatenate([digits, non_digits]))),
    )


def wilson_interval(right: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval for a share of `right` out of `n` (Wilson, 1927).

    >>> low, high = wilson_interval(9764, 10_000)
    >>> f"{low:.4f} {high:.4f}"
    '0.9732 0.9792'
    """
    z = 1.959963984540054  # the 97.5th percentile of the normal distribution
    share = right / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Reliability:
    """How often the answer is right, by how sure it was.

    Attributes
    ----------
    confidence, accuracy : ndarray of shape (bins,)
        Means in each bin that is not empty.
    count : ndarray of shape (bins,)
        Answers in it.
    error : float
        The expected calibration error.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]
    error: float


def reliability(labels: Labels, probabilities: Probabilities) -> Reliability:
    """Bin the answers by confidence, 15 bins of equal width."""
    return bin_by_confidence(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def bin_by_confidence(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = BINS
) -> Reliability:
    """Bin answers by confidence, in bins of equal width.

    Parameters
    ----------
    confidence : ndarray of shape (n,)
        Probability that each answer is right.
    right : ndarray of shape (n,)
        Whether it is.
    bins : int

    Examples
    --------
    >>> bin_by_confidence(np.array([0.9, 0.9]), np.array([True, False])).accuracy.tolist()
    [0.5]
    """
    confidence = confidence.astype(np.float64)
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    count = np.bincount(which, minlength=bins)
    filled = count > 0
    sure = np.bincount(which, confidence, bins)[filled] / count[filled]
    correct = np.bincount(which, right, bins)[filled] / count[filled]
    error = float((np.abs(sure - correct) * count[filled]).sum() / max(len(right), 1))
    return Reliability(sure, correct, count[filled], error)


def fit_temperature(labels: Labels, probabilities: Probabilities) -> float:
    """Return the T that minimises the log-loss of softmax(logits / T) (Guo et al., 2017).

    Parameters
    ----------
    labels : ndarray of shape (n,)
    probabilities : ndarray of shape (n, 10)
        Of images the network was not trained on.
    """
    require("evaluate", "digitscope.evaluate")
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        tempered = temper(probabilities, math.exp(log_temperature))[rows, labels]
        return float(-np.log(np.maximum(tempered.astype(np.float64), 1e-38)).mean())

    return float(math.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


@dataclass(frozen=True, kw_only=True)
class WriterScore:
    """How well one writer's digits are read.

    Attributes
    ----------
    writer : str
        Code or number, as the data set has it.
    n, right : int
        Images of that writer, and how many of them are read correctly.
    accuracy : float
        Share of them, 0 to 1.
    accuracy_interval : tuple of float
        Wilson's 95 % interval.
    """

    writer: str
    n: int
    right: int
    accuracy: float
    accuracy_interval: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the score as plain JSON types."""
        return dataclasses.asdict(self) | {"accuracy_interval": list(self.accuracy_interval)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the scores that `to_dict` wrote; what else is there is left out."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def score_writers(
    writers: NDArray[np.str_], labels: Labels, predicted: NDArray[Any]
) -> list[WriterScore]:
    """Return a score for each writer, the worst read first.

    Parameters
    ----------
    writers : ndarray of shape (n,), dtype str
    labels, predicted : ndarray of shape (n,)
        True digits and answers.

    Examples
    --------
    >>> scores = score_writers(np.array(["a", "b", "b"]), np.array([1, 2, 3]), np.array([1, 2, 0]))
    >>> [(score.writer, score.right, score.n) for score in scores]
    [('b', 1, 2), ('a', 1, 1)]
    """
    names, place = np.unique(writers, return_inverse=True)
    n = np.bincount(place, minlength=len(names)).tolist()
    right = np.bincount(place, predicted == labels, minlength=len(names)).astype(int).tolist()
    scores = [
        WriterScore(
            writer=str(name),
            n=n[i],
            right=right[i],
            accuracy=right[i] / n[i],
            accuracy_interval=wilson_interval(right[i], n[i]),
        )
        for i, name in enumerate(names)
    ]
    return sorted(scores, key=lambda score: (score.accuracy, -score.n, score.writer))


def confused_pairs(confusion: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (true digit, said digit, how often) for each kind of mistake, the commonest first.

    >>> confused_pairs(np.array([[5, 2], [0, 7]]))
    [(0, 1, 2)]
    """
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    pairs = [(int(t), int(s), int(wrong[t, s])) for t, s in np.argwhere(wrong)]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What a classifier said of labelled images, and how good that was.

    Attributes
    ----------
    scores : Scores
    predicted : ndarray of shape (n,)
        The answers.
    mistakes : ndarray of shape (m,), dtype int
        Images that were read wrongly, the surest answer first.
    writers : list of WriterScore
        The worst first; empty where the writers are not known.
    """

    scores: Scores
    predicted: NDArray[np.int64]
    mistakes: NDArray[np.intp]
    writers: list[WriterScore]


def examine(classifier: Classifier, split: LabelledImages) -> Examination:
    """Return what a classifier says of labelled images, with its scores.

    Parameters
    ----------
    classifier : Classifier
    split : Split
        Its writers, where it knows them, are scored one by one.
    """
    probabilities = classifier.predict_proba(split.images, calibrated=False)
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != split.labels)
    writers = getattr(split, "writers", None)
    return Examination(
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
    return examine(classifier, split).scores
