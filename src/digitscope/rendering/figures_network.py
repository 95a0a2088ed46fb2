"""What it learned: the weights of the first layer, each unit's as a picture."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.image.digit import DIGITS, SIDE
from digitscope.rendering import style

UNITS = 128  # at most, the strongest
GAP = 1  # pixels between pictures


def draw_weights(figure: Figure, weights: NDArray[np.float32], layer: str) -> None:
    """Draw each unit's weights as a picture, the unit with the largest norm first.

    Parameters
    ----------
    figure : Figure
    weights : ndarray of shape (units, 28, 28), or (filters, 3, 3)
    layer : str
        ``hidden_1`` or ``convolution_1``; or ``digits``, whose units are the digits and stay in
        their order.
    """
    units = len(weights)
    norms = np.linalg.norm(weights.reshape(units, -1), axis=1)
    order = np.argsort(-norms, kind="stable")[:UNITS]
    strongest, weakest = norms.max(), norms.min()
    if layer == "digits":
        order = np.arange(units)
        title = (
            f"The weights of the ten digits have norms from {weakest:.2g} ({norms.argmin()}) "
            f"to {strongest:.2g} ({norms.argmax()})"
        )
        note = "Ink on red speaks for a digit, ink on blue against it."
    else:
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
    columns = 5 if len(order) <= DIGITS else 8 if len(order) <= 64 else 16
    down = 7 if layer == "digits" else GAP
    picture = style.mosaic(weights[order], columns, across=GAP, down=down)
    high, wide = picture.shape
    # A weight is a whole number of pixels wide, or some would look wider than others.
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
    scale = style.place(figure, 1.7, 0.38, 3.0, 0.11)
    bar: Any = figure.colorbar(image, cax=scale, orientation="horizontal")
    bar.outline.set_visible(False)
    scale.set_xticks([-limit, 0, limit], [f"−{limit:.2g}", "0", f"{limit:.2g}"])
    scale.tick_params(length=0)
    figure.text(1.6 / style.WIDTH, 0.435 / figure.get_size_inches()[1], "weight", ha="right",
                va="center", size=9.5)  # fmt: skip
