"""ONNX export of the glyph network."""

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper

from digitscope.models.glyph_classes import CROP
from digitscope.models.glyph_network import ANSWERS, TURNS
from digitscope.training.layer_export import LayerGraph, add_layers, to_model


def glyph_to_onnx(model: keras.Model, *, half: bool = True) -> onnx.ModelProto:
    """Return the network as ONNX: ``crops`` uint8 (n, 32, 32) to ``classes`` and ``turns``.

    Both are probabilities after a softmax, float32 (n, 17) and (n, 4).

    Parameters
    ----------
    model : keras.Model
        A model of `build_glyph_network` with the policy float32.
    half : bool
        Whether weights are stored as float16, which halves the size of the file. They are cast to
        float32 when the file is loaded.

    Raises
    ------
    BadModel
        For a layer that cannot be translated.
    """
    graph = LayerGraph(half=half)
    sizes = {"classes": ANSWERS, "turns": TURNS}
    logits = add_layers(graph, model, "crops")
    lengths = graph.constant("lengths", np.array(list(sizes.values()), np.int64))
    parts = [f"{name}/logits" for name in sizes]
    graph.nodes.append(helper.make_node("Split", [logits, lengths], parts, "split", axis=1))
    for name, part in zip(sizes, parts, strict=True):
        graph.add("Softmax", name, part, axis=-1)
    return to_model(
        graph,
        "digitscope glyph",
        helper.make_tensor_value_info("crops", TensorProto.UINT8, ["n", CROP, CROP]),
        *(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
            for name, size in sizes.items()
        ),
    )
