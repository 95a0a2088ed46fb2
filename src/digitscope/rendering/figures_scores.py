"""Figures of errors: confusion matrix, scores per digit, mistakes and confused pairs."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from digitscope.evaluation import confused_pairs, wilson_interval
from digitscope.image.digit import DIGITS, SIDE, Images, Labels
from digitscope.rendering import style
from digitscope.rendering.figures_sheet import draw_sheet
from digitscope.rendering.wording import NBSP, count, percent, sure, times

MISTAKES = 30  # largest number of pictures of mistakes
PAIRS = 10  # largest number of confused pairs
HEAT = LinearSegmentedColormap.from_list("heat", ["#fdeee2", "#f29b61", "#a63a00"])


def draw_confusion(figure: Figure, confusion: NDArray[np.int64], noun: str = "test images") -> None:
    """Draw the confusion matrix; errors are coloured, the diagonal is grey.

    Parameters
    ----------
    figure : Figure
    confusion : ndarray of shape (10, 10)
        Row: true digit; column: predicted.
    noun : str
        Noun for the title, in the plural.
    """
    n, right = int(confusion.sum()), int(np.trace(confusion))
    pairs = confused_pairs(confusion)
    title = f"None of the {n:,} {noun} is read wrongly"
    if pairs:
        verb = "is" if n - right == 1 else "are"
        title = f"{n - right:,} of {n:,} {noun} {verb} read wrongly; {_most_frequent(pairs)}"
    note = "Counts. Grey diagonal: read correctly. Coloured: mistakes. Empty: never happened."
    style.header(figure, title, note, body=5.35)
    axes = style.place(figure, 0.62, 0.1, 4.7, 4.7)
    wrong = confusion.astype(np.float64)
    np.fill_diagonal(wrong, 0)
    top = max(float(wrong.max()), 1.0)
    axes.imshow(np.where(wrong > 0, wrong, np.nan), cmap=HEAT, vmin=0, vmax=top)
    axes.imshow(np.where(np.eye(DIGITS), 1.0, np.nan), cmap="Greys", vmin=0, vmax=8)
    for true, said in np.argwhere(confusion):
        value = int(confusion[true, said])
        dark = true != said and value > 0.6 * top
        colour = style.GREY if true == said else "white" if dark else style.INK
        size = 9.5 if true == said else 10.5
        axes.text(said, true, f"{value:,}", ha="center", va="center", color=colour, size=size)
    ticks = np.arange(DIGITS)
    axes.set_xticks(ticks, [str(t) for t in ticks])
    axes.set_yticks(ticks, [str(t) for t in ticks])
    between = ticks[1:] - 0.5
    axes.hlines(between, -0.5, DIGITS - 0.5, "#e4e4e1", lw=0.8)
    axes.vlines(between, -0.5, DIGITS - 0.5, "#e4e4e1", lw=0.8)
    axes.tick_params(length=0, top=False, labeltop=True, labelbottom=False)
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("predicted digit", labelpad=6)
    axes.set_ylabel("true digit")
    axes.spines[:].set_visible(False)
    axes.text(DIGITS - 0.3, -0.62, "wrong", ha="left", va="bottom", color=style.GREY, size=9.5)
    for digit, row in enumerate(confusion):
        words = "no images"
        if row.sum():
            words = f"{percent(1 - row[digit] / row.sum())}"
        axes.text(DIGITS - 0.3, digit, words, va="center", color=style.GREY, size=9.5)


def _most_frequent(pairs: Sequence[tuple[int, int, int]]) -> str:
    true, said, most = pairs[0]
    ties = sum(often == most for _, _, often in pairs)
    if len(pairs) == 1:
        return f"a {true} is read as {said}"
    if ties == 1:
        return f"most often a {true} is read as {said} ({times(most)})"
    if ties == len(pairs):
        return f"no kind of mistake is more frequent than another ({times(most)} each)"
    return f"the {ties} most frequent kinds of mistake happen {times(most)} each"


def draw_per_digit(
    figure: Figure,
    confusion: NDArray[np.int64],
    precision: Sequence[float],
    recall: Sequence[float],
    f1: Sequence[float],
) -> None:
    """Draw precision, recall and F1 of each digit, with the 95 % interval of the recall.

    Parameters
    ----------
    figure : Figure
    confusion : ndarray of shape (10, 10)
    precision, recall, f1 : sequence of 10 floats
    """
    support = confusion.sum(axis=1)
    shown = [d for d in range(DIGITS) if support[d]]
    intervals = {
        digit: wilson_interval(int(confusion[digit, digit]), int(support[digit])) for digit in shown
    }
    lowest = min([low for low, _ in intervals.values()] + [precision[d] for d in shown])
    start = 0.0 if lowest < 0.1 else math.floor(lowest * 100 - 0.5) / 100
    note = "Pale bar: 95 % interval of the recall (Wilson)."
    if start:
        note += f" The axis starts at {percent(start, 0)}, not at 0."
    title = _per_digit_title(shown, precision, recall)
    style.header(figure, title, note, body=4.5)
    axes = style.place(figure, 0.62, 0.55, 4.65, 3.55)
    for digit, (low, high) in intervals.items():
        axes.plot([low, high], [digit, digit], color=style.BLUE, alpha=0.17, lw=9,
                  solid_capstyle="butt")  # fmt: skip
    kinds = (
        ("precision", precision, style.VERMILION, "s"),
        ("recall", recall, style.BLUE, "o"),
        ("F1", f1, style.INK, "|"),
    )
    for label, values, colour, marker in kinds:
        axes.plot(
            [values[d] for d in shown], shown, marker, color=colour, label=label, clip_on=False,
            ms=11 if marker == "|" else 7, mew=2 if marker == "|" else 0, zorder=3,
        )  # fmt: skip
    axes.set_xlim(start or -0.02, 1)  # room for a dot at 0
    for digit in set(range(DIGITS)).difference(shown):
        axes.text(start, digit, "  no test images", va="center", color=style.GREY)
    for digit in shown:
        axes.annotate(
            count(int(support[digit]), "image"), (1, digit), (12, 0), va="center", size=9.5,
            xycoords=("axes fraction", "data"), textcoords="offset points", color=style.GREY,
        )  # fmt: skip
    axes.set_ylim(DIGITS - 0.5, -0.5)
    axes.set_yticks(range(DIGITS))
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    style.percent_ticks(axes, "x")
    axes.set_xlabel("precision, recall and F1, %")
    axes.set_ylabel("digit")
    axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.02, 1.0), handletextpad=0.2)


def _per_digit_title(
    shown: Sequence[int], precision: Sequence[float], recall: Sequence[float]
) -> str:
    least_recall, least_precision = (
        min(shown, key=values.__getitem__) for values in (recall, precision)
    )
    if min(recall[least_recall], precision[least_precision]) == 1:
        return "Precision and recall are 100 % for every digit"
    return (
        f"{least_recall}s are missed most (recall {percent(recall[least_recall])}); the answer "
        f"{least_precision} is wrong most often "
        f"(precision {percent(precision[least_precision])})"
    )


def draw_mistakes(
    figure: Figure,
    images: Images,
    labels: Labels,
    said: NDArray[np.int64],
    confidence: NDArray[np.floating],
    total: int,
) -> None:
    """Draw the misclassified images in the order of decreasing confidence.

    Parameters
    ----------
    figure : Figure
    images : ndarray of shape (n, 28, 28)
        Misclassified images in their order; at most 30 are drawn.
    labels, said : ndarray of shape (n,)
        The true and the predicted digits.
    confidence : ndarray of shape (n,)
        Calibrated probability of the predicted digit.
    total : int
        Number of test images.
    """
    n = len(images)
    if not n:
        style.header(figure, f"There is no mistake among the {total:,} test images", body=1.2)
        style.say(figure, "Nothing to show.")
        return
    shown = min(n, MISTAKES)
    title = (
        f"The most confident mistake: a {labels[0]}, read as {said[0]} with a probability of "
        f"{sure(float(confidence[0]))}"
    )
    note = f"All {count(n, 'mistake')}, the most confident first."
    if n > shown:
        note = f"The {shown} most confident of {count(n, 'mistake')} on {total:,} test images."
    if n == 1:
        note = f"The only mistake on {total:,} test images."
    words = [
        (f"{label} → {wrong}", f"{sure(float(p))} sure")
        for label, wrong, p in zip(labels[:shown], said[:shown], confidence[:shown], strict=True)
    ]
    draw_sheet(figure, title, note, images[:shown], words)


def draw_pairs(
    figure: Figure, confusion: NDArray[np.int64], examples: dict[tuple[int, int], NDArray[np.uint8]]
) -> None:
    """Draw the number of errors of each pair of digits, with an example.

    Parameters
    ----------
    figure : Figure
    confusion : ndarray of shape (10, 10)
        Row: true digit; column: predicted.
    examples : dict of (true, said) to ndarray of shape (28, 28)
    """
    pairs = confused_pairs(confusion)
    wrong = sum(often for _, _, often in pairs)
    if not pairs:
        n = int(confusion.sum())
        style.header(figure, f"No digit is confused with another on {n:,} test images", body=1.2)
        style.say(figure, "Nothing to show.")
        return
    shown = pairs[:PAIRS]
    part = sum(often for _, _, often in shown)
    kinds = f"{len(shown)} most frequent kinds of mistake, of {len(pairs)},"
    title = f"The {kinds} make up {part:,} of {wrong:,}"
    if len(pairs) <= PAIRS:
        title = f"{count(wrong, 'mistake')} of {count(len(pairs), 'kind')}: {_most_frequent(pairs)}"
    step = 0.44  # inches a row
    note = "True digit → predicted digit, and the most confident example."
    style.header(figure, title, note, body=step * len(shown) + 0.6)
    pictures = np.stack([examples[true, said] for true, said, _ in shown])
    column = style.mosaic(pictures, 1, across=0, down=4)
    gallery = style.place(figure, 0.98, 0.55, step, step * len(shown))
    gallery.imshow(column, cmap=style.PAPER, vmin=0, vmax=255, extent=(0, SIDE, len(column), 0))
    gallery.set_anchor("W")
    gallery.set_axis_off()
    axes = style.place(figure, 1.52, 0.55, 3.4, step * len(shown))
    rows = np.arange(len(shown)) - 2 / 32  # the picture is 28 of 32 pixels high
    counts = [often for _, _, often in shown]
    axes.barh(rows, counts, 0.62, color=style.VERMILION)
    for row, (true, _, often) in zip(rows, shown, strict=True):
        share = percent(often / int(confusion[true].sum()))
        axes.annotate(
            f"{often:,}{NBSP}{NBSP}({share} of the {true}s)", (often, row), (6, 0),
            textcoords="offset points", va="center", size=9.5,
        )  # fmt: skip
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.set_yticks(rows, [f"{true} → {said}" for true, said, _ in shown], size=11)
    axes.tick_params(axis="y", length=0, pad=0.54 * 72 + 6)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("test images")
