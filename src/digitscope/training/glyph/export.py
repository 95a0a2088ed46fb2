"""From the Keras glyph network to the ONNX file that ships."""

import keras
import onnx
from onnx import TensorProto, helper

from digitscope.glyph_classes import CROP
from digitscope.glyph_network import ANSWERS
from digitscope.training.layer_export import LayerGraph, add_layers, to_model


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
    return to_model(
        graph,
        "digitscope glyph",
        helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", CROP, CROP]),
        helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["n", ANSWERS]),
    )
