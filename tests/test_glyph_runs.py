"""The training of the glyph network: its crops, exact resume, the file, and the command."""

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import onnx
import pytest

from digitscope.data import load_data
from digitscope.errors import BadModel, BadRun, Misuse
from digitscope.models.card import MODELS, ModelCard
from digitscope.models.fusion import Fusion
from digitscope.models.glyph_classes import CLASSES, NOTHING
from digitscope.models.glyph_network import ANSWERS, GlyphNetwork
from digitscope.reading.crops import cut_crops
from digitscope.reading.glyphs import Glyphs
from digitscope.recipes import RECIPES
from digitscope.recipes.glyph_recipe import GLYPH, GlyphRecipe
from digitscope.synthesis.pages.stream import Plan
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph
from page_fakes import TINY_GLYPH, FakePages

pytest.importorskip("keras")
import digitscope.training  # noqa: F401  (Keras without its noise)
from digitscope.cli import main, train_stream
from digitscope.data import page_sources
from digitscope.rendering import report
from digitscope.rendering.glyph_report import load_results
from digitscope.runs import Run, latest_run
from digitscope.training.glyph import single_digits as singles
from digitscope.training.glyph.crop_stream import (
    UNKNOWN,
    Crops,
    CropSource,
    draw_crop_batch,
    draw_crops,
    held_out_crops,
    true_classes,
    turned_back,
)
from digitscope.training.glyph.export import glyph_to_onnx
from digitscope.training.glyph.fit import GlyphFit
from digitscope.training.glyph.fusion_fit import fit_fusion
from digitscope.training.glyph.network import build_glyph_network
from digitscope.training.glyph.single_digits import draw_singles, ink_boxes
from digitscope.training.glyph.trainer import judge_digits, resume_glyph, train_glyph
from digitscope.training.initial_weights import grow
from digitscope.training.layer_export import check_difference
from digitscope.training.mixture import Mixture
from digitscope.training.onnx_export import write_onnx
from digitscope.training.page.trainer import resume_page

TINY = TINY_GLYPH
PAGES = FakePages(side=64, glyphs=4)
SINGLES = Mixture(RECIPES["mlp"].but(synthetic=500), load_data("digits").train)
SOURCE = CropSource(PAGES, MODELS / "page.onnx", SINGLES)
SEEN = 13  # a patch of it, as is the next but one, in which the page network takes a frame for a 0


def seen_at(*places):
    n = len(places)
    pairs = np.zeros((n, 2), np.float32)
    none = np.zeros(n, np.float32)
    heat = np.zeros((n, len(CLASSES)), np.float32)
    return Glyphs(heat, np.array(places, np.float32).reshape(n, 2), pairs, pairs, pairs, none, none)


def test_the_class_of_a_peak_is_that_of_the_nearest_glyph():
    def glyph(label, left, height=20.0):
        return TrueGlyph(label, label, (left, 0, left + 10, height), height, 0, -1)

    truth = PageTruth(
        (100, 200),
        (glyph("3", 0), glyph("*", 30), glyph("8", 60, 13 / 1.2), glyph("5", 90, 8)),
        ignored=((120, 0, 140, 20),),
    )
    places = [(5, 10), (7, 14), (5, 19), (34, 9), (65, 5), (95, 4), (130, 10), (180, 50)]
    expected = [3, 3, NOTHING, CLASSES.index("*"), -1, NOTHING, -1, NOTHING]
    assert true_classes(seen_at(*places), truth).tolist() == expected
    assert true_classes(seen_at((5, 5)), PageTruth((100, 200), ())).tolist() == [NOTHING]


def test_crops_depend_on_seed_and_number_alone():
    one, again = (draw_crops(SOURCE, (3,), SEEN, bent=True) for _ in range(2))
    other = draw_crops(SOURCE, (3,), SEEN + 2, bent=True)
    assert len(one)
    for name in ("images", "labels", "turns", "heat"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert one.images.tobytes() != other.images.tobytes()
    assert one.images.shape[1:] == (32, 32)
    assert one.labels.max() <= NOTHING
    still = draw_crops(SOURCE, (3,), SEEN, bent=False)
    np.testing.assert_array_equal(still.labels, one.labels)
    assert still.images.tobytes() != one.images.tobytes()


def test_crops_of_turned_pages_tell_the_turn():
    told = {number: draw_crops(SOURCE, (3,), number, bent=False) for number in range(0, 480, 4)}
    assert {int(t) for crops in told.values() for t in crops.turns} == {0, 1, 2, 3}
    assert all((crops.labels == UNKNOWN).all() for crops in told.values())
    upright = draw_crops(SOURCE, (3,), SEEN, bent=False)
    assert len(upright)
    assert (upright.turns == UNKNOWN).all()
    assert (upright.labels != UNKNOWN).all()
    batch = Crops.joined([*told.values(), upright])
    assert len(batch.of_classes) == len(upright)
    assert len(batch.of_turns) == len(batch) - len(upright)


@pytest.mark.parametrize("quarters", [0, 1, 2, 3])
def test_places_on_a_turned_page_are_found_on_the_upright_one(quarters):
    page = np.zeros((40, 70), np.uint8)
    page[12, 31] = 255  # y, x
    y, x = np.argwhere(np.rot90(page, quarters))[0]
    back = turned_back(seen_at((x + 0.5, y + 0.5)), quarters, page.shape)
    np.testing.assert_allclose(back.centre, [[31.5, 12.5]])


def test_batches_have_as_many_crops_as_asked_for():
    plan = Plan((3,), 4, 0, 4)
    parts = [draw_crops(SOURCE, (3,), k, bent=True) for k in (12, 13, 14, 15)]
    all_crops = Crops.joined(parts)
    assert len(all_crops)
    for crops in (5, 500):  # some of them, or some twice
        batch = draw_crop_batch(SOURCE, plan, 3, n=crops)
        assert len(batch) == crops
        assert {i.tobytes() for i in batch.images} <= {i.tobytes() for i in all_crops.images}


def test_single_digits_join_the_crops_of_a_batch():
    plan = Plan((3,), 4, 0, 2)
    batch = draw_crop_batch(SOURCE, plan, 0, n=12, singles=40)
    assert len(batch) == 52
    pages, digits = batch[np.arange(12)], batch[np.arange(12, 52)]
    alone = draw_crop_batch(replace(SOURCE, singles=None), plan, 0, n=12, singles=40)
    np.testing.assert_array_equal(alone.images, pages.images)
    assert (digits.turns == UNKNOWN).all()
    assert set(digits.labels.tolist()) <= set(range(10))
    again = draw_crop_batch(SOURCE, plan, 0, n=12, singles=40)
    np.testing.assert_array_equal(again.images, batch.images)


def test_single_digits_fill_their_crops_as_those_of_pages_do():
    plain = Mixture(RECIPES["mlp"].but(synthetic=0, augmentation=None), load_data("digits").train)
    crops, labels = draw_singles(plain, 200, np.random.default_rng(0))
    assert (crops.shape, crops.dtype) == ((200, 32, 32), np.dtype(np.uint8))
    paper = np.median(crops, axis=(1, 2))
    ink = np.abs(crops - paper[:, None, None]) > 40
    high = ink.any(axis=2).sum(axis=1)
    wide = ink.any(axis=1).sum(axis=1)
    np.testing.assert_allclose(np.maximum(high, wide), 20, atol=2.5)  # 32 pixels are 1.6 times it
    negative = np.array(
        [crop[on].mean() > level for crop, on, level in zip(crops, ink, paper, strict=True)]
    )
    assert 0.05 < negative.mean() < 0.3
    assert len(set(labels.tolist())) == 10


def test_the_box_of_ink_is_the_smallest_that_holds_it():
    images = np.zeros((2, 28, 28), np.uint8)
    images[0, 5:12, 3:20] = 255
    np.testing.assert_array_equal(ink_boxes(images), [[3, 5, 20, 12], [0, 0, 28, 28]])


def test_a_narrower_layer_fills_the_first_channels_and_sees_no_new_ones():
    ones = np.ones((5, 5, 2, 6), np.float32)
    old = ones[:3, :3, :, :2]
    new = np.full((3, 3, 4, 3), 5, np.float32)
    grown = grow(old, new)
    assert (grown[:, :, :2, :2] == 1).all()
    assert (grown[:, :, 2:, :2] == 0).all()
    assert (grown[:, :, :, 2] == 5).all()
    column = np.arange(4, dtype=np.float32)[:, None]
    flat = grow(column, np.full((6, 1), 9, np.float32), positions=2)
    assert flat.ravel().tolist() == [0, 1, 0, 2, 3, 0]
    assert grow(ones[0, 0, 0, :3], np.zeros(5, np.float32)).tolist() == [1, 1, 1, 0, 0]
    assert grow(ones[..., :2], ones[:3, :3, :, :2]) is None
    assert grow(ones[0, 0, 0], ones[0, 0, 0, :5]) is None


@pytest.fixture(scope="module")
def whole():
    """A fit that was not interrupted; no test may change it."""
    fit = GlyphFit(TINY, SOURCE, SOURCE, workers=0)
    fit.run()
    return fit


def test_a_resumed_fit_ends_with_the_same_weights_for_any_number_of_workers(tmp_path, whole):
    file = tmp_path / "checkpoint.npz"
    stopped = GlyphFit(TINY, SOURCE, SOURCE, workers=2)

    def stop(row):
        raise KeyboardInterrupt

    assert stopped.run(checkpoint=file, on_epoch=stop).interrupted
    resumed = GlyphFit(TINY, SOURCE, SOURCE, workers=0)
    resumed.restore(file)
    resumed.run()
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    for one, other in zip(resumed.state, whole.state, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "larger",
    [
        {"blocks": (2, 3)},  # further residual blocks begin as the identity
        {"stem": 6, "channels": (12, 8)},
        {"channels": (8, 16), "hidden": 24},
    ],
)
def test_a_fit_begins_with_the_weights_of_another_also_for_a_larger_network(
    tmp_path, whole, larger
):
    whole.network.save(tmp_path / "model.keras")
    crops = held_out_crops(SOURCE, 4).images
    begun = GlyphFit(TINY.but(seed=9, **larger), SOURCE, start=tmp_path / "model.keras")
    np.testing.assert_allclose(
        predict(begun.model, crops), predict(whole.network, crops), atol=1e-5
    )


def test_a_fit_begins_with_the_weights_of_an_onnx_file(tmp_path, whole):
    file = tmp_path / "glyph.onnx"
    onnx.save(glyph_to_onnx(whole.network, half=False), file)
    crops = held_out_crops(SOURCE, 4).images
    begun = GlyphFit(TINY.but(seed=9), SOURCE, start=file)
    np.testing.assert_allclose(
        predict(begun.model, crops), predict(whole.network, crops), atol=1e-3
    )


def test_a_run_remembers_where_its_weights_began(tmp_path, whole):
    whole.network.save(tmp_path / "model.keras")
    run = train_glyph(PAGES, recipe=TINY.but(epochs=1), start=tmp_path / "model.keras",
                      out=tmp_path / "run", workers=0)  # fmt: skip
    assert run.record["data"]["start"] == str(tmp_path / "model.keras")
    assert run.start is None  # it has a checkpoint
    with pytest.raises(BadModel, match=r"none\.keras cannot be loaded"):
        train_glyph(PAGES, recipe=TINY, start=tmp_path / "none.keras", out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def predict(model, crops):
    return np.asarray(model(crops, training=False))


def test_the_network_learns_and_is_judged_on_the_held_out_crops(whole):
    fit = GlyphFit(TINY.but(epochs=6, learning_rate=0.01), SOURCE, SOURCE, workers=0)
    fit.run()
    assert fit.history[-1]["val_loss"] < 0.7 * fit.history[0]["val_loss"]
    crops = held_out_crops(SOURCE, TINY.validation).of_classes
    seen, turns = fit.probabilities(crops.images)
    assert turns.shape == (len(crops), 4)
    np.testing.assert_allclose(seen.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(turns.sum(axis=1), 1, atol=1e-5)
    losses = -np.log(seen[np.arange(len(crops)), crops.labels])
    assert fit.history[-1]["val_loss"] == pytest.approx(losses.mean(), rel=1e-4)
    accuracy = (seen.argmax(axis=1) == crops.labels).mean()
    assert fit.history[-1]["val_accuracy"] == pytest.approx(accuracy)


def test_held_out_crops_of_one_kind_alone_give_no_scores():
    fit = GlyphFit(TINY.but(validation=1), SOURCE, SOURCE)  # patch 0 is one of the turned ones
    assert len(fit.crops.of_turns)
    assert fit.judge() == {}


def test_the_file_agrees_with_keras(tmp_path, whole):
    crops = held_out_crops(SOURCE, 4).images
    seen, turns = whole.probabilities(crops)
    whole_file, half_file = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    write_onnx(glyph_to_onnx(whole.network, half=False), whole_file, ModelCard())
    write_onnx(glyph_to_onnx(whole.network), half_file, ModelCard())
    by_file = GlyphNetwork(whole_file).probabilities(crops)
    assert check_difference(by_file, seen, whole_file, half=False) < 1e-4
    assert half_file.stat().st_size < 0.8 * whole_file.stat().st_size
    by_file = GlyphNetwork(whole_file).turns(crops)
    assert check_difference(by_file, turns, whole_file, half=False) < 1e-4
    halved = GlyphNetwork(half_file).probabilities(crops)
    assert check_difference(halved, seen, half_file, half=True) < 0.03
    other, _ = GlyphFit(TINY.but(seed=1), SOURCE).probabilities(crops)
    with pytest.raises(BadModel, match="differ"):
        check_difference(halved, other, whole_file, half=False)
    # A network without dropout or blocks is written as well.
    plain = build_glyph_network(TINY.but(dropout=0.0, blocks=(0, 0)))
    write_onnx(glyph_to_onnx(plain, half=False), tmp_path / "plain.onnx", ModelCard())
    logits = np.array(plain(crops))[:, :ANSWERS]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    ours = GlyphNetwork(tmp_path / "plain.onnx").probabilities(crops)
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_the_weights_of_the_fusion_follow_the_better_network():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 4_000)
    right = np.eye(17, dtype=np.float32)[labels]
    noise = rng.dirichlet(np.ones(17), 4_000).astype(np.float32)
    good, poor = 0.7 * right + 0.3 * noise, 0.1 * right + 0.9 * noise
    by_page = fit_fusion(good[:, :16], poor, labels)
    assert by_page.page_digit > 2 * by_page.glyph_digit
    by_glyph = fit_fusion(poor[:, :16], good, labels)
    assert by_glyph.glyph_digit > 2 * by_glyph.page_digit
    rows = np.arange(len(labels))
    for fusion, heat, seen in ((by_page, good, poor), (by_glyph, poor, good)):
        loss = -fusion.log_probabilities(heat[:, :16], seen)[rows, labels].mean()
        for alone in (Fusion(1, 1, 0), Fusion(1, 0, 1), Fusion()):
            other = -alone.log_probabilities(heat[:, :16], seen)[rows, labels].mean()
            assert loss <= other + 1e-6
    assert fit_fusion(good[:9, :16], poor[:9], labels[:9]) == Fusion()


def test_digits_are_judged_among_themselves_and_against_the_rest():
    heat = np.zeros((5, 16), np.float32)
    heat[0, 3] = heat[1, 4] = heat[2, 5] = 0.9
    heat[3, 6], heat[4, 7] = 0.3, 0.8
    labels = np.array([3, 4, 6, 6, NOTHING])
    scores = judge_digits(heat, labels)
    assert scores["accuracy"] == pytest.approx(3 / 4)
    assert (scores["precision"], scores["recall"]) == pytest.approx((2 / 4, 2 / 4))


@pytest.fixture
def cli(capsys, monkeypatch):
    """Return a function that runs a command, with small pages and a small network."""
    monkeypatch.setitem(train_stream.STREAMED, "glyph", TINY)
    monkeypatch.setattr(page_sources, "page_sources", lambda folder=None: (PAGES, PAGES))
    monkeypatch.setattr(singles, "load_singles", lambda folder=None: SINGLES)

    def call(*arguments):
        with pytest.raises(SystemExit) as exit_:
            main([str(a) for a in arguments])
        out, err = capsys.readouterr()
        return exit_.value.code, out, err

    return call


def test_a_training_goes_on_after_ctrl_c_and_ends_with_a_model(cli, tmp_path, monkeypatch):
    folder = tmp_path / "runs" / "glyph-1"

    def interrupt(self, row):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train_stream.StreamProgress, "epoch", interrupt)
        code, _, err = cli("train", "glyph", "--seed", 4, "--out", folder)
    assert code == 130
    assert f"continue with: digitscope train --resume {folder}" in err
    run = Run.open(folder)
    assert (run.network, run.record["status"]) == ("glyph", "interrupted")
    assert run.glyph_recipe == TINY.but(seed=4)
    assert GlyphNetwork(run.model_file).card.data["patches"] == 8

    code, out, err = cli("train", "--resume", folder, "--json")
    assert code == 0
    assert "epoch 2/2  loss" in err
    assert "digits told apart" in err
    metrics = json.loads(out)["metrics"]
    assert metrics == run.metrics
    held_out = held_out_crops(SOURCE, TINY.validation)
    assert metrics["crops"] == len(held_out.of_classes)
    assert metrics["turned"] == len(held_out.of_turns)
    assert set(metrics) == {
        "crops", "digits", "turned", "turns_right", "fusion", "quantisation", "page", "glyph",
        "both",
    }  # fmt: skip
    card = GlyphNetwork(run.model_file).card
    assert card.fusion == metrics["fusion"]
    assert card.quantisation == metrics["quantisation"]
    assert card.scores["n"] == len(held_out)
    assert len(card.data["page_network"]) == 64
    text = train_stream.describe_glyph_scores("glyph-1", metrics)
    assert f"glyph-1 on {metrics['digits']:,} digits" in text

    # Its page shows what the scores say.
    page = run.report_file.read_text(encoding="utf-8")
    assert "held-out digits are read correctly by both networks" in page
    shown = re.sub(r"\s|&nbsp;", "", page)
    for part in ("page", "glyph", "both"):
        assert f"{100 * metrics[part]['recall']:.1f}%" in shown
    for name in ("learning", "reliability", "confusion", "mistakes"):
        assert (run.path / "figures" / f"{name}.png").exists()
    shutil.rmtree(run.path / "figures")
    assert cli("report", folder)[0] == 0
    assert (run.path / "figures" / "mistakes.png").exists()
    saved = load_results(run)
    right = (saved.both[:, :10].argmax(axis=1) == saved.labels)[saved.digits]
    assert right.mean() == pytest.approx(metrics["both"]["accuracy"], abs=0.02)
    assert (saved.labels[saved.mistakes] != saved.both[saved.mistakes, :10].argmax(axis=1)).all()
    run.held_out_file.write_bytes(b"no archive")
    code, _, err = cli("report", folder)
    assert (code, err.count("\n")) == (1, 1)
    assert "held_out.npz is damaged" in err

    # It reads as a second look, its card can be printed, and it is no digit classifier.
    assert cli("models", folder)[0] == 0
    assert latest_run(folder.parent) is None
    with pytest.raises(BadRun, match="trained the glyph network, not a digit classifier"):
        _ = run.recipe
    with pytest.raises(BadRun, match="trained the glyph network, not the page network"):
        _ = run.page_recipe
    run.update_record(status="interrupted")
    with pytest.raises(BadRun, match=r"its source was …FakePages.*=4.*Received: …FakePages.*=3"):
        resume_glyph(folder, replace(PAGES, glyphs=3), PAGES)
    with pytest.raises(BadRun, match="trained the glyph network, not the page network"):
        resume_page(folder, PAGES, PAGES)
    assert run.record["status"] == "interrupted"
    run.update_record(
        status="interrupted", data=run.record["data"] | {"page_network_file": str(tmp_path)}
    )
    with pytest.raises(BadModel, match="no such model file"):
        resume_glyph(folder, PAGES, PAGES)


def test_a_training_without_held_out_pages_has_no_scores(tmp_path):
    run = train_glyph(PAGES, recipe=TINY.but(epochs=1), out=tmp_path / "run", workers=0)
    assert run.record["status"] == "finished"
    assert not (run.path / "metrics.json").exists()
    with pytest.raises(BadRun, match=r"holds no held_out\.npz"):
        report(run)
    assert GlyphNetwork(run.model_file).fusion == Fusion()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"crops": 0}, "crops must be a whole number from 1 up"),
        ({"channels": (8,)}, "channels must be 2 whole numbers from 1 up"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        ({"learning_rate": 0.0}, "learning_rate must be a number above 0"),
        ({"precision": "half"}, "precision must be one of auto, float32, bfloat16"),
    ],
)
def test_a_recipe_says_what_is_wrong_with_it(changes, told):
    with pytest.raises(Misuse, match=told):
        GLYPH.but(**changes)


def test_a_recipe_survives_being_written():
    recipe = GLYPH.but(channels=(8, 16), blocks=(0, 2))
    assert GlyphRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_crops_are_cut_by_the_function_that_reading_uses():
    gray, _ = PAGES.patch(np.random.default_rng([3, 1]))
    crops = draw_crops(SOURCE, (3,), 1, bent=False)
    maps_glyphs = draw_glyphs(gray)
    np.testing.assert_array_equal(
        crops.images, cut_crops(gray, maps_glyphs.centre, maps_glyphs.size)
    )


def draw_glyphs(gray):
    from digitscope.image.contrast import normalise_contrast
    from digitscope.models.page_network import PageNetwork
    from digitscope.reading.glyphs import find_glyphs
    from digitscope.reading.second_pass import doubtful
    from digitscope.training.glyph.crop_stream import PEAKS

    maps = PageNetwork(threads=1).maps(normalise_contrast(gray))
    found = find_glyphs(maps, (1.0, 1.0), PEAKS)
    return found[np.flatnonzero(doubtful(found, certain=1.1))]
