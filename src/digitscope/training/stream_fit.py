"""The fit of a network to a stream of synthetic batches, with a checkpoint after each epoch.

Batch i depends on the recipe's seed and i only. So a fit that was killed and resumed from its last
checkpoint ends with the same weights as an uninterrupted fit.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import keras
import numpy as np

from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.runs import Row
from digitscope.synthesis.pages.stream import BatchStream, Plan
from digitscope.training.checkpoint import State, read_checkpoint, write_checkpoint
from digitscope.training.compiled_epoch import forward_function
from digitscope.training.initial_weights import take_weights
from digitscope.training.interrupts import uninterrupted
from digitscope.training.stream_step import make_step

PART = 10  # steps between two reports of progress
Made = TypeVar("Made")  # a batch


@dataclass
class StreamFitResult:
    """The history of a fit and how it ended.

    Attributes
    ----------
    history : list of dict
        One row per epoch.
    stopped : str
        Why the fit ended before its last epoch; empty if it did not.
    interrupted : bool
        Whether Ctrl-C ended it.
    problem : str
        Why the fit failed; empty if it did not.
    """

    history: list[Row]
    stopped: str = ""
    interrupted: bool = False
    problem: str = ""


class StreamFit(ABC, Generic[Made]):
    """A fit of one recipe to a stream of batches.

    Parameters
    ----------
    recipe : StreamRecipe
    model : keras.Model
        The model that is trained.
    network : keras.Model
        A float32 model of the same layers for the averaged weights.
    start : path, optional
        A ``model.keras`` or ``.onnx`` file with initial weights; see `take_weights`.

    Attributes
    ----------
    recipe : StreamRecipe
    network : keras.Model
        The averaged network, updated after each epoch.
    averages : list of keras.Variable
        Moving averages of the variables of the model: weights and statistics.
    history : list of dict
        One row per epoch.
    forward : callable
        Function from images to the outputs of `network`, float32.
    step : StreamStep
        Trains the model with one batch.
    """

    def __init__(
        self,
        recipe: StreamRecipe,
        model: keras.Model,
        network: keras.Model,
        start: Path | None = None,
    ) -> None:
        self.recipe, self.model, self.network = recipe, model, network
        if start:
            take_weights(start, model, self.sample)
        self.optimizer = build_optimizer(recipe)
        self.optimizer.build(self.model.trainable_variables)
        # Via NumPy, since the value of a TensorFlow variable is not a copy.
        self.averages = [
            keras.Variable(value, trainable=False, dtype=value.dtype)
            for value in map(_value, self.model.variables)
        ]
        self.history: list[Row] = []
        self.forward = compile_forward(network)
        self.step = make_step(model, self.optimizer, self.averages, recipe.average, self.loss)

    @abstractmethod
    def loss(self, outputs: Any, targets: dict[str, Any]) -> Sequence[Any]:
        """Return the parts of the loss of a batch, inside of a compiled step.

        Parameters
        ----------
        outputs : tensor, dtype float32
            Outputs of the network.
        targets : dict of tensor
        """

    @abstractmethod
    def sample(self, n: int) -> np.ndarray:
        """Return inputs like those of the training, but not used by it, from n patches."""

    @abstractmethod
    def open_stream(self, plan: Plan) -> BatchStream[Any, Made]:
        """Return the stream of the batches of a plan."""

    @abstractmethod
    def learn(self, batch: Made, rate: float) -> Row:
        """Train with one batch and return its losses, including their sum ``loss``."""

    @abstractmethod
    def judge(self) -> Row:
        """Return loss and scores of the averaged network on held-out patches."""

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.optimizer.variables, *self.averages]

    @property
    def state(self) -> State:
        """The values of all variables: of the model, the optimizer and the averages."""
        return [_value(v) for v in self._variables]

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        write_checkpoint(path, self.state, self.history)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint that `save` wrote."""
        shapes = [tuple(v.shape) for v in self._variables]
        state, self.history = read_checkpoint(path, shapes)
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)
        self._average_in()

    def run(
        self,
        *,
        checkpoint: Path | None = None,
        on_epoch: Callable[[Row], None] | None = None,
        on_part: Callable[[float], None] | None = None,
    ) -> StreamFitResult:
        """Train to the last epoch, or until Ctrl-C or a loss that is not finite.

        Parameters
        ----------
        checkpoint : path, optional
            Written after each epoch, for `restore`.
        on_epoch : callable, optional
            Called with each row of the history, when `network` has the weights of that epoch.
        on_part : callable, optional
            Called after each part of an epoch with the share of the epoch that it was.
        """
        recipe, steps = self.recipe, self.recipe.steps
        result = StreamFitResult(self.history)
        rates = learning_rates(recipe)
        plan = Plan(
            (recipe.seed,), recipe.batch_size, len(self.history) * steps, recipe.epochs * steps
        )
        if plan.first >= plan.end:
            return result
        with self.open_stream(plan) as stream:
            batches = iter(stream)
            try:
                for epoch in range(len(self.history) + 1, recipe.epochs + 1):
                    row = self._epoch(batches, rates[(epoch - 1) * steps : epoch * steps], on_part)
                    if not math.isfinite(row["loss"]):
                        result.problem = (
                            f"the loss is not finite in epoch {epoch} at a learning rate of "
                            f"{row['learning_rate']:g}; try a smaller --learning-rate."
                        )
                        break
                    self._average_in()
                    row |= self.judge()
                    with uninterrupted():
                        self.history.append({"epoch": float(epoch), **row})
                        if checkpoint:
                            self.save(checkpoint)
                        if on_epoch:
                            on_epoch(self.history[-1])
            except KeyboardInterrupt:
                result.interrupted = True
                result.stopped = f"interrupted after epoch {len(self.history)}"
        return result

    def _epoch(
        self,
        batches: Iterator[Made],
        rates: np.ndarray,
        on_part: Callable[[float], None] | None,
    ) -> Row:
        started = time.perf_counter()
        sums: Row = {}
        waited = 0.0
        for number, rate in enumerate(rates, start=1):
            asked = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - asked
            for name, loss in self.learn(batch, float(rate)).items():
                sums[name] = sums.get(name, 0.0) + loss
            if on_part and (number % PART == 0 or number == len(rates)):
                on_part(((number - 1) % PART + 1) / len(rates))
        self.step.store()
        seconds = time.perf_counter() - started
        return {
            **{name: total / len(rates) for name, total in sums.items()},
            "learning_rate": float(rates[-1]),
            "seconds": seconds,
            "waited": waited,
            "patches_per_second": len(rates) * self.recipe.batch_size / seconds,
        }

    def _average_in(self) -> None:
        for variable, average in zip(self.network.variables, self.averages, strict=True):
            variable.assign(average.value)


def _value(variable: keras.Variable) -> np.ndarray:
    return np.array(keras.ops.convert_to_numpy(variable))


def learning_rates(recipe: StreamRecipe) -> np.ndarray:
    """Return the learning rate of each step of a run, float32: warmup, then a cosine to 0."""
    steps = recipe.epochs * recipe.steps
    step = np.arange(1, steps + 1, dtype=np.float64)
    warmup = round(recipe.warmup * steps)
    rise = np.minimum(step / max(warmup, 1), 1)
    left = np.clip((steps - step + 1) / max(steps - warmup, 1), 0, 1)
    factors = np.minimum(rise, (1 - np.cos(np.pi * left)) / 2)
    return np.asarray(recipe.learning_rate * factors, np.float32)


def build_optimizer(recipe: StreamRecipe) -> keras.Optimizer:
    """Return AdamW with the peak learning rate of a recipe; only kernels have weight decay."""
    optimizer = keras.optimizers.AdamW(
        recipe.learning_rate,
        recipe.weight_decay,
        beta_2=recipe.beta_2,
        global_clipnorm=recipe.clip,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


def compile_forward(model: keras.Model) -> Callable[[Any], np.ndarray]:
    """Return a function from images to float32 outputs, in inference mode."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(
            lambda images: model(images, training=False), autograph=False, reduce_retracing=True
        )
        return lambda images: np.asarray(tf.cast(compiled(tf.convert_to_tensor(images)), "float32"))
    called = forward_function(model)
    return lambda images: np.asarray(called(images)).astype(np.float32)
