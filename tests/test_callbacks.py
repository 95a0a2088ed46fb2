"""Keras's callbacks do at epoch ends what Keras says they do."""

import csv
from importlib.util import find_spec

import keras
import numpy as np
import pytest

from digitscope.recipes import RECIPES
from digitscope.training.fit import Fit
from digitscope.training.networks import rate_factors

RECIPE = RECIPES["classic"].but(hidden=(8,), epochs=4, batch_size=64)


@pytest.fixture(scope="module")
def splits(digits):
    return digits.train.take(slice(128)), digits.train.take(slice(1_000, 1_050))


class Weights(keras.callbacks.Callback):
    """Remembers the weights and the rate of each epoch."""

    def on_train_begin(self, logs=None):
        self.epochs, self.rates = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append([np.array(w) for w in self.model.get_weights()])


def fit(splits, *callbacks, recipe=RECIPE):
    train, held_out = splits
    return Fit(recipe, train, held_out, callbacks).run()


def same(ours, theirs):
    return all((np.array(a) == b).all() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_early_stopping_stops_and_restores_the_best(splits, average):
    weights = Weights()
    # The loss falls; called a score to be raised, its first value stays the best.
    stopping = keras.callbacks.EarlyStopping(
        monitor="loss", mode="max", patience=1, restore_best_weights=True
    )
    result = fit(splits, weights, stopping, recipe=RECIPE.but(average=average))
    assert result.stopped == "a callback stopped it after epoch 2"
    assert len(result.history) == 3
    assert not same(weights.epochs[1], weights.epochs[0])
    assert same(result.model.get_weights(), weights.epochs[0])


@pytest.fixture(scope="module")
def logged(splits, tmp_path_factory):
    """One fit with all callbacks that write, and the folder they wrote into."""
    folder, weights = tmp_path_factory.mktemp("logs"), Weights()
    checkpoint = str(folder / "{epoch:02d}-{val_loss:.3f}.keras")
    callbacks = [
        weights,
        keras.callbacks.ModelCheckpoint(checkpoint, monitor="val_loss"),
        keras.callbacks.CSVLogger(str(folder / "log.csv")),
    ]
    if find_spec("tensorboard"):
        callbacks.append(keras.callbacks.TensorBoard(str(folder), write_graph=False))
    return fit(splits, *callbacks), weights, folder


def test_model_checkpoint_writes_the_weights_of_its_epoch(logged):
    result, weights, folder = logged
    files = sorted(folder.glob("*.keras"))
    assert [f.stem for f in files] == [
        f"{int(row['epoch']):02d}-{row['val_loss']:.3f}" for row in result.history[1:]
    ]
    saved = keras.saving.load_model(files[1])
    assert same(saved.get_weights(), weights.epochs[1])


def test_csv_logger_writes_what_the_history_says(logged):
    result, _, folder = logged
    with (folder / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2, 3]
    for line, row in zip(rows, result.history[1:], strict=True):
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert float(line[name]) == pytest.approx(row[name])


def test_tensorboard_writes_the_scalars_of_each_epoch(logged):
    pytest.importorskip("tensorboard", reason="TensorFlow no longer brings it")
    from tensorflow.python.summary.summary_iterator import summary_iterator

    seen = {}
    for part in ("train", "validation"):
        (file,) = (logged[2] / part).glob("events.out.tfevents.*")
        for event in summary_iterator(str(file)):
            for value in event.summary.value:
                seen.setdefault((part, value.tag), []).append(event.step)
    assert seen["train", "epoch_loss"] == [0, 1, 2, 3]
    assert seen["validation", "epoch_accuracy"] == [0, 1, 2, 3]


def test_reduce_lr_on_plateau_lowers_the_rate_that_is_used(splits):
    weights = Weights()
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", mode="max", factor=1e-6, patience=1)
    result = fit(splits, weights, plateau)
    rates = [row["learning_rate"] for row in result.history[1:]]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-9, 1e-15])
    assert weights.rates == pytest.approx(rates)
    moved = [np.abs(weights.epochs[i + 1][0] - weights.epochs[i][0]).max() for i in range(3)]
    assert moved[0] > 1e-3
    assert moved[1] < 1e-6


def test_a_schedule_shapes_the_rate_that_a_callback_has_set(splits):
    class Halve(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate) / 2

    recipe = RECIPE.but(schedule="linear", learning_rate=0.01)
    halved = fit(splits, Halve(), recipe=recipe)
    factors = rate_factors(recipe, 8)[1::2]  # of the last of the two steps of each epoch
    expected = 0.01 * factors / 2.0 ** np.arange(4)
    assert [row["learning_rate"] for row in halved.history[1:]] == pytest.approx(expected)


def test_callbacks_are_called_in_order_with_keras_logs(splits):
    calls: list = []

    class Recorder(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append(("train begins", self.params["epochs"]))

        def on_epoch_begin(self, epoch, logs=None):
            calls.append(("begins", epoch))

        def on_epoch_end(self, epoch, logs=None):
            calls.append(("ends", epoch, sorted(logs)))

        def on_train_end(self, logs=None):
            calls.append(("train ends", sorted(logs)))

    fit(splits, Recorder(), recipe=RECIPE.but(epochs=2))
    names = ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert calls == [
        ("train begins", 2),
        ("begins", 0),
        ("ends", 0, names),
        ("begins", 1),
        ("ends", 1, names),
        ("train ends", names),
    ]
