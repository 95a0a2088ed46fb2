"""Where the time of one compiled epoch goes, by leaving parts out.

    uv run python benchmarks/epoch_parts.py

Each loop has the shapes of ``mlp``: batches of 128 from 60,000 images. The whole epoch is the
product's own; the others are loops of the same length that do one part of it.
"""

import argparse
import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from common import row, spread, timed, write
from digitscope.data import Split
from digitscope.recipes import RECIPES

IMAGES, BATCH, HIDDEN = 60_000, 128, 128
STEPS = -(-IMAGES // BATCH)
GFLOP = IMAGES * 2 * (2 * (784 * HIDDEN + HIDDEN * 10) + HIDDEN * 10) / 1e9


def whole_epoch(optimizer: str) -> Callable[[], Any]:
    """Return the product's epoch with this optimizer."""
    from digitscope.training.compiled_epoch import compile_epoch
    from digitscope.training.fit import Fit

    rng = np.random.default_rng(0)
    split = Split(
        rng.integers(0, 256, (IMAGES, 28, 28), np.uint8), rng.integers(0, 10, IMAGES, np.uint8)
    )
    recipe = RECIPES["mlp"].but(optimizer=optimizer, validation=0, learning_rate=1e-4)
    fit = Fit(recipe, split, split.take(slice(0)))
    epoch = compile_epoch(fit.model, fit.optimizer, fit.loss, BATCH)
    import keras

    images = keras.ops.convert_to_tensor(split.images)
    labels = keras.ops.convert_to_tensor(split.labels.astype(np.int32))
    order = np.resize(rng.permutation(IMAGES).astype(np.int32), STEPS * BATCH)
    rates = np.full(STEPS, 1e-4, np.float32)
    return lambda: epoch(images, labels, order, rates)


def loop(body: Callable[[Any, Any], Any], start: Any) -> Callable[[], Any]:
    """Return a compiled loop of as many steps as an epoch has."""
    import tensorflow as tf

    def run(value: Any) -> Any:
        return tf.while_loop(
            lambda i, _: i < STEPS, lambda i, v: (i + 1, body(i, v)), (tf.constant(0), value)
        )[1]

    compiled = tf.function(run, jit_compile=True, autograph=False)
    return lambda: compiled(start).numpy()


def products() -> Callable[[], Any]:
    """Return the five matrix products of a step, on contiguous batches."""
    import tensorflow as tf

    x_all = tf.random.uniform((STEPS * BATCH, 784))
    w2 = tf.random.normal((HIDDEN, 10)) * 0.01
    d2 = tf.random.normal((BATCH, 10))

    def body(i: Any, w1: Any) -> Any:
        x = tf.slice(x_all, [i * BATCH, 0], [BATCH, 784])
        h = x @ w1  # (128, 128)
        y = h @ w2
        d1 = tf.matmul(d2 + y, w2, transpose_b=True)
        dw2 = tf.matmul(h, d2, transpose_a=True)
        return tf.matmul(x, d1, transpose_a=True) * 1e-9 + tf.reduce_sum(dw2) * 1e-9

    return loop(body, tf.random.normal((784, HIDDEN)) * 0.01)


def gather() -> Callable[[], Any]:
    """Return the gathering of uint8 rows and their scaling to float32."""
    import tensorflow as tf

    rng = np.random.default_rng(0)
    images = tf.constant(rng.integers(0, 256, (IMAGES, 784), np.uint8))
    order = tf.constant(np.resize(rng.permutation(IMAGES).astype(np.int32), STEPS * BATCH))

    def body(i: Any, total: Any) -> Any:
        rows = tf.gather(images, tf.slice(order, [i * BATCH], [BATCH]))
        return total + tf.cast(rows, tf.float32) / 255

    return loop(body, tf.zeros((BATCH, 784)))


def rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the row of each part of an epoch."""
    n = result["seconds"]["whole epoch, AdamW"]["n"]
    return [
        row(
            f"part of a compiled epoch: {name}",
            f"{100 * share:.0f}",
            unit="%",
            n=n,
            also=f"{result['parts_seconds'][name]:.3f} s",
        )
        for name, share in result["parts_share"].items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    options = parser.parse_args()
    a = np.random.default_rng(0).random((2048, 2048), np.float32)
    ways: dict[str, Callable[[], Any]] = {
        "whole epoch, AdamW": whole_epoch("adamw"),
        "whole epoch, SGD": whole_epoch("sgd"),
        "its matrix products alone": products(),
        "gathering and scaling alone": gather(),
        "a 2048×2048 matrix product": lambda: a @ a,
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for run in ways.values():
        run()  # compiles
    for _ in range(options.repeats):
        for name, run in ways.items():
            seconds[name].append(timed(run)[0])
    best = {name: min(values) for name, values in seconds.items()}
    peak = 2 * 2048**3 / best["a 2048×2048 matrix product"] / 1e9
    whole, sgd = best["whole epoch, AdamW"], best["whole epoch, SGD"]
    shares = {
        "matrix products at the peak": GFLOP / peak,
        "matrix products, what their small shapes cost more": (
            best["its matrix products alone"] - GFLOP / peak
        ),
        "gathering and scaling": best["gathering and scaling alone"],
        "AdamW beyond SGD": whole - sgd,
    }
    shares["softmax, loss, activations, SGD and the loop"] = whole - sum(shares.values())
    result = {
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "gflop": GFLOP,
        "matrix_peak_gflops": peak,
        "epoch_gflops": GFLOP / whole,
        "share_of_peak": GFLOP / whole / peak,
        "parts_seconds": shares,
        "parts_share": {name: value / whole for name, value in shares.items()},
    }
    write("epoch-parts", result, rows(result))


if __name__ == "__main__":
    main()
