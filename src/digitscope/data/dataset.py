"""Data sets: images with labels, in parts for training, validation and test."""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadData, Misuse, did_you_mean
from digitscope.image.digit import DIGITS, SIDE, Images, Labels, check_images, check_labels

if TYPE_CHECKING:  # imports OpenCV, which few data sets need
    from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet


@dataclass(frozen=True)
class Split:
    """Images and their labels.

    Attributes
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        0 = paper, 255 = ink.
    labels : ndarray of shape (n,), dtype uint8
        0 to 9.
    writers : ndarray of shape (n,), dtype str, or None
        Writer of each image, as a code or number; None if the writers are not known.
    """

    images: Images
    labels: Labels
    writers: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        check_images(self.images)
        object.__setattr__(
            self, "labels", check_labels(np.asarray(self.labels), len(self.images), "the split")
        )
        if self.writers is not None and len(self.writers) != len(self.labels):
            raise BadData(
                f"the split: each image needs a writer. "
                f"Received: {len(self.labels)} images and {len(self.writers)} writers."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Any) -> "Split":
        """Return a split with some rows, chosen by indices, slice or mask."""
        writers = None if self.writers is None else self.writers[rows]
        return Split(self.images[rows], self.labels[rows], writers)

    def counts(self) -> list[int]:
        """Return the number of images of each digit, 0 to 9."""
        return np.bincount(self.labels, minlength=DIGITS).tolist()  # type: ignore[no-any-return]

    def sha256(self) -> str:
        """Return the SHA-256 of the image bytes followed by the label bytes."""
        digest = hashlib.sha256(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


def join(splits: Sequence[Split]) -> Split:
    """Return several splits as one; it has writers if all of them have."""
    writers = [split.writers for split in splits]
    known = [w for w in writers if w is not None]
    return Split(
        np.concatenate([split.images for split in splits]),
        np.concatenate([split.labels for split in splits]),
        np.concatenate(known) if len(known) == len(writers) else None,
    )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counts and origin of a data set.

    Attributes
    ----------
    name, source, licence, citation : str
        As for `Dataset`; if the data set is not on this machine, the source says how to get it.
    counts : dict of str to int
        Number of images of each part; empty if the data set is not on this machine.
    writers : int or None
        Number of writers; None if they are not known.
    non_digits : int
        Number of non-digits for the test.
    """

    name: str
    source: str
    licence: str = ""
    citation: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    writers: int | None = None
    non_digits: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Dataset:
    """A named data set.

    Attributes
    ----------
    name : str
        Name for `load_data`: ``mnist``, ``unipen``, ``folder:PATH`` and so on.
    train, test : Split
        Images of `test` are never used for training.
    source : str
        Description of where the data set was found.
    remark : str
        A note for the user; usually empty.
    non_digits : ndarray of shape (n, 28, 28), dtype uint8
        Test images of anything else, which a network should refuse; often none.
    validation : Split or None
        Images for validation, of other writers than those of `train` and `test`. If it is None,
        `hold_out` takes some images of `train`.
    originals : StrokeSet, ScanSet or None
        Strokes or scans from which the images of `train` were made, to draw them in other styles.
    other_originals : StrokeSet or None
        Strokes of the non-digits for training.
    licence, citation : str
        The licence of the images, and the source to cite; written into model cards.
    """

    name: str
    train: Split
    test: Split
    source: str
    remark: str = ""
    non_digits: Images = field(default_factory=lambda: np.zeros((0, SIDE, SIDE), np.uint8))
    validation: Split | None = None
    originals: "StrokeSet | ScanSet | None" = None
    other_originals: "StrokeSet | None" = None
    licence: str = ""
    citation: str = ""

    def split(self, name: str) -> Split:
        """Return the ``train``, ``validation`` or ``test`` split, or ``all`` of them as one."""
        parts = self.parts()
        if name == "all":
            return join(list(parts.values()))
        if name in parts:
            return parts[name]
        raise Misuse(
            f"split of {self.name} must be {', '.join(parts)} or all. "
            f"Received: {name!r}.{did_you_mean(name, [*parts, 'all'])}"
        )

    def parts(self) -> dict[str, Split]:
        """Return the parts by name: train, validation (if there is one), test."""
        validation = {} if self.validation is None else {"validation": self.validation}
        return {"train": self.train, **validation, "test": self.test}

    def summary(self) -> "Summary":
        """Return the summary of the data set."""
        parts = self.parts().values()
        writers = {str(w) for part in parts if part.writers is not None for w in part.writers}
        return Summary(
            name=self.name,
            source=self.source,
            licence=self.licence,
            citation=self.citation,
            counts={name: len(part) for name, part in self.parts().items()},
            writers=len(writers) or None,
            non_digits=len(self.non_digits),
        )

    def hold_out(self, n: int) -> tuple[Split, Split]:
        """Return the training images in two parts: images to fit, and `n` held-out images.

        The choice is fixed for each data set, so that all recipes and seeds are compared on the
        same images. If the data set has a validation part and `n` is not 0, that part is held out.
        """
        if n and self.validation is not None:
            return self.train, self.validation
        if n >= len(self.train):
            raise BadData(
                f"validation must be less than the {len(self.train):,} training images of "
                f"{self.name}. Received: validation={n:,}."
            )
        order = np.random.default_rng(1998).permutation(len(self.train))
        fit, held_out = np.sort(order[n:]), np.sort(order[:n])
        return self.train.take(fit), self.train.take(held_out)
