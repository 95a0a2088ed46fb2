"""From the Keras glyph network to the ONNX file that ships."""

from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper

from digitscope.errors import BadModel
from digitscope.glyph_classes import CROP
from digitscope.glyph_network import ANSWERS, GlyphNetwork
from digitscope.training.layer_export import LayerGraph, add_layers
from digitscope.training.onnx_export import IR_VERSION, OPSET

TOLERANCE = 1e-4  # largest difference of any probability with float32 weights
HALF_TOLERANCE = 3e-2  # the same with float16 weights


def glyph_to_onnx(model: keras.Model, *, half: bool = True) -> onnx.ModelProto:
    """Return the network as ONNX: ``crops`` uint8 (n, 32, 32) -> ``classes`` float32 (n, 17).

    The classes leave the network through a softmax.

    Parameters
    ----------
    model : keras.Model
        As `build_glyph_network` makes it, with the policy float32.
    half : bool
        Whether the file keeps weights as float16, which halves it. They are cast to float32 when
        the file is loaded.

    Raises
    ------
    BadModel
        For a layer that has no translation.
    """
    graph = LayerGraph(half=half)
    graph.add("Softmax", "classes", add_layers(graph, model, "crops"), axis=-1)
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "digitscope glyph",
            [helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", CROP, CROP])],
            [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", ANSWERS])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="digitscope",
    )
    onnx.checker.check_model(proto)
    return proto


def check_glyph_agreement(
    probabilities: np.ndarray, path: Path, crops: np.ndarray, *, half: bool
) -> float:
    """Return the largest difference of a probability between the ONNX file and Keras.

    Parameters
    ----------
    probabilities : ndarray of shape (n, 17)
        Keras's answers.
    path : path
    crops : ndarray of shape (n, 32, 32), dtype uint8
    half : bool
        Whether the file keeps weights as float16.

    Raises
    ------
    BadModel
        When it is more than 1e-4, or 3e-2 with float16 weights.
    """
    ours = GlyphNetwork(path).probabilities(crops)
    difference = float(np.abs(ours - probabilities).max(initial=0))
    allowed = HALF_TOLERANCE if half else TOLERANCE
    if not difference <= allowed:
        raise BadModel(
            f"{path} is refused: its answers differ from Keras's by up to {difference:.2g} on "
            f"{len(crops):,} crops; at most {allowed:g} is allowed."
        )
    return difference
