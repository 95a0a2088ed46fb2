"""The nodes and weights of an ONNX file, read with Protocol Buffers alone.

ONNX Runtime runs a network but does not give its weights. The package ``onnx`` does; it is only
needed to write files. The messages below are the part of ``onnx.proto`` that is read here.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadModel

# Field numbers and types from onnx.proto; a type with a capital letter is one of these messages.
_MESSAGES = {
    "Model": [("graph", 7, "Graph")],
    "Graph": [
        ("node", 1, "repeated Node"),
        ("initializer", 5, "repeated Tensor"),
        ("input", 11, "repeated Value"),
    ],
    "Node": [
        ("input", 1, "repeated string"),
        ("output", 2, "repeated string"),
        ("name", 3, "string"),
        ("op_type", 4, "string"),
    ],
    "Tensor": [
        ("dims", 1, "repeated int64"),
        ("data_type", 2, "int32"),
        ("float_data", 4, "repeated float"),
        ("name", 8, "string"),
        ("raw_data", 9, "bytes"),
        ("double_data", 10, "repeated double"),
    ],
    "Value": [("name", 1, "string")],
}
# TensorProto.DataType: the type in raw_data, which is little-endian.
_DTYPES = {1: "<f4", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes
    ----------
    name, operator : str
    inputs, outputs : list of str
        Names of tensors.
    """

    name: str
    operator: str
    inputs: list[str]
    outputs: list[str]


@dataclass(frozen=True)
class OnnxGraph:
    """What an ONNX file computes.

    Attributes
    ----------
    input : str
        Name of its first input.
    nodes : list of Node
        In the order of the computation.
    weights : dict of str to ndarray
        The constants by name, as far as they are numbers of 16 to 64 bits in the file itself.
    """

    input: str
    nodes: list[Node]
    weights: dict[str, NDArray[Any]]


def read_graph(path: Path) -> OnnxGraph:
    """Return the nodes and weights of an ONNX file.

    Raises
    ------
    BadModel
        When the file is no ONNX model.

    Examples
    --------
    >>> from digitscope.models.card import MODELS
    >>> graph = read_graph(MODELS / "mlp.onnx")
    >>> graph.weights["hidden_1/kernel"].shape, graph.nodes[-1].operator
    ((784, 128), 'Identity')
    """
    from google.protobuf.message import DecodeError

    try:
        graph = _model_class().FromString(path.read_bytes()).graph
    except DecodeError as error:
        raise BadModel(f"{path} is not an ONNX model ({error})") from None
    if not graph.input:
        raise BadModel(f"{path} is not an ONNX model (it has no input)")
    nodes = [
        Node(node.name, node.op_type, list(node.input), list(node.output)) for node in graph.node
    ]
    arrays = {tensor.name: _array(tensor) for tensor in graph.initializer}
    weights = {name: array for name, array in arrays.items() if array is not None}
    return OnnxGraph(graph.input[0].name, nodes, weights)


def _array(tensor: Any) -> NDArray[Any] | None:
    """Return a tensor as an array, or None for a type or a place that is not read."""
    if tensor.data_type not in _DTYPES:
        return None
    dtype = np.dtype(_DTYPES[tensor.data_type])
    values = tensor.float_data or tensor.double_data
    flat = np.array(values, dtype) if values else np.frombuffer(tensor.raw_data, dtype)
    shape = tuple(tensor.dims)
    return flat.reshape(shape) if flat.size == np.prod(shape, dtype=np.int64) else None


@functools.cache
def _model_class() -> Any:
    """Return the class that decodes an ONNX file."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    # A name and a pool of its own: the package onnx may be loaded as well.
    package = "digitscope_onnx"
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package)
    kinds = descriptor_pb2.FieldDescriptorProto
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, text in fields:
            *repeated, kind = text.split()
            field = described.field.add(name=name, number=number)
            field.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if kind in _MESSAGES:
                field.type, field.type_name = kinds.TYPE_MESSAGE, f".{package}.{kind}"
            else:
                field.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Model"))
