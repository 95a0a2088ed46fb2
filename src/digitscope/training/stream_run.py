"""The run of a training from a stream: fit, export, quantisation and scores in one folder."""

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
LOSS = 0.005  # largest loss of a held-out score, 0 to 1, that is accepted for quantisation


class StreamListener(Protocol):
    """Events of a training, for example to display its progress."""

    def begin(self, run: Run, recipe: StreamRecipe, parameters: int, policy: str) -> None:
        """Handle the beginning, before the first epoch."""

    def part(self, share: float) -> None:
        """Handle the end of a part of an epoch; `share` is its share of the epoch."""

    def epoch(self, row: Row) -> None:
        """Handle the end of an epoch; `row` is its row of the history."""

    def fitted(self, stopped: str) -> None:
        """Handle the end of the fit; `stopped` is the reason if it ended early."""

    def done(self, run: Run) -> None:
        """Handle the end, after the model is written and scored."""


class PrintedProgress:
    """A listener that prints one line per epoch."""

    def begin(self, run: Run, recipe: StreamRecipe, parameters: int, policy: str) -> None:
        """Print folder, size and precision of the network."""
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
        """Print the reason if the fit ended early."""
        if stopped:
            print(stopped, flush=True)

    def done(self, run: Run) -> None:
        """Print the path of the model."""
        print(run.model_file, flush=True)


class StreamTraining(ABC):
    """A run's folder and its fit.

    Parameters
    ----------
    run : Run
    fit : StreamFit

    Attributes
    ----------
    data : str
        Name of the training data, for the card.
    last : str
        The last layer, which is not quantised, since its logits become probabilities.
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
        """Write the final model, calibrated on held-out pages, and metrics.json."""

    def complete(self, policy: str, listener: StreamListener | None = None) -> Run:
        """Train to the last epoch, write the model after each epoch, and score the last model.

        Raises
        ------
        TrainingFailed
            If the loss is not finite; the folder then contains the weights of the last finished
            epoch.
        """
        run, fit, listener = self.run, self.fit, listener or PrintedProgress()
        run.update_record(status="running", stopped="", versions=describe_versions())
        listener.begin(run, fit.recipe, fit.network.count_params(), policy)
        started = time.perf_counter()

        def on_epoch(row: Row) -> None:
            run.write_history(fit.history)
            try:
                self.write_model()
            except (
                BadModel
            ) as error:  # the checkpoint is written, and a later epoch may be exported
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
            Number of held-out pages or crops.
        data : dict, optional
            Further fields about the training data.
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
        """Return the quantised form of a model with float32 weights."""
        return quantise(model, images, exclude=[self.last])

    def quantise_model(
        self,
        model: onnx.ModelProto,
        images: Iterable[np.ndarray],
        card: ModelCard,
        judge: Callable[[], tuple[float, Judged]],
        score: str,
    ) -> tuple[dict[str, float], Judged]:
        """Quantise the model file, unless its score gets worse by more than `LOSS`.

        Parameters
        ----------
        model : onnx.ModelProto
            The model with float32 weights.
        images : iterable of ndarray
            Batches from which the ranges of the integers are taken.
        card : ModelCard
        judge : callable
            Returns the score of the model file, 0 to 1, and further results.
        score : str
            The name of the score.

        Returns
        -------
        dict
            For the card: the score before and after; empty if the file is not quantised.
        object
            The further results of `judge` for the resulting file.
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
    """Raise `BadRun` if a run is finished, or began with other data."""
    run.check_unfinished()
    for name, value in data.items():
        if (begun := run.record["data"].get(name)) != value:
            pairs = zip(str(begun), value, strict=False)  # long texts: show where they differ
            first = max(len(list(takewhile(lambda pair: pair[0] == pair[1], pairs))) - 40, 0)
            raise BadRun(
                f"{run.path} cannot be resumed: its {name} was …{str(begun)[first : first + 120]}… "
                f"Received: …{value[first : first + 120]}…"
            )


def held_out_scores(row: Row, n: int) -> dict[str, Any]:
    """Return the held-out scores of an epoch, for the card."""
    scores = {name[4:]: value for name, value in row.items() if name.startswith("val_")}
    return {"n": n} | scores if scores else {}


def forget_graphs() -> None:
    """Free the memory of all compiled networks in this process."""
    keras.backend.clear_session()


def set_threads(threads: int | None) -> None:
    """Set the number of threads of TensorFlow, if it is used and has not computed anything."""
    if threads is not None and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with suppress(RuntimeError):
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
