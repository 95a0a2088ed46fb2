"""``digitscope train page`` and ``train glyph``: the networks that read, and their progress."""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitscope.cli.common import make_bar, print_json, remark
from digitscope.recipes.glyph_recipe import GLYPH
from digitscope.recipes.page_recipe import PAGE
from digitscope.recipes.stream_recipe import StreamRecipe

if TYPE_CHECKING:
    from digitscope.runs import Row, Run

STREAMED: dict[str, StreamRecipe] = {recipe.name: recipe for recipe in (PAGE, GLYPH)}
PRETRAINED = Path("pretrained")  # in the place of a file: the network that comes with digitscope


@dataclass(frozen=True, kw_only=True)
class StreamOptions:
    """What decides where and how fast a training runs, and where it begins.

    Attributes
    ----------
    out : Path or None
        The run's folder.
    resume : Path or None
        The folder of a run to continue.
    start : Path or None
        A ``model.keras`` or ``.onnx`` file whose weights to begin with; ``pretrained`` names the
        network that comes with digitscope.
    page : Path or None
        Of the glyph network: the page network whose glyphs are cut out.
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
    page: Path | None
    data_dir: Path | None
    workers: int
    threads: int | None


def train(recipe: StreamRecipe, options: StreamOptions, *, report: bool, json: bool) -> "Run":
    """Train the page network or the glyph network, or continue a training.

    Parameters
    ----------
    recipe : StreamRecipe
        Of a new training.
    options : StreamOptions
    report : bool
        Whether report.html is written when the training is finished.
    json : bool
        Whether the scores are printed as JSON.
    """
    name, folder = recipe.name, options.data_dir
    if options.resume:
        from digitscope.runs import Run

        begun = Run.open(options.resume)
        begun.check_unfinished()
        noted = begun.record.get("data_dir")
        folder = Path(noted) if noted else None
    page = _page_network(options.page)
    started = time.perf_counter()
    import digitscope.training  # noqa: F401  (Keras without its noise)
    from digitscope.data.page_sources import page_sources
    from digitscope.training.glyph.single_digits import load_singles
    from digitscope.training.glyph.trainer import resume_glyph, train_glyph
    from digitscope.training.page.trainer import resume_page, train_page

    source, held_out = page_sources(folder)
    remark(f"imports and data: {time.perf_counter() - started:.1f} s")
    how: dict[str, Any] = {
        "workers": options.workers,
        "threads": options.threads,
        "listener": StreamProgress(),
    }
    new: dict[str, Any] = {
        "recipe": recipe,
        "out": options.out,
        "start": _pretrained(name) if options.start == PRETRAINED else options.start,
        "data_dir": folder,
    }
    if name == PAGE.name:
        if options.resume:
            run = resume_page(options.resume, source, held_out, **how)
        else:
            run = train_page(source, held_out, **new, **how)
    else:
        how["singles"] = load_singles(folder)
        if options.resume:
            run = resume_glyph(options.resume, source, held_out, **how)
        else:
            run = train_glyph(source, held_out, network=page, **new, **how)
    finished = run.record["status"] == "finished"
    report = report and finished and _has_report(run)
    if report:
        begun_report = time.perf_counter()
        from digitscope.rendering import report as write_report

        write_report(run, held_out=held_out)
        took = {"report": time.perf_counter() - begun_report}
        run.update_record(timings=run.record["timings"] | took)
    has_metrics = finished and (run.path / "metrics.json").exists()
    metrics = run.metrics if has_metrics else {}
    if json:
        print_json({"run": str(run.path), "timings": run.record["timings"], "metrics": metrics})
    else:
        describe = describe_page_scores if name == PAGE.name else describe_glyph_scores
        print(describe(run.path.name, metrics), end="")
        if run.model_file.exists():
            print(f"model   {run.model_file}")
        if report:
            print(f"report  {run.report_file}")
    return run


def _has_report(run: "Run") -> bool:
    """Tell whether there is something to report: the glyph network needs held-out pages."""
    return run.network == "page" or run.held_out_file.is_file()


def _pretrained(name: str) -> Path:
    from digitscope.models.card import MODELS

    return MODELS / f"{name}.onnx"


def _page_network(path: Path | None) -> Any:
    """Return the page network in a file or a run's folder; None for none."""
    if path is None:
        return None
    from digitscope.models.page_network import PageNetwork

    return PageNetwork(path / "model.onnx" if path.is_dir() else path, threads=1)


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


def describe_glyph_scores(name: str, metrics: dict[str, Any]) -> str:
    """Return as plain text how both networks tell digits apart on held-out pages."""
    if not metrics:
        return ""
    lines = [
        f"\n{name} on {metrics['digits']:,} digits among {metrics['crops']:,} held-out glyphs",
        "                 which digit  precision   recall",
    ]
    for part, title in (("page", "page network"), ("glyph", "glyph network"), ("both", "both")):
        scores = metrics[part]
        lines.append(
            f"  {title:14}{scores['accuracy']:12.2%} {scores['precision']:10.2%} "
            f"{scores['recall']:8.2%}"
        )
    lines.append(
        f"  of {metrics['turned']:,} glyphs, how the page is turned: {metrics['turns_right']:.2%}"
    )
    return "\n".join(lines) + "\n\n"


class StreamProgress:
    """Draws a bar on a terminal's stderr, and there and elsewhere one line for each epoch."""

    def begin(self, run: "Run", recipe: StreamRecipe, parameters: int, policy: str) -> None:
        """Say what is trained, and draw the bar."""
        finished = len(run.history) if (run.path / "history.csv").exists() else 0
        self._epochs = recipe.epochs
        remark(
            f"{run.path}: {parameters:,} weights, {policy}; {recipe.epochs} epochs of "
            f"{recipe.patches:,} patches, {recipe.validation:,} held out"
            + (f"; continues after epoch {finished}" if finished else "")
        )
        self._bar = make_bar("epoch", disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=recipe.epochs, completed=finished)
        self._bar.start()

    def part(self, share: float) -> None:
        """Move the bar."""
        self._bar.advance(self._task, share)

    def epoch(self, row: "Row") -> None:
        """Print an epoch."""
        found = f"  F1 of digits {row['val_f1_digits']:.2%}" if "val_f1_digits" in row else ""
        if "val_accuracy_digits" in row:
            found = f"  digits told apart {row['val_accuracy_digits']:.2%}"
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
        """Print how to continue an interrupted run."""
        if run.record["status"] == "interrupted":
            remark(f"continue with: digitscope train --resume {run.path}")
