"""Read a picture with the page network.

::

    picture -> gray -> scales -> maps -> glyphs -> more looks -> numbers -> lines and grids -> Page
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
from digitscope.reading.assembly import Writing, to_page
from digitscope.reading.glyphs import merge
from digitscope.reading.grids import cell_of, find_lattices
from digitscope.reading.neighbours import weigh_neighbours
from digitscope.reading.numbers import find_runs
from digitscope.reading.orientation import find_turn
from digitscope.reading.page import Decimal, Page
from digitscope.reading.parameters import ReadingParameters
from digitscope.reading.scales import MapMaker, confirm, look_at_all
from digitscope.reading.second_look import DigitLooker, GlyphLooker, look_again, look_at_digits

PAGE, GLYPH, DIGIT = "page", "glyph", "cnn"  # the networks that come with digitscope and read


@dataclass(frozen=True)
class Reader:
    """The networks that read.

    Attributes
    ----------
    page : PageNetwork
        Finds glyphs on pages.
    glyph : GlyphNetwork or None
        Has a second look at doubtful ones; None for no second look.
    digit : Classifier, another `DigitLooker`, or None
        Has a third look at what is still in doubt; None for no third look.
    """

    page: PageNetwork
    glyph: GlyphNetwork | None
    digit: DigitLooker | None = None


@dataclass(frozen=True)
class PretrainedDigits:
    """The classifier that comes with digitscope, opened when the first digit is in doubt.

    Most pictures need no third look, and opening a network takes as long as reading a small one.

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
        A photo, scan or screenshot; arrays as `digitscope.image.decode.read_gray` takes them.
    model : Reader, PageNetwork, name or path, optional
        As for `load_reader`; the pretrained networks, unless given.
    threshold : float, optional
        The probability below which a digit is refused; that of `ReadingParameters` unless given.
    decimal : "auto", "." or ","
        The decimal mark, for `Number.value`; with ``auto`` the marks of a number must tell.

    Returns
    -------
    Page
        Empty lines and grids where there is nothing to read.

    Raises
    ------
    BadImage
        When it cannot be decoded.
    BadModel
        When the model is none, or one of single digits.
    """
    parameters = ReadingParameters()
    if threshold is not None:
        parameters = replace(parameters, threshold=threshold)
    reader = load_reader(model)
    gray = read_gray(picture)
    return read_page(
        gray, reader.page, parameters, decimal, second=reader.glyph, third=reader.digit
    )


def load_reader(
    model: Reader | PageNetwork | str | Path | None = None, *, threads: int = 0
) -> Reader:
    """Return the networks that read.

    Parameters
    ----------
    model : Reader, PageNetwork, name or path, optional
        A page network or a glyph network: ``page``, ``glyph``, an ``.onnx`` file, or the folder of
        a run. The other of the two is the pretrained one. Both are, unless given.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.

    Raises
    ------
    BadModel
        When there is no such model, or it is of another form.
    """
    if isinstance(model, Reader):
        return model
    if isinstance(model, PageNetwork):
        return Reader(model, _glyph(threads), PretrainedDigits(threads))
    if model is None or str(model) in (PAGE, GLYPH):
        return Reader(_page(threads), _glyph(threads), PretrainedDigits(threads))
    if str(model) in PRETRAINED:
        raise BadModel(
            f"{model} is a model of single digits, and pages are read by a page network: the "
            f"model {PAGE}, or a run of that recipe."
        )
    path = Path(model)
    if not path.exists():
        raise BadModel(
            f"no such model: {model}; expected an .onnx file, a run's folder, or {PAGE}."
            + did_you_mean(str(model), [PAGE])
        )
    network = open_network(path, threads=threads)
    if isinstance(network, PageNetwork):
        return Reader(network, _glyph(threads), PretrainedDigits(threads))
    return Reader(_page(threads), network, PretrainedDigits(threads))


def open_network(path: Path, *, threads: int = 0) -> PageNetwork | GlyphNetwork:
    """Return the page network or the glyph network in an ``.onnx`` file or the folder of a run.

    `BadModel` when it is neither; the message says what a page network would have to be.
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
    second: GlyphLooker | None = None,
    third: DigitLooker | None = None,
) -> Page:
    """Return what is written on a gray page.

    Parameters
    ----------
    gray : ndarray of shape (height, width), dtype uint8
        0 = black, 255 = white.
    network : PageNetwork
        Or anything else with its method `maps`.
    parameters : ReadingParameters
    decimal : "auto", "." or ","
        The decimal mark, for `Number.value`.
    second : GlyphNetwork, optional
        Has a second look at doubtful glyphs, and tells which way up the page is.
    third : Classifier, optional
        Has a third look at digits that are still in doubt.
    """
    levels = look_at_all(gray, network, parameters)
    quarters = find_turn(gray, levels, second, parameters) if second is not None else 0
    if quarters:
        gray = np.ascontiguousarray(np.rot90(gray, quarters))
        levels = look_at_all(gray, network, parameters)
    glyphs = confirm(merge([level.glyphs for level in levels], parameters), levels, parameters)
    if second is not None:
        glyphs = look_again(gray, glyphs, second, parameters)
    if third is not None:
        glyphs = look_at_digits(gray, glyphs, third, parameters)
    glyphs = weigh_neighbours(glyphs, parameters)
    lattices = find_lattices(levels, parameters)
    runs = find_runs(glyphs, parameters, cell_of(glyphs.centre, lattices)[0] >= 0)
    writing = Writing(gray, 90 * quarters, glyphs, runs, lattices, decimal)
    return to_page(writing, parameters)
