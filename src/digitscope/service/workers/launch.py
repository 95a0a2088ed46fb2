"""How the service starts its child processes."""

import os
import sys
from typing import Any

from digitscope.service.http.limits import KEY

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def child_command(module: str) -> tuple[list[str], dict[str, Any]]:
    """Return the command that runs a module, and the options of `subprocess.Popen` for it.

    The child imports from where this process does, whatever files the current folder has. It
    computes in one thread, because there is a process for each core. Its environment has no API
    key. It gets no Ctrl-C: the service ends it.

    Parameters
    ----------
    module : str
        Such as ``digitscope.service.workers.worker_process``.
    """
    environment = {name: text for name, text in os.environ.items() if name != KEY}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    environment |= dict.fromkeys(THREADS, "1")
    return [sys.executable, "-P", "-m", module], {"env": environment, "start_new_session": True}
