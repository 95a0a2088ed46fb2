"""The glyph network: from the crop of a glyph to the logits of its classes and of its turn.

::

    (n, 32, 32) uint8 -> 2×2 pixels as 4 channels -> stem          16×16
        -> blocks                                                    8×8
            -> blocks                                                4×4
                -> hidden layer -> logits (n, 17 + 4)
"""

import keras

from digitscope.models.glyph_classes import CROP
from digitscope.models.glyph_network import ANSWERS, TURNS
from digitscope.reading.crops import CROP_MEAN, CROP_STD
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.training.layers import FoldPixels, LayerBuilder


def build_glyph_network(recipe: GlyphRecipe, policy: str = "float32") -> keras.Model:
    """Return the untrained network of a recipe.

    Parameters
    ----------
    recipe : GlyphRecipe
    policy : str
        Keras's dtype policy: ``float32`` or ``mixed_bfloat16``. The initial weights are the same
        float32 values for both.

    Returns
    -------
    keras.Model
        Input: uint8 (n, 32, 32) from `cut_crops`. Output: logits (n, 21), float32: those of the 17
        classes, then those of the four turns.
    """
    make = LayerBuilder(recipe.seed, policy)
    quarter, eighth = recipe.channels
    crops = keras.Input((CROP, CROP), dtype="uint8", name="crops")
    x = FoldPixels(dtype="uint8", name="fold")(crops)
    x = keras.layers.Rescaling(1 / CROP_STD, -CROP_MEAN / CROP_STD, dtype=policy, name="scale")(x)
    x = make.layer(x, recipe.stem, "stem")
    x = make.layer(x, quarter, "quarter", stride=2)
    x = make.blocks(x, quarter, recipe.blocks[0], "quarter")
    x = make.layer(x, eighth, "eighth", stride=2)
    x = make.blocks(x, eighth, recipe.blocks[1], "eighth")
    x = keras.layers.Flatten(dtype=policy, name="flatten")(x)
    if recipe.dropout:
        dropout = keras.layers.Dropout(recipe.dropout, seed=recipe.seed, name="dropout")
        x = dropout(x)
    x = make.dense(x, recipe.hidden, "hidden", activation="relu")
    x = make.dense(x, ANSWERS + TURNS, "answers", policy="float32")
    return keras.Model(crops, x, name="glyph")
