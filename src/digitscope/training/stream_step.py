"""One step of a training from a stream, compiled by TensorFlow or by JAX.

JAX is what trains on a GPU without further packages; on a CPU TensorFlow's own kernels for
convolutions are several times as fast as those that XLA makes for JAX.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import keras
import numpy as np

# (outputs of the network in float32, targets by name) -> the parts of the loss, scalars
Judge = Callable[[Any, dict[str, Any]], Sequence[Any]]


class Step(Protocol):
    """Trains a network by one batch per call; the first call compiles it."""

    def __call__(self, images: np.ndarray, targets: dict[str, np.ndarray], rate: float) -> Any:
        """Train at a learning rate and return the parts of the loss; reading them may wait."""

    def store(self) -> None:
        """Bring the variables of network, optimizer and averages up to date."""


def compile_step(
    model: keras.Model,
    optimizer: keras.Optimizer,
    averages: list[keras.Variable],
    decay: float,
    judge: Judge,
) -> Step:
    """Return a step for the backend that Keras uses.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.Optimizer
        Built for the trainable variables of the model.
    averages : list of keras.Variable
        Follow the variables of the model, in their order: weights and moving statistics.
    decay : float
        Of the averages, per step; at the beginning they follow faster.
    judge : callable
        What is made small is the sum of the parts that it returns.
    """
    kind = _TensorFlowStep if keras.backend.backend() == "tensorflow" else _JaxStep
    return kind(model, optimizer, averages, decay, judge)


def _share(done: Any, decay: float) -> Any:
    """Return by which share of the difference the averages move after `done` steps."""
    return 1 - keras.ops.minimum(decay, (1 + done) / (10 + done))


class _TensorFlowStep:
    """Loss and its gradient by the outputs are one graph that XLA fuses; the rest is not."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.Optimizer,
        averages: list[keras.Variable],
        decay: float,
        judge: Judge,
    ) -> None:
        import tensorflow as tf

        weights = model.trainable_variables

        @tf.function(autograph=False, jit_compile=True)  # type: ignore[untyped-decorator]
        def judged(outputs: Any, targets: dict[str, Any]) -> tuple[Any, Any]:
            exact = tf.cast(outputs, tf.float32)
            with tf.GradientTape() as tape:
                tape.watch(exact)
                losses = judge(exact, targets)
                total = tf.add_n(list(losses))
            return tf.stack(losses), tf.cast(tape.gradient(total, exact), outputs.dtype)

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def step(images: Any, targets: dict[str, Any], rate: Any) -> Any:
            with tf.GradientTape() as tape:
                outputs = model(images, training=True)
            losses, by_outputs = judged(outputs, targets)
            done = tf.cast(optimizer.iterations.value, tf.float32)
            optimizer.learning_rate = rate
            optimizer.apply(tape.gradient(outputs, weights, output_gradients=by_outputs), weights)
            share = _share(done, decay)
            for average, variable in zip(averages, model.variables, strict=True):
                if keras.backend.is_float_dtype(variable.dtype):
                    average.assign_add(share * (variable.value - average.value))
                else:  # the state of random numbers
                    average.assign(variable.value)
            return losses

        self._step, self._tf = step, tf

    def __call__(self, images: np.ndarray, targets: dict[str, np.ndarray], rate: float) -> Any:
        tf = self._tf
        tensors = {name: tf.convert_to_tensor(value) for name, value in targets.items()}
        return self._step(tf.convert_to_tensor(images), tensors, tf.constant(rate, tf.float32))

    def store(self) -> None:
        """Do nothing: the graph changes the variables themselves."""


class _JaxStep:
    """All is one function from values to values, which stay on the device between two `store`."""

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.Optimizer,
        averages: list[keras.Variable],
        decay: float,
        judge: Judge,
    ) -> None:
        import jax
        from jax import numpy as jnp

        groups = (
            model.trainable_variables,
            model.non_trainable_variables,
            optimizer.variables,
            averages,
        )
        done_index, rate_index = (
            next(i for i, v in enumerate(optimizer.variables) if v is wanted)
            for wanted in (optimizer.iterations, optimizer.learning_rate)
        )
        both = [*model.trainable_variables, *model.non_trainable_variables]
        order = [next(i for i, v in enumerate(both) if v is wanted) for wanted in model.variables]

        def loss(
            trainable: Any, fixed: Any, images: Any, targets: dict[str, Any]
        ) -> tuple[Any, Any]:
            outputs, fixed = model.stateless_call(trainable, fixed, images, training=True)
            losses = jnp.stack(judge(outputs.astype(jnp.float32), targets))
            return losses.sum(), (losses, fixed)

        def follow(mean: Any, value: Any, share: Any) -> Any:
            exact = jnp.issubdtype(value.dtype, jnp.floating)  # otherwise: of random numbers
            return mean + share * (value - mean) if exact else value

        def step(state: Any, images: Any, targets: dict[str, Any], rate: Any) -> tuple[Any, Any]:
            trainable, fixed, slots, means = state
            gradient = jax.grad(loss, has_aux=True)
            gradients, (losses, fixed) = gradient(trainable, fixed, images, targets)
            share = _share(slots[done_index].astype(jnp.float32), decay)
            slots = [rate if i == rate_index else slot for i, slot in enumerate(slots)]
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            now = [*trainable, *fixed]
            means = [follow(mean, now[i], share) for mean, i in zip(means, order, strict=True)]
            return (list(trainable), list(fixed), list(slots), means), losses

        self._step = jax.jit(step, donate_argnums=0)
        self._groups: tuple[list[keras.Variable], ...] = groups
        self._copy = jnp.copy
        self._state: Any = None

    def __call__(self, images: np.ndarray, targets: dict[str, np.ndarray], rate: float) -> Any:
        if self._state is None:  # copies, since a donated array cannot be read any more
            self._state = tuple([self._copy(v.value) for v in group] for group in self._groups)
        self._state, losses = self._step(self._state, images, targets, np.float32(rate))
        return losses

    def store(self) -> None:
        """Assign the values to the variables; the next step reads them again."""
        if self._state is not None:
            for group, values in zip(self._groups, self._state, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            self._state = None
