"""The report of a committee: scores of its members, alone and together."""

from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from digitscope.errors import BadRun
from digitscope.models.classifier import Classifier
from digitscope.recipes import Recipe
from digitscope.rendering import style
from digitscope.rendering.digit_report import TIMING_NOTES
from digitscope.rendering.figure_files import FigureEntry, RenderedFigure, draw_figures
from digitscope.rendering.run_description import describe_making
from digitscope.rendering.wording import count, percent, precise
from digitscope.runs import Run

Committee = dict[str, Any]  # as in `ModelCard.committee`


def load_results(run: Run) -> Committee:
    """Load the results of a committee; raise `BadRun` if nothing was held out."""
    committee = Classifier(run.model_file, threads=1).card.committee
    if "alone" not in committee:
        raise BadRun(f"{run.path} held out nothing, so there is nothing to report of its members.")
    return committee


def _by_number(figure: Figure, committee: Committee) -> None:
    alone, first, n = committee["alone"], committee["first"], committee["n"]
    mean = sum(scores["accuracy"] for scores in alone) / len(alone)
    title = (
        f"{count(len(alone), 'member')} together read {precise(first[-1]['accuracy'], n)} of the "
        f"held-out images, one alone {precise(mean, n)} on average"
    )
    style.header(figure, title, f"Wrong answers among {n:,} held-out images.", body=3.2)
    axes = style.place(figure, 0.8, 0.6, 4.65, 2.4)
    numbers = range(1, len(alone) + 1)
    wrong = {
        "alone": [n * (1 - scores["accuracy"]) for scores in alone],
        "together": [n * (1 - scores["accuracy"]) for scores in first],
    }
    axes.plot(numbers, wrong["alone"], "o", color=style.GREY, label="each alone")
    axes.plot(numbers, wrong["together"], "o-", color=style.BLUE, label="the first k together")
    axes.axhline(n * (1 - mean), color=style.GREY, linestyle=":")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y")
    axes.set_xlabel("member, and number of members k")
    axes.set_ylabel("wrong answers")
    axes.legend(frameon=False)


FIGURES: tuple[FigureEntry[Committee], ...] = (
    (
        "members",
        "Number of members",
        _by_number,
        "Members have different initial weights and another order of the images. Where the blue "
        "line no longer falls, more members take time without fewer errors.",
    ),
)


def draw_all(committee: Committee) -> list[RenderedFigure]:
    """Draw all figures of the report."""
    return draw_figures(committee, FIGURES)


def describe(run: Run, committee: Committee) -> dict[str, Any]:
    """Return the values for the template ``committee_report.html.j2``."""
    metrics, card = run.metrics, Classifier(run.model_file, threads=1).card
    n, members = metrics["n"], committee["members"]
    low, high = metrics["accuracy_interval"]
    rows = [
        (f"member {k}", percent(a["accuracy"]), f"{a['log_loss']:.4f}", percent(f["accuracy"]))
        for k, (a, f) in enumerate(zip(committee["alone"], committee["first"], strict=True), 1)
    ]
    return {
        "run_name": run.path.resolve().name,
        "headline": f"{members} networks together read {precise(metrics['accuracy'], n)} of "
        f"{count(n, 'test image')} correctly",
        "interval": f"{precise(low, n)} to {precise(high, n)}",
        "members": members,
        "parameters": card.parameters,
        "held_out": committee["n"],
        "facts": [
            ("test accuracy", precise(metrics["accuracy"], n), f"{n:,} images"),
            ("log-loss", f"{metrics['log_loss']:.4f}", "nats"),
            ("one image", f"{1000 * committee['ms_per_image']:.0f}", "µs, one thread"),
            ("of one member", f"{1000 * committee['ms_per_image_alone']:.0f}", "µs, one thread"),
        ],
        "rows": rows,
        "data": run.record["data"],
        "again": f"digitscope train {run.recipe.name} --members {members}",
        **describe_making(
            run.record,
            run.record["recipe"],
            [],
            kind=Recipe,
            timing_notes=TIMING_NOTES,
        ),
    }
