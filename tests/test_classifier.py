"""A classifier from an ONNX file: its probabilities, and files that are refused."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import digitscope.models.classifier
from digitscope.errors import BadImage, BadModel
from digitscope.image.digit import DIGITS
from digitscope.models.card import ModelCard
from digitscope.models.classifier import CHUNK, load, temper
from tolerances import PROBABILITY

RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (40, 28, 28), np.uint8)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_the_trained_file_against_a_forward_pass_in_numpy(run):
    """The file holds nothing but this arithmetic."""
    graph = onnx.load(run.model_file).graph
    w = {c.name: numpy_helper.to_array(c).astype(np.float64) for c in graph.initializer}
    x = IMAGES.reshape(-1, 784) / 255  # (n, 784)
    x = np.maximum(x @ w["hidden_1/kernel"] + w["hidden_1/bias"], 0)  # (n, 128)
    logits = x @ w["digits/kernel"] + w["digits/bias"]  # (n, 10)
    classifier = load(run.path)
    raw = classifier.predict_proba(IMAGES, calibrated=False)
    assert raw.dtype == np.float32
    np.testing.assert_allclose(raw, softmax(logits), atol=PROBABILITY)
    temperature = classifier.card.temperature
    assert temperature != 1
    np.testing.assert_allclose(
        classifier.predict_proba(IMAGES), softmax(logits / temperature), atol=PROBABILITY
    )
    assert (classifier.predict(IMAGES) == logits.argmax(axis=1)).all()


def test_predictions_are_int64_and_probabilities_add_up(make_onnx):
    classifier = load(make_onnx(card=ModelCard(temperature=2.0)))
    assert classifier.predict(IMAGES).dtype == np.int64
    probabilities = classifier.predict_proba(IMAGES)
    assert probabilities.shape == (40, DIGITS)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_the_temperature_never_changes_which_digit_is_first(make_onnx):
    kernel = RNG.normal(0, 0.02, (784, DIGITS))
    plain = load(make_onnx("a.onnx", kernel=kernel))
    warm = load(make_onnx("b.onnx", kernel=kernel, card=ModelCard(temperature=3.0)))
    assert (plain.predict(IMAGES) == warm.predict_proba(IMAGES).argmax(axis=1)).all()
    assert (warm.predict_proba(IMAGES).max(axis=1) < plain.predict_proba(IMAGES).max(axis=1)).any()
    assert (warm.predict_proba(IMAGES, calibrated=False) == plain.predict_proba(IMAGES)).all()


def test_temper_is_the_softmax_of_the_divided_logits():
    logits = RNG.normal(0, 3, (20, DIGITS))
    for temperature in (0.3, 1.0, 4.0):
        expected = softmax(logits / temperature)
        np.testing.assert_allclose(temper(softmax(logits), temperature), expected, rtol=1e-5)


def test_a_probability_of_nothing_stays_finite():
    assert np.isfinite(temper(np.eye(10, dtype=np.float32), 0.1)).all()


def test_no_images_give_no_answers(make_onnx):
    classifier = load(make_onnx())
    assert classifier.predict(IMAGES[:0]).shape == (0,)
    assert classifier.predict_proba(IMAGES[:0]).shape == (0, DIGITS)


def test_chunks_end_where_they_should(make_onnx, monkeypatch):
    """Exactly a chunk, one less and one more give what one call for all would."""
    classifier = load(make_onnx())
    whole = classifier.predict_proba(IMAGES)
    monkeypatch.setattr(digitscope.models.classifier, "CHUNK", 8)
    for n in (7, 8, 9, 16, 17, 40):
        np.testing.assert_allclose(
            classifier.predict_proba(IMAGES[:n]), whole[:n], atol=PROBABILITY
        )
    assert CHUNK >= 1_000


def test_the_order_of_memory_does_not_matter(make_onnx):
    classifier = load(make_onnx())
    turned = np.asfortranarray(IMAGES)
    assert (classifier.predict_proba(turned) == classifier.predict_proba(IMAGES)).all()
    every_other = classifier.predict_proba(IMAGES[::2])
    np.testing.assert_allclose(every_other, classifier.predict_proba(IMAGES)[::2], atol=PROBABILITY)


@pytest.mark.parametrize(
    ("images", "hint"),
    [
        (IMAGES[0], r"uint8 \(28, 28\)\. For one digit pass image\[None\]"),
        (IMAGES / 255, r"float64 \(40, 28, 28\)\. For values from 0 to 1 pass \(images \* 255\)"),
        (IMAGES.reshape(40, 784), r"For flat rows pass images\.reshape\(-1, 28, 28\)"),
        (IMAGES[..., None], r"Received: uint8 \(40, 28, 28, 1\)"),
        (IMAGES[:, :27], r"Received: uint8 \(40, 27, 28\)"),
        (IMAGES.astype(np.int64), r"Received: int64"),
        (IMAGES.tolist(), r"must be a NumPy array.*Received: list"),
        (None, r"must be a NumPy array.*Received: NoneType"),
    ],
)
def test_other_images_are_refused_with_a_hint(make_onnx, images, hint):
    classifier = load(make_onnx())
    for method in (classifier.predict, classifier.predict_proba):
        with pytest.raises(BadImage, match=hint):
            method(images)


def test_a_run_folder_is_a_model_and_an_empty_folder_is_none(run, tmp_path):
    assert load(run.path).path == run.path / "model.onnx"
    with pytest.raises(BadModel, match=r"has no model\.onnx; expected a finished run"):
        load(tmp_path)
    with pytest.raises(BadModel, match=r"no such model: .*nothing\.onnx; expected an .onnx file"):
        load(tmp_path / "nothing.onnx")


@pytest.mark.parametrize("content", [b"", b"seven", bytes(100), b"\x08\x08\x12\x04none"])
def test_a_file_that_is_no_onnx_model_is_refused(tmp_path, content):
    file = tmp_path / "broken.onnx"
    file.write_bytes(content)
    with pytest.raises(BadModel, match=r"broken\.onnx is not (an ONNX model|a digit classifier)"):
        load(file)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_model_is_refused(make_onnx, share):
    file = make_onnx()
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(BadModel, match=r"linear\.onnx is not an ONNX model \(\S"):
        load(file)


@pytest.mark.parametrize(
    ("deformed", "received"),
    [
        ({"side": 32}, r"Received: images tensor\(uint8\) \['n', 32, 32\]"),
        ({"dtype": TensorProto.FLOAT}, r"Received: images tensor\(float\)"),
        ({"n": 1}, r"Received: images tensor\(uint8\) \[1, 28, 28\]"),
    ],
)
def test_a_model_for_other_input_is_refused(make_onnx, deformed, received):
    with pytest.raises(BadModel, match=r"expected one input uint8 \(n, 28, 28\).*" + received):
        load(make_onnx(**deformed))


def test_a_model_that_computes_no_number_is_refused(make_onnx):
    with pytest.raises(BadModel, match=r"is not a digit classifier: .* that add up to 1"):
        load(make_onnx(kernel=np.full((784, DIGITS), np.nan)))


@pytest.mark.parametrize("place", ["absolute", "above", "missing"])
def test_weights_outside_the_file_are_never_read_from_elsewhere(make_onnx, tmp_path, place):
    """A model could otherwise be made to read any file of its user."""
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.zeros((784, DIGITS), np.float32).tobytes())
    location = {"absolute": str(secret), "above": "../secret.bin", "missing": "nothing.bin"}[place]
    file = make_onnx("inner/model.onnx", external=location)
    with pytest.raises(BadModel, match=r"model\.onnx is not an ONNX model") as caught:
        load(file)
    assert "\n" not in str(caught.value)


def test_loading_writes_nothing_to_the_terminal(make_onnx, capfd):
    with pytest.raises(BadModel):
        load(make_onnx(dtype=TensorProto.FLOAT))
    load(make_onnx()).predict(IMAGES)
    assert capfd.readouterr() == ("", "")


def test_threads_are_an_option(make_onnx):
    one, many = (load(make_onnx(), threads=n) for n in (1, os.cpu_count() or 1))
    np.testing.assert_allclose(
        one.predict_proba(IMAGES), many.predict_proba(IMAGES), atol=PROBABILITY
    )


def test_its_repr_names_the_file(make_onnx):
    file = make_onnx()
    assert repr(load(file)) == f"Classifier({str(file)!r})"


def test_a_model_that_gives_logits_is_refused(tmp_path):
    nodes = [
        helper.make_node("Cast", ["images"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["x"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "kernel"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "logits",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", DIGITS])],
        [numpy_helper.from_array(np.full((784, DIGITS), 0.01, np.float32), "kernel")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "logits.onnx")
    with pytest.raises(BadModel, match="probabilities that add up to 1"):
        load(tmp_path / "logits.onnx")
