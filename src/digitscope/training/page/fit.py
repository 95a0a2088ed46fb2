"""The fit of the page network: epoch after epoch from a stream of patches, with checkpoints.

Batch i depends on the recipe's seed and i alone, so a fit that was killed and goes on from its last
checkpoint ends with the same weights as one that was not.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from digitscope.errors import BadModel
from digitscope.glyph_classes import HEAT
from digitscope.page_recipe import PageRecipe
from digitscope.page_scores import PageScores
from digitscope.runs import Row
from digitscope.synthesis.pages.stream import (
    Batch,
    PatchStream,
    Plan,
    Source,
    held_out_patches,
)
from digitscope.synthesis.pages.targets import Targets, draw_targets
from digitscope.synthesis.pages.truth import PageTruth
from digitscope.training.checkpoint import State, read_checkpoint, write_checkpoint
from digitscope.training.page.loss import Losses, page_loss
from digitscope.training.page.network import build_page_network, choose_precision
from digitscope.training.page.step import build_page_optimizer, compile_forward, compile_step

PART = 10  # steps between two signs of life


@dataclass
class PageFitResult:
    """How a fit ended.

    Attributes
    ----------
    history : list of dict
        One row an epoch.
    stopped : str
        Why it ended before its last epoch; empty if it did not.
    interrupted : bool
        Whether it was Ctrl-C.
    problem : str
        What broke it; empty if nothing did.
    """

    history: list[Row]
    stopped: str = ""
    interrupted: bool = False
    problem: str = ""


class PageFit:
    """A fit of one recipe to one source of patches.

    Parameters
    ----------
    recipe : PageRecipe
    source : Source
        What to learn from.
    held_out : Source, optional
        What to judge each epoch by: other writers, other type. The recipe says how many patches.
    workers : int
        Processes that draw patches.
    start : path, optional
        A ``model.keras`` whose weights to begin with, in all layers that are the same.

    Attributes
    ----------
    network : keras.Model
        The averaged network, float32, after each epoch and at the end.
    """

    def __init__(
        self,
        recipe: PageRecipe,
        source: Source,
        held_out: Source | None = None,
        *,
        workers: int = 1,
        start: Path | None = None,
    ) -> None:
        self.recipe, self.source, self.workers = recipe, source, workers
        self.policy = choose_precision(recipe)
        self.model = build_page_network(recipe, self.policy)
        self.network = build_page_network(recipe)
        if start:
            take_weights(start, self.model)
        self.optimizer = build_page_optimizer(recipe)
        self.optimizer.build(self.model.trainable_variables)
        self.averages = [keras.Variable(v.value, trainable=False) for v in self.model.variables]
        self.history: list[Row] = []
        self._forward = compile_forward(self.network)
        self._step = compile_step(self.model, self.optimizer, self.averages, recipe)
        self._held_out = held_out
        self._pages: list[tuple[np.ndarray, PageTruth]] = []

    @property
    def pages(self) -> list[tuple[np.ndarray, PageTruth]]:
        """The held-out patches with their truth; the same for every recipe of one source."""
        if self._held_out is not None and not self._pages:
            self._pages = held_out_patches(self._held_out, self.recipe.validation)
        return self._pages

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.model.variables, *self.optimizer.variables, *self.averages]

    @property
    def state(self) -> State:
        """The values of all variables: of the model, the optimizer and the averages."""
        return [np.array(keras.ops.convert_to_numpy(v)) for v in self._variables]

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        write_checkpoint(path, self.state, self.history)

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint that `save` wrote."""
        shapes = [tuple(v.shape) for v in self._variables]
        state, self.history = read_checkpoint(path, shapes)
        for variable, value in zip(self._variables, state, strict=True):
            variable.assign(value)
        self._average_in()

    def run(
        self,
        *,
        checkpoint: Path | None = None,
        on_epoch: Callable[[Row], None] | None = None,
        on_part: Callable[[float], None] | None = None,
    ) -> PageFitResult:
        """Train to the last epoch, or until Ctrl-C or a broken loss stops it.

        Parameters
        ----------
        checkpoint : path, optional
            Written after each epoch; a later `restore` goes on from it.
        on_epoch : callable, optional
            Called with each row of the history when `network` holds the weights of that epoch.
        on_part : callable, optional
            Called with the share of an epoch that is done each time that some of it is.
        """
        recipe, steps = self.recipe, self.recipe.steps
        result = PageFitResult(self.history)
        rates = page_rates(recipe)
        plan = Plan(
            (recipe.seed,), recipe.batch_size, len(self.history) * steps, recipe.epochs * steps
        )
        if plan.first >= plan.end:
            return result
        with PatchStream(self.source, plan, workers=self.workers) as stream:
            batches = iter(stream)
            try:
                for epoch in range(len(self.history) + 1, recipe.epochs + 1):
                    row = self._epoch(batches, rates[(epoch - 1) * steps : epoch * steps], on_part)
                    if not math.isfinite(row["loss"]):
                        result.problem = (
                            f"the loss is not finite in epoch {epoch} at a learning rate of "
                            f"{row['learning_rate']:g}; try a smaller --learning-rate."
                        )
                        break
                    self._average_in()
                    self.history.append({"epoch": float(epoch), **row, **self._judge()})
                    if checkpoint:
                        self.save(checkpoint)
                    if on_epoch:
                        on_epoch(self.history[-1])
            except KeyboardInterrupt:
                result.interrupted = True
                result.stopped = f"interrupted after epoch {len(self.history)}"
        return result

    def _epoch(
        self,
        batches: Iterator[Batch],
        rates: np.ndarray,
        on_part: Callable[[float], None] | None,
    ) -> Row:
        started = time.perf_counter()
        sums, waited = np.zeros(len(Losses._fields)), 0.0
        for number, rate in enumerate(rates, start=1):
            asked = time.perf_counter()
            batch = next(batches)
            waited += time.perf_counter() - asked
            sums += self._step(batch.images, batch.targets.arrays(), float(rate))
            if on_part and (number % PART == 0 or number == len(rates)):
                on_part(((number - 1) % PART + 1) / len(rates))
        means = sums / len(rates)
        seconds = time.perf_counter() - started
        return {
            "loss": float(means.sum()),
            **{f"loss_{name}": float(m) for name, m in zip(Losses._fields, means, strict=True)},
            "learning_rate": float(rates[-1]),
            "seconds": seconds,
            "waited": waited,
            "patches_per_second": len(rates) * self.recipe.batch_size / seconds,
        }

    def _judge(self) -> Row:
        """Return loss and scores of the averaged network on the held-out patches."""
        n = self.recipe.validation
        if self._held_out is None or not n:
            return {}
        pages, total = self.pages, np.zeros(len(Losses._fields))
        heats: list[np.ndarray] = []
        for start in range(0, n, self.recipe.batch_size):
            part = pages[start : start + self.recipe.batch_size]
            maps = self._forward(np.stack([image for image, _ in part]))
            truths = [truth for _, truth in part]
            targets = Targets.stack([draw_targets(truth) for truth in truths])
            losses = page_loss(maps, targets.arrays(), self.recipe.loss)
            total += np.array([float(loss) for loss in losses]) * len(part)
            heats += list(1 / (1 + np.exp(-maps[..., HEAT].transpose(0, 3, 1, 2))))
        means = total / n
        parts = {f"val_{k}": float(m) for k, m in zip(Losses._fields, means, strict=True)}
        found = PageScores.from_maps(zip(heats, (truth for _, truth in pages), strict=True))
        scores = {f"val_{name}": value for name, value in found.row().items()}
        return {"val_loss": float(means.sum()), **parts, **scores}

    def _average_in(self) -> None:
        for variable, average in zip(self.network.variables, self.averages, strict=True):
            variable.assign(average.value)


def page_rates(recipe: PageRecipe) -> np.ndarray:
    """Return the learning rate of each step of a run, float32: a rise, then a cosine to 0."""
    steps = recipe.epochs * recipe.steps
    step = np.arange(1, steps + 1, dtype=np.float64)
    warmup = round(recipe.warmup * steps)
    rise = np.minimum(step / max(warmup, 1), 1)
    left = np.clip((steps - step + 1) / max(steps - warmup, 1), 0, 1)
    factors = np.minimum(rise, (1 - np.cos(np.pi * left)) / 2)
    return np.asarray(recipe.learning_rate * factors, np.float32)


def take_weights(path: Path, model: keras.Model) -> None:
    """Give a network the weights in a ``model.keras`` for all layers that are the same in both.

    Other layers keep their initial weights. `BadModel` where no layer is the same.
    """
    try:
        other = keras.models.load_model(path, compile=False)
    except Exception as error:  # Keras raises many kinds for a damaged file
        raise BadModel(f"{path} cannot be loaded: {error}.") from None
    trained = {layer.name: layer.get_weights() for layer in other.layers}
    taken = 0
    for layer in model.layers:
        weights = trained.get(layer.name, [])
        if weights and [w.shape for w in weights] == [w.shape for w in layer.get_weights()]:
            layer.set_weights(weights)
            taken += 1
    if not taken:
        raise BadModel(
            f"{path} has no layer in common with the recipe's network; give the same stem, "
            f"channels, encoder and decoder."
        )
