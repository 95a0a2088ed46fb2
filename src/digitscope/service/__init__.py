"""The HTTP service: read, predict and explain over HTTP, with ONNX models alone.

::

    static/         the page: HTML, CSS and small modules of JavaScript, sent as they are
    page.py         sends them, with headers that allow nothing else
    limits.py       what a request may cost: bytes, pixels, seconds, how many at once
    connections.py  how long a connection may dawdle
    guard.py        the door: who may come in, how many, and what is counted
    direct.py       routes without what FastAPI does for others
    inputs.py       the query and the body of a request
    processes.py    how processes are started
    work.py         computing in processes, so many at once and no longer than so
    batches.py      predictions, many small ones in one go
    worker.py       one of those processes
    jobs.py         what they compute
    playground.py   routes to networks in training
    runs.py         their processes, what these told, and who listens
    trainer.py      one of those processes
    answers.py      what is answered, as schemas with examples
    problems.py     what went wrong, as problem details (RFC 9457)
    app.py          the routes

A request's body lives in memory and is forgotten with the answer. Nothing here knows how to read a
digit; that is for `digitscope.reading`, `classifier` and `explanation`.
"""

from digitscope.service.limits import Limits

__all__ = ["Limits"]
