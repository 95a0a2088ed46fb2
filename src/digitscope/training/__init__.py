"""Training with Keras: from a recipe and data to the folder of a run."""

from digitscope.errors import MissingExtra

try:
    from digitscope.training._keras_import import BACKEND
except ImportError as error:
    from os import environ

    extra = "jax" if environ.get("KERAS_BACKEND") == "jax" else "train"
    raise MissingExtra(
        f"training needs Keras and its backend, and {error.name} is not installed: "
        f"pip install 'digitscope[{extra}]'"
    ) from None

from digitscope.training.committee import resume_committee, train_committee
from digitscope.training.trainer import Listener, resume, train

__all__ = ["BACKEND", "Listener", "resume", "resume_committee", "train", "train_committee"]
