"""The texts of the report of the page network."""

from typing import Any

from digitscope.evaluation.page_scores import USUAL
from digitscope.recipes.page_recipe import PAGE, PageRecipe
from digitscope.rendering.page_results import Group, PageResults, Share
from digitscope.rendering.run_description import describe_making
from digitscope.rendering.wording import count, percent, precise
from digitscope.runs import Run

TIMING_NOTES = {
    "fit": "training, including compilation and held-out pages",
    "report": "held-out pages, figures and this report",
}


def describe(run: Run, results: PageResults) -> dict[str, Any]:
    """Return the values for the template ``page_report.html.j2``."""
    record, whole = run.record, results.digits
    return {
        "run_name": run.path.resolve().name,
        "headline": _headline(whole),
        "recall": _with_interval(whole.recall),
        "precision": _with_interval(whole.precision),
        "pages": count(results.pages, "held-out page"),
        "usual": f"{USUAL:g}",
        "parameters": results.card.parameters,
        "recipe_name": run.page_recipe.name,
        "patches": results.card.data.get("patches", 0),
        "remark": results.remark,
        "facts": _facts(results),
        "classes": _rows(results.classes),
        "again": command(run.page_recipe, record["data"].get("start"), record.get("data_dir")),
        **describe_making(
            record,
            record["recipe"],
            results.history,
            kind=PageRecipe,
            timing_notes=TIMING_NOTES,
        ),
    }


def _headline(whole: Group) -> str:
    on = f"{count(whole.recall.n, 'digit')} on {count(whole.pages, 'held-out page')}"
    if not whole.recall.n:
        return f"There is no digit on {count(whole.pages, 'held-out page')}"
    found = f"{precise(whole.recall.value, whole.recall.n)} of {on} found"
    if not whole.precision.n:
        return f"{found}; none reported"
    return f"{found}; {precise(whole.precision.value, whole.precision.n)} of those reported right"


def _with_interval(share: Share) -> str:
    if not share.n:
        return ""
    low, high = share.interval
    return f"{precise(low, share.n)} and {precise(high, share.n)} (n = {share.n:,})"


def _facts(results: PageResults) -> list[tuple[str, str, str]]:
    facts = []
    for name in ("digits", "signs", "other"):
        row = results.scores.row()
        detail = f"precision {percent(row[f'precision_{name}'])}, "
        detail += f"recall {percent(row[f'recall_{name}'])}"
        title = "F1, other marks" if name == "other" else f"F1, {name}"
        facts.append((title, percent(row[f"f1_{name}"]), detail))
    if (threshold := results.threshold) is not None:
        rates = results.scores.rates(threshold=threshold)
        detail = f"precision {percent(rates.precision)}, recall {percent(rates.recall)}"
        facts.append(("threshold for digits", f"{threshold:.3f}", detail))
    bins = results.reliability
    facts.append(("calibration error", percent(bins.error, 2), "ECE of digits, 10 bins"))
    facts.append(("held-out pages", f"{results.pages:,}", f"{results.digits.recall.n:,} digits"))
    return facts


def _rows(groups: list[Group]) -> list[tuple[str, ...]]:
    rows = []
    for group in groups:
        shares = (group.precision, group.recall)
        cells = [precise(share.value, share.n) if share.n else "–" for share in shares]
        f1 = percent(group.rates.f1) if group.recall.n else "–"
        counts = [f"{n:,}" for n in (group.recall.n, group.rates.missed, group.rates.invented)]
        rows.append((group.name, *counts, *cells, f1))
    return rows


def command(recipe: PageRecipe, start: str | None = None, data_dir: str | None = None) -> str:
    """Return Python code that trains this recipe.

    >>> print(command(PAGE.but(epochs=4)))
    from digitscope.data.page_sources import page_sources
    from digitscope.recipes.page_recipe import PAGE
    from digitscope.training.page.trainer import train_page
    <BLANKLINE>
    if __name__ == "__main__":  # other processes draw the pages and import this file
        train_page(*page_sources(), recipe=PAGE.but(epochs=4))
    """
    changed = {
        name: getattr(recipe, name)
        for name, value in recipe.to_dict().items()
        if value != PAGE.to_dict()[name]
    }
    names = "PAGE, LossWeights" if "loss" in changed else "PAGE"
    expression = "PAGE"
    if changed:
        changes = ", ".join(f"{name}={value!r}" for name, value in changed.items())
        expression = f"PAGE.but({changes})"
    arguments = [f"recipe={expression}"]
    if start:
        arguments.append(f"start={start!r}")
    if data_dir:
        arguments.append(f"data_dir={data_dir!r}")
    sources = f"page_sources({data_dir!r})" if data_dir else "page_sources()"
    return "\n".join(
        [
            "from digitscope.data.page_sources import page_sources",
            f"from digitscope.recipes.page_recipe import {names}",
            "from digitscope.training.page.trainer import train_page",
            "",
            'if __name__ == "__main__":  # other processes draw the pages and import this file',
            f"    train_page(*{sources}, {', '.join(arguments)})",
        ]
    )
