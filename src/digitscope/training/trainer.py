"""Training of a digit classifier: from data and recipe to the folder of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import keras

from digitscope.data import Dataset, Split, join, load_data
from digitscope.errors import BadRun, TrainingFailed
from digitscope.evaluation import Scores
from digitscope.files import replacing
from digitscope.image.digit import Probabilities
from digitscope.recipes import RECIPES, Recipe, get_recipe
from digitscope.runs import Row, Run
from digitscope.training.fit import Fit, FitResult
from digitscope.training.model_release import now, release_model, timed
from digitscope.training.onnx_export import check_agreement, to_onnx
from digitscope.training.run_record import begin_run, describe_machine, describe_versions

CHECKED = 1_000  # test images on which the ONNX file must agree with Keras


class Listener(Protocol):
    """Events of a training, for example to display its progress."""

    def begin(self, run: Run, recipe: Recipe, data: Dataset, parameters: int) -> None:
        """Handle the beginning, before the first epoch."""

    def part(self, share: float) -> None:
        """Handle the end of a part of an epoch; `share` is its share of the epoch."""

    def epoch(self, row: Row) -> None:
        """Handle the end of an epoch; `row` is its row of the history."""

    def fitted(self, stopped: str) -> None:
        """Handle the end of the fit; `stopped` is the reason if it ended early."""

    def done(self, run: Run, scores: Scores) -> None:
        """Handle the end, after the model is written and scored."""


class _NoListener:
    def begin(self, run: Run, recipe: Recipe, data: Dataset, parameters: int) -> None:
        pass

    def part(self, share: float) -> None:
        pass

    def epoch(self, row: Row) -> None:
        pass

    def fitted(self, stopped: str) -> None:
        pass

    def done(self, run: Run, scores: Scores) -> None:
        pass


def train(
    recipe: str | Recipe = "mlp",
    *,
    data: str | Dataset | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    listener: Listener | None = None,
) -> Run:
    """Train a digit classifier and write its model, history and scores to one folder.

    Parameters
    ----------
    recipe : str or Recipe
        A name such as ``mlp``, or a recipe such as ``RECIPES["mlp"].but(seed=1)``.
    data : str or Dataset, optional
        Name or result of `load_data`; `resume` loads it again by its name. By default MNIST, or the
        bundled digits if MNIST is neither stored nor can be downloaded.
    out : path, optional
        The run's folder, which must not contain a run; by default ``runs/<recipe>-<number>``.
    data_dir : path, optional
        Folder of the MNIST files.
    callbacks : sequence of keras.callbacks.Callback
        Called before and after the training and each epoch.
    listener : Listener, optional
        Gets the events of the training.

    Returns
    -------
    Run
        Its folder contains model.keras, model.onnx, history.csv, metrics.json and run.json.

    Raises
    ------
    TrainingFailed
        If the loss is not finite; the folder then contains the weights of the last finished epoch,
        if any.

    Examples
    --------
    >>> run = train(RECIPES["mlp"].but(epochs=1), data="digits")  # doctest: +SKIP
    >>> run.metrics["accuracy"]  # doctest: +SKIP
    0.9...
    """
    recipe = get_recipe(recipe)
    timings: dict[str, float] = {}
    with timed(timings, "data"):
        dataset = data if isinstance(data, Dataset) else load_data(data, data_dir)
        sources = [load_data(name, data_dir) for name in recipe.sources]
        fitting, held_out = split_for(recipe, dataset, sources)
    described = describe_data(dataset, fitting, held_out, sources)
    run = begin_run(out, recipe, described, data_dir)
    with timed(timings, "build"):
        fit = Fit(recipe, fitting, held_out, callbacks, sources)
    run.update_record(data=run.record["data"] | {"fonts": fit.mixture.fonts})
    return _complete(run, fit, dataset, timings, listener or _NoListener())


def resume(
    path: str | Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    listener: Listener | None = None,
) -> Run:
    """Continue a run that was stopped, from its last finished epoch.

    On the same machine with the same versions it ends with the same weights as an uninterrupted
    run.

    Parameters
    ----------
    path : path
        The run's folder.
    callbacks : sequence of keras.callbacks.Callback
        As for `train`; their state is not restored.
    listener : Listener, optional
        Gets the events of the training.

    Raises
    ------
    BadRun
        If the folder is not a run, is finished, or the data has changed.
    """
    run = Run.open(path)
    run.check_unfinished()
    record, recipe = run.record, run.recipe
    timings: dict[str, float] = {}
    if not isinstance(record.get("data"), dict):
        raise BadRun(f"{run.record_file} is damaged: it does not contain the name of the data.")
    with timed(timings, "data"):
        dataset = load_data(record["data"]["name"], record.get("data_dir"))
        sources = [load_data(name, record.get("data_dir")) for name in recipe.sources]
        n = record["data"]["validation_images"]
        fitting, held_out = _split(dataset, n - _validation_images(sources), sources)
        described = describe_data(dataset, fitting, held_out, sources)
        if described["sha256"] != record["data"]["sha256"]:
            raise BadRun(
                f"{path} cannot be resumed: {dataset.source} has other images than before."
            )
    with timed(timings, "build"):
        fit = Fit(recipe, fitting, held_out, callbacks, sources)
        described["fonts"] = fit.mixture.fonts
        if described["fonts"] != record["data"].get("fonts", described["fonts"]):
            raise BadRun(
                f"{path} cannot be resumed: it began with {len(record['data']['fonts'])} fonts, "
                f"and now there are {len(described['fonts'])} or others. Set DIGITSCOPE_FONTS to "
                f"the same folder."
            )
        if run.checkpoint_file.exists():  # otherwise it was stopped in its first epoch
            fit.restore(run.checkpoint_file)
    for leftover in run.path.glob(".*.part*"):
        leftover.unlink(missing_ok=True)
    run.update_record(
        status="running",
        stopped="",
        data=described,
        versions=describe_versions(),
        machine=describe_machine(),
    )
    return _complete(run, fit, dataset, timings, listener or _NoListener())


def split_for(recipe: Recipe, dataset: Dataset, sources: Sequence[Dataset]) -> tuple[Split, Split]:
    """Return the real training images and the held-out images of a recipe.

    With the default number of held-out images, at most a fifth of a small data set is held out.
    """
    n = recipe.validation
    named = RECIPES.get(recipe.name)
    if named and named.validation == n:
        n = min(n, len(dataset.train) // 5)
    return _split(dataset, n, sources)


def _split(dataset: Dataset, n: int, sources: Sequence[Dataset]) -> tuple[Split, Split]:
    """Return the real training images, and the held-out images of data set and sources."""
    fitting, held_out = dataset.hold_out(n)
    parts = [source.validation for source in sources if source.validation is not None]
    return fitting, join([held_out, *parts]) if parts else held_out


def _validation_images(sources: Sequence[Dataset]) -> int:
    return sum(len(source.validation) for source in sources if source.validation is not None)


def _complete(
    run: Run, fit: Fit, dataset: Dataset, timings: dict[str, float], listener: Listener
) -> Run:
    listener.begin(run, fit.recipe, dataset, fit.model.count_params())

    def on_epoch(row: Row) -> None:
        run.write_history(fit.history)
        listener.epoch(row)

    with timed(timings, "fit"):
        stopped = ""
        try:
            result = fit.run(
                checkpoint=run.checkpoint_file, on_epoch=on_epoch, on_part=listener.part
            )
            stopped = result.stopped
        except KeyboardInterrupt:
            stopped = "interrupted in the first epoch"
            run.update_record(status="interrupted", stopped=stopped)
            raise
        finally:
            listener.fitted(stopped)
    if result.problem and len(result.history) < 2:
        run.update_record(status="failed", stopped=result.problem)
        raise TrainingFailed(result.problem)
    run.write_history(result.history)
    scores = _write_models(run, fit, result, dataset, timings)
    status = "failed" if result.problem else "interrupted" if result.interrupted else "finished"
    stopped = result.problem or result.stopped
    before = run.record.get("timings", {})
    timings = {part: before.get(part, 0.0) + seconds for part, seconds in timings.items()}
    run.update_record(status=status, stopped=stopped, timings=timings, finished=now())
    listener.done(run, scores)
    if result.problem:
        epoch = int(result.history[-1]["epoch"])
        raise TrainingFailed(f"{result.problem} {run.path} holds the weights of epoch {epoch}.")
    return run


def _write_models(
    run: Run, fit: Fit, result: FitResult, dataset: Dataset, timings: dict[str, float]
) -> Scores:
    """Write the model files and return the scores of model.onnx."""
    with timed(timings, "export"):
        with replacing(run.keras_file) as temporary:
            result.model.save(temporary)
        proto = to_onnx(result.model)

    def check(probabilities: Probabilities) -> None:
        first, what = dataset.test.images[:CHECKED], str(run.model_file)
        check_agreement(result.model, first, probabilities[:CHECKED], what)

    with timed(timings, "evaluation"):
        return release_model(
            run, proto, dataset, fit.held_out, seed=fit.recipe.seed, check=check,
            parameters=result.model.count_params(),
        )  # fmt: skip


def describe_data(
    dataset: Dataset, fitting: Split, held_out: Split, sources: Sequence[Dataset]
) -> dict[str, Any]:
    """Return the description of the data for a run's record."""
    hashes = {"train": dataset.train.sha256(), "test": dataset.test.sha256()}
    return {
        "name": dataset.name,
        "source": dataset.source,
        "training_images": len(fitting),
        "validation_images": len(held_out),
        "test_images": len(dataset.test),
        "sha256": hashes | {source.name: source.train.sha256() for source in sources},
        "licence": dataset.licence,
        "citation": dataset.citation,
        "sources": [
            {
                "name": source.name,
                "training_images": len(source.train),
                "licence": source.licence,
                "citation": source.citation,
            }
            for source in sources
        ],
    }
