"""Reading ONNX files without the package onnx, against that package."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitscope.errors import BadModel
from digitscope.models.card import MODELS
from digitscope.models.onnx_graph import read_graph


def save(path, *tensors):
    """Write a model of one node with those constants."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy")
    node = helper.make_node("Identity", ["x"], ["y"], name="same")
    onnx.save(helper.make_model(helper.make_graph([node], "g", [x], [y], list(tensors))), path)
    return path


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_it_agrees_with_the_package_onnx(name):
    theirs = onnx.load(MODELS / f"{name}.onnx").graph
    ours = read_graph(MODELS / f"{name}.onnx")
    assert ours.input == theirs.input[0].name
    assert [(n.name, n.operator, n.inputs, n.outputs) for n in ours.nodes] == [
        (n.name, n.op_type, list(n.input), list(n.output)) for n in theirs.node
    ]
    assert list(ours.weights) == [tensor.name for tensor in theirs.initializer]
    for tensor in theirs.initializer:
        expected = numpy_helper.to_array(tensor)
        assert ours.weights[tensor.name].dtype == expected.dtype
        np.testing.assert_array_equal(ours.weights[tensor.name], expected)


@pytest.mark.parametrize(
    ("kind", "dtype"), [(TensorProto.FLOAT, np.float32), (TensorProto.DOUBLE, np.float64)]
)
@pytest.mark.parametrize("raw", [False, True])
def test_values_may_be_numbers_or_bytes(tmp_path, kind, dtype, raw):
    values = np.array([[1.5, -2, 0.25], [3, 4, 5]], dtype)
    content = values.tobytes() if raw else values.ravel()
    tensor = helper.make_tensor("w", kind, values.shape, content, raw=raw)
    read = read_graph(save(tmp_path / "m.onnx", tensor)).weights["w"]
    assert read.dtype == dtype
    np.testing.assert_array_equal(read, values)


def test_what_is_not_read_is_left_out(tmp_path):
    text = helper.make_tensor("text", TensorProto.STRING, [1], [b"seven"])
    elsewhere = numpy_helper.from_array(np.ones(4, np.float32), "elsewhere")
    elsewhere.ClearField("raw_data")  # as that of a tensor in a file of its own
    scalar = numpy_helper.from_array(np.array(2.5, np.float16), "scalar")
    graph = read_graph(save(tmp_path / "m.onnx", text, elsewhere, scalar))
    assert list(graph.weights) == ["scalar"]
    assert graph.weights["scalar"].shape == ()
    assert graph.weights["scalar"] == 2.5


@pytest.mark.parametrize("content", [b"", b"a picture, for instance", b"\xff" * 40])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(BadModel, match=r"m\.onnx is not an ONNX model"):
        read_graph(tmp_path / "m.onnx")
