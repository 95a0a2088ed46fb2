"""Ray, started for one batch on this machine or joined where it runs already."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from digitscope.errors import DataUnavailable, Misuse

SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # or Ray sends statistics of its use to its makers
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # or each worker would be started by `uv run`
    "RAY_DATA_LOG_LEVEL": "CRITICAL",  # what goes wrong comes as an exception
}
QUIET = {"log_to_driver": False, "logging_level": "CRITICAL"}
STORE = 200_000_000  # bytes of Ray's memory for objects; parts and counts need a few kilobytes
PORT = 6379  # Ray's own
REACHED_IN = 5.0  # seconds


@contextmanager
def ray_running(address: str | None, workers: int | None) -> Iterator[int]:
    """Start Ray on this machine, or join the cluster at an address; end either at the end.

    Gives how many CPUs there are for the batch.

    Parameters
    ----------
    address : str or None
        ``host:port`` of the cluster's head, or ``auto`` for the one this machine belongs to.
    workers : int or None
        CPUs to use on this machine; all that this process may use unless given.

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

    folder = None
    try:
        if address is None:
            folder = tempfile.mkdtemp(prefix="ray-")
            cpus = workers or _own_cpus()
            ray.init(
                address="local", num_cpus=cpus, include_dashboard=False, _temp_dir=folder,
                object_store_memory=STORE, **QUIET,
            )  # fmt: skip
        else:
            _check_address(address)
            ray.init(address=address, **QUIET)
            cpus = int(ray.cluster_resources().get("CPU", 1))
        yield min(cpus, workers or cpus)
    except (ConnectionError, RuntimeError) as error:
        if ray.is_initialized():
            raise
        where = f"the Ray cluster at {address}" if address else "Ray on this machine"
        raise DataUnavailable(f"{where} cannot be used: {' '.join(str(error).split())}") from None
    finally:
        ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _own_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check_address(address: str) -> None:
    """Fail at once where nothing listens; Ray itself would try for a minute."""
    if address == "auto":
        return
    host, _, port = address.removeprefix("ray://").partition(":")
    if not host or not (port or str(PORT)).isdigit():
        raise Misuse(
            f"--address must be HOST:PORT of a Ray cluster, or auto. Received: {address!r}."
        )
    try:
        socket.create_connection((host, int(port or PORT)), REACHED_IN).close()
    except OSError as error:
        raise DataUnavailable(
            f"the Ray cluster at {address} does not answer ({error}); is `ray start --head` "
            "running there, and the port open?"
        ) from None
