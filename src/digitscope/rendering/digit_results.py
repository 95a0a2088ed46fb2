"""The results of a digit classifier that its report shows, computed from run and test images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset, load_data
from digitscope.errors import BadRun
from digitscope.evaluation import Reliability, Scores, reliability
from digitscope.image.digit import SIDE, Images, Labels, Probabilities
from digitscope.models.card import ModelCard
from digitscope.models.classifier import Classifier, temper
from digitscope.models.onnx_graph import read_graph
from digitscope.runs import Row, Run


@dataclass(frozen=True, kw_only=True)
class DigitResults:
    """The results of a run.

    Attributes
    ----------
    history : list of dict
        One row per epoch.
    scores : Scores
        The scores in metrics.json.
    card : ModelCard
        The card of model.onnx.
    images, labels : ndarray of shape (n, 28, 28) and (n,)
        The test images.
    plain, calibrated : ndarray of shape (n, 10)
        Their probabilities at T = 1, and at the T of the card.
    weights : ndarray of shape (units, 28, 28)
        The weights of the first layer.
    layer : str
        The name of the first layer.
    """

    history: list[Row]
    scores: Scores
    card: ModelCard
    images: Images
    labels: Labels
    plain: Probabilities
    calibrated: Probabilities
    weights: NDArray[np.float32]
    layer: str

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable digit of each image."""
        predicted: NDArray[np.int64] = self.plain.argmax(axis=1)
        return predicted

    @property
    def confidence(self) -> NDArray[np.float32]:
        """The calibrated probability of the predicted digit."""
        confidence: NDArray[np.float32] = self.calibrated.max(axis=1)
        return confidence

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the predicted digit is the true digit."""
        return np.equal(self.predicted, self.labels)

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """Indices of the misclassified images, in the order of decreasing confidence."""
        wrong = np.flatnonzero(~self.right)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")]

    @property
    def reliability(self) -> tuple[Reliability, Reliability]:
        """The reliability before and after temperature scaling."""
        return reliability(self.labels, self.plain), reliability(self.labels, self.calibrated)


def load_results(run: Run, data: Dataset | None = None) -> DigitResults:
    """Load the results of a run, and compute the rest from the test images.

    Raises
    ------
    BadRun
        If the folder has no scores, or the test images are others than those of the run.
    BadModel
        If its model is missing or damaged.
    """
    record, metrics, history = run.record, run.metrics, run.history
    try:
        scores = Scores.from_dict(metrics)
        about = record["data"]
        name, sha256 = about["name"], about["sha256"]["test"]
    except (KeyError, TypeError) as error:
        raise BadRun(f"{run.path} is damaged: {error} is missing.") from None
    classifier = Classifier(run.model_file)
    test = (data or load_data(name, record.get("data_dir"))).test
    if test.sha256() != sha256:
        raise BadRun(f"{run.path} was scored on other test images than {name} contains now.")
    plain = classifier.predict_proba(test.images, calibrated=False)
    layer, weights = first_layer(run.model_file)
    return DigitResults(
        history=history,
        scores=scores,
        card=classifier.card,
        images=test.images,
        labels=test.labels,
        plain=plain,
        calibrated=temper(plain, classifier.card.temperature),
        weights=weights,
        layer=layer,
    )


def first_layer(model: Path) -> tuple[str, NDArray[np.float32]]:
    """Return the name and the weights of a model's first layer.

    The weights are float32 of shape (units, 28, 28), or (filters, 3, 3) for a convolution.
    """
    weights = read_graph(model).weights
    if "convolution_1/kernel" in weights:
        return "convolution_1", weights["convolution_1/kernel"][:, 0]  # (filters, 1, 3, 3) before
    for layer in ("hidden_1", "digits"):
        if f"{layer}/kernel" in weights:  # (784, units) before
            return layer, weights[f"{layer}/kernel"].T.reshape(-1, SIDE, SIDE)
    raise BadRun(
        f"{model} has no layer convolution_1, hidden_1 or digits; it was not made by train."
    )


def errors_by_coverage(
    confidence: NDArray[np.floating], right: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return the number of errors among the k most confident answers, for k = 1 to n.

    Parameters
    ----------
    confidence : ndarray of shape (n,)
    right : ndarray of shape (n,)

    Examples
    --------
    >>> errors_by_coverage(np.array([0.5, 0.9, 0.7]), np.array([False, True, True])).tolist()
    [0, 0, 1]
    """
    order = np.argsort(-confidence, kind="stable")
    return np.cumsum(~right[order])
