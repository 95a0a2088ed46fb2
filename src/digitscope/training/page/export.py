"""From the Keras page network to the ONNX file that ships."""

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

PROBABILITIES = (HEAT, LINK, RAISED, RULING)  # maps that leave the network through a sigmoid


def page_to_onnx(
    model: keras.Model, calibration: Calibration = UNCHANGED, *, half: bool = True
) -> onnx.ModelProto:
    """Return the network as ONNX: ``images`` uint8 (n, H, W) -> ``maps`` float32 (n, 28, h, w).

    Maps that are probabilities leave through a sigmoid, those of the classes calibrated.

    Parameters
    ----------
    model : keras.Model
        As `build_page_network` makes it, with the policy float32.
    calibration : Calibration
        Of the logits of the classes; by default they stay.
    half : bool
        Whether the file keeps weights as float16, which halves it. They are cast to float32 when
        the file is loaded.

    Raises
    ------
    BadModel
        For a layer that has no translation here.
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
    """Calibrate the maps of the classes, and turn logits into probabilities."""
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
        Of the file.
    half : bool
        Whether the file keeps weights as float16.

    Raises
    ------
    BadModel
        When it is more than 1e-4, or 3e-2 with float16 weights.
    """
    from digitscope.models.page_network import PageNetwork

    network = PageNetwork(path)
    theirs = np.array(keras.ops.convert_to_numpy(model(images, training=False)), np.float32)
    theirs[..., HEAT] = calibration.slope * theirs[..., HEAT] + calibration.offset
    for part in PROBABILITIES:
        theirs[..., part] = expit(theirs[..., part])
    ours = np.stack([network.maps(image) for image in images]).transpose(0, 2, 3, 1)
    return check_difference(ours, theirs, path, half=half)
