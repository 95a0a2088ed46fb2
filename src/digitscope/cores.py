"""How many cores there are to compute on."""

import os


def usable_cores() -> int:
    """Return the cores that this process may use, which can be fewer than the machine has.

    >>> usable_cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
