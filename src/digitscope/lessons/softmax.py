"""Softmax: from ten logits to ten probabilities, how sure they are, and what float32 does to them.

Trained networks are read at several temperatures; then networks whose first weights are too large
learn from the loss of their logits, and from the loss of their clipped probabilities.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.evaluation import fit_temperature, reliability
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
)
from digitscope.lessons.course import Advance
from digitscope.nn import OPTIMIZERS, Adam, Design, Network, cross_entropy, each, pixels, train
from digitscope.nn.losses import Floats, softmax
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent

TITLE = "Softmax"
QUESTION = "How do ten numbers become probabilities, and why does the loss not wait for them?"

HELD_OUT = 5_000
CLIP = np.float32(1e-7)  # Keras's epsilon: where a loss of probabilities clips them
GAPS = np.linspace(0, 120, 481, dtype=np.float32)  # logits between the answer and the true digit
FACTORS = (1, 2, 5, 10)  # what trained logits are multiplied by until exp overflows


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    temperatures: tuple[float, ...] = setting((0.5, 1.0, 2.0, 5.0), "T that are drawn")
    hidden: int = setting(128, "hidden units")
    images: int = setting(10_000, "training images")
    epochs: int = setting(20, "passes over them, for the temperature")
    gains: tuple[float, ...] = setting((1.0, 3.0, 10.0, 30.0), "what first weights are times")
    optimizer: str = setting("momentum", "of the networks with large first weights")
    rate: float = setting(0.01, "learning rate of those")
    steps: int = setting(3, "passes over the images, of those")
    seeds: int = setting(5, "networks of each kind")


@dataclass(frozen=True)
class Measured:
    """What came of it; "clipped" is a loss from probabilities that Keras's 10⁻⁷ bounds.

    Attributes
    ----------
    image, label, logits
        A test image of which a network is unsure, what it is, and its ten logits.
    changed, asked : int
        Answers on the test images that a temperature changed, of how many.
    fitted : ndarray of shape (seeds,)
        The temperature with the least log-loss on held-out training images.
    scores : ndarray of shape (2, 2, seeds)
        Log-loss and calibration error of the test images, at T = 1 and at the fitted T.
    highest : float
        The largest float32 whose exp is finite.
    errors : ndarray of shape (3, factors)
        Share of test images where exp of some logit, times that factor, is infinite; and the
        largest error of a probability, in units of 2⁻²³, as it stands (NaN where that fails) and
        with the largest logit subtracted.
    by_gap : ndarray of shape (3, gaps)
        Loss at each of `GAPS`: from logits, from probabilities, clipped.
    lost : ndarray of shape (2, gains, seeds)
        Share of training images, before training, without a gradient of the clipped loss, and
        with a probability that is exactly 0.
    accuracy : ndarray of shape (2, gains, seeds)
        On held-out images, after training from logits and clipped.
    """

    image: NDArray[np.uint8]
    label: int
    logits: Floats
    changed: int
    asked: int
    fitted: NDArray[np.float64]
    scores: NDArray[np.float64]
    highest: float
    errors: NDArray[np.float64]
    by_gap: NDArray[np.float64]
    lost: NDArray[np.float64]
    accuracy: NDArray[np.float64]


def clipped_loss(logits: Floats, labels: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return -log of the clipped probability of the label, and its gradient by the logits."""
    rows = np.arange(len(logits))
    probabilities = softmax(logits)
    of_label = probabilities[rows, labels]
    within = (of_label >= CLIP) & (of_label <= 1 - CLIP)
    losses: Floats = -np.log(np.clip(of_label, CLIP, 1 - CLIP))
    gradients = probabilities
    gradients[rows, labels] -= 1
    gradients[~within] = 0  # a number that is clipped does not move when the logits do
    return losses, gradients


def plain_softmax(logits: Floats) -> Floats:
    """Return exp(logits) / Σ exp(logits) as the formula has it, with nothing subtracted."""
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.exp(logits)
        shares: Floats = powers / powers.sum(1, keepdims=True)
    return shares


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Train, and look at the logits; then train from too large first weights."""
    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, x_test = pixels(held_out.images), pixels(data.test.images)
    hidden = (settings.hidden,)

    def learn(seed: int) -> tuple[Floats, Floats]:
        network = Network(Design(hidden=hidden), seed)
        for _ in train(network, Adam(), x, labels, epochs=settings.epochs, seed=seed):
            pass
        return network.forward(x_held), network.forward(x_test)

    def start_large(case: tuple[float, int]) -> list[float]:
        gain, seed = case
        design = Design(hidden=hidden, gain=gain)
        before = Network(design, seed).probabilities(x)[np.arange(len(x)), labels]
        found = [float((before < CLIP).mean()), float((before == 0).mean())]
        for loss in (cross_entropy, clipped_loss):
            network, optimizer = (
                Network(design, seed),
                OPTIMIZERS[settings.optimizer](settings.rate),
            )
            epochs = settings.steps
            for _ in train(network, optimizer, x, labels, epochs=epochs, seed=seed, loss=loss):
                pass
            found.append(network.accuracy(x_held, held_out.labels))
        return found

    trained = each(learn, range(settings.seeds), lambda share: advance(0.5 * share))
    cases = [(gain, seed) for gain in settings.gains for seed in range(settings.seeds)]
    large = each(start_large, cases, lambda share: advance(0.5 + 0.5 * share))
    both = np.array(large).T.reshape(4, len(settings.gains), settings.seeds)

    test = [logits for _, logits in trained]
    changed = sum(
        int((softmax(logits / np.float32(t)).argmax(1) != logits.argmax(1)).sum())
        for logits in test
        for t in settings.temperatures
    )
    fitted = [fit_temperature(held_out.labels, softmax(held)) for held, _ in trained]
    scores = [
        [_scores(logits, data.test.labels, t) for logits, t in zip(test, by_seed, strict=True)]
        for by_seed in ([1.0] * settings.seeds, fitted)
    ]
    unsure = int(np.abs(softmax(test[0]).max(1) - 0.6).argmin())
    some = np.linspace(88, 89, (1 << 17) + 1, dtype=np.float32)  # all there are from 88 to 89
    with np.errstate(over="ignore"):
        highest = float(some[np.isfinite(np.exp(some))].max())
    return Measured(
        data.test.images[unsure],
        int(data.test.labels[unsure]),
        test[0][unsure],
        changed,
        len(settings.temperatures) * sum(map(len, test)),
        np.array(fitted),
        np.array(scores).transpose(2, 0, 1),
        highest,
        _errors(np.concatenate(test)),
        _losses_by_gap(),
        both[:2],
        both[2:],
    )


def _scores(logits: Floats, labels: NDArray[Any], temperature: float) -> tuple[float, float]:
    """Return the mean loss and the calibration error of softmax(logits / T)."""
    tempered = logits / temperature
    losses, _ = cross_entropy(tempered, labels)
    return float(losses.mean()), reliability(labels, softmax(tempered)).error


def _errors(logits: Floats) -> NDArray[np.float64]:
    """Return for each factor the share that overflows and the errors of both ways, as rows."""
    found, unit = [], float(np.finfo(np.float32).eps)
    for factor in FACTORS:
        scaled = logits * np.float32(factor)
        exact = softmax(scaled.astype(np.float64))
        plain = plain_softmax(scaled)
        errors = [float(np.abs(way - exact).max() / unit) for way in (plain, softmax(scaled))]
        found.append([float((~np.isfinite(plain)).any(1).mean()), *errors])
    return np.array(found).T


def _losses_by_gap() -> NDArray[np.float64]:
    """Return the three losses of two digits, of which the wrong one is ahead by each gap."""
    logits = np.stack([GAPS, np.zeros_like(GAPS)], 1)  # the label is the second
    labels = np.ones(len(GAPS), int)
    with np.errstate(divide="ignore"):
        plain = -np.log(softmax(logits)[:, 1])
    losses = [cross_entropy(logits, labels)[0], plain, clipped_loss(logits, labels)[0]]
    return np.array(losses, np.float64)


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    gains, seeds, (no_gradient, zero) = settings.gains, settings.seeds, measured.lost.mean(2)
    accuracy = measured.accuracy.mean(2)
    worst = int((accuracy[0] - accuracy[1]).argmax())
    fitted, (overflow, _, shifted) = measured.fitted, measured.errors
    better = (measured.scores[:, 1] < measured.scores[:, 0]).sum(1)
    most, infinite = measured.by_gap[2].max(), GAPS[np.isinf(measured.by_gap[1])]
    finding = (
        f"With first weights {gains[worst]:g} times the usual, {percent(no_gradient[worst])} of "
        "the images begin with a clipped probability and no gradient; networks that learn from "
        f"clipped probabilities then read {percent(accuracy[1, worst])} of the digits, those that "
        f"learn from logits {percent(accuracy[0, worst])}."
    )
    return LessonText(
        experiment=(
            f"{count(seeds, 'network')} 784-{settings.hidden}-10 (ReLU, Adam) see "
            f"{settings.images:,} images {settings.epochs} times, long enough to become too sure. "
            "Their logits on the test images are made into probabilities in float32, first "
            "divided by several temperatures, then multiplied by several factors. One temperature "
            "is fitted on held-out training images. *Log-loss* is the mean of -log of the label's "
            "probability. For the *calibration error* the answers are sorted into 15 bins by how "
            "sure they are; it is the mean distance, over all images, between how sure a bin is "
            "and how often it is right.\n\n"
            "Then networks start from first weights that are too large, each twice with the same "
            f"weights and order of images ({settings.optimizer}, rate {settings.rate:g}, "
            f"{count(settings.steps, 'epoch')}): with the loss worked out from the logits, and "
            "from the probabilities, clipped at 10⁻⁷. These are judged on held-out images, all at "
            "the same rate."
        ),
        figures=(
            LessonFigure(
                "temperature",
                _draw_temperature(measured, settings),
                "The image, its ten logits, and the probabilities made of them.",
            ),
            LessonFigure(
                "losses",
                _draw_losses(measured, settings),
                "Left: one image, of which a wrong digit's logit is ahead of the label's; the "
                "slope of a line is its gradient. Right: points are means over the seeds, lines "
                "through them reach from the worst to the best. Grey bars: share of the images "
                "without a gradient before training, on the same scale.",
            ),
        ),
        tables=(
            Table(
                f"The temperature, fitted on held-out images, and what it does to test images "
                f"(mean ± standard deviation, n = {count(seeds, 'seed')})",
                ("", "T = 1", "fitted T"),
                (
                    ("temperature", "1", plus_minus(fitted.tolist())),
                    ("log-loss, nats", *(plus_minus(v, decimals=4) for v in measured.scores[0])),
                    ("calibration error, %", *(plus_minus(100 * v) for v in measured.scores[1])),
                ),
            ),
            Table(
                "Softmax in float32 of the logits of all test images and seeds, times a factor, as "
                "it stands and with the largest subtracted: the largest error of a probability, in "
                "units of 2⁻²³, the step from 1 to the next float32",
                ("factor", "exp overflows", "as it stands", "largest subtracted"),
                tuple(
                    (
                        f"{factor}",
                        percent(share, 2),
                        "no number" if share else f"{a:.2f}",
                        f"{b:.2f}",
                    )
                    for factor, share, a, b in zip(FACTORS, *measured.errors, strict=True)
                ),
            ),
            Table(
                f"First weights that are too large: images without a gradient before training, "
                f"and held-out accuracy after it, % (mean ± standard deviation, n = {seeds})",
                ("weights times", "below 10⁻⁷", "exactly 0", "loss on logits", "on clipped"),
                tuple(
                    (f"{gain:g}", *(plus_minus(100 * values, decimals=1) for values in row))
                    for gain, row in zip(
                        gains,
                        np.concatenate([measured.lost, measured.accuracy]).swapaxes(0, 1),
                        strict=True,
                    )
                ),
            ),
        ),
        finding=finding,
        seen=(
            "exp makes every logit positive, and dividing by the sum makes them add up to 1. Only "
            "the gaps between logits count: adding the same number to all ten multiplies every "
            "power alike, and the sum with them. That is why the largest may be subtracted, so "
            f"that exp never sees more than 0. As it stands, exp of a float32 above "
            f"{measured.highest:.2f} is infinite, and infinity over infinity is no number.\n\n"
            "A temperature divides all logits, so it stretches or shrinks the gaps and never "
            "reorders them: it changes how sure an answer is, and not which digit it is. A "
            "network that saw the same images often is surer than it is right; dividing by a T "
            "above 1, chosen on images it has not seen, takes some of that back.\n\n"
            "The loss is -log of a probability, and that is where float32 hurts. The probability "
            "of a digit that is far behind becomes 0, and its loss infinite. Clipping at 10⁻⁷ "
            f"keeps the loss finite, but then it stops at {most:.1f}: the curve is flat, its "
            "gradient is 0, and the images that are the most wrong teach nothing. The formula "
            "below never makes that probability. It takes the logarithm of the sum, and the loss "
            "of a wrong answer grows with the gap for as long as a float32 can count. In Keras "
            "that is `from_logits=True`; given probabilities, Keras clips, unless it can see the "
            "softmax they came from and go back behind it."
        ),
        checks=(
            Check(
                f"of {measured.asked:,} answers at temperatures "
                f"{', '.join(f'{t:g}' for t in settings.temperatures)}, "
                f"{measured.changed:,} differ from those of the logits",
                measured.changed == 0,
            ),
            Check(
                f"the fitted temperature is {fitted.min():.2f} to {fitted.max():.2f}; of "
                f"{count(seeds, 'network')} it lowers the log-loss of the test images in "
                f"{better[0]}, and their calibration error in {better[1]}",
                fitted.min() > 1 and better[0] == seeds and 2 * better[1] > seeds,
            ),
            Check(
                f"exp is finite up to {measured.highest:.4f}; {FACTORS[-1]} times as large, "
                f"{percent(overflow[-1])} of the images have a logit above that, and with "
                "the largest subtracted every probability is right to "
                f"{shifted.max():.1f} units",
                overflow[-1] > 0 and shifted.max() < 4,
            ),
            Check(
                f"from probabilities the loss is infinite from a gap of "
                f"{infinite.min(initial=999):g}; clipped, none exceeds {most:.1f}; from logits, a "
                f"gap of {GAPS[-1]:g} costs {measured.by_gap[0, -1]:g}",
                len(infinite) > 0 and most < 16.2 and measured.by_gap[0, -1] == GAPS[-1],
            ),
            Check(
                f"at {gains[worst]:g} times, {percent(zero[worst])} of the probabilities are "
                f"exactly 0; the loss from logits ends at least "
                f"{100 * (measured.accuracy[0] - measured.accuracy[1])[worst].min():.0f} points "
                "ahead with each seed",
                (measured.accuracy[0, worst] > measured.accuracy[1, worst] + 0.05).all(),
            ),
            Check(
                f"at {gains[0]:g} times, the two end "
                f"{100 * abs(accuracy[0, 0] - accuracy[1, 0]):.2f} points apart",
                abs(accuracy[0, 0] - accuracy[1, 0]) < 0.01,
            ),
        ),
        formulas=(
            Formula(
                r"B_k = \frac{e^{z_k / T}}{\sum_j e^{z_j / T}} "
                r"= \frac{e^{(z_k - m) / T}}{\sum_j e^{(z_j - m) / T}}, \qquad m = \max_j z_j",
                "From the logits z to the probabilities B at temperature T, which is 1 in "
                "training; subtracting the largest changes nothing:",
            ),
            Formula(
                r"-\log B_c = \log \sum_j e^{z_j - m} - (z_c - m)",
                "The loss of an image of digit c, from its logits. The sum is at least 1, so its "
                "logarithm is harmless, and no probability is ever formed:",
            ),
            Formula(
                r"\frac{\partial}{\partial z_k} \bigl(-\log B_c\bigr) = B_k - [k = c]",
                "Its gradient: what was said minus what is true ([k = c] is 1 where k is the "
                "label, else 0). It is largest where the network is most wrong:",
            ),
        ),
        code=(listing(softmax, clipped_loss),),
        exercises=(
            Exercise(
                "Train for longer. What happens to the fitted temperature, and why does the "
                "accuracy hardly care?",
                ("epochs=60",),
            ),
            Exercise(
                "Can Adam, which divides each gradient by its own size, save the clipped loss?",
                ("optimizer=adam", "rate=0.001"),
            ),
            Exercise(
                "How hot must it get before float32 can no longer tell the ten digits apart?",
                ("temperatures=1,100,10000,1000000",),
            ),
        ),
        sources=(
            "J. S. Bridle, *Probabilistic interpretation of feedforward classification network "
            "outputs, with relationships to statistical pattern recognition*, in Neurocomputing: "
            "Algorithms, Architectures and Applications, Springer, 1990: where softmax got its "
            "name",
            "C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, *On calibration of modern neural "
            "networks*, ICML 2017: the temperature",
            "I. Goodfellow, Y. Bengio and A. Courville, *Deep Learning*, MIT Press, 2016, "
            "sections 4.1 and 6.2.2",
            "P. Blanchard, D. J. Higham and N. J. Higham, *Accurately computing the log-sum-exp "
            "and softmax functions*, IMA Journal of Numerical Analysis 41 (2021)",
        ),
    )


def _draw_temperature(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    temperatures, logits = settings.temperatures, measured.logits
    rows = [softmax(logits[None] / np.float32(t))[0] for t in temperatures]
    answer = int(logits.argmax())
    title = (
        f"Temperatures from {min(temperatures):g} to {max(temperatures):g} take this answer, "
        f"{answer}, from {percent(max(r[answer] for r in rows))} to "
        f"{percent(min(r[answer] for r in rows))}; it stays {answer}"
        if len({int(row.argmax()) for row in rows}) == 1
        else "So hot that float32 no longer tells the largest logit from the others"
    )
    note = (
        f"A test image of which the network of seed 0 is unsure; its label is {measured.label}. "
        "Vermilion: the answer. Green: the label, where that is another."
    )
    high = 1.6 * (-(-(len(rows) + 2) // 3))
    style.header(figure, title, note, body=high)
    colours = [style.PALE] * DIGITS
    colours[measured.label] = style.GREEN
    colours[answer] = style.VERMILION
    names = ["", "logits", *(f"probabilities at T = {t:g}, %" for t in temperatures)]
    for at, (name, values) in enumerate(zip(names, [logits, logits, *rows], strict=True)):
        axes = style.place(figure, 0.4 + 2.1 * (at % 3), high - 1.35 - 1.6 * (at // 3), 1.7, 1.1)
        if not at:
            axes.imshow(measured.image, cmap=style.PAPER, vmin=0, vmax=255)
            axes.axis("off")
            continue
        axes.bar(range(DIGITS), values, color=colours, edgecolor=style.GREY, linewidth=0.5)
        axes.set_title(name, fontsize=9.5, pad=4)
        axes.set_xticks(range(DIGITS), [str(d) for d in range(DIGITS)])
        axes.tick_params(length=0, pad=2, labelsize=8.5)
        if at > 1:
            axes.set_ylim(0, 1)
            axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
            style.percent_ticks(axes)
        else:
            axes.axhline(0, color=style.GREY, lw=0.8)
    return figure


def _draw_losses(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    gains, mean = settings.gains, measured.accuracy.mean(2)
    worst = int((mean[0] - mean[1]).argmax())
    title = (
        f"From clipped probabilities, first weights {gains[worst]:g} times the usual end at "
        f"{percent(mean[1, worst])}; from logits, at {percent(mean[0, worst])}"
    )
    note = (
        f"Loss of one image; accuracy on held-out images after {count(settings.steps, 'epoch')}, "
        f"{count(settings.seeds, 'seed')}."
    )
    style.header(figure, title, note, body=3.3)
    left, right = (style.place(figure, x, 0.55, 2.3, 2.3) for x in (0.65, 3.9))
    colours = (style.BLUE, style.INK, style.VERMILION)
    for losses, colour, wide in zip(measured.by_gap, colours, (5, 1.4, 2), strict=True):
        finite = np.isfinite(losses)
        left.plot(GAPS[finite], losses[finite], color=colour, lw=wide, alpha=0.5 if wide > 4 else 1)
        if not finite.all():
            left.plot(GAPS[finite][-1], losses[finite][-1], "o", color=colour, ms=4)
            left.text(GAPS[finite][-1] - 5, losses[finite][-1] + 1, "∞ from here", ha="right")
    left.set_xlim(0, float(GAPS[-1]))
    left.set_ylim(0, float(GAPS[-1]))
    left.set_xlabel("how far the wrong logit is ahead")
    left.set_ylabel("loss, nats")
    places = np.arange(len(gains))
    right.bar(places, measured.lost[0].mean(1), color=style.PALE, width=0.5, label="no gradient")
    names = ("from logits", "from probabilities", "clipped at 10⁻⁷")
    for values, colour in zip(measured.accuracy, colours[::2], strict=True):
        style.over_seeds(right, places, values, color=colour)
    right.set_ylim(0, 1)
    style.percent_ticks(right)
    right.set_xticks(places, [f"{gain:g}" for gain in gains])
    right.set_xlabel("first weights, times the usual")
    right.set_ylabel("accuracy, %")
    handles: list[Artist] = [
        Line2D([], [], color=colour, label=name)
        for name, colour in zip(names, colours, strict=True)
    ]
    handles += right.get_legend_handles_labels()[0][-1:]
    at = (0.06, 3.22 / figure.get_size_inches()[1])
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=at, ncols=4,
                  columnspacing=1.2, handlelength=1.4)  # fmt: skip
    return figure
