"""The compiled fit against Keras's own, step by step, on small networks."""

import functools

import keras
import numpy as np
import pytest

from digitscope.errors import BadRun
from digitscope.recipes import RECIPES, Augmentation, Recipe
from digitscope.training.fit import Fit
from digitscope.training.networks import build_network, build_optimizer, rate_factors
from tolerances import STEP

TINY = Recipe(
    name="tiny",
    hidden=(8,),
    learning_rate=5e-3,
    schedule="linear",
    warmup=0.1,
    batch_size=32,
    epochs=2,
    seed=4,
)
DROPOUT = TINY.but(epochs=3, dropout=0.3, average=0.9)
CONSTANT = TINY.but(schedule="constant", warmup=0.0)


@pytest.fixture(scope="module")
def train(digits):
    return digits.train.take(slice(80))  # three batches of 32, the last filled up


@pytest.fixture(scope="module")
def held_out(digits):
    return digits.train.take(slice(1_000, 1_050))


def weights(model):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in model.trainable_variables]


@pytest.fixture(scope="module")
def fitted(train, held_out):
    """Return what gives the result of a recipe's fit; each is compiled and run once."""
    return functools.cache(lambda recipe: Fit(recipe, train, held_out).run())


def assert_close(ours, theirs):
    atol = STEP * 6 * TINY.learning_rate  # after its six steps
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


def same(ours, theirs):
    return all((a == b).all() for a, b in zip(ours, theirs, strict=True))


def keras_fit(recipe, train):
    """The same order and rates through `train_on_batch`; the weights after each step."""
    fit = Fit(recipe, train, train.take(slice(0)))  # for its order alone
    model, optimizer = build_network(recipe), build_optimizer(recipe)
    model.compile(optimizer, "sparse_categorical_crossentropy", run_eagerly=True)
    rates = recipe.learning_rate * rate_factors(recipe, recipe.epochs * fit.steps)
    steps, losses = [], []
    for epoch in range(1, recipe.epochs + 1):
        for i, rows in enumerate(fit._order(epoch).reshape(fit.steps, -1)):
            optimizer.learning_rate = rates[(epoch - 1) * fit.steps + i]
            # It returns the mean over the epoch so far; reset, the batch's own.
            model.reset_metrics()
            losses.append(float(model.train_on_batch(train.images[rows], train.labels[rows])))
            steps.append(weights(model))
    return steps, np.array(losses).reshape(recipe.epochs, -1).mean(axis=1)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "momentum", "learning_rate": 0.05, "schedule": "cosine"},
        {"optimizer": "adamw", "weight_decay": 0.1, "hidden": (8, 6), "activation": "tanh"},
        {"optimizer": "rmsprop", "hidden": (), "schedule": "constant"},
    ],
    ids=["adam", "momentum-cosine", "adamw-deep", "rmsprop-linear"],
)
def test_an_epoch_is_what_keras_does_batch_by_batch(fitted, train, changes):
    recipe = TINY.but(**changes)
    steps, losses = keras_fit(recipe, train)
    result = fitted(recipe)
    assert_close(weights(result.model), steps[-1])
    assert [row["loss"] for row in result.history[1:]] == pytest.approx(losses, abs=1e-5)


def test_averaging_is_an_exponential_mean_of_the_weights(fitted, train, held_out):
    recipe = CONSTANT.but(optimizer="sgd", learning_rate=0.5, average=0.8)
    steps, _ = keras_fit(recipe, train)
    mean = steps[0]
    for step in steps[1:]:
        mean = [0.8 * m + 0.2 * w for m, w in zip(mean, step, strict=True)]
    result = fitted(recipe)
    assert_close(weights(result.model), mean)
    # The held-out images are judged by the averaged weights, too.
    probabilities = np.asarray(result.model(held_out.images))
    accuracy = np.mean(probabilities.argmax(axis=1) == held_out.labels)
    assert result.history[-1]["val_accuracy"] == pytest.approx(accuracy)


def test_the_seed_decides_everything(fitted, train, held_out):
    first = weights(fitted(DROPOUT).model)
    assert same(first, weights(Fit(DROPOUT, train, held_out).run().model))
    assert not same(first, weights(fitted(DROPOUT.but(seed=5)).model))


def test_dropout_silences_other_units_in_each_step(fitted, held_out):
    def generator(model):
        return np.array(next(v for v in model.variables if "seed" in v.path))

    result = fitted(DROPOUT)
    assert (generator(result.model) != generator(build_network(DROPOUT))).any()
    assert not same(weights(result.model), weights(fitted(DROPOUT.but(dropout=0.0)).model))
    # Used, it is left out: the same answer each time.
    one, two = (np.asarray(result.model(held_out.images, training=False)) for _ in range(2))
    assert (one == two).all()


def test_the_network_is_the_well_known_one():
    model = build_network(RECIPES["classic"])
    assert model.count_params() == 101_770
    assert [type(layer).__name__ for layer in model.layers] == [
        "Rescaling",
        "Flatten",
        "Dense",
        "Dense",
    ]
    assert model.inputs[0].dtype == "uint8"
    assert build_network(RECIPES["mlp"].but(hidden=())).count_params() == 7_850
    deep = build_network(RECIPES["mlp"].but(hidden=(64, 32)))
    assert deep.count_params() == 784 * 64 + 64 + 64 * 32 + 32 + 32 * 10 + 10


def test_every_image_is_seen_once_an_epoch_and_the_last_batch_is_filled_up(train, held_out):
    fit = Fit(TINY, train, held_out)
    assert (fit.steps, fit.batch_size) == (3, 32)
    order = fit._order(1)
    assert sorted(order[:80]) == list(range(80))
    assert (order[80:] == order[:16]).all()
    assert (fit._order(2) != order).any()
    assert (fit._order(1) == order).all()


def test_a_batch_larger_than_the_data_is_the_data(fitted, train):
    recipe = TINY.but(batch_size=1_000)
    result = fitted(recipe)
    steps, _ = keras_fit(recipe.but(batch_size=80), train)
    assert_close(weights(result.model), steps[-1])


def test_without_held_out_images_nothing_is_said_of_them(train):
    assert Fit(TINY, train, train.take(slice(0)))._judge() == {}


def test_the_history_tells_rates_and_norms(fitted, train):
    start = weights(build_network(TINY))
    result = fitted(TINY)
    before, *rows = result.history
    assert [row["epoch"] for row in result.history] == [0, 1, 2]
    assert before["val_loss"] == pytest.approx(np.log(10), rel=0.2)
    assert "loss" not in before
    factors = rate_factors(TINY, 6)
    expected = [TINY.learning_rate * factors[2], TINY.learning_rate * factors[5]]
    assert [row["learning_rate"] for row in rows] == pytest.approx(expected)

    def norm(arrays):
        return np.sqrt(sum(np.square(a, dtype=np.float64).sum() for a in arrays))

    assert before["weight_norm.hidden_1"] == pytest.approx(norm(start[:2]), rel=1e-5)
    end = weights(result.model)
    assert rows[-1]["weight_norm.digits"] == pytest.approx(norm(end[2:]), rel=1e-5)
    assert before["update_norm.digits"] == 0 < rows[0]["update_norm.digits"]
    # The gradient of softmax and cross-entropy by the last bias is mean(p - y).
    probabilities = np.asarray(result.model(train.images)).astype(np.float64)
    error = probabilities - np.eye(10)[train.labels]  # (n, 10)
    x = train.images.reshape(len(train), -1) / 255
    hidden = np.maximum(x @ end[0] + end[1], 0)  # (n, 8)
    gradient = [hidden.T @ error / len(train), error.mean(axis=0)]
    assert rows[-1]["gradient_norm.digits"] == pytest.approx(norm(gradient), rel=1e-4)


def test_a_loss_that_is_not_finite_keeps_the_last_good_weights(train, held_out):
    class Explode(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.good = weights(self.model)
                self.model.optimizer.learning_rate = 1e38

    explode = Explode()
    recipe = CONSTANT.but(epochs=5, optimizer="sgd", learning_rate=0.1)
    result = Fit(recipe, train, held_out, [explode]).run()
    assert "the loss is not finite in epoch 3 at a learning rate of 1e+38" in result.problem
    assert "try a smaller --learning-rate" in result.problem
    assert len(result.history) == 3
    assert same(weights(result.model), explode.good)


def test_ctrl_c_while_the_progress_is_told_parts_no_weights_from_their_history(train, held_out):
    def on_epoch(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    fit = Fit(DROPOUT, train, held_out)
    result = fit.run(on_epoch=on_epoch)
    assert result.stopped == "interrupted after epoch 2"
    assert result.history[-1]["epoch"] == 2
    assert result.history[-1]["val_loss"] == fit._judge()["val_loss"]


def test_a_checkpoint_restores_the_fit_to_the_last_bit(fitted, train, held_out, tmp_path):
    whole = fitted(DROPOUT)

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 0

    stopped = Fit(DROPOUT, train, held_out, [Stop()]).run(checkpoint=tmp_path / "c.npz")
    assert stopped.stopped == "a callback stopped it after epoch 1"
    again = Fit(DROPOUT, train, held_out)
    again.restore(tmp_path / "c.npz")
    result = again.run(checkpoint=tmp_path / "c.npz")
    assert same(weights(result.model), weights(whole.model))
    timeless = [
        [{k: r[k] for k in r if k != "seconds"} for r in h.history] for h in (result, whole)
    ]
    assert timeless[0] == timeless[1]
    assert [p.name for p in tmp_path.glob("*.npz")] == ["c.npz"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "has no finished epoch to continue from; start a new"),
        (b"", r"c\.npz is damaged"),
        (b"PK\x03\x04 not much more", r"c\.npz is damaged"),
    ],
)
def test_a_bad_checkpoint_is_told(train, held_out, tmp_path, content, why):
    if content is not None:
        (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(BadRun, match=why):
        Fit(TINY, train, held_out).restore(tmp_path / "c.npz")


def test_a_checkpoint_of_another_network_is_told(train, held_out, tmp_path):
    fit = Fit(TINY.but(hidden=(7,)), train, held_out)
    fit.history = [{"epoch": 0.0}]
    fit.save(tmp_path / "c.npz", fit.state)
    with pytest.raises(BadRun, match="its weights have other shapes than the recipe"):
        Fit(TINY, train, held_out).restore(tmp_path / "c.npz")


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0.0, 0.2])
def test_a_schedule_rises_then_falls(schedule, warmup):
    factors = rate_factors(RECIPES["mlp"].but(schedule=schedule, warmup=warmup), 100)
    assert factors.dtype == np.float32
    assert factors.max() == pytest.approx(1, abs=1e-6)
    assert (factors > 0).all()
    rise, fall = np.split(factors, [int(warmup * 100)])
    if warmup:
        np.testing.assert_allclose(rise, np.arange(1, 21) / 20, rtol=1e-6)
    match schedule:
        case "constant":
            assert (fall == 1).all()
        case "linear":
            np.testing.assert_allclose(np.diff(fall), -1 / len(fall), atol=1e-6)
            assert fall[-1] == pytest.approx(1 / len(fall))
        case "cosine":
            middle = fall[len(fall) // 2]
            assert middle == pytest.approx(0.5, abs=0.05)
            assert fall[-1] < 0.001


def test_augmentation_is_drawn_anew_in_each_epoch_and_again_on_resume(train, held_out):
    recipe = TINY.with_augmentation(Augmentation())
    fit, again = (Fit(recipe, train, held_out) for _ in range(2))
    one, two = (np.asarray(fit._images(epoch)) for epoch in (1, 2))
    assert (np.asarray(again._images(2)) == two).all()
    assert one.shape == two.shape == train.images.shape
    assert one.dtype == np.uint8
    assert (one != two).any()


def test_images_that_are_given_are_never_changed(fitted, train):
    before = train.sha256()
    fitted(TINY)
    Fit(TINY.with_augmentation(Augmentation()), train, train)._images(1)
    assert train.sha256() == before
