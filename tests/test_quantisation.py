"""Networks that compute with 8-bit integers: smaller files with nearly the same maps."""

import numpy as np
import onnx
import pytest
from scipy.special import softmax

from digitscope.image.contrast import normalise_contrast
from digitscope.models.card import MODELS, ModelCard
from digitscope.models.glyph_classes import HEAT
from digitscope.models.glyph_network import GlyphNetwork
from digitscope.models.page_network import PageNetwork
from page_fakes import TINY_GLYPH, TINY_PAGE, FakePages

pytest.importorskip("keras")
import digitscope.training  # noqa: F401  (Keras without its noise)
from digitscope.runs import Run
from digitscope.training import stream_run
from digitscope.training.glyph import trainer as glyph_trainer
from digitscope.training.glyph.crop_stream import CropSource, held_out_crops
from digitscope.training.onnx_export import write_onnx
from digitscope.training.page import trainer
from digitscope.training.page.export import page_to_onnx
from digitscope.training.page.fit import PageFit
from digitscope.training.quantisation import quantise

RECIPE = TINY_PAGE.but(stem=8, channels=(16, 16, 16), encoder=(1, 1, 1), patch=64, patches=40)
PAGES = FakePages(side=64, glyphs=4)


@pytest.fixture(scope="module")
def fit():
    fit = PageFit(RECIPE.but(epochs=3, average=0.9), PAGES, PAGES, workers=0)
    fit.run()
    return fit


def images(n):
    return [normalise_contrast(PAGES.patch(np.random.default_rng(k))[0]) for k in range(n)]


def test_maps_change_little_and_the_file_is_smaller(fit, tmp_path):
    whole, small = tmp_path / "whole.onnx", tmp_path / "small.onnx"
    proto = page_to_onnx(fit.network, half=False)
    write_onnx(proto, whole, ModelCard())
    ranges = (image[None] for image in images(20))
    write_onnx(
        quantise(proto, ranges, exclude=[trainer.PageTraining.last]), small, ModelCard(parameters=7)
    )
    before, after = PageNetwork(whole, threads=1), PageNetwork(small, threads=1)
    assert after.card.parameters == 7
    one, other = (network.maps(images(30)[29]) for network in (before, after))
    assert 0 < np.abs(one - other).mean() < 0.1 * one.std()
    assert np.abs(one - other)[HEAT].max() < 0.1
    integers = [
        tensor.name
        for tensor in onnx.load(small).graph.initializer
        if tensor.data_type == onnx.TensorProto.INT8 and len(tensor.dims) == 4
    ]
    kernels = [n for n in onnx.load(whole).graph.node if n.op_type == "Conv"]
    assert len(integers) == len(kernels) - 1 > 0  # all but the last layer's
    for tensor in onnx.load(small).graph.initializer:
        if tensor.name in integers:  # 7 bits do not overflow sums in 16 bits
            assert np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max() <= 64
    # Any size is still taken.
    assert after.maps(np.full((50, 90), 128, np.uint8)).shape == (28, 13, 23)


@pytest.mark.parametrize(("allowed", "integers"), [(1.0, True), (-1.0, False)])
def test_a_file_keeps_its_weights_where_integers_cost_too_much(
    tmp_path, monkeypatch, allowed, integers
):
    monkeypatch.setattr(stream_run, "LOSS", allowed)
    monkeypatch.setattr(trainer, "RANGES", 8)
    run = trainer.train_page(PAGES, PAGES, recipe=RECIPE.but(patches=8), out=tmp_path, workers=0)
    kinds = {node.op_type for node in onnx.load(run.model_file).graph.node}
    assert ("QuantizeLinear" in kinds) == integers
    card = PageNetwork(Run(tmp_path).model_file).card
    assert (set(card.quantisation) == {"f1_before", "f1_after"}) == integers
    assert card.quantisation == run.metrics["quantisation"]
    assert card.refusal == run.metrics["digits"]


def test_the_shipped_network_lost_nothing_that_matters():
    network = PageNetwork(threads=1)
    assert network.path.stat().st_size < 2_000_000
    scores = network.card.quantisation
    assert scores["f1_before"] - scores["f1_after"] < stream_run.LOSS


@pytest.mark.parametrize(("allowed", "integers"), [(1.0, True), (-1.0, False)])
def test_a_glyph_network_computes_with_integers_too(tmp_path, monkeypatch, allowed, integers):
    monkeypatch.setattr(stream_run, "LOSS", allowed)
    monkeypatch.setattr(glyph_trainer, "RANGES", 8)
    run = glyph_trainer.train_glyph(PAGES, PAGES, recipe=TINY_GLYPH, out=tmp_path, workers=0)
    graph = onnx.load(run.model_file).graph
    assert ("QuantizeLinear" in {node.op_type for node in graph.node}) == integers
    network = GlyphNetwork(run.model_file)
    scores = network.card.quantisation
    assert (set(scores) == {"accuracy_before", "accuracy_after"}) == integers
    assert scores == run.metrics["quantisation"]
    crops = held_out_crops(CropSource(PAGES, MODELS / "page.onnx"), 8).images
    keras = pytest.importorskip("keras")
    logits = keras.models.load_model(run.keras_file, compile=False).predict(crops, verbose=0)
    classes, turns = softmax(logits[:, :-4], axis=1), softmax(logits[:, -4:], axis=1)
    # A network that has learned little keeps its answers to a few hundredths.
    np.testing.assert_allclose(network.probabilities(crops), classes, atol=0.06)
    np.testing.assert_allclose(network.turns(crops), turns, atol=0.06)
