"""What decides the training of the page network, beside the pages it learns from."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from digitscope.errors import Misuse

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How much each part of the loss counts.

    Attributes
    ----------
    heat : float
        Focal loss of the class maps, per glyph.
    size, offset, next : float
        Absolute error of ln(width), ln(height); of the centre in cells; of the step to the next
        glyph in units of 16 pixels. Per glyph.
    link, raised : float
        Cross-entropy of the links to the next and the previous glyph, and of superscripts. Per
        glyph.
    ruling : float
        Cross-entropy of ruling lines, per cell.
    crossing : float
        Focal loss of the crossings of ruling lines, per crossing.
    on_line : float
        What a cell on a ruling line counts, against 1 for a cell beside it.
    """

    heat: float = 1.0
    size: float = 0.5
    offset: float = 0.5
    next: float = 0.2
    link: float = 0.5
    raised: float = 0.2
    ruling: float = 1.0
    crossing: float = 0.2
    on_line: float = 4.0


@dataclass(frozen=True, kw_only=True)
class PageRecipe:
    """Everything that decides a training of the page network, beside the source of patches.

    Attributes
    ----------
    name : str
        Under which runs and cards remember it.
    stem : int
        Channels at half the resolution of the picture.
    channels : tuple of int
        Channels at a quarter, an eighth and a sixteenth of the resolution.
    encoder : tuple of int
        Residual blocks of two 3×3 convolutions at each of the three, on the way down.
    decoder : tuple of int
        Residual blocks at a quarter and an eighth, on the way up.
    head : int
        Channels of the 3×3 convolution before the maps, at a quarter of the resolution; 0 for none.
    patch : int
        Side of a training patch, in pixels; a multiple of 16.
    patches : int
        Patches in an epoch. An epoch is the time between two checkpoints; no patch comes twice.
    epochs : int
    batch_size : int
        Patches in a step.
    learning_rate : float
        Peak of the rate of AdamW.
    beta_2 : float
        Decay of AdamW's running mean of squared gradients.
    weight_decay : float
        Decoupled. Loshchilov and Hutter, ICLR 2019.
    warmup : float
        Share of all steps over which the rate rises from 0 to its peak; then it falls to 0 as a
        cosine.
    average : float
        Decay per step of the exponential moving average of weights and batch statistics that
        becomes the model.
    clip : float
        Largest norm of the gradient; longer ones are shortened to it.
    validation : int
        Patches on which each epoch is judged.
    seed : int
        Of the initial weights and the patches: patch i of a run depends on (seed, i) alone.
    precision : str
        Of the arithmetic in training: ``float32``, ``bfloat16`` (weights stay float32), or
        ``auto``, which takes bfloat16 where the processor computes with it.
    loss : LossWeights

    Examples
    --------
    >>> PAGE.but(epochs=3).epochs
    3
    """

    name: str = "page"
    stem: int = 16
    channels: tuple[int, int, int] = (32, 64, 128)
    encoder: tuple[int, int, int] = (1, 2, 2)
    decoder: tuple[int, int] = (1, 1)
    head: int = 96
    patch: int = 224
    patches: int = 8_000
    epochs: int = 30
    batch_size: int = 16
    learning_rate: float = 2.5e-3
    beta_2: float = 0.99
    weight_decay: float = 0.05
    warmup: float = 0.03
    average: float = 0.998
    clip: float = 10.0
    validation: int = 320
    seed: int = 0
    precision: Precision = "auto"
    loss: LossWeights = dataclasses.field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        for field in ("stem", "patches", "epochs", "batch_size"):
            self._check(field, getattr(self, field) >= 1, "a whole number from 1 up")
        for field, size, least in (("channels", 3, 1), ("encoder", 3, 0), ("decoder", 2, 0)):
            value = getattr(self, field)
            good = len(value) == size and min(value) >= least
            self._check(field, good, f"{size} whole numbers from {least} up")
        self._check("head", self.head >= 0, "a whole number from 0 up")
        self._check("patch", self.patch >= 32 and self.patch % 16 == 0, "a multiple of 16, 32 up")
        self._check("learning_rate", 0 < self.learning_rate < float("inf"), "a number above 0")
        self._check("beta_2", 0 < self.beta_2 < 1, "between 0 and 1")
        self._check("clip", self.clip > 0, "a number above 0")
        for field in ("weight_decay", "warmup", "average"):
            self._check(field, 0 <= getattr(self, field) < 1, "at least 0 and below 1")
        self._check("validation", self.validation >= 0, "a number of patches, 0 for none")
        self._check("seed", 0 <= self.seed < 2**31, "0 to 2147483647")
        choices = get_args(Precision)
        self._check("precision", self.precision in choices, f"one of {', '.join(choices)}")

    def _check(self, field: str, good: bool, wanted: str) -> None:
        if not good:
            raise Misuse(f"{field} must be {wanted}. Received: {getattr(self, field)!r}.")

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-self.patches // self.batch_size)

    def but(self, **changes: Any) -> Self:
        """Return this recipe with some fields changed; None leaves a field as it is."""
        return dataclasses.replace(self, **{k: v for k, v in changes.items() if v is not None})

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON types."""
        lists = {name: list(getattr(self, name)) for name in ("channels", "encoder", "decoder")}
        return dataclasses.asdict(self) | lists

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the recipe that `to_dict` wrote."""
        tuples = {name: tuple(fields[name]) for name in ("channels", "encoder", "decoder")}
        return cls(**fields | tuples | {"loss": LossWeights(**fields["loss"])})


PAGE = PageRecipe()
