"""The page: a run's folder in, report.html and its figures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitscope.files import replacing, write_text
from digitscope.recipes import RECIPES, Recipe
from digitscope.reporting.wording import count, percent, precise
from digitscope.runs import Row, Run

if TYPE_CHECKING:
    from digitscope.data import Dataset
    from digitscope.evaluation import Scores
    from digitscope.reporting.evidence import Evidence

DATA_TITLES = {"mnist": "MNIST", "digits": "scikit-learn's bundled digits"}
FEW = 1_000  # test images; below it the page warns of chance

# What of the recipe needs a word of explanation.
RECIPE_NOTES = {
    "filters": "of each 3×3 convolution; more than before halves the picture",
    "stem": "side of the first kernels, which then halve the picture",
    "synthetic": "drawn digits that join in each epoch",
    "sources": "data sets of other writers",
    "handwritten": "digits of those, drawn by another pen in each epoch",
    "non_digits": "drawn letters, signs and blots that it learns to refuse",
    "hidden": "units of each hidden layer",
    "learning_rate": "the rate, or its peak where a schedule shapes it",
    "warmup": "share of the steps over which the rate rises",
    "validation": "training images to hold out",
    "average": "decay of the moving average of the weights; 0 keeps the last",
    "dropout": "share of hidden units silenced in a step",
    "augmentation": "how far training images are bent",
    "weight_decay": "for adamw alone",
}
TIMING_NOTES = {
    "data": "reading and checking the images",
    "build": "making the network",
    "fit": "training, with the compilation",
    "export": "writing and checking the model files",
    "evaluation": "calibration and scores",
}


def report(run: Run | str | Path, *, data: Dataset | None = None) -> Path:
    """Write ``report.html`` and ``figures/*.png`` into a run's folder.

    Parameters
    ----------
    run : Run or path
        A run that has a model and scores, finished or not.
    data : Dataset, optional
        What it was trained and scored on, if that is in memory already; otherwise it is loaded.

    Returns
    -------
    Path
        Of the page. It is one file: it needs no network, no script and no file beside it.

    Raises
    ------
    BadRun
        When the folder is no run, has no scores, or the data has changed since.
    BadModel
        When its model is missing or damaged.

    Examples
    --------
    >>> report("runs/mlp-1")  # doctest: +SKIP
    PosixPath('runs/mlp-1/report.html')
    """
    if not isinstance(run, Run):
        run = Run.open(run)
    run.check_digits()
    from digitscope.reporting.evidence import gather
    from digitscope.reporting.gallery import draw_all

    evidence = gather(run, data)
    pictures = {picture.name: picture for picture in draw_all(evidence)}
    for picture in pictures.values():
        with replacing(run.path / "figures" / f"{picture.name}.png") as temporary:
            temporary.write_bytes(picture.png)
    text = _template().render(describe(run, evidence), pictures=pictures)
    write_text(run.report_file, text)
    return run.report_file


def _template() -> Any:
    from base64 import b64encode

    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("digitscope.reporting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda content: b64encode(content).decode("ascii")
    return environment.get_template("report.html.j2")


def describe(run: Run, evidence: Evidence) -> dict[str, Any]:
    """Return what the page says, as the template wants it."""
    record, recipe, scores = run.record, run.recipe, evidence.scores
    about, card = record["data"], evidence.card
    low, high = scores.accuracy_interval
    n = scores.n
    return {
        "run_name": run.path.resolve().name,
        "headline": f"{precise(scores.accuracy, n)} of {count(n, 'test image')} read correctly",
        "interval": f"{precise(low, n)} to {precise(high, n)}",
        "scores": scores,
        "data": about,
        "data_title": DATA_TITLES.get(about["name"], about["name"]),
        "is_mnist": about["name"] == "mnist",
        "few": n < FEW,
        "network": recipe.describe_layers(),
        "parameters": card.parameters,
        "recipe": recipe,
        "recipe_rows": _recipe_rows(recipe),
        "facts": _facts(scores, low, high),
        "digits": _digit_rows(scores),
        "unfinished": _unfinished(record, evidence.history, recipe),
        "card": card,
        "ece_before": percent(scores.calibration_error_before, 2),
        "ece": percent(scores.calibration_error, 2),
        "timings": [
            (part, f"{seconds:.2f} s", TIMING_NOTES.get(part, ""))
            for part, seconds in record.get("timings", {}).items()
        ],
        "epoch_seconds": _epoch_seconds(evidence.history),
        "versions": record.get("versions", {}),
        "machine": record.get("machine", "unknown"),
        "started": record.get("started", ""),
        "finished": record.get("finished", ""),
        "again": command(recipe, about["name"], record.get("data_dir")),
    }


def _facts(scores: Scores, low: float, high: float) -> list[tuple[str, str, str]]:
    n = scores.n
    wrong = round((1 - scores.accuracy) * n)
    facts = [
        ("accuracy", precise(scores.accuracy, n), f"{precise(low, n)} to {precise(high, n)}"),
        ("read wrongly", f"{wrong:,}", f"of {count(n, 'test image')}"),
        ("among the first two", precise(scores.top2_accuracy, n), "the true digit is"),
        ("log-loss", f"{scores.log_loss:.3f}", "nats, calibrated"),
        ("calibration error", percent(scores.calibration_error, 2), "ECE, 15 bins"),
    ]
    if scores.roc_auc is not None:
        facts.append(("ROC AUC", f"{scores.roc_auc:.4f}", "one against the rest, mean"))
    return facts


def _digit_rows(scores: Scores) -> list[tuple[str, ...]]:
    return [
        (
            str(digit),
            f"{scores.support[digit]:,}",
            f"{scores.support[digit] - scores.confusion[digit][digit]:,}",
            *(
                precise(values[digit], scores.n) if scores.support[digit] else "–"
                for values in (scores.precision, scores.recall, scores.f1)
            ),
        )
        for digit in range(len(scores.support))
    ]


def _recipe_rows(recipe: Recipe) -> list[tuple[str, str, str]]:
    rows = []
    for field, value in recipe.to_dict().items():
        if field == "hidden":
            shown = ", ".join(str(units) for units in value) or "none"
        elif isinstance(value, dict):
            shown = ", ".join(f"{name} {amount:g}" for name, amount in value.items())
        elif isinstance(value, float):
            shown = f"{value:g}"
        else:
            shown = "none" if value is None else str(value)
        rows.append((field.replace("_", " "), shown, RECIPE_NOTES.get(field, "")))
    return rows


def _unfinished(record: dict[str, Any], history: list[Row], recipe: Recipe) -> str:
    """Return what to say of a run that did not come to its end; empty if it did."""
    status = record.get("status", "unknown")
    if status == "finished":
        return ""
    epoch = history[-1]["epoch"] if history else 0
    reason = record.get("stopped") or "no reason is recorded"
    return (
        f"This run is not finished (status: {status}): {reason}. Everything here is of the weights "
        f"after epoch {epoch:.0f} of {recipe.epochs}."
    )


def _epoch_seconds(history: list[Row]) -> str:
    seconds = [row["seconds"] for row in history if "seconds" in row]
    if not seconds:
        return ""
    text = (
        f"{count(len(seconds), 'epoch')}; the first took {seconds[0]:.2f} s, compilation included"
    )
    if len(seconds) > 1:
        text += f", the others {sum(seconds[1:]) / (len(seconds) - 1):.2f} s each on average"
    return text + "."


def command(recipe: Recipe, data: str, data_dir: str | None = None) -> str:
    """Return the Python that trains this recipe on this data again.

    >>> print(command(RECIPES["mlp"].but(epochs=1), "digits"))
    from digitscope import RECIPES, train
    train(RECIPES["mlp"].but(epochs=1), data="digits")
    """
    where = f", data_dir={str(data_dir)!r}" if data_dir else ""
    known = RECIPES.get(recipe.name)
    fields = recipe.to_dict()
    changed = {name for name in fields if known and fields[name] != known.to_dict()[name]}
    # `but` takes None for "leave it", so it cannot take an augmentation away.
    if known is None or (known.augmentation and not recipe.augmentation):
        lines = ["from digitscope import Recipe, train"]
        expression = repr(recipe)
        names = ["augmentation"] if recipe.augmentation else []
    else:
        lines = ["from digitscope import RECIPES, train"]
        expression = f'RECIPES["{recipe.name}"]'
        names = [name for name in fields if name in changed]
        if names:
            changes = ", ".join(f"{name}={getattr(recipe, name)!r}" for name in names)
            expression += f".but({changes})"
    if "augmentation" in names and recipe.augmentation:
        lines.append("from digitscope.recipes import Augmentation")
    quoted = f'"{data}"' if data.isalnum() else repr(data)
    return "\n".join([*lines, f"train({expression}, data={quoted}{where})"])
