"""Figures of explanations: contributions of pixels and hidden units, and occlusion maps."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.explanation import Explanation, Occlusion
from digitscope.files import replacing
from digitscope.image.digit import DIGITS
from digitscope.rendering import style
from digitscope.rendering.wording import sure

COLUMNS = 6  # units in a row
PICTURE = 1.72  # inches; side of a large picture
UNIT = 0.86  # inches; side of the picture of a unit
MINUS = "−"


def draw(result: Explanation | Occlusion, path: Path, *, top: int = COLUMNS) -> None:
    """Write the figure of an explanation, atomically.

    Parameters
    ----------
    result : Explanation or Occlusion
    path : path
        Its suffix, ``.png`` or ``.svg``, is the format.
    top : int, default 6
        Number of hidden units to show, at most 6.
    """
    # With a constant salt the same numbers give the same SVG file.
    with matplotlib.rc_context(style.RC | {"svg.hashsalt": "digitscope"}):
        figure = Figure()
        if isinstance(result, Occlusion):
            draw_occlusion(figure, result)
        else:
            draw_explanation(figure, result, top)
        with replacing(path) as temporary:
            kind = path.suffix.lower().removeprefix(".")
            metadata = {"Date": None} if kind == "svg" else {}
            figure.savefig(temporary, format=kind, metadata=metadata)


def draw_explanation(figure: Figure, explanation: Explanation, top: int = COLUMNS) -> None:
    """Draw contributions of pixels, probabilities, and the units with the largest contributions.

    Parameters
    ----------
    figure : Figure
    explanation : Explanation
    top : int
        Number of hidden units to show, at most 6.
    """
    w, r = explanation.winner, explanation.runner_up
    units = explanation.strongest(min(top, COLUMNS))
    title = f"It reads a {w}, not a {r}, by a lead of {_short(explanation.lead)} in the logits"
    if units:
        gain = float(explanation.contributions[units[0]] @ (1, -1))
        alone = f"unit {units[0]} alone gives {_short(gain)} of it"
        title += (
            f"; {alone}" if gain > 0 else f", though unit {units[0]} takes {_short(-gain)} from it"
        )
    note = "Thin line: the outline of the ink. Each picture in red and blue has its own scale."
    if explanation.label_given and explanation.label != w:
        note = f"The true digit is {explanation.label}. {note}"
    note = f"{_caution(explanation)} {note}".strip()
    style.header(figure, title, note, body=4.92 if units else 2.1)
    low = 2.9 if units else 0.1
    _show_image(figure, explanation.image, low, "the image")
    axes = style.place(figure, 2.18, low, PICTURE, PICTURE)
    _signed(axes, explanation.pixels, explanation.image)
    _heading(axes, f"ink for {w} (red), for {r} (blue)")
    _draw_probabilities(figure, explanation, low)
    if units:
        _draw_units(figure, explanation, units)


def _short(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


def _caution(result: Explanation | Occlusion) -> str:
    if not result.refused:
        return ""
    return (
        f"Its score of {result.score:.2f} is below the model's threshold of "
        f"{result.threshold:.2f}: probably no digit at all."
    )


def _heading(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9.5, color=style.GREY, pad=5)


def _show_image(figure: Figure, image: NDArray[np.uint8], low: float, heading: str) -> None:
    axes = style.place(figure, 0.08, low, PICTURE, PICTURE)
    axes.imshow(image, cmap=style.PAPER, vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    _heading(axes, heading)


def _signed(axes: Axes, values: NDArray[np.float64], image: NDArray[np.uint8] | None = None) -> Any:
    """Draw signed values, white at 0, red above and blue below, with the outline of the ink."""
    limit = float(np.quantile(np.abs(values[values != 0]), 0.99)) if values.any() else 1.0
    shown = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    if image is not None and image.max() > 127:
        axes.contour(image, levels=[127], colors=[style.GREY], linewidths=0.7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(style.PALE)
    return shown


def _draw_probabilities(figure: Figure, explanation: Explanation, low: float) -> None:
    w, r = explanation.winner, explanation.runner_up
    axes = style.place(figure, 4.45, low, 1.2, PICTURE)
    colours = [
        style.VERMILION if d == w else style.BLUE if d == r else style.PALE for d in range(DIGITS)
    ]
    digits = np.arange(DIGITS)
    axes.barh(digits, explanation.probabilities, 0.7, color=colours)
    for digit, share in enumerate(explanation.probabilities):
        if share >= 0.001 or digit in (w, r):
            text = sure(float(share)) if share >= 0.001 else "< 0.1 %"
            axes.annotate(
                text, (share, digit), (4, 0), textcoords="offset points", va="center", size=9,
            )  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(DIGITS - 0.4, -0.6)
    axes.set_yticks(digits, [str(d) for d in digits])
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines["bottom"].set_visible(False)
    _heading(axes, "probability of each digit")


def _draw_units(figure: Figure, explanation: Explanation, units: list[int]) -> None:
    """Draw the weights of the units, their activity, and their contributions to two logits."""
    w, r = explanation.winner, explanation.runner_up
    active = explanation.steps[-1].inputs
    left = 0.52
    step = (style.WIDTH - left - 0.08) / COLUMNS  # inches from unit to unit
    for place, unit in enumerate(units):
        axes = style.place(figure, left + place * step + (step - UNIT) / 2, 1.33, UNIT, UNIT)
        _signed(axes, explanation.picture(unit), explanation.image)
        axes.set_title(f"unit {unit}", fontsize=9.5, pad=3)
        axes.set_xlabel(
            f"A = {active[unit]:.2f}".replace("-", MINUS), fontsize=9, color=style.GREY, labelpad=2
        )
    wide, high = figure.get_size_inches()
    which = "the hidden unit that decides"
    if len(units) > 1:
        which = f"each of the {len(units)} hidden units that decide"
    figure.text(
        0.08 / wide, 2.56 / high,
        f"{which} most: ink on red excites it, ink on blue inhibits it",
        size=9.5, color=style.GREY,
    )  # fmt: skip
    axes = style.place(figure, left, 0.1, step * len(units), 0.66)
    at, thick = np.arange(len(units)), 0.2
    for side, column, colour, digit in ((-1, 0, style.VERMILION, w), (1, 1, style.BLUE, r)):
        values = explanation.contributions[units, column]
        axes.bar(at + side * thick / 2 * 1.1, values, thick, color=colour, label=f"to {digit}")
    axes.axhline(0, color="#8c8c8c", lw=0.8)
    axes.set_xlim(-0.5, len(units) - 0.5)
    axes.margins(y=0.12)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.locator_params(axis="y", nbins=4)
    figure.text(
        0.08 / wide, 0.9 / high, "what each adds to the logits:", size=9.5, color=style.GREY
    )  # fmt: skip
    # Beside that text, at a position that does not depend on the axes.
    figure.legend(*axes.get_legend_handles_labels(), ncols=2, loc="center left", fontsize=9.5,
                  bbox_to_anchor=(2.2 / wide, 0.94 / high), handlelength=1.0,
                  handletextpad=0.4, borderaxespad=0.0, borderpad=0.0)  # fmt: skip


def draw_occlusion(figure: Figure, occlusion: Occlusion) -> None:
    """Draw the image and the map of how much covering a patch lowers the log-odds.

    Parameters
    ----------
    figure : Figure
    occlusion : Occlusion
    """
    drops, w = occlusion.drops, occlusion.winner
    others = occlusion.digits[occlusion.digits != w]
    title = f"It reads a {w}, whichever {occlusion.patch}×{occlusion.patch} pixels are covered"
    if len(others):
        likeliest = int(np.bincount(others).argmax())
        title = (
            f"Covering {occlusion.patch}×{occlusion.patch} pixels at {len(others)} of the "
            f"{drops.size} places makes the {w} another digit, most often a {likeliest}"
        )
    note = f"Probability of {w}: {sure(occlusion.probability)}. {_caution(occlusion)}".strip()
    size = 2.35
    style.header(figure, title, note, body=size + 0.9)
    image = style.place(figure, 0.08, 0.62, size, size)
    image.imshow(occlusion.image, cmap=style.PAPER, vmin=0, vmax=255, interpolation="nearest")
    image.set_axis_off()
    _heading(image, "the image")
    row, column = np.unravel_index(drops.argmax(), drops.shape)
    half = occlusion.patch / 2
    image.add_patch(
        matplotlib.patches.Rectangle(
            (float(column) - half, float(row) - half), occlusion.patch, occlusion.patch,
            fill=False, edgecolor=style.VERMILION, linewidth=1.8,
        )
    )  # fmt: skip
    axes = style.place(figure, 3.45, 0.62, size, size)
    shown = _signed(axes, drops, occlusion.image)
    _heading(axes, "how much is missed where")
    if len(others):
        axes.contour(
            (occlusion.digits != w).astype(float), levels=[0.5], colors=[style.INK], linewidths=1.4
        )
    words = "box: the patch that is missed most"
    if len(others):
        words += "\nblack line: covered there, it is another digit"
    figure.text(
        0.08 / style.WIDTH, 0.5 / figure.get_size_inches()[1], words,
        va="top", size=9.5, color=style.GREY, linespacing=1.35,
    )  # fmt: skip
    scale = style.place(figure, 3.45, 0.42, size, 0.1)
    limit = shown.get_clim()[1]
    bar: Any = figure.colorbar(shown, cax=scale, orientation="horizontal")
    bar.outline.set_visible(False)
    scale.set_xticks([-limit, 0, limit], [f"{MINUS}{limit:.1f}", "0", f"+{limit:.1f}"])
    scale.tick_params(length=0)
    scale.set_xlabel("drop of the log-odds, nats", fontsize=9.5, labelpad=1)
