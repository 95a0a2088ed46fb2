"""``digitscope serve``: read, predict and explain over HTTP."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from digitscope.cli.common import remark
from digitscope.errors import Misuse
from digitscope.extras import require

if TYPE_CHECKING:
    from digitscope.models.classifier import Classifier
    from digitscope.service.http.limits import Limits

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def command(
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 for every interface.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for a free one.")] = 8000,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            help="A model to serve: cnn, mlp, or NAME=PATH; the first is the default.",
            show_default="cnn, mlp",
        ),
    ] = None,
    upload: Annotated[float, typer.Option(help="Largest upload, in megabytes.")] = 20,
    pixels: Annotated[float, typer.Option(help="Largest picture, in megapixels.")] = 50,
    seconds: Annotated[float, typer.Option(help="Time limit of a request.")] = 30,
    at_once: Annotated[
        int | None,
        typer.Option(help="Parallel computations.", show_default="one for each core"),
    ] = None,
    waiting: Annotated[int, typer.Option(min=0, help="Length of the queue, in requests.")] = 64,
    per_client: Annotated[int, typer.Option(help="Parallel requests of one address.")] = 256,
    runs: Annotated[
        int, typer.Option(min=0, help="Parallel runs of the playground; 0 to disable it.")
    ] = 4,
    origins: Annotated[
        list[str] | None,
        typer.Option(
            "--origin",
            help="Another site that may send requests.",
            show_default=False,
        ),
    ] = None,
) -> None:
    r"""Serve a page to draw on, and the models over HTTP: /v1/read, /v1/predict, /v1/explain.

    The page is at the address that is printed. The OpenAPI description is at
    /openapi.json, counters for Prometheus are at /metrics. With DIGITSCOPE_API_KEY in the
    environment, requests must carry that key.

    \b
    Examples:
      digitscope serve
      digitscope serve --port 9000 --model cnn --model mine=runs/mlp-1
      digitscope serve --host 0.0.0.0 --upload 5 --seconds 10
    """
    require("serve", "digitscope serve")
    from digitscope.service.http.limits import KEY, MEGA, Limits

    limits = Limits(
        upload=int(upload * MEGA),
        pixels=int(pixels * MEGA),
        seconds=seconds,
        waiting=waiting,
        per_client=per_client,
        runs=runs,
        key=os.environ.get(KEY, ""),
        origins=tuple(origins or ()),
        **({} if at_once is None else {"at_once": at_once}),
    )
    if host not in LOOPBACK and not limits.key:
        remark(f"anybody who reaches {host} may use this service; {KEY} sets a key.")
    _serve(models or ["cnn", "mlp"], limits, host, port)


def _serve(models: list[str], limits: "Limits", host: str, port: int) -> None:
    from digitscope.service.http.app import create_app
    from digitscope.service.http.server import run_server

    app = create_app(_load(models), limits, loopback=host in LOOPBACK)
    run_server(app, host, port, limits.seconds)


def _load(models: list[str]) -> "dict[str, Classifier]":
    from digitscope.models.classifier import load

    loaded = {}
    for text in models:
        name, equals, path = text.partition("=")
        if equals and not path:
            raise Misuse(f"--model takes a name or NAME=PATH. Received: {text!r}.")
        if name in loaded:
            raise Misuse(f"two models have the name {name!r}; give one another: NAME=PATH.")
        # One thread for each call: the service has a process for each core.
        loaded[name] = load(path or name, threads=1)
    return loaded
