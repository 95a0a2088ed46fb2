"""The fit of the page network to a stream of patches."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from digitscope.evaluation.page_scores import PageScores
from digitscope.models.glyph_classes import HEAT
from digitscope.recipes.page_recipe import PageRecipe
from digitscope.runs import Row
from digitscope.synthesis.pages.stream import (
    Batch,
    BatchStream,
    Plan,
    Source,
    draw_batch,
    draw_patch,
    held_out_patches,
)
from digitscope.synthesis.pages.targets import Targets, draw_targets
from digitscope.synthesis.pages.truth import PageTruth
from digitscope.training.devices import use_all_devices
from digitscope.training.layers import choose_precision
from digitscope.training.page.loss import Losses, page_loss
from digitscope.training.page.network import build_page_network
from digitscope.training.stream_fit import StreamFit


class PageFit(StreamFit[Batch]):
    """A fit of one recipe to one source of patches.

    Parameters
    ----------
    recipe : PageRecipe
    source : Source
        Source of the training patches.
    held_out : Source, optional
        Source of the held-out patches, with other writers and fonts; the recipe has their number.
    workers : int
        Number of processes that draw patches.
    start : path, optional
        A ``model.keras`` or ``.onnx`` file with initial weights.
    """

    recipe: PageRecipe

    def __init__(
        self,
        recipe: PageRecipe,
        source: Source,
        held_out: Source | None = None,
        *,
        workers: int = 1,
        start: Path | None = None,
    ) -> None:
        use_all_devices()
        self.source, self.workers = source, workers
        self.policy = choose_precision(recipe.precision)
        model = build_page_network(recipe, self.policy)
        super().__init__(recipe, model, build_page_network(recipe), start)
        self._held_out = held_out
        self._pages: list[tuple[np.ndarray, PageTruth]] = []

    @property
    def pages(self) -> list[tuple[np.ndarray, PageTruth]]:
        """The held-out patches with their ground truth, which depend on the source only."""
        if self._held_out is not None and not self._pages:
            self._pages = held_out_patches(self._held_out, self.recipe.validation)
        return self._pages

    def loss(self, outputs: Any, targets: dict[str, Any]) -> Sequence[Any]:
        """Return the parts of the loss of a batch, inside of a compiled step."""
        return page_loss(outputs, targets, self.recipe.loss)

    def sample(self, n: int) -> np.ndarray:
        """Return patches like those of the training, but not used by it, uint8 (n, side, side)."""
        return np.stack([draw_patch(self.source, (0, 2), number)[0] for number in range(n)])

    def open_stream(self, plan: Plan) -> BatchStream[Source, Batch]:
        """Return the stream of the patches of a plan."""
        return BatchStream(draw_batch, self.source, plan, workers=self.workers)

    def learn(self, batch: Batch, rate: float) -> Row:
        """Train with one batch and return the parts of the loss."""
        losses = np.asarray(self.step(batch.images, batch.targets.arrays(), rate)).tolist()
        parts = {f"loss_{name}": loss for name, loss in zip(Losses._fields, losses, strict=True)}
        return {"loss": sum(losses), **parts}

    def judge(self) -> Row:
        """Return loss and scores of the averaged network on the held-out patches."""
        n = self.recipe.validation
        if self._held_out is None or not n:
            return {}
        pages, total = self.pages, np.zeros(len(Losses._fields))
        heats: list[np.ndarray] = []
        for start in range(0, n, self.recipe.batch_size):
            part = pages[start : start + self.recipe.batch_size]
            maps = self.forward(np.stack([image for image, _ in part]))
            truths = [truth for _, truth in part]
            targets = Targets.stack([draw_targets(truth) for truth in truths])
            losses = page_loss(maps, targets.arrays(), self.recipe.loss)
            total += np.array([float(loss) for loss in losses]) * len(part)
            heats += list(expit(maps[..., HEAT].transpose(0, 3, 1, 2)))
        means = total / n
        parts = {f"val_{k}": float(m) for k, m in zip(Losses._fields, means, strict=True)}
        found = PageScores.from_maps(zip(heats, (truth for _, truth in pages), strict=True))
        scores = {f"val_{name}": value for name, value in found.row().items()}
        return {"val_loss": float(means.sum()), **parts, **scores}
