"""Networks that learn from the same images in several scalings."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from digitscope.data import Dataset
from digitscope.errors import Misuse, did_you_mean
from digitscope.image.digit import Images
from digitscope.lessons.experiments.common import split
from digitscope.nn import OPTIMIZERS, Design, Network, cross_entropy, pixels, train
from digitscope.nn.losses import Floats

if TYPE_CHECKING:
    from digitscope.lessons.experiments.normalisation import NormalisationSettings


def make_scalings(x: Floats) -> dict[str, Callable[[Images], Floats]]:
    """Return what makes inputs of images; means and deviation are those of `x`, 0 to 1."""
    offset, deviation = np.float32(x.mean(dtype=np.float64)), np.float32(x.std(dtype=np.float64))
    mean_image = x.mean(0)  # (784,)
    return {
        "bytes": lambda images: pixels(images) * np.float32(255),
        "unit": pixels,
        "standard": lambda images: (pixels(images) - offset) / deviation,
        "centred": lambda images: pixels(images) - mean_image,
    }


class Trials:
    """Networks on the same images in every scaling; a case is a scaling, a rate and a seed."""

    def __init__(self, data: Dataset, settings: "NormalisationSettings") -> None:
        fit, self.held_out = split(data)
        images, self.labels = fit.images[: settings.images], fit.labels[: settings.images]
        self.unit = pixels(images)
        known = make_scalings(self.unit)
        for name in settings.scalings:
            if name not in known:
                raise Misuse(
                    f"a scaling must be one of {', '.join(known)}. Received: {name!r}."
                    + did_you_mean(name, known)
                )
        self.settings, self.test = settings, data.test
        self.scalings = [known[name] for name in settings.scalings]
        self.inputs = [scale(images) for scale in self.scalings]
        self.held = [scale(self.held_out.images) for scale in self.scalings]
        self.design = Design(hidden=(settings.units,), initialisation=settings.initialisation)

    def start(self, case: tuple[int, int]) -> tuple[float, float]:
        """Return the loss before training, and the norm of the gradient by the first kernel."""
        kind, seed = case
        network = Network(self.design, seed)
        losses, by_logits = cross_entropy(network.forward(self.inputs[kind]), self.labels)
        network.backward(by_logits / np.float32(len(by_logits)))
        return float(losses.mean()), network.norms()[0]

    def train(self, case: tuple[int, float, int]) -> tuple[Network, list[float], bool]:
        """Return a network after training, the loss of each batch, and whether all are finite."""
        kind, rate, seed = case
        network, losses, finite = Network(self.design, seed), [0.0][:0], True
        optimizer = OPTIMIZERS[self.settings.optimizer](rate)
        epochs = train(
            network, optimizer, self.inputs[kind], self.labels,
            epochs=self.settings.epochs, seed=seed,
        )  # fmt: skip
        for epoch in epochs:
            losses, finite = [*losses, *epoch.losses.tolist()], epoch.finite
        return network, losses, finite

    def judge(self, case: tuple[int, float, int]) -> tuple[float, float, float]:
        """Return held-out accuracy, the share of silent units, and whether all was finite."""
        network, _, finite = self.train(case)
        x = self.held[case[0]]
        accuracy = network.accuracy(x, self.held_out.labels) if finite else 0.0
        network.forward(x[:1_000])
        return accuracy, float((network.dense[-1].inputs == 0).all(0).mean()), finite

    def report(self, case: tuple[int, float, int]) -> tuple[list[float], float]:
        """Return the losses and the accuracy on the test images."""
        network, losses, finite = self.train(case)
        x = self.scalings[case[0]](self.test.images)
        return losses, network.accuracy(x, self.test.labels) if finite else 0.0
