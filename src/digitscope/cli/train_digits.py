"""``digitscope train`` of a digit classifier or a committee of them, and its progress."""

import gc
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from digitscope.cli.common import describe_scores, make_bar, print_json, remark
from digitscope.recipes import Recipe
from digitscope.runs import Run

if TYPE_CHECKING:
    from digitscope.data import Dataset
    from digitscope.evaluation import Scores
    from digitscope.runs import Row


@dataclass(frozen=True, kw_only=True)
class DigitOptions:
    """What is trained on, where the run is kept, and how many networks it has.

    Attributes
    ----------
    data : str or None
        The name of a data set; None for MNIST.
    data_dir : Path or None
        Where the data sets are.
    out : Path or None
        The run's folder.
    resume : Path or None
        The folder of a run to continue.
    members : int or None
        Networks of a committee; None for one network.
    """

    data: str | None
    data_dir: Path | None
    out: Path | None
    resume: Path | None
    members: int | None


def train(recipe: Recipe, options: DigitOptions, *, report: bool, json: bool) -> Run:
    """Train a network or a committee, or continue a training; write its report.

    Parameters
    ----------
    recipe : Recipe
        Of a new training.
    options : DigitOptions
    report : bool
        Whether the report is written.
    json : bool
        Whether the scores are printed as JSON.
    """
    started = time.perf_counter()
    progress = _Progress(json)
    run, imported = _fit(recipe, options, progress, started)
    if not run.model_file.exists():  # a committee that was interrupted before its last member
        remark(f"continue with: digitscope train --resume {run.path}")
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
        return run
    if run.record["status"] == "interrupted":
        remark(f"continue with: digitscope train --resume {run.path}")
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in timings.items())
    remark(f"{sum(timings.values()):.1f} s: {parts}")
    print(f"\nmodel   {run.model_file}")
    if report:
        print(f"report  {run.report_file}")
    return run


def _fit(
    recipe: Recipe, options: DigitOptions, progress: "_Progress", started: float
) -> tuple[Run, float]:
    """Return the run, and the seconds from `started` until all was imported."""
    from concurrent.futures import ThreadPoolExecutor

    from digitscope.data import load_data

    folder, resume = options.data_dir, options.resume
    with ThreadPoolExecutor(1) as pool:  # unzipping leaves the interpreter free for the imports
        loading = None if resume else pool.submit(load_data, options.data, folder)
        import digitscope.training as training

    gc.freeze()  # what is imported stays; no collection need look at it again
    imported = time.perf_counter() - started
    if resume:
        is_committee = Run.open(resume).members > 1
        go_on = training.resume_committee if is_committee else training.resume
        return go_on(resume, listener=progress), imported
    assert loading is not None
    new: dict[str, Any] = {"out": options.out, "data_dir": folder, "listener": progress}
    data = loading.result()
    if options.members:
        run = training.train_committee(recipe, options.members, data=data, **new)
    else:
        run = training.train(recipe, data=data, **new)
    return run, imported


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
