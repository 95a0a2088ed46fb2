"""Figures of the errors of the page network: missed digits and invented digits."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from digitscope.evaluation.page_scores import USUAL
from digitscope.rendering import style
from digitscope.rendering.figures_sheet import draw_sheet
from digitscope.rendering.page_results import TILE, Cut, Share
from digitscope.rendering.wording import count, percent, sure

NOTHING = "none"


def draw_misses(
    figure: Figure, cuts: Sequence[Cut], missed: Share, confused: int, pages: int
) -> None:
    """Draw missed digits, which have no peak of their class.

    Parameters
    ----------
    figure : Figure
    cuts : sequence of Cut
        The worst first.
    missed : Share
        Share of all digits that is missed.
    confused : int
        Number of missed digits with a peak of another class.
    pages : int
        Number of held-out pages.
    """
    on = f"{count(missed.n, 'digit')} on {count(pages, 'held-out page')}"
    if not cuts:
        style.header(
            figure, f"None of the {on} is missed" if missed.n else f"There are {on}", body=1.2
        )
        style.say(figure, "Nothing to show.")
        return
    title = (
        f"{missed.part:,} of {count(missed.n, 'digit')} ({percent(missed.value)}) have no peak of "
        f"their class; {confused:,} of these have a peak of another class, the others none"
    )
    note = (
        f"{_which(len(cuts), missed.part)} of {count(pages, 'held-out page')}; first those whose "
        "class has the lowest probability. Truth → prediction."
    )
    _draw_cuts(figure, title, note, cuts, soft="no peak")


def draw_inventions(
    figure: Figure, cuts: Sequence[Cut], invented: int, reported: int, pages: int
) -> None:
    """Draw invented digits, which are peaks without such a digit.

    Parameters
    ----------
    figure : Figure
    cuts : sequence of Cut
        The most confident first.
    invented, reported : int
        Number of wrong peaks of digits, and of all peaks of digits.
    pages : int
        Number of held-out pages.
    """
    if not cuts:
        title = f"None of {count(reported, 'reported digit')} is wrong"
        if not reported:
            title = f"No digit of confidence ≥ {USUAL:g} is reported"
        style.header(figure, title, f"{count(pages, 'held-out page')}.", body=1.2)
        style.say(figure, "Nothing to show.")
        return
    worst = cuts[0]
    where = f"the truth is {worst.truth}" if worst.truth else "no glyph is there"
    if worst.truth == worst.said:
        where = f"that {worst.said} is reported twice, or is too small or too large to be sought"
    title = f"The most confident invention: {worst.said} at {sure(worst.confidence)}; {where}"
    note = (
        f"{_which(len(cuts), invented)} of {count(reported, 'peak')} of digits with confidence "
        f"≥ {USUAL:g} on {count(pages, 'held-out page')}, the most confident first. Truth → "
        "prediction."
    )
    _draw_cuts(figure, title, note, cuts, soft="")


def _which(shown: int, n: int) -> str:
    return f"The {shown} worst of {n:,} errors" if shown < n else f"All {count(n, 'error')}"


def _draw_cuts(figure: Figure, title: str, note: str, cuts: Sequence[Cut], *, soft: str) -> None:
    words = [
        (
            f"{cut.truth or NOTHING} → {cut.said or NOTHING}",
            f"{sure(cut.confidence)} sure" if cut.said else soft,
        )
        for cut in cuts
    ]
    tiles = np.stack([255 - cut.pixels for cut in cuts])  # the sheet takes 255 as ink
    axes, corners = draw_sheet(figure, title, note, tiles, words)
    for cut, corner in zip(cuts, corners, strict=True):
        _outline(axes, cut, corner)


def _outline(axes: Axes, cut: Cut, corner: tuple[int, int]) -> None:
    left, top, right, bottom = np.clip(cut.outline, 0, TILE)
    x, y = corner
    if right - left < 1 and bottom - top < 1:
        axes.plot([x + left], [y + top], "+", color=style.VERMILION, ms=8, mew=1.2)
        return
    box = Rectangle(
        (x + left, y + top), right - left, bottom - top, fill=False, ec=style.VERMILION, lw=0.9
    )
    axes.add_patch(box)
