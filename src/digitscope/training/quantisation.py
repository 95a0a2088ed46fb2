"""Quantisation of ONNX models from float32 to 8-bit integers, for size and speed.

Static quantisation with one scale per output channel of the weights and one per tensor of
activations, which is chosen from the values for some real inputs (Jacob et al., "Quantization
and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR 2018). A few
extreme values would make all steps coarser, so both ranges are clipped: that of activations at a
percentile, that of weights where the squared error of clipping and rounding is smallest.
"""

import io
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

LEVELS = 63  # largest value of a signed integer of 7 bits
PERCENTILE = 99.999  # percentile of the activations of a tensor at which they are clipped
RANGES = np.linspace(0.6, 1.0, 21)  # candidates for the range, as shares of the largest weight
QUANTISED = ["Conv", "Gemm", "Add", "Relu"]  # quantised operators; all others stay float32


def quantise(
    proto: onnx.ModelProto, images: Iterable[np.ndarray], *, exclude: Sequence[str] = ()
) -> onnx.ModelProto:
    """Return a quantised model.

    Weights have 7 bits, since processors without VNNI instructions add pairs of products in 16
    bits, which could overflow with 8 bits.

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
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    with _silent_library(), tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        onnx.save(_clipped(proto, exclude), before)
        quantize_static(
            before,
            after,
            _reader(proto.graph.input[0].name, images),
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


def _reader(name: str, images: Iterable[np.ndarray]) -> Any:
    """Return the images in the form that ONNX Runtime takes for calibration."""
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """The images, one by one."""

        def __init__(self) -> None:
            self._images: Iterator[np.ndarray] = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            """Return the next input, None after the last."""
            image = next(self._images, None)
            return None if image is None else {name: image}

    return Reader()


@contextmanager
def _silent_library() -> Iterator[None]:
    """Suppress warnings, log messages and output of ONNX Runtime's quantisation."""
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger().setLevel(level)


def _clipped(proto: onnx.ModelProto, exclude: Sequence[str]) -> onnx.ModelProto:
    """Return a model with each kernel clipped to the best range of each channel.

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
    """Return a kernel clipped to the range with the smallest squared error, per output channel.

    Parameters
    ----------
    kernel : ndarray of shape (channels, ...), dtype float32

    Returns
    -------
    ndarray of the same shape
        Each output channel is clipped to ±r, with the r among `RANGES` times its largest weight
        that has the smallest squared error of clipping and rounding to `LEVELS` steps.

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
