"""The walk through the layers against Keras, ONNX Runtime and finite differences; occlusion."""

import dataclasses
import io
import json
import re
import subprocess
import sys
import unicodedata

import matplotlib
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.figure import Figure
from PIL import Image

from digitscope.cli import main
from digitscope.errors import BadImage, BadModel, Misuse
from digitscope.explanation import explain, occlude
from digitscope.models.card import ModelCard
from digitscope.models.classifier import load
from digitscope.nn.perceptron import Perceptron, adam, backward, cross_entropy, forward
from digitscope.recipes import Recipe
from digitscope.rendering import style
from digitscope.rendering.figures_explanation import draw_explanation, draw_occlusion
from digitscope.rendering.walkthrough import WIDE, tell
from tolerances import PROBABILITY, RELATIVE, STEP

FORMS = [
    ((), "relu"),
    ((16,), "relu"),
    ((12, 9), "relu"),
    ((16,), "sigmoid"),
    ((12, 9), "tanh"),
    ((12, 9, 8), "elu"),
    ((16,), "selu"),
    ((12,), "linear"),
]


def seven():
    image = np.zeros((28, 28), np.uint8)
    image[5:8, 8:20] = 230
    for row in range(8, 24):
        column = 19 - (row - 8) // 2
        image[row, column - 1 : column + 2] = 255, 200, 120
    return image


def blot():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = 255
    return image


def write(path, network, card=None):
    from digitscope.training.onnx_export import to_onnx, write_onnx

    write_onnx(to_onnx(network), path, card or ModelCard())
    return load(path)


def network_of(hidden, activation):
    """A Keras network with biases that are not 0, unlike those of a new one."""
    from digitscope.training.networks import build_network

    network = build_network(Recipe(name="small", hidden=hidden, activation=activation))
    rng = np.random.default_rng(3)
    for variable in network.trainable_variables:
        if variable.path.endswith("bias"):
            variable.assign(rng.normal(0, 0.3, variable.shape))
    return network


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[1]}-{len(form[0])}")
def pair(request, tmp_path):
    """A Keras network and the classifier in its ONNX file."""
    network = network_of(*request.param)
    return network, write(tmp_path / "m.onnx", network)


@pytest.fixture(scope="module")
def mlp():
    return load("mlp", threads=1)


@pytest.fixture(scope="module")
def cnn():
    return load("cnn", threads=1)


# Oracles


def test_the_probabilities_are_those_of_onnx_runtime_and_keras(pair, digits):
    network, classifier = pair
    images = digits.test.images[:10]
    ours = np.array([explain(classifier, image).probabilities for image in images])
    assert np.abs(ours - classifier.predict_proba(images, calibrated=False)).max() < PROBABILITY
    assert np.abs(ours - np.asarray(network(images, training=False))).max() < PROBABILITY


def test_the_probabilities_of_the_pretrained_network(mlp, digits):
    images = digits.test.images[:40]
    explained = [explain(mlp, image) for image in images]
    ours = np.array([e.probabilities for e in explained])
    assert np.abs(ours - mlp.predict_proba(images, calibrated=False)).max() < PROBABILITY
    assert [e.winner for e in explained] == mlp.predict(images).tolist()


def keras_gradients(network, image, label):
    """The gradients by the layers' variables and by x, and the loss, from TensorFlow's tape."""
    import tensorflow as tf

    x = tf.constant(image.reshape(1, -1).astype(np.float32) / 255)
    dense = [layer for layer in network.layers if layer.name.startswith(("hidden", "digits"))]
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = x
        for layer in dense[:-1]:
            value = layer(value)
        logits = value @ dense[-1].kernel.value + dense[-1].bias.value
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits([label], logits)[0]
    variables = [v.value for layer in dense for v in (layer.kernel, layer.bias)]
    *by_variables, by_x = tape.gradient(loss, [*variables, x])
    return [g.numpy() for g in by_variables], by_x.numpy()[0], float(loss)


def close(ours, theirs, relative=RELATIVE):
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= relative * np.abs(theirs).max()


def test_the_gradients_are_those_of_keras(pair):
    network, classifier = pair
    explanation = explain(classifier, seven(), label=3)
    by_variables, by_x, loss = keras_gradients(network, seven(), 3)
    ours = [g for layer in explanation.gradients for g in (layer.kernel, layer.bias)]
    for mine, theirs in zip(ours, by_variables, strict=True):
        close(mine, theirs)
    close(explanation.gradients[0].inputs, by_x)
    assert explanation.loss == pytest.approx(loss, rel=1e-5)


def test_the_step_is_that_of_keras_adam(pair):
    import keras

    network, classifier = pair
    rate, epsilon = 0.01, 1e-8
    explanation = explain(classifier, seven(), label=3, learning_rate=rate)
    gradients, _, _ = keras_gradients(network, seven(), 3)
    # Keras adds its ε before the moments are corrected: for the paper's step it is that much less.
    optimizer = keras.optimizers.Adam(rate, epsilon=epsilon * np.sqrt(1 - 0.999))
    optimizer.apply(gradients, network.trainable_variables)
    ours = [w for layer in explanation.updated.layers for w in (layer.kernel, layer.bias)]
    for mine, theirs in zip(ours, network.trainable_variables, strict=True):
        assert np.abs(mine - np.asarray(theirs)).max() < STEP * rate
    assert explanation.loss_after == pytest.approx(
        keras_gradients(network, seven(), 3)[2], abs=1e-4
    )


def test_the_gradients_are_finite_differences(pair):
    _, classifier = pair
    label, step = 4, 1e-6
    explanation = explain(classifier, seven(), label=label)
    network, x = explanation.network, explanation.steps[0].inputs
    rng = np.random.default_rng(0)

    def loss(changed, x=x):
        return cross_entropy(forward(changed, x)[-1].sums, label)

    def slope(part, index, at):
        change = np.zeros_like(getattr(network.layers[at], part))
        change[index] = step
        sides = []
        for sign in (1, -1):
            layers = list(network.layers)
            weights = getattr(layers[at], part) + sign * change
            layers[at] = dataclasses.replace(layers[at], **{part: weights})
            sides.append(loss(Perceptron(network.scale, tuple(layers))))
        return (sides[0] - sides[1]) / (2 * step)

    for at, gradient in enumerate(explanation.gradients):
        inputs = np.flatnonzero(explanation.steps[at].inputs)
        for _ in range(5):
            i, j = rng.choice(inputs), rng.integers(len(gradient.bias))
            assert gradient.kernel[i, j] == pytest.approx(slope("kernel", (i, j), at), abs=1e-8)
            assert gradient.bias[j] == pytest.approx(slope("bias", j, at), abs=1e-8)
    for i in rng.integers(784, size=5):
        change = step * np.eye(784)[i]
        numeric = (loss(network, x + change) - loss(network, x - change)) / (2 * step)
        assert explanation.gradients[0].inputs[i] == pytest.approx(numeric, abs=1e-8)


def test_adam_by_hand():
    """One weight, gradient 4: m̂ = 4, √v̂ = 4, so it moves by the rate, against the gradient."""
    explanation = explain(load("mlp"), seven(), label=1, learning_rate=0.5)
    gradient = explanation.gradients[-1].bias
    moved = explanation.updated.layers[-1].bias - explanation.network.layers[-1].bias
    np.testing.assert_allclose(moved, -0.5 * gradient / (np.abs(gradient) + 1e-8), atol=1e-12)
    again = adam(explanation.network, explanation.gradients, 0.5)
    assert (again.layers[0].kernel == explanation.updated.layers[0].kernel).all()
    blank = explanation.steps[0].inputs == 0  # no ink, no gradient, no step
    unmoved = explanation.network.layers[0].kernel
    assert (explanation.updated.layers[0].kernel[blank] == unmoved[blank]).all()


# What adds up


def test_pixels_and_biases_add_up_to_the_lead(pair):
    _, classifier = pair
    explanation = explain(classifier, seven())
    both = [explanation.winner, explanation.runner_up]
    lead = explanation.logits[both] @ (1, -1)
    total = explanation.pixels.sum() + explanation.biases
    assert explanation.lead == pytest.approx(lead, abs=1e-12)
    assert total + explanation.remainder == pytest.approx(lead, abs=1e-12)
    if {layer.activation for layer in explanation.network.layers[:-1]} <= {"relu", "linear"}:
        assert total == pytest.approx(lead, abs=1e-12)
    else:
        assert abs(explanation.remainder) > 1e-6  # a curve is no line


def test_the_pixels_go_through_the_active_units(mlp):
    explanation = explain(mlp, seven())
    (x, y, _), first, last = dataclasses.astuple(explanation.steps[0]), *explanation.network.layers
    way = last.kernel[:, explanation.winner] - last.kernel[:, explanation.runner_up]
    by_hand = x * (first.kernel[:, y > 0] @ way[y > 0])
    np.testing.assert_allclose(explanation.pixels.reshape(-1), by_hand, atol=1e-12)


def test_units_and_bias_add_up_to_the_logits(pair):
    _, classifier = pair
    explanation = explain(classifier, seven())
    both = [explanation.winner, explanation.runner_up]
    if len(explanation.network.layers) == 1:
        assert explanation.contributions.shape == (0, 2)
        assert explanation.strongest(5) == []
        return
    total = explanation.contributions.sum(axis=0) + explanation.network.layers[-1].bias[both]
    np.testing.assert_allclose(total, explanation.logits[both], atol=1e-12)
    order = explanation.strongest(len(explanation.contributions))
    sizes = np.abs(explanation.contributions @ (1, -1))[order]
    assert (np.diff(sizes) <= 0).all()


@settings(max_examples=20, deadline=None)
@given(image=arrays.arrays(np.uint8, (28, 28)))
def test_any_image_adds_up(image):
    explanation = explain(load("mlp", threads=1), image)
    total = explanation.pixels.sum() + explanation.biases
    assert total == pytest.approx(explanation.lead, abs=1e-9)
    assert explanation.probabilities.sum() == pytest.approx(1)
    assert explanation.lead >= 0
    assert explanation.loss >= 0
    assert (explanation.pixels[image == 0] == 0).all()


@settings(max_examples=10, deadline=None)
@given(digit=st.integers(0, 9))
def test_a_small_step_lowers_the_loss(digit):
    explanation = explain(load("mlp", threads=1), seven(), label=digit, learning_rate=1e-5)
    assert explanation.loss_after < explanation.loss


def test_the_picture_of_a_unit_is_its_weights(mlp):
    explanation = explain(mlp, seven())
    weights = explanation.network.layers[0].kernel[:, 17].reshape(28, 28)
    assert (explanation.picture(17) == weights).all()
    with pytest.raises(
        Misuse, match=r"unit must be 0 to 127, in the last hidden layer\. Received: 128"
    ):
        explanation.picture(128)


def test_the_picture_of_a_deep_unit_is_the_slope_of_its_sum(tmp_path):
    classifier = write(tmp_path / "m.onnx", network_of((12, 9), "tanh"))
    explanation = explain(classifier, seven())
    x, i = explanation.steps[0].inputs, 6 * 28 + 10
    sums = [forward(explanation.network, x + s * np.eye(784)[i])[1].sums[4] for s in (1e-6, -1e-6)]
    assert explanation.picture(4)[6, 10] == pytest.approx((sums[0] - sums[1]) / 2e-6, abs=1e-8)


def test_large_sums_stay_finite(tmp_path):
    """No overflow on the way: a warning would be an error here."""
    for activation in ("sigmoid", "elu", "selu", "tanh"):
        network = network_of((8,), activation)
        for variable in network.trainable_variables:
            variable.assign(np.asarray(variable) * 3_000)
        explanation = explain(write(tmp_path / "m.onnx", network), seven(), label=0)
        assert np.isfinite(explanation.loss)
        assert tell(explanation, "large", 3)


# The label and refusal


def test_without_a_label_the_answer_is_believed(mlp):
    explanation = explain(mlp, seven())
    assert (explanation.label, explanation.label_given) == (explanation.winner, False)
    assert explanation.loss == pytest.approx(-np.log(explanation.probabilities.max()))
    assert f"not given: the loss takes {explanation.winner} for it" in tell(explanation, "x", 3)


def test_the_loss_is_that_of_the_label(mlp):
    explanation = explain(mlp, seven(), label=np.uint8(4))  # type: ignore[arg-type]
    assert (explanation.label, explanation.label_given) == (4, True)
    assert explanation.loss == pytest.approx(-np.log(explanation.probabilities[4]))
    expected = explanation.probabilities - np.eye(10)[4]
    np.testing.assert_allclose(explanation.gradients[-1].sums, expected)
    assert "The true digit is 4, as given." in tell(explanation, "x", 3)


def test_what_is_no_digit_is_explained_and_said_to_be_none(mlp, cnn, tmp_path):
    noise = np.random.default_rng(8).integers(0, 90, (28, 28), dtype=np.uint8)
    explanation = explain(mlp, noise)
    assert explanation.refused == (mlp.judge(noise[None]).digit[0] < mlp.threshold)
    assert explanation.refused
    assert "probably no digit at all" in tell(explanation, "x", 3)
    assert occlude(cnn, blot()).refused
    assert not explain(mlp, seven()).refused
    # A card without a threshold refuses nothing.
    classifier = write(tmp_path / "m.onnx", network_of((16,), "relu"))
    assert not explain(classifier, noise).refused


def test_a_tie_goes_to_the_digit_that_predict_says(tmp_path):
    network = network_of((4,), "relu")
    for variable in network.trainable_variables:
        variable.assign(np.zeros(variable.shape))
    classifier = write(tmp_path / "m.onnx", network)
    explanation = explain(classifier, seven())
    assert explanation.winner == classifier.predict(seven()[None])[0] == 0
    assert explanation.runner_up == 1


# Bad input


@pytest.mark.parametrize(
    ("image", "received"),
    [
        (np.zeros((1, 28, 28), np.uint8), r"uint8 \(1, 28, 28\)"),
        (np.zeros((28, 28)), r"float64 \(28, 28\)"),
        ("seven.png", "str"),
    ],
)
def test_another_image_is_refused(mlp, image, received):
    told = rf"uint8 of shape \(28, 28\), .* Received: {received}\. For a picture pass .*to_mnist"
    for function in (explain, occlude):
        with pytest.raises(BadImage, match=told):
            function(mlp, image)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"label": 10}, "label must be a digit, 0 to 9. Received: 10"),
        ({"label": -1}, "label must be a digit, 0 to 9. Received: -1"),
        ({"learning_rate": 0}, "learning_rate must be a number above 0. Received: 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number above 0. Received: nan"),
    ],
)
def test_options_that_make_no_sense(mlp, options, told):
    with pytest.raises(Misuse, match=told):
        explain(mlp, seven(), **options)


def test_a_network_of_another_kind_is_named_and_occlusion_offered(cnn, tmp_path):
    with pytest.raises(BadModel, match=r"digitscope\.occlude\. Received: the node 'plane'"):
        explain(cnn, seven())
    for activation in ("gelu", "silu"):
        classifier = write(tmp_path / "m.onnx", network_of((8,), activation))
        with pytest.raises(BadModel, match=r"relu, sigmoid, tanh.* Received: the node 'hidden_1"):
            explain(classifier, seven())
    recipe = Recipe(name="small", hidden=(8,), non_digits=60)
    from digitscope.training.networks import build_network

    with pytest.raises(BadModel, match=r"ten outputs.*Received: the node 'digits/"):
        explain(write(tmp_path / "m.onnx", build_network(recipe)), seven())


def test_a_file_that_computes_something_else_is_refused(tmp_path):
    classifier = write(tmp_path / "m.onnx", network_of((8,), "relu"))
    proto = onnx.load(classifier.path)
    product = next(node for node in proto.graph.node if node.op_type == "Gemm")
    product.attribute.append(onnx.helper.make_attribute("alpha", 2.0))
    onnx.save(proto, tmp_path / "other.onnx")
    with pytest.raises(BadModel, match="does not compute what its weights give"):
        explain(load(tmp_path / "other.onnx"), seven())


def test_a_file_of_another_program_is_refused(make_onnx, tmp_path):
    with pytest.raises(BadModel, match=r"Received: the node '' \(MatMul\)"):
        explain(load(make_onnx()), seven())
    classifier = write(tmp_path / "m.onnx", network_of((8,), "relu"))
    proto = onnx.load(classifier.path)
    weights = {c.name: c for c in proto.graph.initializer}
    kernel = onnx.numpy_helper.to_array(weights["hidden_1/kernel"])
    weights["hidden_1/kernel"].CopyFrom(
        onnx.numpy_helper.from_array(np.ascontiguousarray(kernel.T), "hidden_1/kernel")
    )
    product = next(node for node in proto.graph.node if node.op_type == "Gemm")
    product.attribute.append(onnx.helper.make_attribute("transB", 1))
    onnx.save(proto, tmp_path / "turned.onnx")
    with pytest.raises(
        BadModel, match=r"Received: weights of the shapes \[\(8, 784\), \(8, 10\)\]"
    ):
        explain(load(tmp_path / "turned.onnx"), seven())
    constant = onnx.helper.make_node("Constant", [], ["unused"], value_float=1.0)
    proto.graph.node.insert(0, constant)
    onnx.save(proto, tmp_path / "more.onnx")
    with pytest.raises(BadModel, match=r"Received: the node '' \(Constant\)"):
        explain(load(tmp_path / "more.onnx"), seven())


# JSON


def test_what_is_written_is_plain_json(pair, cnn):
    explanation = explain(pair[1], seven(), label=7)
    content = explanation.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert content["network"]["layers"][0]["kernel"][5][0] == pytest.approx(
        explanation.network.layers[0].kernel[5, 0], rel=1e-5
    )
    assert content["image"] == seven().tolist()
    assert len(content["gradients"]) == len(content["steps"]) == len(explanation.steps)
    assert all(len(f"{abs(p):.10g}".replace(".", "").lstrip("0")) <= 6
               for row in content["pixels"] for p in row if abs(p) > 1e-3)  # fmt: skip
    content = occlude(cnn, seven()).to_dict()
    assert json.loads(json.dumps(content)) == content


# Occlusion


@pytest.mark.parametrize("patch", [1, 5, 27])
def test_the_map_is_what_covering_one_by_one_gives(mlp, patch):
    occlusion = occlude(mlp, seven(), patch=patch)

    def odds(image):
        p = mlp.predict_proba(image[None])[0].astype(np.float64)
        return np.log(p[occlusion.winner]) - np.log(np.delete(p, occlusion.winner).sum())

    assert occlusion.log_odds == pytest.approx(odds(seven()), abs=1e-4)
    for row, column in ((0, 0), (6, 12), (14, 16), (27, 27), (20, 13)):
        covered, half = seven(), patch // 2
        covered[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0
        drop = odds(seven()) - odds(covered)
        assert occlusion.drops[row, column] == pytest.approx(drop, abs=1e-3)
        assert occlusion.digits[row, column] == mlp.predict(covered[None])[0]


def test_covering_paper_changes_nothing(cnn):
    occlusion = occlude(cnn, seven())
    assert occlusion.drops[0, 0] == occlusion.drops[27, 27] == 0
    assert occlusion.drops.max() > 1
    assert not occlusion.refused
    assert np.abs(occlude(cnn, np.zeros((28, 28), np.uint8)).drops).max() == 0


@pytest.mark.parametrize("patch", [0, 4, 29, 2.5])
def test_a_patch_that_makes_no_sense(mlp, patch):
    with pytest.raises(Misuse, match=f"an odd number of pixels, 1 to 27. Received: {patch}"):
        occlude(mlp, seven(), patch=patch)


# The text


def test_the_text_has_the_numbers(mlp):
    explanation = explain(mlp, seven(), label=7)
    text = tell(explanation, "seven.png through mlp", 4)
    assert text.startswith("seven.png through mlp: 784 → 128 → 10, 101,770 weights\n")
    assert re.search(r"^y = x W1 \+ b1 +\(784,\) \(784, 128\) \+ \(128,\) → \(128,\)$", text, re.M)
    assert f"{explanation.logits[7]:9.3f} {explanation.probabilities[7]:9.5f}" in text
    assert f"norm {np.linalg.norm(explanation.gradients[0].kernel):.4g}" in text
    assert f"from {explanation.loss:.4g} to {explanation.loss_after:.4g}" in text
    assert len(re.findall(r"^ +\d+( +[+-]?\d+\.\d{3}){6}$", text, re.M)) == 4  # units


def test_the_text_fits_the_terminal(pair, mlp, cnn):
    texts = [tell(explain(pair[1], seven(), label=3), "x.png through m.onnx", 1000)]
    texts += [tell(explain(mlp, image), "x", 6) for image in (blot(), seven() // 5, seven() * 0)]
    texts += [tell(occlude(cnn, image), "x", 6) for image in (blot(), seven())]
    for text in texts:
        # A hat, as in m̂, is a character of no width.
        wide = [sum(not unicodedata.combining(c) for c in line) for line in text.splitlines()]
        assert max(wide) <= WIDE
        assert "\n\n\n" not in text
        assert all(line == line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize(("model", "expected"), [("mlp", {"cv2"}), ("cnn", {"cv2"})])
def test_the_command_loads_no_training_and_no_figures(cli, model, expected):
    code = (
        "import sys, digitscope.cli\n"
        "try: digitscope.cli.main()\n"
        "except SystemExit as e: assert not e.code\n"
        "sys.stderr.write('LOADED ' + ' '.join({m.split('.')[0] for m in sys.modules}))"
    )
    command = [sys.executable, "-I", "-c", code, "explain", "seven.png", "-m", model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.rpartition("LOADED ")[2].split())
    assert (
        loaded & {"tensorflow", "keras", "matplotlib", "sklearn", "scipy", "cv2", "onnx"}
        == expected
    )


# The figures: titles and texts, not pixels


def texts_of(figure):
    found = [t.get_text() for t in figure.texts]
    for axes in figure.axes:
        found += [t.get_text() for t in (*axes.texts, axes.title, axes._left_title)]
        found.append(axes.get_xlabel())
    return found


def test_the_title_of_the_figure_says_the_finding(mlp):
    explanation = explain(mlp, seven(), label=3)
    with matplotlib.rc_context(style.RC):
        figure = Figure()
        draw_explanation(figure, explanation, top=4)
        style.render(figure)
    w, r = explanation.winner, explanation.runner_up
    first = explanation.strongest(1)[0]
    assert style.finding(figure).startswith(
        f"It reads a {w}, not a {r}, by a lead of {explanation.lead:.3g} in the logits"
    )
    texts = texts_of(figure)
    assert sum(text.startswith("unit ") for text in texts) == 4
    assert f"A = {explanation.steps[-1].inputs[first]:.2f}" in texts
    assert f"ink for {w} (red), for {r} (blue)" in texts
    assert any("The true digit is 3." in text.replace("\n", " ") for text in texts)


def test_the_figure_of_an_occlusion_counts_the_places(mlp):
    occlusion = occlude(mlp, seven(), patch=9)
    with matplotlib.rc_context(style.RC):
        figure = Figure()
        draw_occlusion(figure, occlusion)
        style.render(figure)
    n = int((occlusion.digits != occlusion.winner).sum())
    assert n
    assert f"Covering 9×9 pixels at {n} of the 784 places" in style.finding(figure)
    with matplotlib.rc_context(style.RC):
        draw_occlusion(figure := Figure(), occlude(mlp, seven() * 0))
        style.render(figure)
    assert "whichever 5×5 pixels are covered" in style.finding(figure)


# The command


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(255 - seven()).resize((112, 112)).save("seven.png")
    Image.fromarray(255 - blot()).save("blot.png")

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main(["explain", *map(str, arguments)])
        return exit_.value.code, *capsys.readouterr()

    return call


def test_the_command_walks_through_the_pretrained_perceptron(cli):
    code, out, err = cli("seven.png", "--label", 7, "--top", 3)
    assert (code, err) == (0, "")
    assert out.startswith("seven.png through mlp: 784 → 128 → 10")
    assert "ONE STEP OF ADAM" in out


def test_the_command_writes_json_and_figures(cli, tmp_path):
    for name in ("a.png", "deeper/b.svg"):
        code, out, err = cli("seven.png", "--json", "--figure", name, "--learning-rate", 0.01)
        assert (code, err) == (0, f"drawn   {name}\n")
        content = json.loads(out)
        assert content["image_file"] == "seven.png"
        assert content["learning_rate"] == 0.01
        assert np.shape(content["gradients"][0]["kernel"]) == (784, 128)
    with Image.open("a.png") as image:
        assert image.format == "PNG"
    assert "<svg" in (tmp_path / "deeper" / "b.svg").read_text()


def test_standard_input(cli, tmp_path, monkeypatch):
    data = (tmp_path / "seven.png").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    code, out, _ = cli("-")
    assert code == 0
    assert out.startswith("standard input through mlp")


def test_other_networks_get_an_occlusion_map_and_are_told_so(cli):
    code, out, err = cli("seven.png", "-m", "cnn", "--figure", "map.png")
    assert code == 0
    assert out.startswith("seven.png through cnn: occlusion map")
    assert err == (
        "cnn is not a plain perceptron; the explanation is an occlusion map.\ndrawn   map.png\n"
    )
    code, out, err = cli("seven.png", "--occlusion", "--json")
    assert (code, err) == (0, "")
    assert np.shape(json.loads(out)["drops"]) == (28, 28)


def test_a_picture_of_no_digit_is_explained_with_a_warning(cli):
    code, out, err = cli("blot.png", "-m", "cnn", "--occlusion")
    assert code == 0
    assert out.startswith("blot.png through cnn")
    assert re.match(r"blot\.png: probably not a digit: its score 0\.\d+ is below the thresh", err)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["seven.png", "--label", "10"], 2, "Invalid value for '--label'"),
        (["seven.png", "--learning-rate", "0"], 2, "learning_rate must be a number above 0"),
        (["seven.png", "--top", "0"], 2, "Invalid value for '--top'"),
        (["seven.png", "--figure", "a.jpg"], 2, "must end in .png or .svg. Received: a.jpg"),
        (["seven.png", "--figure", "./seven.png"], 2, "--figure must not be the picture itself"),
        (
            ["seven.png", "--occlusion", "--label", "3"],
            2,
            "--label is for the explanation by layers",
        ),
        (["seven.png", "-m", "cnn", "--label", "3"], 1, "Leave out --label for an occlusion map"),
        (["."], 2, "explain takes one picture. Received: 2 in ."),
        (["none.png"], 2, "no such file or folder: none.png"),
        (["seven.png", "-m", "mpl"], 1, "Did you mean 'mlp'?"),
    ],
)
def test_misuse_is_one_line(cli, arguments, code, told):
    found, out, err = cli(*arguments)
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert told in err


def test_backward_of_a_difference_of_logits_is_linear(mlp):
    """Both slopes come from one chain rule: that of a difference is the difference of two."""
    explanation = explain(mlp, seven())
    network, steps = explanation.network, explanation.steps
    one, two = (backward(network, steps, np.eye(10)[d])[0].inputs for d in (3, 8))
    both = backward(network, steps, np.eye(10)[3] - np.eye(10)[8])[0].inputs
    np.testing.assert_allclose(both, one - two, atol=1e-12)
