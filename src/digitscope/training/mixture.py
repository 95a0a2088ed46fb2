"""The mixture of real and drawn images in an epoch of training.

The labels are the same in every epoch, so that the compiled epoch can use one tensor of labels. The
images depend on (seed, epoch) only.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset, Split
from digitscope.errors import Misuse
from digitscope.image.digit import DIGITS, NO_DIGIT, Images
from digitscope.recipes import Recipe
from digitscope.synthesis.fonts import find_fonts
from digitscope.synthesis.pen import HAND

PRINTED = 0.15  # share of printed digits among parametric digits, if the recipe has sources


class Mixture:
    """The images and labels of each epoch.

    Parameters
    ----------
    recipe : Recipe
        Numbers of images of each kind, and their augmentation.
    train : Split
        Real images, which are in every epoch.
    sources : sequence of Dataset
        The data sets that ``recipe.sources`` names, whose digits are drawn in new ways.

    Attributes
    ----------
    labels : ndarray of shape (n,), dtype int32
        0 to 9, and 10 for non-digits.
    """

    def __init__(self, recipe: Recipe, train: Split, sources: Sequence[Dataset] = ()) -> None:
        self.recipe, self.train = recipe, train
        for source in sources:
            if source.originals is None:
                raise Misuse(
                    f"sources must be data sets whose digits can be drawn anew: swiss-digits, "
                    f"pendigits or unipen. Received: {source.name}."
                )
        self._originals = [s.originals for s in sources if s.originals is not None]
        others = [s.other_originals for s in sources if s.other_originals is not None]
        self._others = type(others[0]).joined(others) if others else None
        self._weights = [_writer_weights(o.writers) for o in self._originals]
        self._style = replace(HAND, printed=PRINTED, fonts=find_fonts()) if sources else HAND
        self.handwritten = recipe.handwritten if self._originals else 0
        self.labels = np.concatenate(
            [
                train.labels,
                np.arange(recipe.synthetic) % DIGITS,
                np.arange(self.handwritten) % DIGITS,
                np.full(recipe.non_digits, NO_DIGIT),
            ]
        ).astype(np.int32)

    def __repr__(self) -> str:
        written = sum(len(originals.labels) for originals in self._originals)
        return f"Mixture({self.recipe}, {len(self.train)} images, {written} written digits)"

    @property
    def fonts(self) -> list[str]:
        """The names of the fonts of printed characters."""
        return [Path(font).stem or "Pillow's own" for font in self._style.fonts]

    @property
    def constant(self) -> bool:
        """Whether every epoch has the same images."""
        recipe = self.recipe
        return not (
            recipe.augmentation or recipe.synthetic or self.handwritten or recipe.non_digits
        )

    def images(self, epoch: int) -> Images:
        """Return the images of an epoch, uint8 (n, 28, 28), in the order of `labels`."""
        recipe = self.recipe
        images = self.train.images
        if recipe.synthetic or self.handwritten or recipe.non_digits:
            images = np.concatenate([images, *self._draw(epoch)])
        if recipe.augmentation:
            from digitscope.training.augmentation import augment

            rng = np.random.default_rng([recipe.seed, epoch, 1])
            degraded = len(images) - len(self.train) if self._originals else 0
            images = augment(images, rng, recipe.augmentation, degraded)
        return images

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Images, NDArray[np.intp], int]:
        """Return n random digits before augmentation, in the proportions of an epoch.

        Returns
        -------
        images : ndarray of shape (n, 28, 28), dtype uint8
        labels : ndarray of shape (n,), dtype intp
        drawn : int
            Number of drawn digits, which are the last ones.
        """
        from digitscope.synthesis import digits

        sizes = np.array([len(self.train), self.recipe.synthetic, self.handwritten])
        real, formed, written = rng.multinomial(n, sizes / sizes.sum()).tolist()
        rows = rng.integers(0, max(len(self.train), 1), real)
        labels = np.concatenate([self.train.labels[rows], rng.integers(0, DIGITS, n - real)])
        images = [
            self.train.images[rows],
            digits.draw_digits(labels[real : real + formed], rng, style=self._style),
            self._draw_handwritten(labels[real + formed :], rng),
        ]
        return np.concatenate(images), labels.astype(np.intp), formed + written

    def _draw(self, epoch: int) -> list[Images]:
        from digitscope.synthesis import digits  # imports OpenCV, which few recipes need

        recipe, real = self.recipe, self.train
        rng = np.random.default_rng([recipe.seed, epoch, 2])
        labels = self.labels[len(real) :][: recipe.synthetic]
        drawn = [digits.draw_digits(labels, rng, style=self._style)]
        if self.handwritten:
            first = len(real) + recipe.synthetic
            labels = self.labels[first : first + self.handwritten]
            own = np.random.default_rng([recipe.seed, epoch, 4])
            drawn.append(self._draw_handwritten(labels, own))
        if recipe.non_digits:
            others = digits.draw_non_digits(
                recipe.non_digits,
                rng,
                real.images,
                labels=real.labels,
                recorded=self._others,
                style=self._style,
            )
            drawn.append(others)
        return drawn

    def _draw_handwritten(self, labels: NDArray[np.integer], rng: np.random.Generator) -> Images:
        """Draw recorded digits; the frequency of a source is the square root of its size."""
        sizes = np.sqrt([len(o) for o in self._originals])
        if not len(labels):
            return np.zeros((0, *self.train.images.shape[1:]), np.uint8)
        source = rng.choice(len(sizes), len(labels), p=sizes / sizes.sum())
        images = np.empty((len(labels), *self.train.images.shape[1:]), np.uint8)
        for k, originals in enumerate(self._originals):
            rows = np.flatnonzero(source == k)
            chosen = np.empty(len(rows), np.intp)
            for digit in range(DIGITS):
                places = np.flatnonzero(labels[rows] == digit)
                having = np.flatnonzero(originals.labels == str(digit))
                weights = self._weights[k][having]
                chosen[places] = rng.choice(having, len(places), p=weights / weights.sum())
            images[rows] = originals.draw(chosen, rng)
        return images


def _writer_weights(writers: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the weight of each sample, 1 / √(number of samples of its writer)."""
    _, place, counts = np.unique(writers, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = 1 / np.sqrt(counts[place].astype(np.float64))
    return weights
