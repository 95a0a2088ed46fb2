"""Ctrl-C that waits."""

import os
import signal
import threading

import numpy as np
import pytest

from digitscope.training.fit import Fit
from digitscope.training.interrupts import uninterrupted
from test_fit import DROPOUT


@pytest.fixture(autouse=True)
def _python_handles_ctrl_c():
    """Shells start background processes with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_waits_for_the_end_of_the_block():
    done = []

    def work():
        with uninterrupted():
            press()
            done.append("block")
        done.append("after")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["block"]
    with pytest.raises(KeyboardInterrupt):  # the handler of before is back
        press()


def test_an_error_in_the_block_passes_and_nothing_happens_without_ctrl_c():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="full"), uninterrupted():
        raise OSError("full")
    with uninterrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is handler


def test_in_another_thread_the_block_just_runs():
    done = []

    def work():
        with uninterrupted():
            done.append("block")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["block"]


def test_ctrl_c_while_a_checkpoint_is_written_leaves_it_whole(digits, tmp_path, monkeypatch):
    written, save = [], np.savez

    def savez(*arguments, **arrays):
        if written:  # the first epoch is finished
            press()
        written.append(save(*arguments, **arrays))

    monkeypatch.setattr(np, "savez", savez)
    train = digits.train.take(slice(80))
    fit = Fit(DROPOUT, train, train)
    result = fit.run(checkpoint=tmp_path / "checkpoint.npz")
    assert (result.interrupted, result.stopped) == (True, "interrupted after epoch 2")
    again = Fit(DROPOUT, train, train)
    again.restore(tmp_path / "checkpoint.npz")
    assert again.history == result.history
