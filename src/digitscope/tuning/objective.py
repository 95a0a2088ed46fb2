"""What a trial is judged by: the loss of its network on held-out data, epoch after epoch.

The test images are never looked at.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from digitscope.errors import Misuse
from digitscope.recipes import Recipe
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.recipes.page_recipe import PageRecipe
from digitscope.recipes.stream_recipe import StreamRecipe

OnLoss = Callable[[int, float], None]  # called with an epoch, from 1 on, and its held-out loss


class Objective(Protocol):
    """Trains a recipe and returns the held-out loss of the last epoch, nats; inf if it broke."""

    def __call__(self, recipe: Any, on_loss: OnLoss, /) -> float:
        """Train; `on_loss` may raise to end the training early."""


def open_objective(
    recipe: Recipe | StreamRecipe,
    *,
    data: str | None = None,
    data_dir: Path | None = None,
    threads: int | None = None,
    workers: int = 1,
) -> Objective:
    """Load what trials of a recipe learn from, once for all of them.

    Parameters
    ----------
    recipe : Recipe or StreamRecipe
        Tells which network it is.
    data : str, optional
        Of a digit classifier: the data set.
    data_dir : path, optional
        Where the data sets are.
    threads : int, optional
        Threads of the framework; one a core unless given.
    workers : int
        Processes that draw pages.

    Raises
    ------
    Misuse
        When a recipe holds out nothing to judge by.
    """
    from digitscope.training.stream_run import set_threads

    set_threads(threads)
    # TensorFlow remarks that each trial compiles its own network, which is meant so.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if isinstance(recipe, Recipe):
        return _digits(recipe, data, data_dir)
    return _stream(recipe, data_dir, workers)


def _digits(recipe: Recipe, data: str | None, data_dir: Path | None) -> Objective:
    from digitscope.data import load_data
    from digitscope.training.fit import Fit
    from digitscope.training.trainer import split_for

    dataset = load_data(data, data_dir)
    sources = [load_data(name, data_dir) for name in recipe.sources]
    fitting, held_out = split_for(recipe, dataset, sources)
    if not len(held_out):
        raise Misuse(
            f"tuning judges by held-out images, and {recipe.name} holds out none; "
            "name some with --validation."
        )

    def train(trial: Recipe, on_loss: OnLoss) -> float:
        fit = Fit(trial, fitting, held_out, (), sources)
        return _run(fit, on_loss)

    return train


def _stream(recipe: StreamRecipe, data_dir: Path | None, workers: int) -> Objective:
    from digitscope.data.page_sources import page_sources

    source, held_out = page_sources(data_dir)
    if isinstance(recipe, PageRecipe):
        from digitscope.training.page.fit import PageFit

        def train_page(trial: PageRecipe, on_loss: OnLoss) -> float:
            return _run(PageFit(trial, source, held_out, workers=workers), on_loss)

        return train_page
    from digitscope.models.page_network import PageNetwork
    from digitscope.training.glyph.crop_stream import CropSource
    from digitscope.training.glyph.fit import GlyphFit
    from digitscope.training.glyph.single_digits import load_singles

    network, singles = PageNetwork(threads=1).path, load_singles(data_dir)
    crops, judge = (CropSource(pages, network, singles) for pages in (source, held_out))

    def train_glyph(trial: GlyphRecipe, on_loss: OnLoss) -> float:
        return _run(GlyphFit(trial, crops, judge, workers=workers), on_loss)

    return train_glyph


def _run(fit: Any, on_loss: OnLoss) -> float:

    from digitscope.training.stream_run import forget_graphs

    def on_epoch(row: dict[str, float]) -> None:
        if row["epoch"] >= 1:
            on_loss(int(row["epoch"]), row["val_loss"])

    try:
        result = fit.run(on_epoch=on_epoch)
    finally:
        forget_graphs()
    if result.interrupted:
        raise KeyboardInterrupt
    return math.inf if result.problem else float(fit.history[-1]["val_loss"])
