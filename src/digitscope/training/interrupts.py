"""Delay of Ctrl-C during operations that must not be interrupted."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the end of the ``with`` block.

    A `KeyboardInterrupt` can occur between any two instructions, also inside of libraries.
    `numpy.savez`, for example, raises a `ValueError` if it is interrupted while it writes an array.
    In other threads than the main one this has no effect, since signals do not interrupt them.

    >>> with uninterrupted():
    ...     written = "a checkpoint"
    >>> written
    'a checkpoint'
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)
