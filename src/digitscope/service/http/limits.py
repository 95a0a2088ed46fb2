"""What a request may cost, and who may ask."""

import os
from dataclasses import dataclass

from digitscope.errors import Misuse

MEGA = 1_000_000
KEY = "DIGITSCOPE_API_KEY"  # in the environment


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the service allows.

    Attributes
    ----------
    upload : int
        Largest body of a request, in bytes; more is answered with 413.
    pixels : int
        Largest picture; more is answered with 413.
    images : int
        Most images of one call of ``/v1/predict``.
    seconds : float
        For the body to arrive (408 after that) and, again, for the answer (503).
    at_once : int
        Pages and other large work computed at the same time, each in a process of its own; one more
        process judges single digits.
    waiting : int
        Requests that wait for their turn; further ones are answered with 503.
    per_client : int
        Requests of one address that may be under way; further ones are answered with 429.
    runs : int
        Networks of the playground in training at a time; further ones are answered with 503, and
        with 0 there is no playground.
    run_seconds : float
        Longest training of one of them at a stretch.
    key : str
        What a request must carry as ``Authorization: Bearer <key>`` or ``X-API-Key``; empty for
        none.
    origins : tuple of str
        Other sites whose pages may post here.
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
        for name in (
            "upload",
            "pixels",
            "images",
            "seconds",
            "at_once",
            "per_client",
            "run_seconds",
        ):
            if not getattr(self, name) > 0:
                raise Misuse(f"{name} must be more than 0. Received: {getattr(self, name)}.")
        for name in ("waiting", "runs"):
            if getattr(self, name) < 0:
                raise Misuse(f"{name} must be 0 or more. Received: {getattr(self, name)}.")
