"""A trained Keras network in the formats that others read, each checked against Keras."""

import shutil
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any, Literal, get_args

import keras
import numpy as np

from digitscope.classifier import Classifier
from digitscope.errors import BadModel, Misuse, did_you_mean
from digitscope.images import SIDE, Images
from digitscope.model_card import ModelCard
from digitscope.training.onnx_export import TOLERANCE, check_keras_form, to_onnx, write_onnx

Format = Literal["onnx", "litert", "savedmodel"]
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "savedmodel": ""}
CHECKED = 1_000  # random images on which the export must agree with Keras


def export(
    model: str | Path, *, format: str = "onnx", out: str | Path | None = None
) -> tuple[Path, float]:
    """Write a trained network in another format, if it still gives the same probabilities.

    Parameters
    ----------
    model : path
        A run's folder or a ``.keras`` file, loaded in Keras's safe mode: no code from it runs.
    format : {"onnx", "litert", "savedmodel"}
        All take uint8 of shape (n, 28, 28) and give float32 of shape (n, 10). The last two need the
        TensorFlow backend.
    out : path, optional
        By default beside the model, with the format's own suffix.

    Returns
    -------
    path : Path
    difference : float
        The largest difference of a probability from Keras, at most 1e-5.

    Raises
    ------
    BadModel
        When the model is none or for other input, or the result would not agree.
    """
    if format not in get_args(Format):
        known = get_args(Format)
        raise Misuse(
            f"unknown format {format!r}; there are {', '.join(known)}."
            + did_you_mean(format, known)
        )
    if format != "onnx" and keras.backend.backend() != "tensorflow":
        raise Misuse(f"{format} is written by TensorFlow; leave KERAS_BACKEND unset for this.")
    path = Path(model)
    path = path / "model.keras" if path.is_dir() else path
    network = load_keras(path)
    target = Path(out) if out else path.with_suffix(SUFFIXES[format])
    if target.exists() and target.is_dir() != (format == "savedmodel"):
        raise Misuse(f"{target} is there and of another kind; name another --out.")
    target.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (CHECKED, SIDE, SIDE), np.uint8)
    images *= rng.random((CHECKED, 1, 1)) < 0.5  # half of them blank
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        temporary = Path(folder) / f"model{SUFFIXES[format]}"
        theirs = _WRITERS[format](network, temporary, path, images)
        ours = np.asarray(keras.ops.convert_to_numpy(network(images, training=False)))
        difference = float(np.abs(ours - theirs).max())
        if not difference <= TOLERANCE:
            raise BadModel(
                f"the {format} file is refused: its probabilities differ from Keras's by up to "
                f"{difference:.2g}; at most {TOLERANCE:g} is allowed."
            )
        if target.is_dir():
            shutil.rmtree(target)
        temporary.replace(target)
    return target, difference


def load_keras(path: Path) -> keras.Model:
    """Return the digit classifier in a ``.keras`` file, loaded without running code from it."""
    if not path.is_file():
        raise BadModel(f"no such model file: {path}; expected a run's folder or a .keras file.")
    if not zipfile.is_zipfile(path):
        raise BadModel(f"{path} is not a .keras file: expected a zip archive made by Keras 3.")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # whatever a foreign archive sets off inside Keras
        reason = str(error).strip().splitlines()[0]
        raise BadModel(f"{path} cannot be loaded by Keras in safe mode: {reason}") from None
    check_keras_form(model)
    return model


def _onnx(model: Any, path: Path, source: Path, images: Images) -> np.ndarray:
    neighbour = source.with_suffix(".onnx")  # a run's own file knows more than the network does
    card = Classifier(neighbour).card if neighbour.is_file() else ModelCard()
    write_onnx(to_onnx(model), path, card)
    return Classifier(path).predict_proba(images, calibrated=False)


def _litert(model: Any, path: Path, source: Path, images: Images) -> np.ndarray:
    import tensorflow as tf

    model.export(str(path), format="litert", verbose=False)
    with warnings.catch_warnings():
        # The interpreter moves to a package of its own; TensorFlow still has it.
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(str(path))
    (given,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(given["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given["index"], images)
    interpreter.invoke()
    return np.asarray(interpreter.get_tensor(answer["index"]))


def _savedmodel(model: Any, path: Path, source: Path, images: Images) -> np.ndarray:
    import tensorflow as tf

    model.export(str(path), format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(str(path))  # its variables live only as long as it does
    return np.asarray(loaded.serve(images))


_WRITERS = {"onnx": _onnx, "litert": _litert, "savedmodel": _savedmodel}
