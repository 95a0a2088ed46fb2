"""Overfitting: a network that knows its images by heart, and what helps it to know other ones.

Networks trained on few images, epoch by epoch; stopped early, with dropout, with weight decay and
with more images; and what it does to a validation loss that one chose by it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from digitscope.data import Dataset, Split
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
)
from digitscope.lessons.course import Advance
from digitscope.nn import Adam, AdamW, Design, Epoch, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats
from digitscope.rendering import style
from digitscope.rendering.wording import percent

TITLE = "Overfitting, dropout, validation and early stopping"
QUESTION = "What if a network knows its images by heart, and how does one notice and stop in time?"

HELD_OUT = 5_000
DRAWS = 500  # validation sets drawn of each size
BY_HEART = 0.999  # of the training images


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    images: int = setting(1_000, "training images")
    epochs: int = setting(50, "passes over them")
    units: int = setting(128, "units of the hidden layer")
    rate: float = setting(0.002, "learning rate of Adam")
    batch: int = setting(64, "images in a batch")
    validation: int = setting(1_000, "validation images that early stopping looks at")
    patience: int = setting(5, "epochs without a better validation loss before it stops")
    dropout: float = setting(0.5, "share of hidden units silenced in a step, as a remedy")
    decay: float = setting(1.0, "weight decay of AdamW, as a remedy")
    more: int = setting(4, "how many times as many images, as a remedy")
    sizes: tuple[int, ...] = setting((100, 300, 1_000, 3_000, 10_000), "images for the gap")
    chosen_by: tuple[int, ...] = setting((30, 100, 300, 1_000), "validation images to choose by")
    seeds: int = setting(4, "networks of each kind, each with images of its own")


@dataclass(frozen=True)
class Measured:
    """What the networks did; the remedies are nothing, stopping, dropout, decay and more images."""

    curves: NDArray[np.float64]  # (seeds, epochs, 4): training loss, accuracy; validation the same
    parts: NDArray[np.float64]  # (seeds, 2, 2): at the lowest validation loss and at the end, mean
    # loss of the held-out images read rightly and of the others
    chosen: NDArray[np.float64]  # (seeds, sizes, 2): see `optimism`
    stopped: NDArray[np.int64]  # (seeds, 2): the epoch early stopping kept, and the last one
    results: NDArray[np.float64]  # (remedies, seeds, 3): training accuracy, test loss, accuracy
    gap: NDArray[np.float64]  # (sizes, seeds, 2): training and test accuracy, once known by heart
    images: tuple[int, int, int]  # held out, looked at by early stopping, in the test split


@dataclass(frozen=True)
class Rows:
    """Images as a network takes them, and their labels."""

    x: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @classmethod
    def of(cls, split: Split) -> "Rows":
        """Return those of a split."""
        return cls(pixels(split.images), split.labels)

    def judge(self, network: Network) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return the loss of each image, and whether it is read rightly."""
        logits: Floats = network.forward(self.x)
        return cross_entropy(logits, self.labels)[0], logits.argmax(1) == self.labels

    def score(self, network: Network) -> tuple[float, float]:
        """Return mean loss and accuracy."""
        losses, right = self.judge(network)
        return float(losses.mean(dtype=float)), float(right.mean())


def stop_early(
    network: Network,
    training: Iterable[Epoch],
    loss: Callable[[], float],
    patience: int,
) -> tuple[int, int]:
    """Stop when the validation loss has not fallen for `patience` epochs.

    The network then has its best weights again. Returned are the epoch they
    are from, and the last one there was.
    """
    lowest, best, kept = np.inf, 0, network.weights.copy()
    for epoch in training:  # stop asking, and it stops
        now = loss()
        if now < lowest:
            lowest, best = now, epoch.number
            kept = network.weights.copy()
        if epoch.number == best + patience:
            break
    network.weights[:] = kept
    return best, epoch.number


def optimism(losses: Floats, n: int, seed: int) -> tuple[float, float]:
    """Choose the epoch by `n` of the images, many times, and see how it does on the others.

    `losses` has shape (epochs, images). Returned is the mean loss at the chosen epoch: of the
    images it was chosen by, and of the others.
    """
    rng = np.random.default_rng([seed, n])
    found = []
    total = losses.sum(1, dtype=float)  # (epochs,)
    for _ in range(DRAWS):
        part = losses[:, rng.choice(losses.shape[1], n, replace=False)].sum(1, dtype=float)
        best = int(part.argmin())
        found.append((part[best] / n, (total - part)[best] / (losses.shape[1] - n)))
    chosen_by, others = np.mean(found, 0)
    return float(chosen_by), float(others)


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train without a remedy and with each; then until training images of each number are known."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    pool, test = Rows.of(held_out), Rows.of(data.test)
    validation = Rows(pool.x[: settings.validation], pool.labels[: settings.validation])

    def begin(
        seed: int, n: int, epochs: int, dropout: float = 0.0, decay: float = 0.0
    ) -> tuple[Rows, Network, Iterable[Epoch]]:
        order = np.random.default_rng([seed, 60_000]).permutation(len(fit))
        rows = Rows.of(fit.take(order[:n]))
        network = Network(Design(hidden=(settings.units,), dropout=dropout), seed)
        optimizer = AdamW(settings.rate, decay=decay) if decay else Adam(settings.rate)
        training = train(
            network, optimizer, rows.x, rows.labels, epochs=epochs, batch=settings.batch, seed=seed
        )
        return rows, network, training

    def end(rows: Rows, network: Network) -> list[float]:
        return [rows.score(network)[1], *test.score(network)]

    def bare(seed: int) -> tuple[Any, ...]:
        rows, network, training = begin(seed, settings.images, settings.epochs)
        curve, judged = [], []
        for _ in training:
            curve.append((*rows.score(network), *validation.score(network)))
            judged.append(pool.judge(network))
        losses = np.array([losses for losses, _ in judged])  # (epochs, held out)
        parts = []
        for at in (int(np.array(curve)[:, 2].argmin()), -1):
            right = judged[at][1]
            parts.append([losses[at] @ of / max(of.sum(), 1) for of in (right, ~right)])
        most = len(pool.labels) // 2
        chosen = [optimism(losses, min(n, most), seed) for n in settings.chosen_by]
        return curve, parts, chosen, end(rows, network)

    def stopped(seed: int) -> tuple[tuple[int, int], list[float]]:
        rows, network, training = begin(seed, settings.images, settings.epochs)
        kept = stop_early(
            network, training, lambda: validation.score(network)[0], settings.patience
        )
        return kept, end(rows, network)

    def remedied(case: tuple[int, int, int, float, float]) -> list[float]:
        rows, network, training = begin(*case)
        for _ in training:
            pass
        return end(rows, network)

    def by_heart(case: tuple[int, int]) -> tuple[float, float]:
        rows, network, training = begin(*case, 200)
        for _ in training:
            known = rows.score(network)[1]
            if known >= BY_HEART:
                break
        return known, test.score(network)[1]

    seeds = range(settings.seeds)
    plain = each(bare, seeds, lambda share: advance(0.3 * share))
    early = each(stopped, seeds, lambda share: advance(0.3 + 0.1 * share))
    n, epochs = settings.images, settings.epochs
    fewer = max(epochs // settings.more, 1)  # as many steps with more images
    remedies = (
        (n, epochs, settings.dropout, 0.0),
        (n, epochs, 0.0, settings.decay),
        (n * settings.more, fewer, 0.0, 0.0),
    )
    cases = [(seed, *remedy) for remedy in remedies for seed in seeds]
    helped = each(remedied, cases, lambda share: advance(0.4 + 0.3 * share))
    sized = [(seed, n) for n in settings.sizes for seed in seeds]
    gaps = each(by_heart, sized, lambda share: advance(0.7 + 0.3 * share))
    curves, parts, chosen, ends = zip(*plain, strict=True)
    results = [*ends, *(last for _, last in early), *helped]
    return Measured(
        curves=np.array(curves),
        parts=np.array(parts),
        chosen=np.array(chosen),
        stopped=np.array([kept for kept, _ in early]),
        results=np.array(results).reshape(-1, len(seeds), 3),
        gap=np.array(gaps).reshape(len(settings.sizes), len(seeds), 2),
        images=(len(pool.labels), len(validation.labels), len(test.labels)),
    )


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    m = measured
    mean = m.curves.mean(0)  # (epochs, 4)
    low, end = m.curves[:, :, 2].min(1).mean(), mean[-1, 2]
    at_low = m.curves[:, :, 2].argmin(1)  # (seeds,)
    accuracy_low = m.curves[range(len(at_low)), at_low, 3].mean()
    kept = m.stopped[:, 0]
    names = (
        "none",
        "early stopping",
        f"dropout of {settings.dropout:g}",
        f"weight decay of {settings.decay:g}",
        f"{settings.more} times the images",
    )
    loss, test = m.results.mean(1).T[1:]  # each of (remedies,)
    best = 1 + int(loss[1:].argmin())
    lower = [name for name, value in zip(names[1:], loss[1:], strict=True) if value < loss[0]]
    by = m.parts.mean(0)  # (lowest and end, right and wrong)
    chosen = m.chosen.mean(0)  # (sizes, 2)
    good = chosen[:, 1] - chosen[:, 0]
    gaps = (m.gap[..., 0] - m.gap[..., 1]).mean(1)
    unknown = (m.gap[..., 0] < BY_HEART).sum()
    seeds = f"(mean ± standard deviation, n = {settings.seeds} seeds)"
    remedies = Table(
        f"At the end of training, on all {m.images[2]:,} test images {seeds}",
        ("remedy", "training accuracy, %", "test accuracy, %", "test loss"),
        tuple(
            (name, *(plus_minus([*100 * row[:, i]], decimals=1) for i in (0, 2)),
             plus_minus([*row[:, 1]], decimals=3))
            for name, row in zip(names, m.results, strict=True)
        ),
    )  # fmt: skip
    choice = Table(
        f"The epoch chosen by a few of the {m.images[0]:,} held-out images, and its loss on them "
        f"and on the others (mean of {DRAWS} choices for each of {settings.seeds} networks)",
        ("images", "their loss", "loss of the others", "too good by"),
        tuple(
            (f"{min(n, m.images[0] // 2):,}", f"{row[0]:.3f}", f"{row[1]:.3f}",
             f"{row[1] - row[0]:.3f}")
            for n, row in zip(settings.chosen_by, chosen, strict=True)
        ),
    )  # fmt: skip
    return LessonText(
        experiment=(
            f"Networks of {settings.units} hidden units (ReLU, Adam, rate {settings.rate:g}, "
            f"batches of {settings.batch}) see {settings.images:,} images {settings.epochs} times; "
            f"{settings.seeds} seeds, each with training images of its own. {m.images[0]:,} "
            f"training images are held out; the first {m.images[1]:,} of them are the validation "
            "set. The test images are looked at once, at the end. With "
            f"{settings.more} times as many images there are as many steps, so each is seen less."
        ),
        figures=(
            LessonFigure(
                "curves",
                _draw_curves(measured, settings),
                "Thin lines are single networks, thick ones their mean. Dots mark the epoch "
                "whose weights early stopping keeps. It sees the validation loss only, and stops "
                f"{settings.patience} epochs later.",
            ),
            LessonFigure(
                "gap",
                _draw_gap(measured, settings),
                "The upper line is what the network knows, the lower one what it can do. Bars "
                "reach from the worst seed to the best.",
            ),
        ),
        tables=(remedies, choice),
        finding=(
            f"After {settings.epochs} epochs a network knows {percent(mean[-1, 1])} of its "
            f"{settings.images:,} images, and reads {percent(test[0])} of the test images. Its "
            f"validation loss was {low:.2f} at its lowest, near epoch {at_low.mean() + 1:.0f}, and "
            f"is {end:.2f} at the end. Of the remedies, {names[best]} "
            f"leaves the lowest test loss, {loss[best]:.2f}; without one it is {loss[0]:.2f}."
        ),
        seen=(
            "Once every training image is read rightly, larger weights can still make every answer "
            "a little surer, and the training loss falls. On new images that makes the wrong "
            "answers surer as well, and cross-entropy charges for a wrong answer by how sure it "
            "was. Which of the ten is largest hardly changes: the network does not read worse, it "
            "no longer knows when it is wrong.\n\n"
            "Early stopping looks at images that are not learned, and keeps the weights of the "
            "epoch that did best there. Dropout leaves little use for units that work only "
            "together with certain others. Weight decay draws every weight to 0, so that only what "
            "many images ask for stays large. More images are the plainest remedy: what is true "
            "of many images is more often true of new ones.\n\n"
            "Whoever chooses by a validation set uses it up a little. Among many epochs the one "
            "that looks best there is partly the one that was lucky there, so its loss there is "
            f"too good: by {good[0]:.3f} with {settings.chosen_by[0]:,} images to choose by, by "
            f"{good[-1]:.3f} with {settings.chosen_by[-1]:,}. That is why the result is read off "
            "test images that had no say in any choice."
        ),
        checks=(
            Check(
                f"the training images are known by heart: {percent(mean[-1, 1], 2)} of them, with "
                f"a loss of {mean[-1, 0]:.4f}",
                mean[-1, 1] > 0.99,
            ),
            Check(
                f"the validation loss rises again, from {low:.3f} to {end:.3f}, while its accuracy "
                f"goes from {percent(accuracy_low)} to {percent(mean[-1, 3])}",
                end > 1.05 * low and abs(mean[-1, 3] - accuracy_low) < 0.03,
            ),
            Check(
                f"the mistakes get dearer: {by[0, 1]:.2f} to {by[1, 1]:.2f} nats each; what is "
                f"right gets cheaper: {by[0, 0]:.3f} to {by[1, 0]:.3f}",
                by[1, 1] > by[0, 1] and by[1, 0] < by[0, 0],
            ),
            Check(
                f"early stopping kept the weights of epoch {', '.join(map(str, kept))} and saved "
                f"{settings.epochs - m.stopped[:, 1].mean():.0f} epochs of {settings.epochs}",
                m.stopped[:, 1].max() < settings.epochs,
            ),
            Check(f"these lower the test loss: {'; '.join(lower)}", len(lower) >= 3),
            Check(
                f"the gap to the test images shrinks from {100 * gaps[0]:.1f} points with "
                f"{settings.sizes[0]:,} images to {100 * gaps[-1]:.1f} with "
                f"{settings.sizes[-1]:,}; {unknown} of {m.gap[..., 0].size} networks "
                "did not come to know theirs by heart",
                gaps[-1] < gaps[0],
            ),
            Check(
                f"chosen by {settings.chosen_by[0]:,} images, their loss is too good by "
                f"{good[0]:.3f}; by {settings.chosen_by[-1]:,}, by {good[-1]:.3f}",
                good[0] > max(good[-1], 0),
            ),
        ),
        formulas=(
            Formula(
                r"\hat{t} = \operatorname{argmin}_t \; \frac{1}{n} \sum_{i=1}^{n} "
                r"-\log p_t(\text{label}_i \mid x_i)",
                "Early stopping keeps the epoch with the smallest mean loss over n validation "
                "images:",
            ),
            Formula(
                r"\mathbb{E}\bigl[\min_t L_t^{\mathrm{val}}\bigr] \le "
                r"\min_t \mathbb{E}\bigl[L_t^{\mathrm{val}}\bigr]",
                "Why that loss is too good: the mean of the smallest is never above the smallest "
                "of the means:",
            ),
            Formula(
                r"\tilde{A}_j = \frac{m_j}{1 - p}\, A_j, \quad m_j = \begin{cases} 0 & "
                r"\text{with probability } p \\ 1 & \text{otherwise} \end{cases}",
                "Dropout silences hidden unit j with probability p in a training step, and makes "
                "up for it, so that its mean stays what it was:",
            ),
            Formula(
                r"w \leftarrow (1 - \eta \lambda)\, w - \eta \, \hat{g}",
                "Weight decay, as AdamW has it, shrinks every weight before Adam's step:",
            ),
        ),
        code=(listing(stop_early),),
        exercises=(
            Exercise("Does a smaller network overfit less, and read better?", ("units=16",)),
            Exercise(
                "Nine of ten hidden units silenced in every step: too much of a good thing?",
                ("dropout=0.9", "epochs=100"),
            ),
            Exercise(
                "With so few validation images the curve is rough. Which epochs are kept now, and "
                "how much do they differ?",
                ("validation=30", "patience=2"),
            ),
            Exercise(
                "Five thousand training images: is there still anything to remedy?",
                ("images=5000", "epochs=20", "more=2"),
            ),
        ),
        sources=(
            "L. Prechelt, *Early stopping - but when?*, in *Neural Networks: Tricks of the Trade*, "
            "Springer, 1998",
            "N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, *Dropout: "
            "a simple way to prevent neural networks from overfitting*, JMLR 15, 2014",
            "A. Krogh and J. A. Hertz, *A simple weight decay can improve generalization*, "
            "NIPS 1991",
            "I. Loshchilov and F. Hutter, *Decoupled weight decay regularization*, ICLR 2019",
            "G. C. Cawley and N. L. C. Talbot, *On over-fitting in model selection and subsequent "
            "selection bias in performance evaluation*, JMLR 11, 2010",
        ),
    )


def _draw_curves(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    curves, mean = measured.curves, measured.curves.mean(0)
    title = (
        f"The training loss falls to {mean[-1, 0]:.3f}; the validation loss turns at "
        f"{curves[..., 2].min(1).mean():.2f} and ends at {mean[-1, 2]:.2f}"
    )
    note = (
        f"{settings.images:,} training and {measured.images[1]:,} validation images, no remedy, "
        f"{settings.seeds} seeds."
    )
    style.header(figure, title, note, body=3.0)
    epochs = np.arange(1, len(mean) + 1)
    top = min(1.2, 1.05 * float(mean[:, :3:2].max()))
    for column, what in enumerate(("loss, nats", "accuracy, %")):
        axes = style.place(figure, 0.65 + 3.2 * column, 0.55, 1.75, 2.3)
        ends = []
        sets = ((0, "training", style.BLUE), (2, "validation", style.INK))
        for first, name, colour in sets:
            axes.plot(epochs, curves[..., first + column].T, color=colour, lw=0.6, alpha=0.5)
            axes.plot(epochs, mean[:, first + column], color=colour)
            ends.append((float(epochs[-1]), float(mean[-1, first + column]), name, colour))
        for curve, (kept, _) in zip(curves, measured.stopped, strict=True):
            axes.plot(kept, curve[kept - 1, 2 + column], "o", color=style.VERMILION, zorder=4)
        axes.set_ylim(*((0, top) if column == 0 else (None, 1.005)))
        if column:
            style.percent_ticks(axes)
        axes.set_xlabel("epoch")
        axes.set_ylabel(what)
        style.label_points(axes, ends)
    return figure


def _draw_gap(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    sizes, gap = settings.sizes, 100 * (measured.gap[..., 0] - measured.gap[..., 1]).mean(1)
    title = (
        f"Known by heart, {sizes[0]:,} images leave test accuracy {gap[0]:.1f} points behind; "
        f"{sizes[-1]:,} leave it {gap[-1]:.1f}"
    )
    known = f"{percent(BY_HEART)} of the training images are known"
    note = f"Trained until {known}; {settings.seeds} seeds."
    style.header(figure, title, note, body=3.0)
    axes = style.place(figure, 0.7, 0.55, 4.4, 2.3)
    ends = []
    for part, name, colour in ((0, "training", style.BLUE), (1, "test", style.VERMILION)):
        values = measured.gap[..., part]  # (sizes, seeds)
        style.over_seeds(axes, sizes, values, color=colour)
        ends.append((float(sizes[-1]), float(values[-1].mean()), name, colour))
    style.log_x(axes, sizes)
    axes.set_xlabel("training images")
    axes.set_ylabel("accuracy, %")
    axes.set_ylim(None, 1.03)
    style.percent_ticks(axes)
    style.label_points(axes, ends)
    return figure
