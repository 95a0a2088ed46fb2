"""From float32 weights to 8-bit integers: a file of half the size that is computed faster.

Static quantisation with one scale for each output channel of the weights and one for each tensor of
activations, chosen from what the network computes of some real inputs (Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018).
"""

import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx

QUANTISED = ["Conv", "Gemm", "Add", "Relu"]  # operators; the others stay float32


def quantise(
    proto: onnx.ModelProto, images: Iterable[np.ndarray], *, exclude: Sequence[str] = ()
) -> onnx.ModelProto:
    """Return a network whose layers compute with 8-bit integers.

    Weights have 7 bits: processors without VNNI instructions add pairs of products in 16 bits,
    which would overflow with 8.

    Parameters
    ----------
    proto : onnx.ModelProto
        With float32 weights and one input.
    images : iterable of ndarray
        Inputs of the network, from which the ranges of the activations are taken.
    exclude : sequence of str
        Nodes that stay float32.
    """
    from onnxruntime.quantization import (
        CalibrationDataReader,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    name = proto.graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """The images, one by one."""

        def __init__(self) -> None:
            self._images: Iterator[np.ndarray] = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """Return the next input, None after the last."""
            image = next(self._images, None)
            return None if image is None else {name: image}

    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        level = logging.getLogger().level
        logging.getLogger().setLevel(logging.ERROR)  # it advises to optimise the graph first
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(proto, before)
        try:
            quantize_static(
                before,
                after,
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=QUANTISED,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                nodes_to_exclude=list(exclude),
            )
        finally:
            logging.getLogger().setLevel(level)
        return onnx.load(after)
