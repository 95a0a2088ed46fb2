"""A training from a stream as one folder, as `digitscope.training.train` makes one for digits."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import takewhile
from typing import Any, ClassVar, Protocol, TypeVar

import keras
import numpy as np
import onnx

from digitscope.errors import BadModel, BadRun, TrainingFailed
from digitscope.files import replacing
from digitscope.models.card import ModelCard
from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.runs import Row, Run
from digitscope.training.model_release import now
from digitscope.training.onnx_export import write_onnx
from digitscope.training.quantisation import quantise
from digitscope.training.run_record import describe_versions
from digitscope.training.stream_fit import StreamFit

Judged = TypeVar("Judged")
LOSS = 0.005  # of a score on held-out pages, 0 to 1, that 8-bit integers may cost at most


class StreamListener(Protocol):
    """What a training tells while it works; the command line draws it."""

    def begin(self, run: Run, recipe: StreamRecipe, parameters: int, policy: str) -> None:
        """Call before the first epoch."""

    def part(self, share: float) -> None:
        """Call when a further share of an epoch is done."""

    def epoch(self, row: Row) -> None:
        """Call after each epoch with its row of the history."""

    def fitted(self, stopped: str) -> None:
        """Call after the last epoch; `stopped` says why it ended early, if it did."""

    def done(self, run: Run) -> None:
        """Call when the model is written and scored."""


class PrintedProgress:
    """Print one line an epoch."""

    def begin(self, run: Run, recipe: StreamRecipe, parameters: int, policy: str) -> None:
        """Print what is trained."""
        print(f"{run.path}: {parameters:,} weights, {policy}, {recipe.epochs} epochs", flush=True)

    def part(self, share: float) -> None:
        """Print nothing."""

    def epoch(self, row: Row) -> None:
        """Print the losses and the scores on held-out pages."""
        said = ("loss", "val_loss", "val_f1_digits", "val_accuracy_digits")
        scores = "  ".join(f"{name} {row[name]:.3f}" for name in said if name in row)
        print(
            f"epoch {row['epoch']:.0f}  {scores}  {row['patches_per_second']:.0f} patches/s, "
            f"waited {row['waited']:.0f} of {row['seconds']:.0f} s",
            flush=True,
        )

    def fitted(self, stopped: str) -> None:
        """Print why it stopped."""
        if stopped:
            print(stopped, flush=True)

    def done(self, run: Run) -> None:
        """Print where the model is."""
        print(run.model_file, flush=True)


class StreamTraining(ABC):
    """A run's folder and the fit that fills it.

    Parameters
    ----------
    run : Run
    fit : StreamFit

    Attributes
    ----------
    data : str
        What it learns from, for the card.
    last : str
        The last layer, which stays float32: its logits become probabilities.
    """

    data: ClassVar[str]
    last: ClassVar[str]

    def __init__(self, run: Run, fit: StreamFit[Any]) -> None:
        self.run, self.fit = run, fit

    @abstractmethod
    def write_model(self) -> None:
        """Write model.keras and model.onnx with the averaged weights of the last epoch."""

    @abstractmethod
    def score(self) -> None:
        """Write the model once more, calibrated on held-out pages, and metrics.json."""

    def complete(self, policy: str, listener: StreamListener | None = None) -> Run:
        """Train to the last epoch, write the model after each, and score it.

        Raises
        ------
        TrainingFailed
            When the loss is not finite; the folder then holds the weights of the last good epoch.
        """
        run, fit, listener = self.run, self.fit, listener or PrintedProgress()
        run.update_record(status="running", stopped="", versions=describe_versions())
        listener.begin(run, fit.recipe, fit.network.count_params(), policy)
        started = time.perf_counter()

        def on_epoch(row: Row) -> None:
            run.write_history(fit.history)
            try:
                self.write_model()
            except BadModel as error:  # a later epoch may be written; the checkpoint is
                run.update_record(export_problem=f"epoch {row['epoch']:.0f}: {error}")
            listener.epoch(row)

        stopped = "interrupted"
        try:
            result = fit.run(
                checkpoint=run.checkpoint_file, on_epoch=on_epoch, on_part=listener.part
            )
            stopped = result.problem or result.stopped
        except BaseException:
            run.update_record(status="interrupted", stopped=stopped)
            raise
        finally:
            listener.fitted(stopped)
        status = "failed" if result.problem else "interrupted" if result.interrupted else "finished"
        seconds = run.record.get("timings", {}).get("fit", 0.0) + time.perf_counter() - started
        if status == "finished":
            run.update_record(status="scoring", timings={"fit": seconds})
            self.score()
        run.update_record(status=status, stopped=stopped, timings={"fit": seconds}, finished=now())
        if result.problem:
            raise TrainingFailed(result.problem)
        listener.done(run)
        return run

    def card(self, n: int, *, data: dict[str, Any] | None = None, **fields: Any) -> ModelCard:
        """Return the card of the model after the last epoch.

        Parameters
        ----------
        n : int
            Pages or crops that the epochs were judged on.
        data : dict, optional
            More about what it learned from.
        **fields : Any
            Further fields of the card.
        """
        record, row, recipe = self.run.record, self.fit.history[-1], self.fit.recipe
        patches = int(row["epoch"]) * recipe.steps * recipe.batch_size
        return ModelCard(
            recipe=record["recipe"],
            data={"name": self.data, "patches": patches} | (data or {}),
            versions=record["versions"],
            parameters=self.fit.network.count_params(),
            scores=held_out_scores(row, n),
            created=now(),
            **fields,
        )

    def integers(self, model: onnx.ModelProto, images: Iterable[np.ndarray]) -> onnx.ModelProto:
        """Return a model with float32 weights as one that computes with 8-bit integers."""
        return quantise(model, images, exclude=[self.last])

    def quantise_model(
        self,
        model: onnx.ModelProto,
        images: Iterable[np.ndarray],
        card: ModelCard,
        judge: Callable[[], tuple[float, Judged]],
        score: str,
    ) -> tuple[dict[str, float], Judged]:
        """Make the model file compute with 8-bit integers, unless that costs too much.

        Parameters
        ----------
        model : onnx.ModelProto
            The model with float32 weights.
        images : iterable of ndarray
            Batches from which the ranges of the integers are taken.
        card : ModelCard
        judge : callable
            Returns the score of the model file, 0 to 1, and what it found out.
        score : str
            The name of that score.

        Returns
        -------
        dict
            For the card: the score before and after; empty when the file keeps its weights.
        object
            What `judge` found out about the file as it is now.
        """
        (before, found), whole = judge(), self.run.model_file.read_bytes()
        write_onnx(self.integers(model, images), self.run.model_file, card)
        after, found_after = judge()
        if before - after > LOSS:
            with replacing(self.run.model_file) as temporary:
                temporary.write_bytes(whole)
            return {}, found
        return {f"{score}_before": before, f"{score}_after": after}, found_after


def check_data(run: Run, data: dict[str, str]) -> None:
    """Raise `BadRun` when a run is finished, or began with other data."""
    run.check_unfinished()
    for name, value in data.items():
        if (begun := run.record["data"].get(name)) != value:
            pairs = zip(str(begun), value, strict=False)  # long texts: tell where they differ
            first = max(len(list(takewhile(lambda pair: pair[0] == pair[1], pairs))) - 40, 0)
            raise BadRun(
                f"{run.path} cannot go on: its {name} was …{str(begun)[first : first + 120]}… "
                f"Received: …{value[first : first + 120]}…"
            )


def held_out_scores(row: Row, n: int) -> dict[str, Any]:
    """Return the scores of an epoch, for the card."""
    scores = {name[4:]: value for name, value in row.items() if name.startswith("val_")}
    return {"n": n} | scores if scores else {}


def forget_graphs() -> None:
    """Free the memory of the networks that were compiled so far in this process."""
    keras.backend.clear_session()


def set_threads(threads: int | None) -> None:
    """Set the threads of TensorFlow, if it trains and has not begun to compute."""
    if threads is not None and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
