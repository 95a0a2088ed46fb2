"""The report of the glyph network: results, figures and texts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.errors import BadRun
from digitscope.evaluation import bin_by_confidence
from digitscope.models.card import ModelCard
from digitscope.models.glyph_classes import DIGIT_CLASSES
from digitscope.models.glyph_network import GlyphNetwork
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.rendering import style
from digitscope.rendering.figure_files import FigureEntry, RenderedFigure, draw_figures
from digitscope.rendering.figures_confidence import draw_bins
from digitscope.rendering.figures_scores import draw_confusion
from digitscope.rendering.figures_sheet import draw_sheet
from digitscope.rendering.figures_training import LOSSES, draw_by_epoch
from digitscope.rendering.run_description import describe_making
from digitscope.rendering.wording import count, percent, precise
from digitscope.runs import Row, Run

DIGITS = len(DIGIT_CLASSES)
LEAST = 0.2  # least probability of a digit that is included in the reliability diagram
TIMING_NOTES = {
    "fit": "training, including compilation and held-out pages",
    "report": "figures and this report",
}


@dataclass(frozen=True)
class GlyphResults:
    """The results of a run.

    Attributes
    ----------
    history : list of dict
    card : ModelCard
        The card of the run's model.
    labels : ndarray of shape (n,), dtype intp
        The true classes of the held-out crops.
    page, both : ndarray of shape (n, 16), dtype float32
        The probabilities by the page network alone, and by both networks.
    mistakes : ndarray of shape (k,), dtype intp
        Indices of the crops with the most confident mistakes.
    images : ndarray of shape (k, 32, 32), dtype uint8
        These crops.
    """

    history: list[Row]
    card: ModelCard
    labels: NDArray[np.intp]
    page: NDArray[np.float32]
    both: NDArray[np.float32]
    mistakes: NDArray[np.intp]
    images: NDArray[np.uint8]

    @property
    def digits(self) -> NDArray[np.bool_]:
        """Which crops show a digit."""
        shown: NDArray[np.bool_] = self.labels < DIGITS
        return shown

    def accuracy(self, heat: NDArray[np.float32]) -> float:
        """Return the accuracy among the ten digits, on crops of digits."""
        right = heat[self.digits, :DIGITS].argmax(axis=1) == self.labels[self.digits]
        return float(right.mean()) if len(right) else 0.0


def load_results(run: Run) -> GlyphResults:
    """Load the results of a run; raise `BadRun` before it has scores."""
    if not run.held_out_file.is_file():
        raise BadRun(f"{run.path} holds no {run.held_out_file.name}; is the run finished?")
    try:
        with np.load(run.held_out_file) as file:
            saved = {name: file[name] for name in file.files}
        return GlyphResults(
            run.history,
            GlyphNetwork(run.model_file, threads=1).card,
            saved["labels"].astype(np.intp),
            saved["page"].astype(np.float32),
            saved["both"].astype(np.float32),
            saved["mistakes"].astype(np.intp),
            saved["images"],
        )
    except (ValueError, KeyError, OSError) as error:
        raise BadRun(f"{run.held_out_file} is damaged: {error}.") from None


def _learning(figure: Figure, results: GlyphResults) -> None:
    history, last = results.history, results.history[-1]
    title = f"After {count(int(last['epoch']), 'epoch')} the loss is {last['loss']:.3f}"
    if "val_accuracy_digits" in last:
        title += (
            f"; {percent(last['val_accuracy_digits'])} of the held-out digits are read correctly, "
            f"by the page network {percent(last['val_accuracy_page'])}"
        )
    note = "Training loss is the mean over the epoch. Dotted: the page network alone."
    style.header(figure, title, note, body=4.6)
    shares = (
        ("val_accuracy_digits", "glyph", style.BLUE, "o", "-"),
        ("val_accuracy_page", "page", style.GREY, "", ":"),
    )
    draw_by_epoch(figure, history, LOSSES, shares, "which digit")


def _confusion(figure: Figure, results: GlyphResults) -> None:
    digits = results.digits
    said = results.both[digits, :DIGITS].argmax(axis=1)
    table = np.zeros((DIGITS, DIGITS), np.int64)
    np.add.at(table, (results.labels[digits], said), 1)
    draw_confusion(figure, table, "held-out digits")


def _reliability(figure: Figure, results: GlyphResults) -> None:
    curves = {}
    for name, heat in (("page network", results.page), ("both", results.both)):
        confidence = heat[:, :DIGITS].max(axis=1)
        shown = confidence >= LEAST
        right = heat[:, :DIGITS].argmax(axis=1) == results.labels
        curves[name] = bin_by_confidence(confidence[shown], right[shown])
    title = (
        f"The calibration error (ECE) of digits is {percent(curves['both'].error, 2)} for both "
        f"networks together and {percent(curves['page network'].error, 2)} for the page network"
    )
    note = (
        f"Answers with a digit of probability ≥ {LEAST:g} among {len(results.labels):,} crops, in "
        "10 bins, with 95 % intervals (Wilson)."
    )
    draw_bins(figure, title, note, curves, noun="answers")


def _mistakes(figure: Figure, results: GlyphResults) -> None:
    total = int(results.digits.sum())
    wrong = total - round(results.accuracy(results.both) * total)
    if not wrong:
        style.header(figure, f"None of {total:,} held-out digits is confused", body=1.2)
        style.say(figure, "Nothing to show.")
        return
    said = results.both[results.mistakes, :DIGITS]
    words = [
        (f"{label} → {answer}", f"p = {sure:.2f}")
        for label, answer, sure in zip(
            results.labels[results.mistakes], said.argmax(axis=1), said.max(axis=1), strict=True
        )
    ]
    title = (
        f"{wrong:,} of {total:,} held-out digits are taken for another; the most confident mistakes"
    )
    note = "Each with its true digit, the answer of both networks and its probability."
    draw_sheet(figure, title, note, 255 - results.images, words)


FIGURES: tuple[FigureEntry[GlyphResults], ...] = (
    (
        "learning",
        "Learning curves",
        _learning,
        "The loss counts all 17 answers: ten digits, five signs, other marks and no glyph. Below: "
        "where a digit is, how often the right one of ten gets the largest probability.",
    ),
    (
        "reliability",
        "Calibration",
        _reliability,
        "Of the answers with a probability of 80 %, eight in ten should be right: then the points "
        "lie on the dotted diagonal.",
    ),
    (
        "confusion",
        "Confusion matrix",
        _confusion,
        "Both networks together, on digits alone, whatever their probability.",
    ),
    (
        "mistakes",
        "The most confident mistakes",
        _mistakes,
        "A crop also shows the surroundings of the digit, which is in its middle.",
    ),
)


def draw_all(results: GlyphResults) -> list[RenderedFigure]:
    """Draw all figures of the report."""
    return draw_figures(results, FIGURES)


def describe(run: Run, results: GlyphResults) -> dict[str, Any]:
    """Return the values for the template ``glyph_report.html.j2``."""
    record, metrics, n = run.record, run.metrics, int(results.digits.sum())
    both, alone = results.accuracy(results.both), results.accuracy(results.page)
    rows = []
    for name, title in (("page", "page network"), ("glyph", "glyph network"), ("both", "both")):
        part = metrics[name]
        rows.append((title, *(percent(part[k]) for k in ("accuracy", "precision", "recall"))))
    facts = [
        ("which digit, both", precise(both, n), f"{n:,} digits"),
        ("which digit, page network", precise(alone, n), "the same digits"),
        *(
            (f"weight: {name.replace('_', ' ')}", f"{weight:g}", "of log-probabilities")
            for name, weight in metrics["fusion"].items()
        ),
    ]
    return {
        "run_name": run.path.resolve().name,
        "headline": f"{precise(both, n)} of {n:,} held-out digits are read correctly by both "
        f"networks; {precise(alone, n)} by the page network alone",
        "crops": len(results.labels),
        "parameters": results.card.parameters,
        "patches": results.card.data.get("patches", 0),
        "facts": facts,
        "rows": rows,
        "again": f"digitscope train glyph --epochs {run.glyph_recipe.epochs}",
        **describe_making(
            record,
            record["recipe"],
            results.history,
            kind=GlyphRecipe,
            timing_notes=TIMING_NOTES,
        ),
    }
