"""The same recipes on JAX: the same code path, the same accuracy."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from digitscope.models.classifier import load
from digitscope.runs import Run

pytestmark = pytest.mark.slow
pytest.importorskip("jax")

CODE = """
import sys
from digitscope.recipes import RECIPES
from digitscope.training import train, resume
import keras, numpy as np
from keras.callbacks import Callback
from digitscope.training.export import load_keras
from digitscope.training.onnx_export import check_agreement
from digitscope.models.classifier import Classifier
from digitscope.data import load_data

assert keras.backend.backend() == "jax"
assert "tensorflow" not in sys.modules or sys.modules["tensorflow"] is None

class CtrlC(Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt

out = sys.argv[1]
run = train("mlp", data="digits", out=out + "/whole")
images = load_data("digits").train.images[:1000]
answers = Classifier(run.model_file).predict_proba(images, calibrated=False)
print(check_agreement(load_keras(run.keras_file), images, answers, "model.onnx"))
recipe = RECIPES["mlp"].but(hidden=(8,), epochs=3, dropout=0.2, average=0.9)
weights = lambda run: load_keras(run.keras_file).get_weights()
small = weights(train(recipe, data="digits", out=out + "/small"))
train(recipe, data="digits", out=out + "/stopped", callbacks=[CtrlC()])
again = weights(resume(out + "/stopped"))
print(int(all((a == b).all() for a, b in zip(small, again, strict=True))))
"""


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    out = tmp_path_factory.mktemp("jax")
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(out)],
        env=os.environ | {"KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    difference, same = done.stdout.split()
    return out, float(difference), int(same)


def test_it_is_as_accurate_as_tensorflow(on_jax, run):
    ours = Run(on_jax[0] / "whole")
    # Other first weights: the two disagree on some 10 % of the 297 test images, and the difference
    # of their accuracies has a standard deviation of √(0.1 / 297) = 1.8 %; three of these are 5 %.
    assert ours.metrics["accuracy"] == pytest.approx(run.metrics["accuracy"], abs=0.05)
    assert "jax" in ours.record["versions"]
    assert ours.history[0].keys() == run.history[0].keys()
    assert ours.history[-1].keys() == run.history[-1].keys()


def test_its_onnx_file_says_what_it_says(on_jax, digits):
    out, difference, _ = on_jax
    assert difference <= 1e-5
    accuracy = np.mean(load(out / "whole").predict(digits.test.images) == digits.test.labels)
    assert json.loads((out / "whole" / "metrics.json").read_text())["accuracy"] == accuracy


def test_resumed_on_jax_it_ends_as_it_would_have(on_jax):
    assert on_jax[2] == 1
