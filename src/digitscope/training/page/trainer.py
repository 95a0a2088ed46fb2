"""A training of the page network as one folder, as `digitscope.training.train` makes for digits."""

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
RANGES = 100  # patches from which the ranges of 8-bit integers are taken


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
    """Train the page network and write everything about it into one folder.

    Parameters
    ----------
    source : Source
        What draws the patches to learn from; it is pickled for each worker.
    held_out : Source, optional
        What draws the patches on which each epoch is judged.
    recipe : PageRecipe
    out : path, optional
        The run's folder, which must not hold a run yet; by default ``runs/page-<number>``.
    start : path, optional
        A ``model.keras`` or ``.onnx`` file whose weights to begin with.
    data_dir : path, optional
        Where the sources were loaded from; it is noted for those who go on with the run.
    workers : int
        Processes that draw patches.
    threads : int, optional
        Threads of TensorFlow; only heeded before it has computed anything.
    listener : StreamListener, optional
        By default one line an epoch is printed.

    Returns
    -------
    Run
        Its folder holds checkpoint.npz, model.keras, model.onnx, history.csv and run.json, renewed
        after each epoch. At the end the card of the model gets the threshold for digits, and
        metrics.json what the model finds on the held-out pages.

    Raises
    ------
    TrainingFailed
        When the loss is not finite; the folder then holds the weights of the last good epoch.
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
    """Go on with a run that was stopped, from its last finished epoch.

    It ends with the weights it would have had, on the same machine with the same versions, source
    and number of threads.

    Parameters
    ----------
    path : path
        The run's folder.
    source, held_out, workers, threads, listener
        As for `train_page`.

    Raises
    ------
    BadRun
        When the folder is no run of the page network, is finished, or began with other data.
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
            Of the ONNX file.
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
        """Write the model once more, quantised, calibrated, with its threshold; and its scores."""
        self.write_model()
        pages = self.fit.pages
        if not pages:
            return
        # A steeper line leaves fewer weak peaks, and integers shift the confidence a little: so the
        # line is fitted once more to the file that ships.
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
        """Return batches of one patch from which the ranges of integers are taken."""
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
