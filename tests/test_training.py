"""`train` and `resume`: what the run's folder holds, however the fit ended."""

import json
import shutil
from typing import get_args

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from digitscope.errors import BadData, BadModel, BadRun, Misuse, TrainingFailed
from digitscope.models.card import ModelCard
from digitscope.models.classifier import Classifier, load
from digitscope.recipes import RECIPES, Activation
from digitscope.runs import Run
from digitscope.training import model_release, resume, train, trainer
from digitscope.training.export import load_keras
from digitscope.training.fit import Fit, FitResult
from digitscope.training.networks import build_network
from digitscope.training.onnx_export import check_agreement, to_onnx, write_onnx

SMALL = RECIPES["mlp"].but(hidden=(8,), epochs=3, dropout=0.2, average=0.9, seed=2)


class At(keras.callbacks.Callback):
    """Does something at the beginning of an epoch, counted from 1."""

    def __init__(self, epoch, action):
        super().__init__()
        self.epoch, self.action = epoch - 1, action

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.action(self.model)


def answers(file, images):
    return Classifier(file).predict_proba(images, calibrated=False)


def ctrl_c(model):
    raise KeyboardInterrupt


def explode(model):
    model.optimizer.learning_rate = 1e38


def stop(model):
    model.stop_training = True


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small run that nobody disturbed."""
    return train(SMALL, data="digits", out=tmp_path_factory.mktemp("runs") / "whole")


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """The same run, interrupted in its third epoch; tests take copies of it."""
    out = tmp_path_factory.mktemp("runs") / "interrupted"
    return train(SMALL, data="digits", out=out, callbacks=[At(3, ctrl_c)])


@pytest.fixture
def copy(interrupted, tmp_path):
    return Run(shutil.copytree(interrupted.path, tmp_path / "copy"))


def weights(run):
    return load_keras(run.keras_file).get_weights()


def test_a_run_leaves_whole_files_and_nothing_else(run):
    names = {p.name for p in run.path.iterdir()} - {"report.html", "figures"}
    assert names == {
        "run.json",
        "history.csv",
        "checkpoint.npz",
        "model.keras",
        "model.onnx",
        "metrics.json",
    }


def test_the_record_says_what_produced_it(run, digits):
    record = run.record
    assert record["status"] == "finished"
    assert record["stopped"] == ""
    assert run.recipe == RECIPES["mlp"]
    assert record["data"]["name"] == "digits"
    assert record["data"]["sha256"] == {
        "train": digits.train.sha256(),
        "test": digits.test.sha256(),
    }
    assert (record["data"]["training_images"], record["data"]["validation_images"]) == (1200, 300)
    assert {"data", "build", "fit", "export", "evaluation"} <= set(record["timings"])
    assert record["started"] <= record["finished"]
    assert [row["epoch"] for row in run.history] == [0, 1, 2, 3, 4, 5]
    assert all(np.isfinite(list(row.values())).all() for row in run.history)
    assert run.history[-1]["loss"] < run.history[1]["loss"] / 3


def test_the_onnx_file_says_what_keras_says(run, digits):
    model = load_keras(run.keras_file)
    images = digits.train.images[:1_000]
    difference = check_agreement(model, images, answers(run.model_file, images), "model.onnx")
    assert difference <= 1e-5


RECIPE = RECIPES["mlp"]


@pytest.mark.parametrize(
    "changes",
    [{"activation": name} for name in get_args(Activation)]
    + [{"hidden": (30, 20, 10), "dropout": 0.5}, {"hidden": ()}],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_every_network_becomes_the_same_onnx(tmp_path, digits, changes):
    model = build_network(RECIPE.but(**changes))
    # Weights far from their start, so that each activation shows its bend.
    rng = np.random.default_rng(0)
    model.set_weights([w + rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    write_onnx(to_onnx(model), tmp_path / "m.onnx", ModelCard())
    images = digits.train.images
    assert check_agreement(model, images, answers(tmp_path / "m.onnx", images), "m.onnx") <= 1e-5


def test_a_file_that_says_something_else_is_refused(tmp_path, digits):
    write_onnx(to_onnx(build_network(RECIPE)), tmp_path / "m.onnx", ModelCard())
    other = build_network(RECIPE.but(seed=1))
    images = digits.test.images[:50]
    said = answers(tmp_path / "m.onnx", images)
    with pytest.raises(BadModel, match=r"is refused: .* differ from Keras's .* on 50 images"):
        check_agreement(other, images, said, "m.onnx")


def test_a_refused_export_leaves_no_model(copy, digits, monkeypatch):
    def refuse(*args):
        raise BadModel("refused")

    monkeypatch.setattr(trainer, "check_agreement", refuse)
    copy.model_file.unlink()
    fit = Fit(SMALL, *digits.hold_out(300))
    with pytest.raises(BadModel, match="refused"):
        trainer._write_models(copy, fit, FitResult(fit.model, []), digits, {})
    assert not list(copy.path.glob("*.onnx"))
    assert not list(copy.path.glob(".*"))


def test_an_interrupted_run_is_usable(interrupted, digits):
    record = interrupted.record
    assert record["status"] == "interrupted"
    assert record["stopped"] == "interrupted after epoch 2"
    assert [row["epoch"] for row in interrupted.history] == [0, 1, 2]
    accuracy = np.mean(load(interrupted.path).predict(digits.test.images) == digits.test.labels)
    assert interrupted.metrics["accuracy"] == pytest.approx(accuracy)


def test_resumed_it_ends_as_it_would_have(copy, whole):
    """Dropout, averaging, order and optimizer go on to the last bit."""
    resumed = resume(copy.path)
    assert all((a == b).all() for a, b in zip(weights(resumed), weights(whole), strict=True))
    assert resumed.metrics == whole.metrics
    assert (resumed.record["status"], resumed.record["stopped"]) == ("finished", "")
    assert resumed.record["recipe"] == whole.record["recipe"]

    def timeless(run):
        return [{k: v for k, v in row.items() if k != "seconds"} for row in run.history]

    assert timeless(resumed) == timeless(whole)


def test_a_finished_run_has_nothing_to_resume(whole):
    with pytest.raises(BadRun, match="is finished; only an unfinished run can be resumed"):
        resume(whole.path)


def test_other_fonts_are_no_way_to_go_on(copy):
    record = copy.record
    record["data"]["fonts"] = ["Lato"]
    copy.update_record(**record)
    with pytest.raises(BadRun, match=r"cannot be resumed: it began with 1 fonts"):
        resume(copy.path)


def test_other_data_under_the_same_name_is_no_way_to_go_on(copy):
    record = copy.record
    record["data"]["sha256"]["train"] = "0" * 64
    copy.update_record(**record)
    with pytest.raises(BadRun, match=r"cannot be resumed: .* has other images than before"):
        resume(copy.path)


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("run.json", "{", r"run\.json is damaged"),
        ("run.json", "{}", r"run\.json is damaged"),
        ("run.json", '{"recipe": {"name": "x", "hidden": []}}', r"run\.json is damaged"),
        ("run.json", None, "is not a run; expected a folder with a run.json"),
        ("checkpoint.npz", "", r"checkpoint\.npz is damaged"),
    ],
)
def test_a_damaged_run_is_told(copy, file, content, why):
    (copy.path / file).unlink()
    if content is not None:
        (copy.path / file).write_text(content)
    with pytest.raises(BadRun, match=why):
        resume(copy.path)


def test_interrupted_in_the_first_epoch_it_begins_again(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(SMALL, data="digits", out=tmp_path / "run", callbacks=[At(1, ctrl_c)])
    assert Run(tmp_path / "run").record["status"] == "interrupted"
    assert not (tmp_path / "run" / "model.onnx").exists()
    resumed = resume(tmp_path / "run")
    whole = train(SMALL, data="digits", out=tmp_path / "whole")
    assert resumed.record["status"] == "finished"
    assert resumed.history[-1]["loss"] == whole.history[-1]["loss"]


def test_no_temperature_is_fitted_where_no_answer_is_wrong(run, digits):
    classifier = Classifier(run.model_file)
    right = classifier.predict(digits.train.images) == digits.train.labels
    assert right.sum() >= model_release.MIN_CALIBRATION
    assert model_release._calibrate(classifier, digits.train.take(right)) == (1.0, 0)
    assert model_release._calibrate(classifier, digits.train.take(slice(50))) == (1.0, 0)
    temperature, n = model_release._calibrate(classifier, digits.train)
    assert temperature != 1
    assert n == len(digits.train)


def test_an_absurd_rate_is_told_and_no_model_is_left(tmp_path):
    recipe = SMALL.but(optimizer="sgd", learning_rate=1e38, warmup=0.0)
    told = r"the loss is not finite in epoch 1 at a learning rate of 1e\+38; try a smaller"
    with pytest.raises(TrainingFailed, match=told):
        train(recipe, data="digits", out=tmp_path / "run")
    assert Run(tmp_path / "run").record["status"] == "failed"
    assert not (tmp_path / "run" / "model.onnx").exists()


def test_a_loss_that_breaks_keeps_the_last_good_weights(tmp_path, digits):
    told = r"not finite in epoch 2 at a learning rate of .* holds the weights of epoch 1\."
    with pytest.raises(TrainingFailed, match=told):
        train(SMALL, data="digits", out=tmp_path / "run", callbacks=[At(2, explode)])
    run = Run.open(tmp_path / "run")
    assert run.record["status"] == "failed"
    assert "the loss is not finite" in run.record["stopped"]
    assert [row["epoch"] for row in run.history] == [0, 1]
    accuracy = np.mean(load(run.path).predict(digits.test.images) == digits.test.labels)
    assert run.metrics["accuracy"] == pytest.approx(accuracy)


def test_a_folder_that_holds_a_run_is_not_written_over(whole):
    before = whole.record
    with pytest.raises(BadRun, match="already holds a run; choose another --out"):
        train(SMALL, data="digits", out=whole.path)
    assert whole.record == before


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"recipe": SMALL.but(validation=1_500)}, BadData, "validation must be less than"),
        ({"recipe": "mpl"}, Misuse, r"Did you mean 'mlp'\?"),
        ({"recipe": SMALL, "data": "digit"}, Misuse, r"Did you mean 'digits'\?"),
        ({"recipe": SMALL, "data": "folder:nowhere"}, BadData, "no such folder"),
    ],
)
def test_misuse_leaves_no_folder(tmp_path, options, error, why):
    with pytest.raises(error, match=why):
        train(**{"data": "digits", **options}, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_mnist_everything_names_the_data_it_really_used(run, tmp_path, monkeypatch):
    """The fit is left out: what is written before it, and what the card copies from there."""

    class Begun(Exception):
        pass

    class Listener(trainer._NoListener):
        def begin(self, run, recipe, data, parameters):
            assert "The bundled digits are used instead" in data.remark
            raise Begun

    monkeypatch.chdir(tmp_path)
    for number in (1, 2):
        with pytest.raises(Begun):
            train("mlp", listener=Listener())
        assert Run(tmp_path / "runs" / f"mlp-{number}").record["data"]["name"] == "digits"
    assert run.metrics["data"] == load(run.path).card.data["name"] == "digits"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=60))
def test_any_text_for_a_record_is_a_record_or_a_bad_run(tmp_path, text):
    (tmp_path / "run.json").write_text(text, encoding="utf-8")
    try:
        run = Run.open(tmp_path)
        assert isinstance(run.record, dict)
        run.recipe  # noqa: B018
    except BadRun:
        return
    assert json.loads(text)
