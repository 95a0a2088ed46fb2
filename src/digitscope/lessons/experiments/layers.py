"""A sequence of layers: how an image becomes ten numbers, and by which weights.

One network is taken apart: the shapes between its layers, its weights, a digit on its way through.
Then the same training for networks of few and many hidden units, in one layer and in two.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.image.digit import DIGITS, SIDE
from digitscope.lessons.content import Facts, listing, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import Samples, hold_out, percents
from digitscope.lessons.experiments.layer_by_layer import by_hand, count_weights
from digitscope.lessons.experiments.layers_figures import draw_sizes, draw_way
from digitscope.nn import OPTIMIZERS, Design, Network, each, train
from digitscope.nn.losses import Floats, softmax
from digitscope.rendering.wording import NBSP, count

PIXELS = SIDE * SIDE
Case = tuple[tuple[int, ...], bool, int]  # hidden units, whether pixels are reordered, seed


@dataclass(frozen=True, kw_only=True)
class LayersSettings:
    """What can be changed."""

    units: tuple[int, ...] = setting((4, 8, 16, 32, 64, 128, 256), "hidden units to try")
    depths: tuple[int, ...] = setting((1, 2), "hidden layers to try, all of that many units")
    shown: int = setting(128, "hidden units of the network that is taken apart")
    image: int = setting(0, "which held-out image is followed through it")
    optimizer: str = setting("adam", "sgd, momentum, rmsprop, adam or adamw")
    rate: float = setting(0.003, "learning rate")
    images: int = setting(10_000, "training images")
    epochs: int = setting(5, "passes over them")
    seeds: int = setting(3, "networks of each size")


@dataclass(frozen=True, kw_only=True)
class LayersResult:
    """One network from inside, and many by their size.

    Attributes
    ----------
    image : ndarray of shape (28, 28)
        What is followed, 1 = full ink.
    label : int
    hidden, logits, probabilities : ndarray of shape (units,), (10,) and (10,)
        What the layers make of it.
    kernels : tuple of (int, int)
        Shapes of the kernels of that network; each has a bias of as many as its columns.
    total : int
        All its weights, counted in the network.
    difference : float
        Largest difference of the logits of 100 images, put through the layers one at a time by
        hand, from those of the network.
    reach : float
        The largest of these logits, without its sign.
    wrong : tuple of int
        The first held-out images that this network takes for another digit.
    in_order, reordered : ndarray of shape (seeds,)
        Accuracy of such networks with the pixels in their order, and with all images' pixels in
        the same random order.
    direct : ndarray of shape (seeds,)
        Accuracy without any hidden layer.
    accuracy : ndarray of shape (depths, units, seeds)
    weights : ndarray of shape (depths, units)
        Counted in the networks.
    """

    image: Floats
    label: int
    hidden: Floats
    logits: Floats
    probabilities: Floats
    kernels: tuple[tuple[int, int], ...]
    total: int
    difference: float
    reach: float
    wrong: tuple[int, ...]
    in_order: NDArray[np.float64]
    reordered: NDArray[np.float64]
    direct: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    weights: NDArray[np.int64]


def measure(data: Dataset, settings: LayersSettings, advance: Advance) -> LayersResult:
    """Train networks of all sizes from several seeds, and take one apart."""
    images = hold_out(data, settings.images)
    found = _train_all(images, settings, advance)

    def right(hidden: tuple[int, ...], reorder: bool = False) -> NDArray[np.float64]:
        return np.array([found[hidden, reorder, seed][0] for seed in range(settings.seeds)])

    shown = (settings.shown,)
    network = found[shown, False, 0][2]
    assert network is not None
    sizes, shape = _sizes(settings), (len(settings.depths), len(settings.units))
    return LayersResult(
        **_take_apart(network, images, settings.image),
        in_order=right(shown),
        reordered=right(shown, True),
        direct=right(()),
        accuracy=np.array([right(size) for size in sizes]).reshape(*shape, -1),
        weights=np.array([found[size, False, 0][1] for size in sizes]).reshape(shape),
    )


def _sizes(settings: LayersSettings) -> list[tuple[int, ...]]:
    return [(units,) * depth for depth in settings.depths for units in settings.units]


def _train_all(
    images: Samples, settings: LayersSettings, advance: Advance
) -> dict[Case, tuple[float, int, Network | None]]:
    """Return accuracy and weights of every network, and the network that is taken apart."""
    taken_apart = (settings.shown,), False, 0
    order = np.random.default_rng(784).permutation(PIXELS)

    def one(case: Case) -> tuple[float, int, Network | None]:
        hidden, reorder, seed = case
        pick = order if reorder else slice(None)
        network = Network(Design(hidden=hidden, initialisation="he"), seed)
        optimizer, x = OPTIMIZERS[settings.optimizer](settings.rate), images.x[:, pick]
        for _ in train(network, optimizer, x, images.labels, epochs=settings.epochs, seed=seed):
            pass
        accuracy = network.accuracy(images.x_held[:, pick], images.labels_held)
        return accuracy, len(network.weights), network if case == taken_apart else None

    kinds = [((), False), ((settings.shown,), True), ((settings.shown,), False)]
    kinds += [(size, False) for size in _sizes(settings)]
    # The largest first, so that no core waits for one of them at the end.
    cases = sorted(
        ((*kind, seed) for kind in dict.fromkeys(kinds) for seed in range(settings.seeds)),
        key=lambda case: -count_weights((PIXELS, *case[0], DIGITS)),
    )
    return dict(zip(cases, each(one, cases, advance), strict=True))


def _take_apart(network: Network, images: Samples, number: int) -> dict[str, Any]:
    """Return what `LayersResult` says of one network."""
    number %= len(images.x_held)
    image = images.x_held[number].reshape(SIDE, SIDE)
    hidden, logits = by_hand(network, image)
    some = images.x_held[:100]
    at_once = network.forward(some)
    alone = np.stack([by_hand(network, row.reshape(SIDE, SIDE))[1] for row in some])
    answers = network.probabilities(images.x_held).argmax(1)
    return {
        "image": image,
        "label": int(images.labels_held[number]),
        "hidden": hidden,
        "logits": logits,
        "probabilities": softmax(logits[None])[0],
        "kernels": tuple(dense.kernel.shape for dense in network.dense),
        "total": len(network.weights),
        "difference": float(np.abs(at_once - alone).max()),
        "reach": float(np.abs(at_once).max()),
        "wrong": tuple(int(i) for i in np.flatnonzero(answers != images.labels_held)[:3]),
    }


def facts(result: LayersResult, settings: LayersSettings) -> Facts:
    """Return what the text says of a run."""
    a, units, depths = result.accuracy, settings.units, settings.depths
    mean, direct = a.mean(2), float(result.direct.mean())  # (depths, units)
    depth, best = np.unravel_index(mean.argmax(), mean.shape)
    layers = [count(n, "layer") for n in depths]
    first, last = (inputs * outputs + outputs for inputs, outputs in result.kernels)
    counted = [count_weights((PIXELS, *size, DIGITS)) for size in _sizes(settings)]
    gains = (100 * np.diff(mean[0])).tolist()
    ends = sorted({0, len(units) - 1})
    return Facts(
        values={
            "pixels": PIXELS,
            "digits": DIGITS,
            "layers": layers,
            "optimizer": OPTIMIZERS[settings.optimizer].__name__,
            "first": first,
            "last": last,
            "total": result.total,
            "all_as_counted": np.array_equal(counted, result.weights.reshape(-1)),
            "in_order": result.in_order.mean(),
            "reordered": result.reordered.mean(),
            "several": mean.size > 1,
            "best_units": units[best],
            "best_layers": layers[depth],
            "best": mean[depth, best],
            "best_weights": int(result.weights[depth, best]),
            "difference": result.difference,
            "reach": result.reach,
            "silent": int((result.hidden == 0).sum()),
            "worst_of_few": a[0, 0].min(),
            "best_of_few": a[0, 0].max(),
            "few": mean[0, 0],
            "many": mean[0, -1],
            "direct": direct,
            "better": [n for n, share in zip(units, mean[0], strict=True) if share > direct],
            "gains": gains,
            "deeper": [{"units": units[i]} | deepening(a[:, i]) for i in ends],
            "mistaken": (*result.wrong, 1)[0],
        },
        tables={"layers": _layer_rows(result), "sizes": _size_rows(result, settings, layers)},
        figures={"way": draw_way(result, settings), "sizes": draw_sizes(result, settings)},
        code=(listing(by_hand),),
    )


def deepening(a: NDArray[np.float64]) -> dict[str, Any]:
    """Return what the last depth adds to the first.

    Parameters
    ----------
    a : ndarray of shape (depths, seeds)

    Returns
    -------
    dict
        `gain` in points, `both` accuracies, and whether the gain is `significant`: larger than two
        standard errors.
    """
    first, last = 100 * a[0], 100 * a[-1]
    gain, n = float(last.mean() - first.mean()), len(first)
    significant = n < 2 or abs(gain) >= 2 * np.sqrt((first.var(ddof=1) + last.var(ddof=1)) / n)
    return {"gain": gain, "both": percents([a[0], a[-1]]), "significant": bool(significant)}


def _layer_rows(result: LayersResult) -> list[tuple[str, ...]]:
    hidden, digits = (
        (f"({i},)", f"({o},)", f"{i}·{o}{NBSP}={NBSP}{i * o:,}", f"{o}", f"{i * o + o:,}")
        for i, o in result.kernels
    )
    return [
        ("layer", "in", "out", "kernel", "bias", "weights"),
        ("flatten", f"({SIDE}, {SIDE})", f"({PIXELS},)", "", "", "0"),
        ("hidden, ReLU", *hidden),
        ("digits, softmax", *digits),
        ("together", "", "", "", "", f"{result.total:,}"),
    ]


def _size_rows(
    result: LayersResult, settings: LayersSettings, layers: list[str]
) -> list[tuple[str, ...]]:
    empty = [""] * (2 * len(layers) - 2)
    rows = [
        ("hidden units", *(f"{n}, {what}" for n in layers for what in ("weights", "%"))),
        ("none", f"{count_weights((PIXELS, DIGITS)):,}", *percents([result.direct]), *empty),
    ]
    for i, units in enumerate(settings.units):
        cells = zip(result.weights[:, i], percents(result.accuracy[:, i]), strict=True)
        rows.append((f"{units:,}", *(c for n, share in cells for c in (f"{n:,}", share))))
    return rows
