"""One step of the training of the page network, compiled by TensorFlow."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from digitscope.errors import Misuse
from digitscope.page_recipe import PageRecipe
from digitscope.training.page.loss import Losses, page_loss
from digitscope.training.stream_fit import follow

# (images, targets by name, learning rate) -> the parts of the loss
Step = Callable[[Any, dict[str, Any], float], np.ndarray]


def compile_step(
    model: keras.Model,
    optimizer: keras.Optimizer,
    averages: list[keras.Variable],
    recipe: PageRecipe,
) -> Step:
    """Return a function that trains `model` by one batch; the first call compiles it.

    Loss and its gradient by the maps are one graph that XLA fuses; the network is computed by
    TensorFlow's own kernels, which for convolutions are several times as fast.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.Optimizer
    averages : list of keras.Variable
        Follow the variables of the model: weights and moving statistics.
    recipe : PageRecipe
    """
    if keras.backend.backend() != "tensorflow":
        raise Misuse(
            f"the page network is trained with TensorFlow. Received: KERAS_BACKEND="
            f"{keras.backend.backend()}."
        )
    import tensorflow as tf

    weights = model.trainable_variables

    @tf.function(autograph=False, jit_compile=True)  # type: ignore[untyped-decorator]
    def judge(maps: Any, targets: dict[str, Any]) -> tuple[Any, Any]:
        exact = tf.cast(maps, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(exact)
            losses: Losses = page_loss(exact, targets, recipe.loss)
            total = losses.total
        return tf.stack(losses), tf.cast(tape.gradient(total, exact), maps.dtype)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def step(images: Any, targets: dict[str, Any], rate: Any) -> Any:
        with tf.GradientTape() as tape:
            maps = model(images, training=True)
        losses, by_maps = judge(maps, targets)
        done = tf.cast(optimizer.iterations.value, tf.float32)
        optimizer.learning_rate = rate
        optimizer.apply(tape.gradient(maps, weights, output_gradients=by_maps), weights)
        follow(averages, model, done, recipe.average)
        return losses

    def run(images: Any, targets: dict[str, Any], rate: float) -> np.ndarray:
        tensors = {name: tf.convert_to_tensor(value) for name, value in targets.items()}
        losses = step(tf.convert_to_tensor(images), tensors, tf.constant(rate, tf.float32))
        return np.asarray(losses)

    return run
