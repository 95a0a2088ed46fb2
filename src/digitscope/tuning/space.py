"""Which fields of a recipe are searched, and between which values.

A space is a dictionary from the field to a `Range` or a `Choice`; ``augmentation.rotation`` names a
field of the recipe's augmentation.
"""

import dataclasses
import math
from typing import Any, TypeAlias, TypeVar, cast

from digitscope.errors import Misuse, did_you_mean
from digitscope.recipes import Recipe
from digitscope.recipes.described import Choice, Range, Value, descriptions
from digitscope.recipes.stream_recipe import StreamRecipe

AnyRecipe = TypeVar("AnyRecipe", bound=Recipe | StreamRecipe)


Space: TypeAlias = dict[str, Range | Choice]

ADAM = ("adam", "adamw")  # the optimizers with a beta_2


def usual_space(recipe: Recipe | StreamRecipe) -> Space:
    """Return what is searched of a recipe unless something is named.

    The ranges stand in the descriptions of the fields, those of the augmentation included.
    """
    space = _described(type(recipe))
    if isinstance(recipe, StreamRecipe):
        return space
    if recipe.optimizer not in ADAM:
        del space["beta_2"]
    if recipe.optimizer != "adamw":
        del space["weight_decay"]
    if recipe.augmentation:
        bending = _described(type(recipe.augmentation))
        space |= {f"augmentation.{field}": part for field, part in bending.items()}
    return space


def _described(kind: type) -> Space:
    return {
        field: description.search
        for field, description in descriptions(kind).items()
        if description.search
    }


def parse_space(texts: list[str], recipe: Recipe | StreamRecipe) -> Space:
    """Return the space that a user names; the usual one for none.

    Parameters
    ----------
    texts : list of str
        ``learning_rate`` takes the usual range, ``learning_rate=1e-4:1e-2`` another one and
        ``batch_size=32,64`` some values.
    recipe : Recipe or StreamRecipe

    Raises
    ------
    Misuse
        For an unknown field, one without a usual range, and for a range without an end.

    Examples
    --------
    >>> from digitscope.recipes import RECIPES
    >>> parse_space(["dropout=0:0.3", "batch_size=32,64"], RECIPES["mlp"])
    {'dropout': Range(low=0.0, high=0.3, log=False), 'batch_size': Choice(values=(32, 64))}
    """
    usual = usual_space(recipe)
    if not texts:
        return usual
    space: Space = {}
    for text in texts:
        field, _, values = text.partition("=")
        old = _get(recipe, field)
        if not values and field not in usual:
            raise Misuse(
                f"{field} has no usual range; give one, as {field}=LOW:HIGH or {field}=A,B. "
                f"Usual ranges have {', '.join(usual)}."
            )
        space[field] = _parse(text, values, old, usual.get(field)) if values else usual[field]
    return space


def _parse(text: str, values: str, old: Any, usual: Range | Choice | None) -> Range | Choice:
    kind = type(old) if isinstance(old, int | float) else str
    try:
        if ":" not in values:
            return Choice(tuple(kind(value) for value in values.split(",")))
        low, high = map(float, values.split(":"))
    except ValueError:
        low = high = math.nan
    if not low < high:
        raise Misuse(f"--search wants FIELD=LOW:HIGH or FIELD=A,B. Received: {text!r}.")
    if kind is int:
        raise Misuse(f"{text.partition('=')[0]} is a whole number; name values, as A,B,C.")
    log = isinstance(usual, Range) and usual.log and low > 0
    return Range(low, high, log)


def value_of(recipe: Recipe | StreamRecipe, space: Space) -> dict[str, Value]:
    """Return the recipe's own values of the fields that are searched, where they are in reach."""
    own = {field: _get(recipe, field) for field in space}
    return {field: value for field, value in own.items() if value in space[field]}


def with_values(recipe: AnyRecipe, values: dict[str, Any]) -> AnyRecipe:
    """Return a recipe with other values.

    >>> from digitscope.recipes import RECIPES
    >>> with_values(RECIPES["mlp-max"], {"augmentation.shear": 0.2}).augmentation.shear
    0.2
    """
    plain = {field: value for field, value in values.items() if "." not in field}
    for field, value in values.items():
        outer, _, inner = field.partition(".")
        if inner:
            part = plain.get(outer) or getattr(recipe, outer)
            plain[outer] = dataclasses.replace(part, **{inner: value})
    return cast(AnyRecipe, recipe.but(**plain))


def _get(recipe: Recipe | StreamRecipe, field: str) -> Any:
    """Return the value of a field, as `Misuse` says which there are."""
    value: Any = recipe
    for name in field.split("."):
        names = [f.name for f in dataclasses.fields(value)] if value is not None else []
        if name not in names:
            raise Misuse(
                f"the recipe {recipe.name} has no field {field!r}; it has {', '.join(names)}."
                + did_you_mean(name, names)
            )
        value = getattr(value, name)
    return value
