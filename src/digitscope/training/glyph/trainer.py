"""Training of the glyph network, with all results in one folder."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from digitscope.files import replacing
from digitscope.models.card import ModelCard
from digitscope.models.glyph_classes import DIGIT_CLASSES
from digitscope.models.glyph_network import GlyphNetwork
from digitscope.models.page_network import PageNetwork
from digitscope.recipes.glyph_recipe import GLYPH, GlyphRecipe
from digitscope.runs import Run
from digitscope.synthesis.pages.stream import Source
from digitscope.training.glyph.crop_stream import Crops, CropSource
from digitscope.training.glyph.export import glyph_to_onnx
from digitscope.training.glyph.fit import GlyphFit
from digitscope.training.glyph.fusion_fit import fit_fusion
from digitscope.training.layer_export import check_difference
from digitscope.training.mixture import Mixture
from digitscope.training.onnx_export import write_onnx
from digitscope.training.page.calibration import calibration_error
from digitscope.training.run_record import begin_run
from digitscope.training.stream_run import (
    StreamListener,
    StreamTraining,
    check_data,
    set_threads,
)

CHECKED = 8  # patches on whose crops the ONNX file must agree with Keras
RANGES = 100  # patches whose crops give the ranges of activations in quantisation
SHOWN = 30  # mistakes that are stored for the report
DIGITS = len(DIGIT_CLASSES)


def train_glyph(
    pages: Source,
    held_out: Source | None = None,
    *,
    recipe: GlyphRecipe = GLYPH,
    network: PageNetwork | None = None,
    singles: Mixture | None = None,
    out: str | Path | None = None,
    start: str | Path | None = None,
    data_dir: str | Path | None = None,
    workers: int = 1,
    threads: int | None = None,
    listener: StreamListener | None = None,
) -> Run:
    """Train the glyph network and write its model, history and scores to one folder.

    Parameters
    ----------
    pages : Source
        Source of the training patches; it is pickled for each worker.
    held_out : Source, optional
        Source of the held-out patches for the validation after each epoch.
    recipe : GlyphRecipe
    network : PageNetwork, optional
        The network that finds the glyphs; by default the one that comes with digitscope.
    singles : Mixture, optional
        Source of single digits, from `load_singles`.
    out : path, optional
        The run's folder, which must not contain a run; by default ``runs/glyph-<number>``.
    start : path, optional
        A ``model.keras`` or ``.onnx`` file with initial weights.
    data_dir : path, optional
        Folder of the data of the sources, for the record of the run.
    workers : int
        Number of processes that draw patches and find glyphs.
    threads : int, optional
        Threads of TensorFlow; without effect after its first computation.
    listener : StreamListener, optional
        By default one line is printed per epoch.

    Returns
    -------
    Run
        Its folder contains checkpoint.npz, model.keras, model.onnx, history.csv and run.json, which
        are updated after each epoch. At the end the weights of `Fusion` are added to the card, and
        metrics.json has the scores of both networks on held-out crops.

    Raises
    ------
    TrainingFailed
        If the loss is not finite; the folder then contains the weights of the last finished epoch.
    """
    set_threads(threads)
    path = (network or PageNetwork(threads=1)).path
    begin = Path(start) if start else None
    fit = _open_fit(recipe, CropSource(pages, path, singles), held_out, workers, begin)
    data = _describe(pages, held_out, path, singles)
    data |= {"page_network_file": str(path), "start": str(start or "")}
    run = begin_run(out, recipe, data, data_dir)
    return GlyphTraining(run, fit).complete(fit.policy, listener)


def resume_glyph(
    path: str | Path,
    pages: Source,
    held_out: Source | None = None,
    *,
    singles: Mixture | None = None,
    workers: int = 1,
    threads: int | None = None,
    listener: StreamListener | None = None,
) -> Run:
    """Continue a run that was stopped, from its last finished epoch.

    On the same machine with the same versions, source, page network and number of threads it ends
    with the same weights as an uninterrupted run.

    Parameters
    ----------
    path : path
        The run's folder.
    pages, held_out, singles, workers, threads, listener
        As for `train_glyph`.

    Raises
    ------
    BadRun
        If the folder is not a run of the glyph network, is finished, or began with other data.
    BadModel
        If the page network that it began with no longer exists.
    """
    run = Run.open(path)
    recipe = run.glyph_recipe
    network = PageNetwork(run.record["data"].get("page_network_file"), threads=1).path
    check_data(run, _describe(pages, held_out, network, singles))
    set_threads(threads)
    fit = _open_fit(recipe, CropSource(pages, network, singles), held_out, workers, run.start)
    if run.checkpoint_file.exists():
        fit.restore(run.checkpoint_file)
    return GlyphTraining(run, fit).complete(fit.policy, listener)


def _open_fit(
    recipe: GlyphRecipe,
    source: CropSource,
    held_out: Source | None,
    workers: int,
    start: Path | None,
) -> GlyphFit:
    judge = replace(source, pages=held_out) if held_out is not None else None
    return GlyphFit(recipe, source, judge, workers=workers, start=start)


class GlyphTraining(StreamTraining):
    """A run that trains the glyph network."""

    fit: GlyphFit
    data = "glyphs on synthesised pages"
    last = "answers/out"

    def write_model(self) -> None:
        """Write model.keras and model.onnx with the averaged weights of the last epoch."""
        with replacing(self.run.keras_file) as temporary:
            self.fit.network.save(temporary)
        images = self.fit.sample(CHECKED)
        with replacing(self.run.model_file) as temporary:
            write_onnx(glyph_to_onnx(self.fit.network), temporary, self._card())
            network = GlyphNetwork(temporary)
            ours = (network.probabilities(images), network.turns(images))
            for mine, keras in zip(ours, self.fit.probabilities(images), strict=True):
                check_difference(mine, keras, temporary, half=True)

    def score(self) -> None:
        """Write the final model, quantised and with the weights of the fusion, and all scores."""
        self.write_model()
        if self.fit.crops is None or not len(self.fit.crops.of_classes):
            return
        crops, turned = self.fit.crops.of_classes, self.fit.crops.of_turns
        digits = crops[crops.labels < DIGITS]
        quantisation, _ = self.quantise_model(
            glyph_to_onnx(self.fit.network, half=False),
            (image[None] for image in self.fit.sample(RANGES)),
            self._card(),
            lambda: (self._judge(digits), None),
            "accuracy",
        )
        network = GlyphNetwork(self.run.model_file)
        seen = network.probabilities(crops.images)
        turns = network.turns(turned.images).argmax(axis=1)
        fusion = fit_fusion(crops.heat, seen, crops.labels)
        card = self._card(fusion=fusion.to_dict(), quantisation=quantisation)
        write_onnx(onnx.load(self.run.model_file), self.run.model_file, card)
        both = fusion.apply(crops.heat, seen)
        write_held_out(self.run.held_out_file, crops, both)
        parts = {"page": crops.heat, "glyph": seen[:, :-1], "both": both}
        self.run.write_metrics(
            {
                "crops": len(crops),
                "digits": int((crops.labels < DIGITS).sum()),
                "fusion": fusion.to_dict(),
                "quantisation": quantisation,
                "turned": len(turned),
                "turns_right": float((turns == turned.turns).mean()) if len(turned) else 0.0,
                **{name: judge_digits(part, crops.labels) for name, part in parts.items()},
            }
        )

    def _judge(self, digits: Crops) -> float:
        """Return the accuracy of the model file on crops of digits, among the ten digits."""
        seen = GlyphNetwork(self.run.model_file).probabilities(digits.images)
        right = seen[:, :DIGITS].argmax(axis=1) == digits.labels
        return float(right.mean()) if len(right) else 0.0

    def _card(self, **fields: Any) -> ModelCard:
        data = {"page_network": self.run.record["data"]["page_network"]}
        return self.card(len(self.fit.crops or ()), data=data, **fields)


def write_held_out(path: Path, crops: Crops, both: np.ndarray) -> None:
    """Write the data of a report: all probabilities, and the crops of the most confident mistakes.

    Parameters
    ----------
    path : path
    crops : Crops
    both : ndarray of shape (n, 16), dtype float32
        Class probabilities of both networks combined.
    """
    digits = crops.labels < DIGITS
    wrong = np.flatnonzero(digits & (both[:, :DIGITS].argmax(axis=1) != crops.labels))
    surest = wrong[np.argsort(-both[wrong, :DIGITS].max(axis=1), kind="stable")][:SHOWN]
    with replacing(path) as temporary:
        np.savez_compressed(
            temporary,
            labels=crops.labels,
            page=crops.heat.astype(np.float16),
            both=both.astype(np.float16),
            mistakes=surest,
            images=crops.images[surest],
        )


def judge_digits(heat: np.ndarray, labels: np.ndarray, threshold: float = 0.5) -> dict[str, float]:
    """Return the scores of digits, among each other and against all other crops.

    Parameters
    ----------
    heat : ndarray of shape (n, 16), dtype float32
        The probability of each class.
    labels : ndarray of shape (n,), dtype uint8
        The true classes.
    threshold : float
        Least probability of a reported digit.

    Returns
    -------
    dict
        ``accuracy`` among the ten digits, for crops of digits; ``precision`` and ``recall`` of
        reported digits, and their expected ``calibration_error``.
    """
    answers, confidence = heat[:, :DIGITS].argmax(axis=1), heat[:, :DIGITS].max(axis=1)
    reported = (heat.argmax(axis=1) < DIGITS) & (confidence >= threshold)
    digits, right = labels < DIGITS, answers == labels
    return {
        "accuracy": float(right[digits].mean()),
        "precision": float(right[reported].mean()) if reported.any() else 0.0,
        "recall": float((right & reported).sum() / max(digits.sum(), 1)),
        "calibration_error": calibration_error(confidence[reported], right[reported])
        if reported.any()
        else 0.0,
    }


def _describe(
    pages: Source, held_out: Source | None, network: Path, singles: Mixture | None
) -> dict[str, str]:
    digest = hashlib.sha256(network.read_bytes()).hexdigest()
    described = {"source": repr(pages), "held_out": repr(held_out), "page_network": digest}
    return described | ({"singles": repr(singles)} if singles else {})
