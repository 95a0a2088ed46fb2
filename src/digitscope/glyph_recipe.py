"""What decides the training of the glyph network, beside the pages it learns from."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Self, get_args

from digitscope.errors import Misuse
from digitscope.page_recipe import Precision


@dataclass(frozen=True, kw_only=True)
class GlyphRecipe:
    """Everything that decides a training of the glyph network, beside the source of crops.

    Attributes
    ----------
    name : str
        Under which runs and cards remember it.
    stem : int
        Channels at half the resolution of a crop.
    channels : tuple of int
        Channels at a quarter and an eighth of the resolution.
    blocks : tuple of int
        Residual blocks of two 3×3 convolutions at both.
    hidden : int
        Units of the layer before the classes.
    dropout : float
        Share of its inputs that are silenced in a training step.
    patches : int
        Patches in an epoch. An epoch is the time between two checkpoints; no patch comes twice.
    epochs : int
    batch_size : int
        Patches in a step, from which `crops` are taken.
    crops : int
        Crops in a step.
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
        Held-out patches whose crops judge each epoch.
    seed : int
        Of the initial weights and the patches: patch i of a run depends on (seed, i) alone.
    precision : str
        Of the arithmetic in training: ``float32``, ``bfloat16`` (weights stay float32), or
        ``auto``, which takes bfloat16 where the processor computes with it.

    Examples
    --------
    >>> GLYPH.but(epochs=3).epochs
    3
    """

    name: str = "glyph"
    stem: int = 32
    channels: tuple[int, int] = (48, 96)
    blocks: tuple[int, int] = (1, 1)
    hidden: int = 128
    dropout: float = 0.2
    patches: int = 4_800
    epochs: int = 60
    batch_size: int = 16
    crops: int = 160
    learning_rate: float = 2e-3
    beta_2: float = 0.99
    weight_decay: float = 0.02
    warmup: float = 0.02
    average: float = 0.999
    clip: float = 10.0
    validation: int = 1_000
    seed: int = 0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        for field in ("stem", "hidden", "patches", "epochs", "batch_size", "crops"):
            self._check(field, getattr(self, field) >= 1, "a whole number from 1 up")
        for field, least in (("channels", 1), ("blocks", 0)):
            value = getattr(self, field)
            good = len(value) == 2 and min(value) >= least
            self._check(field, good, f"2 whole numbers from {least} up")
        self._check("learning_rate", 0 < self.learning_rate < float("inf"), "a number above 0")
        self._check("beta_2", 0 < self.beta_2 < 1, "between 0 and 1")
        self._check("clip", self.clip > 0, "a number above 0")
        for field in ("dropout", "weight_decay", "warmup", "average"):
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
        lists = {name: list(getattr(self, name)) for name in ("channels", "blocks")}
        return dataclasses.asdict(self) | lists

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the recipe that `to_dict` wrote."""
        return cls(**fields | {name: tuple(fields[name]) for name in ("channels", "blocks")})


GLYPH = GlyphRecipe()
