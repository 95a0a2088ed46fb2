import dataclasses
import re
import subprocess
import sys
from base64 import b64encode
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from digitscope.data import load_data
from digitscope.errors import BadRun
from digitscope.evaluation import evaluate, reliability
from digitscope.models.card import KEY, ModelCard
from digitscope.models.classifier import Classifier
from digitscope.recipes import RECIPES, Augmentation, Recipe
from digitscope.rendering import digit_gallery, report, style
from digitscope.rendering.digit_gallery import FIGURES
from digitscope.rendering.digit_report import command, describe
from digitscope.rendering.digit_results import errors_by_coverage, first_layer, load_results
from digitscope.rendering.figure_files import RenderedFigure
from digitscope.rendering.figures_confidence import draw_coverage, draw_reliability
from digitscope.rendering.figures_network import draw_weights
from digitscope.rendering.figures_scores import (
    draw_confusion,
    draw_mistakes,
    draw_pairs,
    draw_per_digit,
)
from digitscope.rendering.figures_training import draw_learning, draw_norms
from digitscope.runs import Run


def write_model(path, kernel, card, name="digits/kernel"):
    """Write a linear classifier of `kernel` (784, 10) as train would."""
    helper, kind = onnx.helper, onnx.TensorProto
    constants = {
        "scale": np.float32(1 / 255),
        "flat": np.array([-1, 784]),
        name: kernel.astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["images"], ["float"], to=kind.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Reshape", ["scaled", "flat"], ["rows"]),
        helper.make_node("MatMul", ["rows", name], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("images", kind.UINT8, ["n", 28, 28])],
        [helper.make_tensor_value_info("probabilities", kind.FLOAT, ["n", 10])],
        [onnx.numpy_helper.from_array(value, key) for key, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    helper.set_model_props(model, {KEY: card.to_json()})
    onnx.save(model, path)


@pytest.fixture(scope="module")
def data():
    return load_data("digits")


@pytest.fixture(scope="module")
def kernel(data):
    rows = data.train.images.reshape(-1, 784) / 255
    ridge = rows.T @ rows + 20 * np.eye(784)
    return np.linalg.solve(ridge, rows.T @ np.eye(10)[data.train.labels]) * 8


def history(epochs=3, validation=True, layers=("digits",)):
    rows = []
    for epoch in range(epochs + 1):
        row = {"epoch": float(epoch)}
        if epoch:
            row |= {"loss": 1 / epoch, "accuracy": 1 - 0.2 / epoch, "seconds": 0.5}
        if validation:
            row |= {"val_loss": 2 / (epoch + 1), "val_accuracy": 1 - 0.9 / (epoch + 1)}
        for number, layer in enumerate(layers, start=1):
            row[f"weight_norm.{layer}"] = number * 4.0
            row[f"update_norm.{layer}"] = number * 0.5 if epoch else 0.0
            row[f"gradient_norm.{layer}"] = number / (epoch + 1)
        rows.append(row)
    return rows


def make_run(path, data, kernel, *, calibrated_on=300, rows=None, **record):
    recipe = RECIPES["mlp"].but(hidden=(), epochs=3)
    run = Run(path)
    about = {
        "name": data.name,
        "source": data.source,
        "training_images": 1200,
        "validation_images": 300,
        "test_images": len(data.test),
        "sha256": {"train": data.train.sha256(), "test": data.test.sha256()},
    }
    path.mkdir(parents=True)
    run.update_record(
        **{
            "status": "finished",
            "stopped": "",
            "recipe": recipe.to_dict(),
            "data": about,
            "data_dir": None,
            "versions": {"python": "3.12.0"},
            "machine": "Linux, 2 cores",
            "timings": {"fit": 1.5},
        }
        | record
    )
    temperature = 0.5 if calibrated_on else 1.0
    card = ModelCard(parameters=7840, temperature=temperature, calibrated_on=calibrated_on)
    write_model(run.model_file, kernel, card)
    run.write_history(rows or history())
    run.write_metrics(evaluate(Classifier(run.model_file), data.test).to_dict())
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory, data, kernel):
    return make_run(tmp_path_factory.mktemp("runs") / "linear-1", data, kernel)


@pytest.fixture(scope="module")
def page(run, data):
    return report(run, data=data).read_text(encoding="utf-8")


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the drawing out, where only the words of the page matter."""
    blank: dict = {"finding": "", "png": b"PNG", "width": 9, "height": 9}
    pictures = [
        RenderedFigure(name=name, topic=topic, reading=reading, **blank)
        for name, topic, _, reading in FIGURES
    ]
    monkeypatch.setattr(digit_gallery, "draw_all", lambda evidence: pictures)


@pytest.fixture(scope="module")
def perfect(data):
    # A network that memorised the test images: few images, as many weights as are needed.
    few = data.test.take(slice(0, 60))
    rows = few.images.reshape(-1, 784) / 255
    kernel = np.linalg.pinv(rows) @ np.eye(10)[few.labels] * 30
    return dataclasses.replace(data, test=few), kernel


def draw(function, *args, **kwargs):
    with matplotlib.rc_context(style.RC):
        figure = Figure()
        function(figure, *args, **kwargs)
        return figure


def title(figure):
    return style.finding(figure).replace("\u00a0", " ")


def note(figure):
    return " ".join(t.get_text() for t in figure.texts).replace("\n", " ").replace("\u00a0", " ")


def words(axes):
    return [t.get_text().replace("\u00a0", " ") for t in axes.texts]


# The page


def test_report_writes_a_page_with_every_figure_inside(run, page):
    files = sorted(run.path.glob("figures/*"))
    assert {file.stem for file in files} == {name for name, *_ in FIGURES}
    assert len(files) == page.count("<img ") == 9
    for file in files:
        content = file.read_bytes()
        assert content.startswith(b"\x89PNG\r\n")
        assert b64encode(content).decode() in page


def test_report_leaves_no_half_written_file(run, page):
    assert not list(run.path.rglob("*.part*"))


def test_page_asks_nothing_of_the_network(page):
    links = re.findall(r"""(?:src|href|action)\s*=\s*["']?([^"'\s>]*)""", page)
    assert len(links) > 9
    assert [link[:40] for link in links if not link.startswith(("data:", "#"))] == []
    assert not re.search(r"<script|@import|url\(", page)


def test_links_lead_somewhere(page):
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) > 3
    for target in targets:
        assert f'id="{target}"' in page


def test_page_tells_scores_with_interval_and_n(run, page):
    metrics = run.metrics
    low, high = metrics["accuracy_interval"]
    assert f"{metrics['accuracy']:.1%}".replace("%", "\u00a0%") + " of 297 test images" in page
    assert f"{low * 100:.1f}\u00a0% and {high * 100:.1f}\u00a0%" in page


def test_each_figure_has_its_finding_as_alternative_text(page):
    alternatives = re.findall(r'alt="([^"]*)"', page)
    assert len(set(alternatives)) == 9
    assert all(re.search(r"\d", text) for text in alternatives)


def test_only_other_data_than_mnist_is_remarked_on(tmp_path, data, kernel, page, undrawn):
    assert "This is not MNIST" in page
    mnist = dataclasses.replace(data, name="mnist")
    other = make_run(tmp_path / "run", mnist, kernel)
    assert "This is not MNIST" not in report(other, data=mnist).read_text(encoding="utf-8")


def test_names_are_escaped(tmp_path, data, kernel, undrawn):
    evil = dataclasses.replace(data, source="<script>alert(1)</script>", name="folder:a&b<i>")
    recipe = Recipe(name='<b>"mine"</b>').to_dict()
    run = make_run(tmp_path / "a & <u>b", evil, kernel, recipe=recipe, machine="<s>")
    text = report(run, data=evil).read_text(encoding="utf-8")
    for tag in ("<script", "<b>", "<u>", "<i>", "<s>"):
        assert tag not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "run a &amp; &lt;u&gt;b" in text


def test_unfinished_run_says_why(tmp_path, data, kernel, run, page, undrawn):
    other = make_run(tmp_path / "run", data, kernel, status="failed", stopped="the loss is NaN")
    said = describe(other, load_results(other, data))["unfinished"]
    assert said.startswith("This run is not finished (status: failed): the loss is NaN. ")
    assert "after epoch 3 of 3" in said
    assert said in report(other, data=data).read_text(encoding="utf-8")
    assert describe(run, load_results(run, data))["unfinished"] == ""
    assert "not finished" not in page


def test_run_without_validation_and_calibration(tmp_path, data, kernel):
    rows = history(validation=False)
    run = make_run(tmp_path / "run", data, kernel, calibrated_on=0, rows=rows)
    text = report(run, data=data).read_text(encoding="utf-8")
    assert "The probabilities were not calibrated" in text
    assert "it was not calibrated" in text


def test_run_without_a_mistake(tmp_path, perfect):
    data, kernel = perfect
    run = make_run(tmp_path / "run", data, kernel)
    text = report(run, data=data).read_text(encoding="utf-8")
    assert "None of the 60 test images is read wrongly" in text
    assert "There is no mistake among the 60 test images" in text
    assert "100.0\u00a0% of 60 test images read correctly" in text


def test_report_takes_a_path_and_finds_the_data(tmp_path, data, kernel, undrawn):
    run = make_run(tmp_path / "run", data, kernel)
    assert report(str(run.path)) == run.report_file
    assert run.report_file.is_file()


def test_report_refuses_what_it_cannot_tell_the_truth_about(tmp_path, data, kernel):
    with pytest.raises(BadRun, match="is not a run"):
        report(tmp_path)
    run = make_run(tmp_path / "run", data, kernel)
    other = dataclasses.replace(data, test=data.test.take(slice(0, 50)))
    with pytest.raises(BadRun, match="other test images"):
        report(run, data=other)
    metrics = run.metrics
    del metrics["recall"]
    run.write_metrics(metrics)
    with pytest.raises(BadRun, match="recall"):
        report(run, data=data)
    (run.path / "metrics.json").unlink()
    with pytest.raises(BadRun, match=r"no metrics\.json"):
        report(run, data=data)


def test_import_is_light():
    code = (
        "import sys, digitscope.rendering;"
        "print([m for m in ('numpy', 'matplotlib', 'jinja2', 'onnx') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_pyplot_is_never_imported():
    code = (
        "import sys, digitscope.rendering.digit_gallery; print('matplotlib.pyplot' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPES["classic"],
        RECIPES["mlp"].but(epochs=1, hidden=(64, 32), learning_rate=0.25),
        RECIPES["mlp"].but(augmentation=Augmentation(shear=0.0)),
        dataclasses.replace(RECIPES["mlp-max"], augmentation=None),
        Recipe(name="mine", hidden=(), augmentation=Augmentation()),
    ],
)
def test_command_makes_the_same_recipe_again(recipe):
    calls = []
    code = command(recipe, "digits", "/a 'b'")
    without = code.replace(", train\n", "\n", 1)  # or TensorFlow would be loaded
    assert without != code
    exec(without, {"train": lambda *args, **kwargs: calls.append((args, kwargs))})
    assert calls == [((recipe,), {"data": "digits", "data_dir": "/a 'b'"})]


# The numbers


def test_mistakes_come_surest_first(run, data):
    evidence = load_results(run, data)
    rows = evidence.mistakes
    assert len(rows) == 297 - np.trace(run.metrics["confusion"]) > 3
    assert (np.diff(evidence.confidence[rows]) <= 0).all()
    assert (evidence.predicted[rows] != data.test.labels[rows]).all()


def test_confidence_is_calibrated(run, data):
    evidence = load_results(run, data)
    classifier = Classifier(run.model_file)
    assert classifier.card.temperature == 0.5
    np.testing.assert_allclose(
        evidence.calibrated, classifier.predict_proba(data.test.images), rtol=1e-6
    )
    assert not np.allclose(evidence.plain, evidence.calibrated)


def test_first_layer_gives_one_picture_a_unit(run, kernel):
    layer, weights = first_layer(run.model_file)
    assert (layer, weights.shape) == ("digits", (10, 28, 28))
    np.testing.assert_allclose(weights[3].ravel(), kernel[:, 3], rtol=1e-6)


def test_first_layer_of_a_foreign_model(tmp_path, kernel):
    write_model(tmp_path / "m.onnx", kernel, ModelCard(), name="W")
    with pytest.raises(BadRun, match="not made by train"):
        first_layer(tmp_path / "m.onnx")


@settings(deadline=None)
@given(st.lists(st.floats(-500, 500), max_size=20), st.floats(1, 40))
def test_labels_are_spread_and_keep_their_order(heights, gap):
    moved = style.spread(heights, gap)
    order = np.argsort(heights, kind="stable")
    assert (np.diff(np.array(moved)[order]) >= gap - 1e-6).all()
    if len(heights) == 1:
        assert moved == heights


def test_mosaic_keeps_every_picture_in_its_place():
    tiles = np.arange(3 * 4).reshape(3, 2, 2)
    whole = style.mosaic(tiles, 2, across=1, down=1)
    assert whole.shape == (6, 6)
    np.testing.assert_array_equal(whole[3:5, :2], tiles[2])
    np.testing.assert_array_equal(whole[:2, 3:5], tiles[1])
    assert np.isnan(whole[2]).all()
    assert np.isnan(whole[3:, 3:]).all()


# The figures


def test_nothing_is_written_outside_a_figure_or_over_its_title(run, data):
    evidence = load_results(run, data)
    for name, _, function, _ in FIGURES:
        figure = draw(function, evidence)
        style.render(figure)
        renderer = figure.canvas.get_renderer()
        width, height = figure.bbox.size
        boxes = [axes.get_tightbbox(renderer) for axes in figure.axes]  # with ticks and labels
        boxes += [text.get_window_extent(renderer) for text in figure.texts]
        for box in boxes:
            inside = box.x0 >= 0 and box.x1 <= width and box.y0 >= -1 and box.y1 <= height
            assert inside, (name, box)
        heading = figure._suptitle.get_window_extent(renderer)
        assert heading.x1 <= width, name
        assert heading.y1 <= height, name
        for axes in figure.axes:
            assert axes.get_window_extent().y1 < heading.y0, name


def test_long_titles_are_wrapped_inside_the_figure():
    figure = draw(style.header, "Wrongly " * 30, "note " * 60, body=1)
    style.render(figure)
    for text in (figure._suptitle, *figure.texts):
        box = text.get_window_extent(figure.canvas.get_renderer())
        assert box.x1 <= figure.bbox.width
        assert box.y0 > 0


def test_learning_with_validation():
    figure = draw(draw_learning, history())
    assert title(figure).startswith("After 3 epochs, 77.5 % of the validation images are right")
    assert "93.3 % of the training images" in title(figure)
    assert "before training: 10.0 %" in note(figure)
    loss, accuracy = figure.axes
    assert {line.get_label(): len(line.get_xdata()) for line in loss.lines} == {
        "training": 3,
        "validation": 4,
    }
    assert [len(line.get_xdata()) for line in accuracy.lines] == [3, 3]  # not before training
    assert sorted(words(loss)) == ["training", "validation"]
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss, nats (log)", "accuracy, %")


def test_learning_tells_when_validation_loss_rose_again():
    rows = history()
    assert "lowest" not in title(draw(draw_learning, rows))
    rows[2]["val_loss"] = 0.01
    assert "validation loss was lowest after epoch 2" in title(draw(draw_learning, rows))


def test_learning_without_validation():
    figure = draw(draw_learning, history(validation=False))
    assert title(figure) == "After 3 epochs, 93.3 % of the training images are right"
    assert "No images were held out" in note(figure)
    assert [words(axes) for axes in figure.axes] == [["training"], ["training"]]


def test_learning_of_one_epoch_and_of_none():
    assert title(draw(draw_learning, history(1))).startswith("After 1 epoch, ")
    assert "no epoch was finished" in title(draw(draw_learning, history(0)))


def test_norms_per_layer():
    figure = draw(draw_norms, history(layers=("hidden_1", "digits")))
    assert title(figure) == (
        "The last epoch moved hidden_1 by 0.5, 12.5 % of its norm; its gradient went from 1 to 0.25"
    )
    assert [words(axes) for axes in figure.axes] == [["hidden_1", "digits"]] * 3
    assert [axes.get_yscale() for axes in figure.axes] == ["log"] * 3
    # Before training nothing has moved, and 0 has no logarithm.
    assert [len(axes.lines[0].get_xdata()) for axes in figure.axes] == [4, 3, 4]


def test_norms_of_many_layers_name_only_some():
    layers = [f"hidden_{i}" for i in range(1, 31)]
    figure = draw(draw_norms, history(layers=layers))
    assert len(figure.axes[0].lines) == 30
    assert 4 <= len(words(figure.axes[0])) <= 8
    assert {"hidden_1", "hidden_30"} <= set(words(figure.axes[0]))


def confusion_of(mistakes):
    confusion = np.diag([1200] * 10)
    for (true, said), often in mistakes.items():
        confusion[true, said] += often
        confusion[true, true] -= often
    return confusion


def test_confusion_shows_counts():
    figure = draw(draw_confusion, confusion_of({(4, 9): 7, (9, 4): 2}))
    assert title(figure) == (
        "9 of 12,000 test images are read wrongly; most often a 4 is read as 9 (7 times)"
    )
    (axes,) = figure.axes
    at = {tuple(t.get_position()): t.get_text() for t in axes.texts}
    assert (at[9, 4], at[4, 9], at[4, 4], at[0, 0]) == ("7", "2", "1,193", "1,200")
    assert (0, 1) not in at
    assert [t.get_text() for t in axes.get_xticklabels()] == list("0123456789")
    assert "0.6 %" in words(axes)  # of the 4s


@pytest.mark.parametrize(
    ("mistakes", "expected"),
    [
        ({}, "None of the 12,000 test images is read wrongly"),
        ({(4, 9): 1}, "1 of 12,000 test images is read wrongly; a 4 is read as 9"),
        (
            {(4, 9): 2, (9, 4): 2, (1, 7): 1},
            "the 2 most frequent kinds of mistake happen twice each",
        ),
        ({(4, 9): 1, (9, 4): 1}, "no kind of mistake is more frequent than another (once each)"),
    ],
)
def test_confusion_title_counts_ties(mistakes, expected):
    assert expected in title(draw(draw_confusion, confusion_of(mistakes)))


def test_confusion_colours_only_mistakes():
    figure = draw(draw_confusion, confusion_of({(4, 9): 7}))
    errors, diagonal = (image.get_array() for image in figure.axes[0].images)
    assert errors.count() == 1
    assert errors[4, 9] == 7
    assert diagonal.count() == 10


def test_per_digit_names_the_worst():
    values = [0.99] * 10
    recall = [0.99] * 8 + [0.91, 0.99]
    precision = [0.99] * 3 + [0.95] + [0.99] * 6
    figure = draw(draw_per_digit, confusion_of({}), precision, recall, values)
    assert title(figure) == (
        "8s are missed most (recall 91.0 %); the answer 3 is wrong most often (precision 95.0 %)"
    )
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_legend().texts] == ["precision", "recall", "F1"]
    assert axes.get_xlim()[0] <= 0.95
    assert f"starts at {axes.get_xlim()[0]:.0%}".replace("%", " %") in note(figure)
    points = {line.get_label(): line for line in axes.lines}
    assert points["recall"].get_linestyle() == "None"  # dots: the axis does not start at 0
    assert list(points["recall"].get_xdata()) == recall


def test_per_digit_without_images_of_some():
    confusion = np.zeros((10, 10), int)
    confusion[1, 1], confusion[2, 1] = 3, 2
    figure = draw(
        draw_per_digit, confusion, [0, 0.6] + [0] * 8, [0, 1.0] + [0] * 8, [0, 0.75] + [0] * 8
    )
    said = words(figure.axes[0])
    assert sum("no test images" in word for word in said) == 8
    assert "3 images" in said
    assert title(figure).startswith("2s are missed most (recall 0.0 %)")
    assert "starts at" not in note(figure)


def test_per_digit_without_a_mistake():
    figure = draw(draw_per_digit, confusion_of({}), [1.0] * 10, [1.0] * 10, [1.0] * 10)
    assert title(figure) == "Precision and recall are 100 % for every digit"


@pytest.mark.parametrize("n", [0, 1, 5, 30, 31])
def test_mistakes(n):
    images = np.zeros((n, 28, 28), np.uint8)
    labels, said = np.full(n, 4), np.full(n, 9)
    confidence = np.linspace(0.9999, 0.4, n)
    figure = draw(draw_mistakes, images, labels, said, confidence, 1000)
    if not n:
        assert title(figure) == "There is no mistake among the 1,000 test images"
        return
    assert (
        title(figure) == "The most confident mistake: a 4, read as 9 with a probability of > 99.9 %"
    )
    assert words(figure.axes[0]).count("4 → 9") == min(n, 30)
    assert words(figure.axes[0])[1] == "> 99.9 % sure"
    assert ("The 30 most confident of 31 mistakes" in note(figure)) == (n == 31)


def test_words_under_mistakes_keep_to_their_column():
    images = np.zeros((6, 28, 28), np.uint8)
    said = np.full(6, 9)
    figure = draw(draw_mistakes, images, said - 5, said, np.ones(6), 1000)
    style.render(figure)
    boxes = [t.get_window_extent(figure.canvas.get_renderer()) for t in figure.axes[0].texts[1::2]]
    assert len(boxes) == 6
    assert all(left.x1 + 4 < right.x0 for left, right in pairwise(boxes))
    assert boxes[-1].x1 <= figure.bbox.width


def test_pairs():
    confusion = confusion_of({(4, 9): 12, (9, 4): 6})
    picture = np.zeros((28, 28), np.uint8)
    figure = draw(draw_pairs, confusion, {(4, 9): picture, (9, 4): picture})
    bars = figure.axes[1]
    assert [t.get_text() for t in bars.get_yticklabels()] == ["4 → 9", "9 → 4"]
    assert [bar.get_width() for bar in bars.patches] == [12, 6]
    assert bars.get_xlim()[0] == 0
    assert words(bars) == ["12  (1.0 % of the 4s)", "6  (0.5 % of the 9s)"]
    assert title(figure).startswith("18 mistakes of 2 kinds: most often a 4 is read as 9")


def test_pairs_shows_the_ten_commonest():
    mistakes = {(0, said): 20 - said for said in range(1, 10)} | {(1, 2): 1, (1, 3): 1, (1, 4): 1}
    pictures = dict.fromkeys(mistakes, np.zeros((28, 28), np.uint8))
    figure = draw(draw_pairs, confusion_of(mistakes), pictures)
    assert len(figure.axes[1].patches) == 10
    assert title(figure) == "The 10 most frequent kinds of mistake, of 12, make up 136 of 138"


def test_pairs_without_a_mistake():
    assert "No digit is confused" in title(draw(draw_pairs, confusion_of({}), {}))


def probabilities_of(sure, n=100):
    rows = np.full((n, 10), (1 - sure) / 9, np.float32)
    rows[:, 0] = sure
    return rows


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0.99, 0.9, "T = 2.00 lowers the calibration error (ECE) from 9.00 % to 0.00 %"),
        (0.9, 0.99, "T = 2.00 raises the calibration error (ECE) from 0.00 % to 9.00 %"),
        (0.8, 0.8, "T = 2.00 leaves the calibration error (ECE) at 10.00 %"),
    ],
)
def test_reliability_before_and_after(before, after, expected):
    labels = np.array([0] * 90 + [1] * 10)
    figure = draw(
        draw_reliability,
        reliability(labels, probabilities_of(before)),
        reliability(labels, probabilities_of(after)),
        temperature=2.0,
        calibrated_on=500,
    )
    assert expected in title(figure)
    assert "500 held-out training images" in note(figure)
    names = [t.get_text() for t in figure.axes[0].get_legend().texts]
    assert names == ["right as often as sure", "before (T = 1)", "after (T = 2.00)"]
    assert list(figure.axes[1].lines[0].get_ydata()) == [100]  # images in the bin


def test_labels_beside_wide_ticks_stay_inside():
    labels = np.array([0] * 90_000 + [1] * 10_000)
    bins = reliability(labels, probabilities_of(0.99, 100_000))
    rows = history()
    for row in rows:
        row["update_norm.digits"] *= 1e-4
    for figure in (
        draw(draw_reliability, bins, bins, temperature=1.0, calibrated_on=0),
        draw(draw_norms, rows),
    ):
        style.render(figure)
        for axes in figure.axes:
            assert axes.get_tightbbox(figure.canvas.get_renderer()).x0 >= 0


def test_reliability_that_was_not_calibrated():
    labels = np.array([0] * 90 + [1] * 10)
    bins = reliability(labels, probabilities_of(0.99))
    figure = draw(draw_reliability, bins, bins, temperature=1.0, calibrated_on=0)
    assert title(figure) == "The calibration error (ECE) is 9.00 %; it was not calibrated"
    assert len(figure.axes[1].lines) == 1


def test_coverage_marks():
    right = np.ones(1000, bool)
    right[[994, 960, 930, 100]] = False
    confidence = np.linspace(1, 0, 1000)
    figure = draw(draw_coverage, errors_by_coverage(confidence, right))
    assert title(figure) == "Refusing the least sure 5 % lowers the error from 0.4 % to 0.2 %"
    assert words(figure.axes[0]) == [
        "100 % kept: 0.4 % wrong (4 of 1,000)",
        "99 % kept: 0.3 % wrong (3 of 990)",
        "95 % kept: 0.2 % wrong (2 of 950)",
        "90 % kept: 0.1 % wrong (1 of 900)",
    ]
    assert figure.axes[0].get_ylim()[0] == 0


def test_coverage_at_the_edges():
    assert title(draw(draw_coverage, np.zeros(9, int))) == (
        "There is no error among all 9 test images, so refusing gains nothing"
    )
    few = draw(draw_coverage, np.array([1, 1, 2]))
    assert words(few.axes[0]) == ["100 % kept: 66.7 % wrong (2 of 3)"]
    assert "does not lower the error of 66.7 %" in title(few)


def test_weights_strongest_first():
    weights = np.ones((200, 28, 28), np.float32) * np.linspace(0.1, 1, 200)[:, None, None]
    weights[5] = -9
    figure = draw(draw_weights, weights, "hidden_1")
    image = figure.axes[0].images[0]
    assert image.get_array()[0, 0] == -9
    assert image.get_array()[0, 29] == 1
    assert image.get_array().count() == 128 * 784
    low, high = image.get_clim()
    assert low == -high
    assert "128 strongest of 200" in note(figure)
    assert "norm of 2.5e+02" in title(figure)


def test_weights_of_digits_keep_their_order():
    weights = np.ones((10, 28, 28), np.float32) * np.arange(1, 11)[:, None, None]
    figure = draw(draw_weights, weights, "digits")
    assert figure.axes[0].images[0].get_array()[0, 29] == 2
    assert words(figure.axes[0]) == list("0123456789")
    assert "(0)" in title(figure)
    assert "(9)" in title(figure)


@pytest.mark.parametrize("units", [1, 7, 40])
def test_weights_of_few_units_and_of_nothing(units):
    figure = draw(draw_weights, np.zeros((units, 28, 28), np.float32), "hidden_1")
    assert style.encode(style.render(figure)).startswith(b"\x89PNG")
    assert figure.axes[0].images[0].get_clim() == (-1, 1)  # a scale of no width has no colours


def test_template_is_part_of_the_package():
    import digitscope.rendering

    assert (Path(digitscope.rendering.__file__).parent / "digit_report.html.j2").is_file()
