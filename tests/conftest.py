"""What the tests share: a home of their own, MNIST where it is, a trained run, ONNX files."""

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from digitscope.data import load_data
from digitscope.data.mnist import load_mnist
from digitscope.image.digit import DIGITS, SIDE
from digitscope.models.card import KEY, ModelCard
from mirrors import Mirror
from required_in_ci import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401

# The person's own settings, read before the tests get a home of their own.
MNIST_FOLDER = os.environ.get("DIGITSCOPE_DATA")
NOWHERE = "http://127.0.0.1:9/"  # the discard port: refused at once, and never the network

# Matplotlib takes seconds to build its font cache; an empty home would make it do so every time.
os.environ.setdefault("MPLCONFIGDIR", str(Path.home() / ".cache" / "matplotlib"))


def pytest_configure(config):
    # Keras 3 asks TensorFlow's tensors for NumPy arrays in the way of NumPy 1.
    config.addinivalue_line(
        "filterwarnings", "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"
    )


def pytest_make_parametrize_id(val):
    """Name a bytes parameter by its length: the workers of a parallel run must find equal names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    """No test sees the person's data, cache or Keras folder, or the network."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DIGITSCOPE_CACHE", str(home / "cache"))
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", NOWHERE)
    monkeypatch.delenv("DIGITSCOPE_DATA", raising=False)


@pytest.fixture
def serve(request):
    """Return a function that serves files, or corrupts them, during the test."""

    def start(content, bad=None):
        server = Mirror(content, bad)
        request.addfinalizer(server.start())
        return server

    return start


@pytest.fixture
def small_unipen(tmp_path):
    """A folder with a small UNIPEN."""
    from stroke_files import write_unipen  # OpenCV, which few tests need

    return write_unipen(tmp_path / "unipen")


@pytest.fixture(scope="session")
def mnist_folder():
    """The folder of the official files, or a skipped test."""
    if not MNIST_FOLDER:
        pytest.skip("DIGITSCOPE_DATA names no folder with MNIST")
    return Path(MNIST_FOLDER)


@pytest.fixture(scope="session")
def data_file(mnist_folder):
    """Return a function that gives the path of a data set's file, or skips the test."""

    def find(file):
        path = mnist_folder / file
        if not path.is_file():
            pytest.skip(f"DIGITSCOPE_DATA holds no {file}")
        return path

    return find


@pytest.fixture(scope="session")
def mnist(mnist_folder):
    return load_mnist(mnist_folder)


@pytest.fixture(scope="session")
def digits():
    """The bundled data set."""
    return load_data("digits")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """`mlp`, trained on the bundled digits once for all tests; nobody may change its folder."""
    from digitscope.training import train

    return train("mlp", data="digits", out=tmp_path_factory.mktemp("runs") / "mlp-1")


@pytest.fixture
def make_onnx(tmp_path):
    """Return a function that writes a linear classifier as ONNX, as asked for or deformed."""

    def make(
        name="linear.onnx",
        *,
        kernel=None,
        card=None,
        metadata=None,
        n="n",
        side=SIDE,
        dtype=TensorProto.UINT8,
        operator="Softmax",
        external="",
    ):
        if kernel is None:
            # The pixels are 0 to 255: logits of about 1.6, and answers that are neither 0 nor 1.
            kernel = np.random.default_rng(5).normal(0, 0.1 / 255, (side * side, DIGITS))
        weights = numpy_helper.from_array(np.asarray(kernel, np.float32), "kernel")
        if external:
            weights.ClearField("raw_data")
            weights.data_location = TensorProto.EXTERNAL
            weights.external_data.add(key="location", value=external)
        nodes = [
            helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["float"], ["flat"], axis=1),
            helper.make_node("MatMul", ["flat", "kernel"], ["logits"]),
            helper.make_node(operator, ["logits"], ["probabilities"]),
        ]
        given = helper.make_tensor_value_info("images", dtype, [n, side, side])
        answer = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [n, DIGITS])
        proto = helper.make_model(
            helper.make_graph(nodes, "test", [given], [answer], [weights]),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=8,
        )
        if card is not None:
            metadata = card.to_json() if isinstance(card, ModelCard) else card
        if metadata is not None:
            helper.set_model_props(proto, {KEY: metadata})
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save(proto, path)
        return path

    return make
