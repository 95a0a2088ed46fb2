"""Counters for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # s


class Metrics:
    """The counters of one service, in a registry of their own: a process may have two services.

    Parameters
    ----------
    runs : callable
        Returns the number of networks in training.
    """

    def __init__(self, runs: Callable[[], int] = int) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "digitscope_requests",
            "Requests by route, method and status",
            ["route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "digitscope_request_seconds",
            "From the first byte of a request to the last of its answer",
            ["route"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.under_way = Gauge(
            "digitscope_requests_under_way", "Requests that are not answered yet",
            registry=self.registry,
        )  # fmt: skip
        self.digits = Counter(
            "digitscope_digits", "Digits read or predicted, by model", ["model"],
            registry=self.registry,
        )  # fmt: skip
        Gauge(
            "digitscope_playground_runs", "Networks in training", registry=self.registry
        ).set_function(runs)

    def record(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a finished request."""
        method = method if method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS") else "other"
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all counters in the text form of Prometheus."""
        return generate_latest(self.registry)
