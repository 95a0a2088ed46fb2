"""Ask the classifier about pieces of ink, all of them at once, and none of them twice."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.classifier import Classifier
from digitscope.images import SIDE, Images
from digitscope.preprocess import fit_to_box
from digitscope.reading.pieces import Lean, Piece, join

MOST = 4_000  # questions about one sheet; what comes after them is no digit
BATCH = 512  # questions at a time, so that memory stays flat
LARGE = 80  # pixels; a larger piece is halved before it is fitted, which is much faster
LEVEL = 0.02  # pixels per pixel; what leans less stands

Key = tuple[Piece, ...]


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the classifier says of a piece.

    Attributes
    ----------
    image : ndarray of shape (28, 28), dtype uint8
        What it saw.
    label : int
        The most probable digit.
    likely : float
        Its probability, provided that it is a digit.
    digit : float
        The score that it is one.
    """

    image: Images
    label: int
    likely: float
    digit: float

    @property
    def sure(self) -> float:
        """The probability that it is a digit and this one."""
        return self.likely * self.digit


UNASKED = Verdict(np.zeros((SIDE, SIDE), np.uint8), 0, 0.0, 0.0)


class Judge:
    """The classifier, with a memory of what it was asked.

    Parameters
    ----------
    classifier : Classifier
    """

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._known: dict[Key, Verdict] = {}
        self._left = MOST

    def refill(self) -> None:
        """Allow as many questions again, about the next sheet."""
        self._left = MOST

    def ask(self, questions: Iterable[tuple[Key, Lean]]) -> None:
        """Judge pieces, joined, each with the lean of its line."""
        new = {key: lean for key, lean in questions if key not in self._known}
        keys = list(new)[: self._left]
        self._left -= len(keys)
        for start in range(0, len(keys), BATCH):
            part = keys[start : start + BATCH]
            images = np.stack([to_tile(join(key), new[key]) for key in part])
            probabilities, scores = self._classifier.judge(images)
            labels = probabilities.argmax(axis=1)
            for k, key in enumerate(part):
                label = int(labels[k])
                self._known[key] = Verdict(
                    images[k], label, float(probabilities[k, label]), float(scores[k])
                )

    def __getitem__(self, key: Key) -> Verdict:
        return self._known.get(key, UNASKED)

    def turns(self, images: Images) -> list[float]:
        """Return how well digits read when turned by 0, 90, 180 and 270 degrees: mean log."""
        turned = np.concatenate([np.rot90(images, k, axes=(1, 2)) for k in range(4)])
        probabilities, scores = self._classifier.judge(np.ascontiguousarray(turned))
        sure = np.log(np.maximum(probabilities.max(axis=1) * scores, 1e-3))
        return [float(part.mean()) for part in sure.reshape(4, -1)]


def to_tile(piece: Piece, lean: Lean | None = None) -> NDArray[np.uint8]:
    """Return a piece in MNIST form, set upright if it leans."""
    ink = piece.ink
    largest = max(ink.shape)
    if largest > LARGE:
        scale = LARGE / largest
        size = (max(1, round(piece.width * scale)), max(1, round(piece.height * scale)))
        ink = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)
    if lean is not None and max(abs(lean.slope), abs(lean.slant)) > LEVEL:
        ink = _upright(ink, lean)
    if not ink.any():
        return np.zeros((SIDE, SIDE), np.uint8)
    return fit_to_box(ink.astype(np.float32))


def _upright(ink: NDArray[np.uint8], lean: Lean) -> NDArray[np.uint8]:
    height, width = ink.shape
    edges = lean.matrix * (width, height)
    corner = np.minimum(edges, 0).sum(axis=1)
    size = np.ceil(np.abs(edges).sum(axis=1)).astype(int) + 2
    turn = np.column_stack([lean.matrix, 1 - corner])
    upright = cv2.warpAffine(ink, turn, size.tolist(), flags=cv2.INTER_LINEAR)
    clean: NDArray[np.uint8] = cv2.threshold(upright, 16, 0, cv2.THRESH_TOZERO)[1]
    return clean
