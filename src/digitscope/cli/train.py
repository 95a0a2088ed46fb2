"""``digitscope train``: data and recipe in, a trained network with its scores and report out."""

from pathlib import Path
from typing import Any

import typer

from digitscope.cli.common import DataDirOption, DataOption, JsonOption
from digitscope.cli.train_digits import DigitOptions
from digitscope.cli.train_digits import train as train_digits
from digitscope.cli.train_options import (
    STREAM_FIELDS,
    MembersOption,
    OutOption,
    PageOption,
    RecipeArgument,
    RecipeFileOption,
    ReportOption,
    ResumeOption,
    StartOption,
    ThreadsOption,
    WorkersOption,
    changed,
    refuse_foreign,
    with_recipe_options,
)
from digitscope.cli.train_stream import STREAMED, StreamOptions
from digitscope.cli.train_stream import train as train_stream
from digitscope.errors import BadRun, Misuse
from digitscope.extras import require, require_training
from digitscope.recipes import Recipe, get_recipe
from digitscope.recipes.recipe_file import read_recipe
from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.runs import Run


@with_recipe_options
def command(
    recipe: RecipeArgument = None,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    out: OutOption = None,
    recipe_file: RecipeFileOption = None,
    resume: ResumeOption = None,
    start: StartOption = None,
    page: PageOption = None,
    workers: WorkersOption = None,
    threads: ThreadsOption = None,
    members: MembersOption = None,
    report: ReportOption = True,
    json: JsonOption = False,
    **fields: Any,
) -> None:
    r"""Train a network, score it on the test images, and write a report.

    \b
    Examples:
      digitscope train                          the default recipe, mlp; some seconds
      digitscope train classic                  the network of the usual tutorials
      digitscope train mlp-max                  the same layers, more accurate; some minutes
      digitscope train cnn                      a convolutional network; about 40 minutes
      digitscope train page --epochs 4          the network that finds digits on pages
      digitscope train page --start pretrained  the same, from the pretrained weights
      digitscope train glyph --workers 2        the network that checks doubtful digits
      digitscope train --hidden 256 --hidden 64 --dropout 0.2 --epochs 10
      digitscope train --data folder:my-digits  your own images
      digitscope train cnn --members 5          a committee of five networks
      digitscope train --recipe tuning/mlp-1/best.json
      digitscope train --resume runs/mlp-1      continue after an interruption
    """
    require_training("digitscope train")
    if report:
        require("figures", "digitscope train")
    placed = {"data": data, "data_dir": data_dir, "out": out, "start": start, "page": page}
    given = fields | placed | {"members": members}
    base = _choose(recipe, recipe_file, resume, given)
    refuse_foreign(base, given | {"workers": workers, "threads": threads})
    if out and (out / "run.json").exists():  # said before the seconds of importing Keras
        raise BadRun(f"{out} already holds a run; name another --out or continue it with --resume.")
    if isinstance(base, Recipe):
        options = DigitOptions(
            data=data, data_dir=data_dir, out=out, resume=resume, members=members
        )
        run = train_digits(changed(base, fields), options, report=report, json=json)
    else:
        stream_options = StreamOptions(
            out=out, resume=resume, start=start, page=page, data_dir=data_dir,
            workers=workers or 1, threads=threads,
        )  # fmt: skip
        mine = {name: fields[name] for name in STREAM_FIELDS}
        run = train_stream(base.but(**mine), stream_options, report=report, json=json)
    if run.record["status"] == "interrupted":
        raise typer.Exit(130)


def _choose(
    recipe: str | None, recipe_file: Path | None, resume: Path | None, given: dict[str, Any]
) -> Recipe | StreamRecipe:
    """Return the recipe that is named; for --resume, the recipe of its network."""
    if resume:
        others = [recipe, recipe_file, *given.values()]
        if any(value is not None for value in others):
            raise Misuse(
                "--resume continues a run with its own settings; leave the other options out."
            )
        return STREAMED.get(Run.open(resume).network) or get_recipe("mlp")
    if recipe is not None and recipe_file is not None:
        raise Misuse(f"name a recipe or a file of one, not both. Received: {recipe}, {recipe_file}")
    if recipe_file:
        return read_recipe(recipe_file)
    named = recipe or "mlp"
    return STREAMED.get(named) or get_recipe(named, others=STREAMED)
