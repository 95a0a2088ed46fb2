"""Checkpoints: the values of all variables and the history, in one file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from digitscope.errors import BadRun
from digitscope.files import replacing
from digitscope.runs import Row

State = list[np.ndarray]  # the values of all variables, in a fixed order


def write_checkpoint(path: Path, state: State, history: list[Row]) -> None:
    """Write a checkpoint atomically."""
    arrays: dict[str, Any] = {f"variable_{i:03}": value for i, value in enumerate(state)}
    with replacing(path) as temporary:
        np.savez(temporary, history=np.array(json.dumps(history)), **arrays)


def read_checkpoint(path: Path, shapes: Sequence[tuple[int, ...]]) -> tuple[State, list[Row]]:
    """Read a checkpoint that `write_checkpoint` wrote.

    Parameters
    ----------
    path : path
    shapes : sequence of tuple of int
        Shapes of the variables that will take the values.

    Raises
    ------
    BadRun
        If the file does not exist, is damaged, or is of another network.
    """
    try:
        # Opened here, since NumPy does not close a file that is not an archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            history = json.loads(str(archive["history"]))
            state = [archive[name] for name in sorted(archive.files) if name != "history"]
        if [v.shape for v in state] != list(shapes):
            raise ValueError("its weights have other shapes than the recipe")
    except FileNotFoundError:
        raise BadRun(
            f"{path.parent} has no finished epoch to continue from; start a new training."
        ) from None
    except Exception as error:  # NumPy and zipfile raise many error types for a damaged file
        raise BadRun(f"{path} is damaged: {error}.") from None
    return state, history
