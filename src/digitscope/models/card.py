"""Model cards, kept as JSON in the metadata of the ONNX file."""

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from digitscope.errors import BadModel

MODELS = Path(__file__).parent  # folder of the pretrained models
KEY = "digitscope.card"  # the metadata entry that holds the card


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Origin and scores of a model.

    Attributes
    ----------
    recipe : dict
        The recipe, `Recipe.to_dict`.
    data : dict
        ``name``, ``source``, numbers of images, and ``sha256`` of the image arrays.
    versions : dict
        Of digitscope, Python and the libraries that trained it.
    parameters : int
        Number of trained weights.
    temperature : float
        T of temperature scaling: calibrated probabilities are softmax(logits / T). 1 if unfitted.
        Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    calibrated_on : int
        Number of held-out training images on which T was fitted; 0 if it was not fitted.
    calibration : dict
        Of a page network: ``slope`` and ``offset`` that are applied to the logits of its classes,
        fitted on ``n`` digits of held-out pages, and the expected calibration error on them before
        and after.
    fusion : dict
        Of a glyph network: the weights of `Fusion`, fitted on held-out pages.
    quantisation : dict
        Of a network that computes with 8-bit integers: its score on held-out pages with float32 and
        with 8-bit integers. For a page network it is the F1 of digits (``f1_before``,
        ``f1_after``), for a glyph network the accuracy on digits (``accuracy_before``,
        ``accuracy_after``).
    committee : dict
        Of several networks in one file: the number of ``members``; on ``n`` held-out images the
        ``accuracy`` and ``log_loss`` of each member (``alone``) and of the ``first`` one, two,
        three and so on together; ``ms_per_image`` and ``ms_per_image_alone`` on one thread of the
        machine that trained.
    refusal : dict
        The ``threshold`` of the score below which an answer is refused, with the ``coverage`` of
        digits and the share of ``non_digits_kept`` at it. Of a page network: the ``threshold`` of
        the confidence of digits, with ``precision`` and ``recall`` at it among ``n`` digits.
    scores : dict
        On the test images: ``n``, ``accuracy`` with its 95 % ``accuracy_interval``, ``log_loss``,
        ``calibration_error``.
    created : str
        ISO 8601, UTC.
    """

    recipe: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    parameters: int = 0
    temperature: float = 1.0
    calibrated_on: int = 0
    calibration: dict[str, float] = field(default_factory=dict)
    fusion: dict[str, float] = field(default_factory=dict)
    quantisation: dict[str, float] = field(default_factory=dict)
    committee: dict[str, Any] = field(default_factory=dict)
    refusal: dict[str, float] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    created: str = ""

    def to_json(self) -> str:
        """Return the card as JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the card that `to_json` wrote; unknown fields are ignored.

        >>> ModelCard.from_json(ModelCard(temperature=1.5).to_json()).temperature
        1.5
        """
        fields = {f.name for f in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in json.loads(text).items() if k in fields})


def open_model(path: Path, *, threads: int = 0, any_size: bool = False) -> tuple[Any, ModelCard]:
    """Return the ONNX Runtime session of a model file, and its card.

    Parameters
    ----------
    path : path
        An ``.onnx`` file.
    threads : int, optional
        Threads of one call; 0 lets ONNX Runtime choose.
    any_size : bool, optional
        Whether inputs have different sizes; then no memory plan is kept for each size.

    Raises
    ------
    BadModel
        When there is no such file, it is not an ONNX model, or its card is damaged.
    """
    # ONNX Runtime may send telemetry; this must be switched off before it is imported.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    if not path.is_file():
        raise BadModel(f"no such model file: {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors are raised; the log would repeat them
    options.enable_mem_pattern = not any_size
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # ONNX Runtime's errors share no base class
        reason = " ".join(str(error).rsplit(" : ", 1)[-1].split())[:200]
        raise BadModel(f"{path} is not an ONNX model ({reason})") from None
    metadata = session.get_modelmeta().custom_metadata_map
    try:
        card = ModelCard.from_json(metadata[KEY]) if KEY in metadata else ModelCard()
        if not 0 < card.temperature < float("inf"):
            raise ValueError("temperature must be above 0")
    except (ValueError, TypeError, AttributeError):
        raise BadModel(f"{path}: the model card in its metadata is damaged.") from None
    return session, card
