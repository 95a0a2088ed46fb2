"""Figures of the page network: learning curves; scores by confidence, class and height."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from digitscope.evaluation.page_scores import USUAL, Rates
from digitscope.rendering import style
from digitscope.rendering.figures_training import LOSSES, draw_by_epoch
from digitscope.rendering.page_results import Group, Share
from digitscope.rendering.wording import count, percent
from digitscope.runs import Row

ENOUGH = 30  # least number of glyphs or peaks of a group that is named in a title
GROUPS = (
    ("digits", style.BLUE, "o", "-"),
    ("signs", style.VERMILION, "s", "--"),
    ("other marks", style.GREEN, "^", "-."),
)


def draw_page_learning(figure: Figure, history: Sequence[Row]) -> None:
    """Draw the loss and, on held-out pages, F1 of digits, signs and other marks by epoch.

    Parameters
    ----------
    figure : Figure
    history : sequence of dict
        Rows as `Run.history` gives them.
    """
    if not history:
        style.header(figure, "Nothing was learned: no epoch was finished", body=1.2)
        style.say(figure, "Nothing to show.")
        return
    last = history[-1]
    epochs = count(int(last["epoch"]), "epoch")
    title = f"After {epochs} the loss is {last['loss']:.3f}; no pages were held out"
    note = "Training loss is the mean over the epoch."
    if "val_f1_digits" in last:
        title = (
            f"After {epochs} the F1 on held-out pages is {percent(last['val_f1_digits'])} for "
            f"digits, {percent(last['val_f1_signs'])} for signs and "
            f"{percent(last['val_f1_other'])} for other marks"
        )
        best = min(history, key=lambda row: row.get("val_loss", np.inf))["epoch"]
        if best < last["epoch"]:
            title += f"; held-out loss was lowest after epoch {best:.0f}"
        note += f" F1 counts peaks of confidence ≥ {USUAL:g}, before calibration."
    style.header(figure, title, note, body=4.6)
    shares = [
        (f"val_f1_{name.split()[0]}", name, colour, mark, dash)
        for name, colour, mark, dash in GROUPS
    ]
    draw_by_epoch(figure, history, LOSSES, shares, "F1").set_ylim(0, 1)


Curve = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def draw_thresholds(
    figure: Figure, curve: Curve, rates: Rates, threshold: float | None, digits: int, pages: int
) -> None:
    """Draw precision and recall of digits by the threshold of confidence.

    Parameters
    ----------
    figure : Figure
    curve : tuple of 4 ndarray of shape (n,)
        From `PageScores.curve`: falling thresholds with precision, recall and number of peaks.
    rates : Rates
        Rates at the threshold in the title.
    threshold : float, optional
        The threshold of the card; without one it is 0.3.
    digits, pages : int
        Number of digits and of pages.
    """
    thresholds, precisions, recalls, _ = curve
    if not len(thresholds):
        title = f"No digit is reported on {count(pages, 'held-out page')}"
        style.header(figure, title, body=1.2)
        style.say(figure, "Nothing to show.")
        return
    at = USUAL if threshold is None else threshold
    whose = "the model's threshold" if threshold is not None else "the usual threshold"
    title = (
        f"At {whose}, a confidence of {at:.3f}, {percent(rates.precision)} of the "
        f"reported digits are right and {percent(rates.recall)} of the digits are found"
    )
    note = f"{count(digits, 'digit')} on {count(pages, 'held-out page')}."
    if threshold is None:
        note += " The model's card has no threshold."
    style.header(figure, title, note, body=3.75)
    axes = style.place(figure, 0.8, 0.6, 4.65, 2.9)
    axes.plot(thresholds, precisions, "-", color=style.VERMILION, label="precision")
    axes.plot(thresholds, recalls, "--", color=style.BLUE, label="recall")
    axes.axvline(at, color=style.INK, lw=1.0, ls=":")
    axes.annotate(
        f"{at:.3f}", (at, 1), (0, 4), xycoords=("data", "axes fraction"), ha="center",
        textcoords="offset points", color=style.INK, size=9.5,
    )  # fmt: skip
    for value, colour, mark in (
        (rates.precision, style.VERMILION, "s"),
        (rates.recall, style.BLUE, "o"),
    ):
        axes.plot([at], [value], mark, color=colour, ms=7, zorder=3)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    style.percent_ticks(axes, "y")
    axes.grid()
    axes.set_xlabel("confidence from which digits are reported")
    axes.set_ylabel("precision and recall, %")
    axes.legend(loc="lower left")


def draw_groups(
    figure: Figure,
    groups: Sequence[Group],
    title: str,
    note: str,
    *,
    label: str,
    whole: Group | None = None,
    precision: bool = True,
) -> None:
    """Draw recall, and optionally precision, of groups of glyphs, with 95 % intervals.

    Parameters
    ----------
    figure : Figure
    groups : sequence of Group
        Groups from top to bottom.
    title, note : str
    label : str
        Kind of the groups: "class" or "page".
    whole : Group, optional
        All glyphs, whose recall and precision are drawn as dotted lines.
    precision : bool
        Whether precision is drawn.
    """
    if not groups:
        style.header(figure, title, note, body=1.2)
        style.say(figure, "Nothing to show.")
        return
    step = 0.29
    style.header(figure, title, note, body=step * len(groups) + 0.95)
    axes = style.place(figure, 1.45, 0.55, 3.35, step * len(groups))
    _draw_shares(axes, groups, whole, precision=precision)
    for y, group in enumerate(groups):
        n = count(group.recall.n, "glyph") if label == "class" else count(group.recall.n, "digit")
        if label != "class":
            n += f", {count(group.pages, 'page')}"
        axes.annotate(
            n, (1, y), (10, 0), xycoords=("axes fraction", "data"), va="center", size=8.5,
            textcoords="offset points", color=style.GREY,
        )  # fmt: skip
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_yticks(range(len(groups)), [group.name for group in groups])
    axes.tick_params(axis="y", length=0)
    axes.set_xlim(-0.02, 1)  # room for a mark at 0
    axes.grid(axis="x")
    style.percent_ticks(axes, "x")
    axes.set_xlabel("precision and recall, %" if precision else "recall, %")
    axes.legend(
        ncols=2, loc="lower left", bbox_to_anchor=(-0.02, 1.0), handletextpad=0.2, borderpad=0.1
    )


def _draw_shares(
    axes: Axes, groups: Sequence[Group], whole: Group | None, *, precision: bool
) -> None:
    """Draw recall, and precision, of each group with its interval, and those of all as lines."""
    kinds = [("recall", style.BLUE, "o", 0.0)]
    if precision:
        kinds = [("precision", style.VERMILION, "s", -0.17), ("recall", style.BLUE, "o", 0.17)]
    for kind, colour, marker, shift in kinds:
        shares = [(y + shift, getattr(group, kind)) for y, group in enumerate(groups)]
        rows = [(y, share) for y, share in shares if share.n]
        for y, share in rows:
            axes.plot(share.interval, [y, y], color=colour, alpha=0.45, lw=1.6)
        axes.plot(
            [share.value for _, share in rows], [y for y, _ in rows], marker, color=colour,
            ms=5.5, label=kind, clip_on=False, zorder=3,
        )  # fmt: skip
        if whole and getattr(whole, kind).n:
            axes.axvline(getattr(whole, kind).value, color=colour, ls=":", lw=1.2, zorder=0)


def weakest(groups: Sequence[Group], kind: str) -> Group | None:
    """Return the group with the lowest precision or recall, among those with 30 or more glyphs."""
    enough = [group for group in groups if getattr(group, kind).n >= ENOUGH]
    return min(enough, key=lambda group: getattr(group, kind).value, default=None)


def draw_heights(figure: Figure, heights: Sequence[tuple[float, float, Share]], pages: int) -> None:
    """Draw the recall of digits by the height of the writing.

    Parameters
    ----------
    figure : Figure
    heights : sequence of (float, float, Share)
        Bounds of the height in pixels, and the recall of these digits.
    pages : int
        Number of held-out pages.
    """
    n = sum(share.n for _, _, share in heights)
    note = f"Peaks of confidence ≥ {USUAL:g} count; {count(n, 'digit')} on "
    note += f"{count(pages, 'held-out page')}, with 95 % intervals (Wilson)."
    if not heights:
        style.header(figure, "There is no digit on the held-out pages", note, body=1.2)
        style.say(figure, "Nothing to show.")
        return
    enough = [row for row in heights if row[2].n >= ENOUGH] or list(heights)
    low, high = (f(enough, key=lambda row: row[2].value) for f in (min, max))
    title = (
        f"Digits {low[0]:.0f} to {low[1]:.0f} pixels high are found least often, "
        f"{percent(low[2].value)}; {high[0]:.0f} to {high[1]:.0f} pixels high most often, "
        f"{percent(high[2].value)}"
    )
    if len(enough) == 1:
        title = (
            f"Of digits {low[0]:.0f} to {low[1]:.0f} pixels high {percent(low[2].value)} are found"
        )
    style.header(figure, title, note, body=3.4)
    axes = style.place(figure, 0.8, 0.6, 5.35, 2.6)
    for left, right, share in heights:
        middle, interval = (left + right) / 2, share.interval
        axes.plot([left, right], [share.value] * 2, color=style.BLUE)
        axes.plot([middle] * 2, interval, color=style.BLUE, alpha=0.55, lw=1.4)
        axes.annotate(
            f"{share.n:,}", (middle, 0), (0, 5), xycoords=("data", "axes fraction"), ha="center",
            textcoords="offset points", color=style.GREY, size=9,
        )  # fmt: skip
    axes.set_ylim(0, 1.02)
    axes.set_xlim(heights[0][0] - 1, heights[-1][1] + 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.grid(axis="y")
    style.percent_ticks(axes, "y")
    axes.set_xlabel("height of the writing, pixels (gray: digits in the bin)")
    axes.set_ylabel("recall, %")
