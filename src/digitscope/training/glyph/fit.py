"""The fit of the glyph network to a stream of crops."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.special import softmax

from digitscope.models.glyph_classes import DIGIT_CLASSES
from digitscope.models.glyph_network import ANSWERS
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.runs import Row
from digitscope.synthesis.pages.stream import BatchStream, Plan
from digitscope.training.devices import use_all_devices
from digitscope.training.glyph.crop_stream import (
    Crops,
    CropSource,
    draw_crop_batch,
    draw_crops,
    held_out_crops,
)
from digitscope.training.glyph.network import build_glyph_network
from digitscope.training.layers import choose_precision
from digitscope.training.stream_fit import StreamFit

CHUNK = 1_000  # held-out crops per forward pass
DIGITS = len(DIGIT_CLASSES)


class GlyphFit(StreamFit[Crops]):
    """A fit of one recipe to one source of crops.

    Parameters
    ----------
    recipe : GlyphRecipe
    source : CropSource
        Source of the training crops.
    held_out : CropSource, optional
        Source of the held-out crops, with other writers and fonts; the recipe has the number of
        patches.
    workers : int
        Number of processes that draw patches and find glyphs.
    start : path, optional
        A ``model.keras`` or ``.onnx`` file with initial weights.
    """

    recipe: GlyphRecipe

    def __init__(
        self,
        recipe: GlyphRecipe,
        source: CropSource,
        held_out: CropSource | None = None,
        *,
        workers: int = 1,
        start: Path | None = None,
    ) -> None:
        use_all_devices()
        self.source, self.workers = source, workers
        self.policy = choose_precision(recipe.precision)
        model = build_glyph_network(recipe, self.policy)
        super().__init__(recipe, model, build_glyph_network(recipe), start)
        self._held_out = held_out
        self._crops: Crops | None = None

    @property
    def crops(self) -> Crops | None:
        """The held-out crops, which depend on the source and the page network only."""
        if self._held_out is not None and self._crops is None and self.recipe.validation:
            self._crops = held_out_crops(self._held_out, self.recipe.validation)
        return self._crops

    def loss(self, outputs: Any, targets: dict[str, Any]) -> Sequence[Any]:
        """Return the parts of the loss of a batch, inside of a compiled step."""
        return crop_loss(outputs, targets, self.recipe.turn)

    def sample(self, n: int) -> np.ndarray:
        """Return the crops of n patches like those of the training, but not used by it."""
        drawn = [draw_crops(self.source, (0, 2), k, bent=False) for k in range(n)]
        return Crops.joined(drawn).images

    def open_stream(self, plan: Plan) -> BatchStream[CropSource, Crops]:
        """Return the stream of the crops of a plan."""
        recipe = self.recipe
        draw = functools.partial(draw_crop_batch, n=recipe.crops, singles=recipe.singles)
        return BatchStream(draw, self.source, plan, workers=self.workers)

    def learn(self, batch: Crops, rate: float) -> Row:
        """Train with one batch and return the loss."""
        if not len(batch):
            return {"loss": 0.0}
        targets = {"labels": batch.labels, "turns": batch.turns}
        return {"loss": float(np.sum(self.step(batch.images, targets, rate)))}

    def probabilities(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the probabilities of classes (n, 17) and turns (n, 4) by the averaged network."""
        parts = [
            self.forward(images[first : first + CHUNK]) for first in range(0, len(images), CHUNK)
        ]
        classes, turns = np.split(np.concatenate(parts), [ANSWERS], axis=1)
        return softmax(classes, axis=1), softmax(turns, axis=1)

    def judge(self) -> Row:
        """Return loss and accuracy of the averaged network on the held-out crops.

        ``val_accuracy`` is that of all 17 classes. ``val_accuracy_digits`` is that of the ten
        digits for crops of digits, and ``val_accuracy_page`` the same for the page network.
        ``val_accuracy_turns`` is that of the four turns.
        """
        if self.crops is None:
            return {}
        crops, turned = self.crops.of_classes, self.crops.of_turns
        if not (len(crops) and len(turned)):
            return {}
        seen, _ = self.probabilities(crops.images)
        _, turns = self.probabilities(turned.images)
        right = seen[np.arange(len(crops)), crops.labels]
        digits = crops.labels < DIGITS
        labels = crops.labels[digits]
        among = seen[digits, :DIGITS].argmax(axis=1), crops.heat[digits, :DIGITS].argmax(axis=1)
        return {
            "val_loss": float(-np.log(np.maximum(right, 1e-7)).mean()),
            "val_accuracy": float((seen.argmax(axis=1) == crops.labels).mean()),
            "val_accuracy_digits": float((among[0] == labels).mean()),
            "val_accuracy_page": float((among[1] == labels).mean()),
            "val_accuracy_turns": float((turns.argmax(axis=1) == turned.turns).mean()),
        }


def crop_loss(logits: Any, targets: dict[str, Any], turn: float) -> tuple[Any, Any]:
    """Return the cross-entropy of classes and the weighted one of turns, of crops with labels.

    Parameters
    ----------
    logits : tensor of shape (n, 21), dtype float32
        Outputs of the network.
    targets : dict of tensor
        ``labels`` and ``turns``, (n,) each, negative if unknown.
    turn : float
        Weight of the loss of turns.
    """
    classes = _known_loss(targets["labels"], logits[:, :ANSWERS])
    return classes, turn * _known_loss(targets["turns"], logits[:, ANSWERS:])


def _known_loss(labels: Any, logits: Any) -> Any:
    """Return the mean cross-entropy of the crops that have a label."""
    known = ops.cast(labels >= 0, "float32")
    wanted = ops.cast(ops.maximum(labels, 0), "int32")
    each = keras.losses.sparse_categorical_crossentropy(wanted, logits, from_logits=True)
    return ops.sum(known * each) / ops.maximum(ops.sum(known), 1.0)
