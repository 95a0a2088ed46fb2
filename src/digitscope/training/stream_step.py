"""One training step of a network that is trained from a stream, compiled by TensorFlow or JAX.

JAX trains on a GPU without further packages. On a CPU, TensorFlow's kernels for convolutions are
several times faster than those that XLA generates for JAX.
"""

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from digitscope.training.devices import shared_out

# (outputs of the network, float32; targets by name) -> the parts of the loss, scalars
Loss = Callable[[Any, dict[str, Any]], Sequence[Any]]


class StreamStep(ABC):
    """A training step: each call trains the network with one batch. The first call compiles it.

    Parameters
    ----------
    model : keras.Model
    optimizer : keras.Optimizer
        Built for the trainable variables of the model.
    averages : list of keras.Variable
        Moving averages of the variables of the model, in the same order: weights and statistics.
    decay : float
        Decay of the averages per step; smaller in the first steps.
    loss : callable
        Returns the parts of the loss. Training minimises their sum.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.Optimizer,
        averages: list[keras.Variable],
        decay: float,
        loss: Loss,
    ) -> None:
        self._model, self._optimizer, self._averages = model, optimizer, averages
        self._decay, self._loss = decay, loss

    @abstractmethod
    def __call__(self, images: np.ndarray, targets: dict[str, np.ndarray], rate: float) -> Any:
        """Train with one batch and return the parts of the loss, an array of the backend."""

    @abstractmethod
    def store(self) -> None:
        """Assign the current values to the variables of network, optimizer and averages."""

    def _share(self, done: Any) -> Any:
        """Return the share of the difference by which the averages change after `done` steps."""
        return 1 - keras.ops.minimum(self._decay, (1 + done) / (10 + done))


def make_step(
    model: keras.Model,
    optimizer: keras.Optimizer,
    averages: list[keras.Variable],
    decay: float,
    loss: Loss,
) -> StreamStep:
    """Return a step for the backend that Keras uses; the parameters are those of `StreamStep`."""
    kind = _TensorFlowStep if keras.backend.backend() == "tensorflow" else _JaxStep
    return kind(model, optimizer, averages, decay, loss)


class _TensorFlowStep(StreamStep):
    """A step in TensorFlow; XLA compiles the loss and its gradient, but not the network."""

    def __call__(self, images: np.ndarray, targets: dict[str, np.ndarray], rate: float) -> Any:
        import tensorflow as tf

        tensors = {name: tf.convert_to_tensor(value) for name, value in targets.items()}
        return self._step(tf.convert_to_tensor(images), tensors, tf.constant(rate, tf.float32))

    def store(self) -> None:
        """Do nothing, since the graph changes the variables directly."""

    @functools.cached_property
    def _step(self) -> Callable[[Any, dict[str, Any], Any], Any]:
        import tensorflow as tf

        model, optimizer = self._model, self._optimizer
        weights = model.trainable_variables

        @tf.function(autograph=False, jit_compile=True)  # type: ignore[untyped-decorator]
        def judge(outputs: Any, targets: dict[str, Any]) -> tuple[Any, Any]:
            exact = tf.cast(outputs, tf.float32)
            with tf.GradientTape() as tape:
                tape.watch(exact)
                losses = self._loss(exact, targets)
                total = tf.add_n(list(losses))
            return tf.stack(losses), tf.cast(tape.gradient(total, exact), outputs.dtype)

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def step(images: Any, targets: dict[str, Any], rate: Any) -> Any:
            with tf.GradientTape() as tape:
                outputs = model(images, training=True)
            losses, by_outputs = judge(outputs, targets)
            share = self._share(tf.cast(optimizer.iterations.value, tf.float32))
            optimizer.learning_rate = rate
            optimizer.apply(tape.gradient(outputs, weights, output_gradients=by_outputs), weights)
            for average, variable in zip(self._averages, model.variables, strict=True):
                if keras.backend.is_float_dtype(variable.dtype):
                    average.assign_add(share * (variable.value - average.value))
                else:  # the state of random numbers
                    average.assign(variable.value)
            return losses

        return step  # type: ignore[no-any-return]


class _JaxStep(StreamStep):
    """A step in JAX: a function from values to values, which stay on the device until `store`."""

    _state: Any = None  # values of `_groups`

    def __call__(self, images: np.ndarray, targets: dict[str, np.ndarray], rate: float) -> Any:
        from jax import numpy as jnp

        if self._state is None:  # copies, since donated arrays become invalid
            self._state = tuple([jnp.copy(v.value) for v in group] for group in self._groups)
        batch = shared_out({"images": images} | targets)
        images = batch.pop("images")
        self._state, losses = self._step(self._state, images, batch, np.float32(rate))
        return losses

    def store(self) -> None:
        """Assign the values to the variables; the next step reads the variables again."""
        if self._state is not None:
            for group, values in zip(self._groups, self._state, strict=True):
                for variable, value in zip(group, values, strict=True):
                    variable.assign(value)
            self._state = None

    @property
    def _groups(self) -> tuple[list[keras.Variable], ...]:
        model = self._model
        fixed = model.non_trainable_variables
        return model.trainable_variables, fixed, self._optimizer.variables, self._averages

    @functools.cached_property
    def _step(self) -> Callable[..., tuple[Any, Any]]:
        import jax
        from jax import numpy as jnp

        model, optimizer = self._model, self._optimizer
        done, learning_rate = (
            _index(optimizer.variables, v) for v in (optimizer.iterations, optimizer.learning_rate)
        )
        by_group = [*model.trainable_variables, *model.non_trainable_variables]
        order = [_index(by_group, v) for v in model.variables]

        def loss(trainable: Any, fixed: Any, images: Any, targets: Any) -> tuple[Any, Any]:
            outputs, fixed = model.stateless_call(trainable, fixed, images, training=True)
            losses = jnp.stack(self._loss(outputs.astype(jnp.float32), targets))
            return losses.sum(), (losses, fixed)

        def follow(average: Any, value: Any, share: Any) -> Any:
            if jnp.issubdtype(value.dtype, jnp.floating):
                return average + share * (value - average)
            return value  # the state of random numbers

        def step(state: Any, images: Any, targets: Any, rate: Any) -> tuple[Any, Any]:
            trainable, fixed, slots, averages = state
            gradient = jax.grad(loss, has_aux=True)
            gradients, (losses, fixed) = gradient(trainable, fixed, images, targets)
            share = self._share(slots[done].astype(jnp.float32))
            slots = [rate if i == learning_rate else slot for i, slot in enumerate(slots)]
            trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
            now = [*trainable, *fixed]
            averages = [follow(a, now[i], share) for a, i in zip(averages, order, strict=True)]
            return (list(trainable), list(fixed), list(slots), averages), losses

        return jax.jit(step, donate_argnums=0)  # type: ignore[no-any-return]


def _index(variables: Sequence[keras.Variable], wanted: keras.Variable) -> int:
    return next(i for i, variable in enumerate(variables) if variable is wanted)
