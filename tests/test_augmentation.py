"""What pens, lenses, croppers and scanners do to a share of the training images."""

import numpy as np
import pytest

from digitscope.recipes import Augmentation
from digitscope.training.augmentation import augment

STILL = {
    "rotation": 0.0,
    "scale": 0.0,
    "shear": 0.0,
    "shift": 0.0,
    "elastic": 0.0,
}


def redraw(images, **shares):
    return augment(images, np.random.default_rng(0), Augmentation(**STILL, **shares))


@pytest.fixture(scope="module")
def images(digits):
    return digits.train.images[:400]


def test_nothing_asked_for_changes_nothing(images):
    assert (redraw(images) == images).all()


@pytest.mark.parametrize("kind", ["stroke", "blur", "noise", "cut", "neighbours"])
def test_it_happens_to_the_share_that_is_asked_for(images, kind):
    changed = (redraw(images, **{kind: 0.3}) != images).any(axis=(1, 2)).mean()
    assert 0.15 < changed < 0.4  # a cut may fall on rows that were empty, a blur may be faint
    assert redraw(images, **{kind: 1.0}).dtype == np.uint8


def test_strokes_become_thinner_and_thicker_but_never_vanish(images):
    ink = redraw(images, stroke=1.0).sum(axis=(1, 2)) / images.sum(axis=(1, 2))
    assert ink.min() > 0.25
    assert (ink < 0.8).any()
    assert (ink > 1.2).any()


def test_a_cut_takes_ink_at_one_side_only(images):
    changed = redraw(images, cut=1.0)
    assert (changed <= images).all()
    lost = (images.astype(int) - changed).sum(axis=(1, 2)) / images.sum(axis=(1, 2))
    assert 0 < lost.mean() < 0.25


def test_a_neighbour_stands_at_the_left_or_right(images):
    added = redraw(images, neighbours=1.0).astype(int) - images
    assert (added >= 0).all()
    assert added[:, :, 11:17].sum() == 0
    assert added[:, :, :6].sum() > 0
    assert added[:, :, 22:].sum() > 0


def test_the_same_state_gives_the_same_images(images):
    settings = Augmentation(stroke=0.5, blur=0.5, noise=0.5, cut=0.5, neighbours=0.5)
    first, again = (augment(images, np.random.default_rng(7), settings) for _ in range(2))
    assert (first == again).all()
