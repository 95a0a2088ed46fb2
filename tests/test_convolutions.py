"""Convolutions and refusal: from the recipe to the file that ships, the same answers."""

import numpy as np
import pytest

from digitscope.data import Split
from digitscope.errors import BadModel, Misuse
from digitscope.image.digit import DIGITS, NO_DIGIT
from digitscope.models.card import ModelCard
from digitscope.models.classifier import Classifier
from digitscope.recipes import RECIPES, Augmentation, Recipe
from digitscope.training import train
from digitscope.training.export import export
from digitscope.training.fit import Fit
from digitscope.training.networks import build_network
from digitscope.training.onnx_export import to_onnx, write_onnx
from tolerances import PROBABILITY

SMALL = Recipe(name="small", filters=(4, 8, 8), hidden=(16,), non_digits=60, synthetic=60)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)


def random_network(recipe):
    """A network whose normalizations have seen something, unlike new ones."""
    network = build_network(recipe)
    rng = np.random.default_rng(1)
    for variable in network.variables:
        if "normalization" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return network


@pytest.mark.parametrize("filters", [(4,), (4, 4), (4, 8, 8, 16), (8, 4)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_the_file_gives_what_keras_gives(tmp_path, filters, activation):
    recipe = SMALL.but(filters=filters, activation=activation)
    network = random_network(recipe)
    write_onnx(to_onnx(network), tmp_path / "m.onnx", ModelCard())
    theirs = np.asarray(network(IMAGES, training=False))
    probabilities, score = Classifier(tmp_path / "m.onnx").judge(IMAGES)
    assert theirs.shape == (40, DIGITS + 1)
    assert np.abs(score - (1 - theirs[:, DIGITS])).max() < PROBABILITY
    assert np.abs(probabilities * score[:, None] - theirs[:, :DIGITS]).max() < PROBABILITY


@pytest.mark.parametrize("format", ["onnx", "litert"])
def test_a_network_of_convolutions_is_exported_from_its_keras_file(tmp_path, format):
    random_network(SMALL).save(tmp_path / "m.keras")
    path, difference = export(tmp_path / "m.keras", format=format)
    assert path.is_file()
    assert difference <= 1e-5


def test_without_non_digits_there_are_ten_answers(tmp_path):
    network = random_network(SMALL.but(non_digits=0))
    write_onnx(to_onnx(network), tmp_path / "m.onnx", ModelCard())
    classifier = Classifier(tmp_path / "m.onnx")
    probabilities, score = classifier.judge(IMAGES)
    assert not classifier.refuses
    assert (score == probabilities.max(axis=1)).all()
    assert np.abs(probabilities - np.asarray(network(IMAGES, training=False))).max() < PROBABILITY


def test_more_filters_halve_the_picture():
    shapes = [
        layer.output.shape[1:]
        for layer in build_network(SMALL).layers
        if layer.name.startswith("convolution")
    ]
    assert shapes == [(28, 28, 4), (14, 14, 8), (14, 14, 8)]


def test_a_layer_without_translation_is_named():
    import keras

    network = keras.Sequential(
        [
            keras.Input((28, 28), dtype="uint8"),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Reshape((28, 28, 1)),
            keras.layers.Conv2D(2, 3, padding="valid", name="odd"),
            keras.layers.Flatten(),
            keras.layers.Dense(10, "softmax"),
        ]
    )
    with pytest.raises(BadModel, match="the layer 'odd' cannot be written to ONNX: expected pad"):
        to_onnx(network)


def test_drawn_images_join_the_training_images_in_the_order_of_the_labels(digits):
    train_images = digits.train.take(slice(50))
    fit = Fit(SMALL, train_images, Split(train_images.images[:0], train_images.labels[:0]))
    images = np.asarray(fit._images(1))
    assert len(images) == len(fit.labels) == 50 + 60 + 60
    assert (images[:50] == train_images.images).all()
    assert (fit.labels[50:110] == np.arange(60) % 10).all()
    assert (fit.labels[110:] == NO_DIGIT).all()
    assert (np.asarray(fit._images(1)) == images).all()
    assert not (np.asarray(fit._images(2))[50:] == images[50:]).all()


def test_a_network_that_refuses_has_a_threshold_in_its_card(tmp_path, digits):
    recipe = SMALL.but(epochs=2, validation=300, augmentation=Augmentation())
    run = train(recipe, data=digits, out=tmp_path / "run")
    classifier = Classifier(run.model_file)
    refusal = classifier.card.refusal
    assert classifier.refuses
    assert classifier.threshold == refusal["threshold"]
    assert refusal["coverage"] == 0.99
    held_out = digits.hold_out(300)[1]
    kept = classifier.judge(held_out.images).digit >= classifier.threshold
    assert kept.mean() > 0.9  # 99 % of these and of drawn ones together


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"filters": (0,)}, "filters must be up to 50 whole numbers from 1 to 4,096"),
        ({"synthetic": -1}, "synthetic must be a whole number from 0 up"),
        ({"non_digits": 1.5}, "non_digits must be a whole number"),
    ],
)
def test_bad_fields_are_named(changes, message):
    with pytest.raises(Misuse, match=message):
        RECIPES["classic"].but(**changes)


def test_a_recipe_of_before_there_were_filters_can_be_read():
    fields = RECIPES["mlp"].to_dict()
    for new in ("filters", "synthetic", "non_digits"):
        del fields[new]
    assert Recipe.from_dict(fields) == RECIPES["mlp"]
