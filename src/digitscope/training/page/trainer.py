"""Training of the page network, with all results in one folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from digitscope.evaluation.page_scores import PageScores
from digitscope.files import replacing
from digitscope.models.card import ModelCard
from digitscope.models.page_network import PageNetwork
from digitscope.recipes.page_recipe import PAGE, PageRecipe
from digitscope.runs import Run
from digitscope.synthesis.pages.stream import Source
from digitscope.training.onnx_export import write_onnx
from digitscope.training.page.calibration import UNCHANGED, Calibration, fit_calibration
from digitscope.training.page.export import check_page_agreement, page_to_onnx
from digitscope.training.page.fit import PageFit
from digitscope.training.run_record import begin_run
from digitscope.training.stream_run import (
    StreamListener,
    StreamTraining,
    check_data,
    set_threads,
)

CHECKED = 4  # patches on which the ONNX file must agree with Keras
RANGES = 100  # patches for the ranges of activations in quantisation


def train_page(
    source: Source,
    held_out: Source | None = None,
    *,
    recipe: PageRecipe = PAGE,
    out: str | Path | None = None,
    start: str | Path | None = None,
    data_dir: str | Path | None = None,
    workers: int = 1,
    threads: int | None = None,
    listener: StreamListener | None = None,
) -> Run:
    """Train the page network and write its model, history and scores to one folder.

    Parameters
    ----------
    source : Source
        Source of the training patches; it is pickled for each worker.
    held_out : Source, optional
        Source of the held-out patches for the validation after each epoch.
    recipe : PageRecipe
    out : path, optional
        The run's folder, which must not contain a run; by default ``runs/page-<number>``.
    start : path, optional
        A ``model.keras`` or ``.onnx`` file with initial weights.
    data_dir : path, optional
        Folder of the data of the sources, for the record of the run.
    workers : int
        Number of processes that draw patches.
    threads : int, optional
        Threads of TensorFlow; without effect after its first computation.
    listener : StreamListener, optional
        By default one line is printed per epoch.

    Returns
    -------
    Run
        Its folder contains checkpoint.npz, model.keras, model.onnx, history.csv and run.json, which
        are updated after each epoch. At the end the threshold for digits is added to the card, and
        metrics.json has the scores on held-out pages.

    Raises
    ------
    TrainingFailed
        If the loss is not finite; the folder then contains the weights of the last finished epoch.
    """
    set_threads(threads)
    fit = PageFit(recipe, source, held_out, workers=workers, start=Path(start) if start else None)
    data = _describe(source, held_out) | {"start": str(start or "")}
    run = begin_run(out, recipe, data, data_dir)
    return PageTraining(run, fit).complete(fit.policy, listener)


def resume_page(
    path: str | Path,
    source: Source,
    held_out: Source | None = None,
    *,
    workers: int = 1,
    threads: int | None = None,
    listener: StreamListener | None = None,
) -> Run:
    """Continue a run that was stopped, from its last finished epoch.

    On the same machine with the same versions, source and number of threads it ends with the same
    weights as an uninterrupted run.

    Parameters
    ----------
    path : path
        The run's folder.
    source, held_out, workers, threads, listener
        As for `train_page`.

    Raises
    ------
    BadRun
        If the folder is not a run of the page network, is finished, or began with other data.
    """
    run = Run.open(path)
    recipe = run.page_recipe
    check_data(run, _describe(source, held_out))
    set_threads(threads)
    fit = PageFit(recipe, source, held_out, workers=workers, start=run.start)
    if run.checkpoint_file.exists():
        fit.restore(run.checkpoint_file)
    return PageTraining(run, fit).complete(fit.policy, listener)


class PageTraining(StreamTraining):
    """A run that trains the page network."""

    fit: PageFit
    data = "synthesised pages"
    last = "head/out"

    def write_model(self, calibration: Calibration = UNCHANGED, **card: Any) -> None:
        """Write model.keras and model.onnx with the averaged weights of the last epoch.

        Parameters
        ----------
        calibration : Calibration
            Calibration in the ONNX file.
        **card : Any
            Further fields of the card.
        """
        fit = self.fit
        with replacing(self.run.keras_file) as temporary:
            fit.network.save(temporary)
        images = fit.sample(CHECKED)
        proto = page_to_onnx(fit.network, calibration)
        with replacing(self.run.model_file) as temporary:
            write_onnx(proto, temporary, self._card(**card))
            check_page_agreement(fit.network, temporary, images, calibration, half=True)

    def score(self) -> None:
        """Write the final model, quantised, calibrated and with a threshold, and its scores."""
        self.write_model()
        pages = self.fit.pages
        if not pages:
            return
        # A steeper calibration removes weak peaks, and quantisation changes the confidence
        # slightly. So the calibration is fitted again on the quantised file.
        first = fit_calibration(self._judge()[1])
        self.write_model(first)
        quantisation, scores = self.quantise_model(
            page_to_onnx(self.fit.network, first, half=False),
            self._ranges(),
            self._card(),
            self._judge,
            "f1",
        )
        calibration = first.then(fit_calibration(scores))
        self.write_model(calibration)
        proto = onnx.load(self.run.model_file)
        if quantisation:
            exact = page_to_onnx(self.fit.network, calibration, half=False)
            proto = self.integers(exact, self._ranges())
        write_onnx(proto, self.run.model_file, self._card())
        _, scores = self._judge()
        refusal, line = scores.choose_threshold(), calibration.to_dict()
        card = self._card(calibration=line, quantisation=quantisation, refusal=refusal)
        write_onnx(proto, self.run.model_file, card)
        self.run.write_metrics(
            {
                "pages": len(pages),
                "digits": refusal,
                "calibration": line,
                "quantisation": quantisation,
            }
            | scores.row()
        )

    def _ranges(self) -> Iterator[np.ndarray]:
        """Return batches of one patch for the ranges of activations in quantisation."""
        return (image[None] for image in self.fit.sample(RANGES))

    def _card(self, **fields: Any) -> ModelCard:
        return self.card(self.fit.recipe.validation, **fields)

    def _judge(self) -> tuple[float, PageScores]:
        """Return the best F1 of digits of the model file on the held-out pages, and all scores."""
        network = PageNetwork(self.run.model_file)
        maps = ((network.maps(image), truth) for image, truth in self.fit.pages)
        scores = PageScores.from_maps(maps)
        return scores.best_f1(), scores


def _describe(source: Source, held_out: Source | None) -> dict[str, str]:
    return {"source": repr(source), "held_out": repr(held_out)}
