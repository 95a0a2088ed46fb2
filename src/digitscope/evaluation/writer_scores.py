"""Scores of a classifier by writer."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from digitscope.evaluation.intervals import wilson_interval
from digitscope.image.digit import Labels


@dataclass(frozen=True, kw_only=True)
class WriterScore:
    """Accuracy on the digits of one writer.

    Attributes
    ----------
    writer : str
        Code or number of the writer in the data set.
    n, right : int
        Number of images of that writer, and of those with the right answer.
    accuracy : float
        `right` / `n`.
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
        """Return the scores that `to_dict` wrote; unknown keys are ignored."""
        return cls(**{field.name: values[field.name] for field in dataclasses.fields(cls)})


def score_writers(
    writers: NDArray[np.str_], labels: Labels, predicted: NDArray[Any]
) -> list[WriterScore]:
    """Return a score for each writer, in order of rising accuracy.

    Parameters
    ----------
    writers : ndarray of shape (n,), dtype str
    labels, predicted : ndarray of shape (n,)
        True and predicted digits.

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
