"""Training with Keras: from a recipe and data to the folder of a run."""

from digitscope.training._keras_import import BACKEND
from digitscope.training.committee import resume_committee, train_committee
from digitscope.training.trainer import Listener, resume, train

__all__ = ["BACKEND", "Listener", "resume", "resume_committee", "train", "train_committee"]
