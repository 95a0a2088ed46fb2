"""Studies: trials of recipes with Optuna, with pruning, in a database."""

import dataclasses
import json
import math
import multiprocessing
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from digitscope.cores import usable_cores
from digitscope.errors import BadRun, DataUnavailable, Misuse, TrainingFailed, one_line
from digitscope.files import write_text
from digitscope.recipes import Recipe
from digitscope.recipes.described import Choice, Range, Value
from digitscope.recipes.recipe_file import write_recipe
from digitscope.recipes.stream_recipe import StreamRecipe
from digitscope.tuning.objective import open_objective
from digitscope.tuning.space import Space, value_of, with_values

DONE = (TrialState.COMPLETE, TrialState.PRUNED)
STARTUP = 5  # first trials, with random values and without pruning
HEARTBEAT = 10  # seconds between two heartbeats of a running trial
GRACE_PERIOD = 60  # seconds without a heartbeat after which a trial is repeated


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The settings of a search.

    Attributes
    ----------
    out : Path
        The folder of the results.
    recipe : Recipe or StreamRecipe
        The recipe whose fields are changed; the first trial is the recipe itself.
    space : Space
    trials : int
        Number of finished and pruned trials at the end, over all machines.
    storage : str
        URL of the database; empty for an SQLite file in `out`.
    jobs : int
        Processes on this machine; each runs one trial at a time.
    seed : int
        Of the sampler.
    data, data_dir
        As for `open_objective`.
    """

    out: Path
    recipe: Recipe | StreamRecipe
    space: Space
    trials: int = 30
    storage: str = ""
    jobs: int = 1
    seed: int = 0
    data: str | None = None
    data_dir: Path | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.jobs <= self.trials:
            raise Misuse(
                f"jobs must be 1 to the number of trials, {self.trials}. Received: {self.jobs}."
            )

    @property
    def name(self) -> str:
        """The name of the study in the database."""
        return f"digitscope-{self.recipe.name}-{self.out.resolve().name}"

    @property
    def url(self) -> str:
        """The URL of the database."""
        return self.storage or f"sqlite:///{(self.out / 'study.db').resolve()}"

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that all processes of one search share, as plain JSON types."""
        return {
            "recipe": self.recipe.to_dict(),
            "space": {field: dataclasses.asdict(part) for field, part in self.space.items()},
            "data": self.data,
        }


@dataclass(frozen=True)
class Trial:
    """The result of one trial.

    Attributes
    ----------
    number : int
    state : str
        ``complete``, ``pruned``, ``failed`` or ``running``.
    loss : float or None
        Held-out loss after its last epoch, nats.
    epochs : int
    seconds : float
    values : dict
        Values of the searched fields.
    """

    number: int
    state: str
    loss: float | None
    epochs: int
    seconds: float
    values: dict[str, Value]


@dataclass(frozen=True)
class Tuned:
    """The result of a search.

    Attributes
    ----------
    tuning : Tuning
    trials : list of Trial
    best : Trial
    importances : dict
        Share of the variance of the loss that each field explains; empty if there are too few
        trials.
    """

    tuning: Tuning
    trials: list[Trial]
    best: Trial
    importances: dict[str, float]

    @property
    def recipe(self) -> Recipe | StreamRecipe:
        """The recipe of the best trial."""
        return with_values(self.tuning.recipe, self.best.values)

    @property
    def recipe_file(self) -> Path:
        """The file of that recipe."""
        return self.tuning.out / "best.json"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON types."""
        return {
            "out": str(self.tuning.out),
            "recipe": str(self.recipe_file),
            "best": dataclasses.asdict(self.best),
            "importances": self.importances,
            "trials": [dataclasses.asdict(trial) for trial in self.trials],
        }


def tune(tuning: Tuning, on_trial: Callable[[Trial, float], None] | None = None) -> Tuned:
    """Start or continue a search, and write the best recipe.

    Parameters
    ----------
    tuning : Tuning
    on_trial : callable, optional
        Called after each trial with the trial and the lowest loss so far. With several jobs it is
        called in their processes, so it must be picklable.

    Returns
    -------
    Tuned
        Its recipe is in ``best.json``, for ``digitscope train --recipe``.

    Raises
    ------
    BadRun
        When the folder or the study in the database belongs to another search.
    DataUnavailable
        When the database cannot be reached.
    TrainingFailed
        When no trial was finished.
    """
    tuning.out.mkdir(parents=True, exist_ok=True)
    study = _open(tuning)
    settings = tuning.to_dict()
    noted = study.user_attrs.get("tuning")
    if noted is None:
        study.set_user_attr("tuning", settings)
        study.enqueue_trial(value_of(tuning.recipe, tuning.space))
    elif noted != json.loads(json.dumps(settings)):
        different = next(name for name in settings if noted.get(name) != settings[name])
        raise BadRun(
            f"{tuning.out} belongs to another search, with another {different}. Choose another "
            "folder with --out."
        )
    if tuning.jobs == 1:
        _run_trials(tuning, on_trial)
    else:
        _run_in_processes(tuning, on_trial)
    return finish(tuning)


def finish(tuning: Tuning) -> Tuned:
    """Return the result of a search so far, and write its best recipe."""
    study = _open(tuning)
    trials = [_describe(trial) for trial in study.trials if trial.state != TrialState.WAITING]
    complete = [t for t in trials if t.state == "complete" and t.loss is not None]
    if not complete:
        raise TrainingFailed(
            f"none of {len(trials)} trials in {tuning.out} was finished. Choose narrower ranges "
            "with --search."
        )
    best = min(complete, key=lambda trial: (trial.loss, trial.number))
    tuned = Tuned(tuning, trials, best, _importances(study))
    write_recipe(tuned.recipe_file, tuned.recipe)
    write_text(tuning.out / "tuning.json", json.dumps(tuned.to_dict(), indent=2) + "\n")
    return tuned


def _open(tuning: Tuning, job: int = 0) -> optuna.Study:
    """Return the study of a search.

    The seed depends on the job and on the number of trials so far, so that a continued search does
    not try the same values again.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    # Optuna warns that heartbeats and multivariate sampling are experimental.
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    retry = optuna.storages.RetryHeartbeatStaleTrialCallback()
    try:
        storage = optuna.storages.RDBStorage(
            tuning.url,
            heartbeat_interval=HEARTBEAT,
            grace_period=GRACE_PERIOD,
            heartbeat_stale_trial_callback=retry,
        )
        study = optuna.create_study(
            study_name=tuning.name,
            storage=storage,
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP),
        )
        seeds = np.random.SeedSequence([tuning.seed, job, len(study.trials)])
    except Exception as error:  # errors of SQLAlchemy and of each database
        raise DataUnavailable(
            f"the database {tuning.url} cannot be opened: {one_line(error)}"
        ) from None
    study.sampler = optuna.samplers.TPESampler(
        n_startup_trials=STARTUP,
        multivariate=True,
        constant_liar=True,
        seed=int(seeds.generate_state(1)[0]),
    )
    return study


def _run_trials(
    tuning: Tuning,
    on_trial: Callable[[Trial, float], None] | None,
    job: int = 0,
    threads: int | None = None,
) -> None:
    """Run trials until there are enough."""
    study = _open(tuning, job)
    train = open_objective(
        tuning.recipe, data=tuning.data, data_dir=tuning.data_dir, threads=threads
    )

    def objective(trial: optuna.Trial) -> float:
        def on_loss(epoch: int, loss: float) -> None:
            trial.report(loss, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned

        values = {field: _suggest(trial, field, part) for field, part in tuning.space.items()}
        loss = train(with_values(tuning.recipe, values), on_loss)
        if not math.isfinite(loss):
            raise optuna.TrialPruned
        return loss

    def after(study: optuna.Study, trial: FrozenTrial) -> None:
        if on_trial:
            losses = [t.value for t in study.trials if t.state == TrialState.COMPLETE]
            on_trial(_describe(trial), min((v for v in losses if v is not None), default=math.inf))

    enough = optuna.study.MaxTrialsCallback(tuning.trials, states=DONE)
    if sum(trial.state in DONE for trial in study.trials) < tuning.trials:
        study.optimize(objective, callbacks=[after, enough])


def _run_in_processes(tuning: Tuning, on_trial: Callable[[Trial, float], None] | None) -> None:
    """Run trials in several processes, which share the cores."""
    threads = max(usable_cores() // tuning.jobs, 1)
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_run_trials, args=(tuning, on_trial, job, threads))
        for job in range(tuning.jobs)
    ]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join()
    except KeyboardInterrupt:
        for process in processes:
            process.join()
        raise
    if all(process.exitcode for process in processes):
        raise TrainingFailed("all processes of the search failed; see their messages above.")


def _suggest(trial: optuna.Trial, field: str, part: Range | Choice) -> Value:
    if isinstance(part, Choice):
        chosen: Value = trial.suggest_categorical(field, part.values)
        return chosen
    number: float = trial.suggest_float(field, part.low, part.high, log=part.log)
    return number


def _describe(trial: FrozenTrial) -> Trial:
    states = {TrialState.FAIL: "failed"}
    steps = trial.intermediate_values
    return Trial(
        number=trial.number,
        state=states.get(trial.state, trial.state.name.lower()),
        loss=trial.value if trial.value is not None else steps[max(steps)] if steps else None,
        epochs=max(steps, default=0),
        seconds=trial.duration.total_seconds() if trial.duration else 0.0,
        values=dict(trial.params),
    )


def _importances(study: optuna.Study) -> dict[str, float]:
    """Return the importance of each field by fANOVA; empty if there are too few trials."""
    complete: Sequence[FrozenTrial] = study.get_trials(states=[TrialState.COMPLETE])
    if len(complete) < 2 * STARTUP:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return {field: float(share) for field, share in shares.items()}
