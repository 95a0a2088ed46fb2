"""What the recipes of both networks that learn from drawn pages have in common."""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from digitscope.errors import Misuse

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class StreamRecipe:
    """How long and how fast a network learns from patches that are drawn anew in every step.

    Attributes
    ----------
    name : str
        Under which runs and cards remember it.
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
        Held-out patches on which each epoch is judged.
    seed : int
        Of the initial weights and the patches: patch i of a run depends on (seed, i) alone.
    precision : str
        Of the arithmetic in training: ``float32``, ``bfloat16`` (weights stay float32), or
        ``auto``, which takes bfloat16 where the processor computes with it.
    """

    name: str
    patches: int
    epochs: int
    batch_size: int = 16
    learning_rate: float
    beta_2: float = 0.99
    weight_decay: float
    warmup: float
    average: float
    clip: float = 10.0
    validation: int
    seed: int = 0
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        for field in ("patches", "epochs", "batch_size"):
            self._check(field, getattr(self, field) >= 1, "a whole number from 1 up")
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

    def _check_numbers(self, field: str, n: int, least: int) -> None:
        """Refuse a field that does not hold n whole numbers, none smaller than the least."""
        value = getattr(self, field)
        good = len(value) == n and min(value) >= least
        self._check(field, good, f"{n} whole numbers from {least} up")

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return -(-self.patches // self.batch_size)

    def but(self, **changes: Any) -> Self:
        """Return this recipe with some fields changed; None leaves a field as it is."""
        return dataclasses.replace(self, **{k: v for k, v in changes.items() if v is not None})

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as plain JSON types."""
        fields = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the recipe that `to_dict` wrote."""
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()
        }
        return cls(**values)
