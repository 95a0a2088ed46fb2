"""The results of the page network that its report shows, computed on held-out pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.evaluation import Reliability, bin_by_confidence, wilson_interval
from digitscope.evaluation.page_scores import USUAL, PageScores, Rates, among
from digitscope.models.card import ModelCard
from digitscope.models.glyph_classes import (
    CLASSES,
    COLON,
    COMMA,
    DIGIT_CLASSES,
    HEAT,
    MINUS,
    OTHER,
    POINT,
    SLASH,
    SMALLEST,
    STRIDE,
)
from digitscope.models.page_network import PageNetwork
from digitscope.recipes.page_recipe import PAGE
from digitscope.rendering.wording import percent
from digitscope.runs import Row, Run
from digitscope.synthesis.pages.stream import Source, held_out_patches
from digitscope.synthesis.pages.targets import is_target
from digitscope.synthesis.pages.truth import PageTruth, TrueGlyph

BINS = 10  # bins of the reliability diagram, as for the calibration errors in the card
HEIGHTS = (SMALLEST, 14.0, 16.0, 20.0, 24.0, 28.0, 32.0, 40.0, 48.001)  # pixels; edges of the bins
SHOWN = 30  # largest number of pictures of missed digits, and of invented digits
TILE = 56  # pixels; side of such a picture
ROOM = 2.0  # side of a crop, in longer sides of its glyph
LEAST_CUT, USUAL_CUT = 24.0, 48.0  # pixels; side of the smallest crop, and of one without a glyph
NAMES = {POINT: "point", COMMA: "comma", MINUS: "minus", SLASH: "slash", COLON: "colon"}
NAMES[OTHER] = "other"
FAINT = 80.0  # gray levels; least range that is stretched to 0 to 255
AGREES = 0.005  # difference of the F1 of digits to metrics.json that rounding can cause


@dataclass(frozen=True)
class Share:
    """A part of n items.

    Attributes
    ----------
    part, n : int
    """

    part: int
    n: int

    @property
    def value(self) -> float:
        """The share, NaN if n is 0."""
        return self.part / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval (Wilson)."""
        return wilson_interval(self.part, self.n) if self.n else (0.0, 1.0)


@dataclass(frozen=True)
class Group:
    """Precision and recall of some glyphs.

    Attributes
    ----------
    name : str
    pages : int
        Number of pages with these glyphs.
    rates : Rates
    """

    name: str
    pages: int
    rates: Rates

    @property
    def precision(self) -> Share:
        """The share of right peaks."""
        return Share(self.rates.right, self.rates.right + self.rates.invented)

    @property
    def recall(self) -> Share:
        """The share of glyphs that are found."""
        return Share(self.rates.right, self.rates.right + self.rates.missed)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A crop of a page around an error of the network.

    Attributes
    ----------
    pixels : ndarray of shape (56, 56), dtype uint8
        With stretched contrast; 255 = white.
    outline : tuple of float
        Left, top, right, bottom of the true glyph's box in these pixels; a point if there is no
        glyph.
    truth, said : str
        The true character and the predicted class; empty for none.
    confidence : float
        Confidence of the prediction.
    """

    pixels: NDArray[np.uint8]
    outline: tuple[float, float, float, float]
    truth: str
    said: str
    confidence: float


@dataclass(frozen=True, kw_only=True)
class PageResults:
    """The results of a run of the page network.

    Attributes
    ----------
    history : list of dict
        One row per epoch.
    card : ModelCard
        The card of model.onnx.
    scores : PageScores
        The scores of model.onnx on the held-out pages.
    images : tuple of ndarray of shape (height, width), dtype uint8
        These pages, with normalised contrast.
    support : ndarray of shape (glyphs,), dtype float32
        The largest probability of its class in the box of each glyph of `scores`.
    remark : str
        Why the pages are not those of the training; empty if they are the same.
    """

    history: list[Row]
    card: ModelCard
    scores: PageScores
    images: tuple[NDArray[np.uint8], ...]
    support: NDArray[np.float32]
    remark: str

    @property
    def pages(self) -> int:
        """The number of held-out pages."""
        return len(self.images)

    @property
    def digits(self) -> Group:
        """All digits."""
        return Group("all digits", self.pages, self.scores.rates())

    @property
    def threshold(self) -> float | None:
        """The threshold of confidence for digits in the card, if any."""
        return self.card.refusal.get("threshold")

    @property
    def reliability(self) -> Reliability:
        """The share of right digits by confidence."""
        mine = among(self.scores.peak_class, DIGIT_CLASSES)
        return bin_by_confidence(self.scores.confidence[mine], self.scores.right[mine], BINS)

    @property
    def classes(self) -> list[Group]:
        """Each class."""
        found = self.scores
        pages = [
            len(np.unique(found.glyph_page[among(found.glyph_class, label)])) for label in CLASSES
        ]
        return [
            Group(NAMES.get(label, label), n, found.rates(label))
            for label, n in zip(CLASSES, pages, strict=True)
        ]

    @property
    def layouts(self) -> list[Group]:
        """Scores of digits by layout of the page, the layout with the most digits first."""
        return self._by_page([(truth.layout,) for truth in self.scores.truths])

    @property
    def faults(self) -> list[Group]:
        """Scores of digits by effect of paper or camera; a page may have several effects."""
        return self._by_page([truth.faults for truth in self.scores.truths])

    def _by_page(self, names: Sequence[tuple[str, ...]]) -> list[Group]:
        groups = []
        for name in sorted({name for of_page in names for name in of_page if name}):
            pages = np.array([name in of_page for of_page in names])
            groups.append(Group(name, int(pages.sum()), self.scores.rates(pages=pages)))
        return sorted(groups, key=lambda group: -group.recall.n)

    @property
    def heights(self) -> list[tuple[float, float, Share]]:
        """Bounds of the height of writing in pixels, and the recall of digits in these bounds."""
        mine = among(self.scores.glyph_class, DIGIT_CLASSES)
        heights, found = self.scores.glyph_height[mine], self.scores.found[mine] >= USUAL
        rows = []
        for low, high in pairwise(HEIGHTS):
            inside = (low <= heights) & (heights < high)
            if inside.any():
                rows.append((low, high, Share(int(found[inside].sum()), int(inside.sum()))))
        return rows

    @property
    def missed(self) -> NDArray[np.intp]:
        """Indices of missed digits, without a peak of their class, the least probable first."""
        mine = among(self.scores.glyph_class, DIGIT_CLASSES) & (self.scores.found < 0)
        rows = np.flatnonzero(mine)
        return rows[np.argsort(self.support[rows], kind="stable")]

    @property
    def invented(self) -> NDArray[np.intp]:
        """Indices of wrong peaks of digits of confidence ≥ 0.3, the most confident first."""
        mine = among(self.scores.peak_class, DIGIT_CLASSES) & ~self.scores.right
        mine &= self.scores.confidence >= USUAL
        rows = np.flatnonzero(mine)
        return rows[np.argsort(-self.scores.confidence[rows], kind="stable")]

    def said_at(self, glyph: int) -> tuple[str, float]:
        """Return the most confident wrong class in the box of a glyph, and its confidence."""
        found = self.scores
        left, top, right, bottom = found.glyph_box[glyph]
        x, y = found.peak_place.T
        inside = (left <= x) & (x <= right) & (top <= y) & (y <= bottom) & ~found.right
        here = np.flatnonzero(inside & (found.peak_page == found.glyph_page[glyph]))
        if not len(here):
            return "", 0.0
        best = here[found.confidence[here].argmax()]
        return CLASSES[found.peak_class[best]], float(found.confidence[best])

    def misses(self) -> list[Cut]:
        """Return crops of the worst missed digits."""
        cuts = []
        for glyph in self.missed[:SHOWN]:
            said, confidence = self.said_at(glyph)
            box = self.scores.glyph_box[glyph]
            side = max(ROOM * float((box[2:] - box[:2]).max()), LEAST_CUT)
            pixels, outline = cut_out(self.images[self.scores.glyph_page[glyph]], box, side)
            truth = CLASSES[self.scores.glyph_class[glyph]]
            cuts.append(
                Cut(pixels=pixels, outline=outline, truth=truth, said=said, confidence=confidence)
            )
        return cuts

    def inventions(self) -> list[Cut]:
        """Return crops of the worst invented digits."""
        found, cuts = self.scores, []
        for peak in self.invented[:SHOWN]:
            page, (x, y) = found.peak_page[peak], found.peak_place[peak]
            box, truth, side = np.array([x, y, x, y]), "", USUAL_CUT
            if glyph := glyph_at(found.truths[page], x, y):
                box, truth = np.array(glyph.box), glyph.text
                side = max(ROOM * float((box[2:] - box[:2]).max()), LEAST_CUT)
            pixels, outline = cut_out(self.images[page], box, side)
            said, confidence = CLASSES[found.peak_class[peak]], float(found.confidence[peak])
            cuts.append(
                Cut(pixels=pixels, outline=outline, truth=truth, said=said, confidence=confidence)
            )
        return cuts


def load_results(run: Run, held_out: Source | None = None) -> PageResults:
    """Load the results of a run, and compute the rest on held-out pages.

    Parameters
    ----------
    run : Run
    held_out : Source, optional
        Source of the pages; by default that of `digitscope.data.page_sources.page_sources`. Their
        number is that of the recipe, or 320 if the recipe holds out none.

    Raises
    ------
    BadRun
        If the folder has no history.
    BadModel
        If its model is missing or damaged.
    """
    record, recipe, history = run.record, run.page_recipe, run.history
    network = PageNetwork(run.model_file)
    if held_out is None:
        from digitscope.data.page_sources import page_sources

        held_out = page_sources(record.get("data_dir"))[1]
    drawn = held_out_patches(held_out, recipe.validation or PAGE.validation)
    support: list[float] = []

    def look() -> Iterator[tuple[NDArray[np.float32], PageTruth]]:
        for image, truth in drawn:
            maps = network.maps(image)
            chosen = [glyph for glyph in truth.glyphs if is_target(glyph)]
            support.extend(_support(maps[HEAT], glyph) for glyph in chosen)
            yield maps, truth

    scores = PageScores.from_maps(look())
    return PageResults(
        history=history,
        card=network.card,
        scores=scores,
        images=tuple(image for image, _ in drawn),
        support=np.array(support, np.float32),
        remark=_remark(run, held_out, scores),
    )


def _support(heat: NDArray[np.float32], glyph: TrueGlyph) -> float:
    """Return the largest probability of a glyph's class in its box."""
    plane = heat[CLASSES.index(glyph.label)]
    left, top, right, bottom = (int(edge // STRIDE) for edge in glyph.box)
    part = plane[max(top, 0) : max(bottom, 0) + 1, max(left, 0) : max(right, 0) + 1]
    return float(part.max(initial=0))


def _remark(run: Run, held_out: Source, scores: PageScores) -> str:
    """Return why pages are not those of the training; empty if they are the same."""
    if not run.page_recipe.validation or run.record["data"].get("held_out") == "None":
        return "No pages were held out in the training; these were drawn for the report."
    remark = ""
    if run.record["data"].get("held_out") != repr(held_out):
        remark = (
            "The held-out pages are not those of the training, because writers, fonts or settings "
            "have changed since."
        )
    if not (run.path / "metrics.json").exists():
        return remark
    then, now = run.metrics.get("f1_digits", 0.0), scores.row()["f1_digits"]
    if not remark and abs(then - now) > AGREES:
        remark = (
            "The held-out pages are not those of the training: the generator has changed since."
        )
    if remark:
        remark += (
            f" At the end of the training the F1 of digits was {percent(then)}; here it is "
            f"{percent(now)}."
        )
    return remark


def glyph_at(truth: PageTruth, x: float, y: float) -> TrueGlyph | None:
    """Return the smallest glyph whose box contains a position, if any."""
    here = [g for g in truth.glyphs if g.box[0] <= x <= g.box[2] and g.box[1] <= y <= g.box[3]]
    return min(here, key=lambda g: (g.box[2] - g.box[0]) * (g.box[3] - g.box[1]), default=None)


def cut_out(
    image: NDArray[np.uint8], box: NDArray[np.float64], side: float
) -> tuple[NDArray[np.uint8], tuple[float, float, float, float]]:
    """Return a square crop of a page around a box, scaled to `TILE` pixels, and the box in it.

    Parameters
    ----------
    image : ndarray of shape (height, width), dtype uint8
    box : ndarray of shape (4,)
        Left, top, right, bottom in pixels of the page.
    side : float
        Side of the square, in pixels of the page; outside of the page it is mid-gray.

    Returns
    -------
    pixels : ndarray of shape (56, 56), dtype uint8
        With stretched contrast, unless the contrast is low.
    box : tuple of float
        In these pixels.
    """
    corner = (box[:2] + box[2:]) / 2 - side / 2
    scale = TILE / side
    shift = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    pixels = cv2.warpAffine(
        image, shift, (TILE, TILE), flags=cv2.INTER_LINEAR, borderValue=(128.0,)
    )
    least = float(pixels.min())
    stretched = (pixels - least) * (255 / max(float(pixels.max()) - least, FAINT))
    left, top, right, bottom = (float(edge) for edge in (box - np.tile(corner, 2)) * scale)
    return np.rint(stretched).astype(np.uint8), (left, top, right, bottom)
