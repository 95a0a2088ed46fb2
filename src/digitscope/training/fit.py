"""The fit of a digit classifier, with a checkpoint after each epoch.

An epoch depends on the recipe, the data and the number of the epoch only: the order of the images
and their augmentation are drawn from (seed, epoch). So a fit that was killed and resumed from its
last checkpoint ends with the same weights as an uninterrupted fit.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from digitscope.data import Dataset, Split
from digitscope.image.digit import DIGITS
from digitscope.recipes import Recipe
from digitscope.runs import Row
from digitscope.training.checkpoint import State, read_checkpoint, write_checkpoint
from digitscope.training.compiled_epoch import (
    compile_epoch,
    forward_function,
    gradient_function,
    has_convolutions,
)
from digitscope.training.interrupts import uninterrupted
from digitscope.training.mixture import Mixture
from digitscope.training.networks import build_network, build_optimizer, rate_factors

PROBE = 2_000  # training images for the gradient norms, the same in each epoch
PART = 50  # steps of a convolutional network between two reports of progress
CHUNK = 5_000  # images per forward pass of the uncompiled network


@dataclass
class FitResult:
    """The trained network and its history.

    Attributes
    ----------
    model : keras.Sequential
        With the weights to use.
    history : list of dict
        One row per epoch; row 0 is before training.
    stopped : str
        Why the fit ended before its last epoch; empty if it did not.
    interrupted : bool
        Whether Ctrl-C ended it, so that the run can be resumed.
    problem : str
        Why the fit failed; empty if it did not. The model then has the weights of the last finished
        epoch.
    """

    model: keras.Sequential
    history: list[Row]
    stopped: str = ""
    interrupted: bool = False
    problem: str = ""


class Fit:
    """A fit of one recipe to one split.

    Parameters
    ----------
    recipe : Recipe
    train : Split
        Training images.
    held_out : Split
        Images for the validation after each epoch; may be empty.
    callbacks : sequence of keras.callbacks.Callback
        Called at the beginning and end of the training and of each epoch; not for batches, which
        exist inside the compiled graph only.
    sources : sequence of Dataset
        The data sets that ``recipe.sources`` names.
    """

    def __init__(
        self,
        recipe: Recipe,
        train: Split,
        held_out: Split,
        callbacks: Sequence[keras.callbacks.Callback] = (),
        sources: Sequence[Dataset] = (),
    ) -> None:
        self.recipe = recipe
        self.train, self.held_out = train, held_out
        self.mixture = Mixture(recipe, train, sources)
        self.labels = self.mixture.labels
        self.batch_size = min(recipe.batch_size, len(self.labels))
        self.steps = math.ceil(len(self.labels) / self.batch_size)
        self.model = build_network(recipe)
        self.optimizer = build_optimizer(recipe)
        self.loss = keras.losses.SparseCategoricalCrossentropy()
        self.model.compile(self.optimizer, self.loss, metrics=["accuracy"])
        self.optimizer.build(self.model.trainable_variables)
        self.history: list[Row] = []
        self._forward = forward_function(self.model)
        self._gradients = gradient_function(self.model, self.loss)
        self._tensor: Any = None  # the images, if they are the same in every epoch
        self.callbacks = keras.callbacks.CallbackList(
            list(callbacks), model=self.model, epochs=recipe.epochs, steps=self.steps, verbose=0
        )

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.optimizer.variables]

    @property
    def state(self) -> State:
        """The values of all variables."""
        return [np.array(keras.ops.convert_to_numpy(v)) for v in self._variables]

    @state.setter
    def state(self, values: State) -> None:
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)

    def save(self, path: Path, state: State) -> None:
        """Write a checkpoint: the state and the history."""
        write_checkpoint(path, state, self.history)

    def restore(self, path: Path) -> None:
        """Continue from a checkpoint that `save` wrote."""
        shapes = [tuple(v.shape) for v in self._variables]
        self.state, self.history = read_checkpoint(path, shapes)

    def run(
        self,
        *,
        checkpoint: Path | None = None,
        on_epoch: Callable[[Row], None] | None = None,
        on_part: Callable[[float], None] | None = None,
    ) -> FitResult:
        """Train to the last epoch, or until a callback, Ctrl-C or a loss that is not finite.

        Parameters
        ----------
        checkpoint : path, optional
            Written after each epoch.
        on_epoch : callable, optional
            Called with each row of the history.
        on_part : callable, optional
            Called after each part of an epoch with the share of the epoch that it was.
        """
        train_part = compile_epoch(self.model, self.optimizer, self.loss, self.batch_size)
        labels = keras.ops.convert_to_tensor(self.labels)
        factors = rate_factors(self.recipe, self.recipe.epochs * self.steps)
        if not self.history:
            self._add({"epoch": 0.0, **self._judge(), **self._norms(self.state)}, on_epoch)
        good = self.state  # after the last finished epoch
        finished = len(self.history)
        result = FitResult(self.model, self.history)
        logs: dict[str, float] = {}
        self.callbacks.on_train_begin()
        # The images of the next epoch are augmented on another core while this one trains.
        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(self._images, finished)
            try:
                for epoch in range(finished, self.recipe.epochs + 1):
                    started = time.perf_counter()
                    self.callbacks.on_epoch_begin(epoch - 1)
                    images = coming.result()
                    if epoch < self.recipe.epochs:
                        coming = pool.submit(self._images, epoch + 1)
                    scale = factors[(epoch - 1) * self.steps : epoch * self.steps]
                    trained, rates = self._train_epoch(
                        partial(train_part, images, labels), epoch, scale, on_part
                    )
                    if not (math.isfinite(trained["loss"]) and self._finite()):
                        result.problem = self._advice(epoch, float(rates.max()))
                        break
                    with self._averaged():
                        logs = {**trained, **self._judge()}
                        row = {"epoch": float(epoch), **logs, "learning_rate": float(rates[-1])}
                        row["seconds"] = time.perf_counter() - started
                        self.callbacks.on_epoch_end(epoch - 1, dict(logs))
                    row |= self._norms(good)
                    with uninterrupted():
                        good, finished = self.state, finished + 1
                        self._add(row, on_epoch)
                        if checkpoint:
                            self.save(checkpoint, good)
                    if self.model.stop_training:
                        result.stopped = f"a callback stopped it after epoch {epoch}"
                        break
            except KeyboardInterrupt:
                if finished < 2:
                    raise
                result.interrupted = True
                result.stopped = f"interrupted after epoch {finished - 1}"
            finally:
                coming.cancel()
        if result.problem or result.interrupted:
            self.state = good
            del self.history[finished:]
        self._average_in()
        self.callbacks.on_train_end(logs)
        return result

    def _train_epoch(
        self,
        train_part: Callable[[np.ndarray, np.ndarray], tuple[float, float]],
        epoch: int,
        factors: np.ndarray,
        on_part: Callable[[float], None] | None,
    ) -> tuple[Row, np.ndarray]:
        """Train for one epoch; return its loss and accuracy, and the learning rate of each step."""
        peak = float(self.optimizer.learning_rate)
        rates = peak * factors
        loss, accuracy = 0.0, 0.0
        for share, *part in self._parts(epoch, rates):
            part_loss, part_accuracy = train_part(*part)
            loss += share * part_loss
            accuracy += share * part_accuracy
            if on_part:
                on_part(share)
        # The compiled steps have set their own rate. Callbacks may change the peak.
        self.optimizer.learning_rate = peak
        return {"loss": loss, "accuracy": accuracy}, rates

    def _add(self, row: Row, on_epoch: Callable[[Row], None] | None) -> None:
        self.history.append(row)
        if on_epoch:
            on_epoch(row)

    def _images(self, epoch: int) -> Any:
        """Return the training images of an epoch as a tensor, in the order of `labels`."""
        if not self.mixture.constant:
            return keras.ops.convert_to_tensor(self.mixture.images(epoch))
        if self._tensor is None:
            self._tensor = keras.ops.convert_to_tensor(self.train.images)
        return self._tensor

    def _order(self, epoch: int) -> np.ndarray:
        """Return the order of an epoch's images; the first images also fill the last batch."""
        rng = np.random.default_rng([self.recipe.seed, epoch, 0])
        order = rng.permutation(len(self.labels)).astype(np.int32)
        return np.resize(order, self.steps * self.batch_size)

    def _parts(
        self, epoch: int, rates: np.ndarray
    ) -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        """Yield the share, order and rates of each part of an epoch: some seconds, or the whole."""
        order = self._order(epoch)
        length = PART if has_convolutions(self.model) else self.steps
        for start in range(0, self.steps, length):
            part = rates[start : start + length]
            first = start * self.batch_size
            yield len(part) / self.steps, order[first : first + len(part) * self.batch_size], part

    def _finite(self) -> bool:
        return all(
            bool(np.isfinite(keras.ops.convert_to_numpy(w)).all())
            for w in self.model.trainable_variables
        )

    def _advice(self, epoch: int, rate: float) -> str:
        return (
            f"the loss is not finite in epoch {epoch} at a learning rate of {rate:g}; "
            f"try a smaller --learning-rate."
        )

    def _judge(self) -> Row:
        """Return the loss and accuracy on the held-out images, if any."""
        n = len(self.held_out)
        if not n:
            return {}
        total = right = 0.0
        for start in range(0, n, CHUNK):
            part = self.held_out.take(slice(start, start + CHUNK))
            probabilities = self._forward(part.images)
            total += float(self.loss(part.labels.astype(np.int32), probabilities)) * len(part)
            said = np.asarray(keras.ops.convert_to_numpy(probabilities))[:, :DIGITS].argmax(axis=1)
            right += int((said == part.labels).sum())
        return {"val_loss": total / n, "val_accuracy": right / n}

    def _norms(self, before: State) -> Row:
        """Return the norms of each layer's weights, of its update in the epoch and of its gradient.

        Kernel and bias are one vector. The gradient is that of the mean loss over the same 2,000
        training images, without augmentation.
        """
        probe = self.train.take(slice(PROBE))
        gradients = self._gradients(probe.images, probe.labels.astype(np.int32))
        after = [np.asarray(keras.ops.convert_to_numpy(v)) for v in self.model.variables]
        of_variable = dict(
            zip((v.path for v in self.model.trainable_variables), gradients, strict=True)
        )
        norms: dict[str, dict[str, float]] = {"weight": {}, "update": {}, "gradient": {}}
        for variable, old, new in zip(self.model.variables, before, after, strict=False):
            if variable.path not in of_variable:
                continue  # the state of a random generator
            layer = variable.path.rsplit("/", 2)[-2]
            squares = {
                "weight": new,
                "update": new - old,
                "gradient": of_variable[variable.path],
            }
            for kind, values in squares.items():
                square = norms[kind].get(layer, 0.0) + float(
                    np.square(values, dtype=np.float64).sum()
                )
                norms[kind][layer] = square
        return {
            f"{kind}_norm.{layer}": math.sqrt(square)
            for kind, layers in norms.items()
            for layer, square in layers.items()
        }

    def _average_in(self) -> None:
        """Copy the averaged weights into the model, if the recipe has an average."""
        if self.recipe.average:
            self.optimizer.finalize_variable_values(self.model.trainable_variables)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """Give the model the averaged weights inside of a ``with`` block."""
        raw = [keras.ops.copy(v.value) for v in self.model.trainable_variables]
        self._average_in()
        yield
        if self.recipe.average:
            for variable, value in zip(self.model.trainable_variables, raw, strict=True):
                variable.assign(value)
