"""The well-known script, as the tutorials print it; the yardstick of the other benchmarks.

Prints one line of JSON: the seconds of the fit alone and the test accuracy. With ``--until 0.9764``
it stops at the first epoch that gets there, looking at the test images outside the clock.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--until", type=float, default=2.0, help="stop at this test accuracy")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

# Where JAX is installed, TensorFlow imports it for nothing; digitscope does not pay that either.
sys.modules["jax"] = None  # type: ignore[assignment]

import keras  # noqa: E402

from digitscope.data import find_mnist  # noqa: E402
from digitscope.data.idx import read_idx  # noqa: E402

if (folder := find_mnist()) is None or folder.suffix == ".npz":
    raise SystemExit("MNIST's four files must be here: digitscope data mnist")
x_train = read_idx(folder / "train-images-idx3-ubyte.gz") / 255.0
y_train = read_idx(folder / "train-labels-idx1-ubyte.gz")
x_test = read_idx(folder / "t10k-images-idx3-ubyte.gz") / 255.0
y_test = read_idx(folder / "t10k-labels-idx1-ubyte.gz")

keras.utils.set_random_seed(options.seed)
model = keras.Sequential(
    [
        keras.Input((28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
seconds, accuracies = 0.0, []
if options.until > 1:
    started = time.perf_counter()
    model.fit(x_train, y_train, epochs=options.epochs, verbose=0)
    seconds = time.perf_counter() - started
    accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
else:
    for _ in range(options.epochs):
        started = time.perf_counter()
        model.fit(x_train, y_train, epochs=1, verbose=0)
        seconds += time.perf_counter() - started
        accuracies.append(model.evaluate(x_test, y_test, verbose=0)[1])
        if accuracies[-1] >= options.until:
            break
print(json.dumps({"fit_seconds": seconds, "accuracies": accuracies}))
