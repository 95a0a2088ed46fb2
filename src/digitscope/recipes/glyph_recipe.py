"""The recipe of the glyph network: all settings of its training, apart from the pages."""

from dataclasses import dataclass, field

from digitscope.recipes.described import Range, about
from digitscope.recipes.stream_recipe import StreamRecipe


@dataclass(frozen=True, kw_only=True)
class GlyphRecipe(StreamRecipe):
    """All settings of a training of the glyph network, apart from the source of crops.

    ``docs/recipes.md`` lists the fields.

    Examples
    --------
    >>> GLYPH.but(epochs=3).epochs
    3
    """

    name: str = "glyph"
    stem: int = field(
        default=32, metadata=about("channels at half the resolution of a crop", low=1)
    )
    channels: tuple[int, int] = field(
        default=(48, 96),
        metadata=about("channels at a quarter and an eighth of the resolution", low=1),
    )
    blocks: tuple[int, int] = field(
        default=(2, 2),
        metadata=about("residual blocks of two 3×3 convolutions at each of the two", low=0),
    )
    hidden: int = field(default=128, metadata=about("units of the layer before the classes", low=1))
    dropout: float = field(
        default=0.2,
        metadata=about(
            "share of the inputs of that layer that are set to 0 in a step",
            low=0,
            below=1,
            search=Range(0.0, 0.5),
        ),
    )
    crops: int = field(
        default=160,
        metadata=about("crops in a step, taken from its patches", unit="crops", low=1),
    )
    singles: int = field(
        default=224,
        metadata=about(
            "single digits in a step, drawn as for the classifier `cnn`", unit="digits", low=0
        ),
    )
    turn: float = field(
        default=0.5,
        metadata=about("weight of the loss of the turns; that of the classes has 1", low=0),
    )
    patches: int = 4_800
    epochs: int = 60
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: float = 0.02
    average: float = 0.999
    validation: int = 1_000


GLYPH = GlyphRecipe()
