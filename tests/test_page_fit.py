"""The fit of the page network: exact resume, learning, and what goes wrong."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from page_fakes import TINY_PAGE, FakePages

pytest.importorskip("keras")
import digitscope.training  # noqa: F401  (Keras without its noise)
from digitscope.errors import BadModel, BadRun
from digitscope.models.card import MODELS
from digitscope.recipes.page_recipe import PAGE
from digitscope.training.onnx_weights import read_onnx_weights
from digitscope.training.page.export import page_to_onnx
from digitscope.training.page.fit import PageFit
from digitscope.training.quantisation import clip_kernel, quantise
from digitscope.training.stream_fit import learning_rates

TINY = TINY_PAGE.but(epochs=2, average=0.9)
SOURCE = FakePages(side=32, glyphs=2)


@pytest.fixture(scope="module")
def whole():
    """A fit that was not interrupted; no test may change it."""
    fit = PageFit(TINY, SOURCE, SOURCE, workers=0)
    fit.run()
    return fit


def test_a_resumed_fit_ends_with_the_same_weights_for_any_number_of_workers(tmp_path, whole):
    file = tmp_path / "checkpoint.npz"
    stopped = PageFit(TINY, SOURCE, SOURCE, workers=2)

    def stop(row):
        raise KeyboardInterrupt

    result = stopped.run(checkpoint=file, on_epoch=stop)
    assert (result.interrupted, result.stopped) == (True, "interrupted after epoch 1")
    resumed = PageFit(TINY, SOURCE, SOURCE, workers=0)
    resumed.restore(file)
    resumed.run()
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    assert resumed.history[1]["val_loss"] == whole.history[1]["val_loss"]
    for one, other in zip(resumed.state, whole.state, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(resumed.network.get_weights(), whole.averages, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_fit_begins_with_given_weights(tmp_path, whole):
    whole.network.save(tmp_path / "model.keras")
    second = PageFit(TINY.but(seed=5), SOURCE, start=tmp_path / "model.keras")
    for one, other in zip(second.model.get_weights(), whole.network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    other = PageFit(TINY.but(head=6), SOURCE, start=tmp_path / "model.keras").model
    for name, taken in (("stem_convolution", True), ("before_head_convolution", False)):
        one, given = other.get_layer(name), whole.network.get_layer(name)
        same = one.kernel.shape == given.kernel.shape and bool(
            (one.kernel == given.kernel).numpy().all()
        )
        assert same == taken
    wider = TINY.but(stem=8, channels=(12, 10, 12), head=100)
    begun = PageFit(wider, SOURCE, start=tmp_path / "model.keras").model
    picture = np.random.default_rng(0).integers(0, 256, (1, 64, 64), dtype=np.uint8)
    one, other = (model.predict(picture, verbose=0) for model in (whole.network, begun))
    np.testing.assert_allclose(one, other, atol=1e-4)
    nothing = TINY.but(stem=2, channels=(4, 4, 4), head=6)
    with pytest.raises(BadModel, match="no layer in common"):
        PageFit(nothing, SOURCE, start=tmp_path / "model.keras")
    (tmp_path / "bad.keras").write_bytes(b"no model")
    with pytest.raises(BadModel, match="cannot be loaded"):
        PageFit(TINY, SOURCE, start=tmp_path / "bad.keras")


@pytest.mark.parametrize("half", [False, True])
def test_a_fit_begins_with_the_weights_of_an_onnx_file(tmp_path, whole, half):
    file, images = tmp_path / "page.onnx", PageFit(TINY, SOURCE).sample(40)
    proto = page_to_onnx(whole.network, half=half)
    onnx.save(proto, file)
    begun = PageFit(TINY.but(seed=5, patch=64), SOURCE, start=file).model
    given, taken = (model.predict(images, verbose=0) for model in (whole.network, begun))
    np.testing.assert_allclose(taken, given, atol=3e-2 if half else 1e-3)
    if half:
        return
    # Normalised by the images of a batch, as in training, it answers nearly the same.
    learning = np.asarray(begun(images, training=True))
    assert np.abs(learning - given).mean() < 0.1 * np.abs(given).std()
    kernel = begun.get_layer("quarter_convolution").kernel.numpy()
    np.testing.assert_allclose(np.square(kernel).sum(axis=(0, 1, 2)), 2, rtol=1e-5)

    quantised = quantise(proto, images[:, None], exclude=["head/out"])
    onnx.save(quantised, file)
    kernels = read_onnx_weights(file)
    assert "head" in kernels
    for name, (kernel, bias) in kernels.items():
        onnx_kernel = next(t for t in proto.graph.initializer if t.name == f"{name}/kernel")
        exact = numpy_helper.to_array(onnx_kernel)
        if name != "head":  # which stays as it was
            exact = clip_kernel(exact)
        exact = exact.transpose(2, 3, 1, 0)
        step = np.abs(exact).max(axis=(0, 1, 2)) / 63  # seven bits, one of them the sign
        assert (np.abs(kernel - exact) <= 0.51 * step + 1e-6).all(), name
        onnx_bias = next(t for t in proto.graph.initializer if t.name == f"{name}/bias")
        np.testing.assert_allclose(bias, numpy_helper.to_array(onnx_bias), atol=1e-3)


def test_an_onnx_file_that_cannot_be_begun_with_is_told(tmp_path, whole):
    file = tmp_path / "page.onnx"
    file.write_bytes(b"no model")
    with pytest.raises(BadModel, match="cannot be loaded"):
        PageFit(TINY, SOURCE, start=file)
    onnx.save(page_to_onnx(whole.network), file)
    with pytest.raises(BadModel, match="no layer in common"):
        PageFit(TINY.but(stem=2, channels=(6, 6, 6), head=6), SOURCE, start=file)
    with pytest.raises(BadModel, match="no layer in common"):  # convolutions without a bias
        PageFit(TINY, SOURCE, start=MODELS / "cnn.onnx")
    with pytest.raises(BadModel, match="cannot be loaded"):
        PageFit(TINY, SOURCE, start=tmp_path / "none.onnx")


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    PageFit(TINY, SOURCE).save(tmp_path / "checkpoint.npz")
    with pytest.raises(BadRun, match="other shapes"):
        PageFit(TINY.but(stem=8), SOURCE).restore(tmp_path / "checkpoint.npz")


def test_the_rate_rises_and_falls_to_almost_nothing():
    recipe = PAGE.but(patches=160, epochs=10, warmup=0.1)
    rates = learning_rates(recipe)
    assert len(rates) == 100
    assert rates.argmax() == 9
    assert rates[9] == np.float32(recipe.learning_rate)
    assert 0 < rates[-1] < 0.01 * rates.max()
