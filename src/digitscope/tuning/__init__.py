"""The search for a better recipe with Optuna, on held-out data; it needs the extra ``tune``.

::

    space.py      which fields of a recipe are searched, and between which values
    objective.py  trains a recipe and tells its held-out loss, epoch after epoch
    study.py      the trials, in a database that outlives them
"""

from digitscope.extras import require

require("tune", "digitscope tune")

from digitscope.tuning.space import parse_space, usual_space
from digitscope.tuning.study import Tuned, Tuning, tune

__all__ = ["Tuned", "Tuning", "parse_space", "tune", "usual_space"]
