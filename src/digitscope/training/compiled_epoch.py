"""One training epoch as one compiled graph, with Keras's model, loss and optimizer objects.

`keras.Model.fit` returns to Python for every batch, which takes twenty times as long as the
arithmetic of a small network. Here the images are one tensor, a permutation selects the batches,
and XLA compiles the loop over all batches.

TensorFlow updates the variables of model and optimizer inside the graph. In JAX the loop carries
their values, which are assigned to the variables after the epoch.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

Array = Any  # a NumPy array or an array of the backend
# (images (n, 28, 28), labels (n,), order (steps * batch,), rates (steps,)) -> loss, accuracy
Epoch = Callable[[Array, Array, Array, Array], tuple[float, float]]


def compile_epoch(
    model: keras.Model, optimizer: keras.Optimizer, loss: keras.Loss, batch_size: int
) -> Epoch:
    """Return a function that trains `model` for one epoch; the first call compiles it.

    The returned function takes uint8 images of shape (n, 28, 28), int32 labels of shape (n,), the
    int32 order of the images, of shape (steps * batch_size,), and the float32 learning rate of each
    step, of shape (steps,). It returns the mean loss and the accuracy during the epoch.
    """
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_epoch(model, optimizer, loss, batch_size)
    return _jax_epoch(model, optimizer, loss, batch_size)


def has_convolutions(model: keras.Model) -> bool:
    """Return whether a model has convolutions, so that an epoch takes minutes, not seconds."""
    return any(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)


def _tensorflow_epoch(
    model: keras.Model, optimizer: keras.Optimizer, loss: keras.Loss, batch_size: int
) -> Epoch:
    import tensorflow as tf

    weights = model.trainable_variables

    def epoch(images: Array, labels: Array, order: Array, rates: Array) -> tuple[Array, Array]:
        def step(i: Array, total: Array, right: Array) -> tuple[Array, Array, Array]:
            rows = tf.slice(order, [i * batch_size], [batch_size])
            x, y = tf.gather(images, rows), tf.gather(labels, rows)
            with tf.GradientTape() as tape:
                probabilities = model(x, training=True)
                batch_loss = loss(y, probabilities)
            optimizer.learning_rate = rates[i]
            optimizer.apply(tape.gradient(batch_loss, weights), weights)
            said = tf.argmax(probabilities, axis=-1, output_type=tf.int32)
            return i + 1, total + batch_loss, right + tf.reduce_sum(tf.cast(said == y, tf.int32))

        steps = tf.shape(rates)[0]
        _, total, right = tf.while_loop(
            lambda i, *_: i < steps,
            step,
            (tf.constant(0), tf.constant(0.0), tf.constant(0)),
            parallel_iterations=1,
        )
        n = tf.cast(steps, tf.float32)
        return total / n, tf.cast(right, tf.float32) / (n * batch_size)

    if has_convolutions(model):
        # On a CPU, TensorFlow's kernels for convolutions are several times faster than XLA's. The
        # signature allows any number of steps with one trace.
        any_length = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.float32)]
        signature = [tf.TensorSpec([None, *model.input_shape[1:]], tf.uint8), any_length[0]]
        compiled = tf.function(epoch, [*signature, *any_length], autograph=False)
    else:
        compiled = tf.function(epoch, jit_compile=True, autograph=False)

    def run(*arrays: Array) -> tuple[float, float]:
        loss, accuracy = compiled(*arrays)
        return float(loss), float(accuracy)

    return run


def _jax_epoch(
    model: keras.Model, optimizer: keras.Optimizer, loss: keras.Loss, batch_size: int
) -> Epoch:
    import jax
    from jax import lax

    rate_index = next(i for i, v in enumerate(optimizer.variables) if v is optimizer.learning_rate)

    def batch_loss(trainable: Array, fixed: Array, x: Array, y: Array) -> tuple[Array, Array]:
        probabilities, fixed = model.stateless_call(trainable, fixed, x, training=True)
        return loss(y, probabilities), (probabilities, fixed)

    gradient = jax.value_and_grad(batch_loss, has_aux=True)

    def epoch(state: Array, images: Array, labels: Array, order: Array, rates: Array) -> Array:
        def step(i: Array, carry: Array) -> Array:
            trainable, fixed, slots, total, right = carry
            rows = lax.dynamic_slice(order, [i * batch_size], [batch_size])
            x, y = images[rows], labels[rows]
            (value, (probabilities, fixed)), gradients = gradient(trainable, fixed, x, y)
            slots[rate_index] = rates[i]
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            right += (probabilities.argmax(-1) == y).sum(dtype=np.int32)
            return list(trainable), list(fixed), list(slots), total + value, right

        steps = len(rates)
        *state, total, right = lax.fori_loop(0, steps, step, (*state, 0.0, np.int32(0)))
        return state, total / steps, right / (steps * batch_size)

    compiled = jax.jit(epoch)

    def run(*arrays: Array) -> tuple[float, float]:
        variables = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        state, mean_loss, accuracy = compiled([[v.value for v in vs] for vs in variables], *arrays)
        for group, values in zip(variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return float(mean_loss), float(accuracy)

    return run


def forward_function(model: keras.Model) -> Callable[[Array], Array]:
    """Return a function from images to probabilities, in inference mode.

    TensorFlow executes it eagerly. JAX would compile each operation separately, so there the whole
    function is compiled.
    """
    if keras.backend.backend() == "tensorflow":
        return lambda images: model(images, training=False)
    import jax

    compiled = jax.jit(lambda weights, fixed, x: model.stateless_call(weights, fixed, x)[0])
    return lambda images: compiled(*_values(model), images)


def gradient_function(
    model: keras.Model, loss: keras.Loss
) -> Callable[[Array, Array], list[np.ndarray]]:
    """Return a function from images and labels to the gradient of each trainable variable."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        def gradients(images: Array, labels: Array) -> list[np.ndarray]:
            with tf.GradientTape() as tape:
                value = loss(labels, model(images, training=False))
            found = tape.gradient(value, model.trainable_variables)
            return [np.asarray(keras.ops.convert_to_numpy(g)) for g in found]

        return gradients
    import jax

    def value(weights: Array, fixed: Array, images: Array, labels: Array) -> Array:
        return loss(labels, model.stateless_call(weights, fixed, images)[0])

    compiled = jax.jit(jax.grad(value))
    return lambda images, labels: [np.asarray(g) for g in compiled(*_values(model), images, labels)]


def _values(model: keras.Model) -> tuple[list[Array], list[Array]]:
    """Return the values of the trainable and of the other variables."""
    return (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
    )
