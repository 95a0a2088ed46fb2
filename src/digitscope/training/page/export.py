"""From the Keras page network to the ONNX file that ships."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from digitscope.errors import BadModel
from digitscope.glyph_classes import HEAT, LINK, MAPS, RAISED, RULING
from digitscope.training.onnx_export import IR_VERSION, OPSET
from digitscope.training.page.network import FoldPixels

PROBABILITIES = (HEAT, LINK, RAISED, RULING)  # maps that leave the network through a sigmoid
TOLERANCE = 1e-4  # largest difference of any map with float32 weights
HALF_TOLERANCE = 3e-2  # the same with float16 weights


class _Graph:
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
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def add(self, operator: str, name: str, *inputs: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name


def page_to_onnx(model: keras.Model, *, half: bool = True) -> onnx.ModelProto:
    """Return the network as ONNX: ``images`` uint8 (n, H, W) -> ``maps`` float32 (n, 28, h, w).

    Batch normalization is folded into the convolution before it. Maps that are probabilities leave
    through a sigmoid.

    Parameters
    ----------
    model : keras.Model
        As `build_page_network` makes it, with the policy float32.
    half : bool
        Whether the file keeps weights as float16, which halves it. They are cast to float32 when
        the file is loaded.

    Raises
    ------
    BadModel
        For a layer that has no translation here.
    """
    graph = _Graph(half=half)
    names: dict[str, str] = {}  # of each Keras tensor's layer, the ONNX tensor
    layers = list(model.layers)
    followers = {layer.name: list(_followers(layer)) for layer in layers}
    for layer in layers:
        before, out = [names[other.name] for other in _before(layer)], f"{layer.name}/out"
        if isinstance(layer, keras.layers.InputLayer):
            names[layer.name] = "images"
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
    _finish(graph, names[layers[-1].name])
    return _model(graph)


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


def _finish(graph: _Graph, tail: str) -> None:
    """Send the maps that are probabilities through a sigmoid."""
    edges = sorted({0, MAPS, *(e for part in PROBABILITIES for e in (part.start, part.stop))})
    pieces = list(pairwise(edges))
    sizes = np.array([end - first for first, end in pieces], np.int64)
    names = [f"maps_{first}" for first, _ in pieces]
    graph.nodes.append(
        helper.make_node(
            "Split", [tail, graph.constant("pieces", sizes)], names, name="split", axis=1
        )
    )
    sent = [
        graph.add("Sigmoid", f"{name}/probability", name)
        if any(part.start <= first and end <= part.stop for part in PROBABILITIES)
        else name
        for name, (first, end) in zip(names, pieces, strict=True)
    ]
    graph.add("Concat", "maps", *sent, axis=1)


def _model(graph: _Graph) -> onnx.ModelProto:
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "digitscope page",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", "H", "W"])],
            [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", MAPS, "h", "w"])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digitscope",
    )
    onnx.checker.check_model(proto)
    return proto


def check_page_agreement(
    model: keras.Model, path: Path, images: np.ndarray, *, half: bool
) -> float:
    """Return the largest difference of a map between the ONNX file and Keras.

    Parameters
    ----------
    model : keras.Model
    path : path
    images : ndarray of shape (n, H, W), dtype uint8
        H and W multiples of 16.
    half : bool
        Whether the file keeps weights as float16.

    Raises
    ------
    BadModel
        When it is more than 1e-4, or 3e-2 with float16 weights.
    """
    from digitscope.page_network import PageNetwork

    network = PageNetwork(path)
    theirs = np.array(keras.ops.convert_to_numpy(model(images, training=False)), np.float32)
    for part in PROBABILITIES:
        theirs[..., part] = 1 / (1 + np.exp(-theirs[..., part]))
    ours = np.stack([network.maps(image) for image in images]).transpose(0, 2, 3, 1)
    difference = float(np.abs(ours - theirs).max())
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if not difference <= allowed:
        raise BadModel(
            f"{path} is refused: its maps differ from Keras's by up to {difference:.2g} on "
            f"{len(images):,} images; at most {allowed:g} is allowed."
        )
    return difference
