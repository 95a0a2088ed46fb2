"""The reader: the networks that read, and the pipeline from a picture to a `Page`.

::

    picture -> gray -> levels -> glyphs -> second pass -> numbers -> lines and grids -> Page
"""

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitscope.errors import BadModel, did_you_mean
from digitscope.image.decode import Gray, read_gray
from digitscope.image.digit import Images
from digitscope.models.classifier import PRETRAINED, Classifier, load
from digitscope.models.glyph_network import GlyphNetwork
from digitscope.models.page_network import PageNetwork
from digitscope.reading.assembly import Detections, to_page
from digitscope.reading.glyphs import merge
from digitscope.reading.grids import cell_of, find_lattices
from digitscope.reading.neighbours import adjust_priors
from digitscope.reading.numbers import find_runs
from digitscope.reading.orientation import find_turn
from digitscope.reading.page import Decimal, Page
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import MapMaker, average_levels, compute_levels
from digitscope.reading.second_pass import (
    CropClassifier,
    DigitClassifier,
    apply_digit_classifier,
    apply_glyph_network,
)

PAGE, GLYPH, DIGIT = "page", "glyph", "cnn"  # names of the pretrained networks of reading


@dataclass(frozen=True)
class Reader:
    """The networks that read.

    Attributes
    ----------
    page : PageNetwork
        Finds glyphs on pages.
    glyph : GlyphNetwork or None
        Classifies doubtful glyphs again, and finds the page orientation; None to leave this out.
    digit : Classifier, another `DigitClassifier`, or None
        Classifies the digits that are doubtful after that; None to leave this out.
    """

    page: PageNetwork
    glyph: GlyphNetwork | None
    digit: DigitClassifier | None = None


@dataclass(frozen=True)
class PretrainedDigits:
    """The pretrained digit classifier, opened when the first digit is in doubt.

    Most pictures do not need it, and opening a network takes as long as reading a small picture.

    Attributes
    ----------
    threads : int
        Threads of one call; 0 lets ONNX Runtime choose.
    """

    threads: int = 0

    def predict_proba(self, images: Images) -> NDArray[np.float32]:
        """Return the probability of each digit, shape (n, 10), as `Classifier.predict_proba`."""
        return _digit(self.threads).predict_proba(images)


def read(
    picture: str | Path | bytes | Image.Image | NDArray[Any],
    *,
    model: Reader | PageNetwork | str | Path | None = None,
    threshold: float | None = None,
    decimal: Decimal = "auto",
) -> Page:
    """Read every number in a picture.

    Parameters
    ----------
    picture : path, bytes, PIL image, or ndarray
        A photo, scan or screenshot; arrays as for `digitscope.image.decode.read_gray`.
    model : Reader, PageNetwork, name or path, optional
        As for `load_reader`; by default the pretrained networks.
    threshold : float, optional
        Minimum probability of a reported digit; by default that of `ReadingParameters`.
    decimal : "auto", "." or ","
        The decimal mark, for `Number.value`; with ``auto`` it is inferred from each number.

    Returns
    -------
    Page
        Without lines and grids if nothing was read.

    Raises
    ------
    BadImage
        When the picture cannot be decoded.
    BadModel
        When the model cannot be opened, or is a classifier of single digits.
    """
    parameters = ReadingParameters()
    if threshold is not None:
        parameters = replace(parameters, threshold=threshold)
    reader = load_reader(model)
    gray = read_gray(picture)
    return read_page(gray, reader.page, parameters, decimal, glyph=reader.glyph, digit=reader.digit)


def load_reader(
    model: Reader | PageNetwork | str | Path | None = None, *, threads: int = 0
) -> Reader:
    """Return the networks that read.

    Parameters
    ----------
    model : Reader, PageNetwork, name or path, optional
        A page network or a glyph network: ``page``, ``glyph``, an ``.onnx`` file, or the folder of
        a run. The other network is the pretrained one. By default both are pretrained.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.

    Raises
    ------
    BadModel
        When there is no such model, or it is neither a page network nor a glyph network.
    """
    if isinstance(model, Reader):
        return model
    if isinstance(model, PageNetwork):
        return Reader(model, _glyph(threads), PretrainedDigits(threads))
    if model is None or str(model) in (PAGE, GLYPH):
        return Reader(_page(threads), _glyph(threads), PretrainedDigits(threads))
    if str(model) in PRETRAINED:
        raise BadModel(
            f"{model} classifies single digits; a page needs a page network: expected {PAGE}, or "
            f"a run of that recipe."
        )
    path = Path(model)
    if not path.exists():
        raise BadModel(
            f"no such model: {model}; expected an .onnx file, the folder of a run, or {PAGE}."
            + did_you_mean(str(model), [PAGE])
        )
    network = open_network(path, threads=threads)
    if isinstance(network, PageNetwork):
        return Reader(network, _glyph(threads), PretrainedDigits(threads))
    return Reader(_page(threads), network, PretrainedDigits(threads))


def open_network(path: Path, *, threads: int = 0) -> PageNetwork | GlyphNetwork:
    """Return the page network or the glyph network in an ``.onnx`` file or the folder of a run.

    Raises
    ------
    BadModel
        When it is neither; the message says what a page network has as input and output.
    """
    file = path / "model.onnx" if path.is_dir() else path
    try:
        return PageNetwork(file, threads=threads)
    except BadModel as refused:
        try:
            return GlyphNetwork(file, threads=threads)
        except BadModel:
            raise refused from None


@functools.cache
def _page(threads: int) -> PageNetwork:
    return PageNetwork(threads=threads)


@functools.cache
def _glyph(threads: int) -> GlyphNetwork:
    return GlyphNetwork(threads=threads)


@functools.cache
def _digit(threads: int) -> Classifier:
    return load(DIGIT, threads=threads)


def read_page(
    gray: Gray,
    network: MapMaker,
    parameters: ReadingParameters,
    decimal: Decimal = "auto",
    *,
    glyph: CropClassifier | None = None,
    digit: DigitClassifier | None = None,
) -> Page:
    """Read every number on a gray page.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        0 = black, 255 = white.
    network : PageNetwork
        Or another object with its method `maps`.
    parameters : ReadingParameters
    decimal : "auto", "." or ","
        The decimal mark, for `Number.value`.
    glyph : GlyphNetwork, optional
        Classifies doubtful glyphs again, and finds the page orientation.
    digit : Classifier, optional
        Classifies the digits that are doubtful after that.
    """
    levels = compute_levels(gray, network, parameters)
    quarters = find_turn(gray, levels, glyph, parameters) if glyph is not None else 0
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        levels = compute_levels(gray, network, parameters)
    glyphs = average_levels(
        merge([level.glyphs for level in levels], parameters), levels, parameters
    )
    if glyph is not None:
        glyphs = apply_glyph_network(gray, glyphs, glyph, parameters)
    if digit is not None:
        glyphs = apply_digit_classifier(gray, glyphs, digit, parameters)
    glyphs = adjust_priors(glyphs, parameters)
    lattices = find_lattices(levels, parameters)
    runs = find_runs(glyphs, parameters, cell_of(glyphs.centre, lattices)[0] >= 0)
    found = Detections(gray, 90 * quarters, glyphs, runs, lattices, decimal)
    return to_page(found, parameters)
