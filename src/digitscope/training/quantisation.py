"""From float32 weights to 8-bit integers: a file of half the size that is computed faster.

Static quantisation with one scale for each output channel of the weights and one for each tensor of
activations, chosen from what the network computes of some real inputs (Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018). A few
extreme values would make every step coarser, so both ranges leave some out: activations above a
percentile, and weights above what makes the squared error of rounding smallest.
"""

import io
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

LEVELS = 63  # largest weight of 7 bits
PERCENTILE = 99.999  # of the activations of a tensor; larger ones are clipped
RANGES = np.linspace(0.6, 1.0, 21)  # shares of the largest weight that are tried as the range
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
        CalibrationMethod,
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

    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it advises to optimise the graph first
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            warnings.catch_warnings(),
            redirect_stdout(io.StringIO()),  # it prints what it does with the histograms
        ):
            warnings.simplefilter("ignore")
            before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
            onnx.save(_clipped(proto, exclude), before)
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
                calibrate_method=CalibrationMethod.Percentile,
                extra_options={"CalibPercentile": PERCENTILE},
            )
            return onnx.load(after)
    finally:
        logging.getLogger().setLevel(level)


def _clipped(proto: onnx.ModelProto, exclude: Sequence[str]) -> onnx.ModelProto:
    """Return a network whose kernels have no weights outside the best range of their channel.

    Kernels of the excluded nodes stay as they are.
    """
    clipped = onnx.ModelProto()
    clipped.CopyFrom(proto)
    kept = {name for node in proto.graph.node if node.name in exclude for name in node.input}
    for tensor in clipped.graph.initializer:
        kernel = numpy_helper.to_array(tensor)
        if kernel.ndim == 4 and kernel.dtype == np.float32 and tensor.name not in kept:
            tensor.CopyFrom(numpy_helper.from_array(clip_kernel(kernel), tensor.name))
    return clipped


def clip_kernel(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a kernel clipped to the ranges in which rounding costs least.

    Parameters
    ----------
    kernel : ndarray of shape (channels, ...), dtype float32

    Returns
    -------
    ndarray of the same shape
        Each output channel between -r and r, where r of the `RANGES` of its largest weight has the
        smallest sum of squared errors of clipping and rounding to `LEVELS` steps.

    Examples
    --------
    >>> bool(np.all(clip_kernel(np.array([[-63.0, 1.0, 63.0]])) == [[-63.0, 1.0, 63.0]]))
    True
    """
    rows = kernel.reshape(len(kernel), -1)
    tops = np.abs(rows).max(axis=1, keepdims=True) * RANGES  # (channels, ranges)
    steps = np.maximum(tops, 1e-12)[..., None] / LEVELS
    whole = np.clip(np.round(rows[:, None] / steps), -LEVELS, LEVELS)
    errors = ((whole * steps - rows[:, None]) ** 2).sum(axis=2)
    best = tops[np.arange(len(rows)), errors.argmin(axis=1)][:, None]
    clipped: NDArray[np.float32] = np.clip(rows, -best, best).astype(kernel.dtype)
    return clipped.reshape(kernel.shape)
