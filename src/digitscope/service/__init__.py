"""The HTTP service: read, predict and explain over HTTP, with ONNX models alone.

::

    http/        requests and answers
        app.py             the application: routes, state and middleware
        state.py           what all routes share
        digits.py          routes: read, predict, explain
        model_info.py      routes: the models and their weights
        monitoring.py      routes: health checks, counters
        web_files.py       routes: the files of web/
        request_bodies.py  the query and the body of a request
        schemas.py         the answers, as schemas for OpenAPI
        responses.py       answers of the worker processes as responses
        problems.py        errors as problem details (RFC 9457)
        limits.py          sizes, times, numbers of requests, API key
        middleware.py      access, limit per client and counters, around every request
        metrics.py         counters for Prometheus
        server.py          Uvicorn and its settings
    workers/     processes that compute
        pool.py            a pool with a queue and a timeout
        batching.py        small predictions in batches
        worker_process.py  the main function of a worker process
        jobs.py            what the workers compute
        answers.py         results as the answers of the digit routes
        launch.py          how child processes are started
    playground/  networks in training that a browser follows
        routes.py          routes: start, follow, pause, ask and end a run
        live_runs.py       the processes of the runs, their events and listeners
        trainer_process.py the main function of such a process
    web/         the page: HTML, CSS and small modules of JavaScript, sent as they are

The body of a request is kept in memory until the answer is sent. The package only serves: digits
are read and explained by `digitscope.reading`, `digitscope.models` and `digitscope.explanation`.
"""

from digitscope.extras import require

require("serve", "digitscope serve")

from digitscope.service.http.limits import Limits

__all__ = ["Limits"]
