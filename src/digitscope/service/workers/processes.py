"""How the service starts its processes."""

import os
import sys
from typing import Any

from digitscope.service.http.limits import KEY

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def child(module: str) -> tuple[list[str], dict[str, Any]]:
    """Return the command that runs a module, and the options with which it is started.

    It imports from where this process does, whatever lies in the current folder; it computes in one
    thread, since there are as many processes as cores; it is not told the key; and Ctrl-C is for
    the service alone, which then ends it.

    Parameters
    ----------
    module : str
        Such as ``digitscope.service.workers.process``.
    """
    environment = {name: text for name, text in os.environ.items() if name != KEY}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environment |= dict.fromkeys(THREADS, "1")
    return [sys.executable, "-P", "-m", module], {"env": environment, "start_new_session": True}
