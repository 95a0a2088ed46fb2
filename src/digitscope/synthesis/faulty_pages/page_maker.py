"""Photographs of pages of handwritten numbers, with the position of every digit.

The digits are images in the form of MNIST, drawn as pen strokes (`stroke_drawing`) on a sheet
(`writer`), with the faults of `faults`.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.faulty_pages.faults import (
    Faults,
    Geometry,
    camera,
    check_faults,
    draw_geometry,
    interpolate,
    light,
    paper,
    put_on_desk,
    ruling_lines,
    smooth_noise,
)
from digitscope.synthesis.faulty_pages.writer import Writer, Written, WrittenSheet

Box: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom exclusive


@dataclass(frozen=True)
class TrueDigit:
    """One digit and the smallest box around its ink, in pixels of the page."""

    text: str
    box: Box


@dataclass(frozen=True)
class TrueNumber:
    """The digits of one number."""

    text: str
    box: Box
    digits: tuple[TrueDigit, ...]
    raised: bool  # whether it is a superscript


@dataclass(frozen=True)
class TrueLine:
    """Numbers from left to right, before the page is rotated."""

    numbers: tuple[TrueNumber, ...]


@dataclass(frozen=True)
class Truth:
    """The ground truth of a page.

    Attributes
    ----------
    lines : tuple of TrueLine
        From top to bottom, before the page is rotated.
    text_height : float
        Typical height of a digit, in pixels.
    turns : int
        Quarter turns counter-clockwise by which the upright page was rotated at the end. Boxes
        refer to the rotated page.
    faults : dict
        The strength of each fault.
    """

    lines: tuple[TrueLine, ...]
    text_height: float
    turns: int
    faults: dict[str, float]

    @property
    def numbers(self) -> list[TrueNumber]:
        """All numbers of the page."""
        return [number for line in self.lines for number in line.numbers]


def make_page(
    rng: np.random.Generator,
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    *,
    faults: Faults | None = None,
    height: float | None = None,
    lines: int | None = None,
    ems: float | None = None,
    gray: bool = False,
) -> tuple[NDArray[np.uint8], Truth]:
    """Return a page and its ground truth.

    Parameters
    ----------
    rng : numpy Generator
        The same state gives the same page.
    images, labels : ndarray of shape (n, 28, 28) and (n,), dtype uint8
        Digits in the form of MNIST, 0 = paper, 255 = ink.
    faults : mapping, optional
        The strength, 0 to 1, of each fault; others are absent.
    height : float, optional
        Height of a digit, in pixels; random, 34 to 80, by default. ``small`` and ``large`` change
        it.
    lines : int, optional
        Number of lines; by default random, 3 to 6.
    ems : float, optional
        Width of the page in heights of a digit; by default random, 14 to 22.
    gray : bool, default False
        Whether the page is uint8 of shape (h, w) instead of RGB of shape (h, w, 3).
    """
    faults = {name: strength for name, strength in (faults or {}).items() if strength}
    check_faults(faults)
    # Separate generators, so that the same writing can be rendered with and without camera faults.
    rng, view, look = rng.spawn(3)
    text = height or float(np.exp(rng.uniform(np.log(34), np.log(80))))
    text = interpolate(interpolate(text, 12, faults.get("small", 0)), 600, faults.get("large", 0))
    wide, count = ems or rng.uniform(14, 22), lines or int(rng.integers(3, 7))
    if "large" in faults:  # a few digits only, or the picture would be huge
        wide, count = max(4.5, min(wide, 2000 / text)), max(1, min(count, int(1400 / text)))
    sheet = Writer(rng, images, labels, text, faults).fill(wide, count)
    geometry = draw_geometry(view, sheet.pen.shape[1], sheet.pen.shape[0], faults)
    picture = _photograph(look, sheet, geometry, text, faults)
    turns = int(np.ceil(3 * faults.get("turned", 0)))
    seen = tuple(
        TrueLine(tuple(_number(number, geometry, turns) for number in line)) for line in sheet.lines
    )
    if gray:
        picture = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    picture = np.ascontiguousarray(np.rot90(picture, turns))
    return picture, Truth(tuple(line for line in seen if line.numbers), text, turns, dict(faults))


def _number(number: Written, geometry: Geometry, turns: int) -> TrueNumber:
    outlines = [digit.outline() for digit in number.digits]
    digits = tuple(
        TrueDigit(digit.text, _box(outline, geometry, turns))
        for digit, outline in zip(number.digits, outlines, strict=True)
    )
    box = _box(np.concatenate(outlines), geometry, turns)
    return TrueNumber("".join(digit.text for digit in digits), box, digits, number.raised)


def _box(outline: NDArray[np.float64], geometry: Geometry, turns: int) -> Box:
    """Return the box in the picture around points of the sheet."""
    points = geometry.forward(outline).round().astype(int)
    (left, top), (right, bottom) = points.min(axis=0).tolist(), (points.max(axis=0) + 1).tolist()
    height, width = geometry.size
    for _ in range(turns):
        left, top, right, bottom = top, width - right, bottom, width - left
        height, width = width, height
    return left, top, right, bottom


def _photograph(
    rng: np.random.Generator, sheet: WrittenSheet, geometry: Geometry, text: float, faults: Faults
) -> NDArray[np.uint8]:
    """Return the photograph of the sheet: paper, ink, light and camera; uint8 RGB."""
    size = geometry.size
    straight = size == sheet.pen.shape and not {"skew", "bend", "perspective"} & faults.keys()
    grid = None if straight else geometry.backward()

    def see(layer: NDArray[np.float32]) -> NDArray[np.float32]:
        if grid is None:
            return layer
        seen: NDArray[np.float32] = cv2.remap(layer, *grid, cv2.INTER_LINEAR, borderValue=0)
        return seen

    picture = paper(rng, size, text, faults)
    dark = "light on dark" in faults

    def lay(coverage: NDArray[np.float32], ink: NDArray[np.float32]) -> None:
        nonlocal picture
        share = coverage[..., None]
        # Light ink covers the paper; dark ink absorbs a share of its light.
        target = ink if dark else picture * ink
        picture += share * (target - picture)

    pale = np.float32(0.95) if dark else np.float32(0.25)
    if s := faults.get("show-through", 0):
        back = cv2.GaussianBlur(sheet.pen[:, ::-1], (0, 0), 0.05 * text)
        back = np.roll(back, (round(0.6 * sheet.pitch), round(text)), (0, 1))
        lay(see(back) * np.float32(0.06 + 0.34 * s), np.full(3, pale, np.float32))
    blue = np.array([0.35, 0.5, 0.75] if rng.random() < 0.6 else [0.5, 0.5, 0.5], np.float32)
    ruling = np.minimum(blue + 0.4, 1) if dark else blue
    if s := faults.get("ruled lines", 0):
        width = max(1.0, (0.015 + 0.05 * s) * text)
        position = (sheet.first + 0.03 * text, sheet.pitch)
        lay(ruling_lines(geometry, position, None, width) * np.float32(0.15 + 0.75 * s), ruling)
    if s := faults.get("graph paper", 0):
        step = rng.uniform(0.4, 0.75) * text
        width = max(1.0, (0.01 + 0.03 * s) * text)
        squares = ruling_lines(geometry, (sheet.first, step), (0.0, step), width)
        lay(squares * np.float32(0.12 + 0.6 * s), ruling)
    if {"boxes", "table", "print"} & faults.keys():
        lay(see(sheet.printed), np.full(3, 0.9 if dark else 0.12, np.float32))
    lay(see(sheet.pen) * _pressure(rng, size, text, faults), _ink(rng, faults))
    picture *= light(rng, geometry, faults)[..., None]
    if s := faults.get("desk", 0):
        picture = put_on_desk(rng, picture, geometry, sheet.pen.shape, s)
    return camera(rng, picture, text, faults)


def _ink(rng: np.random.Generator, faults: Faults) -> NDArray[np.float32]:
    """Return the colour of the pen, RGB from 0 to 1."""
    common = [(0.1, 0.12, 0.42), (0.08, 0.08, 0.1), (0.12, 0.2, 0.55), (0.16, 0.15, 0.16)]
    bright = [(0.8, 0.1, 0.12), (0.08, 0.5, 0.2), (0.95, 0.45, 0.05), (0.1, 0.4, 0.85)]
    ink = np.array(common[rng.integers(len(common))], np.float32)
    colour = np.array(bright[rng.integers(len(bright))], np.float32)
    if s := faults.get("coloured ink", 0):
        ink = colour + np.float32(0.4 * s) * (1 - colour)
    if "pencil" in faults:
        ink = np.full(3, ink.mean() * 0.5 + 0.1, np.float32)
    if "light on dark" in faults:
        ink = 0.8 + 0.2 * ink
    return ink


def _pressure(
    rng: np.random.Generator, size: tuple[int, int], text: float, faults: Faults
) -> NDArray[np.float32]:
    """Return the density of the ink at each pixel, 0 to 1."""
    dense = 0.93 + smooth_noise(rng, size, max(3.0, 0.4 * text)) * np.float32(0.04)
    grain = smooth_noise(rng, size, max(2.0, 0.03 * text))
    if s := faults.get("pencil", 0):
        dense = (dense + grain * 0.18) * np.float32(interpolate(0.8, 0.24, s))
    if s := faults.get("light on dark", 0):
        dense = (dense + grain * 0.1) * np.float32(1 - 0.5 * s)
    return dense.clip(0, 1).astype(np.float32)
