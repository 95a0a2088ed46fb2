"""An explanation as text for the terminal, at most 92 columns wide."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitscope.explanation import Explanation, Occlusion
from digitscope.image.digit import DIGITS, SIDE
from digitscope.nn.perceptron import BETA_1, BETA_2, EPSILON, Gradient

WIDE = 92  # columns
GAP = "   "  # space between two pictures
SHADES = " ░▒▓█"
BAR = 40  # columns of the bar of a probability of 1
INK = 90  # least gray level of a pixel that is shown as ink
FORMULAS = {
    "linear": "{0}",
    "relu": "max({0}, 0)",
    "sigmoid": "1 / (1 + exp(-{0}))",
    "tanh": "(exp(2{0}) - 1) / (exp(2{0}) + 1)",
    "elu": "{0} where {0} > 0, else exp({0}) - 1",
    "selu": "1.0507 {0} where {0} > 0, else 1.7581 (exp({0}) - 1)",
}


def tell(result: Explanation | Occlusion, title: str, top: int) -> str:
    """Return an explanation as text.

    Parameters
    ----------
    result : Explanation or Occlusion
    title : str
        Names of the picture and of the network.
    top : int
        Hidden units to show.
    """
    if isinstance(result, Occlusion):
        return "\n".join(_occlusion(result, title))
    lines = [*_summary(result, title), *_forward(result, top), *_backward(result), *_step(result)]
    return "\n".join(line.rstrip() for line in lines)


def blocks(mask: NDArray[np.bool_]) -> list[str]:
    """Return a bilevel picture as half blocks, with two rows of pixels per line.

    >>> blocks(np.array([[True, True, False], [True, False, True]]))
    ['█▀▄']
    """
    return ["".join(" ▄▀█"[2 * a + b] for a, b in zip(*two, strict=True))
            for two in zip(mask[::2].astype(int), mask[1::2].astype(int), strict=True)]  # fmt: skip


def shades(values: NDArray[np.float64], full: float) -> list[str]:
    """Return values from 0 to `full` as five shades, with two rows of pixels per line.

    >>> shades(np.array([[0.0, 4.0, 2.0], [-1.0, 4.0, 2.0]]), 4.0)
    [' █▒']
    """
    means = np.maximum(values, 0).reshape(-1, 2, values.shape[1]).mean(axis=1)
    levels = np.rint(means / (full or 1) * (len(SHADES) - 1)).astype(int)
    return ["".join(SHADES[level] for level in row) for row in levels]


def _beside(*pictures: tuple[str, list[str]]) -> list[str]:
    """Return pictures side by side, each below its heading."""
    headings, drawn = zip(*pictures, strict=True)
    lines = [
        "  " + GAP.join(f"{part:<{SIDE}}" for part in line).rstrip()
        for line in (headings, *zip(*drawn, strict=True))
    ]
    filled = [i for i, line in enumerate(lines) if i and line.strip()]
    rows = ["", *lines[filled[0] : filled[-1] + 1]] if filled else []
    return ["", lines[0], *rows, ""]


def _head(formula: str, shape: str) -> str:
    return f"{formula:<{WIDE - len(shape) - 1}} {shape}"


def _shape(array: NDArray[Any]) -> str:
    return str(array.shape)


def _n(value: float) -> str:
    """Return a number with at most four significant digits."""
    return f"{value:.4g}"


def _sure(probability: float) -> str:
    """Return a probability as per cent; one below 1 is never rounded up to 100 %."""
    return "more than 99.99 %" if 0.99995 <= probability < 1 else f"{100 * probability:.2f} %"


def _summary(result: Explanation, title: str) -> list[str]:
    pixels, (winner, runner_up) = result.pixels, (result.winner, result.runner_up)
    clear = 0.08 * np.abs(pixels).max()
    bent = abs(result.remainder) > 1e-9
    for_winner, against = pixels[pixels > 0].sum(), pixels[pixels < 0].sum()
    label = f"The true digit is {result.label}, as given"
    if not result.label_given:
        label = f"The true digit was not given: the loss takes {winner} for it"
    sizes = " → ".join(f"{size:,}" for size in result.network.sizes)
    sure = result.probabilities[winner]
    calibrated = ""
    if result.temperature != 1:
        calibrated = f" ({_sure(result.score)} calibrated, T = {result.temperature:.3f})"
    lines = [
        f"{title}: {sizes}, {result.network.parameters:,} weights",
        *_beside(
            ("the image", blocks(result.image >= INK)),
            (f"pixels for {winner}", blocks(pixels > clear)),
            (f"pixels for {runner_up}, against {winner}", blocks(pixels < -clear)),
        ),
        f"It says {winner}, with a probability of {_sure(sure)}{calibrated}; then comes "
        f"{runner_up}.",
    ]
    if result.refused:
        lines.append(
            f"Below the model's threshold of {result.threshold:.3f}: probably no digit at all."
        )
    return [
        *lines,
        f"{label}.",
        f"{winner} leads {runner_up} by {result.lead:.3f} in the logits. Pixels for it give "
        f"{for_winner:+.3f},",
        f"pixels against it {against:+.3f}, biases {result.biases:+.3f}"
        + (f", the bends of the activations {result.remainder:+.3f}." if bent else "."),
        "",
    ]


def _forward(result: Explanation, top: int) -> list[str]:
    network, steps = result.network, result.steps
    x = steps[0].inputs
    darkest = int(x.argmax())
    row, column = divmod(darkest, SIDE)
    ink = "    There is no ink at all."
    if x.any():
        ink = (
            f"    {np.count_nonzero(x)} of {len(x)} pixels have ink. The darkest: x[{darkest}] = "
            f"{result.image[row, column]} / 255 = {_n(x[darkest])}, row {row}, column {column}."
        )
    lines = ["FORWARD", "", _head("x = image / 255", _shape(x)), ink, ""]
    before = "x"
    for k, (layer, step) in enumerate(zip(network.layers, steps, strict=True)):
        last = k == len(steps) - 1
        y, weights, bias = "y" + "'" * k, f"W{k + 1}", f"b{k + 1}"
        if last:
            shown = result.winner
        else:
            shown = result.strongest(1)[0] if k == len(steps) - 2 else int(step.outputs.argmax())
        product = step.sums[shown] - layer.bias[shown]
        shapes = f"{_shape(step.inputs)} {_shape(layer.kernel)} + {_shape(layer.bias)}"
        lines += [
            _head(f"{y} = {before} {weights} + {bias}", f"{shapes} → {_shape(step.sums)}"),
            f"    {y}[{shown}] = Σ {before}[i] {weights}[i, {shown}] + {bias}[{shown}] = "
            f"{_n(product)} + {_n(layer.bias[shown])} = {_n(step.sums[shown])}"
            .replace("+ -", "- "),
            "",
        ]  # fmt: skip
        if last:
            break
        before = "A" + "'" * k
        formula = FORMULAS[layer.activation].format(y)
        lines += [
            _head(f"{before} = {layer.activation}({y}) = {formula}", _shape(step.outputs)),
            f"    {_active(layer.activation, step.sums)}{before}[{shown}] = "
            f"{_n(step.outputs[shown])}. Mean {_n(float(step.outputs.mean()))}, "
            f"largest {_n(float(step.outputs.max()))}.",
            "",
        ]
    if len(steps) > 1:
        lines[-1:-1] = _units(result, top, before, f"W{len(steps)}")
    logits = "y" + "'" * (len(steps) - 1)
    return [*lines, *_probabilities(result, logits)]


def _active(activation: str, sums: NDArray[np.float64]) -> str:
    if activation != "relu":
        return ""
    return f"{np.count_nonzero(sums > 0)} of {len(sums)} units are active. "


def _units(result: Explanation, top: int, outputs: str, weights: str) -> list[str]:
    """Return the table of the hidden units with the largest contributions."""
    w, r = result.winner, result.runner_up
    kernel = result.network.layers[-1].kernel
    chosen = result.strongest(top)
    total = result.contributions[:, 0] - result.contributions[:, 1]
    lines = [
        "",
        f"    The units that decide most between {w} and {r}; each adds "
        f"{outputs}[j] {weights}[j, k] to logit k.",
        f"    {'j':>5} {outputs + '[j]':>9} {f'{weights}[j, {w}]':>11} {f'{weights}[j, {r}]':>11}"
        f" {f'to {w}':>9} {f'to {r}':>9} {f'{w} over {r}':>9}",
    ]
    for j in chosen:
        to_winner, to_runner_up = result.contributions[j]
        lines.append(
            f"    {j:5} {result.steps[-1].inputs[j]:9.3f} {kernel[j, w]:11.3f} {kernel[j, r]:11.3f}"
            f" {to_winner:+9.3f} {to_runner_up:+9.3f} {total[j]:+9.3f}"
        )
    others = len(total) - len(chosen)
    columns = np.delete(result.contributions, chosen, axis=0).sum(axis=0)
    if others:
        lines.append(
            f"    {f'the other {others:,}':<39} {columns[0]:+9.3f} {columns[1]:+9.3f} "
            f"{columns[0] - columns[1]:+9.3f}"
        )
    bias = result.network.layers[-1].bias
    return [
        *lines,
        f"    {'bias':<39} {bias[w]:+9.3f} {bias[r]:+9.3f} {bias[w] - bias[r]:+9.3f}",
        f"    {'logit':<39} {result.logits[w]:+9.3f} {result.logits[r]:+9.3f} {result.lead:+9.3f}",
    ]


def _probabilities(result: Explanation, logits: str) -> list[str]:
    with np.errstate(over="ignore"):
        powers = float(np.exp(result.logits).sum())
    lines = [
        _head(f"B = softmax({logits}) = exp({logits}) / Σ exp({logits})", f"({DIGITS},)"),
        f"    B[{result.winner}] = exp({_n(result.logits[result.winner])}) / {_n(powers)} = "
        f"{result.probabilities[result.winner]:.5f}",
        "",
        f"    {'digit':>5} {logits:>9} {'B':>9}",
    ]
    for digit, (logit, share) in enumerate(zip(result.logits, result.probabilities, strict=True)):
        full, eighths = divmod(round(share * BAR * 8), 8)
        bar = "█" * full + " ▏▎▍▌▋▊▉"[eighths]
        lines.append(f"    {digit:5} {logit:9.3f} {share:9.5f}  {bar}")
    return [
        *lines,
        "",
        _head(f"loss = -log B[{result.label}] = {_n(result.loss)}", "in nats"),
        "",
    ]


def _backward(result: Explanation) -> list[str]:
    lines = [
        "BACKWARD    d z is the gradient of the loss by z; its size is the Euclidean norm",
        "",
    ]
    n = len(result.steps)

    def line(name: str, formula: str, values: NDArray[Any], remark: str = "") -> str:
        size = _n(float(np.linalg.norm(values)))
        return f"  {name:<6} = {formula:<26} {_shape(values):<11} norm {size:<10} {remark}"

    t, other = result.label, result.winner if result.winner != result.label else result.runner_up
    for k in reversed(range(n)):
        gradient: Gradient = result.gradients[k]
        y, before = "y" + "'" * k, "A" + "'" * (k - 1) if k else "x"
        weights, bias = f"W{k + 1}", f"b{k + 1}"
        if k == n - 1:
            at = ", ".join(f"[{digit}] {gradient.sums[digit]:+.2g}" for digit in (t, other))
            lines.append(line(f"d {y}", f"B - onehot({result.label})", gradient.sums, at))
        else:
            above, activation = "A" + "'" * k, result.network.layers[k].activation
            slope = "0 where the unit is silent" if activation == "relu" else ""
            formula = f"d {above} · {activation}'({y})"
            lines.append(line(f"d {y}", formula, gradient.sums, slope))
        lines += [
            line(f"d {weights}", f"outer({before}, d {y})", gradient.kernel),
            line(f"d {bias}", f"d {y}", gradient.bias),
            line(f"d {before}", f"{weights} d {y}", gradient.inputs),
            "",
        ]
    return lines


def _step(result: Explanation) -> list[str]:
    """Return the lines on one step of Adam."""
    rate, last = result.learning_rate, len(result.steps)
    kernel, after = result.network.layers[-1].kernel, result.updated.layers[-1].kernel
    gradient = result.gradients[-1].kernel
    j, k = (int(i) for i in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
    moved = sum(
        np.count_nonzero(np.abs(getattr(new, part) - getattr(old, part)) > rate / 2)
        for old, new in zip(result.network.layers, result.updated.layers, strict=True)
        for part in ("kernel", "bias")
    )
    name = "W" + str(last)
    return [
        f"ONE STEP OF ADAM    from moments of zero, learning rate {rate:g}",
        "",
        f"  m = {1 - BETA_1:.1g} g   v = {1 - BETA_2:.1g} g²   m̂ = m / {1 - BETA_1:.1g}   "
        f"v̂ = v / {1 - BETA_2:.1g}   W ← W - {rate:g} m̂ / (√v̂ + {EPSILON:g})",
        "",
        f"  {name}[{j}, {k}]: g = {gradient[j, k]:+.4g}, so {kernel[j, k]:.5f} becomes "
        f"{after[j, k]:.5f}.",
        f"  {moved:,} of {result.network.parameters:,} weights move by more than {rate / 2:g}; "
        f"where g is 0 none does.",
        f"  The loss goes from {_n(result.loss)} to {_n(result.loss_after)}, B[{result.label}] "
        f"from {np.exp(-result.loss):.5f} to {np.exp(-result.loss_after):.5f}.",
    ]


def _occlusion(result: Occlusion, title: str) -> list[str]:
    drops, full = result.drops, float(np.abs(result.drops).max())
    row, column = (int(i) for i in np.unravel_index(drops.argmax(), drops.shape))
    there = int(result.digits[row, column])
    changed = result.digits[result.digits != result.winner]
    fate = f"It is a {there} then." if there != result.winner else f"It stays a {there}."
    where = "Nowhere does the answer change."
    if len(changed):
        digits, counts = np.unique(changed, return_counts=True)
        which = ", ".join(f"{digit} ({count})" for digit, count in zip(digits, counts, strict=True))
        where = f"At {len(changed)} of the {drops.size} places another digit wins: {which}."
    lines = [
        f"{title}: occlusion map",
        *_beside(
            ("the image", blocks(result.image >= INK)),
            ("missed when covered", shades(drops, full)),
            ("welcome when covered", shades(-drops, full)),
        ),
        f"It says {result.winner}, with a probability of {_sure(result.probability)}; its log-odds "
        f"are {result.log_odds:.2f} nats.",
    ]
    if result.refused:
        lines.append(
            f"Its score of {result.score:.3f} is below the model's threshold of "
            f"{result.threshold:.3f}: probably no digit at all."
        )
    return [
        *lines,
        f"A patch of paper, {result.patch}×{result.patch} pixels, was centred on each of the "
        f"{drops.size} pixels.",
        f"It is missed most around row {row}, column {column}: there the log-odds fall by "
        f"{drops[row, column]:.2f}. {fate}",
        where,
    ]
