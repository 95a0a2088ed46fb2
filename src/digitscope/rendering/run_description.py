"""Recipe, time, versions and machine of a run, for the reports of all runs."""

from __future__ import annotations

from typing import Any

from digitscope.recipes.described import descriptions
from digitscope.rendering.wording import count
from digitscope.runs import Row


def describe_making(
    record: dict[str, Any],
    recipe: dict[str, Any],
    history: list[Row],
    *,
    kind: type,
    timing_notes: dict[str, str],
) -> dict[str, Any]:
    """Return the values for the template ``base.html.j2``.

    Parameters
    ----------
    record : dict
        `Run.record`.
    recipe : dict
        The recipe, as JSON types.
    history : list of dict
        `Run.history`.
    kind : type
        The dataclass of the recipe; its descriptions explain the fields.
    timing_notes : dict
        Explanations of parts of the time.
    """
    return {
        "recipe_rows": recipe_rows(recipe, recipe_notes(kind)),
        "unfinished": _unfinished(record, history),
        "timings": [
            (part, f"{seconds:.2f} s", timing_notes.get(part, ""))
            for part, seconds in record.get("timings", {}).items()
        ],
        "epoch_seconds": _epoch_seconds(history),
        "versions": record.get("versions", {}),
        "machine": record.get("machine", "unknown"),
        "started": record.get("started", ""),
        "finished": record.get("finished", ""),
    }


def recipe_notes(kind: type) -> dict[str, str]:
    """Return the help of each field of a recipe, but of its name."""
    notes = {field: description.help for field, description in descriptions(kind).items()}
    del notes["name"]
    return notes


def recipe_rows(recipe: dict[str, Any], notes: dict[str, str]) -> list[tuple[str, str, str]]:
    """Return name, value and note of each field of a recipe."""
    rows = []
    for field, value in recipe.items():
        if isinstance(value, dict):
            shown = ", ".join(f"{name} {amount:g}" for name, amount in value.items())
        elif isinstance(value, list | tuple):
            shown = ", ".join(str(item) for item in value) or "none"
        elif isinstance(value, float):
            shown = f"{value:g}"
        else:
            shown = "none" if value is None else str(value)
        rows.append((field.replace("_", " "), shown, notes.get(field, "")))
    return rows


def _unfinished(record: dict[str, Any], history: list[Row]) -> str:
    """Return a notice about an unfinished run; empty if it is finished."""
    status = record.get("status", "unknown")
    if status == "finished":
        return ""
    epoch = history[-1]["epoch"] if history else 0
    reason = record.get("stopped") or "no reason is recorded"
    return (
        f"This run is not finished (status: {status}): {reason}. Everything here is of the weights "
        f"after epoch {epoch:.0f} of {record['recipe']['epochs']}."
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
