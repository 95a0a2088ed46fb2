"""The options of ``digitscope train``: one for each field of a recipe, and those of a run.

The options of the fields are made from their descriptions, so that help, choices and ranges stand
only in the recipe.
"""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from digitscope.cli.train_stream import STREAMED
from digitscope.errors import Misuse
from digitscope.recipes import RECIPES, Augmentation, Recipe
from digitscope.recipes.described import Description, descriptions
from digitscope.recipes.stream_recipe import StreamRecipe

Command = TypeVar("Command", bound=Callable[..., None])

DIGITS_PANEL, STREAM_PANEL = "Recipe", "Only of page and glyph"
SHARED = ("learning_rate", "batch_size", "epochs", "validation", "seed")  # of all networks
STREAM_FIELDS = (*SHARED, "patches")


def _stream_option(help_: str, default: str) -> Any:
    return typer.Option(help=help_, min=1, show_default=default, rich_help_panel=STREAM_PANEL)


RecipeArgument = Annotated[
    str | None,
    typer.Argument(help=f"One of {', '.join([*RECIPES, *STREAMED])}.", show_default="mlp"),
]
OutOption = Annotated[
    Path | None, typer.Option(help="The run's folder.", show_default="runs/<recipe>-<number>")
]
RecipeFileOption = Annotated[
    Path | None, typer.Option("--recipe", help="A recipe as `digitscope tune` writes it.")
]
ResumeOption = Annotated[
    Path | None, typer.Option(help="Continue the run in this folder after its last finished epoch.")
]
StartOption = Annotated[
    Path | None,
    _stream_option("Initial weights: a model.keras or .onnx file, or 'pretrained'.", "random ones"),
]
PageOption = Annotated[
    Path | None,
    _stream_option(
        "For glyph: the page network that finds the glyphs, a run or an .onnx file.",
        "the pretrained one",
    ),
]
WorkersOption = Annotated[int | None, _stream_option("Processes that draw patches.", "1")]
ThreadsOption = Annotated[int | None, _stream_option("Threads of TensorFlow.", "one for each core")]
MembersOption = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Train this number of networks; their average is the model.",
        show_default="one network",
    ),
]
ReportOption = Annotated[bool, typer.Option(help="Write report.html and the figures.")]


def with_recipe_options(command: Command) -> Command:
    """Give a command an option for each field of a recipe, in place of its ``**fields``."""
    signature = inspect.signature(command)
    before: list[inspect.Parameter] = []
    after: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        annotations = getattr(parameter.annotation, "__metadata__", ())
        panels = {getattr(option, "rich_help_panel", None) for option in annotations}
        (after if after or STREAM_PANEL in panels else before).append(parameter)
    fields = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in _field_options().items()
    ]
    parameters = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for parameter in [*before, *fields, *after]
    ]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in parameters} | {"return": None}
    return command


def _field_options() -> dict[str, Any]:
    """Return the annotation of each option that is made from a field of a recipe."""
    options: dict[str, Any] = {}
    for name, description in descriptions(Recipe).items():
        if name == "augmentation":
            options["augment"] = _option(bool, description.sentence)
        elif name != "name":
            options[name] = _field_option(description)
    patches = descriptions(StreamRecipe)["patches"]
    return options | {"patches": _field_option(patches, STREAM_PANEL)}


def _field_option(description: Description, panel: str = DIGITS_PANEL) -> Any:
    if not description.is_tuple:
        kind = str if isinstance((*description.choices, 0)[0], str) else description.kind
        return _option(kind, description.sentence, panel)
    none = "0" if description.item is int else "'none'"
    help_ = f"{description.sentence} Repeat the option for more; {none} for none."
    return _option(list[description.item], help_, panel)  # type: ignore[name-defined]


def _option(kind: Any, help_: str, panel: str = DIGITS_PANEL) -> Any:
    option = typer.Option(help=help_, show_default="the recipe's", rich_help_panel=panel)
    return Annotated[kind | None, option]


def changed(base: Recipe, fields: dict[str, Any]) -> Recipe:
    """Return a recipe with the values of the options; None leaves a field as it is."""
    changes = {name: fields[name] for name in descriptions(Recipe) if name in fields}
    for name, description in descriptions(Recipe).items():
        if description.is_tuple:  # an option that was not given is None or an empty list
            given = changes[name] or None
            changes[name] = () if given in ([0], ["none"]) else given and tuple(given)
    chosen = base.but(**changes)
    augment = fields["augment"]
    if augment is None:
        return chosen
    return chosen.with_augmentation((chosen.augmentation or Augmentation()) if augment else None)


def refuse_foreign(recipe: Recipe | StreamRecipe, given: dict[str, Any]) -> None:
    """Raise an error for options of other networks.

    Raises
    ------
    Misuse
        Naming the first of them.
    """
    if recipe.name != "glyph":
        _refuse(given, ["page"], "an option of train glyph only")
    if isinstance(recipe, Recipe):
        of_stream = ["patches", "workers", "threads", "start"]
        _refuse(given, of_stream, "an option of train page and train glyph only")
    else:
        of_digits = [name for name in descriptions(Recipe) if name not in SHARED]
        of_digits += ["data", "augment", "members"]
        _refuse(given, of_digits, f"not an option of train {recipe.name}")


def _refuse(given: dict[str, Any], names: Iterable[str], why: str) -> None:
    for name in names:
        if given.get(name) is not None:
            raise Misuse(f"--{name.replace('_', '-')} is {why}; see digitscope train --help.")
