"""Keras network, optimizer and learning rate schedule of a recipe."""

from collections.abc import Iterator

import keras
import numpy as np

from digitscope.image.digit import SIDE
from digitscope.recipes import Recipe


def build_network(recipe: Recipe) -> keras.Sequential:
    """Return the untrained network of a recipe.

    uint8 (batch, 28, 28) -> ÷255 -> convolutions -> flat -> hidden layers -> (batch, 10)
    probabilities, or (batch, 11) with "no digit" as the last. The recipe seeds all randomness;
    global seeds are not used.
    """
    seeds = (int(s) for s in np.random.default_rng(recipe.seed).integers(0, 2**31, 1_000))
    layers: list[keras.Layer] = [
        keras.Input((SIDE, SIDE), dtype="uint8", name="images"),
        keras.layers.Rescaling(1 / 255, name="scale"),
        *_convolutions(recipe, seeds),
        keras.layers.Flatten(name="flatten"),
    ]
    for number, units in enumerate(recipe.hidden, start=1):
        layers.append(
            keras.layers.Dense(
                units,
                recipe.activation,
                kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
                name=f"hidden_{number}",
            )
        )
        if recipe.dropout:
            dropout = keras.layers.Dropout(
                recipe.dropout, seed=next(seeds), name=f"dropout_{number}"
            )
            layers.append(dropout)
    layers.append(
        keras.layers.Dense(
            recipe.answers,
            "softmax",
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
            name="digits",
        )
    )
    return keras.Sequential(layers, name="digitscope")


def _convolutions(recipe: Recipe, seeds: Iterator[int]) -> Iterator[keras.Layer]:
    if not recipe.filters:
        return
    yield keras.layers.Reshape((SIDE, SIDE, 1), name="plane")
    for number, (before, filters) in enumerate(
        zip((recipe.filters[0], *recipe.filters), recipe.filters, strict=False), start=1
    ):
        stem = recipe.stem if number == 1 else 0
        yield keras.layers.Conv2D(
            filters,
            stem or 3,
            strides=2 if stem or filters > before else 1,
            padding="same",
            use_bias=False,  # the normalization has a bias
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            name=f"convolution_{number}",
        )
        yield keras.layers.BatchNormalization(momentum=0.9, name=f"normalization_{number}")
        yield keras.layers.Activation(recipe.activation, name=f"activation_{number}")


def build_optimizer(recipe: Recipe) -> keras.Optimizer:
    """Return the optimizer of a recipe, with the peak learning rate."""
    average = {"use_ema": True, "ema_momentum": recipe.average} if recipe.average else {}
    match recipe.optimizer:
        case "adam":
            return keras.optimizers.Adam(recipe.learning_rate, beta_2=recipe.beta_2, **average)
        case "adamw":
            return keras.optimizers.AdamW(
                recipe.learning_rate, recipe.weight_decay, beta_2=recipe.beta_2, **average
            )
        case "sgd":
            return keras.optimizers.SGD(recipe.learning_rate, **average)
        case "momentum":
            return keras.optimizers.SGD(recipe.learning_rate, momentum=0.9, **average)
        case "rmsprop":
            return keras.optimizers.RMSprop(recipe.learning_rate, **average)


def rate_factors(recipe: Recipe, steps: int) -> np.ndarray:
    """Return the factor of the peak learning rate in each of `steps` steps, float32 (steps,)."""
    step = np.arange(1, steps + 1, dtype=np.float64)
    warmup = round(recipe.warmup * steps)
    rise = np.minimum(step / max(warmup, 1), 1)
    left = np.clip(
        (steps - step + 1) / max(steps - warmup, 1), 0, 1
    )  # from 1 after the warmup to 0
    match recipe.schedule:
        case "constant":
            factors = rise
        case "linear":
            factors = np.minimum(rise, left)
        case "cosine":
            factors = np.minimum(rise, (1 - np.cos(np.pi * left)) / 2)
    return factors.astype(np.float32)
