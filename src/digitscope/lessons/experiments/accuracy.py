"""Accuracy: what 97.64 % of 10,000 test images says, and what it does not.

Ten networks that differ only in their seed read the same test images, beside a constant answer,
a network without hidden layers and the two networks that come with digitscope.
"""

import math
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.evaluation import wilson_interval
from digitscope.evaluation.comparison import compare_predictions
from digitscope.image.digit import DIGITS, Images
from digitscope.lessons.content import Facts, setting, short
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.accuracy_figures import draw_nobody, draw_scale
from digitscope.lessons.experiments.common import by_columns
from digitscope.models.classifier import PRETRAINED, load
from digitscope.nn import Adam, Design, Network, each, pixels, train
from digitscope.nn.network import CHUNK
from digitscope.rendering.wording import percent, precise


@dataclass(frozen=True, kw_only=True)
class AccuracySettings:
    """What can be changed."""

    accuracy: float = setting(0.9764, "the accuracy in question")
    hidden: int = setting(128, "hidden units")
    images: int = setting(60_000, "training images")
    epochs: int = setting(5, "passes over them")
    rate: float = setting(0.002, "learning rate of the first epoch (Adam)")
    fall: float = setting(0.5, "what the rate is multiplied by after each epoch")
    seeds: int = setting(10, "networks that differ in nothing else")


@dataclass(frozen=True)
class AccuracyResult:
    """What every network answered to the same test images.

    Attributes
    ----------
    images, labels
        The test images and their labels.
    answers : ndarray of shape (seeds, n)
        Of the networks that differ in their seed.
    constant, linear : ndarray of shape (n,)
        Of always answering the commonest training digit, and of softmax regression.
    shipped : dict of ndarray of shape (n,)
        Of the networks that come with digitscope.
    cards : dict of float
        The accuracy in their cards, where the test images are the same.
    pairs : ndarray of shape (pairs, 3)
        For each two seeds: images that only one of them gets right, by how many the better is
        ahead, and McNemar's p.
    versus : tuple of int, int, float
        The same for the shipped ones: only the first right, only the second, p.
    """

    images: Images
    labels: NDArray[np.uint8]
    answers: NDArray[np.int64]
    constant: NDArray[np.int64]
    linear: NDArray[np.int64]
    shipped: dict[str, NDArray[np.int64]]
    cards: dict[str, float]
    pairs: NDArray[np.float64]
    versus: tuple[int, int, float]


def measure(data: Dataset, settings: AccuracySettings, advance: Advance) -> AccuracyResult:
    """Train from every seed and let all networks read the same test images."""
    x, labels = pixels(data.train.images[: settings.images]), data.train.labels[: settings.images]
    x_test, truth = pixels(data.test.images), data.test.labels

    def one(case: tuple[tuple[int, ...], int]) -> NDArray[np.int64]:
        hidden, seed = case
        network, optimizer = Network(Design(hidden=hidden), seed), Adam(settings.rate)
        for _ in train(network, optimizer, x, labels, epochs=settings.epochs, seed=seed):
            optimizer.rate *= settings.fall
        parts = [network.forward(x_test[at : at + CHUNK]) for at in range(0, len(x_test), CHUNK)]
        answers: NDArray[np.int64] = np.concatenate(parts).argmax(1)
        return answers

    cases: list[tuple[tuple[int, ...], int]] = [
        ((settings.hidden,), seed) for seed in range(settings.seeds)
    ]
    *answers, linear = each(one, [*cases, ((), 0)], advance)
    card = data.name == "mnist"  # the scores in the cards are of its test images
    classifiers = {name: load(name) for name in PRETRAINED}
    shipped = {name: it.predict(data.test.images) for name, it in classifiers.items()}
    pairs = []
    for a, b in combinations(answers, 2):
        found = compare_predictions(truth, a, b)
        differ, ahead = _differ(len(found.only_a), len(found.only_b))
        pairs.append((differ, ahead, found.p_value))
    first, second = (shipped[name] for name in PRETRAINED)
    both = compare_predictions(truth, first, second)
    return AccuracyResult(
        data.test.images,
        truth,
        np.array(answers),
        np.full(len(truth), np.bincount(labels, minlength=DIGITS).argmax()),
        linear,
        shipped,
        {name: it.card.scores["accuracy"] for name, it in classifiers.items() if card},
        np.array(pairs, float).reshape(-1, 3),
        (len(both.only_a), len(both.only_b), both.p_value),
    )


def _differ(only_a: int, only_b: int) -> tuple[int, int]:
    return only_a + only_b, abs(only_a - only_b)


def needed(differ: int) -> int:
    """Return the least lead for p < 5 % among a number of images that only one network gets right.

    >>> needed(6), needed(5), needed(0)
    (6, 0, 0)
    """
    from scipy.stats import binomtest

    for ahead in range(differ % 2 or 2, differ + 1, 2):
        if binomtest((differ + ahead) // 2, differ).pvalue < 0.05:
            return ahead
    return 0  # so few that even all of them prove nothing


def facts(result: AccuracyResult, settings: AccuracySettings) -> Facts:
    """Return what the text says of a run; with one seed, nothing of spread or of pairs."""
    n, seeds, errors = len(result.labels), settings.seeds, result.answers != result.labels
    by_image = errors.mean(0)  # share of the networks that err, for each image
    error = float(by_image.mean())
    # From so few networks the part that is new with each seed comes out too small.
    new = (by_image * (1 - by_image)).mean() * seeds / max(seeds - 1, 1)
    low, high = wilson_interval(round(settings.accuracy * n), n)
    differ = result.pairs[:, 0].mean() if seeds > 1 else 0.0
    right = {name: float((a == result.labels).mean()) for name, a in result.shipped.items()}
    shipped_wrong = [answers != result.labels for answers in result.shipped.values()]
    nobody = np.flatnonzero(errors.all(0) & np.all(shipped_wrong, 0))
    everyone = f"all {seeds + len(result.shipped)} networks"
    rows = scale(result, settings)
    (constant, constant_right), (_, linear_right) = rows[:2]
    tables = {"scale": _scale_table(rows, n), "pairs": _pairs_table(result)}
    return Facts(
        values={
            "n": n,
            "asked": precise(settings.accuracy, 5_000),
            "low": low,
            "high": high,
            "scores": 1 - errors.mean(1),
            "score": 1 - error,
            "spread": (1 - errors.mean(1)).std(ddof=1) if seeds > 1 else 0.0,
            "binomial": math.sqrt(error * (1 - error) / n),
            "fixed": 1 - new / max(error * (1 - error), 1e-12),
            "constant": constant,
            "constant_right": constant_right / n,
            "linear_right": linear_right / n,
            "linear_high": wilson_interval(linear_right, n)[1],
            "pairs": len(result.pairs),
            "differ": differ,
            "enough": needed(round(differ)),
            "apart": int((result.pairs[:, 2] < 0.05).sum()),
            "least": min(range(1, 100), key=lambda d: (needed(d) != d, d)),
            "shipped": [
                f"{percent(share, 2)} ({name}"
                + (f"; its card says {percent(result.cards[name], 2)})" if result.cards else ")")
                for name, share in right.items()
            ],
            "as_in_cards": all(abs(right[k] - a) < 2e-4 for k, a in result.cards.items()),
            "by_some": int(errors.any(0).sum()),
            "by_all": int(errors.all(0).sum()),
            "by_everyone": len(nobody),
            "everyone": everyone,
        },
        tables=tables | ({"tally": tally(errors)} if seeds > 1 else {}),
        figures={
            "scale": draw_scale(rows, settings, n),
            "nobody": draw_nobody(result, nobody, everyone),
        },
    )


def scale(result: AccuracyResult, settings: AccuracySettings) -> list[tuple[str, int]]:
    """Return who reads and how many test images right, worst kind first."""
    right = (result.answers == result.labels).sum(1)
    one = f"784-{settings.hidden}-10"
    return [
        (f"always {result.constant[0]}", int((result.constant == result.labels).sum())),
        ("softmax regression", int((result.linear == result.labels).sum())),
        (f"{one}, mean", round(right.mean())),
        ("in question", round(settings.accuracy * len(result.labels))),
        *((f"shipped {name}", int((a == result.labels).sum())) for name, a in sorted(
            result.shipped.items(), reverse=True)),
    ]  # fmt: skip


def tally(errors: NDArray[np.bool_]) -> list[tuple[str, ...]]:
    """Return how many images are wrong in none, in few, in most and in all networks."""
    (seeds, n), error = errors.shape, errors.mean()
    times = np.bincount(errors.sum(0), minlength=seeds + 1)
    chance = [math.comb(seeds, k) * error**k * (1 - error) ** (seeds - k) for k in range(seeds + 1)]
    cuts = sorted({0, 1, seeds // 2 + 1, seeds, seeds + 1})
    parts = list(pairwise(cuts))
    return by_columns(
        {
            "networks": [f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in parts],
            "images": [f"{times[a:b].sum():,}" for a, b in parts],
            "if equally hard": [f"{n * sum(chance[a:b]):,.1f}" for a, b in parts],
        }
    )


def _scale_table(rows: list[tuple[str, int]], n: int) -> list[tuple[str, ...]]:
    intervals = [wilson_interval(right, n) for _, right in rows]
    return by_columns(
        {
            "who": [name for name, _ in rows],
            "accuracy": [percent(right / n, 2) for _, right in rows],
            "95 % interval": [f"{100 * low:.2f} to {100 * high:.2f}" for low, high in intervals],
            "errors": [f"{n - right:,}" for _, right in rows],
        }
    )


def _pairs_table(result: AccuracyResult) -> list[tuple[str, ...]]:
    rows = [("pair", "only one right", "ahead by", "p")]
    if len(result.pairs):
        differ, ahead, p = result.pairs.mean(0)
        rows.append(("two seeds, mean", f"{differ:.0f}", f"{ahead:.1f}", f"{p:.2f}"))
    first, second, p = result.versus
    differ, ahead = _differ(first, second)
    return [*rows, (" and ".join(PRETRAINED), str(differ), str(ahead), short(p))]
