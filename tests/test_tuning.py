"""A search finds a better recipe on held-out data, and can be continued."""

import json
import math
import os
import signal
import subprocess
import sys

import optuna
import pytest

from digitscope import tuning
from digitscope.errors import BadRun, DataUnavailable, Misuse, TrainingFailed
from digitscope.recipes import RECIPES, Recipe
from digitscope.recipes.described import Choice, Range
from digitscope.recipes.glyph_recipe import GLYPH
from digitscope.recipes.page_recipe import PAGE
from digitscope.recipes.recipe_file import read_recipe, write_recipe
from digitscope.rendering.tuning_report import report_tuning
from digitscope.tuning import study
from digitscope.tuning.space import usual_space, value_of, with_values
from digitscope.tuning.study import Tuning, tune

MLP = RECIPES["mlp"].but(epochs=4)
SPACE = {
    "learning_rate": Range(1e-4, 1e-1, log=True),
    "schedule": Choice(("constant", "linear")),
    "dropout": Range(0.0, 0.5),
}


def loss_of(recipe, epoch=4):
    """Return a loss that is least at a rate of 0.003 with linear."""
    away = math.log10(recipe.learning_rate / 0.003) ** 2
    return (0.1 + away + 0.2 * (recipe.schedule == "constant")) * (1 + 1 / epoch)


@pytest.fixture
def calculated(monkeypatch):
    """Trials are calculated, not trained; gives the recipes that were tried."""
    tried = []

    def open_objective(recipe, **_):
        def train(trial, on_loss):
            tried.append(trial)
            for epoch in range(1, trial.epochs + 1):
                on_loss(epoch, loss_of(trial, epoch))
            return loss_of(trial)

        return train

    monkeypatch.setattr(study, "open_objective", open_objective)
    return tried


def search(folder, **options):
    return Tuning(**({"out": folder, "recipe": MLP, "space": SPACE, "trials": 40} | options))


def test_the_best_values_are_found(calculated, tmp_path):
    tuned = tune(search(tmp_path))
    assert len(tuned.trials) == 40
    assert isinstance(tuned.recipe, Recipe)
    assert tuned.recipe.schedule == "linear"
    assert 0.002 < tuned.recipe.learning_rate < 0.005
    assert tuned.best.loss == pytest.approx(loss_of(tuned.recipe))
    assert tuned.best.loss == min(t.loss for t in tuned.trials if t.state == "complete")
    assert tuned.importances["learning_rate"] > tuned.importances["dropout"]
    assert sum(tuned.importances.values()) == pytest.approx(1)
    assert read_recipe(tuned.recipe_file) == tuned.recipe
    assert json.loads((tmp_path / "tuning.json").read_text()) == tuned.to_dict()


def test_the_first_trial_is_the_recipe_itself(calculated, tmp_path):
    tuned = tune(search(tmp_path, trials=1))
    assert calculated == [MLP]
    assert tuned.recipe == MLP


def test_bad_trials_are_ended_early(calculated, tmp_path):
    tuned = tune(search(tmp_path))
    pruned = [trial for trial in tuned.trials if trial.state == "pruned"]
    assert len(pruned) > 5
    assert all(1 <= trial.epochs <= 4 for trial in pruned)
    assert any(trial.epochs < 4 for trial in pruned)


def test_a_loss_that_is_not_finite_ends_a_trial_and_not_the_search(monkeypatch, tmp_path):
    losses = iter([math.inf, 0.5, math.inf])
    monkeypatch.setattr(study, "open_objective", lambda *_, **__: lambda *_: next(losses))
    tuned = tune(search(tmp_path, trials=3))
    assert [trial.state for trial in tuned.trials] == ["pruned", "complete", "pruned"]
    assert tuned.best.loss == 0.5
    monkeypatch.setattr(study, "open_objective", lambda *_, **__: lambda *_: math.inf)
    with pytest.raises(TrainingFailed, match="none of 2 trials"):
        tune(search(tmp_path / "none", trials=2))


def test_a_search_goes_on(calculated, tmp_path):
    tune(search(tmp_path, trials=3))
    tuned = tune(search(tmp_path, trials=8))
    assert len(calculated) == len(tuned.trials) == 8
    assert len({recipe.learning_rate for recipe in calculated}) == 8  # none comes twice
    assert len(tune(search(tmp_path, trials=8)).trials) == 8


def test_another_search_does_not_go_on(calculated, tmp_path):
    tune(search(tmp_path, trials=2))
    with pytest.raises(BadRun, match="with another recipe"):
        tune(search(tmp_path, recipe=MLP.but(epochs=5)))
    with pytest.raises(BadRun, match="with another space"):
        tune(search(tmp_path, space={"dropout": Range(0, 0.5)}))


def test_several_machines_share_a_database(calculated, tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    tune(search(tmp_path / "one", storage=url, trials=4))
    (tmp_path / "other" / "one").mkdir(parents=True)
    tuned = tune(search(tmp_path / "other" / "one", storage=url, trials=6))
    assert len(tuned.trials) == 6
    assert not (tmp_path / "one" / "study.db").exists()


def test_a_database_that_cannot_be_reached(tmp_path):
    with pytest.raises(DataUnavailable, match="cannot be opened"):
        tune(search(tmp_path, storage=f"sqlite:///{tmp_path}/nix/a.db"))
    with pytest.raises(DataUnavailable, match="cannot be opened"):
        tune(search(tmp_path, storage="nix://a"))


def test_an_interrupted_trial_does_not_count(monkeypatch, tmp_path):
    def interrupt(*_, **__):
        def train(*_):
            raise KeyboardInterrupt

        return train

    monkeypatch.setattr(study, "open_objective", interrupt)
    with pytest.raises(KeyboardInterrupt):
        tune(search(tmp_path, trials=2))
    monkeypatch.setattr(study, "open_objective", lambda *_, **__: lambda *_: 0.5)
    tuned = tune(search(tmp_path, trials=2))
    assert [trial.state for trial in tuned.trials] == ["failed", "complete", "complete"]


@pytest.mark.parametrize("recipe", [*RECIPES.values(), PAGE, GLYPH], ids=lambda r: r.name)
def test_the_usual_space_fits_each_recipe(recipe):
    space = usual_space(recipe)
    trial = optuna.trial.FixedTrial(
        {f: part.values[-1] if isinstance(part, Choice) else part.high for f, part in space.items()}
    )
    values = {field: study._suggest(trial, field, part) for field, part in space.items()}
    changed = with_values(recipe, values)
    assert value_of(changed, space) == values
    assert type(changed) is type(recipe)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learnig_rate", "has no field 'learnig_rate'.*Did you mean 'learning_rate'"),
        ("name", "name has no default range"),
        ("dropout=0.5:0.1", "FIELD=LOW:HIGH"),
        ("dropout=a:b", "FIELD=LOW:HIGH"),
        ("dropout=a,b", "FIELD=LOW:HIGH"),
        ("batch_size=10:100", "is an integer"),
        ("augmentation.shear", "no field"),
    ],
)
def test_ranges_that_make_no_sense(text, message):
    with pytest.raises(Misuse, match=message):
        tuning.parse_space([text], RECIPES["mlp"])


def test_another_optimizer_drops_the_weight_decay():
    assert MLP.weight_decay
    assert with_values(MLP, {"optimizer": "sgd"}).weight_decay == 0


def test_more_jobs_than_trials_make_no_sense(tmp_path):
    with pytest.raises(Misuse, match="jobs must be 1 to the number of trials, 40"):
        search(tmp_path, jobs=41)


def test_a_value_that_the_recipe_refuses_is_misuse(calculated, tmp_path):
    with pytest.raises(Misuse, match="dropout must be"):
        tune(search(tmp_path, space={"dropout": Choice((1.5,))}, trials=1))


def test_the_page_of_a_search(calculated, tmp_path):
    tuned = tune(search(tmp_path))
    page = report_tuning(tuned.to_dict(), MLP.to_dict(), tmp_path).read_text()
    assert f"a held-out loss of {tuned.best.loss:.4f}" in page.replace("\n", " ")
    assert page.count("data:image/png") == 3
    few = tune(search(tmp_path / "few", trials=1))
    page = report_tuning(few.to_dict(), MLP.to_dict(), tmp_path / "few").read_text()
    assert "Too few trials were finished" in page


def command(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "digitscope", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ),
    )  # fmt: skip


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_and_its_recipe_trains(tmp_path):
    out = tmp_path / "search"
    arguments = ["tune", "mlp", "--data", "digits", "--epochs", 2, "--out", out, "--trials", 3]
    process = command(*arguments)
    for line in process.stderr:
        if line.startswith("trial 0"):
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    process = command(*arguments, "--json", "--jobs", 2)
    answer, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    tuned = json.loads(answer)
    states = [trial["state"] for trial in tuned["trials"]]
    assert states.count("complete") + states.count("pruned") >= 3
    assert (out / "report.html").exists()
    run = tmp_path / "run"
    arguments = ["--data", "digits", "--recipe", out / "best.json", "--out", run, "--no-report"]
    process = command("train", *arguments)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    kept = json.loads((run / "run.json").read_text())["recipe"]
    assert kept == json.loads((out / "best.json").read_text())["recipe"]


def test_a_recipe_file_that_is_none(tmp_path):
    with pytest.raises(Misuse, match="no such recipe"):
        read_recipe(tmp_path / "nix.json")
    recipes: list = [*RECIPES.values(), PAGE, GLYPH]
    for recipe in recipes:
        write_recipe(tmp_path / "a.json", recipe)
        assert read_recipe(tmp_path / "a.json") == recipe
    for text in ("", "[]", "{}", '{"network": "digits"}', '{"network": "x", "recipe": {}}'):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(ValueError, match="is no recipe"):
            read_recipe(tmp_path / "bad.json")
    text = (tmp_path / "a.json").read_text().replace('"dropout": 0.2', '"dropout": 2')
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(Misuse, match="dropout must be"):
        read_recipe(tmp_path / "bad.json")
