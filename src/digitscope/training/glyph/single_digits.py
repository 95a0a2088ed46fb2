"""Crops of single digits for the glyph network, from the training data of `cnn`."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset, Split, load_data
from digitscope.data.page_sources import MNIST_HELD_OUT
from digitscope.errors import DataUnavailable
from digitscope.image.digit import Images
from digitscope.models.glyph_classes import CROP
from digitscope.reading.crops import CROP_FACTOR, cut_squares, normalise_levels
from digitscope.reading.glyphs import Floats
from digitscope.recipes import RECIPES, Augmentation
from digitscope.training.augmentation import augment, defocus
from digitscope.training.mixture import Mixture

INK = 96  # least gray level of a pixel in the bounding box of a digit
NEGATIVE = 0.15  # share of digits that are light on dark
# Share of training crops that are blurred; smallest and largest standard deviation of the blur, in
# pixels of a crop, in which a digit is 20 pixels high.
DEFOCUS = (0.15, (0.5, 2.6))
# Without neighbours, which crops of pages already have.
AUGMENTATION = replace(RECIPES["cnn"].augmentation or Augmentation(), neighbours=0.0)


def load_singles(data_dir: str | Path | None = None) -> Mixture:
    """Return the mixture of single digits: MNIST, and those other data sets that are stored.

    Parameters
    ----------
    data_dir : path, optional
        Folder of the data sets; by default the one named by ``DIGITSCOPE_DATA``.
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
        Its recipe contains the augmentation.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    crops : ndarray of shape (n, 32, 32), dtype uint8
        In the form of `cut_crops`.
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
            box[None, 2:] - box[None, :2], CROP_FACTOR, CROP,
        )
        for image, box, light in zip(images, boxes, negative.tolist(), strict=True)
    ]  # fmt: skip
    return normalise_levels(defocus(np.concatenate(squares), rng, *DEFOCUS)), labels.astype(np.int8)


def ink_boxes(images: Images) -> Floats:
    """Return the bounding box of the ink in each image, (n, 4); the whole image without ink."""
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
