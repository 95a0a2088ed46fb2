"""Which figures there are, in the order of the page, each with how to read it."""

import numpy as np
from matplotlib.figure import Figure

from digitscope.rendering.digit_results import DigitResults, errors_by_coverage
from digitscope.rendering.figure_files import FigureEntry, RenderedFigure, draw_figures
from digitscope.rendering.figures_confidence import draw_coverage, draw_reliability
from digitscope.rendering.figures_network import draw_weights
from digitscope.rendering.figures_scores import (
    draw_confusion,
    draw_mistakes,
    draw_pairs,
    draw_per_digit,
)
from digitscope.rendering.figures_training import draw_learning, draw_norms


def _confusion(figure: Figure, results: DigitResults) -> None:
    draw_confusion(figure, np.array(results.scores.confusion))


def _per_digit(figure: Figure, results: DigitResults) -> None:
    scores = results.scores
    draw_per_digit(figure, np.array(scores.confusion), scores.precision, scores.recall, scores.f1)


def _mistakes(figure: Figure, results: DigitResults) -> None:
    rows = results.mistakes
    draw_mistakes(
        figure,
        results.images[rows],
        results.labels[rows],
        results.predicted[rows],
        results.confidence[rows],
        len(results.labels),
    )


def _pairs(figure: Figure, results: DigitResults) -> None:
    # The surest comes last and so stays in the dictionary.
    rows = results.mistakes[::-1]
    kinds = zip(results.labels[rows].tolist(), results.predicted[rows].tolist(), strict=True)
    examples = dict(zip(kinds, results.images[rows], strict=True))
    draw_pairs(figure, np.array(results.scores.confusion), examples)


def _reliability(figure: Figure, results: DigitResults) -> None:
    before, after = results.reliability
    card = results.card
    draw_reliability(
        figure, before, after, temperature=card.temperature, calibrated_on=card.calibrated_on
    )


FIGURES: tuple[FigureEntry[DigitResults], ...] = (
    (
        "learning",
        "Learning curves",
        lambda figure, results: draw_learning(figure, results.history),
        "The loss is what the training makes smaller; the accuracy is what one wants of it. When "
        "the training line goes on improving and the validation line does not, the network is "
        "learning its examples by heart. In the first epochs validation can look better than "
        "training, because training is an average over the epoch and validation comes at its end.",
    ),
    (
        "confusion",
        "Confusion matrix",
        _confusion,
        "Take a row: all test images of that digit. The grey field counts those that were read "
        "correctly, each coloured field those that were read as the digit above it.",
    ),
    (
        "per-digit",
        "Precision and recall",
        _per_digit,
        "Recall: of the true 8s, how many were called 8? Precision: of the answers 8, how many "
        "were right? F1 is their harmonic mean. Where the pale bars of two digits overlap widely, "
        "their difference may be chance.",
    ),
    (
        "mistakes",
        "The surest mistakes",
        _mistakes,
        "Under each picture: the true digit, an arrow, what the network said, and how sure it was. "
        "Some of these a person would misread as well; the others show what it has not understood.",
    ),
    (
        "pairs",
        "What is confused with what",
        _pairs,
        "The order matters: a 4 read as 9 and a 9 read as 4 are different mistakes. Counts this "
        "small vary from one training to the next.",
    ),
    (
        "reliability",
        "Calibration",
        _reliability,
        "Answers are sorted into bins by how sure they are. On the dotted line, answers that are "
        "80 % sure are right 80 % of the time; below it, the network is too sure of itself. The "
        "lower panel says how many images a point stands for; points of few images mean little. "
        "ECE is the mean distance from the line, weighted by these counts.",
    ),
    (
        "coverage",
        "Error and coverage",
        lambda figure, results: draw_coverage(
            figure, errors_by_coverage(results.confidence, results.right)
        ),
        "At 100 % every image is answered. Going left, the least sure are handed to a person "
        "instead, and the error among the rest falls: the price of fewer mistakes is more work.",
    ),
    (
        "weights",
        "First-layer weights",
        lambda figure, results: draw_weights(figure, results.weights, results.layer),
        "Each unit multiplies the image, pixel by pixel, with its picture and adds up: it looks "
        "for ink where the picture is red and for paper where it is blue. Faint, even noise at the "
        "rim is left over from the random start, where no training digit has ink.",
    ),
    (
        "norms",
        "Norms of weights, updates and gradients",
        lambda figure, results: draw_norms(figure, results.history),
        "The update is how far a layer's weights moved in the epoch. The gradient is that of the "
        "mean loss over the same 2,000 training images, after the epoch. Updates that shrink say "
        "that the training settles; a gradient that grows without end says that it breaks up.",
    ),
)


def draw_all(results: DigitResults) -> list[RenderedFigure]:
    """Return all figures, drawn, in the order of the page."""
    return draw_figures(results, FIGURES)
