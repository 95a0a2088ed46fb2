"""The files of the page: how they are sent, and what they refer to."""

import base64
import io
import re

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from digitscope.image.mnist_form import mnist_steps
from digitscope.models.classifier import load
from digitscope.nn.perceptron import Perceptron, forward
from digitscope.service.http import schemas, web_files
from digitscope.service.http.app import create_app
from digitscope.service.http.limits import Limits

LARGEST = 150_000  # bytes of all files of the page together
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def models():
    return {name: load(name, threads=1) for name in ("cnn", "mlp")}


@pytest.fixture(scope="module")
def client(models):
    return TestClient(create_app(models), base_url="http://localhost")


@pytest.fixture(scope="module")
def files():
    return {path: file.content.decode() for path, file in web_files.load_page().items()}


@pytest.fixture(scope="module")
def picture(digits):
    """The first 7 of the bundled digits as a PNG of 112×112, dark on light."""
    seven = digits.test.images[list(digits.test.labels).index(7)]
    stream = io.BytesIO()
    Image.fromarray(255 - seven).resize((112, 112)).save(stream, "png")
    return stream.getvalue()


def test_every_file_is_sent_with_its_type_and_a_strict_policy(client, files):
    assert {"/", "/page/main.js", "/page/style.css", "/page/icon.svg"} <= set(files)
    for path in files:
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] in {
            "text/html", "text/css", "text/javascript", "image/svg+xml",
        }  # fmt: skip
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"


def test_an_unchanged_file_is_not_sent_again(client):
    tag = client.get("/page/main.js").headers["etag"]
    again = client.get("/page/main.js", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/page/main.js", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/page/", "/page/../app.py", "/page/%2e%2e/app.py", "/page//etc/passwd", "/page/nil.js"],
)
def test_nothing_but_those_files_is_sent(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["detail"].startswith("there is nothing at this address")


def test_the_page_is_small(files):
    assert sum(len(text.encode()) for text in files.values()) < LARGEST


def test_all_that_the_files_refer_to_is_among_them(files):
    html = files["/"]
    ids = set(re.findall(r'id="([\w-]+)"', html))
    wanted, used = set(), set()
    for path, text in files.items():
        addresses = re.findall(r"https?://[^\s\"'`)]+", text)
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path
        wanted |= set(re.findall(r"""(?:from|import\()\s*["']\./([\w.]+)["']""", text))
        wanted |= set(re.findall(r'(?:src|href)="/page/([\w.]+)"', text))
        used |= set(re.findall(r'(?:\$|getElementById)\("([\w-]+)"\)', text))
    assert {"style.css", "main.js", "dom.js"} <= wanted
    assert {f"/page/{name}" for name in wanted} <= set(files)
    assert used
    assert used <= ids
    assert "style=" not in html
    assert not re.search(r"\son\w+=", html)
    assert "<script>" not in html


def test_colours_of_text_have_the_contrast_of_wcag_aa(files):
    """4.5 to 1 for text, 3 to 1 for what is drawn, in both themes; by the formula of WCAG 2.2."""
    named = dict(
        re.findall(r"--(\w[\w-]*): light-dark\((#\w{6}, #\w{6})\)", files["/page/style.css"])
    )
    assert len(named) > 10

    def luminance(colour):
        parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(one, other, theme):
        high, low = sorted(
            (luminance(named[name].split(", ")[theme]) for name in (one, other)), reverse=True
        )
        return (high + 0.05) / (low + 0.05)

    for theme in (0, 1):
        for ground in ("page", "panel", "note"):
            for ink in ("text", "soft", "link"):
                assert contrast(ink, ground, theme) >= 4.5, (ink, ground, theme)
        for ground in ("page", "panel"):
            for ink in ("blue", "orange", "red", "green", "edge"):
                assert contrast(ink, ground, theme) >= 3, (ink, ground, theme)
        assert contrast("fill", "on-fill", theme) >= 4.5


def test_the_page_needs_no_key_but_the_answers_do(models):
    client = TestClient(create_app(models, Limits(key="k")), base_url="http://localhost")
    assert client.get("/").status_code == 200
    assert client.get("/page/main.js").status_code == 200
    assert client.get("/v1/models").status_code == 401
    assert client.get("/page/other.js").status_code == 401


def test_the_weights_give_the_networks_own_sums(client, models, digits):
    """What the page does: the bytes, taken apart as /v1/models says, make the same answer."""
    row = next(m for m in client.get("/v1/models").json()["models"] if m["name"] == "mlp")
    network = schemas.NetworkOut.model_validate(row["network"])
    weights = np.frombuffer(client.get("/v1/models/mlp/weights").content, "<f4")
    assert len(weights) == row["parameters"] == 101_770
    x, at = digits.test.images[0].ravel() * network.scale, 0
    for layer in network.layers:
        kernel = weights[at : at + layer.inputs * layer.units].reshape(layer.inputs, layer.units)
        at += kernel.size + layer.units
        x = x @ kernel + weights[at - layer.units : at]
        x = np.maximum(x, 0) if layer.activation == "relu" else x
    perceptron = Perceptron.of(models["mlp"].path)
    expected = forward(perceptron, digits.test.images[0].ravel() * perceptron.scale)[-1].sums
    np.testing.assert_allclose(x, expected, rtol=1e-5)
    assert client.get("/v1/models").json()["models"][0]["network"] is None
    for name in ("cnn", "nil", "..%2fmlp"):
        assert client.get(f"/v1/models/{name}/weights").status_code == 404


def test_each_step_to_the_28x28_is_shown_on_request(client, picture):
    answer = client.post("/v1/explain?steps=true&top=0", content=picture).json()
    found = schemas.ExplanationOut.model_validate(answer)
    assert [step.name for step in found.steps] == ["gray", "ink", "digit", "stroke", "box"]
    assert found.steps[0].width == found.steps[0].height == 112
    assert max(found.steps[-1].width, found.steps[-1].height) == 20
    assert found.image == mnist_steps(picture).image.tolist()
    head, _, content = found.steps[-1].picture.partition(",")
    assert head == "data:image/png;base64"
    assert Image.open(io.BytesIO(base64.b64decode(content))).size == (
        found.steps[-1].width, found.steps[-1].height,
    )  # fmt: skip
    assert client.post("/v1/explain", content=picture).json()["steps"] is None
    covered = client.post("/v1/explain?model=cnn&steps=true", content=picture).json()
    assert len(schemas.OcclusionOut.model_validate(covered).steps) == 5


def test_digits_bring_what_the_network_saw_on_request(client, picture, models):
    found = schemas.PageOut.model_validate(
        client.post("/v1/read?images=true", content=picture).json()
    )
    digit = found.lines[0].numbers[0].digits[0]
    image = np.frombuffer(base64.b64decode(digit.image), np.uint8).reshape(1, 28, 28)
    assert models["cnn"].predict(image).tolist() == [digit.label] == [7]
    plain = client.post("/v1/read", content=picture).json()
    assert "image" not in plain["lines"][0]["numbers"][0]["digits"][0]
