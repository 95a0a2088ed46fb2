"""Hyperparameter search with Optuna, on held-out data; it needs the extra ``tune``.

::

    space.py      the search space: fields of a recipe and their values
    objective.py  training of a recipe, with its held-out loss after each epoch
    study.py      the trials, in a database
"""

from digitscope.extras import require

require("tune", "digitscope tune")

from digitscope.tuning.space import parse_space, usual_space
from digitscope.tuning.study import Tuned, Tuning, tune

__all__ = ["Tuned", "Tuning", "parse_space", "tune", "usual_space"]
