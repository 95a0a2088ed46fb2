"""Objective of a trial: the loss of its network on held-out data after each epoch.

Test images are not used.
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
    """Function that trains a recipe and returns the held-out loss of the last epoch.

    The loss is in nats; it is infinite if the training failed.
    """

    def __call__(self, recipe: Any, on_loss: OnLoss, /) -> float:
        """Train; `on_loss` may raise an exception to end the training early."""


def open_objective(
    recipe: Recipe | StreamRecipe,
    *,
    data: str | None = None,
    data_dir: Path | None = None,
    threads: int | None = None,
    workers: int = 1,
) -> Objective:
    """Return the objective of a recipe, with training data that is loaded once for all trials.

    Parameters
    ----------
    recipe : Recipe or StreamRecipe
        Its type determines the network.
    data : str, optional
        Of a digit classifier: the data set.
    data_dir : path, optional
        Folder of the data sets.
    threads : int, optional
        Threads of the framework; by default one per core.
    workers : int
        Processes that draw pages.

    Raises
    ------
    Misuse
        When the recipe has no held-out images.
    """
    from digitscope.training.stream_run import set_threads

    set_threads(threads)
    # TensorFlow warns that each trial compiles its own network, which is intended.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if isinstance(recipe, Recipe):
        return _digit_objective(recipe, data, data_dir)
    return _stream_objective(recipe, data_dir, workers)


def _digit_objective(recipe: Recipe, data: str | None, data_dir: Path | None) -> Objective:
    from digitscope.data import load_data
    from digitscope.training.fit import Fit
    from digitscope.training.trainer import split_for

    dataset = load_data(data, data_dir)
    sources = [load_data(name, data_dir) for name in recipe.sources]
    fitting, held_out = split_for(recipe, dataset, sources)
    if not len(held_out):
        raise Misuse(
            f"tune needs held-out images, and {recipe.name} has none; set their number with "
            "--validation."
        )

    def train(trial: Recipe, on_loss: OnLoss) -> float:
        fit = Fit(trial, fitting, held_out, (), sources)
        return _run(fit, on_loss)

    return train


def _stream_objective(recipe: StreamRecipe, data_dir: Path | None, workers: int) -> Objective:
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
    crops, held_out_crops = (CropSource(pages, network, singles) for pages in (source, held_out))

    def train_glyph(trial: GlyphRecipe, on_loss: OnLoss) -> float:
        return _run(GlyphFit(trial, crops, held_out_crops, workers=workers), on_loss)

    return train_glyph


def _run(fit: Any, on_loss: OnLoss) -> float:
    """Train, and return the last held-out loss; release the memory of the compiled graphs."""
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
