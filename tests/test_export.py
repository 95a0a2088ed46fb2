"""The trained network in other formats, and Keras files that are invalid or have other inputs."""

import os
import shutil
import warnings
import zipfile

import keras
import numpy as np
import pytest

from digitscope.errors import BadModel, Misuse
from digitscope.models.classifier import load
from digitscope.training.export import export, load_keras

BLANK = np.zeros((3, 28, 28), np.uint8)


@pytest.fixture
def probabilities(run, digits):
    return load(run.path).predict_proba(digits.test.images, calibrated=False)


def save(model, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a Lambda cannot be loaded safely: that is the test
        model.save(path)
    return path


def network(*layers, shape=(28, 28), dtype="uint8"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def test_litert_agrees(run, digits, probabilities, tmp_path):
    import tensorflow as tf

    file, difference = export(run.path, format="litert", out=tmp_path / "m.tflite")
    assert difference <= 1e-5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the interpreter moves to a package of its own
        interpreter = tf.lite.Interpreter(str(file))
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert given["dtype"] == np.uint8
    interpreter.resize_tensor_input(given["index"], digits.test.images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], digits.test.images)
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(answer["index"]), probabilities, atol=1e-5)


def test_savedmodel_agrees_and_replaces_an_older_one(run, digits, probabilities, tmp_path):
    import tensorflow as tf

    out = tmp_path / "served"
    (out / "assets").mkdir(parents=True)
    (out / "old").write_text("old")
    (out / "saved_model.pb").write_text("an older export")
    folder, difference = export(run.path, format="savedmodel", out=out)
    assert difference <= 1e-5
    assert not (folder / "old").exists()
    loaded = tf.saved_model.load(str(folder))
    np.testing.assert_allclose(loaded.serve(digits.test.images), probabilities, atol=1e-5)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_onnx_from_the_keras_file_keeps_the_card(run, digits, probabilities, tmp_path):
    file, _ = export(run.path, out=tmp_path / "again.onnx")
    again = load(file)
    assert again.card == load(run.path).card
    ours = again.predict_proba(digits.test.images, calibrated=False)
    np.testing.assert_allclose(ours, probabilities, atol=1e-6)


def test_a_keras_file_alone_is_enough(run, tmp_path):
    source = shutil.copy(run.keras_file, tmp_path / "lonely.keras")
    file, _ = export(source)
    assert file == tmp_path / "lonely.onnx"
    assert load(file).card.temperature == 1


@pytest.mark.parametrize(
    ("model", "received"),
    [
        (network(keras.layers.Flatten(), keras.layers.Dense(10), shape=(32, 32)), r"\(n, 32, 32\)"),
        (network(keras.layers.Flatten(), keras.layers.Dense(10), dtype="float32"), "float32"),
        (network(keras.layers.Flatten(), keras.layers.Dense(26)), r"to \(n, 26\)"),
    ],
)
def test_a_network_for_other_input_is_refused(tmp_path, model, received):
    file = save(model, tmp_path / "other.keras")
    with pytest.raises(BadModel, match=r"expected a model from uint8 .*Received: .*" + received):
        export(file)
    assert not (tmp_path / "other.onnx").exists()


def test_a_layer_without_a_translation_is_named(tmp_path):
    layers = keras.layers.Flatten(), keras.layers.LayerNormalization(name="odd")
    model = network(*layers, keras.layers.Dense(10, "softmax"))
    with pytest.raises(BadModel, match=r"refused: it names .*LayerNormalization"):
        export(save(model, tmp_path / "m.keras"))


def test_an_activation_without_a_translation_is_named(tmp_path):
    model = network(keras.layers.Flatten(), keras.layers.Dense(10, "softplus"))
    with pytest.raises(BadModel, match="the activation 'softplus' has no translation"):
        export(save(model, tmp_path / "m.keras"))


def test_code_in_a_keras_file_is_not_run(tmp_path, monkeypatch):
    monkeypatch.setenv("MARK", str(tmp_path / "mark"))

    def mark(x):
        import os
        from pathlib import Path

        Path(os.environ["MARK"]).touch()
        return x

    layers = keras.layers.Flatten(), keras.layers.Lambda(lambda x: mark(x))
    file = save(network(*layers, keras.layers.Dense(10)), tmp_path / "m.keras")
    (tmp_path / "mark").unlink()  # it was called when the network was built
    with pytest.raises(BadModel, match=r"m\.keras is refused: it names .*Lambda"):
        export(file)
    assert not (tmp_path / "mark").exists()


def test_a_keras_file_that_names_a_function_of_the_system_is_refused(run, tmp_path):
    file = tmp_path / "m.keras"
    call = '{"module": "os", "class_name": "system", "config": {"command": "touch mark"}}'
    with zipfile.ZipFile(run.keras_file) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, call if name == "config.json" else old.read(name))
    with pytest.raises(BadModel, match=r"refused: it names os\.system"):
        load_keras(file)
    assert not os.path.exists("mark")  # noqa: PTH110


@pytest.mark.parametrize("content", [b"", b"seven", None, "truncated"])
def test_a_file_that_is_no_keras_file_is_refused(run, tmp_path, content):
    file = tmp_path / "m.keras"
    if content == "truncated":
        content = run.keras_file.read_bytes()[:5_000]
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BadModel, match=r"m\.keras is not a \.keras file|no such model file: .*m\."):
        export(file)


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("readme.txt", "seven")
    with pytest.raises(BadModel, match=r"m\.keras is not a \.keras file") as caught:
        export(tmp_path / "m.keras")
    assert "\n" not in str(caught.value)


def test_misuse_of_format_and_out(run, tmp_path):
    with pytest.raises(Misuse, match=r"unknown format 'onyx'; .*Did you mean 'onnx'\?"):
        export(run.path, format="onyx")
    with pytest.raises(Misuse, match="exists and is not a litert model; choose another --out"):
        export(run.path, format="litert", out=tmp_path)


def test_a_folder_that_is_no_savedmodel_is_never_replaced(run, tmp_path):
    (tmp_path / "thesis.txt").write_text("text")
    with pytest.raises(Misuse, match="exists and is not a savedmodel model; choose another --out"):
        export(run.path, format="savedmodel", out=tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "text"
