"""A data set: images and labels for training, and others kept apart for the test."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitscope.errors import BadData, Misuse
from digitscope.images import DIGITS, SIDE, Images, Labels, check_images, check_labels


@dataclass(frozen=True)
class Split:
    """Images and their labels.

    Attributes
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.
    labels : ndarray of shape (n,), dtype uint8
        0 to 9.
    """

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        check_images(self.images)
        object.__setattr__(
            self, "labels", check_labels(np.asarray(self.labels), len(self.images), "the split")
        )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Any) -> "Split":
        """Return the images and labels of those rows."""
        return Split(self.images[rows], self.labels[rows])

    def counts(self) -> list[int]:
        """Return how many images there are of each digit, 0 to 9."""
        return np.bincount(self.labels, minlength=DIGITS).tolist()  # type: ignore[no-any-return]

    def sha256(self) -> str:
        """Return the SHA-256 of the image bytes followed by the label bytes."""
        digest = hashlib.sha256(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Dataset:
    """A named data set.

    Attributes
    ----------
    name : str
        What `load_data` takes: ``mnist``, ``digits`` or ``folder:PATH``.
    train, test : Split
        Nothing in `test` is ever trained on.
    source : str
        Where it was found, for people.
    remark : str
        What its user should know; empty as a rule.
    non_digits : ndarray of shape (n, 28, 28), dtype uint8
        Images of anything else, which a network should refuse; none as a rule.
    """

    name: str
    train: Split
    test: Split
    source: str
    remark: str = ""
    non_digits: Images = field(default_factory=lambda: np.zeros((0, SIDE, SIDE), np.uint8))

    def split(self, name: str) -> Split:
        """Return the ``train`` or ``test`` split, or both together as ``all``."""
        match name:
            case "train":
                return self.train
            case "test":
                return self.test
            case "all":
                images = np.concatenate([self.train.images, self.test.images])
                return Split(images, np.concatenate([self.train.labels, self.test.labels]))
        raise Misuse(f"the split must be test, train or all. Received: {name!r}.")

    def hold_out(self, n: int) -> tuple[Split, Split]:
        """Return the training images in two: those to fit, and `n` held out.

        Which ones is fixed for a data set, so that all recipes and seeds are judged on the same.
        """
        if n >= len(self.train):
            raise BadData(
                f"validation must leave images to train on: {self.name} has {len(self.train):,} "
                f"training images. Received: validation={n:,}."
            )
        order = np.random.default_rng(1998).permutation(len(self.train))
        fit, held_out = np.sort(order[n:]), np.sort(order[:n])
        return self.train.take(fit), self.train.take(held_out)
