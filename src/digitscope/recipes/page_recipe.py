"""The recipe of the page network: all settings of its training, apart from the pages."""

from dataclasses import dataclass, field
from typing import Any, Self

from digitscope.errors import Misuse
from digitscope.recipes.described import about, check
from digitscope.recipes.stream_recipe import StreamRecipe


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """How much each part of the loss counts. ``docs/recipes.md`` lists the fields."""

    heat: float = field(
        default=1.0, metadata=about("focal loss of the class maps, per glyph", low=0)
    )
    size: float = field(
        default=0.5,
        metadata=about("absolute error of ln(width) and ln(height), per glyph", low=0),
    )
    offset: float = field(
        default=0.5,
        metadata=about("absolute error of the centre in cells, per glyph", low=0),
    )
    next: float = field(
        default=0.2,
        metadata=about(
            "absolute error of the step to the next glyph in units of 16 pixels, per glyph", low=0
        ),
    )
    link: float = field(
        default=0.5,
        metadata=about(
            "cross-entropy of the links to the next and the previous glyph, per glyph", low=0
        ),
    )
    raised: float = field(
        default=0.2, metadata=about("cross-entropy of superscripts, per glyph", low=0)
    )
    ruling: float = field(
        default=1.0, metadata=about("cross-entropy of ruling lines, per cell", low=0)
    )
    crossing: float = field(
        default=0.2,
        metadata=about("focal loss of the crossings of ruling lines, per crossing", low=0),
    )
    on_line: float = field(
        default=4.0,
        metadata=about("weight of a cell on a ruling line; a cell beside it has 1", low=0),
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class PageRecipe(StreamRecipe):
    """All settings of a training of the page network, apart from the source of patches.

    ``docs/recipes.md`` lists the fields.

    Examples
    --------
    >>> PAGE.but(epochs=3).epochs
    3
    """

    name: str = "page"
    stem: int = field(
        default=16, metadata=about("channels at half the resolution of the picture", low=1)
    )
    channels: tuple[int, int, int] = field(
        default=(32, 64, 128),
        metadata=about("channels at a quarter, an eighth and a sixteenth of the resolution", low=1),
    )
    encoder: tuple[int, int, int] = field(
        default=(1, 4, 4),
        metadata=about(
            "residual blocks of two 3×3 convolutions at each of the three, on the way down", low=0
        ),
    )
    decoder: tuple[int, int] = field(
        default=(1, 1),
        metadata=about("residual blocks at a quarter and an eighth, on the way up", low=0),
    )
    head: int = field(
        default=96,
        metadata=about(
            "channels of the 3×3 convolution before the maps, at a quarter of the resolution; 0 "
            "for none",
            low=0,
        ),
    )
    patch: int = field(
        default=224,
        metadata=about("side of a training patch, a multiple of 16", unit="pixels", low=32),
    )
    patches: int = 8_000
    epochs: int = 30
    learning_rate: float = 2.5e-3
    weight_decay: float = 0.05
    warmup: float = 0.03
    average: float = 0.998
    validation: int = 320
    loss: LossWeights = field(
        default_factory=LossWeights, metadata=about("weights of the parts of the loss")
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.patch % 16:
            raise Misuse(f"patch must be a multiple of 16. Received: {self.patch}.")

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the recipe that `to_dict` wrote."""
        return super().from_dict(fields | {"loss": LossWeights(**fields["loss"])})


PAGE = PageRecipe()
