"""The data: what the images look like, how often each digit occurs, and why some are kept apart.

Two classifiers without any training: ten mean images, and a memory of images that answers with the
label of the nearest. Both are asked about images they have seen and about new ones, with the true
labels and with shuffled ones.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.errors import Misuse
from digitscope.image.digit import DIGITS, SIDE, Labels
from digitscope.lessons.content import (
    Check,
    Exercise,
    Formula,
    LessonFigure,
    LessonText,
    Table,
    plus_minus,
    setting,
)
from digitscope.lessons.course import Advance
from digitscope.nn import each, pixels
from digitscope.rendering import style
from digitscope.rendering.wording import percent, times

TITLE = "The data"
QUESTION = "What do the images look like, and why are some of them kept apart for a test?"

BLOCK = 1_000  # questions compared with the memory at once
SEEN = 2_000  # images of the memory it is asked about, at most
DRAWS = 10_000  # of labels by chance
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Settings:
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
class Measured:
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


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Return |a - b|² of each row of a from each row of b, by one product of matrices."""
    of_a, of_b = (np.einsum("ij,ij->i", rows, rows) for rows in (a, b))  # |a|², |b|²
    squares: Floats = of_a[:, None] + of_b - 2 * (a @ b.T)
    return squares


def nearest(questions: Floats, memory: Floats, sizes: tuple[int, ...]) -> NDArray[np.int64]:
    """Return for each size which of the first so many remembered images is nearest.

    Parameters
    ----------
    questions, memory : ndarray of shape (n, 784) and (m, 784)
    sizes : tuple of int
        Rising, up to m.

    Returns
    -------
    ndarray of shape (sizes, n)
    """
    found = np.empty((len(sizes), len(questions)), np.int64)
    for at in range(0, len(questions), BLOCK):
        asked = questions[at : at + BLOCK]
        rows = np.arange(len(asked))
        best, least = np.zeros(len(asked), np.int64), np.full(len(asked), np.inf, np.float32)
        for number, (begin, end) in enumerate(zip((0, *sizes[:-1]), sizes, strict=True)):
            far = squared_distances(asked, memory[begin:end])
            winner = far.argmin(1)
            nearer = far[rows, winner] < least
            best[nearer] = begin + winner[nearer]
            least[nearer] = far[rows, winner][nearer]
            found[number, at : at + BLOCK] = best
    return found


def mean_images(x: Floats, labels: Labels) -> Floats:
    """Return the mean of each digit's rows, (10, 784); a digit without any is far from all."""
    means = np.full((DIGITS, x.shape[1]), 1e6, np.float32)
    for digit in np.unique(labels):
        means[digit] = x[labels == digit].mean(0)
    return means


def chi_square(counts: NDArray[np.integer], expected: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return Σ (counted - expected)² / expected over the last axis."""
    total: NDArray[np.float64] = ((counts - expected) ** 2 / expected).sum(-1)
    return total


def balance(counts: NDArray[np.int64]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return `even` and `alike` of `Measured`, with chance played out `DRAWS` times."""
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


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Describe the data set, and ask both classifiers, from several draws of images."""
    train, test = data.train, data.test
    sizes = tuple(sorted({min(size, len(train)) for size in settings.sizes}))

    def one(seed: int) -> NDArray[np.float64]:
        rng = np.random.default_rng([seed, 60_000])
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
    return Measured(
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


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    counts, sizes, a = measured.counts, measured.sizes, measured.accuracy
    (train, test), most = counts.sum(1), f"{sizes[-1]:,}"
    mean = a.mean(-1)[..., -1]  # (methods, labels, where), at the largest size
    radius, gap, seen_right = measured.radius, measured.gap, measured.seen_right
    new_right = float(np.trace(measured.answers) / test)
    error = float(np.sqrt(new_right * (1 - new_right) / test))
    recall = measured.answers.diagonal() / counts[1]
    taken_for = np.where(np.eye(DIGITS, dtype=bool), -1, measured.answers).argmax(1)
    ink = measured.images[-1].mean((1, 2))
    wider = int((radius > gap).sum())
    even, alike = (
        (f"{value:.1f}", f"{round(share * DRAWS):,} of {DRAWS:,} random draws")
        for value, share in (measured.even, measured.alike)
    )
    by_chance = measured.alike[1] > 0.01
    asked = min(settings.questions, test)
    overlap = (
        f", each with a new random draw. The draws overlap, those of the test images by about "
        f"{percent(asked / test, 0)}, so the spread between them is somewhat too small"
    )
    shuffled = "shuffled" if settings.shuffled == 1 else f"{percent(settings.shuffled, 0)} shuffled"
    by_rule = (1 - settings.shuffled) * mean[0, 0, 1] + settings.shuffled * measured.chance
    columns = {
        "image, new": a[0, 0, 1],
        "mean, seen": a[1, 0, 0],
        "mean, new": a[1, 0, 1],
        f"{shuffled}: image, new": a[0, 1, 1],
        f"{shuffled}: mean, seen": a[1, 1, 0],
    }
    return LessonText(
        experiment=(
            f"All {train:,} training and {test:,} test images are counted, and the mean image of "
            "each digit is taken. Then two classifiers that need no training: one remembers "
            "images and answers with the label of the nearest; the other keeps ten mean images "
            f"and answers with the nearest of these. They are given {sizes[0]:,} to {most} random "
            f"training images with their true labels, and again with {shuffled} labels, and are "
            f"asked about images they have seen (the memory about its first {SEEN:,} at most) and "
            f"about {asked:,} random test images: {times(settings.seeds)}"
            f"{overlap if settings.seeds > 1 else ''}."
        ),
        figures=(
            LessonFigure(
                "images",
                _draw_images(measured, recall, new_right),
                "Random training images; in the last row the mean image of each digit, grey where "
                "hands differ, and the share of that digit's test images that lie nearest to it.",
            ),
            LessonFigure(
                "memory",
                _draw_memory(measured, settings, shuffled),
                "Solid lines are new images, broken lines images seen. Points are means over the "
                "draws, bars reach from the worst to the best.",
            ),
        ),
        tables=(
            Table(
                "Images of each digit, their ink (mean pixel, % of full ink), share of the test "
                "images that lie nearest to their own mean, and for what others are taken most",
                ("digit", "training", "test", "ink, %", "own mean, %", "taken for"),
                tuple(
                    (
                        str(d),
                        *(f"{n:,}" for n in counts[:, d]),
                        f"{100 * ink[d]:.1f}",
                        f"{100 * recall[d]:.1f}",
                        str(taken_for[d]),
                    )
                    for d in range(DIGITS)
                ),
            ),
            Table(
                "Accuracy of the nearest image and of the nearest mean, on images seen and on new "
                f"ones, with true and with {shuffled} labels, % "
                f"(mean ± standard deviation, n = {settings.seeds} draws)",
                ("images", *columns),
                tuple(
                    (f"{n:,}", *(plus_minus(100 * c[i], decimals=1) for c in columns.values()))
                    for i, n in enumerate(sizes)
                ),
            ),
        ),
        finding=(
            f"A memory of {most} images is right on {percent(mean[0, 0, 0])} of what it has seen "
            f"with true labels, and on {percent(mean[0, 1, 0])} with {shuffled} ones; on new "
            f"images on {percent(mean[0, 0, 1])} and {percent(mean[0, 1, 1])}."
        ),
        seen=(
            f"**The images.** Each is {SIDE}×{SIDE} = {SIDE * SIDE} numbers, from paper to full "
            f"ink; {measured.unused} of them are paper in every training image. "
            f"{percent(counts[0].max() / train)} of the training images are a "
            f"{counts[0].argmax()}, {percent(counts[0].min() / train)} a {counts[0].argmin()}. "
            f"If all digits were equally common, χ² would be as large as this {even[0]} in "
            f"{even[1]}. Training and test differ by {'no ' if by_chance else ''}more than chance "
            f"makes them differ: χ² = {alike[0]}, and {alike[1]} give as much.\n\n"
            "**The means.** A mean 3 is no 3 that anybody wrote: each pixel says how much ink the "
            "threes have there on average. No other image has a smaller mean squared distance to "
            f"the threes. They lie {radius[3]:.1f} from it (root of that mean), and the next mean "
            f"lies {gap[3]:.1f} from it. Still most are told apart: {radius[3]:.1f} is their "
            f"spread over all {SIDE * SIDE} directions together, and only the spread along the "
            "line to the next mean leads to mistakes. The nearest mean is right on "
            f"{percent(new_right)} of the test images (standard error {100 * error:.1f} points) "
            f"and on {percent(seen_right)} of the images that the means were made of: "
            f"ten images have no room to remember {train:,}.\n\n"
            "**The memory** has room for everything. Asked about an image it has seen, it finds "
            "that very image, at distance 0, and repeats its label, whether that makes sense or "
            "not. So being right on what one has seen proves no more than a good memory. New "
            "images show what in the labels holds beyond the images remembered; in shuffled "
            "labels, nothing does. A network stands between the two: that of the next lessons has "
            f"101,770 weights, ten means are {DIGITS * SIDE * SIDE:,} numbers, and all training "
            f"images {train * SIDE * SIDE:,}. It can do some of both. That is why images are kept "
            "apart that it never sees, in MNIST even those of other writers."
        ),
        checks=(
            Check(
                f"the digits are not equally common: χ² = {even[0]}, as much in {even[1]}",
                measured.even[1] < 0.01,
            ),
            Check(
                "training and test differ no more than by chance: "
                f"χ² = {alike[0]}, as much in {alike[1]}",
                by_chance,
            ),
            Check(
                f"{wider} of 10 digits are wider than the gap to the next mean, over all "
                "directions together",
                wider > 5,
            ),
            Check(
                f"the nearest of ten means is right on {percent(seen_right)} of the images seen "
                f"and {percent(new_right)} of the new: less than 5 points apart",
                abs(seen_right - new_right) < 0.05,
            ),
            Check(
                f"the memory is right on at least {percent(a[0, :, 0].min())} of what it has "
                f"seen, in every draw, with true and with {shuffled} labels",
                a[0, :, 0].min() > 0.999,
            ),
            Check(
                f"of new images it gets {percent(mean[0, 1, 1])} with {shuffled} labels; if these "
                f"hold nothing beyond chance ({percent(measured.chance)}), {percent(by_rule)} is "
                "expected",
                abs(mean[0, 1, 1] - by_rule) < 0.03,
            ),
        ),
        formulas=(
            Formula(
                r"m_d = \frac{1}{n_d} \sum_{i:\, y_i = d} x_i",
                "The mean image of the digit *d*, pixel by pixel, over its images:",
            ),
            Formula(
                r"\lVert a - b \rVert^2 = \lVert a \rVert^2 + \lVert b \rVert^2 - 2\, a \cdot b",
                "The distance of two images of 784 numbers. Expanded like this, all questions "
                "are compared with all remembered images by one product of matrices:",
            ),
            Formula(
                r"\chi^2 = \sum_{d=0}^{9} \frac{(O_d - E_d)^2}{E_d}",
                "How far counts *O* are from the expected *E*. Where only chance is at work it is "
                "about 9: ten digits, less one since their sum is given. For training against "
                f"test both sums are added. Chance is simulated here: labels are drawn "
                f"{DRAWS:,} times.",
            ),
            Formula(
                r"\mathrm{SE} = \sqrt{a\,(1 - a) / n}",
                "By how much an accuracy *a* on *n* images varies with other *n* images:",
            ),
        ),
        exercises=(
            Exercise(
                "Shuffle half of the labels. Foretell from the tables what the memory gets right "
                "on new images, then look.",
                ("shuffled=0.5",),
            ),
            Exercise(
                "How much does each tenfold memory gain? Foretell what all 60,000 images give.",
                ("sizes=600,6000,60000", "seeds=1"),
            ),
            Exercise(
                "A small test: how far apart are the draws now, and what does the standard error "
                "say?",
                ("questions=100", "seeds=10", "sizes=1000"),
            ),
        ),
        sources=(
            "Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to "
            "document recognition*, Proceedings of the IEEE 86 (11), 1998: MNIST",
            "T. Cover and P. Hart, *Nearest neighbor pattern classification*, IEEE Transactions "
            "on Information Theory 13 (1), 1967",
            "C. Zhang, S. Bengio, M. Hardt, B. Recht and O. Vinyals, *Understanding deep learning "
            "requires rethinking generalization*, ICLR 2017: networks learn shuffled labels, too",
        ),
    )


def _draw_images(measured: Measured, recall: NDArray[np.float64], right: float) -> Figure:
    figure = Figure()
    images = measured.images
    rows, tile = len(images) - 1, 0.6
    title = (
        "A digit has many forms; of ten mean images the nearest "
        f"is right on {percent(right)} of new ones"
    )
    note = f"Training images of each digit, and the means of all {measured.counts[0].sum():,}."
    style.header(figure, title, note, body=tile * (rows + 1) + 0.45)
    for bottom, part in ((0.3, images[-1:]), (tile + 0.4, images[:-1])):
        axes = style.place(figure, 0.2, bottom, tile * DIGITS, tile * len(part))
        tiles = style.mosaic(part.reshape(-1, SIDE, SIDE), DIGITS)
        axes.imshow(tiles, cmap=style.PAPER, vmin=0, vmax=1, interpolation="nearest")
        axes.axis("off")
    for digit, share in enumerate(recall):
        x, y = 0.2 + tile * (digit + 0.47), 0.28 / figure.get_size_inches()[1]
        figure.text(x / style.WIDTH, y, percent(share, 0), ha="center", va="top", fontsize=9.5)
    return figure


def _draw_memory(measured: Measured, settings: Settings, shuffled: str) -> Figure:
    figure = Figure()
    sizes, new = measured.sizes, measured.accuracy[0, :, 1, -1].mean(-1)
    title = (
        f"A memory of {sizes[-1]:,} knows by heart what it has seen; of new images it gets "
        f"{percent(new[0])} with true labels, {percent(new[1])} with {shuffled} ones"
    )
    style.header(figure, title, f"Accuracy over {settings.seeds} draws of images.", body=3.35)
    for kind, labels in enumerate(("true", shuffled)):
        axes = style.place(figure, 0.62 + 2.9 * kind, 0.55, 2.6, 2.5)
        lines = {}
        for method, colour in (("nearest image", style.BLUE), ("nearest mean", style.VERMILION)):
            for where, line in (("seen", "--"), ("new", "-")):
                rows = measured.accuracy[int("mean" in method), kind, int(where == "new")]
                lines[f"{method}, {where}"] = style.over_seeds(
                    axes, sizes, rows, color=colour, ls=line, ms=4
                )
        axes.set_title(f"{labels} labels", loc="left", fontsize=10)
        axes.axhline(measured.chance, color=style.GREY, lw=0.9, ls=":")
        axes.set(ylim=(0, 1.03), xlabel="images remembered (log)")
        style.log_x(axes, sizes)
        axes.tick_params(axis="x", labelsize=8.5)
        style.percent_ticks(axes)
        if kind == 0:
            axes.set_ylabel("accuracy, %")
            axes.legend(
                lines.values(), lines.keys(), loc=(0.02, 0.18), fontsize=8.5, handlelength=3
            )
            y = measured.chance - 0.02
            axes.text(sizes[-1], y, "chance", ha="right", va="top", size=9, color=style.GREY)
    return figure
