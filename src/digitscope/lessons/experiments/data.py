"""The data: what the images look like, how often each digit occurs, and why some are kept apart.

Two classifiers without any training: ten mean images, and a memory of images that answers with the
label of the nearest. Both are asked about images they have seen and about new ones, with the true
labels and with shuffled ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitscope.data import Dataset, Split
from digitscope.errors import Misuse
from digitscope.image.digit import DIGITS, SIDE, Labels
from digitscope.lessons.content import Facts, setting
from digitscope.lessons.course import Advance
from digitscope.lessons.experiments.common import by_columns, percents
from digitscope.lessons.experiments.data_figures import draw_images, draw_memory
from digitscope.lessons.experiments.nearest import mean_images, nearest, squared_distances
from digitscope.nn import each, pixels
from digitscope.rendering.wording import percent

SEEN = 2_000  # images of the memory it is asked about, at most
DRAWS = 10_000  # of labels by chance


@dataclass(frozen=True, kw_only=True)
class DataSettings:
    """What can be changed."""

    sizes: tuple[int, ...] = setting((100, 300, 1_000, 3_000, 10_000), "images to remember")
    questions: int = setting(5_000, "new images to ask about, from the test images")
    shuffled: float = setting(1.0, "share of the labels that is shuffled, 0 to 1")
    samples: int = setting(5, "images of each digit in the figure")
    seeds: int = setting(5, "draws of images to remember and to ask about")

    def __post_init__(self) -> None:
        if self.shuffled > 1:
            raise Misuse(f"shuffled must be 0 to 1. Received: {self.shuffled}.")


@dataclass(frozen=True, kw_only=True)
class DataResult:
    """What the images are like, and how the two classifiers do.

    Attributes
    ----------
    counts : ndarray of shape (2, 10)
        Images of each digit for training and for the test.
    even, alike : tuple of float and float
        χ² of the training counts against equal shares, and of training against test; each with
        the share of draws by chance that give as much.
    unused : int
        Pixels that are paper in all training images.
    images : ndarray of shape (samples + 1, 10, 28, 28)
        Some of each digit, and the mean image of all its training images; 1 = full ink.
    radius, gap : ndarray of shape (10,)
        Root mean squared distance of a digit's images from their mean, and the distance from
        there to the next mean.
    seen_right, answers : float and ndarray of shape (10, 10)
        The nearest of these means: share right of the training images; counts of the test images
        of each digit (rows) by answer.
    sizes : tuple of int
    accuracy : ndarray of shape (2, 2, 2, sizes, seeds)
        Of the nearest image and the nearest mean; with true and shuffled labels; on images seen
        and new.
    chance : float
        Share right of one who guesses the digits as often as they occur.
    """

    counts: NDArray[np.int64]
    even: tuple[float, float]
    alike: tuple[float, float]
    unused: int
    images: NDArray[np.float64]
    radius: NDArray[np.float64]
    gap: NDArray[np.float64]
    seen_right: float
    answers: NDArray[np.int64]
    sizes: tuple[int, ...]
    accuracy: NDArray[np.float64]
    chance: float


def chi_square(counts: NDArray[np.integer], expected: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return Σ (counted - expected)² / expected over the last axis."""
    total: NDArray[np.float64] = ((counts - expected) ** 2 / expected).sum(-1)
    return total


def balance(counts: NDArray[np.int64]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return `even` and `alike` of `DataResult`, with `DRAWS` simulations of chance."""
    rng = np.random.default_rng(9)
    (n, n_test), both = counts.sum(1), counts.sum(0)
    equal = np.full(DIGITS, n / DIGITS)
    drawn = rng.multinomial(n, np.full(DIGITS, 1 / DIGITS), DRAWS)
    even, evens = chi_square(counts[0], equal), chi_square(drawn, equal)
    expected = np.outer((n, n_test), both / both.sum())
    # All labels in one urn, from which the test's are drawn.
    drawn = rng.multivariate_hypergeometric(both, n_test, DRAWS)
    alike, alikes = (
        chi_square(both - tests, expected[0]) + chi_square(tests, expected[1])
        for tests in (counts[1], drawn)
    )
    return (float(even), (evens >= even).mean()), (float(alike), (alikes >= alike).mean())


def shuffle_some(labels: Labels, share: float, rng: np.random.Generator) -> Labels:
    """Return the labels with that share of them dealt out anew among themselves."""
    rows = rng.permutation(len(labels))[: round(share * len(labels))]
    dealt = labels.copy()
    dealt[rows] = labels[rng.permutation(rows)]
    return dealt


def measure(data: Dataset, settings: DataSettings, advance: Advance) -> DataResult:
    """Describe the data set, and ask both classifiers, from several draws of images."""
    train, test = data.train, data.test
    sizes = tuple(sorted({min(size, len(train)) for size in settings.sizes}))

    def one(seed: int) -> NDArray[np.float64]:
        return _ask(train, test, sizes, settings, np.random.default_rng([seed, 60_000]))

    accuracy = np.stack(each(one, range(settings.seeds), lambda s: advance(0.9 * s)), -1)
    counts = np.array([train.counts(), test.counts()])
    even, alike = balance(counts)
    x = pixels(train.images)
    means = mean_images(x, train.labels)
    far, between = squared_distances(x, means), squared_distances(means, means)
    np.fill_diagonal(between, np.inf)
    own = far[np.arange(len(x)), train.labels]
    answers = np.zeros((DIGITS, DIGITS), np.int64)
    np.add.at(answers, (test.labels, squared_distances(pixels(test.images), means).argmin(1)), 1)
    rng = np.random.default_rng(28)
    some = [rng.choice(np.flatnonzero(train.labels == d), settings.samples) for d in range(DIGITS)]
    advance(1.0)
    shown = np.concatenate([x[np.array(some).T], means[None]])
    return DataResult(
        counts=counts,
        even=even,
        alike=alike,
        unused=int((train.images.max(0) == 0).sum()),
        images=shown.reshape(-1, DIGITS, SIDE, SIDE).astype(float),
        radius=np.sqrt(np.bincount(train.labels, own, DIGITS) / counts[0]),
        gap=np.sqrt(between.min(1)).astype(float),
        seen_right=float((far.argmin(1) == train.labels).mean()),
        answers=answers,
        sizes=sizes,
        accuracy=accuracy,
        chance=float((counts / counts.sum(1, keepdims=True)).prod(0).sum()),
    )


def _ask(
    train: Split,
    test: Split,
    sizes: tuple[int, ...],
    settings: DataSettings,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the accuracy of both classifiers in one draw, (methods, labels, where, sizes)."""
    memory = train.take(rng.permutation(len(train))[: sizes[-1]])
    new = test.take(rng.permutation(len(test))[: settings.questions])
    x, x_new = pixels(memory.images), pixels(new.images)
    # Which image is nearest does not depend on the labels.
    of_seen, of_new = nearest(x[:SEEN], x, sizes), nearest(x_new, x, sizes)
    right = np.empty((2, 2, 2, len(sizes)))
    for kind, share in enumerate((0.0, settings.shuffled)):
        labels = shuffle_some(memory.labels, share, rng)
        for i, n in enumerate(sizes):
            m, means = min(n, SEEN), mean_images(x[:n], labels[:n])
            right[0, kind, 0, i] = (labels[of_seen[i, :m]] == labels[:m]).mean()
            right[0, kind, 1, i] = (labels[of_new[i]] == new.labels).mean()
            for where, (asked, truth) in enumerate(((x[:n], labels[:n]), (x_new, new.labels))):
                answers = squared_distances(asked, means).argmin(1)
                right[1, kind, where, i] = (answers == truth).mean()
    return right


def facts(result: DataResult, settings: DataSettings) -> Facts:
    """Return what the text says of a run."""
    counts, a = result.counts, result.accuracy
    train, test = (int(n) for n in counts.sum(1))
    mean = a.mean(-1)[..., -1]  # (methods, labels, where), at the largest size
    new_right = float(np.trace(result.answers) / test)
    recall = result.answers.diagonal() / counts[1]
    kept = 1 - settings.shuffled
    shuffled = f"{percent(settings.shuffled, 0)} shuffled" if kept else "shuffled"
    return Facts(
        values={
            "train": train,
            "test": test,
            "sizes": result.sizes,
            "seen_limit": SEEN,
            "asked": min(settings.questions, test),
            "shuffled": shuffled,
            "side": SIDE,
            "unused": result.unused,
            "commonest": int(counts[0].argmax()),
            "commonest_share": counts[0].max() / train,
            "rarest": int(counts[0].argmin()),
            "rarest_share": counts[0].min() / train,
            "draws": DRAWS,
            "even": result.even[0],
            "even_by_chance": result.even[1],
            "alike": result.alike[0],
            "alike_by_chance": result.alike[1],
            "radius": result.radius[3],
            "gap": result.gap[3],
            "wider": int((result.radius > result.gap).sum()),
            "mean_seen": result.seen_right,
            "mean_new": new_right,
            "standard_error": float(np.sqrt(new_right * (1 - new_right) / test)),
            "memory_seen_least": a[0, :, 0].min(),
            "memory_seen": mean[0, 0, 0],
            "memory_new": mean[0, 0, 1],
            "memory_seen_shuffled": mean[0, 1, 0],
            "memory_new_shuffled": mean[0, 1, 1],
            "chance": result.chance,
            "expected": kept * mean[0, 0, 1] + settings.shuffled * result.chance,
        },
        tables={
            "digits": _digit_rows(result, recall),
            "accuracy": by_columns(
                {
                    "images": [f"{n:,}" for n in result.sizes],
                    "image, new": percents(a[0, 0, 1]),
                    "mean, seen": percents(a[1, 0, 0]),
                    "mean, new": percents(a[1, 0, 1]),
                    f"{shuffled}: image, new": percents(a[0, 1, 1]),
                    f"{shuffled}: mean, seen": percents(a[1, 1, 0]),
                }
            ),
        },
        figures={
            "images": draw_images(result, recall, new_right),
            "memory": draw_memory(result, settings, shuffled),
        },
    )


def _digit_rows(result: DataResult, recall: NDArray[np.float64]) -> list[tuple[str, ...]]:
    taken_for = np.where(np.eye(DIGITS, dtype=bool), -1, result.answers).argmax(1)
    return by_columns(
        {
            "digit": [str(d) for d in range(DIGITS)],
            "training": [f"{n:,}" for n in result.counts[0]],
            "test": [f"{n:,}" for n in result.counts[1]],
            "ink, %": [f"{100 * ink:.1f}" for ink in result.images[-1].mean((1, 2))],
            "own mean, %": [f"{100 * share:.1f}" for share in recall],
            "taken for": [str(d) for d in taken_for],
        }
    )
