"""A surface with rows of parallel bars: fences, grilles, blinds, radiators, piano keys, benches.

Such pictures train the network not to read bars as 1s or slashes. Bars are many and evenly spaced,
and often end at a rail.
"""

import cv2
import numpy as np

from digitscope.synthesis.pages.textures import Plane, Size, smooth, uniform

PITCH = (4.0, 40.0)  # pixels; distance between bars, before `scale`; log-uniform
THICK = (0.12, 0.6)  # pitches; width of a bar
LONG = (1.5, 14.0)  # pitches; length of a bar
ENDLESS = 0.3  # share of surfaces whose bars cross the whole picture
LEAN = 12.0  # degrees; standard deviation of the direction
FAN = 0.3  # largest reduction of the pitch at the upper ends, by perspective, as a share
RAILS = 0.5  # share of surfaces with a rail at both ends
TONE = (25.0, 100.0)  # gray levels; contrast of bars to the background
RELIEF = 0.4  # share of surfaces whose bars have a paler edge on one side


def draw_bars(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Draw one or several rows of bars.

    Parameters
    ----------
    rng : numpy.random.Generator
    size : tuple of int
        Height and width in pixels.
    scale : float
        Factor of all lengths.

    Returns
    -------
    ndarray of shape (height, width), dtype float32
        Gray levels, relative to the mean level of the surface.
    """
    reach = 1.5 * max(size)
    pitch = float(np.exp(rng.uniform(*np.log(PITCH)))) * scale
    thick = max(1, round(uniform(rng, THICK) * pitch))
    long = uniform(rng, LONG) * pitch
    apart = long + uniform(rng, (0.3, 3.0)) * pitch
    first = -reach + rng.random() * apart
    if rng.random() < ENDLESS:
        long = apart = 2 * reach
        first = -reach
    fan = 1 - uniform(rng, (0, FAN))
    tone = uniform(rng, TONE) * (1 if rng.random() < 0.35 else -1)
    relief, rails = rng.random() < RELIEF, rng.random() < RAILS
    turn = np.deg2rad(rng.normal(0, LEAN) + 90 * (rng.random() < 0.25))
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = np.array(size[::-1]) / 2
    plane = np.zeros(size, np.float32)

    def line(start: tuple[float, float], end: tuple[float, float], level: float, pen: int) -> None:
        points = np.round((np.array([start, end]) @ matrix + middle) * 16).astype(int)
        cv2.line(plane, points[0], points[1], level, pen, cv2.LINE_AA, 4)

    for top in np.arange(first, reach, apart):
        for x in np.arange(-reach + rng.random() * pitch, reach, pitch):
            line((fan * x, top), (x, top + long), tone, thick)
            if relief:
                side = thick / 2
                line((fan * x + side, top), (x + side, top + long), 0.4 * tone, max(1, thick // 4))
        if rails:
            for y, share in ((top, fan), (top + long, 1.0)):
                line((-share * reach, y), (share * reach, y), tone, thick)
    return plane + uniform(rng, (0, 25)) * smooth(rng, size, max(size) / 2)
