"""The page network: its ONNX file agrees with Keras, and any picture gets its maps."""

import numpy as np
import onnx
import pytest

from digitscope.errors import BadImage, BadModel
from digitscope.models import page_network
from digitscope.models.card import ModelCard
from digitscope.models.glyph_classes import HEAT, LINK, MAPS, RAISED, RULING
from digitscope.models.page_network import PageNetwork

pytest.importorskip("keras")
import digitscope.training  # noqa: F401, I001  (Keras without its noise)
import keras
from digitscope.recipes.page_recipe import PAGE
from digitscope.training.onnx_export import write_onnx
from digitscope.training.page.export import check_page_agreement, page_to_onnx
from digitscope.training.layers import FoldPixels
from digitscope.training.page.network import build_page_network

TINY = PAGE.but(stem=4, channels=(8, 8, 8), encoder=(1, 1, 1), decoder=(1, 0), patch=32)


def some_weights(model):
    """Give a network weights for which every layer matters."""
    rng = np.random.default_rng(3)
    for variable in model.variables:
        if "variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif "kernel" in variable.path:
            fan_in = np.prod(variable.shape[:-1])
            variable.assign(rng.normal(0, fan_in**-0.5, variable.shape))
        else:
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return some_weights(build_page_network(TINY))


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "page.onnx"
    card = ModelCard(refusal={"threshold": 0.4})
    write_onnx(page_to_onnx(model, half=False), path, card)
    return path


@pytest.fixture(scope="module")
def image():
    return np.random.default_rng(0).integers(0, 256, (150, 190), dtype=np.uint8)


def test_the_file_agrees_with_keras(model, file, image):
    images = np.stack([image[:96, :64], image[32:128, 100:164]])
    assert check_page_agreement(model, file, images, half=False) < 1e-4
    theirs = np.array(model(images, training=False))
    for part in (HEAT, LINK, RAISED, RULING):
        theirs[..., part] = 1 / (1 + np.exp(-theirs[..., part]))
    ours = PageNetwork(file).maps(images[1])
    np.testing.assert_allclose(ours, theirs[1].transpose(2, 0, 1), atol=1e-4)


def test_half_weights_agree_less_closely_in_a_smaller_file(model, file, image, tmp_path):
    half = tmp_path / "half.onnx"
    write_onnx(page_to_onnx(model), half, ModelCard())
    assert half.stat().st_size < 0.8 * file.stat().st_size
    assert 0 < check_page_agreement(model, half, image[None, :64, :64], half=True) < 0.03


def test_other_weights_do_not_agree(file, image):
    other = build_page_network(TINY.but(seed=1))
    with pytest.raises(BadModel, match="differ"):
        check_page_agreement(other, file, image[None, :64, :64], half=False)


def test_layers_may_have_any_names():
    images = keras.Input((None, None), dtype="uint8", name="maps_0")
    x = FoldPixels(dtype="uint8", name="split")(images)
    x = keras.layers.Rescaling(1 / 32, -4.0, name="pieces")(x)
    x = keras.layers.Conv2D(8, 3, padding="same", name="plane")(x)
    x = keras.layers.Conv2D(MAPS, 1, name="maps")(x)
    proto = page_to_onnx(keras.Model(images, x))
    outputs = [name for node in proto.graph.node for name in node.output]
    assert len(outputs) == len(set(outputs))
    onnx.checker.check_model(proto, full_check=True)


def test_a_layer_without_a_translation_is_named():
    images = keras.Input((None, None), dtype="uint8", name="images")
    x = keras.layers.MaxPooling2D(2, name="pool")(FoldPixels(dtype="uint8", name="fold")(images))
    with pytest.raises(BadModel, match="'pool' is a MaxPooling2D"):
        page_to_onnx(keras.Model(images, x))


def test_the_card_comes_with_the_file(file):
    network = PageNetwork(file)
    assert network.card.refusal == {"threshold": 0.4}
    assert repr(network) == f"PageNetwork({str(file)!r})"


def test_tiles_agree_with_one_piece(file, image, monkeypatch):
    network = PageNetwork(file)
    whole = network.maps(image)
    assert whole.shape == (MAPS, 38, 48)
    monkeypatch.setattr(page_network, "MAX_UNTILED", 1_000)
    monkeypatch.setattr(page_network, "TILE", 48)
    monkeypatch.setattr(page_network, "MARGIN", 112)
    np.testing.assert_allclose(network.maps(image), whole, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3000), (17, 16), (3000, 2)])
def test_any_size_has_maps(file, shape):
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    maps = PageNetwork(file).maps(image)
    assert maps.shape == (MAPS, -(-shape[0] // 4), -(-shape[1] // 4))
    assert maps.dtype == np.float32
    assert ((maps[HEAT] >= 0) & (maps[HEAT] <= 1)).all()
    assert np.isfinite(maps).all()


@pytest.mark.parametrize(
    "image",
    [np.zeros((8, 8), np.float32), np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8), np.uint8), "x"],
)
def test_other_input_is_refused(file, image):
    with pytest.raises(BadImage, match="image must"):
        PageNetwork(file).maps(image)


def test_other_files_are_refused(tmp_path, make_onnx):
    with pytest.raises(BadModel, match="no such model file"):
        PageNetwork(tmp_path / "none.onnx")
    (tmp_path / "bad.onnx").write_bytes(b"no model")
    with pytest.raises(BadModel, match="not an ONNX model"):
        PageNetwork(tmp_path / "bad.onnx")
    with pytest.raises(BadModel, match=r"not a page network: expected one input uint8 \(n, H, W\)"):
        PageNetwork(make_onnx())
