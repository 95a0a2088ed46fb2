"""A training process that is really killed or interrupted."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from digitscope.models.classifier import load
from digitscope.runs import Run

pytestmark = pytest.mark.slow

EPOCHS = 40  # some seconds to be killed in
RECIPE = f"--hidden 32 --epochs {EPOCHS} --dropout 0.2 --average 0.9 --batch-size 16"
OPTIONS = ["--data", "digits", "--no-report", *RECIPE.split()]
# A process that a shell starts in the background ignores Ctrl-C, and so do its children.
CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from digitscope.cli import main; main()"
)
PROGRAM = [sys.executable, "-c", CODE]
DEADLINE = 300.0  # seconds; only a broken program takes them


def start(*arguments):
    # A process of its own group, so that a signal reaches it and not the tests.
    return subprocess.Popen(
        [*PROGRAM, "train", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_epochs(process, run, n):
    """Return when the history tells of `n` epochs."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        assert process.poll() is None, process.communicate()
        if run.checkpoint_file.is_file() and len(run.history) > n:
            return
        time.sleep(0.005)  # not a wait for a result: only how often to look
    process.kill()
    raise AssertionError(f"no {n} epochs after {DEADLINE} s: {process.communicate()}")


def finish(process):
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    return out, err


def weights(run):
    with np.load(run.checkpoint_file) as archive:
        return [archive[name] for name in sorted(archive.files) if name != "history"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nobody disturbed."""
    run = Run(tmp_path_factory.mktemp("kill") / "whole")
    finish(start(*OPTIONS, "--out", run.path))
    return run


def test_killed_it_goes_on_and_ends_as_it_would_have(whole, tmp_path):
    run = Run(tmp_path / "killed")
    for epochs in (3, 12):  # killed twice
        begin = (
            ["--resume", run.path, "--no-report"] if epochs > 3 else [*OPTIONS, "--out", run.path]
        )
        process = start(*begin)
        wait_for_epochs(process, run, epochs)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert run.record["status"] == "running"
        assert not run.model_file.exists()
    finish(start("--resume", run.path, "--no-report"))
    assert all((a == b).all() for a, b in zip(weights(run), weights(whole), strict=True))
    assert run.metrics == whole.metrics
    assert len(run.history) == EPOCHS + 1
    leftovers = [p.name for p in run.path.iterdir() if p.name.startswith(".")]
    assert len(leftovers) <= 2  # what a kill during a write cannot clean up


def test_ctrl_c_leaves_a_usable_run(tmp_path, digits):
    run = Run(tmp_path / "interrupted")
    process = start(*OPTIONS, "--out", run.path)
    wait_for_epochs(process, run, 2)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert run.record["status"] == "interrupted"
    last = int(run.history[-1]["epoch"])
    assert run.record["stopped"] == f"interrupted after epoch {last}"
    assert 1 <= last < EPOCHS
    accuracy = np.mean(load(run.path).predict(digits.test.images) == digits.test.labels)
    assert run.metrics["accuracy"] == pytest.approx(accuracy)
    assert run.record["stopped"] in err


def test_two_processes_with_no_out_take_two_folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = [*OPTIONS[:3], "--hidden", "8", "--epochs", "1"]
    processes = [start(*options) for _ in range(2)]
    answers = [finish(process)[0] for process in processes]
    assert sorted(answer.split()[-1] for answer in answers) == [
        "runs/mlp-1/model.onnx",
        "runs/mlp-2/model.onnx",
    ]
