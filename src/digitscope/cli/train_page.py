"""``digitscope train page``: the network that finds digits on pages, and its progress."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitscope.cli.common import print_json, remark
from digitscope.page_recipe import PAGE, PageRecipe

if TYPE_CHECKING:
    from digitscope.runs import Row, Run


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """What decides where and how fast a training runs, and where it begins.

    Attributes
    ----------
    out : Path or None
        The run's folder.
    resume : Path or None
        The folder of a run to go on with.
    start : Path or None
        A ``model.keras`` whose weights to begin with.
    data_dir : Path or None
        Where the data sets of handwriting are.
    workers : int
        Processes that draw patches.
    threads : int or None
        Threads of TensorFlow.
    """

    out: Path | None
    resume: Path | None
    start: Path | None
    data_dir: Path | None
    workers: int
    threads: int | None


def train(changes: dict[str, Any], options: PageOptions, *, report: bool, json: bool) -> "Run":
    """Train the page network, or go on with a training.

    Parameters
    ----------
    changes : dict
        Fields of `PAGE` that differ.
    options : PageOptions
    report : bool
        Whether report.html is written when the training is finished.
    json : bool
        Whether the scores are printed as JSON.
    """
    from digitscope.runs import Run

    recipe = PAGE.but(**changes)  # misuse shows before the seconds of importing Keras
    folder = options.data_dir
    if options.resume:
        run = Run.open(options.resume)
        run.check_unfinished()
        noted = run.record.get("data_dir")
        folder = Path(noted) if noted else None
    started = time.perf_counter()
    import digitscope.training  # noqa: F401  (Keras without its noise)
    from digitscope.data.handwriting import page_sources
    from digitscope.training.page.trainer import resume_page, train_page

    source, held_out = page_sources(folder)
    remark(f"imports and data: {time.perf_counter() - started:.1f} s")
    progress = PageProgress()
    how: dict[str, Any] = {
        "workers": options.workers,
        "threads": options.threads,
        "listener": progress,
    }
    if options.resume:
        run = resume_page(options.resume, source, held_out, **how)
    else:
        run = train_page(
            source,
            held_out,
            recipe=recipe,
            out=options.out,
            start=options.start,
            data_dir=folder,
            **how,
        )
    finished = run.record["status"] == "finished"
    if report and finished:
        begun = time.perf_counter()
        from digitscope.reporting import report as write_report

        write_report(run, held_out=held_out)
        took = {"report": time.perf_counter() - begun}
        run.update_record(timings=run.record["timings"] | took)
    metrics = run.metrics if finished and run.page_recipe.validation else {}
    if json:
        print_json({"run": str(run.path), "timings": run.record["timings"], "metrics": metrics})
    else:
        print(describe_page_scores(run.path.name, metrics), end="")
        if run.model_file.exists():
            print(f"model   {run.model_file}")
        if report and finished:
            print(f"report  {run.report_file}")
    return run


def describe_page_scores(name: str, metrics: dict[str, Any]) -> str:
    """Return as plain text what the network finds on the held-out pages."""
    if not metrics:
        return ""
    lines = [
        f"\n{name} on {metrics['pages']:,} held-out pages",
        "         precision   recall       F1",
    ]
    lines += [
        f"  {group:7}{metrics[f'precision_{group}']:9.2%} {metrics[f'recall_{group}']:8.2%} "
        f"{metrics[f'f1_{group}']:8.2%}"
        for group in ("digits", "signs", "other")
    ]
    if chosen := metrics["digits"]:
        lines.append(
            f"  digits of confidence ≥ {chosen['threshold']:.3f}: precision "
            f"{chosen['precision']:.2%}, recall {chosen['recall']:.2%}, n = {chosen['n']:,}"
        )
    return "\n".join(lines) + "\n\n"


class PageProgress:
    """Draws a bar on a terminal's stderr, and there and elsewhere one line for each epoch."""

    def begin(self, run: "Run", recipe: PageRecipe, parameters: int, policy: str) -> None:
        """Say what is trained, and draw the bar."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        finished = len(run.history) if (run.path / "history.csv").exists() else 0
        self._epochs = recipe.epochs
        remark(
            f"{run.path}: {parameters:,} weights, {policy}; {recipe.epochs} epochs of "
            f"{recipe.patches:,} patches, {recipe.validation:,} held out"
            + (f"; goes on after epoch {finished}" if finished else "")
        )
        self._bar = Progress(
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            refresh_per_second=2,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=recipe.epochs, completed=finished)
        self._bar.start()

    def part(self, share: float) -> None:
        """Move the bar."""
        self._bar.advance(self._task, share)

    def epoch(self, row: "Row") -> None:
        """Print an epoch."""
        found = f"  F1 of digits {row['val_f1_digits']:.2%}" if "val_f1_digits" in row else ""
        held_out = f"  held out {row['val_loss']:.3f}" if "val_loss" in row else ""
        text = (
            f"epoch {row['epoch']:.0f}/{self._epochs}  loss {row['loss']:.3f}{held_out}{found}  "
            f"{row['seconds']:.0f} s  {row['patches_per_second']:.0f} patches/s"
        )
        self._bar.update(self._task, completed=row["epoch"])
        self._bar.console.print(text, highlight=False, soft_wrap=True)

    def fitted(self, stopped: str) -> None:
        """Remove the bar."""
        self._bar.stop()
        if stopped:
            remark(stopped)

    def done(self, run: "Run") -> None:
        """Say how to go on with a run that was interrupted."""
        if run.record["status"] == "interrupted":
            remark(f"go on with: digitscope train --resume {run.path}")
