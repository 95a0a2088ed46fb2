"""ONNX export of the page network."""

from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper
from scipy.special import expit

from digitscope.models.glyph_classes import HEAT, LINK, MAPS, RAISED, RULING
from digitscope.training.layer_export import LayerGraph, add_layers, check_difference, to_model
from digitscope.training.page.calibration import UNCHANGED, Calibration

PROBABILITIES = (HEAT, LINK, RAISED, RULING)  # maps of probabilities, which need a sigmoid


def page_to_onnx(
    model: keras.Model, calibration: Calibration = UNCHANGED, *, half: bool = True
) -> onnx.ModelProto:
    """Return the network as ONNX: ``images`` uint8 (n, H, W) -> ``maps`` float32 (n, 28, h, w).

    A sigmoid is applied to maps that are probabilities; those of the classes are calibrated.

    Parameters
    ----------
    model : keras.Model
        A model of `build_page_network` with the policy float32.
    calibration : Calibration
        Calibration of the logits of the classes; by default the identity.
    half : bool
        Whether weights are stored as float16, which halves the size of the file. They are cast to
        float32 when the file is loaded.

    Raises
    ------
    BadModel
        For a layer that cannot be translated.
    """
    graph = LayerGraph(half=half)
    _finish(graph, add_layers(graph, model, "images"), calibration)
    return to_model(
        graph,
        "digitscope page",
        helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", "H", "W"]),
        helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", MAPS, "h", "w"]),
    )


def _finish(graph: LayerGraph, tail: str, calibration: Calibration) -> None:
    """Add the calibration of the class maps, and the conversion of logits to probabilities."""
    edges = sorted({0, MAPS, *(e for part in PROBABILITIES for e in (part.start, part.stop))})
    pieces = list(pairwise(edges))
    sizes = np.array([end - first for first, end in pieces], np.int64)
    names = [f"maps_{first}" for first, _ in pieces]
    graph.nodes.append(
        helper.make_node(
            "Split", [tail, graph.constant("pieces", sizes)], names, name="split", axis=1
        )
    )
    classes = f"maps_{HEAT.start}"
    slope = graph.constant("slope", np.array(calibration.slope, np.float32))
    offset = graph.constant("offset", np.array(calibration.offset, np.float32))
    scaled = graph.add("Mul", f"{classes}/scaled", classes, slope)
    calibrated = graph.add("Add", f"{classes}/calibrated", scaled, offset)
    sent = [
        graph.add("Sigmoid", f"{name}/probability", calibrated if name == classes else name)
        if any(part.start <= first and end <= part.stop for part in PROBABILITIES)
        else name
        for name, (first, end) in zip(names, pieces, strict=True)
    ]
    graph.add("Concat", "maps", *sent, axis=1)


def check_page_agreement(
    model: keras.Model,
    path: Path,
    images: np.ndarray,
    calibration: Calibration = UNCHANGED,
    *,
    half: bool,
) -> float:
    """Return the largest difference of a map between the ONNX file and Keras.

    Parameters
    ----------
    model : keras.Model
    path : path
    images : ndarray of shape (n, H, W), dtype uint8
        H and W multiples of 16.
    calibration : Calibration
        Calibration in the file.
    half : bool
        Whether the file stores weights as float16.

    Raises
    ------
    BadModel
        If it is more than 1e-4, or 3e-2 with float16 weights.
    """
    from digitscope.models.page_network import PageNetwork

    network = PageNetwork(path)
    theirs = np.array(keras.ops.convert_to_numpy(model(images, training=False)), np.float32)
    theirs[..., HEAT] = calibration.slope * theirs[..., HEAT] + calibration.offset
    for part in PROBABILITIES:
        theirs[..., part] = expit(theirs[..., part])
    ours = np.stack([network.maps(image) for image in images]).transpose(0, 2, 3, 1)
    return check_difference(ours, theirs, path, half=half)
