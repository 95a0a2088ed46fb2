"""The service under load and ill treatment: everybody is answered, and nothing is left behind."""

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
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import uvicorn

from digitscope.models.classifier import MODELS, load
from digitscope.service.http.connections import Connection
from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.workers import jobs
from digitscope.service.workers.batching import Batches
from digitscope.service.workers.pool import Desk
from errands import die, fail, hold, seven

PATIENCE = 60  # seconds, after which what was to happen is not going to
SECONDS = 3  # limit of the services that are started here
RAW = "application/octet-stream"


def until(true, what):
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Service:
    """A service in a process of its own."""

    def __init__(self, log, *options):
        self.log = log
        command = [sys.executable, "-m", "digitscope", "serve", "--port", "0", "--model", "mlp"]
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*command, "--seconds", str(SECONDS), "--at-once", "1", *options],
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
        """Return how many requests are not answered yet, but for the one that asks."""
        text = urllib.request.urlopen(f"{self.address}/metrics", timeout=PATIENCE).read().decode()
        return float(re.search(r"^digitscope_requests_under_way (\S+)", text, re.M)[1]) - 1


@contextmanager
def serving(log, *options):
    service = Service(log, *options)
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


@pytest.fixture(autouse=True)
def no_trace(service):
    """Whatever is done to it, no line of the service fails."""
    yield
    assert "Traceback" not in service.log.read_text()


def request(body=bytes(784), path="/v1/predict", kind=RAW):
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def answer_of(connection):
    """Return status and content of what comes until the connection is closed.

    A service that closes it while more is being sent resets it; what came before counts.
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


def test_two_hundred_at_once_are_all_answered(tmp_path):
    async def one(port, i):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request(bytes([i] * 784), "/v1/explain" if i % 4 == 0 else "/v1/predict"))
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return parsed(answer)[0]

    async def all_of(port):
        return await asyncio.gather(*(one(port, i) for i in range(200)))

    with serving(tmp_path / "log", "--waiting", "4", "--per-client", "190") as service:
        statuses = asyncio.run(asyncio.wait_for(all_of(service.port), PATIENCE))
        assert len(statuses) == 200
        assert set(statuses) <= {200, 429, 503}
        assert 503 in statuses, "of fifty explanations five may run or wait"
        until(lambda: service.under_way() == 0, "all are over")
        assert "Traceback" not in service.log.read_text()


def test_slow_clients_do_not_keep_others(service):
    whole = request()
    slow = [service.connect() for _ in range(40)]
    for i, connection in enumerate(slow):
        connection.sendall(whole[: (10, 60, len(whole) - 700, len(whole) - 1)[i % 4]])
    silent = service.connect()
    assert service.ask()[0] == 200
    with silent:
        assert silent.recv(1) == b"", "one that asks nothing is closed"
    for connection in slow:
        with connection:
            status, content = answer_of(connection)
            assert (status, "did not arrive" in content["detail"]) == (408, True)
    until(lambda: service.under_way() == 0, "nothing waits any more")


def test_a_byte_at_a_time_is_not_enough(service):
    ended = threading.Event()

    def drip(connection):
        try:
            for byte in b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 10_000:
                connection.sendall(bytes([byte]))
                if ended.wait(0.02):
                    return
        except OSError:
            pass

    with service.connect() as connection:
        thread = threading.Thread(target=drip, args=(connection,))
        thread.start()
        try:
            assert answer_of(connection)[0] == 408
        finally:
            ended.set()
            thread.join()


def test_a_head_without_end_is_refused(service):
    with service.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: " + b"y" * 65_536)
        assert answer_of(connection)[0] == 431


def test_clients_that_die_leave_nothing_behind(service):
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


def test_who_does_not_take_the_answer_is_let_go():
    over = threading.Event()

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(64):  # megabytes, more than the system keeps for the client
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
        await send({"type": "http.response.body"})
        over.set()

    config = uvicorn.Config(
        app, port=0, http=Connection.within(0.1), lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    with config.bind_socket() as bound:
        bound.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            with socket.create_connection(bound.getsockname(), timeout=PATIENCE) as connection:
                connection.sendall(request())
                assert over.wait(PATIENCE)
        finally:
            server.should_exit = True
            thread.join()


def test_a_body_cut_short_is_told_so(service):
    with service.connect() as connection:
        connection.sendall(request()[:-100])
        connection.shutdown(socket.SHUT_WR)
        status, content = answer_of(connection)
    assert (status, "whole body" in content["detail"]) == (400, True)


def test_workers_that_are_killed_are_replaced(service):
    for path in ("/v1/predict", "/v1/explain"):
        assert service.ask(path)[0] == 200
    killed = service.workers()
    assert len(killed) == 2
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(runs(pid) for pid in killed), "they end")
    for path in ("/v1/predict", "/v1/explain"):
        assert service.ask(path)[0] == 200, "nobody was waiting, so nobody need notice"
    assert not set(killed) & set(service.workers())


def test_a_worker_that_hangs_is_replaced(service):
    for pid in service.workers():
        os.kill(pid, signal.SIGSTOP)
    for path in ("/v1/predict", "/v1/explain"):
        status, content = service.ask(path)
        assert (status, "no answer within" in content["detail"]) == (503, True)
        until(lambda path=path: service.ask(path)[0] == 200, "another has taken its place")


def test_workers_end_with_a_service_that_is_killed(tmp_path):
    with serving(tmp_path / "log") as service:
        workers = service.workers()
        assert len(workers) == 2
        service.process.kill()
        until(lambda: not any(runs(pid) for pid in workers), "they end")


def runs(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        # Its parent is not told before the last of its threads is gone.
        return state != "Z" or len(list(Path(f"/proc/{pid}/task").iterdir())) > 1
    except OSError:
        return False


@pytest.fixture
def desk():
    desk = Desk({"mlp": MODELS / "mlp.onnx"}, Limits(waiting=1, seconds=PATIENCE), 1)
    yield desk
    desk.close()
    assert not desk.workers


def test_the_desk_takes_so_much_work_and_no_more(desk, tmp_path):
    gate = tmp_path / "gate"

    async def scenario():
        two = [asyncio.create_task(desk.do(hold, str(gate))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Problem, match="too much is waiting") as full:
            await desk.do(seven)
        assert (full.value.status, full.value.headers) == (503, {"Retry-After": "1"})
        gate.touch()
        assert await asyncio.gather(*two) == [8, 8]
        assert desk.taken == 0
        assert await desk.do(seven) == 7
        desk.close()
        assert await desk.do(seven) == 7, "an app may be started again"

    asyncio.run(scenario())


def test_a_death_is_told_to_whom_it_concerns(desk):
    async def scenario():
        assert await desk.do(seven) == 7
        with pytest.raises(Problem, match="has died"):
            await desk.do(die)
        with pytest.raises(RuntimeError, match="a secret of the house"):
            await desk.do(fail)
        (worker,) = desk.workers
        assert await desk.do(seven) == 7
        assert desk.workers == [worker], "an error ends no worker"

    asyncio.run(scenario())


def test_what_takes_too_long_makes_room(tmp_path):
    limits = Limits(waiting=1, seconds=1)
    desk = Desk({"mlp": MODELS / "mlp.onnx"}, limits, 1)

    async def scenario():
        with pytest.raises(Problem, match="no answer within 1 s"):
            await desk.do(hold, str(tmp_path / "never"))
        assert desk.taken == 0

    asyncio.run(scenario())
    (worker,) = desk.workers
    desk.close()
    until(lambda: not runs(worker), "it ends")


def test_requests_judged_together_get_each_its_own(digits):
    """Forty images at once, among them what is no picture, get what each gets alone."""
    images = digits.test.images[:40]
    expected = load("mlp", threads=1).predict(images)
    paths = {name: MODELS / f"{name}.onnx" for name in ("cnn", "mlp")}
    limits = Limits(pixels=100)

    async def scenario():
        desk = Desk(paths, limits, 1)
        batches = Batches(paths, limits, desk)
        asked = [jobs.Asked("mlp", image[None], None) for image in images]
        asked[3] = jobs.Asked("mlp", b"no picture", None)
        asked[5] = jobs.Asked("cnn", images[:3], 1.0)
        asked[7] = jobs.Asked("mlp", np.repeat(images, 2, axis=0), None)  # not small
        try:
            return await asyncio.gather(*map(batches.ask, asked), return_exceptions=True)
        finally:
            desk.close()
            batches.close()

    answers = asyncio.run(scenario())
    assert "not a picture" in str(answers[3])
    told = json.loads(answers[5].body)
    assert (told["model"], [p["digit"] for p in told["predictions"]]) == ("cnn", [None] * 3)
    assert answers[7].digits == 80
    for i in set(range(40)) - {3, 5, 7}:
        (prediction,) = json.loads(answers[i].body)["predictions"]
        assert prediction["guess"] == expected[i]
