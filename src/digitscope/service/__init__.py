"""The HTTP service: read, predict and explain over HTTP, with ONNX models alone.

::

    http/        the routes
        app.py             the application
        request_bodies.py  the query and the body of a request become pictures
        schemas.py         the answers, as schemas with examples
        problems.py        errors as problem details (RFC 9457)
        limits.py          what a request may cost: bytes, pixels, seconds, requests at once
        guard.py           access: keys, limits and counters, for every request
        connections.py     timeouts of connections
        direct.py          routes without the dependency injection of FastAPI
        metrics.py         counters for Prometheus
        web_files.py       sends the files of web/
    workers/     processes that compute
        pool.py            a pool with a queue and a timeout
        process.py         one of its processes
        jobs.py            what they compute
        batching.py        many small predictions in one batch
        processes.py       how processes are started
    playground/  networks in training that a browser follows
        routes.py          start, watch, pause and ask a network
        live_runs.py       their processes, events and listeners
        trainer_process.py one of those processes
    web/         the page: HTML, CSS and small modules of JavaScript, sent as they are

A request's body is kept in memory and is gone with the answer. Nothing here knows how to read a
digit; that is in `digitscope.reading`, `digitscope.models` and `digitscope.explanation`.
"""

from digitscope.extras import require

require("serve", "digitscope serve")

from digitscope.service.http.limits import Limits

__all__ = ["Limits"]
