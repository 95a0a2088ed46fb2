"""Recipes say what to train, and refuse what makes no sense."""

import dataclasses
import json
import subprocess
import sys

import pytest

from digitscope.errors import Misuse
from digitscope.recipes import RECIPES, Augmentation, Recipe, get_recipe
from digitscope.recipes.described import about, check, descriptions
from digitscope.recipes.glyph_recipe import GLYPH, GlyphRecipe
from digitscope.recipes.page_recipe import PAGE, LossWeights, PageRecipe
from digitscope.recipes.stream_recipe import StreamRecipe


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
        recipe.epochs = 3  # type: ignore[misc]


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
        ("validation", -5, "validation must be a whole number from 0 up"),
        ("seed", -1, "seed must be a whole number from 0 to 2,147,483,647"),
        ("seed", 2**31, "seed must be a whole number from 0 to 2,147,483,647"),
        ("hidden", (0,), "hidden must be up to 100 whole numbers from 1 to 65,536"),
        ("hidden", (8,) * 101, "hidden must be up to 100 whole numbers"),
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


@pytest.mark.parametrize("kind", [Recipe, Augmentation, PageRecipe, LossWeights, GlyphRecipe])
def test_every_field_is_described_in_lower_case_without_a_full_stop(kind):
    described = descriptions(kind)
    assert list(described) == [field.name for field in dataclasses.fields(kind)]
    for description in described.values():
        assert description.help[0].islower()
        assert not description.help.endswith(".")
        if description.kind in (int, float):
            assert description.wanted


def test_another_default_keeps_the_description():
    assert dataclasses.replace(GLYPH, warmup=0.5).warmup == 0.5
    assert descriptions(GlyphRecipe)["warmup"] == descriptions(StreamRecipe)["warmup"]
    with pytest.raises(Misuse, match="warmup must be at least 0 and below 1"):
        GLYPH.but(warmup=1.0)


@pytest.mark.parametrize(
    ("recipe", "changes", "wanted"),
    [
        (Augmentation(), {"rotation": -1.0}, "rotation must be a number from 0 up"),
        (Augmentation(), {"blur": 1.5}, "blur must be a number from 0 to 1"),
        (Augmentation(), {"smoothness": 0.0}, "smoothness must be a number above 0"),
        (LossWeights(), {"heat": float("nan")}, "heat must be a number from 0 up"),
        (PAGE, {"encoder": (1, 4)}, "encoder must be 3 whole numbers from 0 up"),
        (PAGE, {"epochs": 1.5}, "epochs must be a whole number from 1 up"),
        (PAGE, {"patch": 100}, "patch must be a multiple of 16"),
        (PAGE, {"precision": "bfloat61"}, r"precision must be .*Did you mean 'bfloat16'\?"),
    ],
)
def test_all_recipes_are_checked_by_their_descriptions(recipe, changes, wanted):
    with pytest.raises(Misuse, match=wanted):
        dataclasses.replace(recipe, **changes)


def test_a_range_is_open_or_closed_at_each_end():
    @dataclasses.dataclass
    class Pair:
        share: float = dataclasses.field(default=1.0, metadata=about("a share", above=0, high=1))
        others: tuple[int, ...] = dataclasses.field(
            default=(), metadata=about("others", low=1, high=3, most=2)
        )

    check(Pair(1.0, (1, 3)))
    for share in (0.0, 1.1):
        with pytest.raises(Misuse, match="share must be a number above 0 up to 1"):
            check(Pair(share))
    for others in ((0,), (4,), (1.0,), (1, 2, 3)):
        with pytest.raises(Misuse, match="others must be up to 2 whole numbers from 1 to 3"):
            check(Pair(0.5, others))  # type: ignore[arg-type]
