"""Single digits as crops: what `cnn` learns from, for the glyph network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset, Split, load_data
from digitscope.data.page_sources import MNIST_HELD_OUT
from digitscope.errors import DataUnavailable
from digitscope.image.digit import Images
from digitscope.models.glyph_classes import CROP
from digitscope.reading.crops import AROUND, cut_squares, even_out
from digitscope.reading.glyphs import Floats
from digitscope.recipes import RECIPES, Augmentation
from digitscope.training.augmentation import augment, defocus
from digitscope.training.mixture import Mixture

INK = 96  # level from which on a pixel belongs to the box of a digit
NEGATIVE = 0.15  # share of digits that are light on dark
# Share of crops in training that are out of focus, and how far: smallest and largest standard
# deviation of the blur, in pixels of a crop, in which a digit is 20 pixels high.
DEFOCUS = (0.15, (0.5, 2.6))
# Neighbours come with the crops of pages.
AUGMENTATION = replace(RECIPES["cnn"].augmentation or Augmentation(), neighbours=0.0)


def load_singles(data_dir: str | Path | None = None) -> Mixture:
    """Return what draws single digits: MNIST, and of other data sets those that are here.

    Parameters
    ----------
    data_dir : path, optional
        Where the data sets are; by default the folder that ``DIGITSCOPE_DATA`` names.
    """
    recipe = RECIPES["cnn"].but(non_digits=0, augmentation=AUGMENTATION)
    train = load_data("mnist", data_dir).train
    train = Split(train.images[:-MNIST_HELD_OUT], train.labels[:-MNIST_HELD_OUT])
    sources: list[Dataset] = []
    for name in recipe.sources:
        try:
            sources.append(load_data(name, data_dir))
        except DataUnavailable:
            continue
    return Mixture(recipe, train, sources)


def draw_singles(
    mixture: Mixture, n: int, rng: np.random.Generator
) -> tuple[Images, NDArray[np.int8]]:
    """Return crops of single digits, augmented as in the training of `cnn`.

    Parameters
    ----------
    mixture : Mixture
        Its recipe tells how they are augmented.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    crops : ndarray of shape (n, 32, 32), dtype uint8
        As `cut_crops` gives them.
    labels : ndarray of shape (n,), dtype int8
    """
    images, labels, drawn = mixture.sample(n, rng)
    boxes = ink_boxes(images)
    if mixture.recipe.augmentation:
        images = augment(images, rng, mixture.recipe.augmentation, drawn)
    negative = rng.random(n) < NEGATIVE
    squares = [
        cut_squares(
            image if light else 255 - image, (box[None, :2] + box[None, 2:]) / 2,
            box[None, 2:] - box[None, :2], AROUND, CROP,
        )
        for image, box, light in zip(images, boxes, negative.tolist(), strict=True)
    ]  # fmt: skip
    return even_out(defocus(np.concatenate(squares), rng, *DEFOCUS)), labels.astype(np.int8)


def ink_boxes(images: Images) -> Floats:
    """Return left, top, right, bottom of the ink in each image, shape (n, 4); all where is none."""
    _, height, width = images.shape
    inked = images >= INK
    inked |= ~inked.any(axis=(1, 2), keepdims=True)
    across, down = np.asarray(inked.any(axis=1)), np.asarray(inked.any(axis=2))
    edges = [
        across.argmax(axis=1),
        down.argmax(axis=1),
        width - across[:, ::-1].argmax(axis=1),
        height - down[:, ::-1].argmax(axis=1),
    ]
    return np.stack(edges, axis=1).astype(np.float32)
