"""What a field of a recipe means: its help, unit, range, choices, and where a search looks.

Each fact is written once, as metadata of a dataclass field::

    epochs: int = field(default=5, metadata=about("passes over the training images", low=1))

The check of a recipe, the options of ``digitscope train``, the notes in reports, the usual ranges
of ``digitscope tune`` and the tables in ``docs/recipes.md`` are made from it.
"""

import dataclasses
import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args, get_origin

from digitscope.errors import Misuse, did_you_mean

Value: TypeAlias = float | int | str


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; with `log`, all orders of magnitude are equally likely."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of some values."""

    values: tuple[Value, ...]

    def __contains__(self, value: object) -> bool:
        return value in self.values


@dataclass(frozen=True, kw_only=True)
class Description:
    """What one field means, and which values it takes.

    Attributes
    ----------
    help : str
        A phrase in lower case without a full stop.
    unit : str
    low, above : float or None
        The smallest value, or the value that it must exceed.
    high, below : float or None
        The largest value, or the value that it must stay below; infinity for any finite number.
    choices : tuple
        All values that there are; those of a ``Literal`` need not be named.
    most : int or None
        Largest number of items, of a tuple of any length.
    search : Range or Choice or None
        Where ``digitscope tune`` searches unless a range is named.
    kind : type
        The field's annotation.
    """

    help: str
    unit: str = ""
    low: float | None = None
    above: float | None = None
    high: float | None = None
    below: float | None = None
    choices: tuple[Value, ...] = ()
    most: int | None = None
    search: Range | Choice | None = None
    kind: Any = None

    @property
    def is_tuple(self) -> bool:
        """Whether the field has several items."""
        return get_origin(self.kind) is tuple

    @property
    def item(self) -> Any:
        """The type of the value, or of each of its items."""
        return get_args(self.kind)[0] if self.is_tuple else self.kind

    @property
    def sentence(self) -> str:
        """The help as a sentence, with the choices."""
        text = self.help[0].upper() + self.help[1:]
        return f"{text}." + (f" One of {_join(self.choices)}." if self.choices else "")

    @property
    def wanted(self) -> str:
        """The values that the field takes, as a phrase; empty if it takes any."""
        if self.choices:
            return f"one of {_join(self.choices)}"
        number = "whole number" if self.item is int else "number"
        if not self.is_tuple:
            return self._range(f"a {number}") if self.item in (int, float) else ""
        if self.item is not int:
            return ""
        exact = len(get_args(self.kind)) if self.most is None else 0
        return self._range(f"{exact or f'up to {self.most}'} {number}s")

    def _range(self, subject: str) -> str:
        high = None if self.high is None else f"{self.high:,}"
        below = None if self.below in (None, math.inf) else f"{self.below:g}"
        if below is not None:
            least = f"at least {self.low:g}" if self.above is None else f"above {self.above:g}"
            return f"{least} and below {below}"
        if self.above is not None:
            return f"{subject} above {self.above:g}" + (f" up to {high}" if high else "")
        return f"{subject} from {self.low:g} " + (f"to {high}" if high else "up")

    def allows(self, value: Any) -> bool:
        """Return whether the field takes a value."""
        if self.choices:
            return value in self.choices
        if not self.is_tuple:
            return self._is_in_range(value)
        n = len(get_args(self.kind))
        fits = (Ellipsis in get_args(self.kind) or len(value) == n) and (
            self.most is None or len(value) <= self.most
        )
        return fits and all(self._is_in_range(item) for item in value)

    def _is_in_range(self, value: Any) -> bool:
        return (
            (self.item is not int or isinstance(value, int))
            and (self.low is None or self.low <= value)
            and (self.above is None or self.above < value)
            and (self.high is None or value <= self.high)
            and (self.below is None or value < self.below)
        )


def about(help_: str, **details: Any) -> dict[str, Description]:
    """Return the metadata of a field: its help, and other fields of `Description`."""
    return {"description": Description(help=help_, **details)}


@cache
def descriptions(recipe: type) -> dict[str, Description]:
    """Return what each field of a dataclass means, in the order of the fields.

    A subclass that only changes a default keeps the description.

    Examples
    --------
    >>> from digitscope.recipes.glyph_recipe import GlyphRecipe
    >>> descriptions(GlyphRecipe)["epochs"].wanted
    'a whole number from 1 up'
    """
    found: dict[str, Description] = {}
    for base in reversed(recipe.__mro__):
        for name, field in base.__dict__.get("__dataclass_fields__", {}).items():
            if described := field.metadata.get("description"):
                found[name] = described
    complete = {}
    for field in dataclasses.fields(recipe):
        described = found[field.name]
        literal = get_args(field.type) if get_origin(field.type) is Literal else ()
        complete[field.name] = dataclasses.replace(
            described, kind=field.type, choices=described.choices or literal
        )
    return complete


def check(recipe: Any) -> None:
    """Refuse a recipe of which a field has a value out of its range or choices.

    Raises
    ------
    Misuse
        Naming the field, what it takes, and its value.
    """
    kind: type = type(recipe)
    for name, description in descriptions(kind).items():
        value = getattr(recipe, name)
        if not description.allows(value):
            names = [choice for choice in description.choices if isinstance(choice, str)]
            raise Misuse(
                f"{name} must be {description.wanted}. Received: {value!r}."
                + did_you_mean(str(value), names)
            )


def _join(values: tuple[Value, ...]) -> str:
    return ", ".join(map(str, values))
