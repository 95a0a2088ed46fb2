"""Glyphs: the peaks of the page network's maps, with their boxes, classes and links.

A glyph is a local maximum of the heat of all classes together (Zhou, Wang and Krähenbühl, "Objects
as Points", 2019). The other maps give its box and its links at that place.
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
MAX_GLYPHS = 5_000  # of one level; of more, those with the highest presence are kept
CHUNK = 256  # glyphs whose distances to all others are held in memory together


@dataclass(frozen=True, eq=False)
class Glyphs:
    """Digits, signs and other marks; row i of each array belongs to glyph i.

    Attributes
    ----------
    heat : ndarray of shape (n, 16), dtype float32
        Probability of each class.
    centre, size : ndarray of shape (n, 2), dtype float32
        x and y of the box's centre; its width and height; in pixels of the picture.
    link : ndarray of shape (n, 2), dtype float32
        Probabilities that its number has a next glyph and a previous glyph.
    next : ndarray of shape (n, 2), dtype float32
        Predicted centre of the next glyph minus this centre, in pixels of the picture.
    raised : ndarray of shape (n,), dtype float32
        Probability that it belongs to a superscript.
    scale : ndarray of shape (n,), dtype float32
        Scale of the level in which it was found: pixels of the level per pixel of the picture.
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

    def __getitem__(self, rows: NDArray[np.generic]) -> "Glyphs":
        return Glyphs(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def presence(self) -> Floats:
        """Confidence that there is a glyph of any class, 0 to 1; see `to_presence`."""
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
        """Left, top, right, bottom; shape (n, 4)."""
        return np.hstack([self.centre - self.size / 2, self.centre + self.size / 2])


def to_presence(heat: Floats, axis: int) -> Floats:
    """Return the Euclidean norm of the class probabilities, at most 1.

    For a glyph with two probable classes it is nearly as large as for one with a single class. The
    small values that all classes have on empty paper do not add up.
    """
    presence: Floats = np.minimum(np.sqrt(np.square(heat).sum(axis=axis)), np.float32(1))
    return presence


def median(values: NDArray[Any]) -> float:
    """Return the median; NumPy's loads masked arrays, a fifteenth of the time of a short `read`.

    >>> median(np.array([3.0, 1.0, 2.0, 8.0]))
    2.5
    """
    ordered = np.sort(values, axis=None)
    middle = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return float(middle[0] + middle[1]) / 2


def concatenate(parts: Sequence[Glyphs]) -> Glyphs:
    """Return the glyphs of several levels as one `Glyphs`."""
    return Glyphs(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Glyphs)))


def find_glyphs(maps: Floats, scale: tuple[float, float], parameters: ReadingParameters) -> Glyphs:
    """Return the glyphs of one level.

    Parameters
    ----------
    maps : ndarray of shape (28, height / 4, width / 4), dtype float32
        In the order of `digitscope.models.glyph_classes`.
    scale : tuple of float
        Pixels of the level per pixel of the picture, across and down.
    parameters : ReadingParameters
    """
    presence = to_presence(maps[HEAT], axis=0)
    peaks = (presence >= parameters.low_threshold) & (
        presence == cv2.dilate(presence, np.ones((3, 3), np.uint8))
    )
    rows, columns = np.nonzero(peaks)
    if len(rows) > MAX_GLYPHS:
        best = np.argsort(-presence[rows, columns], kind="stable")[:MAX_GLYPHS]
        rows, columns = rows[best], columns[best]
    values = np.ascontiguousarray(maps[:, rows, columns].T)  # (n, 28)
    cells = np.stack([columns, rows], axis=1).astype(np.float32)
    cell = np.array([STRIDE / scale[0], STRIDE / scale[1]], np.float32)
    unit = np.array([UNIT / scale[0], UNIT / scale[1]], np.float32)
    found = Glyphs(
        heat=values[:, HEAT],
        centre=(cells + values[:, OFFSET]) * cell,
        size=np.exp(values[:, SIZE].clip(-6, 6)) * unit,
        link=values[:, LINK],
        next=values[:, NEXT] * unit,
        raised=values[:, RAISED][:, 0],
        scale=np.full(len(rows), (scale[0] * scale[1]) ** 0.5, np.float32),
    )
    return suppress(found, parameters)


def writing_heights(glyphs: Glyphs) -> Floats:
    """Return the height of the writing at each glyph, in pixels of the picture.

    For a digit it is its own height, for another mark the height of the nearest digit.
    """
    heights = glyphs.size[:, 1].copy()
    digits, others = np.flatnonzero(glyphs.is_digit), np.flatnonzero(~glyphs.is_digit)
    if len(digits):
        for i in others.tolist():
            away = np.abs(glyphs.centre[digits] - glyphs.centre[i]).sum(axis=1)
            heights[i] = heights[digits[away.argmin()]]
    return heights


def suppress(glyphs: Glyphs, parameters: ReadingParameters) -> Glyphs:
    """Return the glyphs after non-maximum suppression.

    Duplicates have nearly the same centre and size, in units of box sizes: the usual overlap of
    boxes would also remove touching digits. A thin box counts as wider, since its centre is as
    uncertain as that of a wide one. Of the duplicates of a digit, the one whose height is nearest
    to `BEST` is kept.
    """
    if len(glyphs) < 2:
        return glyphs
    height = np.maximum(glyphs.size.max(axis=1) * glyphs.scale, 1)
    octaves = np.abs(np.log2(height / BEST))
    quality = glyphs.presence * np.where(glyphs.is_digit, np.exp2(-octaves), 0.5)
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
    """Return which glyphs are duplicates of the glyphs `own`, shape (own, n)."""
    extent = np.maximum(glyphs.size, parameters.min_aspect * glyphs.size[:, ::-1])
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
    """Return the glyphs of all levels without duplicates.

    A glyph inside a digit of a coarser level, with less than half its height, is a part of that
    digit. But a glyph that contains several confident glyphs of a finer level is removed.
    """
    glyphs = suppress(concatenate(parts), parameters)
    keep = np.ones(len(glyphs), bool)
    boxes, scale, presence = glyphs.boxes, glyphs.scale, glyphs.presence
    order = np.argsort(scale, kind="stable")
    for i in order[1.4 * scale[order] < scale.max(initial=0)].tolist():  # of the coarser levels
        if not keep[i]:
            continue
        finer = keep & (scale > 1.4 * scale[i]) & (2 * glyphs.size[:, 1] < glyphs.size[i, 1])
        rows = np.flatnonzero(finer)
        centre = glyphs.centre[rows]
        inside = rows[((centre > boxes[i, :2]) & (centre < boxes[i, 2:])).all(axis=1)]
        if len(inside):
            is_group = float(presence[inside].sum()) > 2 * float(presence[i])
            keep[i if is_group else inside] = False
    return glyphs[keep]
