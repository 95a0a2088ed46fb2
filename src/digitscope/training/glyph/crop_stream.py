"""A stream of labelled crops: the glyphs that the page network finds on synthetic pages.

The glyph network is trained on the same crops that reading gives it: all peaks of the page network,
right or wrong, with the boxes of the page network. One patch in four is rotated by a random
multiple of 90°, and its crops are labelled with the turn; crops of other patches are labelled with
the class. Training crops are distorted, as an augmentation of handwriting. Single digits from the
training data of `cnn` are added, because they are clean, unlike most pages.
"""

import functools
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.image.contrast import normalise_contrast
from digitscope.models.glyph_classes import CLASSES, CROP, NOTHING
from digitscope.models.page_network import PageNetwork
from digitscope.reading.crops import CROP_FACTOR, cut_crops, cut_squares, normalise_levels
from digitscope.reading.glyphs import Floats, Glyphs, find_glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.second_pass import doubtful
from digitscope.recipes import Augmentation
from digitscope.synthesis.pages.stream import VALIDATION, Plan, Source
from digitscope.synthesis.pages.targets import targets_and_ignored
from digitscope.synthesis.pages.truth import PageTruth
from digitscope.training.augmentation import bend, defocus
from digitscope.training.glyph.single_digits import DEFOCUS, draw_singles
from digitscope.training.mixture import Mixture

# Distortion of crops in training. `shift` and `scale` also simulate errors of the boxes.
BENT = Augmentation(rotation=5, scale=0.08, shear=0.1, shift=1.0, elastic=0.8, smoothness=7)
MARGIN = 8  # pixels around a crop that distortion may move into it
HIT = 0.8  # largest distance of a peak from a glyph's middle, in halves of the glyph's longer side
PEAKS = ReadingParameters(low_threshold=0.15)  # weaker peaks too, as negatives
TURNED = 4  # one patch in this number is labelled with turns
UNKNOWN = -1  # label of crops without this kind of label


@dataclass(frozen=True)
class CropSource:
    """A source of crops. It is pickled once for each worker.

    Attributes
    ----------
    pages : Source
        Source of the patches.
    network : Path
        The file of the page network that finds the glyphs.
    singles : Mixture, optional
        Source of the single digits in training.
    """

    pages: Source
    network: Path
    singles: Mixture | None = None


@dataclass(frozen=True)
class Crops:
    """A set of crops; row i of each array belongs to crop i.

    Attributes
    ----------
    images : ndarray of shape (n, 32, 32), dtype uint8
        In the form of `cut_crops`.
    labels : ndarray of shape (n,), dtype int8
        The class; `NOTHING` if there is no glyph, -1 on patches that are labelled with turns.
    turns : ndarray of shape (n,), dtype int8
        Quarter turns, counter-clockwise, of the page; -1 on other patches.
    heat : ndarray of shape (n, 16), dtype float32
        The probability of each class by the page network.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int8]
    turns: NDArray[np.int8]
    heat: Floats

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.generic]) -> "Crops":
        return Crops(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def of_classes(self) -> "Crops":
        """The crops that are labelled with a class."""
        return self[self.labels != UNKNOWN]

    @property
    def of_turns(self) -> "Crops":
        """The crops that are labelled with a turn."""
        return self[self.turns != UNKNOWN]

    @classmethod
    def joined(cls, parts: list["Crops"]) -> "Crops":
        """Return several sets of crops as one."""
        return cls(
            *(
                np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(cls)
            )
        )


def draw_crops(source: CropSource, seed: tuple[int, ...], number: int, *, bent: bool) -> Crops:
    """Return the crops of patch `number` of a stream.

    Parameters
    ----------
    source : CropSource
    seed : tuple of int
        The patch is drawn with ``default_rng([*seed, number])``.
    number : int
    bent : bool
        Whether the crops are distorted, as in training.
    """
    rng = np.random.default_rng([*seed, number])
    gray, truth = source.pages.patch(rng)
    turn = int(rng.integers(4)) if number % TURNED == 0 else UNKNOWN
    gray = np.ascontiguousarray(np.rot90(gray, max(turn, 0)))
    maps = _open(source.network).maps(normalise_contrast(gray))
    glyphs = find_glyphs(maps, (1.0, 1.0), PEAKS)
    labels = true_classes(turned_back(glyphs, max(turn, 0), truth.size), truth)
    if turn == UNKNOWN:
        wanted = doubtful(glyphs, certain=1.1) & (labels != UNKNOWN)
    else:
        wanted = (labels != UNKNOWN) & (labels != NOTHING)
        wanted &= glyphs.presence >= ReadingParameters().low_threshold
        labels[:] = UNKNOWN
    rows = np.flatnonzero(wanted)
    glyphs, labels = glyphs[rows], labels[rows]
    turns = np.full(len(rows), turn, np.int8)
    if bent and len(rows):
        images = _cut_bent(gray, glyphs.centre, glyphs.size, rng)
    else:
        images = cut_crops(gray, glyphs.centre, glyphs.size)
    return Crops(images, labels.astype(np.int8), turns, glyphs.heat)


def _cut_bent(
    gray: NDArray[np.uint8], centres: Floats, sizes: Floats, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return crops with random distortions."""
    side = CROP + 2 * MARGIN
    squares = cut_squares(gray, centres, sizes, CROP_FACTOR * side / CROP, side)
    bent = bend(squares, rng, BENT)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    return normalise_levels(defocus(bent, rng, *DEFOCUS))


def turned_back(glyphs: Glyphs, quarters: int, size: tuple[int, int]) -> Glyphs:
    """Return glyphs of a rotated page with their positions on the upright page."""
    x, y = glyphs.centre.T
    height, width = size
    back = {0: (x, y), 1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}
    return replace(glyphs, centre=np.stack(back[quarters], axis=1))


def draw_crop_batch(
    source: CropSource, plan: Plan, number: int, *, n: int, singles: int = 0
) -> Crops:
    """Return batch `number` of a stream: crops of its patches, and single digits.

    Parameters
    ----------
    source : CropSource
    plan : Plan
    number : int
    n : int
        Number of crops of its patches; crops are repeated if there are fewer.
    singles : int
        Number of single digits, if the source has any.
    """
    first = number * plan.batch_size
    patches = range(first, first + plan.batch_size)
    crops = Crops.joined([draw_crops(source, plan.seed, k, bent=True) for k in patches])
    rng = np.random.default_rng([*plan.seed, first, 1])
    if len(crops):
        crops = crops[rng.choice(len(crops), n, replace=len(crops) < n)]
    if source.singles is None or not singles:
        return crops
    images, labels = draw_singles(source.singles, singles, rng)
    unknown = np.full(singles, UNKNOWN, np.int8)
    heat = np.zeros((singles, len(CLASSES)), np.float32)
    return Crops.joined([crops, Crops(images, labels, unknown, heat)])


def held_out_crops(source: CropSource, n: int) -> Crops:
    """Return the crops of `n` held-out patches, which are the same for every training."""
    return Crops.joined([draw_crops(source, (0, VALIDATION), k, bent=False) for k in range(n)])


def true_classes(glyphs: Glyphs, truth: PageTruth) -> NDArray[np.intp]:
    """Return the true class of each glyph that the page network finds.

    Returns
    -------
    ndarray of shape (n,), dtype intp
        `NOTHING` if there is no glyph, and -1 if an answer is neither right nor wrong.
    """
    chosen, ignored = targets_and_ignored(truth)
    boxes = np.array([glyph.box for glyph in chosen], np.float64).reshape(-1, 4)
    classes = np.array([CLASSES.index(glyph.label) for glyph in chosen], np.intp)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0) / 2 * HIT
    labels = np.full(len(glyphs), NOTHING, np.intp)
    for n, place in enumerate(glyphs.centre.astype(np.float64)):
        away = np.hypot(*(middles - place).T) / reach
        if len(away) and away.min() < 1:
            labels[n] = classes[away.argmin()]
        elif ((ignored[:, :2] <= place) & (place <= ignored[:, 2:])).all(axis=1).any():
            labels[n] = -1
    return labels


@functools.cache
def _open(path: Path) -> PageNetwork:
    return PageNetwork(path, threads=1)
