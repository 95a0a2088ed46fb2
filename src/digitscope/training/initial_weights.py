"""Begin a training with the weights of another network, which may be narrower or less deep.

After Chen, Goodfellow and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR
2016: the larger network begins with what the smaller one knows. Here new channels begin with random
weights, and no old channel sees them at first.
"""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadModel
from digitscope.training.onnx_weights import take_onnx_weights


def take_weights(
    path: Path, model: keras.Model, sample: Callable[[int], NDArray[np.uint8]]
) -> None:
    """Give a network the weights of another, layer by layer, as far as their names and forms agree.

    A layer with more channels than its counterpart takes its weights, too, and computes in these
    channels what the counterpart computes. So a network that is only wider, or has more residual
    blocks, begins as the same function. Other layers keep their initial weights.

    Parameters
    ----------
    path : path
        The ``model.keras`` of an earlier run, or an ONNX file as the networks are shipped.
    model : keras.Model
    sample : callable
        Returns a number of inputs of the network, uint8 (n, H, W); see `take_onnx_weights`.

    Raises
    ------
    BadModel
        When the file cannot be loaded, or no layer agrees.
    """
    if path.suffix == ".onnx":
        taken = take_onnx_weights(path, model, sample)
    else:
        taken = _take_keras_weights(path, model)
    if not taken:
        raise BadModel(
            f"{path} has no layer in common with the recipe's network; give the same stem, "
            f"channels, encoder and decoder, or larger ones."
        )


def _take_keras_weights(path: Path, model: keras.Model) -> int:
    try:
        other = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged file
        raise BadModel(f"{path} cannot be loaded: {error}.") from None
    trained = {layer.name: layer.get_weights() for layer in other.layers}
    inputs, positions = _flattened(other)
    taken = 0
    for layer in model.layers:
        old, new = trained.get(layer.name, []), layer.get_weights()
        if not old or [w.ndim for w in old] != [w.ndim for w in new]:
            continue
        after = positions if old[0].shape[0] == inputs else 1
        grown = [grow(a, b, after) for a, b in zip(old, new, strict=True)]
        if all(w is not None for w in grown):
            layer.set_weights(grown)
            taken += 1
    return taken


def _flattened(network: keras.Model) -> tuple[int, int]:
    """Return how many values a network flattens, and of how many places; zeros if none."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.Flatten):
            inner = layer.input.shape[1:]
            return int(np.prod(inner)), int(np.prod(inner[:-1]))
    return 0, 0


def grow(
    old: NDArray[np.float32], new: NDArray[np.float32], positions: int = 1
) -> NDArray[np.float32] | None:
    """Return the weights `new` with those of a narrower layer in them; None if it is not narrower.

    Parameters
    ----------
    old, new : ndarray
        Of one dimension, a value for each channel; or kernels, of which the last two axes are the
        channels that come in and go out.
    positions : int
        Of a kernel behind a flattened map: the first axis counts positions, then channels.
    """
    if old.shape == new.shape:
        return old
    if positions > 1 and old.ndim == 2:
        apart = [w.reshape(positions, -1, w.shape[-1]) for w in (old, new)]
        inner = grow(apart[0], apart[1])
        return None if inner is None else inner.reshape(new.shape)
    channels = min(old.ndim, 2)
    if old.shape[:-channels] != new.shape[:-channels] or any(np.greater(old.shape, new.shape)):
        return None
    grown = new.copy()
    if channels == 2:
        grown[..., : old.shape[-1]] = 0
        grown[..., : old.shape[-2], : old.shape[-1]] = old
    else:
        grown[: len(old)] = old
    return grown
