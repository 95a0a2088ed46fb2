"""A training of the page network as one folder, as `digitscope.training.train` makes for digits."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from digitscope.errors import BadModel, BadRun, TrainingFailed
from digitscope.files import replacing
from digitscope.model_card import ModelCard
from digitscope.page_network import PageNetwork
from digitscope.page_recipe import PAGE, PageRecipe
from digitscope.page_scores import PageScores
from digitscope.runs import RUNS, Row, Run, new_run_folder
from digitscope.synthesis.pages.stream import Source, draw_patch
from digitscope.training.onnx_export import write_onnx
from digitscope.training.page.calibration import Calibration, calibrate, fit_calibration
from digitscope.training.page.export import check_page_agreement, page_to_onnx
from digitscope.training.page.fit import PageFit
from digitscope.training.trainer import describe_machine, describe_versions, now

CHECKED = 4  # patches on which the ONNX file must agree with Keras


class PageListener(Protocol):
    """What `train_page` tells while it works; the command line draws it."""

    def begin(self, run: Run, recipe: PageRecipe, parameters: int, policy: str) -> None:
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

    def begin(self, run: Run, recipe: PageRecipe, parameters: int, policy: str) -> None:
        """Print what is trained."""
        print(f"{run.path}: {parameters:,} weights, {policy}, {recipe.epochs} epochs", flush=True)

    def part(self, share: float) -> None:
        """Print nothing."""

    def epoch(self, row: Row) -> None:
        """Print losses and scores."""
        scores = "".join(
            f"  {name} {row[f'val_f1_{name}']:.3f}"
            for name in ("digits", "signs", "other")
            if f"val_f1_{name}" in row
        )
        held_out = f"  held out {row['val_loss']:.3f}{scores}" if scores else ""
        print(
            f"epoch {row['epoch']:.0f}  loss {row['loss']:.3f} (heat {row['loss_heat']:.3f} "
            f"box {row['loss_box']:.3f} link {row['loss_link']:.3f} ruling "
            f"{row['loss_ruling']:.3f}){held_out}  {row['patches_per_second']:.0f} patches/s, "
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
    listener: PageListener | None = None,
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
        A ``model.keras`` of an earlier run whose weights to begin with.
    data_dir : path, optional
        Where the sources were loaded from; it is noted for those who go on with the run.
    workers : int
        Processes that draw patches.
    threads : int, optional
        Threads of TensorFlow; only heeded before it has computed anything.
    listener : PageListener, optional
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
    path = new_run_folder(RUNS, recipe.name) if out is None else Path(out)
    run = Run(path)
    if run.record_file.exists():
        raise BadRun(f"{path} already holds a run; name another --out, or go on with --resume.")
    path.mkdir(parents=True, exist_ok=True)
    _set_threads(threads)
    fit = PageFit(recipe, source, held_out, workers=workers, start=Path(start) if start else None)
    run.update_record(
        status="running",
        recipe=recipe.to_dict(),
        data=_describe(source, held_out) | {"start": str(start or "")},
        data_dir=str(data_dir) if data_dir else None,
        versions=describe_versions(),
        machine=describe_machine(),
        started=now(),
    )
    return _complete(run, fit, listener or PrintedProgress())


def resume_page(
    path: str | Path,
    source: Source,
    held_out: Source | None = None,
    *,
    workers: int = 1,
    threads: int | None = None,
    listener: PageListener | None = None,
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
    run.check_unfinished()
    record, recipe = run.record, run.page_recipe
    for name, value in _describe(source, held_out).items():
        if (begun := record["data"].get(name)) != value:
            raise BadRun(
                f"{path} cannot go on: its {name} was {str(begun)[:200]}. Received: {value[:200]}."
            )
    _set_threads(threads)
    fit = PageFit(recipe, source, held_out, workers=workers, start=None)
    if run.checkpoint_file.exists():
        fit.restore(run.checkpoint_file)
    elif start := record["data"].get("start"):
        fit = PageFit(recipe, source, held_out, workers=workers, start=Path(start))
    run.update_record(status="running", stopped="", versions=describe_versions())
    return _complete(run, fit, listener or PrintedProgress())


def _complete(run: Run, fit: PageFit, listener: PageListener) -> Run:
    listener.begin(run, fit.recipe, fit.network.count_params(), fit.policy)
    started = time.perf_counter()

    def on_epoch(row: Row) -> None:
        run.write_history(fit.history)
        try:
            write_page_model(run, fit)
        except BadModel as error:  # a later epoch may be written; the checkpoint is
            run.update_record(export_problem=f"epoch {row['epoch']:.0f}: {error}")
        listener.epoch(row)

    stopped = "interrupted"
    try:
        result = fit.run(checkpoint=run.checkpoint_file, on_epoch=on_epoch, on_part=listener.part)
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
        _score(run, fit)
    run.update_record(status=status, stopped=stopped, timings={"fit": seconds}, finished=now())
    if result.problem:
        raise TrainingFailed(result.problem)
    listener.done(run)
    return run


def _score(run: Run, fit: PageFit) -> None:
    """Write the model once more, calibrated on held-out pages and with its threshold for digits."""
    write_page_model(run, fit)
    if not fit.pages:
        return
    calibration = fit_calibration(_look(run, fit))
    calibrate(fit.network, calibration)
    write_page_model(run, fit, calibration)
    scores = _look(run, fit)
    refusal = scores.choose_threshold()
    write_page_model(run, fit, calibration, refusal)
    run.write_metrics(
        {"pages": len(fit.pages), "digits": refusal, "calibration": calibration.to_dict()}
        | scores.row()
    )


def _look(run: Run, fit: PageFit) -> PageScores:
    """Return what the model file shows of the held-out pages."""
    network = PageNetwork(run.model_file)
    return PageScores.from_maps((network.maps(image), truth) for image, truth in fit.pages)


def write_page_model(
    run: Run,
    fit: PageFit,
    calibration: Calibration | None = None,
    refusal: dict[str, float] | None = None,
) -> None:
    """Write model.keras and model.onnx with the averaged weights of the last epoch.

    Parameters
    ----------
    run : Run
    fit : PageFit
    calibration : Calibration, optional
        For the card: what the last layer was changed by.
    refusal : dict, optional
        For the card: the threshold for digits and what it was chosen by.
    """
    with replacing(run.keras_file) as temporary:
        fit.network.save(temporary)
    images = [draw_patch(fit.source, (0, 2), number)[0] for number in range(CHECKED)]
    record, row = run.record, fit.history[-1]
    card = ModelCard(
        recipe=record["recipe"],
        data={
            "name": "synthesised pages",
            "patches": int(row["epoch"]) * fit.recipe.steps * fit.recipe.batch_size,
        },
        versions=record["versions"],
        parameters=fit.network.count_params(),
        calibration=calibration.to_dict() if calibration else {},
        refusal=refusal or {},
        scores=_scores(row, fit.recipe.validation),
        created=now(),
    )
    proto = page_to_onnx(fit.network)
    with replacing(run.model_file) as temporary:
        write_onnx(proto, temporary, card)
        check_page_agreement(fit.network, temporary, np.stack(images), half=True)


def _describe(source: Source, held_out: Source | None) -> dict[str, str]:
    return {"source": repr(source), "held_out": repr(held_out)}


def _scores(row: Row, n: int) -> dict[str, Any]:
    scores = {name[4:]: value for name, value in row.items() if name.startswith("val_")}
    return {"n": n} | scores if scores else {}


def _set_threads(threads: int | None) -> None:
    if threads is not None:
        import tensorflow as tf

        with suppress(RuntimeError):  # it has begun to compute
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
