"""Ray, started for one batch on this machine or joined where it runs already."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from digitscope.cores import usable_cores
from digitscope.errors import DataUnavailable, Misuse, one_line

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # or Ray sends statistics of its use to its makers
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # or each worker would be started by `uv run`
    "RAY_DATA_LOG_LEVEL": "CRITICAL",  # what goes wrong comes as an exception
}
QUIET = {"log_to_driver": False, "logging_level": "CRITICAL"}
STORE = 200_000_000  # bytes of Ray's memory for objects; parts and counts need a few kilobytes
REACHED_IN = 5.0  # seconds


@contextmanager
def ray_running(address: str | None, workers: int | None) -> Iterator[int]:
    """Start Ray on this machine, or join the cluster at an address; leave it at the end.

    Gives how many cores there are for the batch. A Ray that this process has started or joined
    already is used as it is, and left running.

    Parameters
    ----------
    address : str or None
        ``host:port`` of the cluster's head, or ``auto`` for the one this machine belongs to.
    workers : int or None
        Cores to use, at most; all unless given.

    Raises
    ------
    Misuse
        For an address that is none.
    DataUnavailable
        When nothing answers there, or another version of Ray or Python.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    is_ours = not ray.is_initialized()
    folder = tempfile.mkdtemp(prefix="ray-") if is_ours and address is None else None
    try:
        if is_ours:
            _start(address, workers, folder)
        cores = int(ray.cluster_resources().get("CPU", 1))
        yield min(cores, workers or cores)
    finally:
        if is_ours:
            ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _start(address: str | None, workers: int | None, folder: str | None) -> None:
    import ray

    if address is not None:
        _check_address(address)
    try:
        if address is not None:
            ray.init(address=address, **QUIET)
        else:
            ray.init(
                address="local", num_cpus=workers or usable_cores(), include_dashboard=False,
                object_store_memory=STORE, _temp_dir=folder, **QUIET,
            )  # fmt: skip
    except (ConnectionError, RuntimeError) as error:
        where = f"the Ray cluster at {address}" if address else "Ray on this machine"
        raise DataUnavailable(f"{where} cannot be used: {one_line(error)}") from None


def _check_address(address: str) -> None:
    """Fail at once where nothing listens; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.partition(":")
    if not (host and port.isdigit()):
        raise Misuse(
            f"--address must be HOST:PORT of a Ray cluster, or auto. Received: {address!r}."
        )
    try:
        socket.create_connection((host, int(port)), REACHED_IN).close()
    except OSError as error:
        raise DataUnavailable(
            f"the Ray cluster at {address} does not answer ({one_line(error)}); is `ray start "
            "--head` running there, and the port open?"
        ) from None
