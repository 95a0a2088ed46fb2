"""The process of one run: it trains a network and reports events.

Lines of JSON come in on standard input: first the settings, then commands. Lines of JSON go out on
standard output: events for the page, and answers to commands. When standard input ends, the
service has ended, and this process ends too.
"""

import base64
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import numpy as np

from digitscope.data import load_data
from digitscope.errors import DigitscopeError
from digitscope.image.digit import SIDE, Images
from digitscope.nn import OPTIMIZERS, BatchResult, Design, Network, steps
from digitscope.nn.losses import Floats

HELD_OUT = 1_000  # training images for the accuracy during training, at most a sixth of them
PROGRESS_EVERY = 0.05  # seconds between two events of progress
WEIGHTS_EVERY = 0.5  # seconds between two events of weights
UNITS = 32  # units of the first layer whose weights are shown
NICENESS = 10  # added to that of the service, whose workers have priority

Command = dict[str, Any]


def main() -> None:
    """Train until standard input ends."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    settings = json.loads(sys.stdin.readline())
    commands: SimpleQueue[Command] = SimpleQueue()
    Thread(target=_receive, args=(commands,), daemon=True).start()
    try:
        Trainer(settings, commands).run()
    except (DigitscopeError, OSError) as error:
        message = str(error)
        if settings["data"] == "mnist":
            message += " The bundled digits are always there."
        _emit("end", reason="failed", message=message, test_accuracy=None, test_images=0)


def _receive(commands: "SimpleQueue[Command]") -> None:
    for line in sys.stdin:
        commands.put(json.loads(line))
    os._exit(0)  # also in the middle of a training step


def _emit(kind: str, **data: Any) -> None:
    # JSON has no NaN: an error here is better than a line that the page cannot parse.
    sys.stdout.write(json.dumps({"kind": kind, "data": data}, allow_nan=False) + "\n")
    sys.stdout.flush()


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


class Pixels:
    """Scales pixels of 0 to 255 for the network.

    Parameters
    ----------
    form : str
        ``unit`` divides by 255, ``raw`` leaves them, ``standard`` gives them mean 0 and variance 1.
    images : ndarray of shape (n, 28, 28), dtype uint8
        The training images: their mean and standard deviation are used for all images.
    """

    def __init__(self, form: str, images: Images) -> None:
        self.offset, self.factor = 0.0, 1.0 if form == "raw" else 1 / 255
        if form == "standard":
            self.offset, self.factor = float(images.mean()), 1 / float(images.std())

    def __call__(self, images: Images) -> Floats:
        """Return images as scaled rows, float32 of shape (n, 784)."""
        rows = images.reshape(len(images), -1).astype(np.float32)
        rows -= np.float32(self.offset)
        rows *= np.float32(self.factor)
        return rows


class Trainer:
    """One network, its data and the state of its training.

    Parameters
    ----------
    settings : dict
        Those of `routes.Settings`, and ``seconds``, the longest training without a pause.
    commands : SimpleQueue
        Each has an ``id``, which its answer repeats, and ``do``: ``pause``, ``resume``, or
        ``predict`` with an ``image``, base64 of its 784 bytes.
    """

    def __init__(self, settings: dict[str, Any], commands: "SimpleQueue[Command]") -> None:
        self.settings, self.commands = settings, commands
        self.state = "loading"
        self.step, self.seconds = 0, 0.0
        self.since = 0.0  # value of `seconds` when the training was last started or resumed
        self.recent: list[BatchResult] = []  # steps since the last event of progress
        self._emit_state("loading")
        data = load_data(settings["data"])
        fit, held_out = data.hold_out(min(HELD_OUT, len(data.train) // 6))
        # The first of a fixed permutation: a smaller choice is part of a larger one.
        chosen = np.random.default_rng(2012).permutation(len(fit))[: settings["images"]]
        images, self.labels = fit.images[chosen], fit.labels[chosen]
        pixels = Pixels(settings["pixels"], images)
        self.pixels, self.test = pixels, data.test
        self.x, self.held_out = pixels(images), (pixels(held_out.images), held_out.labels)
        self.batch = min(settings["batch"], len(images))
        self.per_epoch = len(images) // self.batch
        self.goal = settings["epochs"] * self.per_epoch
        design = Design(
            hidden=tuple(settings["hidden"]),
            activation=settings["activation"],
            initialisation=settings["initialisation"],
            normalised=settings["normalisation"],
            residual=settings["residual"],
            dropout=settings["dropout"],
        )
        self.network = Network(design, settings["seed"])
        self.steps = self._steps()
        _emit(
            "begin",
            parameters=len(self.network.weights),
            layers=[design.inputs, *design.hidden, design.outputs],
            images=len(images),
            held_out=len(held_out),
            steps_per_epoch=self.per_epoch,
            epochs=settings["epochs"],
        )

    def _steps(self) -> Iterator[BatchResult]:
        optimizer = OPTIMIZERS[self.settings["optimizer"]](self.settings["rate"])
        return steps(
            self.network, optimizer, self.x, self.labels,
            batch=self.batch, seed=self.settings["seed"],
        )  # fmt: skip

    def run(self) -> None:
        """Train, and handle commands between two steps."""
        self._emit_weights()
        self._emit_state("training")
        last_progress = last_weights = time.perf_counter()
        while True:
            self._handle_commands()
            began = time.perf_counter()
            step = next(self.steps)
            now = time.perf_counter()
            self.seconds += now - began  # of training only
            self.recent.append(step)
            self.step += step.finite
            early = self.step <= 16 and self.step & (self.step - 1) == 0
            if early or now - last_progress > PROGRESS_EVERY:
                self._emit_progress()
                last_progress = time.perf_counter()
            if now - last_weights > WEIGHTS_EVERY:
                self._emit_weights()
                last_weights = time.perf_counter()
            self._end_if_due(step)

    def _handle_commands(self) -> None:
        """Handle the commands that have arrived; while nothing is trained, wait for more."""
        while True:
            try:
                command = self.commands.get(block=self.state != "training")
            except Empty:
                return
            do = command["do"]
            answer: dict[str, Any] = {}
            if do == "predict":
                answer = self._predict(command["image"])
            elif do == "pause" and self.state == "training":
                self._emit_progress()
                self._emit_weights()
                self._emit_state("paused")
            elif do == "resume" and self.state in ("paused", "done"):
                if self.state == "done":
                    self.goal = self.step + self.settings["epochs"] * self.per_epoch
                self.since = self.seconds
                self._emit_state("training")
            _emit("answer", id=command["id"], **(answer or {"state": self.state}))

    def _end_if_due(self, step: BatchResult) -> None:
        late = self.seconds - self.since > self.settings["seconds"]
        if step.finite and self.step < self.goal and not late:
            return
        self._emit_progress()
        self._emit_weights()
        scored = None
        if not step.finite:
            reason = "diverged"
            message = f"the loss is no finite number any more, after {self.step:,} steps."
            # Nothing can be learned from here: a resumed training ends at once, the same way.
            self.steps = iter(lambda: step, None)
        elif late:
            reason = "timeout"
            message = f"training is limited to {self.settings['seconds']:g} s; it can be continued."
        else:
            reason, message = "done", f"{self.step:,} steps in {self.seconds:.1f} s."
            with np.errstate(all="ignore"):
                scored = self.network.accuracy(self.pixels(self.test.images), self.test.labels)
        _emit(
            "end", reason=reason, message=message, test_accuracy=scored,
            test_images=len(self.test) if scored is not None else 0,
        )  # fmt: skip
        self._emit_state("done")

    def _emit_state(self, state: str) -> None:
        self.state = state
        _emit("state", state=state)

    def _emit_progress(self) -> None:
        if not self.recent:
            return
        with np.errstate(all="ignore"):
            accuracy = self.network.accuracy(*self.held_out)
        norms = np.mean([step.norms for step in self.recent], axis=0)
        _emit(
            "progress",
            step=self.step,
            epoch=round(self.step / self.per_epoch, 4),
            seconds=round(self.seconds, 3),
            loss=_number(float(np.mean([step.loss for step in self.recent]))),
            accuracy=round(accuracy, 4),
            norms=[_number(norm) for norm in norms],
        )
        self.recent.clear()

    def _emit_weights(self) -> None:
        kernel = self.network.dense[0].kernel[:, :UNITS].T  # (units, 784)
        scale = float(np.abs(kernel).max()) or 1.0
        if not math.isfinite(scale):
            return
        small = np.rint(kernel * (127 / scale)).astype(np.int8)
        _emit(
            "weights", step=self.step, units=len(small), side=SIDE, scale=_number(scale),
            pixels=base64.b64encode(small.tobytes()).decode(),
        )  # fmt: skip

    def _predict(self, content: str) -> dict[str, Any]:
        image = np.frombuffer(base64.b64decode(content), np.uint8).reshape(1, SIDE, SIDE)
        with np.errstate(all="ignore"):
            row = self.network.probabilities(self.pixels(image))[0]
        known = bool(np.isfinite(row).all())
        return {
            "digit": int(row.argmax()) if known else None,
            "probabilities": [round(float(p), 6) for p in row] if known else None,
            "step": self.step,
        }


if __name__ == "__main__":
    main()
