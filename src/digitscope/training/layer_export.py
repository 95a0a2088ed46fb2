"""From the layers of a Keras network to the nodes of an ONNX graph, for networks of pictures.

Batch normalization is folded into the convolution before it, so the file holds nothing but
convolutions, sums and ReLUs.
"""

from collections.abc import Iterator
from pathlib import Path

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
    """An ONNX graph in the making; tensors are known by their names."""

    def __init__(self, *, half: bool) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._half = half

    def weights(self, name: str, value: np.ndarray) -> str:
        """Return the name of constant weights, kept as float16 where that was asked for."""
        if not self._half:
            return self.constant(name, np.asarray(value, np.float32))
        self.constant(f"{name}/half", np.asarray(value, np.float16))
        return self.add("Cast", name, f"{name}/half", to=TensorProto.FLOAT)

    def constant(self, name: str, value: np.ndarray) -> str:
        """Keep an array under a name, and return the name."""
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, operator: str, name: str, *inputs: str, **attributes: object) -> str:
        """Add a node whose output has its name, and return the name."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name


def add_layers(graph: LayerGraph, model: keras.Model, tail: str) -> str:
    """Add the layers of a model to a graph and return the name of the last one's output.

    Parameters
    ----------
    graph : LayerGraph
    model : keras.Model
        Of one input, uint8 (n, H, W), and one output, with the policy float32.
    tail : str
        The input's name in the graph.

    Raises
    ------
    BadModel
        For a layer that has no translation here.
    """
    names: dict[str, str] = {}  # of each Keras tensor's layer, the ONNX tensor
    layers = list(model.layers)
    followers = {layer.name: list(_followers(layer)) for layer in layers}
    for layer in layers:
        before, out = [names[other.name] for other in _before(layer)], f"{layer.name}/out"
        if isinstance(layer, keras.layers.InputLayer):
            names[layer.name] = tail
        elif isinstance(layer, FoldPixels):
            plane = graph.add("Cast", "plane", *before, to=TensorProto.FLOAT)
            axis = graph.constant("channel", np.array([1], np.int64))
            plane = graph.add("Unsqueeze", "channel_first", plane, axis)
            names[layer.name] = graph.add("SpaceToDepth", out, plane, blocksize=2)
        elif isinstance(layer, keras.layers.Rescaling):
            factor = graph.constant("factor", np.array(layer.scale, np.float32))
            shift = graph.constant("shift", np.array(layer.offset, np.float32))
            scaled = graph.add("Mul", "scaled", *before, factor)
            names[layer.name] = graph.add("Add", out, scaled, shift)
        elif isinstance(layer, keras.layers.Conv2D):
            after = followers[layer.name]
            norm = after[0] if len(after) == 1 else None
            folds = isinstance(norm, keras.layers.BatchNormalization)
            kernel, bias = _folded(layer, norm if folds else None)
            names[layer.name] = graph.add(
                "Conv",
                out,
                *before,
                graph.weights(f"{layer.name}/kernel", kernel.transpose(3, 2, 0, 1)),
                graph.constant(f"{layer.name}/bias", bias),
                strides=list(layer.strides),
                auto_pad="SAME_UPPER",
            )
        elif isinstance(layer, keras.layers.Flatten):  # Keras has the channels last
            last = graph.add("Transpose", f"{layer.name}/last", *before, perm=[0, 2, 3, 1])
            names[layer.name] = graph.add("Flatten", out, last)
        elif isinstance(layer, keras.layers.Dense):
            names[layer.name] = _add_dense(graph, layer, before[0])
        elif isinstance(layer, keras.layers.Dropout):
            names[layer.name] = before[0]
        elif isinstance(layer, keras.layers.BatchNormalization):
            names[layer.name] = before[0]  # folded above
        elif isinstance(layer, keras.layers.Activation) and layer.activation.__name__ == "relu":
            names[layer.name] = graph.add("Relu", out, *before)
        elif isinstance(layer, keras.layers.Add):
            names[layer.name] = graph.add("Add", out, *before)
        elif isinstance(layer, keras.layers.UpSampling2D):
            factors = graph.constant(f"{layer.name}/scales", np.array([1, 1, 2, 2], np.float32))
            names[layer.name] = graph.add(
                "Resize",
                out,
                before[0],
                "",
                factors,
                mode="nearest",
                nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )
        else:
            raise BadModel(
                f"the layer {layer.name!r} is a {type(layer).__name__}, which cannot be written "
                f"to ONNX here."
            )
    return names[layers[-1].name]


def _add_dense(graph: LayerGraph, layer: keras.layers.Dense, before: str) -> str:
    kernel, bias = (np.asarray(keras.ops.convert_to_numpy(w)) for w in (layer.kernel, layer.bias))
    name = f"{layer.name}/out"
    is_linear = layer.activation.__name__ == "linear"
    if not is_linear and layer.activation.__name__ != "relu":
        raise BadModel(
            f"the layer {layer.name!r} must be linear or have a ReLU to be written here."
        )
    sums = graph.add(
        "Gemm",
        name if is_linear else f"{layer.name}/sums",
        before,
        graph.weights(f"{layer.name}/kernel", kernel),
        graph.constant(f"{layer.name}/bias", bias),
    )
    return sums if is_linear else graph.add("Relu", name, sums)


def _before(layer: keras.Layer) -> Iterator[keras.Layer]:
    """Give the layers whose outputs a layer takes."""
    for node in layer._inbound_nodes:
        for tensor in node.input_tensors:
            yield tensor._keras_history.operation


def _followers(layer: keras.Layer) -> Iterator[keras.Layer]:
    for node in layer._outbound_nodes:
        yield node.operation


def _folded(
    layer: keras.layers.Conv2D, norm: keras.layers.BatchNormalization | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of a convolution and the batch normalization after it, as float32."""
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
