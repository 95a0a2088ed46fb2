"""Cross-entropy: minus the logarithm of the probability of the true digit, and nothing else.

What a trained network pays for each test image; the two forms of a label; and the same networks
trained on squared errors instead, from the usual first weights and from confidently wrong ones.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.image.digit import DIGITS
from digitscope.lessons.content import (
    Check,
    Exercise,
    Formula,
    LessonFigure,
    LessonText,
    Table,
    listing,
    plus_minus,
    setting,
    short,
)
from digitscope.lessons.course import Advance
from digitscope.nn import SGD, Adam, Design, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats, Loss, softmax
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

TITLE = "Cross-entropy"
QUESTION = "What does a network pay for an answer, and why not the square of its error?"

HELD_OUT = 5_000
WRONG = np.linspace(0, 20, 81)  # logits by which a wrong digit is ahead
POINTS = 25  # of each loss curve


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    hidden: int = setting(128, "hidden units")
    images: int = setting(15_000, "training images")
    epochs: int = setting(3, "passes over them")
    rates: tuple[float, ...] = setting((0.03, 0.1, 0.3, 1.0, 2.0), "learning rates to choose from")
    gain: float = setting(10.0, "first weights of the wrongly sure networks, times the usual")
    seeds: int = setting(3, "networks of each kind")


@dataclass(frozen=True)
class Measured:
    """What came of it; losses in the order cross-entropy, squared error.

    Attributes
    ----------
    probabilities, right : ndarray of shape (n,)
        Of the label, for each test image, by a trained network; whether its answer was right.
    same, ulps : int, float
        Test images whose sparse and one-hot loss are equal bit for bit; the largest difference of
        the others, in units in the last place.
    sizes : dict
        Form of the training labels -> bytes.
    first : ndarray of shape (seeds,)
        Mean loss before training, of networks whose first weights are near 0.
    difference : float
        Largest gap between the gradient by formula and by finite differences, in float64.
    slopes : ndarray of shape (2, gaps)
        Size of the gradient by the label's logit, at each of `WRONG`.
    chosen : ndarray of shape (2, 2)
        Rate of each loss, from the usual first weights and from large ones.
    held_out : ndarray of shape (2, 2, rates)
        Mean accuracy on held-out images by which it was chosen.
    accuracy : ndarray of shape (2, 2, seeds)
        On the test images, with the chosen rate.
    curves : ndarray of shape (2, 2, seeds, points)
        Cross-entropy of the training batches, with the chosen rate.
    at : ndarray of shape (points,)
        Steps of those.
    """

    probabilities: NDArray[np.float64]
    right: NDArray[np.bool_]
    same: int
    ulps: float
    sizes: dict[str, int]
    first: NDArray[np.float64]
    difference: float
    slopes: NDArray[np.float64]
    chosen: NDArray[np.float64]
    held_out: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    curves: NDArray[np.float64]
    at: NDArray[np.float64]


def squared_error(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return Σ (B - onehot)² of each row, and its gradient by the logits."""
    shares = softmax(logits)
    errors = shares - one_hot(labels, logits.dtype)
    losses: Floats = (errors**2).sum(1)
    # Through softmax, whose slope is 0 where a share is 0 or 1.
    gradients: Floats = 2 * shares * (errors - (shares * errors).sum(1, keepdims=True))
    return losses, gradients


def one_hot(labels: NDArray[Any], dtype: Any = np.float32) -> Floats:
    """Return a row for each label: 1 in its place, 0 elsewhere."""
    rows: Floats = np.eye(DIGITS, dtype=dtype)[labels]
    return rows


def one_hot_cross_entropy(logits: Floats, targets: Floats) -> Floats:
    """Return -Σ target · log softmax(logits) of each row: nine of the ten products are 0."""
    shifted = logits - logits.max(1, keepdims=True)
    logarithms = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    losses: Floats = -(targets * logarithms).sum(1)
    return losses


LOSSES: dict[str, Loss] = {"cross-entropy": cross_entropy, "squared error": squared_error}


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train with both losses, at every rate, from usual and from large first weights."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, x_test = pixels(held_out.images), pixels(data.test.images)
    seeds, hidden = range(settings.seeds), (settings.hidden,)
    gains = (1.0, settings.gain)

    def one(case: tuple[float, Loss, float, int]) -> tuple[float, float, list[float]]:
        gain, loss, rate, seed = case
        network, curve = Network(Design(hidden=hidden, gain=gain), seed), []

        def watched(logits: Floats, of: NDArray[Any]) -> tuple[Floats, Floats]:
            curve.append(float(cross_entropy(logits, of)[0].mean()))  # in nats, whatever the loss
            return loss(logits, of)

        for _ in train(
            network, SGD(rate), x, labels, epochs=settings.epochs, seed=seed, loss=watched
        ):
            pass
        return (
            network.accuracy(x_held, held_out.labels),
            network.accuracy(x_test, data.test.labels),
            curve,
        )

    cases = [
        (gain, loss, rate, seed)
        for gain in gains
        for loss in LOSSES.values()
        for rate in settings.rates
        for seed in seeds
    ]
    results = each(one, cases, lambda share: advance(0.9 * share))
    shape = (2, 2, len(settings.rates), settings.seeds)
    on_held = np.array([r[0] for r in results]).reshape(shape).mean(3)
    on_test = np.array([r[1] for r in results]).reshape(shape)
    steps = max(len(r[2]) for r in results)
    parts = np.array_split(np.arange(steps), min(POINTS, steps))
    curves = np.array(
        [
            [np.mean([*r[2], *[np.nan] * (steps - len(r[2]))][p[0] : p[-1] + 1]) for p in parts]
            for r in results
        ]
    ).reshape(*shape, len(parts))
    best = on_held.argmax(2)
    pick = np.ix_(range(2), range(2))

    network = Network(Design(hidden=hidden))
    for _ in train(network, Adam(), x, labels, epochs=settings.epochs):
        pass
    logits = network.forward(x_test)
    rows = np.arange(len(logits))
    sparse, _ = cross_entropy(logits, data.test.labels)
    dense = one_hot_cross_entropy(logits, one_hot(data.test.labels))
    unit = np.spacing(np.maximum(np.abs(sparse), np.abs(dense)))
    advance(1.0)
    return Measured(
        softmax(logits)[rows, data.test.labels].astype(np.float64),
        logits.argmax(1) == data.test.labels,
        int((sparse == dense).sum()),
        float((np.abs(sparse - dense) / unit).max()),
        {
            "uint8, a digit each": data.train.labels.astype(np.uint8).nbytes,
            "int64, a digit each": data.train.labels.astype(np.int64).nbytes,
            "float32, one-hot": one_hot(data.train.labels).nbytes,
        },
        np.array([_first_loss(x, labels, hidden, seed) for seed in seeds]),
        _check_gradient(logits[:20].astype(np.float64), data.test.labels[:20]),
        np.array([_slopes(loss) for loss in LOSSES.values()]),
        np.array(settings.rates)[best],
        on_held,
        on_test[*pick, best],
        curves[*pick, best],
        np.array([p.mean() + 1 for p in parts]),
    )


def _first_loss(x: Floats, labels: NDArray[Any], hidden: tuple[int, ...], seed: int) -> float:
    network = Network(Design(hidden=hidden, initialisation="small"), seed)
    return float(cross_entropy(network.forward(x), labels)[0].mean())


def _check_gradient(logits: Floats, labels: NDArray[Any], step: float = 1e-5) -> float:
    """Return how far the gradient is from what moving each logit a little does to the loss."""
    _, gradients = cross_entropy(logits, labels)
    worst = 0.0
    for digit in range(DIGITS):
        moved = step * np.eye(DIGITS)[digit]
        ahead, behind = (cross_entropy(logits + s * moved, labels)[0] for s in (1, -1))
        found = (ahead - behind) / (2 * step)
        worst = max(worst, float(np.abs(found - gradients[:, digit]).max()))
    return worst


def _slopes(loss: Loss) -> NDArray[np.float64]:
    """Return the gradient by the label's logit where digit 1 is ahead of it, the others behind."""
    logits = np.full((len(WRONG), DIGITS), -20.0)
    logits[:, 0], logits[:, 1] = 0.0, WRONG
    return np.abs(loss(logits, np.zeros(len(WRONG), int))[1][:, 0])


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    m, seeds, names = measured, settings.seeds, tuple(LOSSES)
    losses = -np.log(np.maximum(m.probabilities, 1e-300))
    (usual, usual_squared), (large, large_squared) = m.accuracy.mean(2)
    n, share = len(losses), float(losses[~m.right].sum() / losses.sum())
    faded = m.slopes[:, WRONG == 10][:, 0]
    finding = (
        f"From the usual first weights, cross-entropy ends at {percent(usual)} and squared error "
        f"at {percent(usual_squared)}, each at its own best rate; from first weights "
        f"{settings.gain:g} times as large, at {percent(large)} and {percent(large_squared)}: "
        "squared error hardly hears of answers that are wrong and sure."
    )
    starts = ("usual", f"times {settings.gain:g}")
    return LessonText(
        experiment=(
            f"{m.held_out.size * seeds} networks 784-{settings.hidden}-10 learn from "
            f"{settings.images:,} images for {count(settings.epochs, 'epoch')} by plain gradient "
            f"descent: with both losses, from the usual first weights and from {settings.gain:g} "
            f"times as large ones, at {count(len(settings.rates), 'rate')}, {seeds} seeds each. "
            f"The rate of each kind is chosen on held-out training images; then the test images "
            "are read. One more network, trained by Adam, shows what each test image costs."
        ),
        figures=(
            LessonFigure(
                "curve",
                _draw_curve(m),
                "The line is the price of an answer. The counts below show how many test images "
                "stand where: most of them at the right, where it costs next to nothing.",
            ),
            LessonFigure(
                "learning",
                _draw_learning(m, settings),
                "Left, how loudly one image calls for a change of its label's logit. Right, how "
                "both kinds learn from large first weights; the scale is that of cross-entropy "
                "for both, so that they can be compared. Lines are means; bands reach from "
                "the lowest seed to the highest.",
            ),
        ),
        tables=(
            Table(
                "Each loss at the rate that was best on held-out images; test accuracy, % "
                f"(mean ± standard deviation, n = {count(seeds, 'seed')})",
                ("loss", "first weights", "rate", "accuracy"),
                tuple(
                    (
                        name,
                        start,
                        f"{m.chosen[i, j]:g}",
                        plus_minus(100 * m.accuracy[i, j]),
                    )
                    for i, start in enumerate(starts)
                    for j, name in enumerate(names)
                ),
            ),
            Table(
                "What the training labels take in memory",
                ("form", "bytes", "times"),
                tuple(
                    (form, f"{size:,}", f"{size / min(m.sizes.values()):g}")
                    for form, size in m.sizes.items()
                ),
            ),
        ),
        finding=finding,
        seen=(
            "The loss of an image is -log of the probability that the network gave to its true "
            "digit. How it spread the rest over the other nine does not matter, other than that "
            "it is missing there. Certainty that is right is free, a guess among ten costs "
            "log 10 = 2.30 nats (the unit of natural logarithms), and certainty that is wrong can "
            "cost any amount.\n\n"
            "A label can be written as a digit or as ten numbers, a 1 in its place and nine 0s. "
            "The sum over ten products with nine 0s is the one product that is left, so both "
            "forms are the same loss; the long one only takes more room. Keras calls the short "
            "form sparse.\n\n"
            "The logarithm undoes the exponential of softmax, and what remains as the gradient is "
            "what was said minus what is true. For an answer that is wrong and sure it is near -1 "
            "at the label's logit and near +1 at the wrong one. The square of the error knows no "
            "such undoing: its gradient goes through the slope of softmax, which is nearly 0 "
            "where a probability is nearly 0 or 1. So what is badly wrong hardly moves. Where a "
            "network starts out unsure, as it does from small first weights, that is no harm, and "
            "at a suitable rate squared errors teach it about as well."
        ),
        checks=(
            Check(
                f"{m.same:,} of {n:,} test images have the same loss bit for bit in the sparse and "
                f"the one-hot form; the largest difference is {m.ulps:g} units in the last place",
                m.ulps <= 4,
            ),
            Check(
                "with first weights near 0 (standard deviation 0.01) a network begins at "
                f"{plus_minus(m.first.tolist(), decimals=3)} (n = {len(m.first)} seeds); log 10 "
                f"is {np.log(DIGITS):.3f}",
                np.abs(m.first - np.log(DIGITS)).max() < 0.02,
            ),
            Check(
                f"the gradient B - onehot is that of finite differences to {short(m.difference)}",
                m.difference < 1e-7,
            ),
            Check(
                f"the {int((~m.right).sum()):,} images that are read wrongly, of {n:,}, make "
                f"{percent(share)} of the loss; {percent(float((losses < 0.1).mean()))} of all "
                "images cost less than 0.1 nats",
                share > 0.4 and (losses < 0.1).mean() > 0.5,
            ),
            Check(
                f"where a wrong digit is 10 logits ahead, the gradient of cross-entropy is "
                f"{faded[0]:.2f} and that of squared error {short(faded[1])}",
                faded[0] > 0.99 and faded[1] < 1e-3,
            ),
            Check(
                f"from the usual first weights, the two are {100 * abs(usual - usual_squared):.2f} "
                "points apart",
                abs(usual - usual_squared) < 0.02,
            ),
            Check(
                f"from {settings.gain:g} times as large ones, cross-entropy is "
                f"{100 * (large - large_squared):.1f} points ahead, and ahead with each seed",
                (m.accuracy[1, 0] > m.accuracy[1, 1] + 0.02).all(),
            ),
        ),
        formulas=(
            Formula(
                r"L = -\sum_k t_k \log B_k = -\log B_c, \qquad t_k = [k = c]",
                "The one-hot and the sparse form, for an image of digit c with probabilities B "
                "([k = c] is 1 where k is c, else 0):",
            ),
            Formula(
                r"\frac{\partial L}{\partial z_k} = B_k - t_k",
                "Its gradient by the logits z: what was said minus what is true.",
            ),
            Formula(
                r"\frac{\partial}{\partial z_k} \sum_j (B_j - t_j)^2 "
                r"= 2 B_k \Bigl[(B_k - t_k) - \sum_j B_j (B_j - t_j)\Bigr]",
                "The gradient of the squared error. For a label with B near 0, the factor in "
                "front is near 0, however wrong the answer:",
            ),
        ),
        code=(listing(cross_entropy, one_hot_cross_entropy, squared_error),),
        exercises=(
            Exercise(
                "Are the networks that begin with large weights lost for squared error, or only "
                "late? Give both longer.",
                ("epochs=10",),
            ),
            Exercise(
                "How large may the first weights be before squared error falls behind?",
                ("gain=3",),
            ),
            Exercise(
                "Let squared error take larger steps. Does a rate make up for a gradient that is "
                "not there?",
                ("rates=1,3,10,30",),
            ),
        ),
        sources=(
            "C. E. Shannon, *A mathematical theory of communication*, Bell System Technical "
            "Journal 27 (1948): entropy",
            "I. J. Good, *Rational decisions*, Journal of the Royal Statistical Society B 14 "
            "(1952): the logarithm as the price that makes honest probabilities pay",
            "I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, MIT Press, 2016, "
            "section 6.2",
            "P. Golik, P. Doetsch and H. Ney, *Cross-entropy vs. squared error training: a "
            "theoretical and experimental comparison*, Interspeech 2013",
        ),
    )


def _draw_curve(m: Measured) -> Figure:
    figure = Figure()
    p, n = m.probabilities, len(m.probabilities)
    wrong, loss = ~m.right, -np.log(np.maximum(p, 1e-300))
    title = (
        f"The {wrong.sum():,} test images that are read wrongly, of {n:,}, make "
        f"{percent(loss[wrong].sum() / loss.sum())} of the loss"
    )
    style.header(figure, title, "Test images, by the probability of their label.", body=4.1)
    top = style.place(figure, 0.8, 1.9, 5.3, 2.1)
    grid = np.geomspace(1e-7, 1, 400)
    top.plot(grid, -np.log(grid), color=style.INK, lw=1)
    for which, colour in ((m.right, style.BLUE), (wrong, style.VERMILION)):
        top.plot(p[which], loss[which], "o", ms=5, mew=0, color=colour, alpha=0.3)
    top.set_ylabel("loss, nats")
    top.set_ylim(-0.2, max(1.1 * float(loss.max()), 5))
    top.tick_params(labelbottom=False)
    top.axhline(np.log(DIGITS), color=style.GREY, lw=0.9, ls=":")
    top.text(
        1, np.log(DIGITS) + 0.3, "a guess: log 10 = 2.30", color=style.GREY, size=9, ha="right"
    )
    below = style.place(figure, 0.8, 0.5, 5.3, 1.25)
    below.hist(
        [p[m.right], p[wrong]], np.linspace(0, 1, 41).tolist(), histtype="step", lw=1.6,
        color=[style.BLUE, style.VERMILION], label=["read correctly", "read wrongly"],
    )  # fmt: skip
    below.set_ylim(0.7, 1.5 * n)
    style.log_ticks(below)
    below.set_ylabel("images (log)")
    below.set_xlabel("probability of the label")
    top.legend(*below.get_legend_handles_labels(), loc="upper right")
    for axes in (top, below):
        axes.set_xlim(-0.01, 1.01)
    return figure


def _draw_learning(m: Measured, settings: Settings) -> Figure:
    figure = Figure()
    faded = m.slopes[:, WRONG == 10][:, 0]
    title = (
        f"Where a wrong digit is 10 ahead, squared error's gradient is {short(faded[1])} and "
        f"cross-entropy's {faded[0]:.2f}; they end at {percent(m.accuracy[1, 1].mean())} and "
        f"{percent(m.accuracy[1, 0].mean())}"
    )
    note = (
        f"Right: first weights times {settings.gain:g}; each loss at its best rate; "
        f"{count(settings.seeds, 'seed')}; test accuracy in the title."
    )
    style.header(figure, title, note, body=3.2)
    left, right = (style.place(figure, x, 0.55, 2.3, 2.25) for x in (0.85, 4.0))
    for slope, curves, name, colour in zip(
        m.slopes, m.curves[1], LOSSES, (style.BLUE, style.VERMILION), strict=True
    ):
        left.plot(WRONG, slope, color=colour, label=name)
        right.plot(m.at, curves.mean(0), color=colour)
        right.fill_between(m.at, curves.min(0), curves.max(0), color=colour, alpha=0.2, lw=0)
    left.set_ylim(1e-9, 3)
    style.log_ticks(left)
    left.set_xlabel("how far a wrong logit is ahead")
    left.yaxis.set_major_locator(FixedLocator([1e-9, 1e-6, 1e-3, 1]))
    left.set_yticklabels(["10⁻⁹", "10⁻⁶", "10⁻³", "1"])
    left.set_ylabel("size of the gradient\nby the label's logit (log)")
    style.log_ticks(right)
    right.set_xlabel("step")
    right.set_ylabel("cross-entropy, nats")
    figure.legend(
        *left.get_legend_handles_labels(), loc="upper left", ncols=2,
        bbox_to_anchor=(0.1, 3.2 / figure.get_size_inches()[1]),
    )  # fmt: skip
    return figure
