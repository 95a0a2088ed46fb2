"""Accuracy: what 97.64 % of 10,000 test images tells, and what it does not.

Ten networks that differ only in their seed read the same test images, beside a constant answer,
a network without hidden layers and the two networks that come with digitscope.
"""

import math
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.evaluation import wilson_interval
from digitscope.evaluation.comparison import compare_predictions
from digitscope.image.digit import DIGITS, Images
from digitscope.lessons.content import (
    Check,
    Exercise,
    Formula,
    LessonFigure,
    LessonText,
    Table,
    setting,
    short,
)
from digitscope.lessons.course import Advance
from digitscope.models.classifier import PRETRAINED, load
from digitscope.nn import Adam, Design, Network, each, pixels, train
from digitscope.nn.network import CHUNK
from digitscope.rendering import style
from digitscope.rendering.wording import NBSP, count, percent, precise

TITLE = "Is 97.64 % good?"
QUESTION = (
    "How exact is an accuracy, what is it worth, and when is one network better than another?"
)

PEOPLE = 0.002  # share of digits that people get wrong: quoted, see the sources; not measured here
SHOWN = 10  # images that nobody reads, at most


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    accuracy: float = setting(0.9764, "the accuracy in question")
    hidden: int = setting(128, "hidden units")
    images: int = setting(60_000, "training images")
    epochs: int = setting(5, "passes over them")
    rate: float = setting(0.002, "learning rate of the first epoch (Adam)")
    fall: float = setting(0.5, "what the rate is multiplied by after each epoch")
    seeds: int = setting(10, "networks that differ in nothing else")


@dataclass(frozen=True)
class Measured:
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


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
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
    return Measured(
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
    """Return by how many images one must be ahead for p < 5 %, of so many only one gets right.

    >>> needed(6), needed(5)
    (6, 0)
    """
    from scipy.stats import binomtest

    for ahead in range(differ % 2, differ + 1, 2):
        if binomtest((differ + ahead) // 2, differ).pvalue < 0.05:
            return ahead
    return 0  # so few that even all of them prove nothing


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    m, n, seeds = measured, len(measured.labels), settings.seeds
    errors = m.answers != m.labels
    scores = 1 - errors.mean(1)
    by_image = errors.mean(0)  # how many of the networks err, for each image
    error, spread = float(by_image.mean()), float(scores.std(ddof=1)) if seeds > 1 else 0.0
    binomial = math.sqrt(error * (1 - error) / n)
    # From so few networks the part that is new with each seed comes out too small.
    new = (by_image * (1 - by_image)).mean() * seeds / max(seeds - 1, 1)
    fixed = float(1 - new / max(error * (1 - error), 1e-12))
    low, high = wilson_interval(round(settings.accuracy * n), n)
    half = (high - low) / 2
    differ, ahead, p = m.pairs.mean(0) if len(m.pairs) else (0.0, 0.0, 1.0)
    apart = int((m.pairs[:, 2] < 0.05).sum())
    enough = needed(round(differ))
    shipped_wrong = {name: answers != m.labels for name, answers in m.shipped.items()}
    nobody = np.flatnonzero(errors.all(0) & np.all(list(shipped_wrong.values()), 0))
    everyone = f"all {seeds + len(m.shipped)} networks"
    least = min(range(1, 100), key=lambda d: (needed(d) != d, d))
    rows = _scale(m, settings)
    finding = (
        f"{precise(settings.accuracy, 5_000)} of {n:,} images stands for {percent(low, 2)} to "
        f"{percent(high, 2)} of all such images; on these same images, {seeds} networks "
        f"that differ only in their seed spread by {100 * spread:.2f} points (standard deviation) "
        f"around {percent(scores.mean(), 2)}."
    )
    return LessonText(
        experiment=(
            f"{count(seeds, 'network')} 784-{settings.hidden}-10 learn from "
            f"up to {settings.images:,} images, {count(settings.epochs, 'epoch')} (Adam, rate "
            f"{settings.rate:g}, times {settings.fall:g} after each). They differ only in the seed "
            "of their first weights and of the order of the images. The same "
            f"{n:,} test images are read by them, by "
            "softmax regression (no hidden layer, same training), by always giving the commonest "
            "digit, and by the networks that come with digitscope. Nothing is chosen on them here."
        ),
        figures=(
            LessonFigure(
                "scale",
                _draw_scale(rows, settings, n),
                "On a logarithmic scale, halving the errors is the same step everywhere. Bars "
                "are Wilson's 95 % intervals. The hollow mark is a quotation.",
            ),
            LessonFigure(
                "nobody",
                _draw_nobody(m, nobody, everyone),
                "Above each image its label; below, the answers and how many networks gave them.",
            ),
        ),
        tables=(
            Table(
                f"Reading the same {n:,} test images; the interval of the mean of {seeds} seeds is "
                "Wilson's for one network that gets as many right",
                ("who", "accuracy", "95 % interval", "errors"),
                tuple(
                    (
                        name,
                        percent(right / n, 2),
                        "{:.2f} to {:.2f}".format(*(100 * v for v in wilson_interval(right, n))),
                        f"{n - right:,}",
                    )
                    for name, right in rows
                ),
            ),
            Table(
                f"By how many of the {seeds} networks an image is read wrongly, and how many "
                "images that would be if all images were equally hard",
                ("networks", "images", "if equally hard"),
                _tally(errors, error),
            ),
            Table(
                f"Two networks of {seeds} against each other ({len(m.pairs)} pairs), and the "
                "shipped ones; McNemar's exact test",
                ("pair", "only one right", "ahead by", "p"),
                (
                    ("two seeds, mean", f"{differ:.0f}", f"{ahead:.1f}", f"{p:.2f}"),
                    (
                        " and ".join(PRETRAINED),
                        *(str(v) for v in _differ(*m.versus[:2])),
                        short(m.versus[2]),
                    ),
                ),
            ),
        ),
        finding=finding,
        seen=(
            "An accuracy is a share of a sample. With other test images it would be another; the "
            "interval is made so that of 100 such samples about 95 give one that holds the share "
            "among all such images. Four times as many images halve it.\n\n"
            "Another seed is another question. All networks read the same images, so the luck "
            "with the images is the same for all and cannot be seen in their spread. The variance "
            "of one answer, p(1 - p), has two parts: some images are harder than others, which "
            f"stays when the seed changes (here {percent(fixed, 0)} of it), and the rest, which "
            "is chance anew with each seed. A small spread over seeds does not mean that the "
            "number holds on other images. And it is not always small: while the learning rate "
            "stays high, networks differ as a whole, and the spread grows (first exercise). Here "
            f"the seeds reach from {percent(scores.min(), 2)} to {percent(scores.max(), 2)}.\n\n"
            "Two networks on the same images are compared where they differ: images that both "
            "get right or both get wrong say nothing. What is left is a coin, tossed for each "
            "image that only one gets right. The test tells whether these two networks differ, "
            "not whether one way of training is better; that takes several seeds of each.\n\n"
            "What people reach is often given as 0.2 % errors. That is a quotation from 1993, of "
            "digits from the same archives and not of these 10,000 images, and we have not "
            "measured it. Close to such numbers, some of what is left may be the label's "
            "fault: judge for yourself in the second figure."
        ),
        checks=(
            Check(
                f"{precise(settings.accuracy, 5_000)} of {n:,} is known to about ±{100 * half:.2f} "
                f"points, between {percent(low, 2)} and {percent(high, 2)}",
                low < settings.accuracy < high,
            ),
            Check(
                f"over {seeds} seeds the standard deviation is {100 * spread:.3f} points, that of "
                f"new images each time would be {100 * binomial:.3f}; {percent(fixed, 0)} of the "
                "variance is between images",
                spread < binomial and fixed > 0.4,
            ),
            Check(
                f"{rows[0][0]} is right for {percent(rows[0][1] / n, 2)}, softmax regression for "
                f"{percent(rows[1][1] / n, 2)}; every network with a hidden layer is beyond the "
                "interval of that",
                scores.min() > wilson_interval(rows[1][1], n)[1],
            ),
            Check(
                f"two seeds differ on {differ:.0f} images on average; to be told apart at 5 %, one "
                f"must be ahead by {enough}; {apart} of {len(m.pairs)} pairs are",
                0 < enough < differ and apart < len(m.pairs) / 2,
            ),
            Check(
                f"where one network is right on all that the other is, {least} more images are "
                "enough",
                needed(least) == least,
            ),
            Check(
                "the shipped networks reach "
                + " and ".join(
                    f"{percent(1 - wrong.mean(), 2)} ({name}"
                    + (f"; its card says {percent(m.cards[name], 2)})" if m.cards else ")")
                    for name, wrong in shipped_wrong.items()
                ),
                all(abs(1 - shipped_wrong[k].mean() - a) < 2e-4 for k, a in m.cards.items()),
            ),
            Check(
                f"{count(int(errors.any(0).sum()), 'image')} are read wrongly by some of the "
                f"{seeds}, {int(errors.all(0).sum()):,} by all of them, and {len(nobody):,} by "
                f"{everyone}",
                0 < len(nobody) < errors.all(0).sum(),
            ),
        ),
        formulas=(
            Formula(
                r"\frac{\hat p + z^2 / (2n) \pm z \sqrt{\hat p (1 - \hat p) / n + "
                r"z^2 / (4 n^2)}}{1 + z^2 / n}, \qquad z = 1.96",
                "Wilson's interval for a share measured on n images. Unlike p ± 1.96 standard "
                "errors it never leaves 0 to 1, and it is honest near them:",
            ),
            Formula(
                r"p (1 - p) = \frac{1}{n} \sum_i p_i (1 - p_i) + "
                r"\frac{1}{n} \sum_i (p_i - p)^2",
                "With p for the share of errors and p of image i for the share of networks that "
                "get it wrong, the variance of one answer falls into two parts: what is new with "
                "each seed, and what the images keep. Estimated from S networks the first comes "
                "out too small, and is multiplied by S / (S - 1):",
            ),
            Formula(
                r"P = 2 \sum_{k \ge \max(b, c)} \binom{b + c}{k} \, 2^{-(b + c)}",
                "McNemar's exact test, for b images that only the one gets right and c that only "
                "the other does (at most 1):",
            ),
        ),
        exercises=(
            Exercise(
                "Leave the learning rate where it is. What happens to the spread over seeds?",
                ("fall=1",),
            ),
            Exercise(
                "How many hidden units does it take to tell a network from softmax regression?",
                ("hidden=8",),
            ),
            Exercise(
                "What if the test set said 99.64 %? The errors are a seventh; is the interval?",
                ("accuracy=0.9964", "seeds=2"),
            ),
        ),
        sources=(
            "E. B. Wilson, *Probable inference, the law of succession, and statistical "
            "inference*, Journal of the American Statistical Association 22 (1927)",
            "Q. McNemar, *Note on the sampling error of the difference between correlated "
            "proportions or percentages*, Psychometrika 12 (1947)",
            "T. G. Dietterich, *Approximate statistical tests for comparing supervised "
            "classification learning algorithms*, Neural Computation 10 (1998)",
            "P. Simard, Y. LeCun and J. Denker, *Efficient pattern recognition using a new "
            "transformation distance*, NIPS 1992 (printed 1993): what the 0.2 % of people are "
            "usually quoted from",
            "C. Yadav and L. Bottou, *Cold case: the lost MNIST digits*, NeurIPS 2019: what "
            "50,000 further test images say of 25 years of results",
        ),
    )


def _scale(m: Measured, settings: Settings) -> list[tuple[str, int]]:
    """Return who reads and how many test images right, worst kind first."""
    right = (m.answers == m.labels).sum(1)
    one = f"784-{settings.hidden}-10"
    return [
        (f"always {m.constant[0]}", int((m.constant == m.labels).sum())),
        ("softmax regression", int((m.linear == m.labels).sum())),
        (f"{one}, mean", round(right.mean())),
        ("in question", round(settings.accuracy * len(m.labels))),
        *((f"shipped {name}", int((a == m.labels).sum())) for name, a in sorted(
            m.shipped.items(), reverse=True)),
    ]  # fmt: skip


def _tally(errors: NDArray[np.bool_], error: float) -> tuple[tuple[str, str, str], ...]:
    """Return how many images are wrong in none, in few, in most and in all networks."""
    seeds, n = errors.shape
    times = np.bincount(errors.sum(0), minlength=seeds + 1)
    chance = [math.comb(seeds, k) * error**k * (1 - error) ** (seeds - k) for k in range(seeds + 1)]
    cuts = sorted({0, 1, seeds // 2 + 1, seeds, seeds + 1})
    return tuple(
        (
            f"{a}" if b == a + 1 else f"{a} to {b - 1}",
            f"{times[a:b].sum():,}",
            f"{n * sum(chance[a:b]):,.1f}",
        )
        for a, b in pairwise(cuts)
    )


def _draw_scale(rows: list[tuple[str, int]], settings: Settings, n: int) -> Figure:
    figure = Figure()
    low, high = wilson_interval(round(settings.accuracy * n), n)
    title = (
        f"{percent(1 - settings.accuracy, 2)} errors of {n:,}, with an interval of "
        f"{100 * (1 - high):.2f} to {percent(1 - low, 2)}, on the scale of what can be had"
    )
    note = "Share of test images that are read wrongly, with its 95 % interval."
    body = 0.34 * (len(rows) + 1)
    style.header(figure, title, note, body=body + 0.75)
    axes = style.place(figure, 1.75, 0.55, 3.85, body)
    for at, (name, right) in enumerate(rows):
        colour = style.VERMILION if name == "in question" else style.BLUE
        least, most = (1 - share for share in reversed(wilson_interval(right, n)))
        least = max(least, 1e-4)
        axes.plot([least, most], [at, at], color=colour, lw=7, alpha=0.3, solid_capstyle="butt")
        axes.plot(max(1 - right / n, 1e-4), at, "o", color=colour, ms=6)
        axes.text(1.3, at, percent(1 - right / n, 2), va="center", ha="left", size=9.5)
    axes.plot(PEOPLE, len(rows), "o", mfc="white", mec=style.INK, ms=6)
    axes.text(1.3, len(rows), f"0.2{NBSP}%", va="center", ha="left", size=9.5, color=style.GREY)
    axes.set_yticks(range(len(rows) + 1), [*(name for name, _ in rows), "people, quoted"])
    axes.set_ylim(len(rows) + 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    style.log_x(axes, (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1))
    axes.set_xlim(0.001, 1)
    style.percent_ticks(axes, "x")
    axes.grid(axis="x")
    axes.set_xlabel("errors, % (log)")
    return figure


def _draw_nobody(m: Measured, nobody: NDArray[np.int64], everyone: str) -> Figure:
    figure = Figure()
    shown = nobody[:SHOWN]
    what = "image is" if len(nobody) == 1 else "images are"
    title = f"{len(nobody):,} of {len(m.labels):,} test {what} misread by {everyone}"
    note = f"The first {len(shown)} of them." if len(shown) < len(nobody) else ""
    down = max(1, -(-len(shown) // 5))
    style.header(figure, title, note, body=1.65 * down + 0.1)
    if not len(shown):
        style.say(figure, "Every test image is read by at least one of them.")
    said = np.concatenate([m.answers, np.stack(list(m.shipped.values()))])
    for at, index in enumerate(shown):
        left, bottom = 0.12 + 1.24 * (at % 5), 0.45 + 1.65 * (down - 1 - at // 5)
        axes = style.place(figure, left, bottom, 0.9, 0.9)
        axes.imshow(m.images[index], cmap=style.PAPER, vmin=0, vmax=255)
        axes.axis("off")
        axes.set_title(f"label {m.labels[index]}", fontsize=9.5, pad=3)
        tally = np.bincount(said[:, index], minlength=DIGITS)
        order = [int(d) for d in np.argsort(-tally, kind="stable") if tally[d]]
        words = ", ".join(f"{d} ({tally[d]})" for d in order[:2])
        axes.text(0.5, -0.1, words, transform=axes.transAxes, ha="center", va="top",
                  size=9.5, color=style.VERMILION)  # fmt: skip
    return figure
