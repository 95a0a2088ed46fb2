"""The HTTP service: its answers, and what it refuses."""

import asyncio
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from digitscope import errors
from digitscope.models.classifier import load
from digitscope.service.http import schemas
from digitscope.service.http.app import create_app
from digitscope.service.http.limits import Limits

PROBLEM = "application/problem+json"
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def models():
    return {name: load(name, threads=1) for name in ("cnn", "mlp")}


def client_of(models, limits=None, **options):
    app = create_app(models, limits, **options)
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client(models):
    return client_of(models)


def png(picture):
    stream = io.BytesIO()
    picture.save(stream, "png")
    return stream.getvalue()


@pytest.fixture(scope="module")
def seven(digits):
    """The first 7 of the bundled digits, uint8 (28, 28), 0 = paper."""
    return digits.test.images[list(digits.test.labels).index(7)]


@pytest.fixture(scope="module")
def seven_png(seven):
    return png(Image.fromarray(255 - seven).resize((112, 112)))


def problem_of(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    problem = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert "Traceback" not in problem["detail"]
    assert "\n" not in problem["detail"]
    return problem["detail"]


def test_a_picture_is_predicted_as_the_library_does(client, models, seven_png):
    from digitscope.image.mnist_form import to_mnist

    for body, headers in ((seven_png, {"Content-Type": "image/png"}), (seven_png, {})):
        response = client.post("/v1/predict", content=body, headers=headers)
        answer = schemas.PredictionsOut.model_validate(response.json())
        assert (answer.model, answer.predictions[0].digit) == ("cnn", 7)
        expected = models["cnn"].predict_proba(to_mnist(seven_png)[None])[0]
        np.testing.assert_allclose(answer.predictions[0].probabilities, expected, atol=1e-6)


def test_a_form_carries_a_picture_too(client, seven_png):
    response = client.post("/v1/predict", files={"file": ("7.png", seven_png, "image/png")})
    assert response.json()["predictions"][0]["digit"] == 7


@pytest.mark.parametrize("n", [1, 40])
def test_raw_images_come_as_bytes_or_json(client, models, digits, n):
    images = digits.test.images[:n]
    expected = models["mlp"].predict(images).tolist()
    raw = client.post("/v1/predict?model=mlp", content=images.tobytes(), headers=RAW)
    same = client.post("/v1/predict?model=mlp", json={"images": images.tolist()})
    assert [p["guess"] for p in raw.json()["predictions"]] == expected
    assert raw.json() == same.json()


def test_the_threshold_decides_whether_noise_is_refused(client):
    noise = np.random.default_rng(0).integers(0, 256, 784, np.uint8).tobytes()
    answer = client.post("/v1/predict", content=noise, headers=RAW).json()
    assert answer["predictions"][0]["digit"] is None
    answer = client.post("/v1/predict?threshold=0", content=noise, headers=RAW).json()
    assert answer["predictions"][0]["digit"] == answer["predictions"][0]["guess"]


def test_a_page_is_read_as_the_library_reads_it(client, models, seven_png):
    from digitscope import read

    response = client.post("/v1/read?annotated=true", content=seven_png)
    answer = schemas.PageOut.model_validate(response.json())
    assert answer.text == "7"
    drawn = response.json()["annotated"]
    assert drawn.startswith("data:image/png;base64,")
    expected = read(seven_png).to_dict()
    assert {key: response.json()[key] for key in expected} == json.loads(json.dumps(expected))


def test_an_image_is_explained_layer_by_layer_or_by_covering(client, seven, models):
    from digitscope.explanation import explain

    body = seven.tobytes()
    answer = client.post("/v1/explain?top=3", content=body, headers=RAW).json()
    found = schemas.ExplanationOut.model_validate(answer)
    expected = explain(models["mlp"], seven)
    assert (found.model, found.winner) == ("mlp", expected.winner)
    assert len(found.units) == 128
    assert {u.unit for u in found.units if u.picture} == set(expected.strongest(3))
    lead = sum(u.to_winner - u.to_runner_up for u in found.units)
    bias = expected.network.layers[-1].bias
    assert lead + bias[found.winner] - bias[found.runner_up] == pytest.approx(
        expected.lead, abs=1e-3
    )
    covered = client.post("/v1/explain?model=cnn", content=body, headers=RAW).json()
    assert schemas.OcclusionOut.model_validate(covered).drops
    covered = client.post("/v1/explain?occlusion=true", content=body, headers=RAW).json()
    assert (covered["kind"], covered["model"]) == ("occlusion", "mlp")


def test_models_and_health(client):
    listed = schemas.ModelsOut.model_validate(client.get("/v1/models").json())
    assert listed.default == "cnn"
    assert [(m.name, m.explains, m.refuses) for m in listed.models] == [
        ("cnn", "occlusion", True),
        ("mlp", "layers", False),
    ]
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/readyz").json()["status"] == "ok"


def test_requests_are_counted_by_the_pattern_of_their_route(models, seven_png):
    client = client_of(models)
    client.post("/v1/predict", content=seven_png)
    client.get("/secret-path")
    text = client.get("/metrics").text
    assert 'digitscope_requests_total{method="POST",route="/v1/predict",status="200"} 1.0' in text
    assert 'digitscope_requests_total{method="GET",route="other",status="404"} 1.0' in text
    assert 'digitscope_digits_total{model="cnn"} 1.0' in text
    assert "secret-path" not in text


def bomb():
    """A PNG of some kilobytes that says it has 60,000 × 60,000 pixels."""
    import struct
    import zlib

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"0" * 99))


@pytest.mark.parametrize("route", ["/v1/read", "/v1/predict", "/v1/explain"])
@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"", {}, 400, "the body is empty"),
        (b"GIF89a but not really", {}, 422, "cannot be decoded|not a picture"),
        (b"hello", {"Content-Type": "image/png"}, 422, "not a picture"),
        (b"hello", {"Content-Type": "text/html"}, 415, "Received: text/html"),
        (bomb(), {}, 413, "50,000,000 pixels"),
        (b"x" * 2_000_001, {}, 413, "2,000,000 bytes"),
        (b"--b\r\nx", {"Content-Type": "multipart/form-data; boundary=b"}, 422, "named file"),
        (b"--b--", {"Content-Type": "multipart/form-data"}, 400, "damaged"),
    ],
)
def test_bad_bodies_are_refused_with_one_sentence(models, route, body, headers, status, says):
    import re

    client = client_of(models, Limits(upload=2_000_000))
    detail = problem_of(client.post(route, content=body, headers=headers), status)
    assert re.search(says, detail)


def test_a_form_without_a_file_or_with_an_empty_one(client):
    assert "field named file" in problem_of(client.post("/v1/read", files={"a": b"x"}), 422)
    empty = client.post("/v1/read", files={"file": ("x.png", b"", "image/png")})
    assert "empty" in problem_of(empty, 400)


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/v1/predict?model=../../etc/passwd", 404, "no such model; there are cnn, mlp."),
        ("/v1/predict?model=cn", 404, "Did you mean 'cnn'"),
        ("/v1/predict?threshold=2", 422, "threshold: input should be less than or equal to 1"),
        ("/v1/explain?label=x", 422, "label: "),
        ("/nothing", 404, "there is nothing at this address"),
        ("/v1/models", 405, "GET"),
    ],
)
def test_bad_addresses_and_options(client, seven, path, status, says):
    response = client.post(path, content=seven.tobytes(), headers=RAW)
    assert says in problem_of(response, status)


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"{", 400),
        (b"[1]", 422),
        (b'{"images": 7}', 422),
        (b'{"images": [[[1, 2], [3]]]}', 422),
        (b'{"images": [[["a"]]]}', 422),
        (json.dumps({"images": [[[256] * 28] * 28]}).encode(), 422),
        (json.dumps({"images": [[[1.5] * 28] * 28]}).encode(), 422),
        (json.dumps({"images": [[[10**30] * 28] * 28]}).encode(), 422),
        (b"[" * 100_000, 400),
    ],
)
def test_bad_json_is_refused(client, content, status):
    headers = {"Content-Type": "application/json"}
    problem_of(client.post("/v1/predict", content=content, headers=headers), status)


def test_raw_images_of_another_size_or_too_many(models):
    client = client_of(models, Limits(images=3))
    detail = problem_of(client.post("/v1/predict", content=b"x" * 785, headers=RAW), 422)
    assert "a multiple of 784" in detail
    many = client.post("/v1/predict", content=bytes(784 * 4), headers=RAW)
    assert "3 images" in problem_of(many, 413)
    two = client.post("/v1/explain", content=bytes(784 * 2), headers=RAW)
    assert "one image" in problem_of(two, 422)


def test_a_request_needs_the_key(models, seven):
    client = client_of(models, Limits(key="sesame"))
    for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Bearer wrong"}):
        response = client.post("/v1/predict", content=seven.tobytes(), headers=RAW | headers)
        problem_of(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"
    for headers in ({"X-API-Key": "sesame"}, {"Authorization": "Bearer sesame"}):
        response = client.post("/v1/predict", content=seven.tobytes(), headers=RAW | headers)
        assert response.status_code == 200
    assert client.get("/healthz").status_code == 200
    problem_of(client.get("/metrics"), 401)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Origin": "https://friend.example", "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_may_not_post(models, seven, headers, status):
    client = client_of(models, Limits(origins=("https://friend.example",)))
    response = client.post("/v1/predict", content=seven.tobytes(), headers=RAW | headers)
    assert response.status_code == status


def test_the_requests_in_progress_of_one_address_are_limited(models):
    """Ten requests come at once, from two addresses that may have three each."""
    app = create_app(models, Limits(per_client=3))

    async def ask(address, statuses, release):
        scope = {
            "type": "http", "method": "POST", "path": "/v1/predict", "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-type", b"application/octet-stream")],
            "client": (address, 1),
        }  # fmt: skip

        async def receive():
            await release.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            statuses.append(message.get("status"))

        await app(scope, receive, send)

    async def scenario():
        statuses, release = [], asyncio.Event()
        requests = [
            asyncio.create_task(ask(f"10.0.0.{i % 2}", statuses, release)) for i in range(10)
        ]
        refused = 4 * [429, None]  # each answer is a start and a body
        async with asyncio.timeout(60):
            while len(statuses) < len(refused):
                await asyncio.sleep(0)
        release.set()
        await asyncio.gather(*requests)
        return statuses, refused

    statuses, refused = asyncio.run(scenario())
    assert statuses == refused


def test_a_service_for_this_machine_accepts_only_its_names(models):
    client = client_of(models)
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""):
        problem_of(client.get("/healthz", headers={"Host": host}), 421)
    for host in ("localhost:8000", "127.0.0.1", "[::1]:80"):
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
    everybody = client_of(models, loopback=False)
    assert everybody.get("/healthz", headers={"Host": "digits.example"}).status_code == 200


def test_an_unexpected_error_is_logged_and_not_sent(models, seven, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("an internal secret")

    monkeypatch.setattr("digitscope.service.workers.batching.PredictionBatcher.predict", broken)
    client = client_of(models)
    response = client.post("/v1/predict", content=seven.tobytes(), headers=RAW)
    assert "secret" not in problem_of(response, 500)
    assert "an internal secret" in caplog.text


def test_every_error_of_digitscope_has_a_status():
    kinds: list = [errors.DigitscopeError, *errors.DigitscopeError.__subclasses__(), errors.NoInk]
    assert all(400 <= kind.http_status < 600 for kind in kinds)
    assert errors.NoInk.http_status == 422


@pytest.mark.parametrize("field", ["upload", "pixels", "images", "seconds", "at_once"])
def test_limits_must_be_more_than_0(field):
    with pytest.raises(errors.Misuse, match=f"{field} must be more than 0"):
        Limits(**{field: 0})  # type: ignore[arg-type]


def test_openapi_describes_every_route(client):
    description = client.get("/openapi.json").json()
    assert set(description["paths"]) == {
        "/v1/read", "/v1/predict", "/v1/explain", "/v1/models", "/v1/models/{name}/weights",
        "/v1/playground", "/v1/playground/runs", "/v1/playground/runs/{name}",
        "/v1/playground/runs/{name}/events", "/v1/playground/runs/{name}/pause",
        "/v1/playground/runs/{name}/resume", "/v1/playground/runs/{name}/predict",
        "/healthz", "/readyz", "/metrics",
    }  # fmt: skip
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"], path
            if method == "post":
                assert {"413", "422", "503"} <= set(operation["responses"])
                if not path.endswith(("/pause", "/resume")):
                    assert operation["requestBody"]["content"]


def test_serve_starts_answers_and_stops(tmp_path, seven):
    """The whole process: it prints its address when it answers, and an interrupt ends it."""
    import signal
    import urllib.request

    command = [sys.executable, "-m", "digitscope", "serve", "--port", "0", "--model", "mlp"]
    process = subprocess.Popen(
        command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        address = process.stdout.readline().strip()
        request = urllib.request.Request(f"{address}/v1/predict", data=seven.tobytes(), headers=RAW)
        with urllib.request.urlopen(request) as response:
            assert json.load(response)["predictions"][0]["guess"] == 7
        taken = address.rpartition(":")[2]
        second = subprocess.run([*command[:5], taken], capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert f"cannot listen on 127.0.0.1:{taken}" in second.stderr
        assert "Traceback" not in second.stderr
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate()
    assert process.returncode in (0, 130), err
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.rglob("*")] == ["home"], "nothing was written"


REFUSED = """
from digitscope.cli import main
from digitscope.service.workers.pool import Worker

def refused(*_):
    raise OSError("no more processes")

Worker.__init__ = refused
main(["serve", "--port", "0", "--model", "mlp"])
"""


def test_a_service_that_cannot_start_its_processes_fails():
    command = [sys.executable, "-c", REFUSED]  # Uvicorn's logging would stay in this process
    end = subprocess.run(command, capture_output=True, text=True, check=False)
    assert end.returncode == 1
    assert end.stdout == "", "no address is promised"
    last = end.stderr.splitlines()[-1]
    assert last.endswith("the service could not start; what is above says why.")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "mine="], "--model takes a name or NAME=PATH"),
        (["--model", "mlp", "--model", "mlp"], "two models have the name 'mlp'"),
        (["--upload", "0"], "upload must be more than 0"),
        (["--model", "nothing"], "no such model: nothing"),
    ],
)
def test_serve_refuses_bad_options(arguments, says, capsys):
    from digitscope.cli import main

    with pytest.raises(SystemExit) as end:
        main(["serve", *arguments])
    assert end.value.code in (1, 2)
    error = capsys.readouterr().err
    assert says in error
    assert len(error.splitlines()) == 1
