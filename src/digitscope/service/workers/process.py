"""A process that computes for the service, with models of its own.

A good part of reading a page is Python, of which a process runs one line at a time: two threads
read two pages hardly sooner than one after the other, two processes in the time of one. And what
a stranger's picture breaks, it breaks here. Work comes as pickles over a socket that stands in for
the standard input, and results go back over it. The process ends with that socket, so it outlives
neither the service's wish nor the service.
"""

import os
import pickle
import threading
import traceback
from queue import SimpleQueue
from typing import Any, BinaryIO

from digitscope.errors import DigitscopeError
from digitscope.models.classifier import Classifier
from digitscope.service.workers.jobs import Model

LENGTH = 8  # bytes, before each result


def main() -> None:
    """Work until the socket is closed."""
    import cv2

    cv2.setNumThreads(1)  # there is a process for each core already
    inbox: SimpleQueue[Any] = SimpleQueue()
    orders = open(0, "rb", closefd=False)  # noqa: SIM115
    threading.Thread(target=_listen, args=(orders, inbox), daemon=True).start()
    models = {name: Model.of(Classifier(path, threads=1)) for name, path in inbox.get().items()}
    with open(0, "wb", closefd=False) as results:
        while True:
            function, arguments = inbox.get()
            try:
                result = function(models, *arguments)
            except DigitscopeError as error:
                result = error
            except Exception:  # it may hold what cannot be sent
                result = RuntimeError(traceback.format_exc())
            content = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
            results.write(len(content).to_bytes(LENGTH, "big") + content)
            results.flush()


def _listen(orders: BinaryIO, inbox: "SimpleQueue[Any]") -> None:
    """Hand on what comes in; end the process with it, in the middle of whatever it computes."""
    try:
        while True:
            inbox.put(pickle.load(orders))
    except EOFError:
        os._exit(0)
    except Exception:  # such as half a pickle from a service that was killed
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main()
