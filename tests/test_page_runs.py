"""``digitscope train page``: a run's folder, resuming after Ctrl-C, and what uses such a run."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from page_fakes import TINY_PAGE, FakePages

pytest.importorskip("keras")
import keras

import digitscope.training  # noqa: F401  (Keras without its noise)
from digitscope.cli import main, train_stream
from digitscope.data import page_sources
from digitscope.errors import BadModel, BadRun
from digitscope.models.card import MODELS
from digitscope.models.glyph_classes import HEAT
from digitscope.models.page_network import PageNetwork
from digitscope.runs import Run, latest_run
from digitscope.training import stream_run
from digitscope.training.onnx_weights import read_onnx_weights
from digitscope.training.page import trainer
from digitscope.training.page.calibration import Calibration
from digitscope.training.page.trainer import resume_page
from digitscope.training.page.trainer import train_page as train
from digitscope.training.stream_run import PrintedProgress

TINY = TINY_PAGE.but(epochs=9)
SOURCE = FakePages(side=32, glyphs=2)


@pytest.fixture
def cli(capsys, monkeypatch):
    """Return a function that runs a command, with small pages and a small network."""
    monkeypatch.setitem(train_stream.STREAMED, "page", TINY)
    monkeypatch.setattr(page_sources, "page_sources", lambda folder=None: (SOURCE, SOURCE))

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return call


def test_a_training_goes_on_after_ctrl_c_and_ends_with_a_model(cli, tmp_path, monkeypatch):
    folder = tmp_path / "runs" / "page-1"

    def interrupt(self, row):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_stream.StreamProgress, "epoch", interrupt)
        code, _, err = cli("train", "page", "--epochs", 2, "--seed", 4, "--out", folder)
    assert code == 130
    assert "interrupted after epoch 1" in err
    assert f"continue with: digitscope train --resume {folder}" in err
    run = Run.open(folder)
    assert run.model_file.exists()
    assert len(run.history) == 1
    assert (run.network, run.record["status"]) == ("page", "interrupted")
    assert run.page_recipe == TINY.but(epochs=2, seed=4)

    assert not run.report_file.exists()  # a report takes a while, so Ctrl-C writes none

    code, out, err = cli("train", "--resume", folder, "--json")
    assert code == 0
    assert "continues after epoch 1" in err
    assert "epoch 2/2  loss" in err
    assert "patches/s" in err
    answer = json.loads(out)
    assert answer["metrics"]["pages"] == 4
    assert min(answer["timings"]["fit"], answer["timings"]["report"]) > 0
    assert run.report_file.exists()
    assert run.record["status"] == "finished"
    assert len(run.history) == 2
    card = PageNetwork(run.model_file).card
    assert card.refusal == answer["metrics"]["digits"]
    assert card.data["patches"] == 16
    assert card.scores["n"] == 4
    text = train_stream.describe_page_scores("page-1", answer["metrics"])
    assert "page-1 on 4 held-out pages" in text

    # A finished run, and commands that want a digit classifier.
    told = {
        (
            "train",
            "--resume",
            folder,
        ): "is finished; only an unfinished run can be resumed",
        ("train", "page", "--out", folder): "already holds a run",
        ("evaluate", folder, "--data", "digits"): "expected one input uint8",
    }
    for arguments, text in told.items():
        code, out, err = cli(*arguments)
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert text in err
    assert latest_run(folder.parent) is None
    with pytest.raises(BadRun, match="not a digit classifier"):
        _ = run.recipe
    run.update_record(status="interrupted")
    with pytest.raises(BadRun, match=r"its source was …FakePages.*=2.*Received: …FakePages.*=3"):
        resume_page(folder, replace(SOURCE, glyphs=3), SOURCE)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["train", "page", "--filters", "3"], "--filters is not an option of train page"),
        (["train", "page", "--data", "mnist"], "--data is not an option of train page"),
        (["train", "page", "--epochs", "0"], "epochs must be a whole number from 1 up"),
        (["train", "page", "--workers", "0"], "Invalid value for '--workers'"),
        (
            ["train", "mlp", "--patches", "9"],
            "--patches is an option of train page and train glyph only",
        ),
        (["train", "page", "--page", "page.onnx"], "--page is an option of train glyph only"),
        (
            ["train", "--start", "model.keras"],
            "--start is an option of train page and train glyph only",
        ),
        (["train", "--resume", ".", "--patches", "9"], "--resume continues a run with its own"),
    ],
)
def test_misuse_is_one_line(cli, arguments, told):
    code, out, err = cli(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert told in err


def test_a_training_goes_on_from_the_pretrained_network(cli, tmp_path):
    folder = tmp_path / "run"
    code, _, err = cli("train", "page", "--start", "pretrained", "--out", folder, "--no-report")
    assert code == 0, err
    assert Run.open(folder).record["data"]["start"] == str(MODELS / "page.onnx")


def test_the_file_is_calibrated_and_the_weights_are_as_they_were_trained(tmp_path, monkeypatch):
    line = Calibration(slope=0.5, offset=0.2)
    lines = iter([Calibration(slope=0.25, offset=0.0), Calibration(slope=2.0, offset=0.2)])
    monkeypatch.setattr(trainer, "fit_calibration", lambda scores: next(lines))
    monkeypatch.setattr(stream_run, "LOSS", -1.0)  # so that the file keeps its weights
    recipe = TINY.but(epochs=1, patches=8)
    run = train(SOURCE, SOURCE, recipe=recipe, out=tmp_path / "page-1", workers=0)
    assert run.metrics["calibration"] == line.to_dict()
    image = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
    network = keras.saving.load_model(run.keras_file, compile=False)
    logits = np.asarray(network(image[None]))[0].transpose(2, 0, 1)
    seen = PageNetwork(run.model_file, threads=1).maps(image)
    np.testing.assert_allclose(seen[HEAT], expit(0.5 * logits[HEAT] + 0.2), atol=3e-3)
    assert np.abs(seen[HEAT] - expit(logits[HEAT])).max() > 0.04
    # The next training begins with the averaged weights of this one, and so does one from ONNX.
    trained = read_onnx_weights(run.model_file)["head"]
    weights = network.get_layer("head").get_weights()
    for one, other in zip(trained, weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_help_tells_of_the_page_network(cli):
    _, out, _ = cli("train", "--help")
    assert "digitscope train page" in out
    for name in ("patches", "start", "workers", "threads"):
        assert f"--{name}" in out


def test_a_model_that_cannot_be_written_is_noted_and_does_not_end_the_training(
    tmp_path, monkeypatch, capsys
):
    asked = []

    def refuse(*arguments, **options):
        asked.append(arguments)
        if len(asked) == 1:
            raise BadModel("its maps differ")
        return 0.0

    monkeypatch.setattr(trainer, "check_page_agreement", refuse)
    recipe = TINY.but(epochs=1)
    run = train(SOURCE, recipe=recipe, out=tmp_path / "run", workers=0, listener=PrintedProgress())
    assert run.record["export_problem"] == "epoch 1: its maps differ"
    assert run.record["status"] == "finished"
    assert run.model_file.exists()
    assert "epoch 1  loss" in capsys.readouterr().out
