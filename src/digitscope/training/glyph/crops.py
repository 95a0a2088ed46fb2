"""Crops with their classes: what the page network sees on synthesised pages, right or not.

The glyph network learns from the very places that reading will show it: every peak of the page
network, with the box that the page network gives it.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.contrast import normalise_contrast
from digitscope.glyph_classes import CLASSES, NOTHING
from digitscope.page_network import PageNetwork
from digitscope.reading.crops import cut_crops
from digitscope.reading.glyphs import Floats, Glyphs, find_glyphs
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.second_look import doubtful
from digitscope.synthesis.pages.stream import VALIDATION, Plan, Source
from digitscope.synthesis.pages.targets import sought_and_ignored
from digitscope.synthesis.pages.truth import PageTruth

SHIFT, STRETCH = 0.05, 0.08  # of the boxes in training: standard deviations, in sides and of ln
HIT = 0.8  # distance from a glyph's middle, in halves of its longer side, up to which it is meant
PEAKS = ReadingParameters(least_presence=0.15)  # fainter ones than reading takes, as bad examples


@dataclass(frozen=True)
class CropSource:
    """What draws crops. It is pickled once for each worker.

    Attributes
    ----------
    pages : Source
        What draws the patches.
    network : Path
        The file of the page network whose peaks are cut out.
    """

    pages: Source
    network: Path


@dataclass(frozen=True)
class Crops:
    """Some crops; row i of each array belongs to crop i.

    Attributes
    ----------
    images : ndarray of shape (n, 32, 32), dtype uint8
        As `cut_crops` gives them.
    labels : ndarray of shape (n,), dtype uint8
        The class; `NOTHING` where there is no glyph.
    heat : ndarray of shape (n, 16), dtype float32
        The probability of each class that the page network gives.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    heat: Floats

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: NDArray[np.intp]) -> "Crops":
        return Crops(self.images[rows], self.labels[rows], self.heat[rows])

    @classmethod
    def joined(cls, parts: list["Crops"]) -> "Crops":
        """Return the crops of several patches in one."""
        return cls(
            np.concatenate([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.heat for part in parts]),
        )


def draw_crops(source: CropSource, seed: tuple[int, ...], number: int, *, jitter: bool) -> Crops:
    """Return the crops of patch `number` of a stream.

    Parameters
    ----------
    source : CropSource
    seed : tuple of int
        The patch is drawn with ``default_rng([*seed, number])``.
    number : int
    jitter : bool
        Whether the boxes are moved and stretched a little, as in training.
    """
    rng = np.random.default_rng([*seed, number])
    gray, truth = source.pages.patch(rng)
    maps = _open(source.network).maps(normalise_contrast(gray))
    glyphs = find_glyphs(maps, (1.0, 1.0), PEAKS)
    labels = true_classes(glyphs, truth)
    rows = np.flatnonzero(doubtful(glyphs, certain=1.1) & (labels >= 0))
    glyphs, labels = glyphs[rows], labels[rows]
    centre, size = glyphs.centre, glyphs.size
    if jitter and len(rows):
        side = size.max(axis=1, keepdims=True)
        centre = centre + (rng.normal(0, SHIFT, centre.shape) * side).astype(np.float32)
        size = size * np.exp(rng.normal(0, STRETCH, side.shape)).astype(np.float32)
    return Crops(cut_crops(gray, centre, size), labels.astype(np.uint8), glyphs.heat)


def draw_crop_batch(source: CropSource, plan: Plan, number: int, *, n: int) -> Crops:
    """Return batch `number` of a stream: `n` of the crops of its patches, some twice if need be."""
    first = number * plan.batch_size
    patches = range(first, first + plan.batch_size)
    crops = Crops.joined([draw_crops(source, plan.seed, k, jitter=True) for k in patches])
    if not len(crops):
        return crops
    rng = np.random.default_rng([*plan.seed, first, 1])
    return crops[rng.choice(len(crops), n, replace=len(crops) < n)]


def held_out_crops(source: CropSource, n: int) -> Crops:
    """Return the crops of `n` held-out patches; the same for every training."""
    return Crops.joined([draw_crops(source, (0, VALIDATION), k, jitter=False) for k in range(n)])


def true_classes(glyphs: Glyphs, truth: PageTruth) -> NDArray[np.intp]:
    """Return the class of what stands at each glyph that the page network sees.

    Returns
    -------
    ndarray of shape (n,), dtype intp
        `NOTHING` where there is no glyph, and -1 where an answer is neither right nor wrong.
    """
    chosen, ignored = sought_and_ignored(truth)
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
