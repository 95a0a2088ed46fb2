"""Options and output functions that several commands share."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from digitscope.evaluation import Refusal, Scores
    from digitscope.models.classifier import Classifier

DATA_HELP = (
    "mnist, swiss-digits, pendigits, unipen, digits, synthetic, or folder:PATH for your own images "
    "(a folder, .csv or .npz)."
)
DataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        help=DATA_HELP,
        show_default="mnist",
    ),
]
ScoredDataOption = Annotated[
    str | None,
    typer.Option(
        "--data",
        help=DATA_HELP,
        show_default="what the model was trained on",
    ),
]
DataDirOption = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="The folder of the data sets' files (default: DIGITSCOPE_DATA)."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="cnn, mlp, an .onnx file or a run's folder.",
        show_default="the newest run, or cnn",
    ),
]


ThresholdOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Minimum score of a digit; an image with a lower score is refused.",
        show_default="the model's",
    ),
]


def make_bar(doing: str, *, disable: bool = False) -> "Progress":
    """Return a progress bar on stderr, with the number of finished items and the time left.

    Parameters
    ----------
    doing : str
        The text before the bar; the description of its task is after it.
    disable : bool
        Whether to draw nothing.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn(doing),
        MofNCompleteColumn(),
        BarColumn(bar_width=24),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=Console(file=sys.stderr),
        refresh_per_second=4,
        # Otherwise Rich would redirect the answers, which are printed meanwhile, to stderr.
        redirect_stdout=False,
        redirect_stderr=False,
        disable=disable,
    )


def remark(text: str) -> None:
    """Print a line for the user on stderr."""
    print(text, file=sys.stderr, flush=True)


def print_json(content: Any) -> None:
    """Print JSON on stdout."""
    print(json.dumps(content, indent=2))


def load_model(model: str | None) -> "Classifier":
    """Return the named classifier; by default that of the newest run, or the pretrained ``cnn``."""
    from digitscope.models.classifier import load
    from digitscope.runs import RUNS, latest_run

    if model is not None:
        return load(model)
    run = latest_run(RUNS)
    if run is None:
        return load()
    remark(f"model: {run.path}")
    return load(run.path)


def trained_on(classifier: "Classifier") -> str:
    """Return the name of the data set in the model card, or ``mnist``."""
    name = classifier.card.data.get("name")
    return name if isinstance(name, str) else "mnist"


def describe_scores(scores: "Scores", title: str) -> str:
    """Return the scores as a table of plain text."""
    low, high = scores.accuracy_interval
    lines = [
        title,
        f"  accuracy           {scores.accuracy:8.2%}   95 % interval {low:.2%} to {high:.2%}, "
        f"n = {scores.n:,}",
        f"  top-2 accuracy     {scores.top2_accuracy:8.2%}",
        f"  log-loss           {scores.log_loss:8.4f}   nats",
    ]
    if scores.roc_auc is not None:
        lines.append(f"  ROC AUC            {scores.roc_auc:8.5f}   one against the rest, mean")
    if scores.temperature == 1:
        note = "not calibrated"
    else:
        note = f"{scores.calibration_error_before:.2%} before T = {scores.temperature:.3f}"
    lines += [
        f"  calibration error  {scores.calibration_error:8.2%}   {note}",
        "",
        "  digit  precision   recall       F1       n",
    ]
    lines += [
        f"  {digit:5}  {precision:9.2%} {recall:8.2%} {f1:8.2%}  {n:6,}"
        for digit, (precision, recall, f1, n) in enumerate(
            zip(scores.precision, scores.recall, scores.f1, scores.support, strict=True)
        )
    ]
    return "\n".join(lines)


def describe_refusal(refusal: "Refusal") -> str:
    """Return the scores of refusal as plain text."""
    return "\n".join(
        [
            "",
            f"  refusal            {refusal.n_non_digits:,} non-digits",
            f"  score ≥ {refusal.threshold:.3f}      keeps {refusal.digits_kept:.2%} of the digits "
            f"and {refusal.non_digits_kept:.2%} of the non-digits",
            f"  95 % of digits     keeps {refusal.non_digits_kept_at_95:.2%} of the non-digits",
            f"  98 % of digits     keeps {refusal.non_digits_kept_at_98:.2%} of the non-digits",
            f"  ROC AUC            {refusal.roc_auc:8.5f}   digits against non-digits",
        ]
    )
