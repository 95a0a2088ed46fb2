"""Ctrl-C that waits until what must not be broken off is done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended; then it acts as it would have.

    A `KeyboardInterrupt` may come between any two instructions, also of libraries. `numpy.savez`
    answers some of them with a `ValueError`, since its archive cannot be closed in the middle of an
    array. In a thread other than the main one, which no signal interrupts, nothing is done.

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
