"""What decides the training of the glyph network, beside the pages it learns from."""

from dataclasses import dataclass

from digitscope.recipes.stream_recipe import StreamRecipe


@dataclass(frozen=True, kw_only=True)
class GlyphRecipe(StreamRecipe):
    """Everything that decides a training of the glyph network, beside the source of crops.

    Attributes
    ----------
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
    crops : int
        Crops in a step, taken from its patches.
    singles : int
        Single digits in a step, drawn as `cnn` learns them.
    turn : float
        How much the loss of the turns counts, against that of the classes.
    others
        As of `StreamRecipe`.

    Examples
    --------
    >>> GLYPH.but(epochs=3).epochs
    3
    """

    name: str = "glyph"
    stem: int = 32
    channels: tuple[int, int] = (48, 96)
    blocks: tuple[int, int] = (2, 2)
    hidden: int = 128
    dropout: float = 0.2
    crops: int = 160
    singles: int = 224
    turn: float = 0.5
    patches: int = 4_800
    epochs: int = 60
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: float = 0.02
    average: float = 0.999
    validation: int = 1_000

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in ("stem", "hidden", "crops"):
            self._check(field, getattr(self, field) >= 1, "a whole number from 1 up")
        self._check("singles", self.singles >= 0, "a whole number from 0 up")
        self._check_numbers("channels", 2, 1)
        self._check_numbers("blocks", 2, 0)
        self._check("turn", self.turn >= 0, "at least 0")
        self._check("dropout", 0 <= self.dropout < 1, "at least 0 and below 1")


GLYPH = GlyphRecipe()
