"""What a network sees in an epoch, when digits of other writers are drawn into it."""

import numpy as np
import pytest

from digitscope.data import Dataset, Split
from digitscope.errors import Misuse
from digitscope.image.digit import DIGITS, NO_DIGIT
from digitscope.recipes import RECIPES
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet
from digitscope.training.mixture import Mixture, _writer_weights

BLANK = np.zeros((0, 28, 28), np.uint8)
HANDWRITTEN, SYNTHETIC, OTHERS = 200, 30, 40


def bar(length):
    return [[[0.0, 0.0], [0.0, length]]]


def source(originals, others=None):
    split = Split(BLANK, np.zeros(0, np.uint8))
    return Dataset("written", split, split, "", originals=originals, other_originals=others)


def written(each=3):
    """Strokes that show their digit: that many dashes, one below the other."""
    samples, labels = [], []
    for digit in range(DIGITS):
        dashes = [[[0.0, k / DIGITS], [0.4, k / DIGITS]] for k in range(digit + 1)]
        samples += [dashes] * each
        labels += [str(digit)] * each
    return StrokeSet.from_lines(samples, labels, np.arange(len(labels)) % each)


def scanned():
    ink = np.zeros((60, 20), np.uint8)
    ink[:, 8:12] = 255
    return ScanSet((ink,) * DIGITS, np.arange(DIGITS).astype(str), np.zeros(DIGITS, int))


@pytest.fixture
def recipe():
    return RECIPES["mlp"].but(
        handwritten=HANDWRITTEN, synthetic=SYNTHETIC, non_digits=OTHERS, seed=5
    )


@pytest.fixture
def train():
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    return Split(images, np.arange(20, dtype=np.uint8) % DIGITS)


@pytest.fixture
def sources():
    letters = StrokeSet.from_lines([bar(1.0)] * 5, ["k"] * 5, np.arange(5))
    return [source(written(), letters), source(scanned())]


def test_labels_are_balanced_and_the_same_in_each_epoch(recipe, train, sources):
    mixture = Mixture(recipe, train, sources)
    assert len(mixture.labels) == len(mixture.images(0)) == 20 + SYNTHETIC + HANDWRITTEN + OTHERS
    assert mixture.labels[:20].tolist() == train.labels.tolist()
    drawn = mixture.labels[20 + SYNTHETIC :][:HANDWRITTEN]
    assert np.bincount(drawn).tolist() == [HANDWRITTEN // DIGITS] * DIGITS
    assert np.bincount(mixture.labels[20:][:SYNTHETIC]).tolist() == [SYNTHETIC // DIGITS] * DIGITS
    assert set(mixture.labels[-OTHERS:]) == {NO_DIGIT}
    assert mixture.labels.dtype == np.int32
    assert not mixture.constant


def test_the_same_seed_and_epoch_give_the_same_images_and_others_do_not(recipe, train, sources):
    first = Mixture(recipe, train, sources)
    one, two = first.images(3), Mixture(recipe, train, sources).images(3)
    assert (one == two).all()
    first.images(0)
    assert (first.images(3) == one).all()  # independent of earlier draws
    other_seed = Mixture(recipe.but(seed=6), train, sources).images(3)
    for images in (first.images(4), other_seed):
        same = (images == one).all(axis=(1, 2))
        real = len(train)
        assert same[:real].all() == (recipe.augmentation is None)
        handwritten = same[real + SYNTHETIC :][:HANDWRITTEN]
        assert handwritten.mean() < 0.02
        assert same[-OTHERS:].mean() < 0.2  # a part of a digit may be the same


def test_a_drawn_image_is_of_its_label(recipe, train):
    """More dashes are more ink, in the mean over the images of a label."""
    plain = recipe.but(augmentation=None, synthetic=0, non_digits=0)
    mixture = Mixture(plain, train, [source(written())])
    images, labels = mixture.images(1)[20:], mixture.labels[20:]
    rows = np.array([(image.max(axis=1) > 60).sum() for image in images])
    means = [rows[labels == digit].mean() for digit in range(DIGITS)]
    assert means[0] < means[1] < means[3] < means[9]


def test_without_sources_nothing_is_drawn_of_them(recipe, train):
    mixture = Mixture(recipe, train)
    assert mixture.handwritten == 0
    assert len(mixture.labels) == len(mixture.images(0)) == 20 + SYNTHETIC + OTHERS


def test_a_source_that_cannot_be_drawn_is_refused(recipe, train):
    plain = Dataset("plain", train, train, "here")
    with pytest.raises(Misuse, match=r"swiss-digits, pendigits or unipen\. Received: plain"):
        Mixture(recipe, train, [plain])


def test_the_training_images_themselves_are_not_drawn_over(recipe, train, sources):
    plain = recipe.but(augmentation=None)
    images = Mixture(plain, train, sources).images(2)
    assert (images[:20] == train.images).all()


def test_a_busy_writer_is_drawn_less_often_than_its_share():
    weights = _writer_weights(np.array([7, 7, 7, 7, 9]))
    assert weights.tolist() == [0.5, 0.5, 0.5, 0.5, 1.0]
