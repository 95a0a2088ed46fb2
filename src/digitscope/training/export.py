"""Export of a trained Keras network to other formats, each checked against Keras."""

import json
import shutil
import tempfile
import warnings
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args

import keras
import numpy as np

from digitscope.data import load_data
from digitscope.errors import BadModel, Misuse, did_you_mean
from digitscope.image.digit import Images
from digitscope.models.card import ModelCard
from digitscope.models.classifier import Classifier
from digitscope.training.onnx_export import (
    check_agreement,
    check_keras_form,
    to_onnx,
    write_onnx,
)

Format = Literal["onnx", "litert", "savedmodel"]
SUFFIXES = {"onnx": ".onnx", "litert": ".tflite", "savedmodel": ""}
CHECKED = 1_000  # bundled digits on which the export must agree with Keras
# Classes that a file may contain.
CLASSES = frozenset(
    {
        "Activation",
        "BatchNormalization",
        "Conv2D",
        "Dense",
        "Dropout",
        "DTypePolicy",
        "Flatten",
        "InputLayer",
        "Rescaling",
        "Reshape",
        "Sequential",
    }
)


def export(
    model: str | Path, *, format: str = "onnx", out: str | Path | None = None
) -> tuple[Path, float]:
    """Write a trained network in another format, if it gives the same probabilities.

    Parameters
    ----------
    model : path
        A run's folder or a ``.keras`` file. It is loaded in Keras's safe mode, which runs no code
        from the file.
    format : {"onnx", "litert", "savedmodel"}
        All convert uint8 of shape (n, 28, 28) to float32 of shape (n, 10). The last two need the
        TensorFlow backend.
    out : path, optional
        By default beside the model, with the suffix of the format.

    Returns
    -------
    path : Path
    difference : float
        The largest difference of a probability to Keras, at most 1e-5.

    Raises
    ------
    BadModel
        If the file is not a model, has other inputs, or the result differs from Keras.
    """
    if format not in get_args(Format):
        known = get_args(Format)
        raise Misuse(
            f"unknown format {format!r}; there are {', '.join(known)}."
            + did_you_mean(format, known)
        )
    if format != "onnx" and keras.backend.backend() != "tensorflow":
        raise Misuse(f"{format} is written by TensorFlow; unset KERAS_BACKEND for this export.")
    path = Path(model)
    path = path / "model.keras" if path.is_dir() else path
    network = load_keras(path)
    target = Path(out) if out else path.with_suffix(SUFFIXES[format])
    if target.exists() and not _replaceable(target, format):
        raise Misuse(f"{target} exists and is not a {format} model; choose another --out.")
    target.parent.mkdir(parents=True, exist_ok=True)
    images = load_data("digits").train.images[:CHECKED]
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as folder:
        temporary = Path(folder) / f"model{SUFFIXES[format]}"
        theirs = _WRITERS[format](network, temporary, path, images)
        difference = check_agreement(network, images, theirs, f"the {format} file")
        if target.is_dir():
            shutil.rmtree(target)
        temporary.replace(target)
    return target, difference


def _replaceable(target: Path, format: str) -> bool:
    """Return whether an existing file or folder is an earlier export."""
    if format == "savedmodel":
        return (target / "saved_model.pb").is_file()
    return target.is_file()


def load_keras(path: Path) -> keras.Model:
    """Load the digit classifier in a ``.keras`` file without running code from the file."""
    if not path.is_file():
        raise BadModel(f"no such model file: {path}; expected a run's folder or a .keras file.")
    if not zipfile.is_zipfile(path):
        raise BadModel(f"{path} is not a .keras file: expected a zip archive made by Keras 3.")
    _refuse_unknown_classes(path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # an unknown archive can cause any error inside Keras
        reason = str(error).strip().splitlines()[0]
        raise BadModel(f"{path} cannot be loaded by Keras in safe mode: {reason}") from None
    check_keras_form(model)
    return model


def _refuse_unknown_classes(path: Path) -> None:
    """Raise `BadModel` if the archive names a class that a digit classifier does not need.

    Configurations that name arbitrary functions have bypassed Keras's safe mode (CVE-2025-1550,
    CVE-2025-8747). So the names are checked before Keras reads the file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise BadModel(f"{path} is not a .keras file: {error}") from None
    config.pop("compile_config", None)  # never read: the model is loaded without compiling it
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            module, name = part.get("module"), part.get("class_name")
            if name and not (name in CLASSES or module == "keras.initializers"):
                raise BadModel(
                    f"{path} is refused: it names {str(module)[:60]}.{str(name)[:60]}; "
                    f"expected only {', '.join(sorted(CLASSES))} and initializers."
                )


def _onnx(model: Any, path: Path, source: Path, images: Images) -> np.ndarray:
    neighbour = source.with_suffix(".onnx")  # the run's own file has a complete card
    proto = to_onnx(model)
    write_onnx(proto, path, ModelCard())
    answer = Classifier(path).predict_proba(images, calibrated=False)
    if neighbour.is_file():
        with suppress(BadModel):
            other = Classifier(neighbour)
            # Only if it is the same network, since the card contains scores.
            if np.array_equal(other.predict_proba(images, calibrated=False), answer):
                write_onnx(proto, path, other.card)
    return answer


def _litert(model: Any, path: Path, source: Path, images: Images) -> np.ndarray:
    import tensorflow as tf

    model.export(str(path), format="litert", verbose=False)
    with warnings.catch_warnings():
        # Deprecated in favour of a separate package, but still in TensorFlow.
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
    loaded = tf.saved_model.load(str(path))  # must not be garbage collected while in use
    return np.asarray(loaded.serve(images))


_WRITERS = {"onnx": _onnx, "litert": _litert, "savedmodel": _savedmodel}
