"""The figures of the report of the page network, in order, with explanations."""

from matplotlib.figure import Figure

from digitscope.evaluation.page_scores import FLOOR, USUAL
from digitscope.rendering import style
from digitscope.rendering.figure_files import FigureEntry, RenderedFigure, draw_figures
from digitscope.rendering.figures_confidence import draw_bins
from digitscope.rendering.figures_glyphs import draw_inventions, draw_misses
from digitscope.rendering.figures_pages import (
    draw_groups,
    draw_heights,
    draw_page_learning,
    draw_thresholds,
    weakest,
)
from digitscope.rendering.page_results import Group, PageResults, Share
from digitscope.rendering.wording import count, percent

COUNTED = f"Peaks of confidence ≥ {USUAL:g} count; bars are 95 % intervals (Wilson)."


def _thresholds(figure: Figure, results: PageResults) -> None:
    at = results.threshold
    rates = results.scores.rates(threshold=USUAL if at is None else at)
    digits = results.digits.recall.n
    draw_thresholds(figure, results.scores.curve(), rates, at, digits, results.pages)


def _reliability(figure: Figure, results: PageResults) -> None:
    bins = results.reliability
    pages = count(results.pages, "held-out page")
    if not len(bins.count):
        style.header(figure, f"No digit is reported on {pages}", body=1.2)
        style.say(figure, "Nothing to show.")
        return
    title = f"The calibration error (ECE) of digits is {percent(bins.error, 2)}"
    fitted = results.card.calibration
    if fitted.get("n"):
        title += (
            f"; calibration took it from {percent(fitted['error_before'], 2)} to "
            f"{percent(fitted['error_after'], 2)}"
        )
    else:
        title += "; the network was not calibrated"
    note = (
        f"{int(bins.count.sum()):,} peaks of digits with confidence ≥ {FLOOR:g} on {pages}, "
        "in 10 bins, with 95 % intervals (Wilson)."
    )
    draw_bins(figure, title, note, {"as the model says": bins}, noun="peaks")


def _groups_title(groups: list[Group], noun: str) -> str:
    missed, invented = weakest(groups, "recall"), weakest(groups, "precision")
    parts = []
    if missed:
        parts.append(f"Recall is lowest {noun} {missed.name}, {percent(missed.recall.value)}")
    if invented:
        parts.append(f"precision {noun} {invented.name}, {percent(invented.precision.value)}")
    if not parts:
        return f"Too few glyphs to tell what is lowest {noun} which"
    title = "; ".join(parts)
    return title[0].upper() + title[1:]


def _classes(figure: Figure, results: PageResults) -> None:
    groups = results.classes
    title = _groups_title(groups, "for class")
    n = sum(group.recall.n for group in groups)
    note = f"{count(n, 'glyph')} on {count(results.pages, 'held-out page')}. {COUNTED} "
    note += "Other: all letters and other symbols."
    draw_groups(figure, groups, title, note, label="class")


def _layouts(figure: Figure, results: PageResults) -> None:
    title = _groups_title(results.layouts, "in the layout")
    _digits(figure, results, results.layouts, title, precision=True)


def _faults(figure: Figure, results: PageResults) -> None:
    groups = results.faults
    title = "Too few digits to tell which fault costs most"
    if worst := weakest(groups, "recall"):
        every = results.digits.recall
        title = (
            f"Recall is lowest with {worst.name}, {percent(worst.recall.value)} against "
            f"{percent(every.value)} on all pages"
        )
    _digits(figure, results, groups, title, precision=False)


def _digits(
    figure: Figure, results: PageResults, groups: list[Group], title: str, *, precision: bool
) -> None:
    whole = results.digits
    n = count(whole.recall.n, "digit")
    note = f"{n} on {count(results.pages, 'held-out page')}; dotted: all. {COUNTED}"
    draw_groups(figure, groups, title, note, label="page", whole=whole, precision=precision)


def _misses(figure: Figure, results: PageResults) -> None:
    missed = results.missed
    confused = sum(bool(results.said_at(int(glyph))[0]) for glyph in missed)
    share = Share(len(missed), results.digits.recall.n)
    draw_misses(figure, results.misses(), share, confused, results.pages)


def _inventions(figure: Figure, results: PageResults) -> None:
    invented = len(results.invented)
    reported = results.digits.precision.n
    draw_inventions(figure, results.inventions(), invented, reported, results.pages)


FIGURES: tuple[FigureEntry[PageResults], ...] = (
    (
        "learning",
        "Learning curves",
        lambda figure, results: draw_page_learning(figure, results.history),
        "Training minimises the loss. F1 is the harmonic mean of precision and recall. The "
        "training pages are drawn anew in each epoch, so the network cannot overfit to single "
        "pages; held-out pages have other writers and fonts.",
    ),
    (
        "thresholds",
        "Precision and recall by confidence",
        _thresholds,
        "A higher threshold reports fewer digits, and more of these are right. Precision: of the "
        "digits reported, how many are right? Recall: of the true digits, how many are found? The "
        "dotted line is the threshold in the title. At the right, there are few reported digits.",
    ),
    (
        "reliability",
        "Calibration",
        _reliability,
        "Reported digits are sorted into bins by confidence. On the dotted line, digits of 80 % "
        "confidence are right in 80 % of the cases; below it, the network is overconfident. The "
        "lower panel shows the number of digits of each point. ECE is the mean distance from the "
        "line, weighted by these numbers.",
    ),
    (
        "classes",
        "By class",
        _classes,
        "A glyph is found when a peak of its class is near its centre. A digit that is seen as "
        "another digit counts twice: it is missed, and the other one is invented.",
    ),
    (
        "heights",
        "By height of the writing",
        lambda figure, results: draw_heights(figure, results.heights, results.pages),
        "The height is that of the digits of the writer or font. The network looks for writing of "
        "12 to 48 pixels; reading makes pictures larger or smaller to fit.",
    ),
    (
        "layouts",
        "By layout",
        _layouts,
        "How the writing is laid out on the page. A layout without digits has no recall; its "
        "precision is 0 when digits are reported there, and missing when none are.",
    ),
    (
        "faults",
        "By fault",
        _faults,
        "Effects of paper and camera. A page may have several faults, so a low "
        "recall may come from another fault of the same pages.",
    ),
    (
        "misses",
        "The worst misses",
        _misses,
        "Digits for which the network shows no peak of their class, even of little confidence. The "
        "frame is the box of the true digit. Below: the truth, an arrow, the predicted class "
        "in this box, and its confidence.",
    ),
    (
        "inventions",
        "The worst inventions",
        _inventions,
        "Digits that the network reports and that are not there. The frame is the box of the glyph "
        "that stands there; a cross is a place where no glyph stands. The same digit on both sides "
        "of the arrow means that a glyph was reported twice, or is outside of 12 to 48 pixels.",
    ),
)


def draw_all(results: PageResults) -> list[RenderedFigure]:
    """Draw all figures in the order of the report."""
    return draw_figures(results, FIGURES)
