"""What the routes of one app share: models, worker pools, runs, counters and limits.

`create_app` puts it into ``app.state``, and a route gets it with `get_state`. A FastAPI dependency
(`Depends`) would do the same, for 0.02 ms of each request.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from digitscope.errors import did_you_mean
from digitscope.models.classifier import Classifier
from digitscope.service.http.limits import Limits
from digitscope.service.http.metrics import Metrics
from digitscope.service.http.problems import Problem
from digitscope.service.http.web_files import PageFile, load_page
from digitscope.service.playground.live_runs import LiveRuns
from digitscope.service.workers.batching import PredictionBatcher
from digitscope.service.workers.jobs import LoadedModel
from digitscope.service.workers.pool import WorkerPool


@dataclass(frozen=True)
class ServiceState:
    """The state of one app.

    Attributes
    ----------
    models : dict of LoadedModel
        By the names under which requests ask for them; the first is the default.
    limits : Limits
    pool : WorkerPool
        Computes pages, explanations and large pictures.
    batcher : PredictionBatcher
        Computes predictions.
    runs : LiveRuns
        Of the playground.
    metrics : Metrics
    page : dict of PageFile
        The files of the page by their paths.
    """

    models: Mapping[str, LoadedModel]
    limits: Limits
    pool: WorkerPool
    batcher: PredictionBatcher
    runs: LiveRuns
    metrics: Metrics
    page: Mapping[str, PageFile]

    @classmethod
    def of(cls, models: Mapping[str, Classifier], limits: Limits) -> "ServiceState":
        """Return the state of an app with these models; no process is started yet."""
        paths = {name: model.path for name, model in models.items()}
        pool = WorkerPool(paths, limits, limits.at_once)
        runs = LiveRuns(limits)
        return cls(
            models={name: LoadedModel.of(model) for name, model in models.items()},
            limits=limits,
            pool=pool,
            batcher=PredictionBatcher(paths, limits, pool),
            runs=runs,
            metrics=Metrics(lambda: len(runs)),
            page=load_page(),
        )

    @property
    def default(self) -> str:
        """The name of the model for requests that name none."""
        return next(iter(self.models))

    def choose_model(self, name: str | None) -> tuple[str, LoadedModel]:
        """Return the name and the model that a request asks for.

        Raises
        ------
        Problem
            404 if there is no model of that name.
        """
        name = name or self.default
        if name not in self.models:
            known = ", ".join(self.models)
            hint = did_you_mean(name, self.models)
            raise Problem(404, f"no such model; there are {known}.{hint} Received: {name[:80]!r}.")
        return name, self.models[name]

    def start(self) -> None:
        """Start the worker processes."""
        self.pool.start()
        self.batcher.start()

    async def stop(self) -> None:
        """End all processes."""
        await self.runs.close()
        self.pool.stop()
        self.batcher.stop()


def get_state(request: Request) -> ServiceState:
    """Return the state of the app that answers a request."""
    state: ServiceState = request.app.state.service
    return state
