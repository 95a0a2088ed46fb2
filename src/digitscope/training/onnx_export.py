"""ONNX export of digit classifiers, with a comparison of the results to Keras.

The graph is written layer by layer. So the file is the same from both backends, has readable names
that `explain` uses (``hidden_1/kernel``), and contains only the arithmetic of the network.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from digitscope.errors import BadModel
from digitscope.files import replacing
from digitscope.image.digit import DIGITS, SIDE, Images, Probabilities
from digitscope.models.card import KEY, ModelCard
from digitscope.models.classifier import DIGIT

OPSET, IR_VERSION = 17, 8  # supported by ONNX Runtime 1.13 and later
TINY = float(np.finfo(np.float32).tiny)
TOLERANCE = 1e-5  # largest difference of any probability between Keras and the ONNX file

# Input and output shapes: ten digits, or ten digits and "no digit".
KERAS_FORMS = (((SIDE, SIDE), (DIGITS,)), ((SIDE, SIDE), (DIGITS + 1,)))
SIMPLE = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "elu": "Elu", "selu": "Selu"}


class _Graph:
    """An ONNX graph that is extended at its tail, the output of the last node."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.tail = "images"
        self.planes = False  # whether the tail is (n, channels, height, width)

    def constant(self, name: str, value: Any) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def add(self, operator: str, name: str, *inputs: str, **attributes: object) -> str:
        """Append a node whose inputs are the tail and `inputs`; it becomes the new tail."""
        self.nodes.append(
            helper.make_node(operator, [self.tail, *inputs], [name], name=name, **attributes)
        )
        self.tail = name
        return name

    def integer(self, name: str, value: int) -> str:
        self.constants.append(numpy_helper.from_array(np.array([value]), name))
        return name

    def refuse(self, name: str) -> None:
        """Split eleven logits into the ten digits, the new tail, and a second output `digit`."""
        logits, axis = self.tail, self.integer(f"{name}/axis", 1)
        first, ten, eleven = (self.integer(f"{name}/{n}", n) for n in (0, DIGITS, DIGITS + 1))
        self.add("Softmax", f"{name}/all", axis=-1)
        no_digit = self.add("Slice", f"{name}/no_digit", ten, eleven, axis)
        self.tail = self.constant("one", 1)
        self.add("Sub", DIGIT, no_digit)
        self.tail = logits
        self.add("Slice", f"{name}/ten", first, ten, axis)
        self.activate("softmax", name)

    def activate(self, activation: str, name: str) -> None:
        before = self.tail
        if activation in SIMPLE:
            self.add(SIMPLE[activation], name)
        elif activation == "softmax":
            self.add("Softmax", name, axis=-1)
        elif activation == "silu":
            self.add("Sigmoid", f"{name}/gate")
            self.add("Mul", name, before)
        elif activation == "gelu":  # x (1 + erf(x / √2)) / 2
            self.add("Mul", f"{name}/scaled", self.constant(f"{name}/√½", 0.5**0.5))
            self.add("Erf", f"{name}/erf")
            self.add("Add", f"{name}/gate", self.constant(f"{name}/1", 1))
            self.add("Mul", f"{name}/twice", before)
            self.add("Mul", name, self.constant(f"{name}/½", 0.5))
        elif activation != "linear":
            raise BadModel(f"the activation {activation!r} has no translation to ONNX here.")


def _rescaling(graph: _Graph, layer: keras.layers.Rescaling) -> None:
    graph.add("Mul", layer.name, graph.constant(f"{layer.name}/factor", layer.scale))
    if layer.offset:
        offset = graph.constant(f"{layer.name}/shift", np.float32(layer.offset))
        graph.add("Add", f"{layer.name}/shifted", offset)


def _reshape(graph: _Graph, layer: keras.layers.Reshape) -> None:
    """Add the axis of channels to the image; it is the second axis in ONNX."""
    if tuple(layer.target_shape) != (SIDE, SIDE, 1):
        raise BadModel(
            f"the layer {layer.name!r} reshapes to {layer.target_shape}; only to "
            f"({SIDE}, {SIDE}, 1) can be written to ONNX."
        )
    shape = numpy_helper.from_array(np.array([-1, 1, SIDE, SIDE]), f"{layer.name}/shape")
    graph.constants.append(shape)
    graph.add("Reshape", layer.name, shape.name)


def _convolution(graph: _Graph, layer: keras.layers.Conv2D) -> None:
    same = layer.padding == "same" and tuple(layer.dilation_rate) == (1, 1) and layer.groups == 1
    if not same or layer.data_format != "channels_last":
        raise BadModel(
            f"the layer {layer.name!r} cannot be written to ONNX: expected padding 'same', "
            f"channels last, no dilation and no groups."
        )
    # The layout in Keras is (height, width, in, out).
    kernel = _numpy(layer.kernel).transpose(3, 2, 0, 1)
    names = [graph.constant(f"{layer.name}/kernel", kernel)]
    if layer.use_bias:
        names.append(graph.constant(f"{layer.name}/bias", _numpy(layer.bias)))
    plain = layer.activation.__name__
    name = layer.name if plain == "linear" else f"{layer.name}/sums"
    graph.add("Conv", name, *names, strides=list(layer.strides), auto_pad="SAME_UPPER")
    graph.activate(plain, layer.name)
    graph.planes = True


def _normalization(graph: _Graph, layer: keras.layers.BatchNormalization) -> None:
    values = {
        "scale": layer.gamma,
        "shift": layer.beta,
        "mean": layer.moving_mean,
        "variance": layer.moving_variance,
    }
    names = [graph.constant(f"{layer.name}/{k}", _numpy(v)) for k, v in values.items()]
    graph.add("BatchNormalization", layer.name, *names, epsilon=layer.epsilon)


def _activation(graph: _Graph, layer: keras.layers.Activation) -> None:
    graph.activate(layer.activation.__name__, layer.name)


def _flatten(graph: _Graph, layer: keras.layers.Flatten) -> None:
    if graph.planes:  # Keras flattens with the channels last
        graph.add("Transpose", f"{layer.name}/channels_last", perm=[0, 2, 3, 1])
    graph.add("Flatten", layer.name, axis=1)


def _dense(graph: _Graph, layer: keras.layers.Dense) -> None:
    names = [graph.constant(f"{layer.name}/kernel", _numpy(layer.kernel))]
    if layer.use_bias:
        names.append(graph.constant(f"{layer.name}/bias", _numpy(layer.bias)))
    graph.add("Gemm", f"{layer.name}/logits", *names)
    if layer.units == DIGITS + 1 and layer.activation.__name__ == "softmax":
        graph.refuse(layer.name)
    else:
        graph.activate(layer.activation.__name__, layer.name)


def _dropout(graph: _Graph, layer: keras.layers.Dropout) -> None:
    """Add nothing, since dropout has no effect in inference."""


def _numpy(variable: keras.Variable) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable), np.float32)


TRANSLATIONS: dict[type, Callable[[_Graph, keras.Layer], None]] = {
    keras.layers.Rescaling: _rescaling,
    keras.layers.Reshape: _reshape,
    keras.layers.Conv2D: _convolution,
    keras.layers.BatchNormalization: _normalization,
    keras.layers.Activation: _activation,
    keras.layers.Flatten: _flatten,
    keras.layers.Dense: _dense,
    keras.layers.Dropout: _dropout,
}


def to_onnx(model: keras.Sequential) -> onnx.ModelProto:
    """Return the network as an ONNX model: uint8 (n, 28, 28) -> float32 (n, 10).

    A network with eleven outputs becomes a model with two: the probabilities of the ten digits,
    given that the image is a digit, and ``digit``, float32 (n, 1), the probability that it is.

    Raises
    ------
    BadModel
        For a layer or an input that cannot be translated.
    """
    if not isinstance(model, keras.Sequential):
        raise BadModel(f"expected a Sequential Keras model. Received: {type(model).__name__}.")
    check_keras_form(model)
    graph = _Graph()
    graph.add("Cast", "as_float", to=TensorProto.FLOAT)
    for layer in model.layers:
        if type(layer) not in TRANSLATIONS:
            known = ", ".join(t.__name__ for t in TRANSLATIONS)
            raise BadModel(
                f"the layer {layer.name!r} is a {type(layer).__name__}; only {known} can be "
                f"written to ONNX."
            )
        TRANSLATIONS[type(layer)](graph, layer)
    graph.add("Identity", "probabilities")
    outputs = {"probabilities": DIGITS}
    if model.output_shape[-1] > DIGITS:
        outputs[DIGIT] = 1
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "digitscope",
            [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", SIDE, SIDE])],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
                for name, size in outputs.items()
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digitscope",
    )
    onnx.checker.check_model(proto)
    return proto


def check_keras_form(model: keras.Model) -> None:
    """Raise `BadModel` unless the model takes uint8 (n, 28, 28) and gives (n, 10)."""
    shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    dtype = model.inputs[0].dtype
    if shapes not in KERAS_FORMS or dtype != "uint8":
        raise BadModel(
            f"expected a model from uint8 (n, 28, 28) to (n, 10), with the division by 255 inside. "
            f"Received: one from {dtype} (n, {', '.join(map(str, shapes[0]))}) to "
            f"(n, {', '.join(map(str, shapes[1]))})."
        )


def write_onnx(proto: onnx.ModelProto, path: Path, card: ModelCard) -> None:
    """Write the ONNX model with its card in the metadata, atomically."""
    helper.set_model_props(proto, {KEY: card.to_json()})
    with replacing(path) as temporary:
        temporary.write_bytes(proto.SerializeToString())


def check_agreement(
    model: keras.Model, images: Images, probabilities: Probabilities, what: str
) -> float:
    """Return the largest difference of a probability to Keras.

    Parameters
    ----------
    model : keras.Model
    images : ndarray of shape (n, 28, 28), dtype uint8
    probabilities : ndarray of shape (n, 10) or (n, answers)
        Probabilities by the exported file: of the digits, or all outputs of the model.
    what : str
        Name of the exported file, for the message.

    Raises
    ------
    BadModel
        If it is more than 1e-5.
    """
    theirs = np.asarray(keras.ops.convert_to_numpy(model(images, training=False)))
    if theirs.shape[1] > probabilities.shape[1]:  # probabilities given that it is a digit
        theirs = theirs[:, :DIGITS] / np.maximum(
            theirs[:, :DIGITS].sum(axis=1, keepdims=True), TINY
        )
    difference = float(np.abs(probabilities - theirs).max())
    if not difference <= TOLERANCE:
        raise BadModel(
            f"{what} is refused: its probabilities differ from Keras's by up to {difference:.2g} "
            f"on {len(images):,} images; at most {TOLERANCE:g} is allowed."
        )
    return difference
