"""The runs of the playground: training, pauses, failures, limits, and their routes."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections import deque
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from threadpoolctl import threadpool_limits

from digitscope.data import load_data
from digitscope.models.classifier import load
from digitscope.nn import OPTIMIZERS, Design, Network, pixels, train
from digitscope.recipes import Recipe
from digitscope.recipes.described import descriptions
from digitscope.service.http.app import create_app
from digitscope.service.http.limits import Limits
from digitscope.service.http.problems import Problem
from digitscope.service.playground import live_runs
from digitscope.service.playground.live_runs import LiveRuns
from digitscope.service.playground.routes import Settings

SMALL = {"data": "digits", "images": 600, "hidden": [32], "batch": 50, "epochs": 8, "rate": 0.005}
LONG = SMALL | {"epochs": 100, "hidden": [256, 256], "batch": 1}
OVER = {"hidden": [32, 32, 32], "activation": "linear", "optimizer": "momentum", "rate": 1000.0}
DEADLINE = 60  # seconds, for a machine that is busy with something else


def settings(**changes):
    return Settings.model_validate(SMALL | changes).model_dump()


def go(scenario, limits=None):
    """Run a scenario with runs of its own; none of them outlives it."""

    async def whole():
        runs = LiveRuns(limits or Limits())
        try:
            async with asyncio.timeout(DEADLINE):
                return await scenario(runs)
        finally:
            await runs.close()

    return asyncio.run(whole())


async def listen(run, wanted, last=0):
    """Return the events after a number up to the first one that is wanted."""
    seen = []
    async with contextlib.aclosing(run.follow(last)) as stream:
        async for text in stream:
            if text.startswith(b":"):
                continue
            lines = text.decode().splitlines()[:3]
            number, kind, data = (line.partition(": ")[2] for line in lines)
            seen.append((int(number), kind, json.loads(data)))
            if wanted(kind, seen[-1][2]):
                break
    return seen


def is_state(state):
    return lambda kind, data: kind == "state" and data["state"] == state


def of_kind(events, kind):
    return [data for _, of, data in events if of == kind]


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


async def wait_until(holds):
    while not holds():
        await asyncio.sleep(0.01)


def by_hand(epochs=8):
    """The same network, data and order, trained in one thread of this process."""
    data = load_data("digits")
    fit, held_out = data.hold_out(len(data.train) // 6)
    chosen = np.random.default_rng(2012).permutation(len(fit))[:600]
    network = Network(Design(hidden=(32,)), 0)
    optimizer = OPTIMIZERS["adam"](0.005)
    x = pixels(fit.images[chosen])
    training = train(network, optimizer, x, fit.labels[chosen], epochs=epochs, batch=50)
    with threadpool_limits(1):
        deque(training, maxlen=0)
    return network, held_out, data.test


def test_a_run_learns_exactly_what_training_in_this_process_does():
    network, held_out, test = by_hand()

    async def scenario(runs):
        run = await runs.start(settings())
        events = await listen(run, is_state("done"))
        return events, await run.predict(test.images[0], DEADLINE)

    events, said = go(scenario)
    assert [number for number, _, _ in events] == sorted({number for number, _, _ in events})
    states = [data["state"] for data in of_kind(events, "state")]
    assert states == ["loading", "training", "done"]
    (begin,) = of_kind(events, "begin")
    assert begin["layers"] == [784, 32, 10]
    assert (begin["parameters"], begin["images"]) == (len(network.weights), 600)
    progress = of_kind(events, "progress")
    assert progress[0]["step"] == 1, "the very first step is shown"
    assert progress[-1]["step"] == 8 * 12 == begin["steps_per_epoch"] * begin["epochs"]
    assert progress[-1]["epoch"] == 8
    assert progress[-1]["loss"] < progress[0]["loss"]
    assert all(len(row["norms"]) == 2 for row in progress)
    expected = network.accuracy(pixels(held_out.images), held_out.labels)
    assert progress[-1]["accuracy"] == pytest.approx(expected, abs=1e-4)
    (end,) = of_kind(events, "end")
    assert end["reason"] == "done"
    assert end["test_images"] == len(test)
    assert end["test_accuracy"] == network.accuracy(pixels(test.images), test.labels)
    np.testing.assert_allclose(
        said["probabilities"], network.probabilities(pixels(test.images[:1]))[0], atol=1e-5
    )
    assert said["step"] == 96


def test_the_weights_of_the_first_layer_are_sent():
    import base64

    network, _, _ = by_hand()

    async def scenario(runs):
        return await listen(await runs.start(settings()), is_state("done"))

    sent = of_kind(go(scenario), "weights")[-1]
    kernel = network.dense[0].kernel[:, : sent["units"]].T
    values = np.frombuffer(base64.b64decode(sent["pixels"]), np.int8).reshape(sent["units"], 784)
    assert sent["units"] == 32
    np.testing.assert_allclose(values * sent["scale"] / 127, kernel, atol=sent["scale"] / 253)


def test_a_listener_that_comes_late_gets_the_rest_and_nothing_twice():
    async def scenario(runs):
        run = await runs.start(settings())
        whole = await listen(run, is_state("done"))
        middle = whole[len(whole) // 2][0]
        return whole, middle, await listen(run, is_state("done"), middle)

    whole, middle, rest = go(scenario)
    # Of the weights only the latest are kept.
    expected = [event for event in whole if event[0] > middle and event[1] != "weights"]
    assert [event for event in rest if event[1] != "weights"] == expected
    assert len([event for event in rest if event[1] == "weights"]) == 1


def test_a_pause_does_not_change_what_is_learned():
    _, _, test = by_hand()
    network, _, _ = by_hand(epochs=16)

    async def scenario(runs):
        run = await runs.start(settings(epochs=16))
        await listen(run, lambda kind, data: kind == "progress")
        assert await run.ask(DEADLINE, do="pause") == {"state": "paused"}
        stood = [(await run.predict(test.images[0], DEADLINE))["step"] for _ in range(3)]
        assert await run.ask(DEADLINE, do="pause") == {"state": "paused"}
        assert await run.ask(DEADLINE, do="resume") == {"state": "training"}
        await listen(run, is_state("done"))
        return stood, await run.predict(test.images[0], DEADLINE)

    stood, said = go(scenario)
    assert len(set(stood)) == 1
    assert 0 < stood[0] < said["step"] == 16 * 12
    np.testing.assert_allclose(
        said["probabilities"], network.probabilities(pixels(test.images[:1]))[0], atol=1e-5
    )


def test_a_run_that_is_done_can_be_trained_on():
    network, _, test = by_hand(epochs=16)

    async def scenario(runs):
        run = await runs.start(settings())
        last = (await listen(run, is_state("done")))[-1][0]
        assert await run.ask(DEADLINE, do="resume") == {"state": "training"}
        events = await listen(run, is_state("done"), last)
        return events, await run.predict(test.images[0], DEADLINE)

    events, said = go(scenario)
    assert of_kind(events, "end")[0]["test_accuracy"] == network.accuracy(
        pixels(test.images), test.labels
    )
    np.testing.assert_allclose(
        said["probabilities"], network.probabilities(pixels(test.images[:1]))[0], atol=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "limits", "reason", "says"),
    [
        (OVER, {}, "diverged", "no finite number"),
        ({"epochs": 100}, {"run_seconds": 0.001}, "timeout", "limited to 0.001 s"),
        ({"data": "mnist"}, {}, "failed", "MNIST is not on this machine"),
    ],
)
def test_the_end_of_a_training_has_a_reason_and_a_sentence(changes, limits, reason, says):
    async def scenario(runs):
        run = await runs.start(settings(**changes))
        return await listen(run, lambda kind, data: kind == "end")

    end = go(scenario, Limits(**limits))[-1][2]
    assert end["reason"] == reason
    assert says in end["message"]
    assert end["test_accuracy"] is None


def test_a_process_that_is_killed_is_reported_and_removed():
    async def scenario(runs):
        run = await runs.start(settings(**LONG))
        await listen(run, is_state("training"))
        os.kill(run.pid, signal.SIGKILL)
        events = await listen(run, lambda kind, data: kind == "end")
        await wait_until(lambda: not len(runs))
        with pytest.raises(Problem, match="no such run"):
            await run.ask(DEADLINE, do="pause")
        with pytest.raises(Problem, match="no such run"):
            runs[run.name]
        again = await runs.start(settings())
        assert (await listen(again, is_state("done")))[-1]
        return events[-1][2]

    end = go(scenario)
    assert (end["reason"], "SIGKILL" in end["message"]) == ("killed", True)


def test_a_process_that_is_killed_after_a_resume_is_reported():
    async def scenario(runs):
        run = await runs.start(settings(hidden=[512] * 10, batch=600, epochs=1))  # long steps
        last = (await listen(run, is_state("done")))[-1][0]
        await run.ask(DEADLINE, do="resume")
        os.kill(run.pid, signal.SIGKILL)  # before it reports progress
        return await listen(run, lambda kind, data: kind == "end", last)

    assert [end["reason"] for end in of_kind(go(scenario), "end")] == ["killed"]


def test_a_command_to_a_process_that_ends_fails(monkeypatch):
    async def scenario(runs):
        run = await runs.start(settings(data="mnist"))
        with pytest.raises(Problem, match="no such run") as gone:
            await run.ask(DEADLINE, do="resume")
        return gone.value.status

    assert go(scenario) == 404


def test_ending_a_run_ends_its_process_and_its_streams():
    async def scenario(runs):
        run = await runs.start(settings(**LONG))
        heard = asyncio.create_task(listen(run, lambda kind, data: False))
        await listen(run, is_state("training"))
        await runs.end(run)
        events = await heard  # its stream is over
        assert not of_kind(events, "end"), "it was meant"
        other = await runs.start(settings(**LONG))
        await runs.close()
        return [run.pid, other.pid], len(runs)

    pids, left = go(scenario)
    assert not any(map(alive, pids))
    assert left == 0


def test_late_events_of_an_ended_run_are_no_failure():
    async def scenario(runs):
        run = await runs.start(settings(**LONG))
        heard = asyncio.create_task(listen(run, lambda kind, data: False))
        for message in (("state", {"state": "training"}), ("progress", {"step": 1})):
            line = json.dumps(dict(zip(("kind", "data"), message, strict=True)))
            run._process.stdout.feed_data(line.encode() + b"\n")  # not read yet
        await runs.end(run)
        return await heard

    events = go(scenario)
    assert of_kind(events, "progress"), "it was read afterwards"
    assert not of_kind(events, "end")


def test_runs_are_limited_and_unwatched_ones_make_way():
    async def scenario(runs):
        first = await runs.start(settings(**LONG))
        with pytest.raises(Problem, match="in training already"):
            await runs.start(settings(**LONG))  # its page is about to watch it
        await listen(first, is_state("training"))
        second = await runs.start(settings(**LONG))
        assert not alive(first.pid)
        watching = asyncio.create_task(listen(second, lambda kind, data: False))
        await listen(second, is_state("training"))
        with pytest.raises(Problem, match="1 networks are in training already") as full:
            await runs.start(settings())
        watching.cancel()
        return full.value.status

    assert go(scenario, Limits(runs=1)) == 503


def test_runs_are_limited_when_all_start_at_once():
    async def scenario(runs):
        wanted = (runs.start(settings(**LONG)) for _ in range(6))
        started = await asyncio.gather(*wanted, return_exceptions=True)
        refused = [run for run in started if isinstance(run, Problem)]
        return len(runs), len(started) - len(refused), {problem.status for problem in refused}

    assert go(scenario, Limits(runs=2)) == (2, 2, {503})


def test_an_unwatched_run_ends(monkeypatch):
    monkeypatch.setattr(live_runs, "UNWATCHED", 0.05)

    async def scenario(runs):
        run = await runs.start(settings(**LONG))
        await wait_until(lambda: not len(runs))
        return run.pid

    assert not alive(go(scenario))


def test_without_a_playground_there_are_no_runs():
    async def scenario(runs):
        await runs.start(settings())

    with pytest.raises(Problem, match=r"playground .* is disabled") as refused:
        go(scenario, Limits(runs=0))
    assert refused.value.status == 403


@pytest.mark.parametrize(("spoken", "last"), [("progress", "done"), ("state", "training")])
def test_what_is_kept_of_a_long_run_is_bounded(monkeypatch, spoken, last):
    monkeypatch.setattr(live_runs, "MAX_EVENTS", 40)

    async def scenario(runs):
        run = await runs.start(settings())
        await listen(run, is_state("done"))
        for step in range(1_000):
            if spoken == "progress":
                run._record("progress", {"step": step})
            else:  # paused and resumed many times
                run._record("state", {"state": ("paused", "training")[step % 2], "step": step})
        return await listen(run, lambda kind, data: data.get("step") == 999)

    events = go(scenario)
    assert len(events) <= 41
    assert of_kind(events, "begin"), "the last of each kind stays"
    assert of_kind(events, "end")
    assert of_kind(events, "state")[-1]["state"] == last


def test_the_process_ends_with_the_service():
    command = [sys.executable, "-m", "digitscope.service.playground.trainer_process"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdin.write(json.dumps(settings(**LONG) | {"seconds": 900}) + "\n")
    process.stdin.flush()
    assert json.loads(process.stdout.readline()) == {"kind": "state", "data": {"state": "loading"}}
    _, errors = process.communicate(timeout=DEADLINE)  # closes its stdin
    assert (process.returncode, errors) == (0, "")


@pytest.fixture(scope="module")
def client():
    app = create_app({"mlp": load("mlp", threads=1)}, Limits(runs=2))
    with TestClient(app, base_url="http://localhost") as client:
        yield client


def test_the_offer_is_what_the_settings_take(client):
    offer = client.get("/v1/playground").json()
    assert Settings(**offer["defaults"]) == Settings()
    assert list(offer["labels"]) == list(offer["defaults"])
    described = descriptions(Recipe)["dropout"].help
    assert offer["labels"]["dropout"] == {"title": "Dropout", "description": described}
    for name, choices in offer["choices"].items():
        for choice in choices:
            Settings.of(json.dumps({name: choice}).encode())
    for name, ends in offer["ranges"].items():
        for end in ends:
            if name != "rate" and name != "seed":
                Settings.of(json.dumps({name: end}).encode())


def test_a_run_over_http(client):
    body = SMALL | {"epochs": 100}
    answer = client.post("/v1/playground/runs", json=body)
    assert answer.status_code == 201
    assert answer.json()["settings"] == Settings.model_validate(body).model_dump()
    path = f"/v1/playground/runs/{answer.json()['run']}"
    assert client.post(f"{path}/pause").json() == {"state": "paused"}
    image = load_data("digits").test.images[0]
    raw = {"Content-Type": "application/octet-stream"}
    said = client.post(f"{path}/predict", content=image.tobytes(), headers=raw).json()
    assert sum(said["probabilities"]) == pytest.approx(1, abs=1e-4)
    assert said["digit"] == int(np.argmax(said["probabilities"]))
    twice = client.post(f"{path}/predict", content=2 * image.tobytes(), headers=raw)
    assert twice.status_code == 422
    assert client.post(f"{path}/resume").json() == {"state": "training"}
    assert b"digitscope_playground_runs 1.0" in client.get("/metrics").content
    assert client.delete(path).status_code == 204
    assert client.delete(path).status_code == 404
    assert b"digitscope_playground_runs 0.0" in client.get("/metrics").content


@pytest.mark.parametrize("what", ["pause", "resume", "predict", "events"])
def test_an_unknown_run_is_not_found(client, what):
    method = client.get if what == "events" else client.post
    answer = method(f"/v1/playground/runs/../etc/{what}")
    assert answer.status_code == 404
    answer = method(f"/v1/playground/runs/nil/{what}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "no such run; it may have ended. Received: 'nil'."


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 400, "the body is empty"),
        (b"{", 400, "the body is no JSON"),
        (b"[]", 422, "settings: "),
        ({"rat": 0.1}, 422, "rat: extra inputs are not permitted"),
        ({"rate": 0}, 422, "rate: input should be greater than 0"),
        (b'{"rate": NaN}', 422, "rate: input should be a finite number"),
        ({"rate": "0.1"}, 422, "rate: input should be a valid number"),
        ({"hidden": [0]}, 422, "hidden.0: input should be greater than or equal to 1"),
        ({"hidden": [8] * 11}, 422, "hidden: list should have at most 10 items"),
        ({"images": 10**9}, 422, "images: input should be less than or equal to 60000"),
        ({"activation": "rleu"}, 422, "activation must be one of linear, relu"),
        ({"data": "folder:/etc"}, 422, "data must be one of mnist, digits"),
        ({"seed": 2**31}, 422, "seed: input should be less than"),
    ],
)
def test_bad_settings_are_refused_with_one_sentence(client, body, status, says):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.post("/v1/playground/runs", content=content)
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


def start_service(*options):
    command = [sys.executable, "-m", "digitscope", "serve", "--port", "0", "-m", "mlp", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def start_run(address):
    request = urllib.request.Request(
        f"{address}/v1/playground/runs", data=json.dumps(LONG).encode(), method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["run"]


def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_runs_end_with_the_service(how):
    """With a stream open, which a server would otherwise wait for."""
    process, address = start_service()
    try:
        name = start_run(address)
        with urllib.request.urlopen(f"{address}/v1/playground/runs/{name}/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = (line.decode() for line in stream)
            next(itertools.dropwhile(lambda line: "training" not in line, lines))
            pids = children(process.pid)
            assert pids
            process.send_signal(how)
            for _ in lines:  # until the stream is over
                pass
        _, errors = process.communicate(timeout=DEADLINE)
    finally:
        process.kill()
    assert "Traceback" not in errors
    asyncio.run(asyncio.wait_for(wait_until(lambda: not any(map(alive, pids))), DEADLINE))
