"""Ray: started on this machine for one batch, or joined at the address of a cluster."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from digitscope.cores import usable_cores
from digitscope.errors import DataUnavailable, Misuse, one_line

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # no usage statistics to Ray's developers
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # workers are not started by `uv run`
    "RAY_DATA_LOG_LEVEL": "CRITICAL",  # errors are raised as exceptions
}
QUIET = {"log_to_driver": False, "logging_level": "CRITICAL"}
STORE = 200_000_000  # bytes of Ray's object store; parts and counts need a few kilobytes
CONNECT_TIMEOUT = 5.0  # seconds


@contextmanager
def ray_running(address: str | None, workers: int | None) -> Iterator[int]:
    """Start Ray on this machine, or join the cluster at an address; shut it down at the end.

    Yields the number of cores for the batch. If this process has already started or joined Ray, it
    is used and stays connected.

    Parameters
    ----------
    address : str or None
        ``host:port`` of the cluster's head, or ``auto`` for the cluster of this machine.
    workers : int or None
        Largest number of cores to use; None for all.

    Raises
    ------
    Misuse
        For an address in another format.
    DataUnavailable
        When there is no cluster, or it has another version of Ray or Python.
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
    """Raise at once if nothing listens at the address; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.partition(":")
    if not (host and port.isdigit()):
        raise Misuse(
            f"--address must be HOST:PORT of a Ray cluster, or auto. Received: {address!r}."
        )
    try:
        socket.create_connection((host, int(port)), CONNECT_TIMEOUT).close()
    except OSError as error:
        raise DataUnavailable(
            f"the Ray cluster at {address} does not answer ({one_line(error)}). Start it with "
            "`ray start --head`, and check that the port is open."
        ) from None
