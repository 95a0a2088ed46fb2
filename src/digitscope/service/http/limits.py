"""The limits of the service: sizes, times, numbers of requests, and who may use it."""

import os
from dataclasses import dataclass

from digitscope.errors import Misuse

MEGA = 1_000_000
KEY = "DIGITSCOPE_API_KEY"  # environment variable


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one service.

    Attributes
    ----------
    upload : int
        Largest body of a request, in bytes; a larger one is answered with 413.
    pixels : int
        Largest picture, in pixels; a larger one is answered with 413.
    images : int
        Most images of one call of ``/v1/predict``.
    seconds : float
        Longest time until a body has arrived (408 after that) and, counted anew, until the answer
        is computed (503 after that).
    at_once : int
        Number of worker processes for pages and other large work; one more predicts single digits.
    waiting : int
        Longest queue for these workers; further requests are answered with 503.
    per_client : int
        Most requests in progress from one address; further ones are answered with 429.
    runs : int
        Most networks of the playground at a time; further ones are answered with 503. With 0 there
        is no playground.
    run_seconds : float
        Longest training of one of them without a pause.
    key : str
        The API key that a request must have as ``Authorization: Bearer <key>`` or ``X-API-Key``;
        empty for none.
    origins : tuple of str
        Other sites whose pages may send requests that are not GET or HEAD.
    """

    upload: int = 20 * MEGA
    pixels: int = 50 * MEGA
    images: int = 1_000
    seconds: float = 30.0
    at_once: int = os.cpu_count() or 1
    waiting: int = 64
    per_client: int = 256
    runs: int = 4
    run_seconds: float = 900.0
    key: str = ""
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        positive = "upload", "pixels", "images", "seconds", "at_once", "per_client", "run_seconds"
        for name in positive:
            if not getattr(self, name) > 0:
                raise Misuse(f"{name} must be more than 0. Received: {getattr(self, name)}.")
        for name in ("waiting", "runs"):
            if getattr(self, name) < 0:
                raise Misuse(f"{name} must be 0 or more. Received: {getattr(self, name)}.")
