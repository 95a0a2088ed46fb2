"""The record of a new run: recipe, data, versions and machine."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from digitscope.errors import BadRun
from digitscope.recipes import Recipe
from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.runs import RUNS, Run, new_run_folder
from digitscope.training.model_release import now


def begin_run(
    out: str | Path | None,
    recipe: Recipe | StreamRecipe,
    data: dict[str, Any],
    data_dir: str | Path | None,
    **more: Any,
) -> Run:
    """Create the folder and the record of a new run, and return the run.

    Parameters
    ----------
    out : path, optional
        The folder; by default ``runs/<name of the recipe>-<number>``.
    recipe : Recipe or StreamRecipe
    data : dict
        Description of the training data.
    data_dir : path, optional
        Folder of the data sets.
    **more
        Further fields of the record.

    Raises
    ------
    BadRun
        If the folder already contains a run.
    """
    path = new_run_folder(RUNS, recipe.name) if out is None else Path(out)
    run = Run(path)
    if run.record_file.exists():
        raise BadRun(
            f"{path} already holds a run; choose another --out, or continue it with --resume."
        )
    path.mkdir(parents=True, exist_ok=True)
    run.update_record(
        status="running",
        recipe=recipe.to_dict(),
        data=data,
        data_dir=str(data_dir) if data_dir else None,
        versions=describe_versions(),
        machine=describe_machine(),
        started=now(),
        **more,
    )
    return run


def describe_versions() -> dict[str, str]:
    """Return the versions of digitscope, Python and the libraries used for training."""
    backend = keras.backend.backend()
    libraries = ("digitscope", "keras", backend, "numpy", "onnx", "onnxruntime", "scikit-learn")
    return {"python": platform.python_version()} | {name: version(name) for name in libraries}


def describe_machine() -> str:
    """Return operating system, processor and number of cores."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
