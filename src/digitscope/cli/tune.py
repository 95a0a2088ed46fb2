"""``digitscope tune``: a better recipe, searched with Optuna on held-out data."""

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


def command(
    recipe: Annotated[
        str, typer.Argument(help=f"One of {', '.join([*RECIPES, *STREAMED])}.")
    ] = "mlp",
    trials: Annotated[
        int, typer.Option(min=1, help="Trials to finish, those of earlier commands included.")
    ] = 30,
    search: Annotated[
        list[str] | None,
        typer.Option(
            help="A field to search: FIELD, FIELD=LOW:HIGH or FIELD=A,B; repeat it for more.",
            show_default="those that matter, in usual ranges",
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of a trial.", show_default="the recipe's")
    ] = None,
    patches: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of page and glyph: patches in an epoch.", show_default="the recipe's"
        ),
    ] = None,
    validation: Annotated[
        int | None, typer.Option(min=1, help="What is held out.", show_default="the recipe's")
    ] = None,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the results; one that exists is gone on with.",
            show_default="tuning/<recipe>-<number>",
        ),
    ] = None,
    storage: Annotated[
        str,
        typer.Option(
            help="URL of the database, for several machines: postgresql://..., mysql://...",
            show_default="an SQLite file in the folder",
        ),
    ] = "",
    jobs: Annotated[int, typer.Option(min=1, help="Trials at once on this machine.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of values.")] = 0,
    json: JsonOption = False,
) -> None:
    r"""Search for the values of a recipe with which the loss on held-out data is least.

    Each trial trains with other values; one that is worse than half of the earlier ones at the end
    of an epoch is ended early. The test images are never looked at. The first trial is the recipe
    as it is. A search that was stopped goes on with the same --out; several machines share one
    with the same --storage and --out.

    \b
    Examples:
      digitscope tune mlp --trials 40
      digitscope tune mlp --search learning_rate=1e-3:1e-1 --search batch_size=64,128
      digitscope tune cnn --epochs 4 --jobs 2 --out tuning/cnn
      digitscope tune page --epochs 3 --patches 2000 --storage postgresql://host/digitscope
      digitscope train --recipe tuning/mlp-1/best.json
    """
    require("tune", "digitscope tune")
    require("figures", "digitscope tune")  # for its report, hours later
    if recipe in STREAMED:
        if data is not None:
            raise Misuse(f"--data is no option of tune {recipe}; its pages are drawn.")
        chosen: Recipe | StreamRecipe = STREAMED[recipe].but(
            epochs=epochs, patches=patches, validation=validation
        )
    else:
        if patches is not None:
            raise Misuse("--patches is an option of tune page and tune glyph only.")
        chosen = get_recipe(recipe).but(epochs=epochs, validation=validation)
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
    remark(f"{tuning.out}: {trials} trials of {recipe}, {chosen.epochs} epochs each; searched are")
    remark(f"  {', '.join(tuning.space)}")
    try:
        tuned = tune(tuning, show)
    except KeyboardInterrupt:
        remark(f"go on with the same command and --out {tuning.out}")
        raise
    from digitscope.rendering.tuning_page import report_tuning

    report = report_tuning(tuned.to_dict(), tuning.recipe.to_dict(), tuning.out)
    if json:
        print_json(tuned.to_dict())
        return
    print(describe(tuned))
    print(f"recipe  {tuned.recipe_file}\nreport  {report}")


def show(trial: "Trial", best: float) -> None:
    """Print a line for a trial that has ended."""
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
        f"\nbest of {len(states)} trials, {states.count('pruned')} of them ended early: "
        f"trial {best.number}, held-out loss {best.loss:.4f}"
        + (f" (the recipe as it was: {first.loss:.4f})" if first.loss is not None else "")
    ]
    for field, value in best.values.items():
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        share = f"   importance {tuned.importances[field]:.0%}" if tuned.importances else ""
        lines.append(f"  {field:22}{shown:>10}{share}")
    return "\n".join(lines) + "\n"
