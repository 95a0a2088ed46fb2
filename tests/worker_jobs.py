"""Jobs for the workers of the service in tests; a worker imports this file by its name."""

import os
import signal
import time
from pathlib import Path


def seven(models):
    return 7


def die(models):
    os.kill(os.getpid(), signal.SIGKILL)


def fail(models):
    raise LookupError("an internal secret")


def hold(models, file):
    while not Path(file).exists():
        time.sleep(0.01)
    return 8
