"""Recipes say what to train, and refuse what makes no sense."""

import json
import subprocess
import sys

import pytest

from digitscope.errors import Misuse
from digitscope.recipes import RECIPES, Augmentation, Recipe, get_recipe


def test_classic_is_the_script_that_everyone_knows():
    classic = RECIPES["classic"]
    assert classic == Recipe(
        name="classic",
        hidden=(128,),
        activation="relu",
        dropout=0,
        optimizer="adam",
        learning_rate=1e-3,
        schedule="constant",
        batch_size=32,
        epochs=5,
        validation=0,
    )


def test_the_shipped_recipes_share_one_hidden_layer():
    assert list(RECIPES) == ["classic", "mlp", "mlp-max", "cnn"]
    assert {(r.hidden, r.activation) for r in RECIPES.values()} == {((128,), "relu")}
    assert [name for name, recipe in RECIPES.items() if recipe.filters] == ["cnn"]
    assert all(name == recipe.name for name, recipe in RECIPES.items())


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_json(name):
    recipe = RECIPES[name].but(hidden=(64, 32), seed=7)
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def test_augmentation_survives_json_and_can_be_taken_away():
    recipe = RECIPES["mlp"].with_augmentation(Augmentation(rotation=3.0))
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert recipe.with_augmentation(None) == RECIPES["mlp"]


def test_none_leaves_a_field_as_it_is_and_nothing_is_changed_in_place():
    recipe = RECIPES["mlp"]
    assert recipe.but(epochs=None) == recipe
    assert recipe.but(epochs=9).epochs == 9
    assert RECIPES["mlp"].epochs == 5
    with pytest.raises(AttributeError):
        recipe.epochs = 3


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("epochs", 0, "epochs must be a whole number from 1 up"),
        ("batch_size", 0, "batch_size must be a whole number from 1 up"),
        ("learning_rate", -1, "learning_rate must be a number above 0"),
        ("learning_rate", 0, "learning_rate must be a number above 0"),
        ("learning_rate", float("inf"), "learning_rate must be a number above 0"),
        ("learning_rate", float("nan"), "learning_rate must be a number above 0"),
        ("dropout", 1.0, "dropout must be at least 0 and below 1"),
        ("dropout", -0.1, "dropout must be at least 0 and below 1"),
        ("warmup", 1.0, "warmup must be at least 0 and below 1"),
        ("average", 1.0, "average must be at least 0 and below 1"),
        ("weight_decay", -1, "weight_decay must be at least 0 and below 1"),
        ("validation", -5, "validation must be a number of images"),
        ("seed", -1, "seed must be 0 to 2147483647"),
        ("seed", 2**31, "seed must be 0 to 2147483647"),
        ("hidden", (0,), r"hidden must be up to 100 layers of 1 to 65,536 units"),
        ("hidden", (8,) * 101, r"hidden must be up to 100 layers"),
        ("activation", "rleu", r"activation must be one of .*Did you mean 'relu'\?"),
        ("optimizer", "adan", r"optimizer must be one of .*Did you mean 'adam'\?"),
        ("schedule", "cosin", r"schedule must be one of .*Did you mean 'cosine'\?"),
    ],
)
def test_nonsense_is_refused_with_what_was_expected_and_what_came(field, value, wanted):
    with pytest.raises(Misuse, match=wanted) as caught:
        RECIPES["mlp"].but(**{field: value})
    assert "Received: " in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_misspelled_recipe_meets_its_neighbour():
    with pytest.raises(Misuse, match=r"unknown recipe 'clasic'.*Did you mean 'classic'\?"):
        get_recipe("clasic")


def test_recipes_import_no_third_party_package():
    code = (
        "import sys, digitscope.recipes\n"
        "theirs = {'numpy', 'keras', 'tensorflow', 'onnxruntime', 'typer'}\n"
        "print(sorted(theirs & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
