"""The ink of one glyph: strokes of a pen, or a small picture of a scanned or printed character.

Lengths are in heights of a digit of the same writer or font: a digit stands on the baseline at
y = 0 and reaches up to y = -1; x starts at 0. `Sources` holds what people really wrote, parametric
forms and fonts, and gives the inks of one hand (`hands`) from it.
"""

import functools
import hashlib
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from digitscope.synthesis.fonts import load_font
from digitscope.synthesis.pages.truth import Points
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet

RASTER = 40  # pixels to the height of a digit in which loops are counted
TYPE_SIZE = 48  # pixels; printed characters are rendered at this font size
EDGE = 0.4  # of the darkest ink; paler pixels are outside of a character
SCAN_BLUR = 0.6  # pixels; takes the steps out of the edges of enlarged scans


@dataclass(frozen=True, eq=False)
class Outline:
    """Strokes of a pen.

    Attributes
    ----------
    points : ndarray of shape (n, 2), dtype float32
        In heights of a digit; y downwards, 0 at the baseline.
    starts : tuple of int
        First point of each stroke, then n.
    """

    points: Points
    starts: tuple[int, ...]

    @property
    def right(self) -> float:
        """The largest x."""
        return float(self.points[:, 0].max())

    def loops(self, pen: float) -> int:
        """Return how many areas of paper the strokes enclose.

        Parameters
        ----------
        pen : float
            Width of the pen, in heights of a digit.
        """
        points = (self.points - self.points.min(axis=0) + 0.5) * RASTER
        width, height = (points.max(axis=0) + 0.5 * RASTER).astype(int).tolist()
        plane = np.zeros((height, width), np.uint8)
        lines = [np.round(points[a:b]).astype(np.int32) for a, b in pairwise(self.starts)]
        cv2.polylines(plane, lines, False, 1, max(1, round(pen * RASTER)))
        _, tree = cv2.findContours(plane, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        return int((np.asarray(tree)[0, :, 3] >= 0).sum()) if tree is not None else 0


@dataclass(frozen=True, eq=False)
class Bitmap:
    """A picture of a character.

    Attributes
    ----------
    image : ndarray of shape (height, width), dtype uint8
        0 = paper, 255 = ink.
    scale : float
        Heights of a digit for one pixel of the image.
    left, top : float
        Where the upper left corner of the image is, in heights of a digit.
    hull : ndarray of shape (n, 2), dtype float32
        The first and last point of ink in each row, in heights of a digit.
    shear : float
        Slant, in x for each unit of height.
    aspect : float
        Factor of the width.
    """

    image: NDArray[np.uint8]
    scale: float
    left: float
    top: float
    hull: Points
    shear: float = 0.0
    aspect: float = 1.0

    @property
    def right(self) -> float:
        """The largest x of its ink."""
        return float(self.hull[:, 0].max())


Ink: TypeAlias = Outline | Bitmap
ScanHand: TypeAlias = dict[str, list[NDArray[np.uint8]]]


# Top and bottom of a character's ink, in heights of a digit above (-) and below (+) the baseline.
_X, _UP, _DOWN = (-0.62, 0.0), (-1.05, 0.0), (-0.62, 0.38)
EXTENTS: dict[str, tuple[float, float]] = {
    **dict.fromkeys("acemnorsuvwxz", _X),
    **dict.fromkeys("bdfhkl", _UP),
    **dict.fromkeys("gpqy", _DOWN),
    **dict.fromkeys("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (-1.08, 0.0)),
    "t": (-0.9, 0.0),
    "i": (-0.9, 0.0),
    "j": (-0.9, 0.38),
    "+": (-0.78, -0.12),
    "=": (-0.62, -0.28),
    "<": (-0.75, -0.12),
    ">": (-0.75, -0.12),
    **dict.fromkeys("()[]{}\\", (-1.15, 0.2)),
    **dict.fromkeys("#$%&@?!", (-1.05, 0.05)),
    "*": (-0.95, -0.45),
    "~": (-0.6, -0.38),
    "^": (-1.1, -0.8),
    "'": (-1.15, -0.8),
    ";": (-0.5, 0.15),
}
FLAT = "=~"  # as wide as a digit, whatever their height
WIDEST = 1.5  # heights of a digit; what is wider is drawn smaller


def _on_baseline(strokes: StrokeSet) -> Points:
    """Return the points of all samples, each in its usual size and place on the baseline."""
    first = strokes.stroke[strokes.sample[:-1]]
    low = np.minimum.reduceat(strokes.points, first)
    high = np.maximum.reduceat(strokes.points, first)
    wide, tall = np.maximum(high - low, 1e-3).T
    extents = [EXTENTS.get(label, (-1.0, 0.0)) for label in strokes.labels.tolist()]
    top, bottom = np.array(extents, np.float32).T
    scale = np.where(np.isin(strokes.labels, list(FLAT)), 0.55 / wide, (bottom - top) / tall)
    scale = np.minimum(scale, WIDEST / wide).astype(np.float32)
    digit = np.char.isdigit(strokes.labels)  # too wide a digit still stands on the baseline
    middle = np.where(digit, high[:, 1], (low[:, 1] + high[:, 1]) / 2)
    target = np.where(digit, bottom, (top + bottom) / 2)
    owner = np.repeat(np.arange(len(strokes)), np.diff(np.append(first, len(strokes.points))))
    fitted: Points = strokes.points * scale[owner][:, None]
    fitted[:, 0] -= (low[:, 0] * scale)[owner]
    fitted[:, 1] += (target - middle * scale).astype(np.float32)[owner]
    return fitted


@dataclass(frozen=True)
class StrokePool:
    """Recorded or drawn strokes, found by character and by writer.

    Attributes
    ----------
    strokes : StrokeSet
    by_label : dict
        Rows of each character.
    by_writer : dict
        Rows of each writer and character: ``by_writer[writer][character]``.
    """

    strokes: StrokeSet
    by_label: dict[str, NDArray[np.intp]]
    by_writer: dict[int, dict[str, NDArray[np.intp]]]

    @classmethod
    def of(cls, strokes: StrokeSet) -> "StrokePool":
        """Return the pool of a set of strokes, each scaled to its usual size on the baseline."""
        strokes = replace(strokes, points=_on_baseline(strokes))
        labels, writers = strokes.labels, strokes.writers
        by_label = {str(k): np.flatnonzero(labels == k) for k in np.unique(labels)}
        by_writer: dict[int, dict[str, NDArray[np.intp]]] = {}
        order = np.lexsort((labels, writers))
        change = (writers[order][1:] != writers[order][:-1]) | (
            labels[order][1:] != labels[order][:-1]
        )
        for rows in np.split(order, np.flatnonzero(change) + 1):
            by_writer.setdefault(int(writers[rows[0]]), {})[str(labels[rows[0]])] = rows
        return cls(strokes, by_label, by_writer)

    def outline(self, row: int) -> tuple[Points, tuple[int, ...]]:
        """Return the points of a sample and the starts of its strokes."""
        s = self.strokes
        first, last = s.sample[row], s.sample[row + 1]
        starts = s.stroke[first : last + 1]
        points = s.points[starts[0] : starts[-1]]
        return points, tuple((starts - starts[0]).tolist())


@dataclass(frozen=True)
class Sources:
    """What hands and type are made of.

    Attributes
    ----------
    digits, others : tuple of StrokePool
        Digits, the parametric forms last; letters and signs.
    scans : tuple of tuple of dict
        Per data set and writer the scanned digits: ``scans[k][writer]["7"]`` is a list of images.
    fonts : tuple of str
        As `find_fonts` calls them.
    pictures : tuple of str
        Real pictures without digits, as `find_pictures` returns them.
    """

    digits: tuple[StrokePool, ...]
    others: tuple[StrokePool, ...]
    scans: tuple[tuple[ScanHand, ...], ...]
    fonts: tuple[str, ...]
    pictures: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # In numbers: a training notes what it was made from, and these are a million points.
        names = ", ".join(Path(font).name for font in self.fonts)
        digest = hashlib.sha256(names.encode()).hexdigest()[:8]
        digits, others = (
            [len(pool.strokes.labels) for pool in pools] for pools in (self.digits, self.others)
        )
        scans = [
            sum(len(images) for hand in hands for images in hand.values()) for hands in self.scans
        ]
        return (
            f"Sources(digits={digits}, others={others}, scans={scans}, "
            f"fonts={len(self.fonts)} ({digest}), pictures={len(self.pictures)})"
        )

    def scan_writer(self, rng: np.random.Generator) -> ScanHand:
        """Return the scanned digits of one writer, at most four of each digit."""
        writers = self.scans[rng.integers(len(self.scans))]
        mine = writers[rng.integers(len(writers))]
        return {
            digit: [images[i] for i in rng.integers(0, len(images), 4)]
            for digit, images in mine.items()
        }


@functools.lru_cache(maxsize=16384)
def printed(character: str, font: str) -> Bitmap | None:
    """Return a printed character; None where the font does not have it."""
    size = digit_height(font)
    face = load_font(font, TYPE_SIZE)
    pad = TYPE_SIZE // 2
    length = face.getlength(character)
    canvas = Image.new("L", (int(length) + 2 * pad, 2 * TYPE_SIZE + 2 * pad))
    ImageDraw.Draw(canvas).text(
        (pad, pad + TYPE_SIZE), character, 255, face, anchor="ls", features=None
    )
    image = np.asarray(canvas)
    left, top, width, height = cv2.boundingRect(image)
    if not width:
        return None
    # One pixel of paper around it, so that its edges are smooth when it is turned.
    crop = np.pad(image[top : top + height, left : left + width], 1)
    scale = 1 / size
    return bitmap(crop, scale, (left - pad - 1) * scale, (top - pad - TYPE_SIZE - 1) * scale)


@functools.lru_cache(maxsize=1024)
def digit_height(font: str) -> float:
    """Return the height of a printed 8 at `TYPE_SIZE`, in pixels."""
    _, top, _, bottom = load_font(font, TYPE_SIZE).getbbox("8", anchor="ls")
    return max(float(bottom - top), 8.0)


def bitmap(image: NDArray[np.uint8], scale: float, left: float, top: float) -> Bitmap:
    """Return a bitmap with the outline of its ink."""
    inked = image > EDGE * image.max()
    rows = np.flatnonzero(inked.any(axis=1))
    first = inked[rows].argmax(axis=1)
    last = image.shape[1] - inked[rows, ::-1].argmax(axis=1)
    x = np.concatenate([first, last, first[:1], last[-1:]])
    y = np.concatenate([rows, rows, rows[:1], rows[-1:] + 1])
    outline = np.stack([x, y], 1).astype(np.float32) * np.float32(scale)
    return Bitmap(image, scale, left, top, outline + np.array([left, top], np.float32))


def scanned(image: NDArray[np.uint8]) -> Bitmap:
    """Return a scanned digit that stands on the baseline."""
    height = image.shape[0]
    soft = cv2.GaussianBlur(np.pad(image, 2), (0, 0), SCAN_BLUR)
    scale = 1 / height
    return bitmap(soft, scale, -2 * scale, -(height + 2) * scale)


@functools.lru_cache(maxsize=16384)
def printed_bold(character: str, font: str, weight: int) -> Bitmap | None:
    """Return a printed character, heavier or lighter by so many pixels."""
    ink = printed(character, font)
    return weigh(ink, weight) if ink is not None and weight else ink


def weigh(ink: Bitmap, change: int) -> Bitmap:
    """Return a bitmap with strokes thicker or, below 0, thinner by so many pixels."""
    kernel = np.ones((abs(change) + 1, abs(change) + 1), np.uint8)
    image = ink.image
    changed = cv2.dilate(image, kernel) if change > 0 else cv2.erode(image, kernel)
    if changed.max() < image.max() or (changed > 96).sum() < 0.5 * (image > 96).sum():
        return ink
    return bitmap(changed, ink.scale, ink.left, ink.top)


def moved(points: Points, ink: Bitmap) -> Points:
    """Return points of a bitmap after its aspect and slant."""
    out = points.copy()
    out[:, 0] = points[:, 0] * ink.aspect - points[:, 1] * ink.shear
    return out


def scan_hands(scans: ScanSet) -> tuple[ScanHand, ...]:
    """Return the scanned digits of each writer."""
    hands = []
    for writer in np.unique(scans.writers):
        hand: ScanHand = {}
        for i in np.flatnonzero(scans.writers == writer):
            hand.setdefault(str(scans.labels[i]), []).append(scans.inks[i])
        hands.append(hand)
    return tuple(hands)
