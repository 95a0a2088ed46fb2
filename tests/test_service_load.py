"""The service under load, with slow or broken clients, and with workers that fail."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from digitscope.models.card import MODELS
from digitscope.models.classifier import load
from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.workers import jobs
from digitscope.service.workers.batching import PredictionBatcher
from digitscope.service.workers.pool import WorkerPool
from worker_jobs import die, fail, hold, seven

PATIENCE = 60  # seconds; what has not happened by then is not going to happen
SHORT = 5  # seconds; the time limit of the service whose timeouts are tested
RAW = "application/octet-stream"


def until(true, what):
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Service:
    """A service in a process of its own."""

    def __init__(self, log, *options, seconds=PATIENCE, program=("-m", "digitscope")):
        self.log = log
        command = [sys.executable, *program, "serve", "--port", "0", "--model", "mlp"]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, "--seconds", str(seconds), "--at-once", "1", *options],
                stdout=subprocess.PIPE, stderr=errors, text=True,
            )  # fmt: skip
        self.address = self.process.stdout.readline().strip()
        self.port = int(self.address.rpartition(":")[2])

    def workers(self):
        task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in task.read_text().split()]

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, path="/v1/predict", body=bytes(784), kind=RAW):
        """Return status and answer."""
        with self.connect() as connection:
            connection.sendall(request(body, path, kind))
            return answer_of(connection)

    def under_way(self):
        """Return how many requests are in progress, without the one that asks for the metrics."""
        text = urllib.request.urlopen(f"{self.address}/metrics", timeout=PATIENCE).read().decode()
        return float(re.search(r"^digitscope_requests_under_way (\S+)", text, re.M)[1]) - 1


@contextmanager
def serving(log, *options, **settings):
    service = Service(log, *options, **settings)
    try:
        until(lambda: service.ask()[0] == 200, "its worker works")
        yield service
    finally:
        service.process.kill()
        service.process.communicate()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("service") / "log") as service:
        yield service


@pytest.fixture(scope="module")
def hasty_service(tmp_path_factory):
    """A service whose time limit is short."""
    with serving(tmp_path_factory.mktemp("hasty") / "log", seconds=SHORT) as service:
        yield service


@pytest.fixture(autouse=True)
def no_trace(request):
    """No service of these tests logs an exception that it did not expect."""
    yield
    for name in {"service", "hasty_service"} & set(request.fixturenames):
        assert "Traceback" not in request.getfixturevalue(name).log.read_text()


def request(body=bytes(784), path="/v1/predict", kind=RAW):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def answer_of(connection):
    """Return the status and the content of the answer, read until the connection is closed.

    A connection that the service closes while the client still sends is reset.
    """
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        if not parts:
            raise
    return parsed(b"".join(parts))


def parsed(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(maxsplit=2)[1])
    content = json.loads(body)
    if status != 200:
        assert content["status"] == status
        assert content["detail"].count("\n") == 0
    return status, content


def test_many_requests_at_once_are_all_answered(tmp_path):
    """While the workers stand still, the queue fills up; what it cannot take is refused at once."""

    async def one(port, i):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(bytes([i] * 784), "/v1/explain" if i % 4 == 0 else "/v1/predict"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return parsed(answer)[0]

    async def all_of(service):
        answers = asyncio.gather(*(one(service.port, i) for i in range(200)))
        # One explanation runs, four wait; predictions have a longer queue.
        await asyncio.to_thread(until, lambda: service.under_way() == 155, "45 are refused")
        for pid in service.workers():
            os.kill(pid, signal.SIGCONT)
        return await answers

    with serving(tmp_path / "log", "--waiting", "4") as service:
        assert service.ask("/v1/explain")[0] == 200, "both workers have started"
        for pid in service.workers():
            os.kill(pid, signal.SIGSTOP)
        statuses = asyncio.run(asyncio.wait_for(all_of(service), PATIENCE))
        assert Counter(statuses) == {200: 155, 503: 45}
        until(lambda: service.under_way() == 0, "all are over")
        assert "Traceback" not in service.log.read_text()


def test_slow_request_heads_do_not_delay_other_requests(service):
    whole = request()
    slow = [service.connect() for _ in range(40)]
    for i, connection in enumerate(slow):
        connection.sendall(whole[: 10 + i])
    assert service.ask()[0] == 200
    assert service.under_way() == 0, "a head that is not complete is no request"
    for i, connection in enumerate(slow):
        with connection:
            connection.sendall(whole[10 + i :])
            assert answer_of(connection)[0] == 200


def test_slow_request_bodies_are_refused_and_do_not_delay_other_requests(hasty_service):
    whole = request()
    slow = [hasty_service.connect() for _ in range(40)]
    for i, connection in enumerate(slow):
        connection.sendall(whole[: -700 if i % 2 else -1])
    until(lambda: hasty_service.ask()[0] == 200, "others are answered")
    for connection in slow:
        with connection:
            status, content = answer_of(connection)
            assert (status, "did not arrive" in content["detail"]) == (408, True)
    until(lambda: hasty_service.under_way() == 0, "nothing waits any more")


def test_a_body_that_arrives_byte_by_byte_is_refused(hasty_service):
    """The time limit is for the whole body: each byte does not start it again."""
    ended = threading.Event()

    def drip(connection):
        try:
            for byte in request(bytes(10_000)):
                connection.sendall(bytes([byte]))
                if ended.wait(0.02):
                    return
        except OSError:
            pass

    with hasty_service.connect() as connection:
        thread = threading.Thread(target=drip, args=(connection,))
        thread.start()
        try:
            assert answer_of(connection)[0] == 408
        finally:
            ended.set()
            thread.join()


def test_clients_that_disappear_leave_nothing_behind(service):
    body = bytes(784)
    for i in range(60):
        connection = service.connect()
        # Closed so that it is reset, as by a machine that is switched off.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        whole = request(body, "/v1/explain" if i % 3 else "/v1/predict")
        connection.sendall(whole[:-400] if i % 2 else whole)
        connection.close()
    until(lambda: service.under_way() == 0, "nothing is under way")
    assert service.ask()[0] == 200
    assert service.ask("/v1/explain")[0] == 200


def test_a_body_that_is_cut_short_gets_no_answer(service):
    with service.connect() as connection:
        connection.sendall(request()[:-100])
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    until(lambda: service.under_way() == 0, "it is forgotten")
    metrics = urllib.request.urlopen(f"{service.address}/metrics", timeout=PATIENCE).read()
    assert b'route="/v1/predict",status="499"' in metrics


FEW_CONNECTIONS = """
from digitscope.cli import run
from digitscope.service.http import server

server.CONNECTIONS = 4
run()
"""


def test_connections_are_limited(tmp_path):
    with serving(tmp_path / "log", program=("-c", FEW_CONNECTIONS)) as service:
        silent = [service.connect() for _ in range(3)]

        def refused():
            with service.connect() as connection:
                connection.sendall(request())
                return connection.recv(65_536).startswith(b"HTTP/1.1 503")

        until(refused, "the fourth connection is one too many")
        for connection in silent:
            connection.close()
        until(lambda: not refused(), "there is one again")


def test_workers_that_are_killed_are_replaced(service):
    for path in ("/v1/predict", "/v1/explain"):
        assert service.ask(path)[0] == 200
    killed = service.workers()
    assert len(killed) == 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in killed), "they end")
    for path in ("/v1/predict", "/v1/explain"):
        assert service.ask(path)[0] == 200, "no request was waiting, so none fails"
    assert not set(killed) & set(service.workers())


def test_a_worker_that_hangs_is_replaced(hasty_service):
    hung = hasty_service.workers()
    assert len(hung) == 2
    for pid in hung:
        os.kill(pid, signal.SIGSTOP)
    for path in ("/v1/predict", "/v1/explain"):
        status, content = hasty_service.ask(path)
        assert (status, "no answer within" in content["detail"]) == (503, True)
        until(lambda path=path: hasty_service.ask(path)[0] == 200, "another has taken its place")
    assert not set(hung) & set(hasty_service.workers())


def test_workers_end_with_a_service_that_is_killed(tmp_path):
    with serving(tmp_path / "log") as service:
        workers = service.workers()
        assert len(workers) == 2
        service.process.kill()
        until(lambda: not any(runs(pid) for pid in workers), "they end")


def runs(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        # A zombie whose threads still end is not yet reported to its parent.
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


@pytest.fixture
def pool():
    pool = WorkerPool({"mlp": MODELS / "mlp.onnx"}, Limits(waiting=1, seconds=PATIENCE), 1)
    yield pool
    pool.stop()
    assert not pool.pids


def test_the_queue_of_a_pool_is_limited(pool, tmp_path):
    gate = tmp_path / "gate"

    async def scenario():
        two = [asyncio.create_task(pool.run(hold, str(gate))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem, match="too much is waiting") as full:
            await pool.run(seven)
        assert (full.value.status, full.value.headers) == (503, {"Retry-After": "1"})
        gate.touch()
        assert await asyncio.gather(*two) == [8, 8]
        assert pool.pending == 0
        assert await pool.run(seven) == 7
        pool.stop()
        assert await pool.run(seven) == 7, "an app may be started again"

    asyncio.run(scenario())


def test_a_worker_that_ends_fails_only_its_own_job(pool):
    async def scenario():
        assert await pool.run(seven) == 7
        with pytest.raises(Problem, match="has died"):
            await pool.run(die)
        with pytest.raises(RuntimeError, match="an internal secret"):
            await pool.run(fail)
        (worker,) = pool.pids
        assert await pool.run(seven) == 7
        assert pool.pids == [worker], "a job that raises does not end its worker"

    asyncio.run(scenario())


def test_a_job_that_takes_too_long_ends_with_its_worker(tmp_path):
    limits = Limits(waiting=1, seconds=1)
    pool = WorkerPool({"mlp": MODELS / "mlp.onnx"}, limits, 1)

    async def scenario():
        with pytest.raises(Problem, match="no answer within 1 s"):
            await pool.run(hold, str(tmp_path / "never"))
        assert pool.pending == 0

    asyncio.run(scenario())
    (worker,) = pool.pids
    pool.stop()
    until(lambda: not runs(worker), "it ends")


def test_requests_of_one_batch_get_their_own_answers(digits):
    """Among forty requests are one without a picture, one for another model, and a large one."""
    images = digits.test.images[:40]
    expected = load("mlp", threads=1).predict(images)
    paths = {name: MODELS / f"{name}.onnx" for name in ("cnn", "mlp")}
    limits = Limits(pixels=100)

    async def scenario():
        pool = WorkerPool(paths, limits, 1)
        batcher = PredictionBatcher(paths, limits, pool)
        sent = [jobs.PredictionJob("mlp", image[None], None) for image in images]
        sent[3] = jobs.PredictionJob("mlp", b"no picture", None)
        sent[5] = jobs.PredictionJob("cnn", images[:3], 1.0)
        sent[7] = jobs.PredictionJob("mlp", np.repeat(images, 2, axis=0), None)  # not small
        try:
            return await asyncio.gather(*map(batcher.predict, sent), return_exceptions=True)
        finally:
            pool.stop()
            batcher.stop()

    answers = asyncio.run(scenario())
    assert "not a picture" in str(answers[3])
    other = json.loads(answers[5].body)
    assert (other["model"], [p["digit"] for p in other["predictions"]]) == ("cnn", [None] * 3)
    assert answers[7].digits == 80
    for i in set(range(40)) - {3, 5, 7}:
        (prediction,) = json.loads(answers[i].body)["predictions"]
        assert prediction["guess"] == expected[i]
