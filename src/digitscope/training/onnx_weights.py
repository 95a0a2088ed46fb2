"""Initial weights from an ONNX file of the page network or the glyph network.

In the file each batch normalization is folded into the convolution before it. Here it is restored,
so that training can continue: mean and variance are measured on patches, and scale and shift are
chosen so that the network gives the same results as the file.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from digitscope.errors import BadModel

Weights = tuple[NDArray[np.float32], NDArray[np.float32]]  # kernel in the layout of Keras, and bias
PATCHES = 160  # patches on which means and variances are measured
BATCH = 16  # patches per forward pass
KERNEL = np.sqrt(2)  # norm of the kernel of a channel, as of initial weights (He et al., ICCV 2015)
TINY = 1e-12  # norm of a kernel below which a channel is unused


def take_onnx_weights(
    path: Path, model: keras.Model, sample: Callable[[int], NDArray[np.uint8]]
) -> int:
    """Copy the weights of an ONNX file to a network; return the number of layers that took them.

    Layers with other names or shapes keep their initial weights.

    Parameters
    ----------
    path : path
        Written by `LayerGraph`: with float32 or float16 weights, or 8-bit integers.
    model : keras.Model
        A model of convolutions, each with batch normalization or a bias, and dense layers.
    sample : callable
        Returns n inputs of the network, uint8 (n, H, W).

    Raises
    ------
    BadModel
        If the file is not an ONNX model.
    """
    trained = read_onnx_weights(path)
    taken, folded = 0, []
    for layer in model.layers:
        if not hasattr(layer, "kernel") or layer.name not in trained:
            continue
        kernel, bias = trained[layer.name]
        if kernel.shape != tuple(layer.kernel.shape):
            continue
        layer.kernel.assign(kernel)
        if layer.use_bias:
            layer.bias.assign(bias)
        else:
            norm = layer._outbound_nodes[0].operation
            norm.set_weights(
                [np.ones_like(bias), bias, 0 * bias, np.ones_like(bias) - norm.epsilon]
            )
            folded.append((layer, norm))
        taken += 1
    if folded:
        _unfold(model, folded, sample(PATCHES))
    return taken


def _unfold(
    model: keras.Model, folded: list[tuple[keras.Layer, Any]], images: NDArray[np.uint8]
) -> None:
    """Set each batch normalization to the statistics of its input, without changing the results.

    Kernels get the norm of initial weights, since the effect of a learning rate depends on it.
    """
    inner = keras.Model(model.input, [layer.output for layer, _ in folded])
    sums: list[Any] = [(0.0, 0.0)] * len(folded)
    batches = [images[first : first + BATCH] for first in range(0, len(images), BATCH)]
    for batch in batches:
        outputs = inner(batch, training=False)
        for k, output in enumerate(outputs if isinstance(outputs, list) else [outputs]):
            values = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")))
            flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
            share = len(batch) / len(images)
            moments = share * flat.mean(axis=0), share * (flat**2).mean(axis=0)
            sums[k] = sums[k][0] + moments[0], sums[k][1] + moments[1]
    for (layer, norm), (mean, squares) in zip(folded, sums, strict=True):
        kernel, bias = layer.get_weights()[0], norm.get_weights()[1]
        length = np.sqrt((kernel.astype(np.float64) ** 2).sum(axis=(0, 1, 2)))
        factor = np.where(length > TINY, KERNEL / np.maximum(length, TINY), 1.0)
        layer.kernel.assign(kernel * factor)
        variance = np.maximum(squares - mean**2, 0) * factor**2
        gamma = np.sqrt(variance + norm.epsilon) / factor
        norm.set_weights([gamma, bias + mean, mean * factor, variance])


def read_onnx_weights(path: Path) -> dict[str, Weights]:
    """Return kernel and bias of each layer of an ONNX file, by the name of the layer.

    Parameters
    ----------
    path : path
        Written by `LayerGraph`: with float32 or float16 weights, or 8-bit integers.

    Raises
    ------
    BadModel
        If the file is not an ONNX model.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # ONNX and protobuf raise many error types for a damaged file
        raise BadModel(f"{path} cannot be loaded: {error}.") from None
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    return dict(_layers(graph, constants, makers))


def _layers(
    graph: Any, constants: dict[str, np.ndarray], makers: dict[str, Any]
) -> Iterator[tuple[str, Weights]]:
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3:
            continue
        kernel, bias = (_value(name, constants, makers) for name in node.input[1:3])
        if kernel is None or bias is None:
            continue
        if node.op_type == "Conv":
            kernel = kernel.transpose(2, 3, 1, 0)
        yield node.name.split("/")[0], (kernel, bias)


def _value(
    name: str, constants: dict[str, np.ndarray], makers: dict[str, Any]
) -> NDArray[np.float32] | None:
    """Return a constant tensor as float32, converted from any stored form; None if not constant."""
    if name in constants:
        return constants[name].astype(np.float32)
    maker = makers.get(name)
    if maker is None or not maker.input or maker.input[0] not in constants:
        return None
    value = constants[maker.input[0]].astype(np.float32)
    if maker.op_type == "DequantizeLinear":
        scale, zero = (constants[part].astype(np.float32) for part in maker.input[1:3])
        axis = next((a.i for a in maker.attribute if a.name == "axis"), 1)
        along = [-1 if k == axis else 1 for k in range(value.ndim)] if scale.size > 1 else ()
        return (value - zero.reshape(along)) * scale.reshape(along)
    return value
