"""Figures of confidence: calibration, and error by coverage."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.evaluation import Reliability, wilson_interval
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, percent, precise

MARKS = (100, 99, 95, 90)  # per cent; values of the coverage that have a label


def draw_reliability(
    figure: Figure,
    before: Reliability,
    after: Reliability,
    *,
    temperature: float,
    calibrated_on: int,
) -> None:
    """Draw the reliability diagram before and after calibration.

    Parameters
    ----------
    figure : Figure
    before, after : Reliability
        Reliability at T = 1 and at `temperature`.
    temperature : float
    calibrated_on : int
        Number of images that T was fitted on; 0 if it was not fitted.
    """
    if calibrated_on:
        change = after.error - before.error
        verb = "lowers" if change < -5e-5 else "raises" if change > 5e-5 else "leaves"
        old, new = percent(before.error, 2), percent(after.error, 2)
        title = f"Temperature T = {temperature:.2f} {verb} the calibration error (ECE) "
        title += f"at {old}" if verb == "leaves" else f"from {old} to {new}"
        note = f"T was fitted on {calibrated_on:,} held-out training images; shown: "
    else:
        title = f"The calibration error (ECE) is {percent(before.error, 2)}; it was not calibrated"
        note = "No images were held out to fit a temperature on; shown: "
    note += f"{int(before.count.sum()):,} test images in 15 bins, with 95 % intervals."
    if calibrated_on:
        label = f"after (T = {temperature:.2f})"
        curves = {"before (T = 1)": before, label: after}
    else:
        curves = {"as it is": before}
    draw_bins(figure, title, note, curves, noun="images")


def draw_bins(
    figure: Figure, title: str, note: str, curves: dict[str, Reliability], *, noun: str
) -> None:
    """Draw the share of right answers by confidence, and the number of answers below it.

    Parameters
    ----------
    figure : Figure
    title, note : str
    curves : dict of str to Reliability
        One curve, or one before and one after calibration, by their names in the legend.
    noun : str
        Noun for what is counted, in the plural.
    """
    style.header(figure, title, note, body=5.5)
    axes = style.place(figure, 0.88, 1.95, 5.35, 3.25)
    below = style.place(figure, 0.88, 0.55, 5.35, 1.15)
    axes.plot([0, 1], [0, 1], ":", color="#777777", lw=1.4, label="right as often as sure")
    looks = [(style.VERMILION, "s", "--", -0.004), (style.BLUE, "o", "-", 0.004)]
    if len(curves) == 1:
        looks = [(style.BLUE, "o", "-", 0.0)]
    for (label, bins), look in zip(curves.items(), looks, strict=True):
        colour, marker, dash, shift = look
        x = bins.confidence + shift  # slightly shifted, so that intervals do not overlap
        low, high = np.transpose(
            [
                wilson_interval(round(a * c), int(c))
                for a, c in zip(bins.accuracy, bins.count, strict=True)
            ]
        )
        axes.vlines(x, low, high, color=colour, lw=1.2, alpha=0.55)
        axes.plot(x, bins.accuracy, dash, marker=marker, color=colour, lw=1.6, label=label)
        below.plot(x, bins.count, marker, color=colour)
        below.vlines(x, 0.5, bins.count, color=colour, lw=1.2)
    axes.legend(ncols=3, loc="lower left", bbox_to_anchor=(-0.02, 1.0), columnspacing=1.4)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("accuracy in the bin, %")
    axes.grid()
    style.percent_ticks(axes, "xy")
    style.log_ticks(below)
    below.set_ylim(0.5, max(bins.count.max() for bins in curves.values()) * 2.5)
    below.set_ylabel(f"{noun} (log)")
    below.set_xlabel("mean confidence in the bin, %")
    below.grid(axis="y")
    style.percent_ticks(below, "x")
    for panel in (axes, below):
        panel.set_xlim(0, 1.02)
    axes.tick_params(labelbottom=False)


def draw_coverage(figure: Figure, errors: NDArray[np.int64]) -> None:
    """Draw the error rate of accepted images by coverage, if the least confident are refused.

    Parameters
    ----------
    figure : Figure
    errors : ndarray of shape (n,)
        Number of errors among the k most confident answers, for k = 1 to n.
    """
    n = len(errors)
    kept = np.arange(1, n + 1)
    marks = {share: -(-share * n // 100) for share in MARKS}  # number of images
    if not errors[-1]:
        title = f"There is no error among all {n:,} test images, so refusing gains nothing"
        style.header(figure, title, body=1.2)
        style.say(figure, "Nothing to show.")
        return
    rates = errors / kept
    at95 = marks[95]
    title = (
        f"Refusing the least sure 5{NBSP}% lowers the error from {precise(rates[-1], n)} to "
        f"{precise(rates[at95 - 1], n)}"
    )
    if rates[at95 - 1] >= rates[-1]:
        title = (
            f"Refusing the least sure 5{NBSP}% does not lower the error of {precise(rates[-1], n)}"
        )
    note = f"{n:,} test images, sorted by the calibrated probability of the answer."
    style.header(figure, title, note, body=3.7)
    axes = style.place(figure, 0.8, 0.6, 5.35, 2.95)
    shown = kept / n >= 0.5
    axes.plot(kept[shown] / n, rates[shown], color=style.BLUE)
    axes.set_xlim(0.5, 1.0)
    axes.set_ylim(0, max(rates[shown].max() * 1.12, 0.001))
    at = np.array(list(marks.values()))
    axes.plot(at / n, rates[at - 1], "o", color=style.BLUE, ms=7, clip_on=False, zorder=3)
    labels = [
        (
            k / n,
            float(rates[k - 1]),
            f"{share}{NBSP}% kept: {precise(rates[k - 1], n)} wrong ({errors[k - 1]:,} of {k:,})",
            style.INK,
        )
        for share, k in marks.items()
        if share == 100 or k < n  # with few images, 99 % may be all of them
    ]
    style.label_points(axes, labels, side=-1, lift=4)
    style.percent_ticks(axes, "xy")
    axes.grid(axis="y")
    axes.set_xlabel("coverage: images kept, % (the least sure are refused first)")
    axes.set_ylabel("error among them, %")
