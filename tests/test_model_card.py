"""The card in a model file."""

import json

import onnx
import pytest

from digitscope.errors import BadModel
from digitscope.models.card import KEY, ModelCard
from digitscope.models.classifier import Classifier

CARD = ModelCard(
    recipe={"name": "mlp"}, data={"name": "digits"}, temperature=1.25, calibrated_on=300
)


def test_a_card_survives_json():
    assert ModelCard.from_json(CARD.to_json()) == CARD


def test_what_a_later_version_adds_is_left_out():
    fields = json.loads(CARD.to_json()) | {"mood": "good"}
    assert ModelCard.from_json(json.dumps(fields)) == CARD


def test_the_classifier_reads_it_from_the_file(make_onnx):
    assert Classifier(make_onnx(card=CARD)).card == CARD
    assert Classifier(make_onnx("bare.onnx")).card == ModelCard()


@pytest.mark.parametrize(
    "metadata", ["{", "[]", "7", '{"temperature": "hot"}', '{"temperature": 0}']
)
def test_a_damaged_card_is_refused(make_onnx, metadata):
    with pytest.raises(BadModel, match="the model card in its metadata is damaged"):
        Classifier(make_onnx(metadata=metadata))


def test_a_trained_file_tells_the_whole_story(run):
    """As the issue lists it: recipe, data and hashes, seed, versions, scores, calibration."""
    metadata = {p.key: p.value for p in onnx.load(run.model_file).metadata_props}
    card = ModelCard.from_json(metadata[KEY])
    record, metrics = run.record, run.metrics
    assert card.recipe == record["recipe"]
    assert card.recipe["seed"] == 0
    # A card that others get tells no path of this machine.
    assert card.data == {k: v for k, v in record["data"].items() if k != "source"}
    assert all(len(card.data["sha256"][part]) == 64 for part in ("train", "test"))
    assert {"digitscope", "keras", "tensorflow", "numpy", "onnxruntime"} <= set(card.versions)
    assert card.parameters == 101_770
    assert card.calibrated_on == card.data["validation_images"] == 300
    assert card.temperature == metrics["temperature"]
    assert card.temperature != 1
    low, high = card.scores["accuracy_interval"]
    assert low < card.scores["accuracy"] == metrics["accuracy"] < high
    assert card.scores["n"] == 297
