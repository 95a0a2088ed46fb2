"""The kinds of surfaces: one function each, which returns a pattern.

A pattern has a mean of about 0 and is in gray levels at normal contrast. Lengths are multiplied
with `scale`.
"""

from collections.abc import Callable

import cv2
import numpy as np

from digitscope.synthesis.pages.bars import draw_bars
from digitscope.synthesis.pages.textures import (
    Plane,
    Size,
    blades,
    cells,
    clouds,
    coordinates,
    enlarge,
    facets,
    fibres,
    grain,
    lines,
    smooth,
    soft_grain,
    specks,
    strokes,
    uniform,
    window,
)


def _wood(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return planks or veneer: growth rings around knots, with fine pores."""
    turned = rng.random() < 0.5
    height, width = size[::-1] if turned else size
    x, y = coordinates((height, width))
    pitch = uniform(rng, (6, 26)) * scale
    tilt = rng.normal(0, 0.04)
    coarse = ((y + tilt * x) / pitch).astype(np.float32)
    shape = (coarse.shape[0], coarse.shape[1])
    coarse += uniform(rng, (0.3, 1.6)) * smooth(rng, shape, 5 * scale, 20 * scale)
    for _ in range(int(rng.integers(0, 3))):
        dx, dy = x - rng.random() * width, y - rng.random() * height
        reach = uniform(rng, (8, 30)) * scale
        coarse += uniform(rng, (1, 4)) * np.exp(-np.hypot(dx / 2.2, dy) / reach)
    rings = lines(enlarge(coarse, (height, width)), 1.0)
    pores = smooth(rng, (height, width), uniform(rng, (1.0, 2.5)), uniform(rng, (25, 120)))
    plane = uniform(rng, (8, 34)) * (0.4 - rings * rings) + uniform(rng, (3, 11)) * pores
    if rng.random() < 0.35:  # joints between planks
        board = uniform(rng, (40, 120)) * scale
        rows = np.arange(height, dtype=np.float32) / board + rng.random()
        tones = rng.normal(0, 12, int(rows[-1]) + 1).astype(np.float32)
        plane += tones[rows.astype(int)][:, None]
        plane -= 50 * np.maximum(0, 1 - (rows % 1) * board / 2)[:, None]
    return cv2.transpose(plane) if turned else plane


def _turned(rng: np.random.Generator, plane: Plane, size: Size, spread: float) -> Plane:
    """Return the middle of a larger plane, rotated by a random angle; `spread` is in degrees."""
    middle = (plane.shape[1] / 2, plane.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, rng.normal(0, spread), 1.0)
    turn[:, 2] += (size[1] / 2 - middle[0], size[0] / 2 - middle[1])
    return cv2.warpAffine(  # type: ignore[no-any-return]
        plane, turn, size[::-1], borderMode=cv2.BORDER_REFLECT
    )


def _cloth(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return woven cloth with folds, sometimes checked or striped."""
    height, width = (round(1.2 * side) for side in size)
    pitch = max(2.6, uniform(rng, (2.4, 5.0)) * scale)
    x, y = (np.arange(n, dtype=np.float32) / pitch for n in (width, height))
    weft = np.abs(np.sin(3.1416 * x))[None, :] * np.cos(3.1416 * y)[:, None] ** 2
    warp = np.abs(np.sin(3.1416 * y))[:, None] * np.cos(3.1416 * x)[None, :] ** 2
    plane = uniform(rng, (6, 24)) * (weft - 0.6 * warp)
    uneven = rng.normal(0, 4, width).astype(np.float32)
    plane += uneven[None, :] + rng.normal(0, 4, height).astype(np.float32)[:, None]
    if rng.random() < 0.4:
        check = uniform(rng, (5, 25)) * pitch
        tone = uniform(rng, (15, 45))
        plane += tone * (x * pitch / check % 1 < uniform(rng, (0.1, 0.6)))[None, :]
        if rng.random() < 0.6:
            plane += tone * (y * pitch / check % 1 < uniform(rng, (0.1, 0.6)))[:, None]
    plane += uniform(rng, (0, 14)) * smooth(rng, (height, width), 60 * scale, 25 * scale)
    return _turned(rng, plane.astype(np.float32), size, 25.0)


def _concrete(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return concrete, asphalt or a worn wall: clouds, grain, pits, sometimes a crack."""
    plane = 13 * window(rng, clouds(), size, scale)
    plane += uniform(rng, (2, 9)) * window(rng, soft_grain(), size, uniform(rng, (0.8, 1.6)))
    count = min(round(uniform(rng, (0, 60)) * size[0] * size[1] / 224**2), 1000)
    specks(rng, plane, count, (-50, 10), 1.0 + 1.2 * scale)
    if rng.random() < 0.3:
        steps = rng.normal(0, 5, (24, 2)).cumsum(axis=0)
        steps[:, int(rng.integers(2))] += np.linspace(0, max(size), 24)
        start = rng.random(2) * size[::-1] * 0.6
        strokes(rng, plane, [steps + start], -60.0)
    return plane


def _plaster(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return rough plaster or woodchip wallpaper under side light."""
    height = window(rng, soft_grain(), size, max(1.0, 1.6 * scale))
    height = cv2.GaussianBlur(height, (0, 0), 0.8)
    return cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=uniform(rng, (4, 12)) * scale)  # type: ignore[no-any-return]


def _carpet(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return loops or long fibres of a carpet, felt or towel."""
    plane = 12 * window(rng, fibres() if rng.random() < 0.5 else cells(), size, scale)
    plane += 7 * window(rng, soft_grain(), size, max(0.7, scale))
    if rng.random() < 0.3:
        plane += 14 * np.clip(6 * _ornament(rng, size, 40 * scale), -1, 1)
    return plane


def _ornament(rng: np.random.Generator, size: Size, period: float) -> Plane:
    """Return a pattern that repeats in both directions, -1 to 1."""
    coarse = smooth(rng, (12, 12), 4.0)
    coarse = coarse + coarse[::-1] + coarse[:, ::-1] + coarse[::-1, ::-1]
    repeats = (round(size[0] / period) + 1, round(size[1] / period) + 1)
    return cv2.resize(np.tile(coarse, repeats), size[::-1])  # type: ignore[no-any-return]


def _stone(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return granite (grains of few levels), terrazzo or marble (veins)."""
    pick = rng.random()
    if pick < 0.5:
        grains = np.round(1.4 * window(rng, soft_grain(), size, max(0.8, scale))) * 16
        return np.asarray(grains + 6 * window(rng, grain(), size), np.float32)
    if pick < 0.7:
        chips = np.clip(-4 * window(rng, cells(), size, scale) - uniform(rng, (2, 4.5)), -1, 1)
        chips *= uniform(rng, (-30, 30))
        return np.asarray(chips + 5 * window(rng, soft_grain(), size), np.float32)
    veins = smooth(rng, size, 70 * scale) + 0.12 * window(rng, clouds(), size)
    plane: Plane = 14 * window(rng, clouds(), size, scale)
    plane -= 40 * np.maximum(0, 1 - np.abs(veins) * uniform(rng, (8, 25)))
    return plane


def _grass(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return grass, straw or fur."""
    plane = 22 * window(rng, blades(), size, max(0.7, scale), turn=rng.random() < 0.2)
    return plane + 10 * window(rng, clouds(), size)


def _gradient(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return an empty surface out of focus: only slow changes of level."""
    return uniform(rng, (2, 40)) * smooth(rng, size, max(size) * uniform(rng, (0.3, 1)))


def _bokeh(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return a room out of focus: blurred boxes and discs of light."""
    coarse = (max(8, size[0] // 4), max(8, size[1] // 4))
    plane = 22 * smooth(rng, coarse, max(coarse) / 4)
    for x, y, reach, tone, kind in rng.random((int(rng.integers(4, 22)), 5)).tolist():
        centre = (int(x * coarse[1]), int(y * coarse[0]))
        radius = 2 + int(reach * reach * max(coarse) * 0.25)
        colour = 110 * tone - 40
        if kind < 0.6:
            cv2.circle(plane, centre, radius, colour, -1)
        else:
            corner = (centre[0] + radius, centre[1] + int(3 * radius * tone) + 1)
            cv2.rectangle(plane, centre, corner, colour, -1)
    plane = cv2.GaussianBlur(plane, (0, 0), uniform(rng, (0.7, 4)))
    return cv2.resize(plane, size[::-1], interpolation=cv2.INTER_CUBIC)  # type: ignore[no-any-return]


def _blocks(
    rng: np.random.Generator, size: Size, block: tuple[float, float], shift: float, tone: float
) -> tuple[Plane, Plane]:
    """Return a random tone for each block of a wall and the distance to its joint, in pixels."""
    x = np.arange(size[1], dtype=np.float32) / block[0] + rng.random()
    y = np.arange(size[0], dtype=np.float32) / block[1] + rng.random()
    row = y.astype(int)
    shifted = x[None, :] + (shift * (row % 2)).astype(np.float32)[:, None]
    column = shifted.astype(np.int32)
    tones = rng.normal(0, tone, (int(row[-1]) + 1, int(column.max()) + 1)).astype(np.float32)
    across = (0.5 - np.abs(shifted - column - 0.5)) * block[0]
    down = (0.5 - np.abs(y % 1 - 0.5)) * block[1]
    return tones[row[:, None], column], np.minimum(across, down[:, None]).astype(np.float32)


def _brick(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return a wall of bricks or a pavement."""
    height = uniform(rng, (12, 30)) * scale
    tones, away = _blocks(rng, size, (height * uniform(rng, (1.8, 3.2)), height), 0.5, 14.0)
    joint = np.clip(away - uniform(rng, (0.6, 2.0)) * scale, 0, 1)
    mortar = uniform(rng, (-50, 60))
    plane: Plane = mortar + (tones - mortar) * joint
    plane += 8 * window(rng, soft_grain(), size)
    plane += 7 * window(rng, clouds(), size)
    return plane


def _tiles(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return tiles of a kitchen or a floor; the joints look like a ruled grid."""
    side = uniform(rng, (24, 110)) * scale
    aspect = uniform(rng, (0.6, 1.6))
    tones, away = _blocks(rng, (size[0] + 40, size[1] + 40), (side * aspect, side), 0.0, 5.0)
    edge = uniform(rng, (0.5, 2.5)) * scale
    joint = np.clip(away - edge + 0.5, 0, 1)
    rim = np.clip(away - edge, 0, 3) / 3
    plane = tones * joint + uniform(rng, (-70, 40)) * (1 - joint) + 8 * rim
    plane = _turned(rng, plane, size, 8.0)
    return plane + uniform(rng, (1, 12)) * window(rng, clouds(), size)


def _plastic(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return a smooth table top, plastic or metal: fine grain, scratches, dust, a soft gloss."""
    plane = uniform(rng, (1, 6)) * window(rng, soft_grain(), size)
    plane += uniform(rng, (0, 25)) * smooth(rng, size, max(size) / 2)
    ends = rng.random((int(rng.integers(0, 6)), 2, 2)) * size[::-1]
    strokes(rng, plane, list(ends), uniform(rng, (-25, 30)))
    specks(rng, plane, int(rng.integers(0, 30)), (10, 60), 1.2)
    return plane


def _leather(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return leather: small irregular cells with dark seams, and soft folds."""
    height = window(rng, cells(), size, 0.9 * scale)
    plane: Plane = -9 * np.maximum(height - 0.3, 0) * 1.6
    plane += cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=3 * scale)
    plane += 8 * window(rng, facets(), size, 2.5 * scale)
    return plane


def _keyboard(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return the keys of a keyboard, without letters."""
    side = uniform(rng, (22, 48)) * scale
    tones, away = _blocks(rng, (size[0] + 40, size[1] + 40), (side * 1.1, side), 0.35, 2.0)
    gap = uniform(rng, (1.0, 3.0)) * scale
    key = np.clip(away - gap, 0, 1)
    bevel = np.clip((away - gap) / (0.15 * side), 0, 1)
    plane = tones + 45 * key * (0.6 + 0.4 * bevel) - 20
    return _turned(rng, plane, size, 8.0)


def _motifs(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return a repeated small drawing: wallpaper, ornaments, grilles, codes, plants."""
    side = uniform(rng, (10, 60)) * scale
    n = max(4, round(side))
    motif = np.zeros((n, n), np.float32)
    for _ in range(int(rng.integers(1, 6))):
        tone, thick = uniform(rng, (-70, 70)), int(rng.integers(1, 2 + n // 10))
        points = np.round(rng.random((int(rng.integers(2, 6)), 2)) * n).astype(np.int32)
        pick = rng.random()
        if pick < 0.4:
            cv2.polylines(motif, [points], pick < 0.1, tone, thick, cv2.LINE_AA)
        elif pick < 0.7:
            axes = (1 + int(rng.random() * n / 2), 1 + int(rng.random() * n / 2))
            turn, start = uniform(rng, (0, 180)), uniform(rng, (0, 360))
            arc = start + uniform(rng, (60, 360))
            middle = (int(points[0, 0]), int(points[0, 1]))
            cv2.ellipse(motif, middle, axes, turn, start, arc, tone, thick, cv2.LINE_AA)
        else:
            cv2.fillPoly(motif, [points], tone, cv2.LINE_AA)
    rows, columns = (2 + round(1.3 * length / n) for length in size)
    plane = np.tile(motif, (rows, columns))
    kept = (rng.random((rows, columns)) < uniform(rng, (0.4, 1.4))).astype(np.float32)
    plane *= np.repeat(np.repeat(kept, n, axis=0), n, axis=1)
    plane += uniform(rng, (0, 8)) * smooth(rng, (plane.shape[0], plane.shape[1]), 40.0)
    return _turned(rng, plane, size, uniform(rng, (0, 40)))


def _objects(rng: np.random.Generator, size: Size, scale: float) -> Plane:
    """Return random objects: shaded bodies, cables and polygons."""
    plane = uniform(rng, (5, 30)) * smooth(rng, size, max(size) / 2)
    for _ in range(int(rng.integers(2, 12))):
        x, y = (int(v) for v in rng.random(2) * size[::-1])
        reach, tone = uniform(rng, (6, 90)) * scale, uniform(rng, (-90, 90))
        pick = rng.random()
        if pick < 0.35:  # a cable, hair or stem
            steps = np.cumsum(np.cumsum(rng.normal(0, 0.25 * scale, (80, 2)), axis=0), axis=0)
            pen = max(1, round(uniform(rng, (1, 12)) * scale))
            curve = np.round(steps + np.array([x, y])).astype(np.int32)
            cv2.polylines(plane, [curve], False, tone, pen, cv2.LINE_AA)
            if pen > 3:
                cv2.polylines(plane, [curve], False, tone + 40, max(1, pen // 3), cv2.LINE_AA)
            continue
        mask = np.zeros(size, np.float32)
        if pick < 0.65:
            axes = (1 + int(reach), 1 + int(reach * uniform(rng, (0.3, 1))))
            cv2.ellipse(mask, (x, y), axes, uniform(rng, (0, 180)), 0, 360, 1.0, -1, cv2.LINE_AA)
        else:
            corners = rng.normal(0, reach, (int(rng.integers(3, 7)), 2)) + np.array([x, y])
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1.0, cv2.LINE_AA)
        shade = tone + uniform(rng, (0, 30)) * smooth(rng, size, 2 * reach + 4)
        plane += mask * (shade - plane)
    return plane + uniform(rng, (1, 5)) * window(rng, soft_grain(), size)


SURFACES: dict[str, Callable[[np.random.Generator, Size, float], Plane]] = {
    "wood": _wood,
    "cloth": _cloth,
    "concrete": _concrete,
    "plaster": _plaster,
    "carpet": _carpet,
    "stone": _stone,
    "grass": _grass,
    "gradient": _gradient,
    "bokeh": _bokeh,
    "brick": _brick,
    "tiles": _tiles,
    "plastic": _plastic,
    "motifs": _motifs,
    "objects": _objects,
    "bars": draw_bars,
    "leather": _leather,
    "keyboard": _keyboard,
}
