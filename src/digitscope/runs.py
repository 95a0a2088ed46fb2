"""Run folders: all files of one training run.

::

    runs/mlp-1/
      run.json         recipe, data and hashes, versions, machine, timings, status
      history.csv      one row per epoch: loss, accuracy, rate, seconds, norms per layer
      checkpoint.npz   weights and optimizer after the last finished epoch, for --resume
      model.keras      the network as a Keras model
      model.onnx       the network that ships, with its model card
      metrics.json     the scores of model.onnx on the test images, or on held-out pages
      held_out.npz     of the glyph network: its answers on held-out crops, for the report
      report.html      the report; its figures are PNG files in figures/
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

RUNS = Path("runs")  # folder of the command line's runs
Row = dict[str, float]  # one epoch
NETWORKS = {
    "digits": "a digit classifier",
    "page": "the page network",
    "glyph": "the glyph network",
}
AnyRecipe = TypeVar("AnyRecipe", Recipe, PageRecipe, GlyphRecipe)


@dataclass(frozen=True)
class Run:
    """A run folder. Its files are read at each access.

    Attributes
    ----------
    path : Path
        The folder.
    """

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Return the run in a folder; raise `BadRun` if it has no run.json."""
        run = cls(Path(path))
        if not run.record_file.is_file():
            raise BadRun(f"{path} is not a run; expected a folder with a run.json, from train.")
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
        """The ``model.keras`` to start from; None without one, or if there is a checkpoint."""
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
        """The contents of ``run.json``."""
        record = self._json(self.record_file)
        if not (isinstance(record.get("recipe"), dict) and isinstance(record.get("data"), dict)):
            raise BadRun(f"{self.record_file} is damaged: expected the keys recipe and data.")
        return record

    @property
    def network(self) -> str:
        """The kind of network: a key of `NETWORKS`."""
        recipe = self.record["recipe"]
        return "page" if "patch" in recipe else "glyph" if "crops" in recipe else "digits"

    @property
    def members(self) -> int:
        """Number of networks in its model: 1, or more for a committee."""
        return int(self.record.get("members", 1))

    @property
    def page_recipe(self) -> PageRecipe:
        """The recipe of a page network."""
        if self.network != "page":
            raise BadRun(f"{self.path} trained {NETWORKS[self.network]}, not the page network.")
        return self._recipe_of(PageRecipe)

    @property
    def glyph_recipe(self) -> GlyphRecipe:
        """The recipe of a glyph network."""
        if self.network != "glyph":
            raise BadRun(f"{self.path} trained {NETWORKS[self.network]}, not the glyph network.")
        return self._recipe_of(GlyphRecipe)

    @property
    def recipe(self) -> Recipe:
        """The recipe of a digit classifier."""
        self.check_digits()
        return self._recipe_of(Recipe)

    def _recipe_of(self, kind: type[AnyRecipe]) -> AnyRecipe:
        try:
            return kind.from_dict(self.record["recipe"])
        except (KeyError, TypeError, AttributeError, Misuse) as error:
            raise BadRun(f"{self.record_file} is damaged: invalid recipe ({error}).") from None

    def check_digits(self) -> None:
        """Raise `BadRun` unless it is a run of a digit classifier."""
        if self.network != "digits":
            raise BadRun(f"{self.path} trained {NETWORKS[self.network]}, not a digit classifier.")

    def check_unfinished(self) -> None:
        """Raise `BadRun` if the run is finished."""
        if self.record.get("status") == "finished":
            raise BadRun(f"{self.path} is finished; only an unfinished run can be resumed.")

    @property
    def metrics(self) -> dict[str, Any]:
        """The scores on the test images: the contents of ``metrics.json``."""
        return self._json(self.path / "metrics.json")

    @property
    def history(self) -> list[Row]:
        """One row per epoch; the first one, epoch 0, is before training."""
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
            raise BadRun(f"{self.path} has no {file.name}; the run may be unfinished.") from None
        except ValueError as error:
            raise BadRun(f"{file} is damaged: {error}.") from None
        if not isinstance(content, dict):
            raise BadRun(f"{file} is damaged: expected a JSON object.")
        return content

    def update_record(self, **fields: Any) -> None:
        """Set fields of ``run.json``, and keep the others."""
        old = self.record if self.record_file.is_file() else {}
        write_text(self.record_file, json.dumps(old | fields, indent=2) + "\n")

    def write_metrics(self, metrics: dict[str, Any]) -> None:
        """Write ``metrics.json``."""
        write_text(self.path / "metrics.json", json.dumps(metrics, indent=2) + "\n")

    def write_history(self, rows: list[Row]) -> None:
        """Write ``history.csv``."""
        # Epoch 0 lacks some columns; the last row has all of them, in order.
        names = list(dict.fromkeys(name for row in (*rows[-1:], *rows) for name in row))
        with (
            replacing(self.path / "history.csv") as temporary,
            temporary.open("w", newline="") as stream,
        ):
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(rows)


def new_run_folder(root: Path, name: str) -> Path:
    """Create and return ``root/name-1``, or the folder with the next free number."""
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
    """Return the digit classifier's run in `root` with the newest model, or None."""
    models = sorted(root.glob("*/model.onnx"), key=lambda file: file.stat().st_mtime)
    runs = (Run(file.parent) for file in reversed(models))
    return next((run for run in runs if _is_of_digits(run)), None)


def _is_of_digits(run: Run) -> bool:
    try:
        return run.network == "digits"
    except BadRun:  # its model may be good
        return True
