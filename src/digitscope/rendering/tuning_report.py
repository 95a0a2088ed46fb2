"""The report of a search for a better recipe: its trials, and the importance of the fields."""

import math
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from digitscope.rendering import style
from digitscope.rendering.figure_files import FigureEntry, draw_figures
from digitscope.rendering.html_report import write_page
from digitscope.rendering.run_description import recipe_rows
from digitscope.rendering.wording import count, percent

FEW = 5  # largest number of values of a field that is drawn as categories
MOST = 12  # largest number of fields with a panel or a bar
LOG_FROM = 20.0  # ratio of the largest to the smallest value from which an axis is logarithmic


@dataclass(frozen=True)
class Search:
    """The results of a search.

    Attributes
    ----------
    trials : list of dict
        With ``number``, ``state``, ``loss``, ``epochs``, ``seconds`` and ``values``.
    best : dict
        The trial with the smallest loss.
    importances : dict
        Share of the variance of the loss that each field explains.
    """

    trials: list[dict[str, Any]]
    best: dict[str, Any]
    importances: dict[str, float]

    def of_state(self, state: str) -> list[dict[str, Any]]:
        """Return the trials with this final state and a loss."""
        return [t for t in self.trials if t["state"] == state and t["loss"] is not None]

    @property
    def fields(self) -> list[str]:
        """The fields that were searched, the most important first."""
        names = list(self.best["values"])
        return sorted(names, key=lambda name: -self.importances.get(name, 0.0))[:MOST]


def report_tuning(result: dict[str, Any], recipe: dict[str, Any], out: Path) -> Path:
    """Write ``report.html`` and ``figures/*.png`` into the folder of a search.

    Parameters
    ----------
    result : dict
        The content of ``tuning.json``.
    recipe : dict
        The recipe of the search, as JSON types.
    out : path

    Returns
    -------
    Path
        The path of the report.
    """
    search = Search(result["trials"], result["best"], result["importances"])
    pictures = draw_figures(search, FIGURES)
    return write_page(out, "tuning_report.html.j2", _describe(search, recipe, out), pictures)


def _trials(figure: Figure, search: Search) -> None:
    done, pruned = search.of_state("complete"), search.of_state("pruned")
    best, first = search.best, search.trials[0]
    title = f"Trial {best['number']} of {len(search.trials)} is best: loss {best['loss']:.4f}"
    if first["loss"] is not None and first["number"] != best["number"]:
        title += f", against {first['loss']:.4f} of the recipe as it was"
    note = "Loss after the last epoch. Open: ended early. The line is the least loss so far."
    style.header(figure, title, note, body=3.4)
    axes = style.place(figure, 0.8, 0.6, 4.65, 2.6)
    look: dict[str, Any] = {"markersize": 5, "linestyle": ""}
    points = [(t["number"], t["loss"]) for t in pruned]
    if points:
        axes.plot(*zip(*points, strict=True), "o", mfc="none", color=style.GREY, **look)
    numbers, losses = zip(*[(t["number"], t["loss"]) for t in done], strict=True)
    axes.plot(numbers, losses, "o", color=style.BLUE, **look)
    axes.step(numbers, np.minimum.accumulate(losses), where="post", color=style.VERMILION)
    shown = [t["loss"] for t in done + pruned]
    if max(shown) / max(min(shown), 1e-9) > 3:
        style.log_ticks(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.grid(axis="y")
    axes.set_xlabel("trial")
    axes.set_ylabel("held-out loss, nats")


def _importance(figure: Figure, search: Search) -> None:
    if not search.importances:
        style.header(figure, "Too few trials were finished to tell which field matters", body=1.2)
        style.say(figure, "Ten are needed.")
        return
    names = search.fields
    shares = [search.importances.get(name, 0.0) for name in names]
    title = f"{words(names[0])} explains {percent(shares[0], 0)} of the variance of the loss"
    note = (
        f"fANOVA (Hutter, Hoos and Leyton-Brown, 2014) on "
        f"{count(len(search.of_state('complete')), 'finished trial')}."
    )
    style.header(figure, title, note, body=0.55 + 0.3 * len(names))
    axes = style.place(figure, 1.6, 0.45, 3.85, 0.3 * len(names))
    places = np.arange(len(names))[::-1]
    axes.barh(places, shares, color=style.BLUE, height=0.6)
    axes.set_yticks(places, [words(name) for name in names])
    style.percent_ticks(axes, "x")
    axes.set_xlabel("share of the variance, %")


def _fields(figure: Figure, search: Search) -> None:
    names = search.fields
    rows = -(-len(names) // 2)
    best = search.best["values"]
    title = f"{words(names[0])} was best at {_shown(best[names[0]])}"
    note = "Finished trials; the best one is orange. Wide ranges are logarithmic."
    style.header(figure, title, note, body=0.3 + 1.75 * rows)
    done = search.of_state("complete")
    losses = [t["loss"] for t in done]
    for k, name in enumerate(names):
        left = 0.75 + 2.55 * (k % 2)
        axes = style.place(figure, left, 0.55 + 1.75 * (rows - 1 - k // 2), 2.1, 1.15)
        x = _positions(axes, [t["values"][name] for t in done])
        axes.plot(x, losses, "o", color=style.BLUE, markersize=4)
        k_best = [t["number"] for t in done].index(search.best["number"])
        axes.plot([x[k_best]], [losses[k_best]], "o", color=style.VERMILION)
        if max(losses) / max(min(losses), 1e-9) > 3:
            style.log_ticks(axes)
        axes.set_xlabel(words(name))
        axes.grid(axis="y")
        if k % 2 == 0:
            axes.set_ylabel("loss, nats")


def _positions(axes: Axes, values: list[Any]) -> list[float]:
    """Return the positions of values on the x axis, and set its ticks."""
    different = sorted(set(values))
    if len(different) <= FEW:
        axes.set_xticks(range(len(different)), [_shown(value) for value in different])
        axes.set_xlim(-0.5, len(different) - 0.5)
        return [float(different.index(value)) for value in values]
    if different[0] > 0 and different[-1] / different[0] > LOG_FROM:
        powers = range(math.floor(math.log10(different[0])), math.ceil(math.log10(different[-1])))
        style.log_x(axes, [10.0**power for power in powers if 10.0**power >= different[0]])
    return [float(value) for value in values]


def words(field: str) -> str:
    """Return the readable name of a field.

    >>> words("augmentation.shear"), words("learning_rate")
    ('shear', 'learning rate')
    """
    return field.rpartition(".")[2].replace("_", " ")


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


FIGURES: tuple[FigureEntry[Search], ...] = (
    (
        "trials",
        "Trials",
        _trials,
        "Each point is a training with other values. A trial is ended early when its loss after an "
        "epoch is above the median of the earlier trials.",
    ),
    (
        "importance",
        "Which fields matter",
        _importance,
        "How much of the differences between trials comes from each field, in the ranges that were "
        "searched. A field that matters little can stay as it is.",
    ),
    (
        "fields",
        "Values and losses",
        _fields,
        "Where the best points lie at one end of a panel, a wider range may hold better ones.",
    ),
)


def _describe(search: Search, recipe: dict[str, Any], out: Path) -> dict[str, Any]:
    """Return the values for the template ``tuning_report.html.j2``."""
    states = [trial["state"] for trial in search.trials]
    best = search.best
    seconds = sum(trial["seconds"] for trial in search.trials)
    ranked = sorted(search.of_state("complete"), key=lambda trial: trial["loss"])
    fields = list(best["values"])
    return {
        "run_name": out.resolve().name,
        "headline": f"The best of {count(len(states), 'trial')} of {recipe['name']} has a held-out "
        f"loss of {best['loss']:.4f}",
        "facts": [
            ("held-out loss", f"{best['loss']:.4f}", f"trial {best['number']}"),
            ("finished", f"{states.count('complete')}", "trials"),
            ("ended early", f"{states.count('pruned')}", "trials"),
            ("computed", f"{seconds / 60:.1f}", "minutes, all trials"),
        ],
        "columns": ("trial", "loss", *map(words, fields)),
        "rows": [
            (f"{t['number']}", f"{t['loss']:.4f}", *(_shown(t["values"].get(f)) for f in fields))
            for t in ranked[:20]
        ],
        "recipe_rows": recipe_rows(recipe, dict.fromkeys(fields, "searched")),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("digitscope", "optuna", "keras")},
        },
        "again": f"digitscope train --recipe {out / 'best.json'}",
        "unfinished": "", "timings": [], "started": "", "finished": "",
    }  # fmt: skip
