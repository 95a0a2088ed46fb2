"""Initial weights from another network, which may be narrower or have fewer layers.

After Chen, Goodfellow and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR
2016: the larger network initially computes the same function as the smaller one. Here new channels
have random weights, and their weights to old channels are 0.
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
    """Copy the weights of another network to the layers of the same names and shapes.

    A layer with more channels than its counterpart also takes the weights, and computes the same in
    these channels. So a network that is wider or has more residual blocks begins as the same
    function. Other layers keep their initial weights.

    Parameters
    ----------
    path : path
        The ``model.keras`` of an earlier run, or an ONNX file of the page or glyph network.
    model : keras.Model
    sample : callable
        Returns n inputs of the network, uint8 (n, H, W); see `take_onnx_weights`.

    Raises
    ------
    BadModel
        If the file cannot be loaded, or no layer has the same name and shape.
    """
    if path.suffix == ".onnx":
        taken = take_onnx_weights(path, model, sample)
    else:
        taken = _take_keras_weights(path, model)
    if not taken:
        raise BadModel(
            f"{path} has no layer in common with the recipe's network; choose the same stem, "
            f"channels, encoder and decoder, or larger ones."
        )


def _take_keras_weights(path: Path, model: keras.Model) -> int:
    try:
        other = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many error types for a damaged file
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
    """Return the number of values that a network flattens, and of positions; zeros if none."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.Flatten):
            inner = layer.input.shape[1:]
            return int(np.prod(inner)), int(np.prod(inner[:-1]))
    return 0, 0


def grow(
    old: NDArray[np.float32], new: NDArray[np.float32], positions: int = 1
) -> NDArray[np.float32] | None:
    """Return the weights `new` with those of a narrower layer inserted; None if it is not narrower.

    Parameters
    ----------
    old, new : ndarray
        Vectors with one value per channel, or kernels whose last two axes are the input and output
        channels.
    positions : int
        For a kernel after a flattened map: number of positions, by which the first axis is divided.
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
