"""Faults of a photograph of a page: geometry, paper, light and camera.

Every fault has a name and a strength from 0 (none) to 1 (the worst that a person can still read). A
page is rendered in this order: ink and ruling lines on a sheet, bend and perspective, light, then
lens, sensor and JPEG.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane: TypeAlias = NDArray[np.float32]  # (height, width)
Colours: TypeAlias = NDArray[np.float32]  # (height, width, 3) or (1, 1, 3), RGB, 0 to 1
Faults: TypeAlias = Mapping[str, float]

# name: (description, relative frequency on mixed pages)
FAULTS: dict[str, tuple[str, float]] = {
    "tint": ("paper of a strong colour", 1.0),
    "grain": ("rough paper", 1.0),
    "shadow": ("the shadow of a hand or a phone across the page", 1.0),
    "vignette": ("dark corners", 1.0),
    "uneven light": ("light from one side, or a lamp's spot", 1.0),
    "pencil": ("ink of low contrast, grainy like graphite", 1.0),
    "coloured ink": ("red, green, orange or blue ink, paler the stronger", 1.0),
    "light on dark": ("chalk on a board, dustier the stronger", 0.3),
    "skew": ("the page turned by up to 15°", 1.0),
    "slant": ("writing that leans by up to 35°", 1.0),
    "perspective": ("the page seen from an angle", 1.0),
    "bend": ("a page that is not flat", 1.0),
    "turned": ("the picture turned by 90, 180 or 270°", 0.1),
    "uneven writing": ("digits whose position, angle and size vary", 1.0),
    "ruled lines": ("ruled paper, bolder the stronger", 1.0),
    "graph paper": ("squared paper, bolder the stronger", 0.6),
    "boxes": ("a printed box around each number, tighter the stronger", 0.6),
    "table": ("the ruling lines of a table around the numbers", 0.6),
    "touching": ("the share of neighbouring digits that touch", 0.6),
    "overlapping": ("digits written into each other", 0.2),
    "broken": ("the share of digits that are in pieces", 0.4),
    "thin": ("a stroke of as little as 3 % of the height", 1.0),
    "fat": ("a stroke of up to 23 % of the height", 1.0),
    "small": ("digits of as little as 12 pixels", 0.5),
    "large": ("digits of up to 600 pixels", 0.2),
    "sizes": ("sizes on one page that differ by up to 16 times", 0.6),
    "superscripts": ("small raised digits behind numbers", 0.2),
    "letters": ("written letters and operators among the numbers", 1.0),
    "print": ("printed words between the lines", 0.5),
    "show-through": ("the back of the page shining through", 0.6),
    "noise": ("noise of the sensor", 1.0),
    "specks": ("pepper on the paper, salt on the ink", 0.6),
    "blur": ("out of focus", 1.0),
    "motion": ("motion blur", 0.6),
    "jpeg": ("JPEG of a quality down to 8", 1.0),
    "desk": ("the edges of the sheet on a dark desk", 0.6),
}

# Faults of nearly every photograph, from which mixed pages are drawn by default.
COMMON = (
    "tint",
    "shadow",
    "skew",
    "perspective",
    "ruled lines",
    "touching",
    "noise",
    "jpeg",
)


def check_faults(faults: Faults) -> None:
    """Raise ValueError for an unknown fault or a strength outside 0 to 1."""
    for name, strength in faults.items():
        if name not in FAULTS:
            raise ValueError(f"faults must be of {', '.join(FAULTS)}. Received: {name!r}.")
        if not 0 <= strength <= 1:
            raise ValueError(f"a strength must be from 0 to 1. Received: {name}={strength}.")


def draw_faults(rng: np.random.Generator, *, every: bool = False) -> dict[str, float]:
    """Return the faults of a mixed page: two to five, each with a strength from 0.15 to 0.6.

    They are drawn from `COMMON`, or from all of `FAULTS` with `every`.
    """
    names = list(FAULTS) if every else list(COMMON)
    weights = np.array([FAULTS[name][1] for name in names])
    chosen = rng.choice(len(names), rng.integers(2, 6), replace=False, p=weights / weights.sum())
    return {names[i]: round(float(rng.uniform(0.15, 0.6)), 3) for i in chosen}


def interpolate(start: float, end: float, strength: float) -> float:
    """Return the geometric interpolation between two values: `start` at 0, `end` at 1."""
    return float(start * (end / start) ** strength)


@dataclass(frozen=True)
class Geometry:
    """The mapping from the flat sheet to the picture, both in pixels.

    Attributes
    ----------
    homography : ndarray of shape (3, 3)
    rise, wave, phase : float
        The bend adds rise · sin(wave · x + phase) to y, before the homography.
    size : tuple of int
        Height and width of the picture.
    """

    homography: NDArray[np.float64]
    rise: float
    wave: float
    phase: float
    size: tuple[int, int]

    def forward(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map points of the sheet to the picture; x and y, shape (n, 2)."""
        x, y = (
            points[:, 0],
            points[:, 1] + self.rise * np.sin(self.wave * points[:, 0] + self.phase),
        )
        seen = np.column_stack([x, y, np.ones(len(points))]) @ self.homography.T
        return seen[:, :2] / seen[:, 2:]

    def backward(self) -> tuple[Plane, Plane]:
        """Return the x and y on the sheet of each pixel of the picture."""
        x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in self.size[::-1]))
        m = np.linalg.inv(self.homography).astype(np.float32)
        depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        sheet_x = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth
        sheet_y = (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth
        if self.rise:
            sheet_y -= self.rise * np.sin(np.float32(self.wave) * sheet_x + np.float32(self.phase))
        return sheet_x, sheet_y


def draw_geometry(rng: np.random.Generator, width: int, height: int, faults: Faults) -> Geometry:
    """Return a random geometry for a sheet of this size that lies entirely in the picture."""
    angle = np.radians(15 * faults.get("skew", 0) * rng.choice([-1, 1]))
    rise = wave = phase = 0.0
    if bend := faults.get("bend", 0):
        wave = 2 * np.pi * rng.uniform(0.4, 0.9) / width
        rise, phase = bend * 0.22 / wave, rng.uniform(0, 2 * np.pi)  # slopes up to 12°
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    seen = corners.copy()
    if tilt := faults.get("perspective", 0):
        side = rng.integers(4)  # the far side is shorter, and all corners are slightly displaced
        far = [side, (side + 1) % 4]
        toward = (seen[far[::-1]] - seen[far]) * 0.24 * tilt
        seen[far] += toward
        seen += rng.uniform(-0.04, 0.04, (4, 2)) * tilt * [width, height]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    seen = seen @ turn.T
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), seen.astype(np.float32))
    trial = Geometry(matrix, rise, wave, phase, (0, 0))
    along = np.linspace(0, 1, 33)
    edges = np.concatenate(
        [
            a + (b - a) * along[:, None]
            for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)
        ]
    )
    outline = trial.forward(edges)
    margin = rng.uniform(0.03, 0.12) * min(width, height) if faults.get("desk", 0) else 0.0
    least, most = outline.min(axis=0) - margin, outline.max(axis=0) + margin
    shift = np.array([[1, 0, -least[0]], [0, 1, -least[1]], [0, 0, 1]])
    size = (int(np.ceil(most[1] - least[1])), int(np.ceil(most[0] - least[0])))
    return Geometry(shift @ matrix, rise, wave, phase, size)


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], period: float) -> Plane:
    """Return noise of standard deviation about 1 with a wavelength of about `period` pixels."""
    coarse = [max(2, int(np.ceil(n / period)) + 3) for n in size]
    small = rng.standard_normal(coarse, np.float32)
    large = cv2.resize(small, None, fx=period, fy=period, interpolation=cv2.INTER_CUBIC)
    y, x = (max(0, n - m) // 2 for n, m in zip(large.shape, size, strict=True))
    part = large[y : y + size[0], x : x + size[1]]
    if part.shape != size:  # rounding can make it one pixel too small
        part = cv2.resize(part, size[::-1])
    return np.ascontiguousarray(part) * np.float32(1.2)


def paper(rng: np.random.Generator, size: tuple[int, int], text: float, faults: Faults) -> Colours:
    """Return the empty paper; `text` is the height of the writing in pixels."""
    if dark := faults.get("light on dark", 0):
        level = 0.06 + 0.24 * dark
        base = np.array([level, level * rng.uniform(1, 1.25), level * rng.uniform(0.9, 1.1)])
    else:
        base = np.array([1, 0.995, 0.98]) * rng.uniform(0.9, 0.99)
    tints = [
        (1, 0.86, 0.3),
        (1, 0.62, 0.66),
        (0.6, 0.85, 0.6),
        (0.55, 0.75, 0.95),
        (0.72, 0.55, 0.38),
    ]
    tint = faults.get("tint", 0)
    base = base * (1 - tint * (1 - np.array(tints[rng.integers(len(tints))])))
    grain = faults.get("grain", 0)
    texture = 1 + smooth_noise(rng, size, max(2.0, 2 * text)) * (0.006 + 0.02 * grain)
    if grain:
        fine = (
            smooth_noise(rng, size, 2.0) * 0.6 + smooth_noise(rng, size, max(3.0, text / 9)) * 0.8
        )
        texture += fine * (0.075 * grain)
    if dark:  # chalk dust
        texture += smooth_noise(rng, size, max(4.0, 2.5 * text)).clip(0) * 0.35 * dark
    return texture[..., None] * base.astype(np.float32)


def light(rng: np.random.Generator, geometry: Geometry, faults: Faults) -> Plane:
    """Return the brightness of each pixel of the picture, 1 = fully lit."""
    height, width = geometry.size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x, y = (x - width / 2) / max(width, height), (y - height / 2) / max(width, height)
    lit = np.ones((height, width), np.float32)
    if s := faults.get("uneven light", 0):
        angle = rng.uniform(0, 2 * np.pi)
        slope = (x * np.cos(angle) + y * np.sin(angle)) + 0.5
        spot = np.exp(-((x - rng.uniform(-0.5, 0.5)) ** 2 + (y - rng.uniform(-0.4, 0.4)) ** 2) * 5)
        kind = rng.random()
        lit *= 1 - 0.75 * s * (kind * slope.clip(0, 1) + (1 - kind) * (1 - spot))
    if s := faults.get("vignette", 0):
        lit *= 1 - 0.75 * s * ((x**2 + y**2) / (x[0, 0] ** 2 + y[0, 0] ** 2)) ** 1.3
    if s := faults.get("shadow", 0):
        for _ in range(rng.integers(1, 3)):
            angle, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-0.25, 0.25)
            across = x * np.cos(angle) + y * np.sin(angle) - offset
            along = -x * np.sin(angle) + y * np.cos(angle)
            wavy = 0.04 * np.sin(along * rng.uniform(2, 14) + rng.uniform(0, 6))
            inside = 1 / (1 + np.exp(-(across + wavy) / rng.uniform(0.004, 0.03)))
            lit *= 1 - 0.6 * s * inside
    if geometry.rise:
        sheet_x, _ = geometry.backward()
        slope = geometry.rise * geometry.wave * np.cos(geometry.wave * sheet_x + geometry.phase)
        lit *= 1 + rng.choice([-1, 1]) * 1.2 * slope
    return lit


def ruling_lines(
    geometry: Geometry,
    horizontal: tuple[float, float],
    vertical: tuple[float, float] | None,
    width: float,
) -> Plane:
    """Return the coverage of ruling lines across the sheet.

    Each direction is given as the position of one line and the distance between lines.
    """
    sheet_x, sheet_y = geometry.backward()
    covered = np.zeros(geometry.size, np.float32)
    for where, lines in ((sheet_y, horizontal), (sheet_x, vertical)):
        if lines is not None:
            start, pitch = lines
            off = np.abs((where - start + pitch / 2) % pitch - pitch / 2)
            np.maximum(covered, (0.5 + width / 2 - off).clip(0, min(1, width)), out=covered)
    return covered


def put_on_desk(
    rng: np.random.Generator,
    picture: Colours,
    geometry: Geometry,
    sheet: tuple[int, int],
    strength: float,
) -> Colours:
    """Return the picture with a desk around the sheet."""
    sheet_x, sheet_y = geometry.backward()
    height, width = sheet
    edge = np.minimum(
        np.minimum(sheet_x, width - 1 - sheet_x), np.minimum(sheet_y, height - 1 - sheet_y)
    )
    on = (edge + 0.5).clip(0, 1)[..., None]
    wood = np.array([(0.6, 0.42, 0.26), (0.35, 0.35, 0.37), (0.5, 0.3, 0.2)][rng.integers(3)])
    desk = wood.astype(np.float32) * np.float32(1.3 - 0.9 * strength)
    streaks = smooth_noise(rng, (geometry.size[0], 1), 5.0) + 0.2 * smooth_noise(
        rng, geometry.size, 3.0
    )
    desk = desk * (1 + np.float32(0.1) * streaks)[..., None]
    under = 1 - 0.35 * np.exp(edge.clip(None, 0) / (0.01 * max(sheet)))[..., None]
    seen: Colours = (on * picture + (1 - on) * desk * under).astype(np.float32)
    return seen


def camera(
    rng: np.random.Generator, picture: Colours, text: float, faults: Faults
) -> NDArray[np.uint8]:
    """Return the picture after lens, sensor and JPEG encoder: uint8 RGB of the same shape."""
    sigma = 0.35 + 0.085 * text * faults.get("blur", 0)
    picture = cv2.GaussianBlur(picture, (0, 0), sigma)
    if s := faults.get("motion", 0):
        length = 0.28 * text * s
        angle, side = rng.uniform(0, np.pi), 2 * int(np.ceil(length / 2)) + 3
        kernel = np.zeros((side, side), np.float32)
        reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        for t in np.linspace(-1, 1, 4 * side):
            px, py = side // 2 + reach * t
            ix, iy = int(px), int(py)
            for dy in (0, 1):
                for dx in (0, 1):
                    kernel[iy + dy, ix + dx] += (1 - abs(px - ix - dx)) * (1 - abs(py - iy - dy))
        picture = cv2.filter2D(picture, -1, kernel / kernel.sum())
    picture = picture * 255
    noise = 1.0 + 32 * faults.get("noise", 0)
    common = rng.standard_normal(picture.shape[:2], np.float32)
    picture += common[..., None] * np.float32(noise)
    if faults.get("noise", 0):
        colour = rng.standard_normal(picture.shape, np.float32)
        picture += colour * np.float32(0.5 * noise)
    if s := faults.get("specks", 0):
        _speckle(rng, picture, text, s)
    result = picture.clip(0, 255).round().astype(np.uint8)
    if s := faults.get("jpeg", 0):
        quality = round(90 - 82 * s)
        data = io.BytesIO()
        Image.fromarray(result).save(data, "JPEG", quality=quality)
        result = np.array(Image.open(data))
    return result


def _speckle(rng: np.random.Generator, picture: Colours, text: float, strength: float) -> None:
    """Add dark and light specks, the largest as wide as a stroke, in place."""
    height, width = picture.shape[:2]
    count = int(strength * 1.6 * height * width / text**2)
    for dark in (True, False):
        grains = rng.uniform(0.15, 1, count) ** 3 * 0.05 * text
        for radius in grains:
            x, y = int(rng.integers(width) * 16), int(rng.integers(height) * 16)
            level = float(rng.uniform(20, 90) if dark else rng.uniform(200, 255))
            cv2.circle(picture, (x, y), max(4, round(radius * 16)), (level,) * 3, -1, cv2.LINE_8, 4)
