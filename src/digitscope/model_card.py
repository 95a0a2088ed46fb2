"""What a model file says of itself, kept as JSON in the metadata of the ONNX file."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

MODELS = Path(__file__).parent / "models"  # the files that come with digitscope
KEY = "digitscope.card"  # the metadata entry that holds the card


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Where a model comes from and how good it was found to be.

    Attributes
    ----------
    recipe : dict
        The recipe, `Recipe.to_dict`.
    data : dict
        ``name``, ``source``, how many images for what, and ``sha256`` of the image arrays.
    versions : dict
        Of digitscope, Python and the libraries that trained it.
    parameters : int
        Trained weights.
    temperature : float
        T of temperature scaling: calibrated probabilities are softmax(logits / T). 1 if unfitted.
        Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    calibrated_on : int
        How many held-out training images T was fitted on; 0 for none.
    refusal : dict
        Below which ``threshold`` of the score an answer is refused, and what it was chosen for:
        the ``coverage`` of digits it keeps and the share of ``non_digits_kept``. Of a page network
        the confidence of a digit, with ``precision`` and ``recall`` at it among ``n`` digits.
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
    refusal: dict[str, float] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    created: str = ""

    def to_json(self) -> str:
        """Return the card as JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the card that `to_json` wrote; fields it does not know are left out.

        >>> ModelCard.from_json(ModelCard(temperature=1.5).to_json()).temperature
        1.5
        """
        fields = {f.name for f in dataclasses.fields(cls)}
        return cls(**{k: v for k, v in json.loads(text).items() if k in fields})
