"""What decides the training of the page network, beside the pages it learns from."""

from dataclasses import dataclass, field
from typing import Any, Self

from digitscope.recipes.stream_recipe import StreamRecipe


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
class PageRecipe(StreamRecipe):
    """Everything that decides a training of the page network, beside the source of patches.

    Attributes
    ----------
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
    loss : LossWeights
    others
        As of `StreamRecipe`.

    Examples
    --------
    >>> PAGE.but(epochs=3).epochs
    3
    """

    name: str = "page"
    stem: int = 16
    channels: tuple[int, int, int] = (32, 64, 128)
    encoder: tuple[int, int, int] = (1, 4, 4)
    decoder: tuple[int, int] = (1, 1)
    head: int = 96
    patch: int = 224
    patches: int = 8_000
    epochs: int = 30
    learning_rate: float = 2.5e-3
    weight_decay: float = 0.05
    warmup: float = 0.03
    average: float = 0.998
    validation: int = 320
    loss: LossWeights = field(default_factory=LossWeights)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("stem", self.stem >= 1, "a whole number from 1 up")
        self._check_numbers("channels", 3, 1)
        self._check_numbers("encoder", 3, 0)
        self._check_numbers("decoder", 2, 0)
        self._check("head", self.head >= 0, "a whole number from 0 up")
        self._check("patch", self.patch >= 32 and self.patch % 16 == 0, "a multiple of 16, 32 up")

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Return the recipe that `to_dict` wrote."""
        return super().from_dict(fields | {"loss": LossWeights(**fields["loss"])})


PAGE = PageRecipe()
