"""A worker process: it runs the functions of `jobs`, with models of its own.

Reading a page is in large part Python code, of which one process runs one line at a time. Two
threads therefore need nearly twice the time of one for two pages; two processes do not. A picture
that crashes a decoder crashes only this process.

The parent sends pickles over a socket, which is the standard input of this process: first the
paths of the models, then jobs. Results go back over the same socket, each as its length and a
pickle. The process ends when the socket is closed, so it never outlives the service.
"""

import os
import pickle
import threading
import traceback
from queue import SimpleQueue
from typing import Any, BinaryIO

from digitscope.errors import DigitscopeError
from digitscope.models.classifier import Classifier
from digitscope.service.workers.jobs import LoadedModel

LENGTH = 8  # bytes of the length before each result


def main() -> None:
    """Run jobs until the socket is closed."""
    import cv2

    cv2.setNumThreads(1)  # there is a process for each core already
    inbox: SimpleQueue[Any] = SimpleQueue()
    jobs = open(0, "rb", closefd=False)  # noqa: SIM115
    threading.Thread(target=_receive, args=(jobs, inbox), daemon=True).start()
    models = {
        name: LoadedModel.of(Classifier(path, threads=1)) for name, path in inbox.get().items()
    }
    with open(0, "wb", closefd=False) as results:
        while True:
            function, arguments = inbox.get()
            try:
                result = function(models, *arguments)
            except DigitscopeError as error:
                result = error
            except Exception:  # the exception itself may not be picklable
                result = RuntimeError(traceback.format_exc())
            content = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
            results.write(len(content).to_bytes(LENGTH, "big") + content)
            results.flush()


def _receive(jobs: BinaryIO, inbox: "SimpleQueue[Any]") -> None:
    """Queue what arrives, and end the process when the socket is closed, even during a job."""
    try:
        while True:
            inbox.put(pickle.load(jobs))
    except EOFError:
        os._exit(0)
    except Exception:  # such as half a pickle from a service that was killed
        traceback.print_exc()
        os._exit(1)


if __name__ == "__main__":
    main()
