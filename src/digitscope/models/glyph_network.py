"""The glyph network: crops of single glyphs in, their classes and page orientation out."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from digitscope.errors import BadImage, BadModel
from digitscope.models.card import MODELS, open_model
from digitscope.models.fusion import Floats, Fusion
from digitscope.models.glyph_classes import CROP, NOTHING

ANSWERS = NOTHING + 1  # the classes and "no glyph"
TURNS = 4
MAX_BATCH = 256  # crops per call of ONNX Runtime, which bounds the memory
FORM = (
    ("crops", "tensor(uint8)", CROP, CROP),
    ("classes", "tensor(float)", ANSWERS),
    ("turns", "tensor(float)", TURNS),
)


class GlyphNetwork:
    """A trained glyph network, read from an ONNX file.

    Parameters
    ----------
    path : path, optional
        An ``.onnx`` file with the input ``crops``, uint8 (n, 32, 32), and the outputs ``classes``,
        float32 (n, 17), and ``turns``, float32 (n, 4), both probabilities. By default the
        pretrained one.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.

    Attributes
    ----------
    path : Path
    card : ModelCard
        The model card in the file.
    fusion : Fusion
        Weights that join its probabilities with those of the page network, from the card.

    Raises
    ------
    BadModel
        When the file is not an ONNX model, or has other inputs or outputs.

    Examples
    --------
    ::

        network = GlyphNetwork()
        crops = cut_crops(gray, glyphs.centre, glyphs.size)
        network.probabilities(crops).argmax(axis=1)  # 0 to 9, signs, other marks, no glyph
    """

    def __init__(self, path: str | Path | None = None, *, threads: int = 0) -> None:
        self.path = Path(path) if path is not None else MODELS / "glyph.onnx"
        self._session, self.card = open_model(self.path, threads=threads, any_size=True)
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        form = tuple((tensor.name, tensor.type, *tensor.shape[1:]) for tensor in tensors)
        if form != FORM:
            raise BadModel(
                f"{self.path} is not a glyph network: expected the input crops uint8 "
                f"(n, {CROP}, {CROP}) and the outputs classes float (n, {ANSWERS}) and turns float "
                f"(n, {TURNS}). Received: {form}."
            )
        try:
            self.fusion = Fusion(**self.card.fusion)
        except TypeError:
            raise BadModel(f"{self.path}: the model card in its metadata is damaged.") from None

    def probabilities(self, crops: NDArray[np.uint8]) -> Floats:
        """Return the probability of each class and of no glyph, shape (n, 17), dtype float32.

        Parameters
        ----------
        crops : ndarray of shape (n, 32, 32), dtype uint8
            From `digitscope.reading.crops.cut_crops`.
        """
        return self._run(crops, "classes", ANSWERS)

    def turns(self, crops: NDArray[np.uint8]) -> Floats:
        """Return the probability of each of the four page orientations, (n, 4), dtype float32.

        Column k is the probability that the page was turned by k quarters counter-clockwise.

        Parameters
        ----------
        crops : ndarray of shape (n, 32, 32), dtype uint8
            From `digitscope.reading.crops.cut_crops`.
        """
        return self._run(crops, "turns", TURNS)

    def _run(self, crops: NDArray[np.uint8], output: str, width: int) -> Floats:
        if crops.dtype != np.uint8 or crops.shape[1:] != (CROP, CROP):
            raise BadImage(
                f"crops must be uint8 of shape (n, {CROP}, {CROP}), from cut_crops. "
                f"Received: {crops.dtype} {crops.shape}."
            )
        parts = [crops[first : first + MAX_BATCH] for first in range(0, len(crops), MAX_BATCH)]
        results = [self._session.run([output], {"crops": part})[0] for part in parts]
        return np.concatenate([np.zeros((0, width), np.float32), *results])

    def classify(self, crops: NDArray[np.uint8], heat: Floats) -> Floats:
        """Return class probabilities that join those of this network and of the page network.

        Parameters
        ----------
        crops : ndarray of shape (n, 32, 32), dtype uint8
        heat : ndarray of shape (n, 16), dtype float32
            Class probabilities of the page network.

        Returns
        -------
        ndarray of shape (n, 16), dtype float32
        """
        return self.fusion.apply(heat, self.probabilities(crops))

    def __repr__(self) -> str:
        return f"GlyphNetwork({str(self.path)!r})"
