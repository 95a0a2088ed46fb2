"""Search space: fields of a recipe and the values that are tried.

A space maps the name of a field to a `Range` or a `Choice`; ``augmentation.rotation`` is a field of
the recipe's augmentation.
"""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from digitscope.errors import Misuse, did_you_mean
from digitscope.recipes import Recipe
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.recipes.stream_recipe import StreamRecipe

AnyRecipe = TypeVar("AnyRecipe", bound=Recipe | StreamRecipe)
Value: TypeAlias = float | int | str


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; with `log` they are sampled on a logarithmic scale."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """A finite set of values."""

    values: tuple[Value, ...]

    def __contains__(self, value: object) -> bool:
        return value in self.values


Space: TypeAlias = dict[str, Range | Choice]

DIGITS: Space = {
    "learning_rate": Range(1e-4, 3e-2, log=True),
    "batch_size": Choice((32, 64, 128, 256, 512)),
    "beta_2": Choice((0.95, 0.98, 0.99, 0.999)),
    "warmup": Range(0.0, 0.5),
    "schedule": Choice(("constant", "linear", "cosine")),
    "dropout": Range(0.0, 0.5),
    "average": Choice((0.0, 0.99, 0.999)),
}
DECAY: Space = {"weight_decay": Range(1e-3, 0.3, log=True)}
AUGMENTATION: Space = {
    "augmentation.rotation": Range(0.0, 15.0),
    "augmentation.scale": Range(0.0, 0.2),
    "augmentation.shear": Range(0.0, 0.3),
    "augmentation.shift": Range(0.0, 1.5),
    "augmentation.elastic": Range(0.0, 2.0),
}
STREAM: Space = {
    "learning_rate": Range(2e-4, 5e-3, log=True),
    "weight_decay": Range(1e-3, 0.1, log=True),
    "beta_2": Choice((0.95, 0.98, 0.99, 0.999)),
    "warmup": Range(0.0, 0.2),
    "average": Choice((0.99, 0.998, 0.999)),
}
GLYPH: Space = {"dropout": Range(0.0, 0.5)}


def usual_space(recipe: Recipe | StreamRecipe) -> Space:
    """Return the default search space of a recipe."""
    if isinstance(recipe, GlyphRecipe):
        return STREAM | GLYPH
    if isinstance(recipe, StreamRecipe):
        return dict(STREAM)
    space = dict(DIGITS)
    if recipe.optimizer not in ("adam", "adamw"):
        del space["beta_2"]
    if recipe.optimizer == "adamw":
        space |= DECAY
    return space | AUGMENTATION if recipe.augmentation else space


def parse_space(texts: list[str], recipe: Recipe | StreamRecipe) -> Space:
    """Return the search space that a user describes; without a description, the default one.

    Parameters
    ----------
    texts : list of str
        ``learning_rate`` for the default range, ``learning_rate=1e-4:1e-2`` for another range,
        ``batch_size=32,64`` for a set of values.
    recipe : Recipe or StreamRecipe

    Raises
    ------
    Misuse
        For an unknown field, a field without a default range, or an invalid range.

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
                f"{field} has no default range; give one, such as {field}=LOW:HIGH or "
                f"{field}=A,B. Fields with a default range: {', '.join(usual)}."
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
        raise Misuse(f"--search must be FIELD=LOW:HIGH or FIELD=A,B. Received: {text!r}.")
    if kind is int:
        field = text.partition("=")[0]
        raise Misuse(f"{field} is an integer; give values, as {field}=A,B. Received: {text!r}.")
    log = isinstance(usual, Range) and usual.log and low > 0
    return Range(low, high, log)


def value_of(recipe: Recipe | StreamRecipe, space: Space) -> dict[str, Value]:
    """Return the recipe's own values of the searched fields that lie in the space."""
    own = {field: _get(recipe, field) for field in space}
    return {field: value for field, value in own.items() if value in space[field]}


def with_values(recipe: AnyRecipe, values: dict[str, Any]) -> AnyRecipe:
    """Return a recipe with other values of some fields.

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
    """Return the value of a field; raise `Misuse` for an unknown one."""
    value: Any = recipe
    for name in field.split("."):
        names = [f.name for f in dataclasses.fields(value)] if value is not None else []
        if name not in names:
            raise Misuse(
                f"the recipe {recipe.name} has no field {field!r}; expected {', '.join(names)}."
                + did_you_mean(name, names)
            )
        value = getattr(value, name)
    return value
