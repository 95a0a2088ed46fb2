"""The figures of the report of a digit classifier, in order, with explanations."""

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
    # Of each pair, the most confident mistake is last and stays in the dictionary.
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
        "Training minimises the loss; the accuracy is the share of right answers. When the "
        "training curve improves and the validation curve does not, the network is overfitting. "
        "In the first epochs validation can look better than training, because training is an "
        "average over the epoch and validation is measured at its end.",
    ),
    (
        "confusion",
        "Confusion matrix",
        _confusion,
        "A row contains all test images of one digit. The grey cell counts those that were read "
        "correctly, each coloured cell those that were read as the digit above it.",
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
        "The most confident mistakes",
        _mistakes,
        "Below each picture: the true digit, an arrow, the predicted digit, and its probability. "
        "A person would misread some of these, too; the others show where the network fails.",
    ),
    (
        "pairs",
        "Confused pairs",
        _pairs,
        "The order matters: a 4 read as 9 and a 9 read as 4 are different mistakes. Counts this "
        "small vary from one training to the next.",
    ),
    (
        "reliability",
        "Calibration",
        _reliability,
        "Answers are sorted into bins by confidence. On the dotted line, answers with a confidence "
        "of 80 % are right in 80 % of the cases; below it, the network is overconfident. The lower "
        "panel shows the number of images of each point; points of few images mean little. ECE is "
        "the mean distance from the line, weighted by these numbers.",
    ),
    (
        "coverage",
        "Error and coverage",
        lambda figure, results: draw_coverage(
            figure, errors_by_coverage(results.confidence, results.right)
        ),
        "At 100 % every image is answered. Further left, the least confident answers are refused, "
        "and the error of the others falls. A person has to read the refused images.",
    ),
    (
        "weights",
        "First-layer weights",
        lambda figure, results: draw_weights(figure, results.weights, results.layer),
        "The sum of a unit is that of all pixels, multiplied by its weights: ink on red increases "
        "it, and ink on blue decreases it. Weak noise at the border remains from the initial "
        "weights, where no training digit has ink.",
    ),
    (
        "norms",
        "Norms of weights, updates and gradients",
        lambda figure, results: draw_norms(figure, results.history),
        "The update is the change of a layer's weights in the epoch. The gradient is that of the "
        "mean loss over the same 2,000 training images, after the epoch. Decreasing updates mean "
        "that the training converges; a gradient that keeps growing means that it diverges.",
    ),
)


def draw_all(results: DigitResults) -> list[RenderedFigure]:
    """Draw all figures in the order of the report."""
    return draw_figures(results, FIGURES)
