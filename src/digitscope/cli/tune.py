"""``digitscope tune``: hyperparameter search with Optuna on held-out data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitscope.cli.common import DataDirOption, DataOption, JsonOption, print_json, remark
from digitscope.cli.train_stream import STREAMED
from digitscope.errors import Misuse
from digitscope.extras import require
from digitscope.recipes import RECIPES, Recipe, get_recipe
from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.runs import new_run_folder

if TYPE_CHECKING:
    from digitscope.tuning.study import Trial, Tuned

FOLDER = Path("tuning")
RecipeArgument = Annotated[str, typer.Argument(help=f"One of {', '.join([*RECIPES, *STREAMED])}.")]
TrialsOption = Annotated[
    int, typer.Option(min=1, help="Number of trials, including those of earlier commands.")
]
SearchOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A field to search: FIELD, FIELD=LOW:HIGH or FIELD=A,B; repeat it for more fields.",
        show_default="the fields with a default range",
    ),
]
EpochsOption = Annotated[
    int | None, typer.Option(min=1, help="Epochs of a trial.", show_default="the recipe's")
]
PatchesOption = Annotated[
    int | None,
    typer.Option(min=1, help="For page and glyph: patches per epoch.", show_default="the recipe's"),
]
ValidationOption = Annotated[
    int | None,
    typer.Option(min=1, help="Number of held-out images.", show_default="the recipe's"),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        help="The folder of the results; a search in an existing folder is continued.",
        show_default="tuning/<recipe>-<number>",
    ),
]
StorageOption = Annotated[
    str,
    typer.Option(
        help="URL of the database, for several machines: postgresql://..., mysql://...",
        show_default="an SQLite file in the folder",
    ),
]


def command(
    recipe: RecipeArgument = "mlp",
    trials: TrialsOption = 30,
    search: SearchOption = None,
    epochs: EpochsOption = None,
    patches: PatchesOption = None,
    validation: ValidationOption = None,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    out: OutOption = None,
    storage: StorageOption = "",
    jobs: Annotated[int, typer.Option(min=1, help="Parallel trials on this machine.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sampler.")] = 0,
    json: JsonOption = False,
) -> None:
    r"""Search for the values of a recipe that give the lowest loss on held-out data.

    Each trial trains with other values; a trial that is worse than the median of earlier trials
    after an epoch is stopped. Test images are not used. The first trial is the recipe itself. A
    stopped search is continued with the same --out; several machines share one search with the same
    --storage and --out.

    \b
    Examples:
      digitscope tune mlp --trials 40
      digitscope tune mlp --search learning_rate=1e-3:1e-1 --search batch_size=64,128
      digitscope tune cnn --epochs 4 --jobs 2 --out tuning/cnn
      digitscope tune page --epochs 3 --patches 2000 --storage postgresql://host/digitscope
      digitscope train --recipe tuning/mlp-1/best.json
    """
    require("tune", "digitscope tune")
    require("figures", "digitscope tune")  # for the report at its end
    chosen = _choose_recipe(recipe, epochs, patches, validation, data)
    from digitscope.tuning import Tuning, parse_space, tune

    tuning = Tuning(
        out=out or new_run_folder(FOLDER, recipe),
        recipe=chosen,
        space=parse_space(search or [], chosen),
        trials=trials,
        storage=storage,
        jobs=jobs,
        seed=seed,
        data=data,
        data_dir=data_dir,
    )
    remark(f"{tuning.out}: {trials} trials of {recipe}, {chosen.epochs} epochs each; fields:")
    remark(f"  {', '.join(tuning.space)}")
    try:
        tuned = tune(tuning, show)
    except KeyboardInterrupt:
        remark(f"continue with the same command and --out {tuning.out}")
        raise
    from digitscope.rendering.tuning_report import report_tuning

    report = report_tuning(tuned.to_dict(), tuning.recipe.to_dict(), tuning.out)
    if json:
        print_json(tuned.to_dict())
        return
    print(describe(tuned))
    print(f"recipe  {tuned.recipe_file}\nreport  {report}")


def _choose_recipe(
    name: str, epochs: int | None, patches: int | None, validation: int | None, data: str | None
) -> Recipe | StreamRecipe:
    """Return the named recipe with the values of the options."""
    if name in STREAMED:
        if data is not None:
            raise Misuse(f"--data is not an option of tune {name}, whose pages are synthesised.")
        return STREAMED[name].but(epochs=epochs, patches=patches, validation=validation)
    if patches is not None:
        raise Misuse("--patches is an option of tune page and tune glyph only.")
    return get_recipe(name, others=STREAMED).but(epochs=epochs, validation=validation)


def show(trial: "Trial", best: float) -> None:
    """Print a line for a finished trial."""
    loss = "" if trial.loss is None else f"  held out {trial.loss:.4f}"
    remark(
        f"trial {trial.number}  {trial.state} after epoch {trial.epochs}{loss}  "
        f"{trial.seconds:.0f} s  best {best:.4f}"
    )


def describe(tuned: "Tuned") -> str:
    """Return the result as plain text."""
    best, states = tuned.best, [trial.state for trial in tuned.trials]
    first = tuned.trials[0]
    lines = [
        f"\nbest of {len(states)} trials, {states.count('pruned')} of them stopped early: "
        f"trial {best.number}, held-out loss {best.loss:.4f}"
        + (f" (the original recipe: {first.loss:.4f})" if first.loss is not None else "")
    ]
    for field, value in best.values.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        share = f"   importance {tuned.importances[field]:.0%}" if tuned.importances else ""
        lines.append(f"  {field:22}{shown:>10}{share}")
    return "\n".join(lines) + "\n"
