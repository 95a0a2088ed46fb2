"""The page network: a gray picture of any size in, maps of glyphs and ruling lines out."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadImage, BadModel, one_line
from digitscope.models.card import MODELS, open_model
from digitscope.models.glyph_classes import MAPS, STRIDE

MULTIPLE = 16  # pixels; sides of the input are multiples of it: the network halves it four times
PAPER = 128  # gray level of the padding, that of paper after `normalise_contrast`
TILE = 1_024  # pixels; side of the tiles of a large picture, a multiple of 16
MARGIN = 160  # pixels computed around a tile and dropped, a multiple of 16
MAX_UNTILED = 2_000_000  # pixels; a larger picture is computed in tiles, to bound the memory


class PageNetwork:
    """A trained page network, read from an ONNX file.

    Parameters
    ----------
    path : path, optional
        An ``.onnx`` file with the input ``images``, uint8 (n, H, W), and the output ``maps``,
        float32 (n, 28, H/4, W/4). By default the pretrained one.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.

    Attributes
    ----------
    path : Path
    card : ModelCard
        The model card in the file.

    Raises
    ------
    BadModel
        When the file is not an ONNX model, or has other inputs or outputs.

    Examples
    --------
    ::

        network = PageNetwork("runs/page-1/model.onnx")
        maps = network.maps(normalise_contrast(gray))
        maps[HEAT].max(axis=0)  # probability of a glyph in each cell of 4×4 pixels
    """

    def __init__(self, path: str | Path | None = None, *, threads: int = 0) -> None:
        self.path = Path(path) if path is not None else MODELS / "page.onnx"
        self._session, self.card = open_model(self.path, threads=threads, any_size=True)
        self._check_form()

    def _check_form(self) -> None:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        good = len(inputs) == len(outputs) == 1
        good = good and (inputs[0].type, len(inputs[0].shape)) == ("tensor(uint8)", 3)
        good = good and (outputs[0].type, len(outputs[0].shape)) == ("tensor(float)", 4)
        if not good or outputs[0].shape[1] != MAPS:
            received = ", ".join(f"{g.name} {g.type} {g.shape}" for g in (*inputs, *outputs))
            raise BadModel(
                f"{self.path} is not a page network: expected one input uint8 (n, H, W) and one "
                f"output float (n, {MAPS}, H/4, W/4). Received: {received}."
            )

    def maps(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the maps of a picture.

        Parameters
        ----------
        image : ndarray of shape (H, W), dtype uint8
            From `normalise_contrast`.

        Returns
        -------
        ndarray of shape (28, ceil(H / 4), ceil(W / 4)), dtype float32
            In the order of `models.glyph_classes`; the maps of `HEAT`, `LINK`, `RAISED` and
            `RULING` are probabilities.

        Raises
        ------
        BadImage
            For any other type, dtype or shape.
        """
        if not (isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.ndim == 2):
            received = getattr(image, "dtype", type(image).__name__), np.shape(image)
            raise BadImage(
                f"image must be uint8 of shape (H, W), from normalise_contrast. "
                f"Received: {received[0]} {received[1]}."
            )
        if not image.size:
            raise BadImage(f"image must have at least one pixel. Received: {image.shape}.")
        if image.size <= MAX_UNTILED:
            return self._run(image)
        height, width = image.shape
        result = np.empty((MAPS, -(-height // STRIDE), -(-width // STRIDE)), np.float32)
        for top in range(0, height, TILE):
            for left in range(0, width, TILE):
                rows, above = _tile_with_margin(top, height)
                columns, beside = _tile_with_margin(left, width)
                part = self._run(image[rows, columns])[:, above:, beside:]
                cells = part[:, : TILE // STRIDE, : TILE // STRIDE]
                y, x = top // STRIDE, left // STRIDE
                result[:, y : y + cells.shape[1], x : x + cells.shape[2]] = cells
        return result

    def _run(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        height, width = image.shape
        padding = [(0, -side % MULTIPLE) for side in image.shape]
        padded = np.pad(image, padding, constant_values=PAPER)
        try:
            maps = self._session.run(None, {"images": padded[None]})[0][0]
        except Exception as error:  # ONNX Runtime's errors share no base class
            raise BadModel(f"{self.path} cannot be computed: {one_line(error)}") from None
        cut: NDArray[np.float32] = maps[:, : -(-height // STRIDE), : -(-width // STRIDE)]
        return cut

    def __repr__(self) -> str:
        return f"PageNetwork({str(self.path)!r})"


def _tile_with_margin(first: int, end: int) -> tuple[slice, int]:
    """Return the pixels to compute for the tile at `first`, and the cells of its first margin."""
    begin = max(first - MARGIN, 0)
    return slice(begin, min(first + TILE + MARGIN, end)), (first - begin) // STRIDE
