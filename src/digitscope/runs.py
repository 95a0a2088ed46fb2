"""What a training run leaves behind: one folder that tells the whole story.

::

    runs/mlp-1/
      run.json         what produced it: recipe, data and hashes, versions, machine, timings, status
      history.csv      one row an epoch: loss, accuracy, rate, seconds, norms per layer
      checkpoint.npz   weights and optimizer after the last finished epoch, for --resume
      model.keras      the network as Keras knows it
      model.onnx       the network that ships, with its card inside
      metrics.json     the scores of model.onnx on the test images, or on held-out pages
      held_out.npz     of the glyph network: its answers on held-out crops, for the page
      report.html      the page, and its figures as PNG in figures/
"""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from digitscope.errors import BadRun, Misuse
from digitscope.files import replacing, write_text
from digitscope.recipes import Recipe
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.recipes.page_recipe import PageRecipe

RUNS = Path("runs")  # where the command line keeps them
Row = dict[str, float]  # one epoch
NETWORKS = {
    "digits": "a digit classifier",
    "page": "the page network",
    "glyph": "the glyph network",
}
AnyRecipe = TypeVar("AnyRecipe", Recipe, PageRecipe, GlyphRecipe)


@dataclass(frozen=True)
class Run:
    """A run's folder. Everything is read from the files when it is asked for.

    Attributes
    ----------
    path : Path
        The folder.
    """

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Return the run in a folder; `BadRun` if it holds none."""
        run = cls(Path(path))
        if not run.record_file.is_file():
            raise BadRun(f"{path} is not a run; expected a folder with a run.json, as train makes.")
        return run

    @property
    def record_file(self) -> Path:
        """``run.json``."""
        return self.path / "run.json"

    @property
    def checkpoint_file(self) -> Path:
        """``checkpoint.npz``."""
        return self.path / "checkpoint.npz"

    @property
    def start(self) -> Path | None:
        """The ``model.keras`` to begin with; None for none, and from the first checkpoint on."""
        start = self.record["data"].get("start")
        return Path(start) if start and not self.checkpoint_file.exists() else None

    @property
    def keras_file(self) -> Path:
        """``model.keras``."""
        return self.path / "model.keras"

    @property
    def model_file(self) -> Path:
        """``model.onnx``."""
        return self.path / "model.onnx"

    @property
    def held_out_file(self) -> Path:
        """``held_out.npz``."""
        return self.path / "held_out.npz"

    @property
    def report_file(self) -> Path:
        """``report.html``."""
        return self.path / "report.html"

    @property
    def record(self) -> dict[str, Any]:
        """What produced the run: the contents of ``run.json``."""
        record = self._json(self.record_file)
        if not (isinstance(record.get("recipe"), dict) and isinstance(record.get("data"), dict)):
            raise BadRun(f"{self.record_file} is damaged: it tells no recipe or no data.")
        return record

    @property
    def network(self) -> str:
        """What was trained: one of `NETWORKS`."""
        recipe = self.record["recipe"]
        return "page" if "patch" in recipe else "glyph" if "crops" in recipe else "digits"

    @property
    def members(self) -> int:
        """How many networks its model has: 1, or more of a committee."""
        return int(self.record.get("members", 1))

    @property
    def page_recipe(self) -> PageRecipe:
        """The recipe that a training of the page network followed."""
        if self.network != "page":
            raise BadRun(f"{self.path} trained {NETWORKS[self.network]}, not the page network.")
        return self._recipe_of(PageRecipe)

    @property
    def glyph_recipe(self) -> GlyphRecipe:
        """The recipe that a training of the glyph network followed."""
        if self.network != "glyph":
            raise BadRun(f"{self.path} trained {NETWORKS[self.network]}, not the glyph network.")
        return self._recipe_of(GlyphRecipe)

    @property
    def recipe(self) -> Recipe:
        """The recipe that a training of a digit classifier followed."""
        self.check_digits()
        return self._recipe_of(Recipe)

    def _recipe_of(self, kind: type[AnyRecipe]) -> AnyRecipe:
        try:
            return kind.from_dict(self.record["recipe"])
        except (KeyError, TypeError, AttributeError, Misuse) as error:
            raise BadRun(f"{self.record_file} is damaged: no such recipe ({error}).") from None

    def check_digits(self) -> None:
        """Raise `BadRun` unless it trained a digit classifier."""
        if self.network != "digits":
            raise BadRun(f"{self.path} trained {NETWORKS[self.network]}, not a digit classifier.")

    def check_unfinished(self) -> None:
        """Raise `BadRun` for a run with which there is nothing to go on."""
        if self.record.get("status") == "finished":
            raise BadRun(f"{self.path} is finished; there is nothing to go on with.")

    @property
    def metrics(self) -> dict[str, Any]:
        """The scores on the test images: the contents of ``metrics.json``."""
        return self._json(self.path / "metrics.json")

    @property
    def history(self) -> list[Row]:
        """One row an epoch, 0 (before training) first."""
        file = self.path / "history.csv"
        try:
            with file.open(newline="") as stream:
                return [
                    {name: float(value) for name, value in row.items() if value != ""}
                    for row in csv.DictReader(stream)
                ]
        except (OSError, ValueError, TypeError) as error:
            raise BadRun(f"{file} cannot be read: {error}.") from None

    def _json(self, file: Path) -> dict[str, Any]:
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BadRun(f"{self.path} holds no {file.name}; is the run finished?") from None
        except ValueError as error:
            raise BadRun(f"{file} is damaged: {error}.") from None
        if not isinstance(content, dict):
            raise BadRun(f"{file} is damaged: expected an object.")
        return content

    def update_record(self, **fields: Any) -> None:
        """Set some fields of ``run.json``."""
        old = self.record if self.record_file.is_file() else {}
        write_text(self.record_file, json.dumps(old | fields, indent=2) + "\n")

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write ``metrics.json``."""
        write_text(self.path / "metrics.json", json.dumps(metrics, indent=2) + "\n")

    def write_history(self, rows: list[Row]) -> None:
        """Write ``history.csv``."""
        # The row before training lacks some columns; the last one has them all, in order.
        names = list(dict.fromkeys(name for row in (*rows[-1:], *rows) for name in row))
        with (
            replacing(self.path / "history.csv") as temporary,
            temporary.open("w", newline="") as stream,
        ):
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(rows)


def new_run_folder(root: Path, name: str) -> Path:
    """Make and return ``root/name-1``, or the first number that is free."""
    root.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        try:
            (folder := root / f"{name}-{number}").mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def latest_run(root: Path) -> Run | None:
    """Return the run of a digit classifier under `root` whose model is the newest, or None."""
    models = sorted(root.glob("*/model.onnx"), key=lambda file: file.stat().st_mtime)
    runs = (Run(file.parent) for file in reversed(models))
    return next((run for run in runs if _is_of_digits(run)), None)


def _is_of_digits(run: Run) -> bool:
    try:
        return run.network == "digits"
    except BadRun:  # its model may be good
        return True
