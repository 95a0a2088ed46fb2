"""The HTTP service: read, predict and explain over HTTP, with ONNX models alone.

::

    limits.py    what a request may cost: bytes, pixels, seconds, how many at once
    guard.py     the door: who may come in, how many, and what is counted
    work.py      computing in threads, so many at once and no longer than so
    inputs.py    the body of a request -> pictures
    answers.py   what is answered, as schemas with examples
    problems.py  what went wrong, as problem details (RFC 9457)
    app.py       the routes

A request's body lives in memory and is forgotten with the answer. Nothing here knows how to read a
digit; that is for `digitscope.reading`, `classifier` and `explanation`.
"""

from digitscope.service.limits import Limits

__all__ = ["Limits"]
