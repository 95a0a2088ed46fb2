"""Training, the one room that knows Keras: recipe and data in, a run's folder out."""

from digitscope.errors import MissingExtra

try:
    from digitscope.training._quiet import keras as _keras  # noqa: F401
except ImportError as error:
    raise MissingExtra(
        f"training needs Keras and TensorFlow, and {error.name} is not installed: "
        f"pip install 'digitscope[train]'"
    ) from None

from digitscope.training.trainer import Listener, resume, train

__all__ = ["Listener", "resume", "train"]
