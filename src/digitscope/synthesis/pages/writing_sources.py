"""Recorded strokes, scans, fonts and pictures that pages are made from."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitscope.synthesis.pages.truth import Points
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet

ScanHand: TypeAlias = dict[str, list[NDArray[np.uint8]]]


# Top and bottom of a character's ink, in heights of a digit; negative above the baseline.
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
FLAT = "=~"  # characters that are scaled by their width instead of their height
WIDEST = 1.5  # heights of a digit; wider characters are made smaller


def _on_baseline(strokes: StrokeSet) -> Points:
    """Return the points of all samples, each scaled to its usual size, on the baseline."""
    first = strokes.stroke[strokes.sample[:-1]]
    low = np.minimum.reduceat(strokes.points, first)
    high = np.maximum.reduceat(strokes.points, first)
    wide, tall = np.maximum(high - low, 1e-3).T
    extents = [EXTENTS.get(label, (-1.0, 0.0)) for label in strokes.labels.tolist()]
    top, bottom = np.array(extents, np.float32).T
    scale = np.where(np.isin(strokes.labels, list(FLAT)), 0.55 / wide, (bottom - top) / tall)
    scale = np.minimum(scale, WIDEST / wide).astype(np.float32)
    digit = np.char.isdigit(strokes.labels)  # a digit that was made smaller stays on the baseline
    middle = np.where(digit, high[:, 1], (low[:, 1] + high[:, 1]) / 2)
    target = np.where(digit, bottom, (top + bottom) / 2)
    owner = np.repeat(np.arange(len(strokes)), np.diff(np.append(first, len(strokes.points))))
    fitted: Points = strokes.points * scale[owner][:, None]
    fitted[:, 0] -= (low[:, 0] * scale)[owner]
    fitted[:, 1] += (target - middle * scale).astype(np.float32)[owner]
    return fitted


@dataclass(frozen=True)
class StrokePool:
    """Recorded or drawn strokes, indexed by character and by writer.

    Attributes
    ----------
    strokes : StrokeSet
    by_label : dict
        Rows of the samples of each character.
    by_writer : dict
        Rows of the samples of each writer and character: ``by_writer[writer][character]``.
    """

    strokes: StrokeSet
    by_label: dict[str, NDArray[np.intp]]
    by_writer: dict[int, dict[str, NDArray[np.intp]]]

    @classmethod
    def of(cls, strokes: StrokeSet) -> "StrokePool":
        """Return the pool of a set of strokes, scaled to their usual size on the baseline."""
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
    """Everything that pages are made from.

    Attributes
    ----------
    digits, others : tuple of StrokePool
        Digits, with the parametric forms last; letters and signs.
    scans : tuple of tuple of dict
        Scanned digits by data set and writer: ``scans[k][writer]["7"]`` is a list of images.
    fonts : tuple of str
        Paths as `find_fonts` returns them.
    pictures : tuple of str
        Real pictures without digits, as `find_pictures` returns them.
    """

    digits: tuple[StrokePool, ...]
    others: tuple[StrokePool, ...]
    scans: tuple[tuple[ScanHand, ...], ...]
    fonts: tuple[str, ...]
    pictures: tuple[str, ...] = ()

    def __repr__(self) -> str:
        # Counts only: the record of a training holds this text, and the arrays have a million
        # points.
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
        """Return the scanned digits of a random writer, four samples of each digit."""
        writers = self.scans[rng.integers(len(self.scans))]
        mine = writers[rng.integers(len(writers))]
        return {
            digit: [images[i] for i in rng.integers(0, len(images), 4)]
            for digit, images in mine.items()
        }


def scan_hands(scans: ScanSet) -> tuple[ScanHand, ...]:
    """Return the scanned digits of each writer."""
    hands = []
    for writer in np.unique(scans.writers):
        hand: ScanHand = {}
        for i in np.flatnonzero(scans.writers == writer):
            hand.setdefault(str(scans.labels[i]), []).append(scans.inks[i])
        hands.append(hand)
    return tuple(hands)
