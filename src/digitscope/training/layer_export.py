"""ONNX export of networks with branches: the page network and the glyph network.

Batch normalization is folded into the convolution before it, so the graph consists of convolutions,
sums and ReLUs. Digit classifiers are exported by `onnx_export`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from digitscope.errors import BadModel
from digitscope.training.layers import FoldPixels
from digitscope.training.onnx_export import IR_VERSION, OPSET

TOLERANCE = 1e-4  # largest difference of any answer with float32 weights
HALF_TOLERANCE = 3e-2  # the same with float16 weights


class LayerGraph:
    """An ONNX graph that is being built; tensors are referred to by name."""

    def __init__(self, *, half: bool) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._half = half

    def weights(self, name: str, value: np.ndarray) -> str:
        """Store weights, as float16 if the graph is `half`, and return their name."""
        if not self._half:
            return self.constant(name, np.asarray(value, np.float32))
        self.constant(f"{name}/half", np.asarray(value, np.float16))
        return self.add("Cast", name, f"{name}/half", to=TensorProto.FLOAT)

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store an array and return its name."""
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, operator: str, name: str, *inputs: str, **attributes: object) -> str:
        """Add a node, whose output has the same name, and return the name."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name


def add_layers(graph: LayerGraph, model: keras.Model, tail: str) -> str:
    """Add the layers of a model to a graph and return the name of the last one's output.

    Parameters
    ----------
    graph : LayerGraph
    model : keras.Model
        A model of policy float32 with one input, uint8 (n, H, W), and one output.
    tail : str
        The input's name in the graph.

    Raises
    ------
    BadModel
        For a layer that cannot be translated.
    """
    names: dict[str, str] = {}  # ONNX tensor of each Keras layer's output, by the layer's name
    layers = list(model.layers)
    for layer in layers:
        before = [names[other.name] for other in _before(layer)]
        if isinstance(layer, keras.layers.InputLayer):
            names[layer.name] = tail
            continue
        for kind, translate in TRANSLATIONS:
            if isinstance(layer, kind):
                names[layer.name] = translate(graph, layer, before)
                break
        else:
            raise BadModel(
                f"the layer {layer.name!r} is a {type(layer).__name__}, which cannot be written "
                f"to ONNX here."
            )
    return names[layers[-1].name]


def _output(layer: keras.Layer) -> str:
    return f"{layer.name}/out"


def _add_fold(graph: LayerGraph, layer: FoldPixels, before: list[str]) -> str:
    plane = graph.add("Cast", "plane", *before, to=TensorProto.FLOAT)
    axis = graph.constant("channel", np.array([1], np.int64))
    plane = graph.add("Unsqueeze", "channel_first", plane, axis)
    return graph.add("SpaceToDepth", _output(layer), plane, blocksize=2)


def _add_rescaling(graph: LayerGraph, layer: keras.layers.Rescaling, before: list[str]) -> str:
    factor = graph.constant("factor", np.array(layer.scale, np.float32))
    shift = graph.constant("shift", np.array(layer.offset, np.float32))
    return graph.add("Add", _output(layer), graph.add("Mul", "scaled", *before, factor), shift)


def _add_convolution(graph: LayerGraph, layer: keras.layers.Conv2D, before: list[str]) -> str:
    """Add a convolution, with the batch normalization after it, if there is one."""
    after = list(_followers(layer))
    norm = after[0] if len(after) == 1 else None
    folds = isinstance(norm, keras.layers.BatchNormalization)
    kernel, bias = _folded(layer, norm if folds else None)
    return graph.add(
        "Conv",
        _output(layer),
        *before,
        graph.weights(f"{layer.name}/kernel", kernel.transpose(3, 2, 0, 1)),
        graph.constant(f"{layer.name}/bias", bias),
        strides=list(layer.strides),
        auto_pad="SAME_UPPER",
    )


def _add_flatten(graph: LayerGraph, layer: keras.layers.Flatten, before: list[str]) -> str:
    # Keras flattens with the channels last.
    last = graph.add("Transpose", f"{layer.name}/last", *before, perm=[0, 2, 3, 1])
    return graph.add("Flatten", _output(layer), last)


def _add_nothing(graph: LayerGraph, layer: keras.Layer, before: list[str]) -> str:
    """Skip a layer that has no effect here: dropout, or a normalization that is folded."""
    return before[0]


def _add_activation(graph: LayerGraph, layer: keras.layers.Activation, before: list[str]) -> str:
    if layer.activation.__name__ != "relu":
        raise BadModel(f"the layer {layer.name!r} must be a ReLU to be written to ONNX here.")
    return graph.add("Relu", _output(layer), *before)


def _add_sum(graph: LayerGraph, layer: keras.layers.Add, before: list[str]) -> str:
    return graph.add("Add", _output(layer), *before)


def _add_upsampling(graph: LayerGraph, layer: keras.layers.UpSampling2D, before: list[str]) -> str:
    factors = graph.constant(f"{layer.name}/scales", np.array([1, 1, 2, 2], np.float32))
    return graph.add(
        "Resize",
        _output(layer),
        before[0],
        "",
        factors,
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )


def _add_dense(graph: LayerGraph, layer: keras.layers.Dense, before: list[str]) -> str:
    kernel, bias = (np.asarray(keras.ops.convert_to_numpy(w)) for w in (layer.kernel, layer.bias))
    name = _output(layer)
    is_linear = layer.activation.__name__ == "linear"
    if not is_linear and layer.activation.__name__ != "relu":
        raise BadModel(
            f"the layer {layer.name!r} must be linear or have a ReLU to be written here."
        )
    sums = graph.add(
        "Gemm",
        name if is_linear else f"{layer.name}/sums",
        *before,
        graph.weights(f"{layer.name}/kernel", kernel),
        graph.constant(f"{layer.name}/bias", bias),
    )
    return sums if is_linear else graph.add("Relu", name, sums)


# The first kind that a layer is an instance of counts.
TRANSLATIONS: tuple[tuple[Any, Callable[[LayerGraph, Any, list[str]], str]], ...] = (
    (FoldPixels, _add_fold),
    (keras.layers.Rescaling, _add_rescaling),
    (keras.layers.Conv2D, _add_convolution),
    (keras.layers.Flatten, _add_flatten),
    (keras.layers.Dense, _add_dense),
    (keras.layers.Dropout, _add_nothing),
    (keras.layers.BatchNormalization, _add_nothing),
    (keras.layers.Activation, _add_activation),
    (keras.layers.Add, _add_sum),
    (keras.layers.UpSampling2D, _add_upsampling),
)


def _before(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Yield the layers whose outputs are the inputs of a layer."""
    for node in layer._inbound_nodes:
        for tensor in node.input_tensors:
            yield tensor._keras_history.operation


def _followers(layer: keras.Layer) -> Iterator[keras.Layer]:
    for node in layer._outbound_nodes:
        yield node.operation


def _folded(
    layer: keras.layers.Conv2D, norm: keras.layers.BatchNormalization | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of a convolution with the batch normalization after it, float32."""
    kernel = np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float64)
    bias = np.zeros(kernel.shape[-1])
    if layer.use_bias:
        bias = np.asarray(keras.ops.convert_to_numpy(layer.bias), np.float64)
    if norm is not None:
        gamma, beta, mean, variance = (
            np.asarray(keras.ops.convert_to_numpy(v), np.float64)
            for v in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
        )
        factor = gamma / np.sqrt(variance + norm.epsilon)
        kernel, bias = kernel * factor, beta + (bias - mean) * factor
    return kernel.astype(np.float32), bias.astype(np.float32)


def to_model(
    graph: LayerGraph, name: str, gate: onnx.ValueInfoProto, *answers: onnx.ValueInfoProto
) -> onnx.ModelProto:
    """Return a graph with one input and some outputs as a checked ONNX model."""
    proto = helper.make_model(
        helper.make_graph(graph.nodes, name, [gate], answers, graph.constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digitscope",
    )
    onnx.checker.check_model(proto)
    return proto


def check_difference(ours: np.ndarray, theirs: np.ndarray, path: Path, *, half: bool) -> float:
    """Return the largest difference between the answers of an ONNX file and those of Keras.

    Parameters
    ----------
    ours, theirs : ndarray of shape (n, ...)
        Answers to n inputs.
    path : path
        The file, for the message.
    half : bool
        Whether it keeps weights as float16.

    Raises
    ------
    BadModel
        When it is more than 1e-4, or 3e-2 with float16 weights.
    """
    difference = float(np.abs(ours - theirs).max(initial=0))
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if not difference <= allowed:
        raise BadModel(
            f"{path} is refused: its answers differ from Keras's by up to {difference:.2g} on "
            f"{len(ours):,} images; at most {allowed:g} is allowed."
        )
    return difference
