"""A batch answers each image once, even if processes are killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import batch_killers
from batch_sources import png, write_source
from digitscope.batch.answers import Answerer
from digitscope.batch.cluster import ray_running
from digitscope.batch.items import Chunk
from digitscope.batch.job import read_parts
from digitscope.batch.worker import KILLED, IsolatedAnswerer, do_part
from digitscope.cli import main
from digitscope.data import load_data
from digitscope.errors import DataUnavailable
from digitscope.image.mnist_form import to_mnist
from digitscope.models.classifier import load
from digitscope.reading import read
from test_batch_sources import make_request, plan

IMAGES = load_data("digits").test.images[:30]


def answers(job):
    """Do the parts of a job in this process; return its rows and counts."""
    counts = [do_part(job, part) for part in read_parts(job)]
    return pq.read_table(job.out).to_pylist(), counts


def test_answers_are_those_of_the_classifier(tmp_path):
    rows, counts = answers(plan(write_source(tmp_path / "in", "npy", IMAGES), tmp_path / "out"))
    classifier = load("cnn", threads=1)
    probabilities, scores = classifier.judge(IMAGES)
    assert [row["key"] for row in rows] == [f"images.npy[{k}]" for k in range(len(IMAGES))]
    assert [row["guess"] for row in rows] == probabilities.argmax(axis=1).tolist()
    np.testing.assert_allclose([row["confidence"] for row in rows], probabilities.max(axis=1), 1e-5)
    np.testing.assert_allclose([row["score"] for row in rows], scores, 1e-5)
    refused = scores < classifier.threshold
    assert [row["refused"] for row in rows] == refused.tolist()
    assert [row["digit"] is None for row in rows] == refused.tolist()
    assert [row["text"] for row in rows] == [
        None if row["digit"] is None else str(row["digit"]) for row in rows
    ]
    assert all(row["error"] is None for row in rows)
    assert sum(count["refused"] for count in counts) == refused.sum()
    assert sum(count["rows"] for count in counts) == len(IMAGES)


def test_numbers_are_those_of_read(tmp_path):
    (tmp_path / "in").mkdir()
    written = np.hstack(list(IMAGES[:4]))
    (tmp_path / "in" / "a.png").write_bytes(png(np.kron(written, np.ones((2, 2), np.uint8))))
    (tmp_path / "in" / "b.png").write_bytes(png(np.zeros((80, 80), np.uint8)))
    rows, _ = answers(plan(tmp_path / "in", tmp_path / "out", task="read"))
    page = read(tmp_path / "in" / "a.png")
    assert page.text
    assert [row["text"] for row in rows] == [page.text, ""]
    assert [row["refused"] for row in rows] == [False, True]
    assert [number["text"] for number in rows[0]["numbers"]] == [n.text for n in page.numbers]
    assert [digit["digit"] for digit in rows[0]["digits"]] == [d.label for d in page.digits]
    box = ("left", "top", "width", "height")
    assert [tuple(d[side] for side in box) for d in rows[0]["digits"]] == [
        d.box for d in page.digits
    ]


def test_arrays_are_read_as_ink_on_paper(tmp_path):
    job = plan(write_source(tmp_path / "in", "npy", IMAGES[:6]), tmp_path / "out", task="read")
    rows, _ = answers(job)
    assert [row["text"] for row in rows] == [read(255 - image).text for image in IMAGES[:6]]


def test_a_bad_picture_is_a_row_with_its_error(tmp_path):
    folder = write_source(tmp_path / "in", "folder", IMAGES[:6])
    (folder / "0" / "000.png").write_bytes(b"no picture")
    (folder / "0" / "002.png").write_bytes(png(IMAGES[2])[:100])
    (folder / "1" / "001.png").write_bytes(b"")
    job = plan(folder, tmp_path / "out")
    (folder / "1" / "003.png").unlink()
    rows, counts = answers(job)
    errors = {row["key"]: row["error"] for row in rows if row["error"]}
    assert set(errors) == {"0/000.png", "0/002.png", "1/001.png", "1/003.png"}
    assert "not a picture" in errors["0/000.png"]
    assert all(row["digit"] is None for row in rows if row["error"])
    assert len(rows) == 6
    assert sum(count["errors"] for count in counts) == 4
    good = [row for row in rows if not row["error"]]
    wanted = load("cnn", threads=1).judge(np.stack([to_mnist(png(IMAGES[k])) for k in (4, 5)]))
    assert [row["guess"] for row in good] == wanted.probabilities.argmax(axis=1).tolist()


def test_a_part_is_done_once(tmp_path):
    job = plan(write_source(tmp_path / "in", "npy", IMAGES), tmp_path / "out")
    _, counts = answers(job)
    times = {path.name: path.stat().st_mtime_ns for path in Path(job.out).glob("*.parquet")}
    (tmp_path / "in" / "images.npy").unlink()
    _, again = answers(job)
    assert [count | {"done": 1} for count in counts] == again
    assert {p.name: p.stat().st_mtime_ns for p in Path(job.out).glob("*.parquet")} == times


def test_a_part_that_fails_leaves_no_file(tmp_path):
    job = plan(write_source(tmp_path / "in", "npy", IMAGES), tmp_path / "out")
    (tmp_path / "in" / "images.npy").write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        do_part(job, next(read_parts(job)))
    assert not list(Path(job.out).glob("*part-*"))
    assert not list(Path(job.out).glob("_batch/begun-*"))  # no process was killed


def test_the_image_that_kills_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(batch_killers.__file__).parent))
    job = make_request("in", tmp_path)
    pictures = [png(image) for image in IMAGES[:7]]
    pictures[2] = pictures[5] = batch_killers.KILLER
    chunk = Chunk([f"{k}" for k in range(7)], pictures)
    with IsolatedAnswerer(batch_killers.KilledByAnImage(job)) as isolated:
        rows = isolated(chunk).to_pylist()
    assert [row["key"] for row in rows] == chunk.keys
    assert [row["error"] for row in rows] == [KILLED if k in (2, 5) else None for k in range(7)]
    pictures = [picture for picture in pictures if picture != batch_killers.KILLER]
    alone = Answerer(job)(Chunk(["0"] * 5, pictures)).to_pylist()
    assert [r["guess"] for r in rows if not r["error"]] == [row["guess"] for row in alone]


# What follows starts Ray, which takes seconds.


def start(*arguments, script=None, cwd=None):
    """Start a command, or a script of the tests, as a process."""
    what = ["-m", "digitscope"] if script is None else [script]
    environment = os.environ | {"PYTHONPATH": str(Path(batch_killers.__file__).parent)}
    return subprocess.Popen(
        [sys.executable, *what, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=cwd,
        start_new_session=True,
    )  # fmt: skip


def finish(process, seconds=300):
    """Wait for the end of a process; one that takes longer is killed with those it started."""
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    return process.returncode, out, error


def check_complete(out):
    """Check that each image has one row, and that nothing is left over."""
    rows = pq.read_table(out).to_pylist()
    assert len(rows) == len({row["key"] for row in rows}) == len(IMAGES)
    assert not list(Path(out).glob(".part*"))
    assert not list(Path(out).glob("_batch/begun-*"))
    return rows


@pytest.mark.slow
def test_a_job_that_is_killed_goes_on(tmp_path):
    source = write_source(tmp_path / "in", "folder", IMAGES)
    command = ["batch", source, tmp_path / "out", "--part-size", 1, "--workers", 1, "--json"]
    process = start(*command)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob("part-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = len(list((tmp_path / "out").glob("part-*")))
    assert 0 < done < 30
    code, out, error = finish(start(*command))
    assert code == 0, error
    assert 0 < json.loads(out)["done_before"] < 30
    check_complete(tmp_path / "out")


@pytest.mark.slow
def test_a_worker_and_an_image_that_kill(tmp_path):
    source = write_source(tmp_path / "in", "folder", IMAGES)
    (source / "0" / "008.png").write_bytes(batch_killers.KILLER)
    script = batch_killers.__file__
    code, _, error = finish(start("workers", source, tmp_path / "out", script=script))
    assert code == 0, error
    errors = {r["key"]: r["error"] for r in check_complete(tmp_path / "out") if r["error"]}
    assert errors == {"0/008.png": KILLED}
    assert (tmp_path / "out" / "_batch" / "killed").exists()


@pytest.mark.slow
def test_two_nodes_of_which_one_is_lost_write_what_one_machine_does(tmp_path):
    source = write_source(tmp_path / "in", "npy", IMAGES)
    rows, _ = answers(plan(source, tmp_path / "alone", size=4))
    process = start("nodes", source, tmp_path / "out", script=batch_killers.__file__)
    try:
        code, _, error = finish(process, 180)
    except subprocess.TimeoutExpired:  # Ray sometimes takes minutes; the command is started again
        code, _, error = finish(start("batch", source, tmp_path / "out", "--part-size", 4))
    assert code == 0, error
    assert check_complete(tmp_path / "out") == rows


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_the_command_goes_on(tmp_path):
    source = write_source(tmp_path / "in", "npy", IMAGES)
    code, _, error = finish(start("full", source, tmp_path / "out", script=batch_killers.__file__))
    assert code == 1
    assert "stopped: part-000001.parquet: No space left on device; finished parts are kept" in error
    done = len(list((tmp_path / "out").glob("part-*")))
    command = ["batch", "in/images.npy", "out", "--part-size", 4, "--json"]
    code, out, error = finish(start(*command, cwd=tmp_path))
    assert (code, error) == (0, "")
    summary = json.loads(out)
    assert (summary["images"], summary["errors"]) == (30, 0)
    assert summary["done_before"] == min(4 * done, 30)
    check_complete(tmp_path / "out")


def test_a_cluster_of_another_version_is_one_line(monkeypatch):
    import ray

    def init(**_):
        raise RuntimeError("Version mismatch:\n    The cluster was started with: Ray: 2.0")

    monkeypatch.setattr(ray, "init", init)
    with (
        pytest.raises(DataUnavailable, match="Version mismatch: The cluster was started with"),
        ray_running(None, 1),
    ):
        pass


def test_a_ray_that_runs_already_is_used_and_left_running(monkeypatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 3.0})
    monkeypatch.setattr(ray, "init", None)
    monkeypatch.setattr(ray, "shutdown", None)
    with ray_running(None, 2) as cores:
        assert cores == 2


def test_a_server_that_does_not_answer(tmp_path):
    with pytest.raises(DataUnavailable, match="cannot be reached: Connect call failed"):
        plan("http://127.0.0.1:9/a.parquet", tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nix", "out"], 2, "no such file or folder:"),
        (["in", "out", "--task", "write"], 2, "--task must be predict or read"),
        (["in", "out", "--address", "127.0.0.1:9"], 1, "does not answer"),
        (["in", "out", "--address", "a:b"], 2, "must be HOST:PORT"),
        (["in", "out", "--model", "nix"], 1, "no such model: nix"),
        (["in", "/proc/nix"], 1, "/proc/nix cannot be written"),
    ],
)
def test_misuse_is_one_line(arguments, code, message, tmp_path, monkeypatch, capsys):
    write_source(tmp_path / "in", "npy", IMAGES)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["batch", *arguments])
    out, error = capsys.readouterr()
    assert (ended.value.code, out) == (code, "")
    assert message in error
    assert error.count("\n") == 1
