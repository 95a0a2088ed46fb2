"""Peaks of the maps become glyphs.

A glyph is where the heat of all classes together has a local maximum (Zhou, Wang and Krähenbühl,
"Objects as Points", 2019). What the other maps say there is its box and its links.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.models.glyph_classes import (
    BEST,
    CLASSES,
    DIGIT_CLASSES,
    HEAT,
    LINK,
    NEXT,
    OFFSET,
    RAISED,
    SIZE,
    STRIDE,
    UNIT,
)
from digitscope.reading.parameters import ReadingParameters

Floats = NDArray[np.float32]
MOST = 5_000  # glyphs of one level
CHUNK = 256  # glyphs whose distances to all others are held in memory at a time


@dataclass(frozen=True, eq=False)
class Glyphs:
    """Digits, signs and other marks; row i of each array belongs to glyph i.

    Attributes
    ----------
    heat : ndarray of shape (n, 16), dtype float32
        Probability of each class.
    centre, size : ndarray of shape (n, 2), dtype float32
        x and y of the box's middle, its width and height, in pixels of the picture.
    link : ndarray of shape (n, 2), dtype float32
        Probability that it has a next and a previous glyph in its number.
    next : ndarray of shape (n, 2), dtype float32
        Where the centre of the next glyph should be, minus this centre, in pixels of the picture.
    raised : ndarray of shape (n,), dtype float32
        Probability that it belongs to a superscript.
    scale : ndarray of shape (n,), dtype float32
        Pixels, to one of the picture, of the level that it was found in.
    """

    heat: Floats
    centre: Floats
    size: Floats
    link: Floats
    next: Floats
    raised: Floats
    scale: Floats

    def __len__(self) -> int:
        return len(self.heat)

    def __getitem__(self, which: NDArray[np.generic]) -> "Glyphs":
        return Glyphs(*(getattr(self, field.name)[which] for field in fields(self)))

    @property
    def presence(self) -> Floats:
        """How sure it is that there is a glyph of any class, 0 to 1; see `to_presence`."""
        return to_presence(self.heat, axis=1)

    @property
    def labels(self) -> list[str]:
        """The most probable class of each."""
        return [CLASSES[k] for k in self.heat.argmax(axis=1).tolist()]

    @property
    def is_digit(self) -> NDArray[np.bool_]:
        """Whether the most probable class is a digit."""
        digit: NDArray[np.bool_] = self.heat.argmax(axis=1) < len(DIGIT_CLASSES)
        return digit

    @property
    def boxes(self) -> Floats:
        """Left, top, right, bottom."""
        return np.hstack([self.centre - self.size / 2, self.centre + self.size / 2])


def to_presence(heat: Floats, axis: int) -> Floats:
    """Return the Euclidean length of the probabilities of all classes, at most 1.

    Of a glyph that may be one of two digits it is nearly as large as of a sure one, while the small
    values that all classes have on empty paper do not add up.
    """
    presence: Floats = np.minimum(np.sqrt(np.square(heat).sum(axis=axis)), np.float32(1))
    return presence


def median(values: NDArray[Any]) -> float:
    """Return the median; that of NumPy loads its masked arrays, a fifteenth of `digitscope read`.

    >>> median(np.array([3.0, 1.0, 2.0, 8.0]))
    2.5
    """
    ordered = np.sort(values, axis=None)
    middle = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(middle[0] + middle[1]) / 2


def joined(parts: Sequence[Glyphs]) -> Glyphs:
    """Return the glyphs of several levels in one."""
    return Glyphs(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Glyphs)))


def find_glyphs(maps: Floats, scale: tuple[float, float], parameters: ReadingParameters) -> Glyphs:
    """Return the glyphs of one level.

    Parameters
    ----------
    maps : ndarray of shape (28, height / 4, width / 4), dtype float32
        As `digitscope.models.glyph_classes` orders them.
    scale : tuple of float
        Pixels of the level to one of the picture, across and down.
    parameters : ReadingParameters
    """
    presence = to_presence(maps[HEAT], axis=0)
    peaks = (presence >= parameters.least) & (
        presence == cv2.dilate(presence, np.ones((3, 3), np.uint8))
    )
    rows, columns = np.nonzero(peaks)
    if len(rows) > MOST:
        best = np.argsort(-presence[rows, columns], kind="stable")[:MOST]
        rows, columns = rows[best], columns[best]
    at = np.ascontiguousarray(maps[:, rows, columns].T)  # (n, 28)
    cells = np.stack([columns, rows], axis=1).astype(np.float32)
    cell = np.array([STRIDE / scale[0], STRIDE / scale[1]], np.float32)
    unit = np.array([UNIT / scale[0], UNIT / scale[1]], np.float32)
    found = Glyphs(
        heat=at[:, HEAT],
        centre=(cells + at[:, OFFSET]) * cell,
        size=np.exp(at[:, SIZE].clip(-6, 6)) * unit,
        link=at[:, LINK],
        next=at[:, NEXT] * unit,
        raised=at[:, RAISED][:, 0],
        scale=np.full(len(rows), (scale[0] * scale[1]) ** 0.5, np.float32),
    )
    return suppress(found, parameters)


def writing_heights(glyphs: Glyphs) -> Floats:
    """Return the height of the writing at each glyph, in pixels of the picture.

    Of a digit it is its own height, of a sign or another mark that of the nearest digit.
    """
    heights = glyphs.size[:, 1].copy()
    digits, others = np.flatnonzero(glyphs.is_digit), np.flatnonzero(~glyphs.is_digit)
    if len(digits):
        for i in others.tolist():
            away = np.abs(glyphs.centre[digits] - glyphs.centre[i]).sum(axis=1)
            heights[i] = heights[digits[away.argmin()]]
    return heights


def suppress(glyphs: Glyphs, parameters: ReadingParameters) -> Glyphs:
    """Return the glyphs without duplicates: of those with about one centre and size the best one.

    The distance counts in box sizes: overlap of boxes would also remove touching digits. A thin
    box counts as wider, since its centre is as uncertain as that of a broad one. Of digits found
    at several scales that one is best whose height is nearest to the best height.
    """
    if len(glyphs) < 2:
        return glyphs
    height = np.maximum(glyphs.size.max(axis=1) * glyphs.scale, 1)
    far = np.abs(np.log2(height / BEST))
    quality = glyphs.presence * np.where(glyphs.is_digit, np.exp2(-far), 0.5)
    keep = np.ones(len(glyphs), bool)
    order = np.argsort(-quality, kind="stable")
    for start in range(0, len(order), CHUNK):
        own = order[start : start + CHUNK]
        own = own[keep[own]]
        duplicates = _find_duplicates(glyphs, own, parameters)
        for k in np.flatnonzero(duplicates.any(axis=1)).tolist():
            if keep[own[k]]:
                keep &= ~duplicates[k]
    return glyphs if keep.all() else glyphs[keep]


def _find_duplicates(
    glyphs: Glyphs, own: NDArray[np.intp], parameters: ReadingParameters
) -> NDArray[np.bool_]:
    """Return which glyphs have about the centre and size of some, shape (own, n)."""
    extent = np.maximum(glyphs.size, parameters.slimmest * glyphs.size[:, ::-1])
    side = glyphs.size.max(axis=1)
    limit = parameters.same_size * side
    duplicates: NDArray[np.bool_] = (side[own, None] < limit) & (side < limit[own, None])
    for axis in (0, 1):
        apart = np.abs(glyphs.centre[own, None, axis] - glyphs.centre[None, :, axis])
        larger = np.maximum(extent[own, None, axis], extent[None, :, axis])
        duplicates &= apart < parameters.same_centre * larger
    duplicates[np.arange(len(own)), own] = False
    return duplicates


def merge(parts: Sequence[Glyphs], parameters: ReadingParameters) -> Glyphs:
    """Return the glyphs of all levels, each once.

    What lies within a digit of a coarser level, and is less than half as high, is a part of it;
    but what holds several sure glyphs of a finer level is no digit.
    """
    glyphs = suppress(joined(parts), parameters)
    keep = np.ones(len(glyphs), bool)
    boxes, scale, presence = glyphs.boxes, glyphs.scale, glyphs.presence
    order = np.argsort(scale, kind="stable")
    for i in order[1.4 * scale[order] < scale.max(initial=0)].tolist():  # of the coarser levels
        if not keep[i]:
            continue
        finer = keep & (scale > 1.4 * scale[i]) & (2 * glyphs.size[:, 1] < glyphs.size[i, 1])
        some = np.flatnonzero(finer)
        centre = glyphs.centre[some]
        inside = some[((centre > boxes[i, :2]) & (centre < boxes[i, 2:])).all(axis=1)]
        if len(inside):
            is_page = float(presence[inside].sum()) > 2 * float(presence[i])
            keep[i if is_page else inside] = False
    return glyphs[keep]
