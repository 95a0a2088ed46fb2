"""Generator of pages for the page network: layout, handwriting, paper, camera and light."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from digitscope.image.contrast import normalise_contrast
from digitscope.models.glyph_classes import SMALLEST
from digitscope.synthesis.digit_forms import DIGITS
from digitscope.synthesis.fonts import find_fonts, find_handwriting_fonts
from digitscope.synthesis.pages.background_pictures import (
    draw_picture_surface,
    files_of_part,
    pictures_of_part,
    print_picture,
)
from digitscope.synthesis.pages.camera import Camera
from digitscope.synthesis.pages.ink_layers import PEN, PEN_2, PRINT, RULING, Box
from digitscope.synthesis.pages.layouts import LAYOUTS, LayoutContext
from digitscope.synthesis.pages.lighting import apply_lighting
from digitscope.synthesis.pages.papers import TRAINING_KINDS as PAPERS
from digitscope.synthesis.pages.papers import Paper, draw_paper
from digitscope.synthesis.pages.photo_effects import apply_photo_effects
from digitscope.synthesis.pages.sheet import Sheet
from digitscope.synthesis.pages.surfaces import TRAINING_KINDS as SURFACES
from digitscope.synthesis.pages.surfaces import draw_surface
from digitscope.synthesis.pages.truth import PageTruth
from digitscope.synthesis.pages.writing_sources import Sources, StrokePool, scan_hands
from digitscope.synthesis.pen import HAND, trace
from digitscope.synthesis.recorded_strokes import ScanSet, StrokeSet

SIDE = 224  # pixels; side of a patch that the page network is trained on
MARGIN = 3  # pixels around a glyph's box that are included when its ink is compared to the picture
# Least correlation of contrast and coverage of a visible glyph. People cannot read most glyphs with
# less either.
LEAST_CORRELATION = 0.6
FREE = 64  # coverage by a ruling line, 0 to 255, below which a pixel is included in the comparison
READABLE = 8.0  # pixels; least height of writing in a picture that is enlarged afterwards
DRAWN = 60  # samples of each parametric form


@dataclass(frozen=True)
class PageStyle:
    """Variation of pages.

    Attributes
    ----------
    height : tuple of float
        Smallest and largest height of a digit, in pixels; uniform.
    outside : float
        Share of pages with writing outside of this range.
    printed : float
        Share of pages with printed numbers; some fonts imitate handwriting.
    camera : float
        Strength of rotation, perspective and bend.
    surface : float
        Share of pictures without a page.
    collected : float
        Share of surfaces that are crops of real pictures, if such are available.
    illustrated : float
        Share of light papers with a printed picture, if pictures are available.
    enlarged : float
        Share of pictures that are drawn smaller and enlarged, as a reader does with a small
        picture. Grain and specks are then larger in proportion to the writing.
    zoom : tuple of float
        Smallest and largest factor of this enlargement.
    """

    height: tuple[float, float] = (12.0, 46.0)
    outside: float = 0.12
    printed: float = 0.2
    camera: float = 1.0
    surface: float = 0.12
    collected: float = 0.6
    illustrated: float = 0.08
    enlarged: float = 0.25
    zoom: tuple[float, float] = (1.3, 3.5)


@dataclass(frozen=True)
class PageSource:
    """A source of random pages; it can be pickled.

    Attributes
    ----------
    sources : Sources
    style : PageStyle
    layouts : tuple of str
        Names from `LAYOUTS`; by default all.
    papers, surfaces : tuple of str
        Kinds of paper and of surfaces; by default those of training.
    """

    sources: Sources
    style: PageStyle = PageStyle()
    layouts: tuple[str, ...] = tuple(LAYOUTS)
    papers: tuple[str, ...] = PAPERS
    surfaces: tuple[str, ...] = SURFACES

    def patch(
        self, rng: np.random.Generator, size: tuple[int, int] = (SIDE, SIDE)
    ) -> tuple[NDArray[np.uint8], PageTruth]:
        """Return a picture of a page, or of a part of a page, and its ground truth.

        Parameters
        ----------
        rng : numpy.random.Generator
            The same state gives the same page.
        size : tuple of int
            Height and width in pixels.

        Returns
        -------
        picture : ndarray of shape (height, width), dtype uint8
            0 = black, 255 = white.
        truth : PageTruth
        """
        if rng.random() < self.style.enlarged:
            zoom = float(rng.uniform(*self.style.zoom))
            inner = round(size[0] / zoom), round(size[1] / zoom)
            return _enlarged(*self._draw(rng, inner, size[0] / inner[0]), size)
        return self._draw(rng, size, 1.0)

    def _draw(
        self, rng: np.random.Generator, size: tuple[int, int], zoom: float
    ) -> tuple[NDArray[np.uint8], PageTruth]:
        """Return a page whose writing is smaller by `zoom`, by which it is enlarged later."""
        if rng.random() < self.style.surface:
            return self._seen(rng, self._surface(rng, size), PageTruth(size, (), layout="surface"))
        layout = self._layout(rng)
        sheet = Sheet(size)
        height = max(self._height(rng) / zoom, READABLE)
        setting = LayoutContext(rng, sheet, self.sources, height, self.style.printed)
        LAYOUTS[layout][0](setting)
        camera = Camera.draw(rng, size, self.style.camera)
        paper = draw_paper(rng, size, kinds=self.papers)
        pictures = self.sources.pictures
        light_paper = paper.ink < paper.gray.mean()
        if pictures and light_paper and rng.random() < self.style.illustrated:
            print_picture(rng, paper.gray, pictures)
        layers, truth = sheet.draw(camera.map, _writable(paper, camera))
        picture = _with_ink(rng, paper.gray, paper.ink, layers)
        behind = None
        if camera.edge == "desk":
            behind = self._surface(rng, size)
        picture = camera.add_background(rng, picture, behind)
        truth = replace(truth, layout=layout, faults=paper.faults)
        photo, truth = self._seen(rng, picture, truth)
        drawn = [layer for layer in layers[PRINT:] if layer is not None]
        if drawn and truth.glyphs:
            truth = ignore_invisible(truth, photo, np.max(drawn, axis=0), layers[RULING])
        return photo, truth

    @staticmethod
    def _seen(
        rng: np.random.Generator, picture: NDArray[np.float32], truth: PageTruth
    ) -> tuple[NDArray[np.uint8], PageTruth]:
        """Return a picture after light, camera and file, and the ground truth with their names."""
        lit, lights = apply_lighting(rng, picture)
        heights = [glyph.height for glyph in truth.glyphs]
        smallest = min(heights) if heights else SMALLEST
        file, names = apply_photo_effects(rng, lit, writing=max(smallest, SMALLEST / 2))
        return file, replace(truth, faults=(*truth.faults, *lights, *names))

    def _surface(self, rng: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float32]:
        """Return a surface: a crop of a real picture, or drawn."""
        if self.sources.pictures and rng.random() < self.style.collected:
            return draw_picture_surface(rng, size, self.sources.pictures)
        return draw_surface(rng, size, kinds=self.surfaces)

    def _layout(self, rng: np.random.Generator) -> str:
        weights = np.array([LAYOUTS[name][1] for name in self.layouts])
        return self.layouts[int(rng.choice(len(weights), p=weights / weights.sum()))]

    def _height(self, rng: np.random.Generator) -> float:
        low, high = self.style.height
        if rng.random() < self.style.outside:
            low, high = (0.5 * low, low) if rng.random() < 0.55 else (high, 4 * high)
        return float(rng.uniform(low, high))


def ignore_invisible(
    truth: PageTruth,
    picture: NDArray[np.uint8],
    coverage: NDArray[np.uint8],
    rulings: NDArray[np.uint8] | None = None,
) -> PageTruth:
    """Return a ground truth that ignores the glyphs whose ink is not visible in the picture.

    Glare, thresholding or few gray levels may remove pale strokes. A glyph is visible if the local
    contrast in its box correlates with the coverage by ink, in pixels without ruling lines.
    """
    picture = normalise_contrast(picture)
    height, width = picture.shape
    seen = []
    for glyph in truth.glyphs:
        left, top = (max(int(edge) - MARGIN, 0) for edge in glyph.box[:2])
        right = min(int(glyph.box[2]) + MARGIN + 1, width)
        bottom = min(int(glyph.box[3]) + MARGIN + 1, height)
        area = np.s_[top:bottom, left:right]
        ink = coverage[area].astype(np.float32).ravel()
        gray = picture[area].astype(np.float32).ravel()
        if rulings is not None:
            free = rulings[area].ravel() < FREE
            ink, gray = ink[free], gray[free]
        ink -= ink.sum() / max(len(ink), 1)
        gray -= gray.sum() / max(len(gray), 1)
        spread = float(np.sqrt((ink @ ink) * (gray @ gray)))
        seen.append(spread > 0 and abs(float(ink @ gray)) > LEAST_CORRELATION * spread)
    if all(seen):
        return truth
    place = np.cumsum(seen) - 1
    glyphs = tuple(
        replace(g, next=int(place[g.next]) if g.next >= 0 and seen[g.next] else -1)
        for g, kept in zip(truth.glyphs, seen, strict=True)
        if kept
    )
    lost = tuple(g.box for g, kept in zip(truth.glyphs, seen, strict=True) if not kept)
    return replace(truth, glyphs=glyphs, ignored=(*truth.ignored, *lost))


def _enlarged(
    picture: NDArray[np.uint8], truth: PageTruth, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], PageTruth]:
    """Return a picture and its ground truth at another size."""
    across, down = size[1] / truth.size[1], size[0] / truth.size[0]
    factor = np.array([across, down], np.float32)

    def scaled(box: Box) -> Box:
        return box[0] * across, box[1] * down, box[2] * across, box[3] * down

    glyphs = tuple(replace(g, box=scaled(g.box), height=g.height * down) for g in truth.glyphs)
    grids = tuple(replace(grid, crossings=grid.crossings * factor) for grid in truth.grids)
    large = cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return large, PageTruth(
        size,
        glyphs,
        tuple(scaled(box) for box in truth.ignored),
        tuple(line * factor for line in truth.rulings),
        truth.crossings * factor,
        grids,
        truth.layout,
        (*truth.faults, "enlarged"),
    )


def _writable(paper: Paper, camera: Camera) -> NDArray[np.float32] | None:
    """Return a mask of the visible sheet, without black borders; None for the whole picture."""
    left, top, right, bottom = paper.clear
    height, width = paper.gray.shape
    bordered = (left, top, right, bottom) != (0, 0, width, height)
    if camera.corners is None and not bordered:
        return None
    mask = camera.page_mask()
    if bordered:
        inside = np.zeros_like(mask)
        inside[top:bottom, left:right] = 1
        mask = mask * inside
    return mask


def _with_ink(
    rng: np.random.Generator,
    paper: NDArray[np.float32],
    ink: float,
    layers: list[NDArray[np.uint8] | None],
) -> NDArray[np.float32]:
    """Return the paper with all layers of ink."""
    picture = paper
    mean = float(paper.mean())
    for layer, coverage in enumerate(layers):
        if coverage is None:
            continue
        # From the darkest ink to one about 20 levels from the paper.
        pale = {RULING: 0.75, PRINT: 0.35, PEN: 0.6, PEN_2: 0.6}[layer] * rng.random() ** 1.5
        tone = ink + pale * (mean - ink)
        share = coverage.astype(np.float32)
        share *= np.float32(rng.uniform(0.8, 1.0) / 255)
        if layer in (PEN, PEN_2) and rng.random() < 0.25:  # pencil, dry pens: ink with gaps
            share *= _grain(rng, share.shape)
        picture = picture + share * (np.float32(tone) - picture)
    return picture


def _grain(rng: np.random.Generator, size: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the share of ink that the paper absorbs, 0.2 to 1."""
    step = int(rng.integers(1, 4))
    small = rng.random((size[0] // step + 1, size[1] // step + 1), dtype=np.float32)
    grain = cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    deep = float(rng.uniform(0.2, 0.8))
    taken: NDArray[np.float32] = 1 - deep * grain
    return taken


def draw_parametric_strokes(rng: np.random.Generator, n: int = DRAWN) -> StrokeSet:
    """Return drawn digits of every parametric form, about `n` of each; each form is one writer."""
    samples, labels, writers = [], [], []
    for digit, glyphs in enumerate(DIGITS):
        for form, glyph in enumerate(glyphs):
            lines = trace(glyph, max(2, round(n * min(glyph.weight, 2))), rng, HAND)
            for points in lines.points:
                points = points - points.min(axis=0)
                points = points / max(float(points.max()), 1e-3)
                samples.append([points[stroke] for stroke in lines.strokes])
                labels.append(str(digit))
                writers.append(form)
    return StrokeSet.from_lines(samples, labels, np.array(writers))


def make_sources(
    digits: list[StrokeSet],
    others: list[StrokeSet],
    scans: list[ScanSet],
    *,
    validation: bool = False,
    seed: int = 0,
) -> Sources:
    """Return the sources of pages.

    Parameters
    ----------
    digits, others : list of StrokeSet
        Recorded digits; letters and signs.
    scans : list of ScanSet
        Scanned digits.
    validation : bool
        Whether to return the fonts and pictures of validation pages, which are every eighth, or
        those of training.
    seed : int
        Seed of the parametric forms.
    """
    drawn = draw_parametric_strokes(np.random.default_rng([seed, int(validation)]))
    fonts = files_of_part(find_fonts(), validation) + files_of_part(
        find_handwriting_fonts(), validation
    )
    return Sources(
        tuple(StrokePool.of(s) for s in (*digits, drawn)),
        tuple(StrokePool.of(s) for s in others),
        tuple(scan_hands(s) for s in scans),
        fonts,
        pictures_of_part(validation),
    )
