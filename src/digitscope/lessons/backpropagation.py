"""Backpropagation by hand: a whole network in some forty lines of NumPy, and whether it is right.

Nothing of `digitscope.nn` trains here: `begin`, `forward`, `cross_entropy`, `backward`, `adam` and
`train` below are all there is. Their gradient is checked in three ways in each run.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from digitscope.data import Dataset
from digitscope.errors import Misuse
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
from digitscope.nn import Design, Network, each, losses, pixels
from digitscope.rendering import style
from digitscope.rendering.wording import count, percent, precise

TITLE = "Backpropagation by hand"
QUESTION = "Can some forty lines of NumPy learn to read digits, and is their gradient right?"

PUBLISHED = 0.9764  # test accuracy of this network in tutorials: 5 epochs of Adam, batches of 32
HELD_OUT = 5_000
CHECKED_ON = 32  # training images
STEPS = tuple(10 ** (-k / 2) for k in range(2, 25))  # h of the finite differences: 0.1 to 1e-12
Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be changed."""

    units: int = setting(128, "hidden units")
    batch: int = setting(64, "images in a step")
    epochs: int = setting(5, "passes over the images")
    rates: tuple[float, ...] = setting(
        (0.001, 0.003, 0.01, 0.03), "first learning rates to choose from; each falls to 0"
    )
    images: int = setting(60_000, "training images")
    seeds: int = setting(5, "networks")
    checked: int = setting(40, "weights of each kernel whose gradient is checked")
    precision: str = setting("float64", "of that check: float64 or float32")


# The network. Its weights are a list of four arrays, and so are its gradients.


def begin(units: int, rng: np.random.Generator) -> list[Array]:
    """Draw first weights within ±√(6 / (inputs + outputs)), and biases of 0."""
    a, b = np.sqrt(6 / (784 + units)), np.sqrt(6 / (units + 10))
    w1, b1 = rng.uniform(-a, a, (784, units)), np.zeros(units)
    w2, b2 = rng.uniform(-b, b, (units, 10)), np.zeros(10)
    return [w1, b1, w2, b2]


def forward(weights: list[Array], x: Array) -> tuple[Array, Array]:
    """Return the hidden units and the probabilities of the ten digits."""
    w1, b1, w2, b2 = weights
    hidden = np.maximum(x @ w1 + b1, 0)  # (batch, units)
    logits = hidden @ w2 + b2  # (batch, 10)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return hidden, powers / powers.sum(1, keepdims=True)


def cross_entropy(probabilities: Array, labels: Array) -> float:
    """Return the mean of -log(probability of the right digit)."""
    return float(-np.log(probabilities[np.arange(len(labels)), labels]).mean())


def backward(weights: list[Array], x: Array, labels: Array) -> list[Array]:
    """Return the gradients of the loss by the weights, by the chain rule."""
    hidden, by_logits = forward(weights, x)  # (batch, units), (batch, 10)
    by_logits[np.arange(len(x)), labels] -= 1  # softmax and loss in one
    by_logits /= len(x)  # the loss is a mean
    by_hidden = by_logits @ weights[2].T  # (batch, units)
    by_sums = by_hidden * (hidden > 0)  # the slope of ReLU is 1 or 0
    by_w1, by_w2 = x.T @ by_sums, hidden.T @ by_logits  # as w1 and w2
    return [by_w1, by_sums.sum(0), by_w2, by_logits.sum(0)]


def adam(weights: Any, gradients: Any, m: Any, v: Any, t: int, rate: float) -> None:
    """Take step `t`, from 1; `m` and `v` are running means of g and g²."""
    rate *= (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)  # both means begin at 0
    for i, g in enumerate(gradients):
        m[i] = 0.9 * m[i] + 0.1 * g
        v[i] = 0.999 * v[i] + 0.001 * g**2
        weights[i] -= rate * m[i] / (np.sqrt(v[i]) + 1e-7)


def train(
    x: Array, labels: Array, *, units: int, batch: int, epochs: int, rate: float, seed: int
) -> list[Array]:
    """Train a network, and return its weights."""
    rng = np.random.default_rng(seed)
    weights = [w.astype(np.float32) for w in begin(units, rng)]
    m, v, t = [0.0] * 4, [0.0] * 4, 0
    per_epoch = len(x) // batch  # what fills no batch waits
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for rows in order[: per_epoch * batch].reshape(-1, batch):
            falling = rate * (1 - t / (epochs * per_epoch))  # the last steps are small
            t += 1
            gradients = backward(weights, x[rows], labels[rows])
            adam(weights, gradients, m, v, t, falling)
    return weights


def accuracy(weights: list[Array], x: Array, labels: Array) -> float:
    """Return the share of images whose most probable digit is their label."""
    return float((forward(weights, x)[1].argmax(1) == labels).mean())


# The experiment.


@dataclass(frozen=True)
class Differences:
    """The gradient by some weights of a kernel, by hand and by central differences."""

    name: str  # of the kernel: W₁, W₂
    places: NDArray[np.int64]  # (checked, 2), which weights
    by_hand: NDArray[np.float64]  # (checked,)
    by_differences: NDArray[np.float64]  # (steps, checked), for each h of `STEPS`

    @property
    def error(self) -> NDArray[np.float64]:
        """The difference of both relative to the larger one, (steps, checked)."""
        larger = np.maximum(np.abs(self.by_hand), np.abs(self.by_differences))
        return np.asarray(np.abs(self.by_hand - self.by_differences) / larger)

    @property
    def median(self) -> NDArray[np.float64]:
        """With each h half of the weights agree to this, (steps,)."""
        return np.asarray(np.median(self.error, 1))

    @property
    def best(self) -> int:
        """The row of that h with which they agree most closely."""
        return int(self.median.argmin())


@dataclass(frozen=True)
class Measured:
    """What was measured."""

    chosen: NDArray[np.float64]  # (rates,), accuracy on held-out images with each
    rate: float  # the best of them
    accuracy: NDArray[np.float64]  # (seeds,), on the test images
    n_test: int
    kernels: tuple[Differences, ...]
    from_lab: float  # largest difference from the gradient of `lab.Network`, see `beside_lab`


def measure(data: Dataset, settings: Settings, advance: Advance) -> Measured:
    """Check the gradient, choose a rate on held-out images, and train from several seeds."""
    if settings.precision not in ("float64", "float32"):
        raise Misuse(f"precision must be float64 or float32. Received: {settings.precision!r}.")
    some = data.train.take(np.arange(CHECKED_ON))
    x = pixels(some.images).astype(settings.precision)
    kernels = differences(settings, x, some.labels)
    from_lab = beside_lab(settings.units, x, some.labels)
    form = {"units": settings.units, "epochs": settings.epochs}
    share = len(settings.rates) / (len(settings.rates) + settings.seeds)

    fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 3))
    x, labels = pixels(fit.images[: settings.images]), fit.labels[: settings.images]
    x_held, batch = pixels(held_out.images), min(settings.batch, len(x))

    def on_held_out(rate: float) -> float:
        weights = train(x, labels, batch=batch, rate=rate, seed=1_000, **form)
        return accuracy(weights, x_held, held_out.labels)

    chosen = np.array(each(on_held_out, settings.rates, lambda done: advance(done * share)))
    rate = settings.rates[int(chosen.argmax())]

    x, labels = pixels(data.train.images[: settings.images]), data.train.labels[: settings.images]
    x_test = pixels(data.test.images)

    def on_test(seed: int) -> float:
        weights = train(x, labels, batch=batch, rate=rate, seed=seed, **form)
        return accuracy(weights, x_test, data.test.labels)

    read = each(on_test, range(settings.seeds), lambda done: advance(share + (1 - share) * done))
    return Measured(chosen, rate, np.array(read), len(data.test), kernels, from_lab)


def differences(settings: Settings, x: Array, labels: Array) -> tuple[Differences, ...]:
    """Return the gradient by some weights of both kernels, by hand and by central differences.

    Weights from dead pixels or to silent units have a gradient of exactly 0, which shows nothing,
    so they are drawn among those whose gradient is not among the smallest.
    """
    rng = np.random.default_rng(784)
    weights = [w.astype(x.dtype) for w in begin(settings.units, rng)]
    gradients = backward(weights, x, labels)
    found = []
    for at, name in ((0, "W₁"), (2, "W₂")):
        kernel, size = weights[at], np.abs(gradients[at])
        candidates = np.argwhere(size > 0.01 * size.max())
        few = min(settings.checked, len(candidates))
        places = candidates[np.sort(rng.choice(len(candidates), few, replace=False))]
        table = np.empty((len(STEPS), few))
        for column, place in enumerate(map(tuple, places)):
            weight = kernel[place]
            for row, h in enumerate(STEPS):
                sides = []
                for moved in (weight + h, weight - h):
                    kernel[place] = moved
                    sides.append(cross_entropy(forward(weights, x)[1], labels))
                table[row, column] = (sides[0] - sides[1]) / (2 * h)
            kernel[place] = weight
        found.append(Differences(name, places, gradients[at][tuple(places.T)], table))
    return tuple(found)


def beside_lab(units: int, x: Array, labels: Array) -> float:
    """Return the largest difference of the gradient from the laboratory's, relative to the largest.

    The laboratory keeps all weights in one vector, in the order of ours.
    """
    network = Network(Design(hidden=(units,)), seed=0, dtype=x.dtype)
    weights = [part for dense in network.dense for part in (dense.kernel, dense.bias)]
    _, by_logits = losses.cross_entropy(network.forward(x), labels)
    network.backward(by_logits / len(x))
    ours = np.concatenate([np.ravel(g) for g in backward(weights, x, labels)])
    return float(np.abs(ours - network.gradient).max() / np.abs(ours).max())


def tell(measured: Measured, settings: Settings) -> LessonText:
    """Say what was seen."""
    code = listing(begin, forward, cross_entropy, backward, adam, train)
    written = [line.strip() for line in code.split("\n")]
    lines = sum(bool(line) and not line.startswith('"""') for line in written)
    first, second = measured.kernels
    errors = [float(kernel.median.min()) for kernel in measured.kernels]
    rounding = float(np.finfo(settings.precision).eps)
    mean = precise(float(measured.accuracy.mean()), measured.n_test)
    worst = precise(float(measured.accuracy.min()), measured.n_test)
    after = count(settings.epochs, "epoch")
    return LessonText(
        experiment=(
            f"A network of 784 pixels, {settings.units} hidden units with ReLU and ten digits, "
            "in NumPy alone: the code is below. First its gradient is checked on "
            f"{CHECKED_ON} training images, in {settings.precision}: by {settings.checked} weights "
            "of each kernel against central differences, and by all weights against the "
            "laboratory of this course. Then it is trained in float32 with Adam, on batches of "
            f"{settings.batch}, for {after}. The rate falls evenly to 0; its first value is chosen "
            f"on {HELD_OUT:,} held-out training images. With it "
            f"{count(settings.seeds, 'network')} learned {settings.images:,} training images."
        ),
        figures=(
            LessonFigure(
                "differences",
                _draw_differences(measured, settings),
                "Lines are medians over the weights, shaded up to the worst of them. Both axes are "
                "logarithmic; a smaller h is to the left. Each kernel has a valley: the formula "
                "is right, and differences are only as good as their h.",
            ),
        ),
        tables=(_rates(measured, settings), _some_weights(measured)),
        finding=(
            f"{lines} lines of NumPy read {mean} of the test images after {after} (mean of "
            f"{count(settings.seeds, 'seed')}). For half of the weights checked their gradient "
            f"agrees with central differences to {short(max(errors))} of itself or better."
        ),
        seen=(
            "Going forward, each layer keeps what it was given. Going backward, each step has one "
            "line that turns the gradient by its result into the gradient by what it was given, in "
            "reverse order: a product with W becomes a product with its transpose, a bias that was "
            "added to every image of the batch becomes a sum over these images, and ReLU lets the "
            "gradient through where it let the number through. One pass back takes about as many "
            "multiplications as a pass forward here (twice as many in a deep network, where each "
            "layer also needs the gradient by its inputs), and gives the slope by every weight at "
            f"once; differences would need two passes forward for each of them: "
            f"{2 * (795 * settings.units + 10):,} here.\n\n"
            "So differences do not train a network, but check one, with two errors of their own. "
            "With a large h the curve of the loss bends away from its slope, by h²; and if W₁ is "
            "moved, the sum of some hidden unit crosses 0, where ReLU has a corner. With a small h "
            "the two losses agree in nearly all of their digits, and what is left of the "
            "difference is rounding, which is then divided by h."
        ),
        checks=(
            Check(
                f"with the best h half of the weights agree to {short(errors[0])} for W₁ "
                f"(h = {short(STEPS[first.best])}) and {short(errors[1])} for W₂ "
                f"(h = {short(STEPS[second.best])})",
                max(errors) < rounding ** (1 / 3),
            ),
            Check(
                f"a step too large and one too small are worse: with h = {short(STEPS[0])} and "
                f"{short(STEPS[-1])} half of them agree only to {short(first.median[0])} and "
                f"{short(first.median[-1])} (W₁) and {short(second.median[0])} and "
                f"{short(second.median[-1])} (W₂)",
                all(min(k.median[[0, -1]]) > 100 * k.median.min() for k in measured.kernels),
            ),
            Check(
                "the laboratory's gradient is that by hand, to within "
                f"{short(measured.from_lab)} of its largest part",
                measured.from_lab < 100 * rounding,
            ),
            Check(
                f"the mean of the seeds reaches the {percent(PUBLISHED, 2)} of MNIST tutorials: "
                f"{mean}, and the worst seed has {worst}",
                bool(measured.accuracy.mean() >= PUBLISHED),
            ),
        ),
        formulas=(
            Formula(
                r"\frac{\partial L}{\partial z} = B - \mathrm{onehot}, \qquad "
                r"\frac{\partial L}{\partial W_2} = A^{\top} \frac{\partial L}{\partial z}, "
                r"\qquad \frac{\partial L}{\partial A} = "
                r"\frac{\partial L}{\partial z} W_2^{\top}",
                "With y = x W₁ + b₁, A = max(y, 0), z = A W₂ + b₂ and B = softmax(z), all of them "
                "rows, for one image (the gradient by b₂ is that by z): from the loss back to the "
                "hidden units,",
            ),
            Formula(
                r"\frac{\partial L}{\partial y} = \frac{\partial L}{\partial A} \odot "
                r"\left[\, y > 0 \,\right], \qquad "
                r"\frac{\partial L}{\partial W_1} = x^{\top} \frac{\partial L}{\partial y}, "
                r"\qquad \frac{\partial L}{\partial b_1} = \frac{\partial L}{\partial y}",
                "and from there to the first weights:",
            ),
            Formula(
                r"\frac{\partial L}{\partial w} = \frac{L(w + h) - L(w - h)}{2h} + O(h^2) + "
                r"O\!\left(\frac{\varepsilon}{h}\right)",
                "What it is checked against; ε is the rounding of one operation, "
                f"{short(rounding)} in {settings.precision}:",
            ),
        ),
        code=(code,),
        exercises=(
            Exercise(
                "Take `* (hidden > 0)` out of `backward` in the file of this lesson and run it "
                "again. Which kernel does the check find wrong? Does the network still learn?"
            ),
            Exercise(
                "In float32 an ε is half a billion times larger. Where does the valley move, and "
                "how deep is it?",
                ("precision=float32", "seeds=1", "epochs=1"),
            ),
            Exercise("How few hidden units still read nine digits out of ten?", ("units=8",)),
            Exercise(
                "The tutorials take batches of 32 and a rate of 0.001. What is that worth when "
                "the rate falls?",
                ("batch=32", "rates=0.001"),
            ),
        ),
        sources=(
            "D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning representations by "
            "back-propagating errors*, Nature 323, 1986",
            "S. Linnainmaa, *Taylor expansion of the accumulated rounding error*, BIT 16, 1976: "
            "such derivatives, before there were networks to train",
            "X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward "
            "neural networks*, AISTATS 2010: the first weights",
            "D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015",
        ),
    )


def _rates(measured: Measured, settings: Settings) -> Table:
    """Return what was chosen from, and what came of it."""
    rows = [
        (f"held out, rate {rate:g}", "1", percent(a, 2))
        for rate, a in zip(settings.rates, measured.chosen, strict=True)
    ]
    last = plus_minus(measured.accuracy.tolist(), percent=True)
    rows.append((f"test, rate {measured.rate:g}", str(settings.seeds), last))
    return Table(
        f"Accuracy after {count(settings.epochs, 'epoch')} (mean ± standard deviation); the rate "
        "is chosen on the held-out images",
        ("images", "seeds", "accuracy"),
        tuple(rows),
    )


def _some_weights(measured: Measured) -> Table:
    """Return three weights of each kernel, with the h at which most agree best."""
    rows = []
    for kernel in measured.kernels:
        for column in np.linspace(0, len(kernel.by_hand) - 1, 3).astype(int):
            row, column = ", ".join(map(str, kernel.places[column])), int(column)
            ours, theirs = kernel.by_hand[column], kernel.by_differences[kernel.best, column]
            error = short(kernel.error[kernel.best, column])
            rows.append((f"{kernel.name}[{row}]", f"{ours:.10f}", f"{theirs:.10f}", error))
    return Table(
        "Some weights: the gradient by each, by hand and by central differences",
        ("weight", "by hand", "by differences", "relative difference"),
        tuple(rows),
    )


def _draw_differences(measured: Measured, settings: Settings) -> Figure:
    figure = Figure()
    first = measured.kernels[0]
    title = (
        f"Half of the weights of W₁ agree with differences to {short(first.median.min())} at h = "
        f"{short(STEPS[first.best])}; larger and smaller steps tell less"
    )
    note = (
        f"Relative difference for {len(first.by_hand)} weights of each kernel, "
        f"{settings.precision}, {CHECKED_ON} images, before training."
    )
    style.header(figure, title, note, body=3.5)
    axes = style.place(figure, 0.85, 0.55, 5.1, 2.8)
    for kernel, colour in zip(measured.kernels, (style.BLUE, style.VERMILION), strict=True):
        worst = kernel.error.max(1)
        axes.fill_between(STEPS, kernel.median, worst, color=colour, alpha=0.15, lw=0)
        axes.plot(STEPS, kernel.median, color=colour, marker="o", ms=3.5, label=kernel.name)
    axes.loglog()
    axes.minorticks_off()
    axes.text(1e-8, 1e-3, "rounding, ~ 1/h", color=style.GREY, size=9.5)
    axes.text(1e-3, 1e-1, "corners and bending, ~ h²", color=style.GREY, size=9.5, ha="right")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: short(value).replace("1.0 × ", "")))
    axes.set_xlabel("step h of the differences")
    axes.set_ylabel("relative difference")
    axes.legend(loc="lower left")
    return figure
