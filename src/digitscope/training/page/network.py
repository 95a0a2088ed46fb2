"""The page network: from a picture to `glyph_classes.MAPS` values for each 4×4 pixels.

A small encoder and decoder with residual blocks (He et al., CVPR 2016) at a quarter, an eighth and
a sixteenth of the resolution, and additions across (Lin et al., "Feature Pyramid Networks", CVPR
2017). The maps are those of Zhou, Wang and Krähenbühl, "Objects as Points", 2019.

::

    (n, H, W) uint8 -> 2×2 pixels as 4 channels -> stem ────────────────────────── H/2
        -> blocks ──────────────────────── + -> blocks -> maps (n, H/4, W/4, 28)   H/4
            -> blocks ──────── + -> blocks ┘                                       H/8
                -> blocks ─────┘                                                   H/16
"""

import keras
import numpy as np

from digitscope.models.glyph_classes import HEAT, MAPS, RULING
from digitscope.recipes.page_recipe import PageRecipe
from digitscope.training.layers import FoldPixels, LayerBuilder

PRIOR = 0.01  # probability of each class in each cell by the untrained network
MIDDLE, SPREAD = 128.0, 32.0  # gray levels of local mean and deviation after `normalise_contrast`
FIRST = 0.05  # factor of the initial weights of the last layer, so that its bias dominates


def build_page_network(recipe: PageRecipe, policy: str = "float32") -> keras.Model:
    """Return the untrained network of a recipe.

    Parameters
    ----------
    recipe : PageRecipe
    policy : str
        Keras's dtype policy: ``float32`` or ``mixed_bfloat16``. The initial weights are the same
        float32 values for both.

    Returns
    -------
    keras.Model
        Input: uint8 (n, H, W) from `normalise_contrast`, with H and W multiples of 16. Output:
        (n, H/4, W/4, 28), the maps of `digitscope.models.glyph_classes`, as logits where they are
        probabilities; float32, or bfloat16 with the mixed policy.
    """
    make = LayerBuilder(recipe.seed, policy)
    quarter, eighth, sixteenth = recipe.channels
    images = keras.Input((None, None), dtype="uint8", name="images")
    x = FoldPixels(dtype="uint8", name="fold")(images)
    x = keras.layers.Rescaling(1 / SPREAD, -MIDDLE / SPREAD, dtype=policy, name="scale")(x)
    x = make.layer(x, recipe.stem, "stem")
    x = make.layer(x, quarter, "quarter", stride=2)
    fine = x = make.blocks(x, quarter, recipe.encoder[0], "quarter")
    x = make.layer(x, eighth, "eighth", stride=2)
    middle = x = make.blocks(x, eighth, recipe.encoder[1], "eighth")
    x = make.layer(x, sixteenth, "sixteenth", stride=2)
    x = make.blocks(x, sixteenth, recipe.encoder[2], "sixteenth")
    x = make.up(x, middle, eighth, "up_eighth")
    x = make.blocks(x, eighth, recipe.decoder[1], "decoder_eighth")
    x = make.up(x, fine, quarter, "up_quarter")
    x = make.blocks(x, quarter, recipe.decoder[0], "decoder_quarter")
    if recipe.head:
        x = make.layer(x, recipe.head, "before_head")
    x = make.convolution(x, MAPS, 1, "head", use_bias=True)
    model = keras.Model(images, x, name="page")
    bias = np.zeros(MAPS, np.float32)
    bias[HEAT] = bias[RULING] = -np.log((1 - PRIOR) / PRIOR)
    head = model.get_layer("head")
    head.bias.assign(bias)
    head.kernel.assign(head.kernel.value * FIRST)
    return model
