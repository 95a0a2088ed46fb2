"""Training, the one room that knows Keras: recipe and data in, a run's folder out."""

from digitscope.training._quiet import BACKEND
from digitscope.training.committee import resume_committee, train_committee
from digitscope.training.trainer import Listener, resume, train

__all__ = ["BACKEND", "Listener", "resume", "resume_committee", "train", "train_committee"]
