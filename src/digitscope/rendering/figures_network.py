"""Figure of the weights of the first layer, one picture per unit."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from digitscope.image.digit import DIGITS, SIDE
from digitscope.rendering import style

UNITS = 128  # largest number of units, those with the largest norms
GAP = 1  # pixels between pictures


def draw_weights(figure: Figure, weights: NDArray[np.float32], layer: str) -> None:
    """Draw the weights of each unit as a picture, in the order of decreasing norms.

    Parameters
    ----------
    figure : Figure
    weights : ndarray of shape (units, 28, 28), or (filters, 3, 3)
    layer : str
        ``hidden_1`` or ``convolution_1``, or ``digits``, whose units are in the order of the
        digits.
    """
    units = len(weights)
    norms = np.linalg.norm(weights.reshape(units, -1), axis=1)
    order = np.arange(units) if layer == "digits" else np.argsort(-norms, kind="stable")[:UNITS]
    title, note = _words(norms, layer)
    columns = 5 if len(order) <= DIGITS else 8 if len(order) <= 64 else 16
    down = 7 if layer == "digits" else GAP
    picture = style.mosaic(weights[order], columns, across=GAP, down=down)
    high, wide = picture.shape
    # A weight has a whole number of pixels, so that all have the same width.
    inches = int((style.WIDTH - 0.16) * style.DPI / wide) / style.DPI
    style.header(figure, title, note, body=high * inches + 0.62)
    limit = float(np.quantile(np.abs(weights[order]), 0.999)) or 1.0
    axes = style.place(figure, 0.08, 0.62, wide * inches, high * inches)
    image = axes.imshow(
        picture,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(0, wide, high, 0),
        interpolation="nearest",
    )
    axes.set_axis_off()
    if layer == "digits":
        for digit in range(units):
            row, column = divmod(digit, columns)
            x, y = column * (SIDE + GAP) + SIDE / 2, row * (SIDE + down) + SIDE + 3
            axes.text(x, y, str(digit), ha="center", va="center", size=11)
    _draw_scale(figure, image, limit)


def _words(norms: NDArray[np.float32], layer: str) -> tuple[str, str]:
    """Return the title of the figure and the note below it."""
    units, strongest, weakest = len(norms), norms.max(), norms.min()
    if layer == "digits":
        title = (
            f"The weights of the ten digits have norms from {weakest:.2g} ({norms.argmin()}) "
            f"to {strongest:.2g} ({norms.argmax()})"
        )
        return title, "Ink on red speaks for a digit, ink on blue against it."
    kind = "hidden unit" if layer == "hidden_1" else "filter"
    title = (
        f"The strongest of the {units:,} {kind}s has a norm of {strongest:.2g}, "
        f"the weakest {weakest:.2g}"
    )
    if units == 1:
        title = f"The only {kind} has a norm of {strongest:.2g}"
    note = "Largest norm first. Ink on red excites it, ink on blue inhibits it."
    if units > UNITS:
        note += f" The {UNITS} strongest of {units:,} are shown."
    return title, note


def _draw_scale(figure: Figure, image: AxesImage, limit: float) -> None:
    scale = style.place(figure, 1.7, 0.38, 3.0, 0.11)
    bar: Any = figure.colorbar(image, cax=scale, orientation="horizontal")
    bar.outline.set_visible(False)
    scale.set_xticks([-limit, 0, limit], [f"−{limit:.2g}", "0", f"{limit:.2g}"])
    scale.tick_params(length=0)
    figure.text(1.6 / style.WIDTH, 0.435 / figure.get_size_inches()[1], "weight", ha="right",
                va="center", size=9.5)  # fmt: skip
