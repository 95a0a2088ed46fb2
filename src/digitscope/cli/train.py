"""``digitscope train``: data and recipe in, a trained network with its scores and report out."""

import gc
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitscope.cli.common import (
    DataDirOption,
    DataOption,
    JsonOption,
    describe_scores,
    make_bar,
    print_json,
    remark,
)
from digitscope.cli.train_stream import STREAMED, StreamOptions
from digitscope.cli.train_stream import train as train_stream
from digitscope.errors import BadRun, Misuse
from digitscope.extras import require, require_training
from digitscope.recipes import RECIPES, Augmentation, Recipe, get_recipe
from digitscope.recipes.recipe_file import read_recipe
from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.runs import Run

if TYPE_CHECKING:
    from digitscope.data import Dataset
    from digitscope.evaluation import Scores
    from digitscope.runs import Row


def _option(help_: str) -> Any:
    return typer.Option(help=help_, show_default="the recipe's", rich_help_panel="Recipe")


def _stream_option(help_: str, *, default: str = "the recipe's") -> Any:
    return typer.Option(
        help=help_, min=1, show_default=default, rich_help_panel="Only of page and glyph"
    )


def command(
    recipe: Annotated[
        str | None,
        typer.Argument(help=f"One of {', '.join([*RECIPES, *STREAMED])}.", show_default="mlp"),
    ] = None,
    data: DataOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run's folder.", show_default="runs/<recipe>-<number>"),
    ] = None,
    recipe_file: Annotated[
        Path | None,
        typer.Option("--recipe", help="A recipe as `digitscope tune` writes it."),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="Go on with this run's folder from its last finished epoch."),
    ] = None,
    filters: Annotated[
        list[int] | None,
        _option("Filters of a convolution; repeat it for more layers, 0 for none."),
    ] = None,
    stem: Annotated[
        int | None, _option("Side of the first kernels, which then halve the picture; 0 for none.")
    ] = None,
    hidden: Annotated[
        list[int] | None, _option("Units of a hidden layer; repeat it for more layers, 0 for none.")
    ] = None,
    activation: Annotated[
        str | None, _option("relu, sigmoid, tanh, elu, selu, gelu, silu, linear.")
    ] = None,
    dropout: Annotated[float | None, _option("Share of hidden units silenced in a step.")] = None,
    optimizer: Annotated[str | None, _option("adam, adamw, sgd, momentum, rmsprop.")] = None,
    learning_rate: Annotated[float | None, _option("The rate, or its peak.")] = None,
    beta_2: Annotated[float | None, _option("Decay of Adam's mean of squared gradients.")] = None,
    schedule: Annotated[str | None, _option("constant, linear, cosine.")] = None,
    warmup: Annotated[
        float | None, _option("Share of the steps over which the rate rises.")
    ] = None,
    batch_size: Annotated[int | None, _option("Images in a step.")] = None,
    epochs: Annotated[int | None, _option("Passes over the training images.")] = None,
    validation: Annotated[int | None, _option("Training images held out.")] = None,
    average: Annotated[float | None, _option("Decay of the weight average, 0 for none.")] = None,
    weight_decay: Annotated[float | None, _option("Of adamw.")] = None,
    augment: Annotated[
        bool | None, _option("Bend the training images anew in every epoch.")
    ] = None,
    synthetic: Annotated[int | None, _option("Drawn digits that join in each epoch.")] = None,
    sources: Annotated[
        list[str] | None,
        _option("Data set of other writers that joins; repeat it for more, 'none' for none."),
    ] = None,
    handwritten: Annotated[
        int | None, _option("Digits of the sources, drawn anew, that join in each epoch.")
    ] = None,
    non_digits: Annotated[
        int | None, _option("Drawn letters, signs and blots that it learns to refuse.")
    ] = None,
    seed: Annotated[int | None, _option("Of weights, order, dropout and augmentation.")] = None,
    patches: Annotated[int | None, _stream_option("Drawn patches in an epoch.")] = None,
    start: Annotated[
        Path | None,
        _stream_option(
            "Weights to begin with: a model.keras or .onnx file, or 'pretrained'.",
            default="random ones",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        _stream_option(
            "Of glyph: the page network whose glyphs are cut out, a run or an .onnx file.",
            default="the pretrained one",
        ),
    ] = None,
    workers: Annotated[
        int | None, _stream_option("Processes that draw patches.", default="1")
    ] = None,
    threads: Annotated[
        int | None, _stream_option("Threads of TensorFlow.", default="one a core")
    ] = None,
    members: Annotated[
        int | None,
        typer.Option(
            min=2, help="Train so many networks and ship them as one.", show_default="one network"
        ),
    ] = None,
    report: Annotated[bool, typer.Option(help="Write report.html and the figures.")] = True,
    json: JsonOption = False,
) -> None:
    r"""Train a network, score it on the test images, and write a report.

    \b
    Examples:
      digitscope train                          the tuned default, some seconds
      digitscope train classic                  the script that every tutorial prints
      digitscope train mlp-max                  the same network, as good as it gets
      digitscope train cnn                      the one that reads; some twenty minutes
      digitscope train page --epochs 4          the one that finds digits on pages; a day in full
      digitscope train page --start pretrained  go on with the network that comes with it
      digitscope train glyph --workers 2        its second look at doubtful ones; an hour
      digitscope train --hidden 256 --hidden 64 --dropout 0.2 --epochs 10
      digitscope train --data folder:my-digits  on one's own images
      digitscope train cnn --members 5          five networks that answer together
      digitscope train --recipe tuning/mlp-1/best.json
      digitscope train --resume runs/mlp-1      go on after an interruption
    """
    require_training("digitscope train")
    if report:
        require("figures", "digitscope train")
    started = time.perf_counter()
    changes: dict[str, Any] = {
        "stem": stem,
        "activation": activation,
        "dropout": dropout,
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "beta_2": beta_2,
        "schedule": schedule,
        "warmup": warmup,
        "batch_size": batch_size,
        "epochs": epochs,
        "validation": validation,
        "average": average,
        "weight_decay": weight_decay,
        "synthetic": synthetic,
        "handwritten": handwritten,
        "non_digits": non_digits,
        "seed": seed,
    }
    if resume:
        others = [
            recipe,
            recipe_file,
            filters,
            hidden,
            sources,
            augment,
            data,
            data_dir,
            out,
            patches,
            start,
            page,
            members,
        ]
        if any(value is not None for value in [*others, *changes.values()]):
            raise Misuse(
                "--resume goes on with a run as it was begun; leave the other options out."
            )
    shared = ("learning_rate", "batch_size", "epochs", "validation", "seed")
    of_stream = {"patches": patches, "workers": workers, "threads": threads, "start": start}
    if recipe is not None and recipe_file is not None:
        raise Misuse(f"name a recipe or a file of one, not both. Received: {recipe}, {recipe_file}")
    named = Run.open(resume).network if resume else recipe or "mlp"
    base: Recipe | StreamRecipe
    if recipe_file:
        base = read_recipe(recipe_file)
    elif named in STREAMED:
        base = STREAMED[named]
    else:
        base = get_recipe("mlp" if resume else named)
    if base.name != "glyph":
        _refuse({"page": page}, "an option of train glyph only")
    if not isinstance(base, Recipe):
        options = StreamOptions(
            out=out,
            resume=resume,
            start=start,
            page=page,
            data_dir=data_dir,
            workers=workers or 1,
            threads=threads,
        )
        of_digits = changes | {"data": data, "filters": filters, "hidden": hidden}
        of_digits |= {"sources": sources, "augment": augment, "members": members}
        _refuse(
            {k: v for k, v in of_digits.items() if k not in shared},
            f"no option of train {base.name}",
        )
        mine = {name: changes[name] for name in shared} | {"patches": patches}
        _check_out(out)
        run = train_stream(base.but(**mine), options, report=report, json=json)
        if run.record["status"] == "interrupted":
            raise typer.Exit(130)
        return
    _refuse(of_stream, "an option of train page and train glyph only")
    for field, layers in (("filters", filters), ("hidden", hidden)):
        if layers:
            changes[field] = () if layers == [0] else tuple(layers)
    if sources:
        changes["sources"] = () if sources == ["none"] else tuple(sources)
    chosen = base.but(**changes)
    if augment is not None:
        kept = chosen.augmentation or Augmentation()
        chosen = chosen.with_augmentation(kept if augment else None)
    _check_out(out)
    from concurrent.futures import ThreadPoolExecutor

    from digitscope.data import load_data

    with ThreadPoolExecutor(1) as pool:  # unzipping leaves the interpreter free for the imports
        loading = None if resume else pool.submit(load_data, data, data_dir)
        import digitscope.training as training

    gc.freeze()  # what is imported stays; no collection need look at it again
    imported = time.perf_counter() - started
    progress = _Progress(json)
    new: dict[str, Any] = {"out": out, "data_dir": data_dir, "listener": progress}
    if loading and members:
        run = training.train_committee(chosen, members, data=loading.result(), **new)
    elif loading:
        run = training.train(chosen, data=loading.result(), **new)
    else:
        assert resume is not None
        is_committee = Run.open(resume).members > 1
        go_on = training.resume_committee if is_committee else training.resume
        run = go_on(resume, listener=progress)
    if not run.model_file.exists():  # a committee that was interrupted before its last member
        remark(f"go on with: digitscope train --resume {run.path}")
        raise typer.Exit(130)
    timings = run.record["timings"]
    timings = {"imports and data": imported + timings.pop("data")} | timings
    if run.members > 1 and not json:
        print(describe_committee(run))
    if report:
        from digitscope.rendering import report as write_report

        begun = time.perf_counter()
        write_report(run, data=progress.data)
        timings["report"] = time.perf_counter() - begun
    run.update_record(timings=timings)
    if json:
        print_json({"run": str(run.path), "timings": timings, "metrics": run.metrics})
        return
    if run.record["status"] == "interrupted":
        remark(f"go on with: digitscope train --resume {run.path}")
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in timings.items())
    remark(f"{sum(timings.values()):.1f} s: {parts}")
    print(f"\nmodel   {run.model_file}")
    if report:
        print(f"report  {run.report_file}")
    if run.record["status"] == "interrupted":
        raise typer.Exit(130)


def describe_committee(run: Run) -> str:
    """Return as plain text what the members of a committee reach alone and together."""
    from digitscope.evaluation import Scores
    from digitscope.models.classifier import Classifier

    scores = Scores.from_dict(run.metrics)
    data = run.record["data"]["name"]
    text = describe_scores(scores, f"\n{run.path.name} on the {data} test images")
    committee = Classifier(run.model_file, threads=1).card.committee
    if "alone" not in committee:
        return text
    alone = [member["accuracy"] for member in committee["alone"]]
    together = committee["first"][-1]["accuracy"]
    return text + (
        f"\n\n  of {committee['n']:,} held-out images the {len(alone)} members together read "
        f"{together:.2%}, alone {min(alone):.2%} to {max(alone):.2%}\n"
        f"  one image takes {1000 * committee['ms_per_image']:.0f} µs, of one member "
        f"{1000 * committee['ms_per_image_alone']:.0f} µs (one thread)"
    )


def _check_out(out: Path | None) -> None:
    if out and (out / "run.json").exists():  # said before the seconds of importing Keras
        raise BadRun(f"{out} already holds a run; name another --out, or go on with --resume.")


def _refuse(options: dict[str, Any], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise Misuse(f"--{name.replace('_', '-')} is {why}; see digitscope train --help.")


class _Progress:
    """Draws the progress of a fit on stderr and the scores on stdout."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self.data: Dataset | None = None

    def begin(self, run: "Run", recipe: Recipe, data: "Dataset", parameters: int) -> None:
        self.data = data
        if data.remark:
            remark(data.remark)
        counts = run.record["data"]
        remark(
            f"{recipe.name}: {recipe.describe_layers()}, {parameters:,} weights; {data.name}: "
            f"{counts['training_images']:,} images to learn from, "
            f"{counts['validation_images']:,} held out, {counts['test_images']:,} for the test"
        )
        self._bar = make_bar("epoch")
        self._task = self._bar.add_task("compiling", total=recipe.epochs)
        self._bar.start()

    def part(self, share: float) -> None:
        self._bar.advance(self._task, share)

    def epoch(self, row: "Row") -> None:
        if not row["epoch"]:
            return
        held_out = f"  held out {row['val_accuracy']:.2%}" if "val_accuracy" in row else ""
        text = (
            f"loss {row['loss']:.4f}  accuracy {row['accuracy']:.2%}{held_out}  "
            f"rate {row['learning_rate']:.2g}"
        )
        self._bar.update(self._task, completed=row["epoch"], description=text)

    def fitted(self, stopped: str) -> None:
        self._bar.stop()
        if stopped:
            remark(stopped)

    def done(self, run: "Run", scores: "Scores") -> None:
        if not self._json:
            data = run.record["data"]["name"]
            print(describe_scores(scores, f"\n{run.path.name} on the {data} test images"))
