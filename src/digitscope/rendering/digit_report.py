"""The texts of the report of a digit classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitscope.recipes import RECIPES, Recipe
from digitscope.rendering.run_description import describe_making
from digitscope.rendering.wording import count, percent, precise
from digitscope.runs import Run

if TYPE_CHECKING:
    from digitscope.evaluation import Scores
    from digitscope.rendering.digit_results import DigitResults

DATA_TITLES = {"mnist": "MNIST", "digits": "scikit-learn's bundled digits"}
FEW = 1_000  # number of test images below which the report warns of random differences

TIMING_NOTES = {
    "data": "reading and checking the images",
    "build": "building the network",
    "fit": "training, including compilation",
    "export": "writing and checking the model files",
    "evaluation": "calibration and scores",
}


def describe(run: Run, results: DigitResults) -> dict[str, Any]:
    """Return the values for the template ``digit_report.html.j2``."""
    record, recipe, scores = run.record, run.recipe, results.scores
    about, card = record["data"], results.card
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
        "facts": _facts(scores, low, high),
        "digits": _digit_rows(scores),
        "card": card,
        "ece_before": percent(scores.calibration_error_before, 2),
        "ece": percent(scores.calibration_error, 2),
        "again": command(recipe, about["name"], record.get("data_dir")),
        **describe_making(
            record,
            recipe.to_dict(),
            results.history,
            kind=Recipe,
            timing_notes=TIMING_NOTES,
        ),
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


def command(recipe: Recipe, data: str, data_dir: str | None = None) -> str:
    """Return Python code that trains this recipe on this data.

    >>> print(command(RECIPES["mlp"].but(epochs=1), "digits"))
    from digitscope import RECIPES, train
    train(RECIPES["mlp"].but(epochs=1), data="digits")
    """
    where = f", data_dir={str(data_dir)!r}" if data_dir else ""
    known = RECIPES.get(recipe.name)
    fields = recipe.to_dict()
    changed = {name for name in fields if known and fields[name] != known.to_dict()[name]}
    # `but` ignores None, so it cannot remove an augmentation.
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
