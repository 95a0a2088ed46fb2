"""What the recipes of both networks that learn from drawn pages have in common."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from digitscope.recipes.described import Choice, Range, about, check

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class StreamRecipe:
    """Length and optimizer of a training on patches that are drawn again in every step.

    An epoch is the time between two checkpoints; no patch comes twice. Patch i of a run depends on
    (seed, i) alone. ``docs/recipes.md`` lists the fields.
    """

    name: str = field(metadata=about("name of the recipe, stored in runs and cards"))
    patches: int = field(metadata=about("drawn patches in an epoch", unit="patches", low=1))
    epochs: int = field(metadata=about("epochs, each with new patches", low=1))
    batch_size: int = field(default=16, metadata=about("patches in a step", unit="patches", low=1))
    learning_rate: float = field(
        metadata=about(
            "peak of AdamW's learning rate",
            above=0,
            below=math.inf,
            search=Range(2e-4, 5e-3, log=True),
        )
    )
    beta_2: float = field(
        default=0.99,
        metadata=about(
            "decay of AdamW's running mean of squared gradients",
            above=0,
            below=1,
            search=Choice((0.95, 0.98, 0.99, 0.999)),
        ),
    )
    weight_decay: float = field(  # Loshchilov and Hutter, ICLR 2019
        metadata=about("decoupled weight decay", low=0, below=1, search=Range(1e-3, 0.1, log=True))
    )
    warmup: float = field(
        metadata=about(
            "share of the steps over which the rate rises from 0 to its peak; then it follows "
            "a cosine to 0",
            low=0,
            below=1,
            search=Range(0.0, 0.2),
        )
    )
    average: float = field(
        metadata=about(
            "decay per step of the moving average of weights and batch statistics that becomes "
            "the model",
            low=0,
            below=1,
            search=Choice((0.99, 0.998, 0.999)),
        )
    )
    clip: float = field(
        default=10.0,
        metadata=about("largest norm of the gradient; larger ones are scaled down to it", above=0),
    )
    validation: int = field(
        metadata=about("held-out patches on which each epoch is evaluated", unit="patches", low=0)
    )
    seed: int = field(
        default=0,
        metadata=about("seed of the initial weights and the patches", low=0, high=2**31 - 1),
    )
    precision: Precision = field(
        default="auto",
        metadata=about(
            "arithmetic of the training; weights stay float32; auto uses bfloat16 if the "
            "processor supports it"
        ),
    )

    def __post_init__(self) -> None:
        check(self)

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
