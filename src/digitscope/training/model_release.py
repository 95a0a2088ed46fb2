"""From an exported network to the file that ships: calibrated, scored, with its card."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import numpy as np
import onnx

from digitscope.data import Dataset, Split
from digitscope.evaluation import Scores, fit_temperature, score
from digitscope.files import replacing
from digitscope.image.digit import DIGITS, Probabilities
from digitscope.models.card import ModelCard
from digitscope.models.classifier import Classifier
from digitscope.runs import Run
from digitscope.training.onnx_export import write_onnx

MIN_CALIBRATION = 100  # held-out images; fewer fit no temperature
COVERAGE = 0.99  # share of digits that the threshold of a network that refuses keeps


def release_model(
    run: Run,
    proto: onnx.ModelProto,
    dataset: Dataset,
    held_out: Split,
    *,
    seed: int,
    parameters: int,
    check: Callable[[Probabilities], None] | None = None,
    **card: Any,
) -> Scores:
    """Write ``model.onnx`` with its card and ``metrics.json``, and return the scores.

    Parameters
    ----------
    run : Run
        Its record tells recipe, data and versions.
    proto : onnx.ModelProto
    dataset : Dataset
        Whose test images it is scored on.
    held_out : Split
        Fits the temperature and the threshold.
    seed : int
        Of the non-digits that the threshold is judged by.
    parameters : int
        Trained weights, for the card.
    check : callable, optional
        Called with the probabilities of the test images; raises if they are wrong.
    **card
        Further fields of `ModelCard`.
    """
    record, test = run.record, dataset.test
    # The file takes its name when it is checked and its card is complete.
    with replacing(run.model_file) as temporary:
        write_onnx(proto, temporary, ModelCard())
        classifier = Classifier(temporary)
        probabilities = classifier.predict_proba(test.images)
        if check:
            check(probabilities)
        temperature, calibrated_on = _calibrate(classifier, held_out)
        scores = score(test.labels, probabilities, temperature=temperature)
        short = ("n", "accuracy", "accuracy_interval", "log_loss", "calibration_error")
        complete = ModelCard(
            recipe=record["recipe"],
            # The card must not tell the paths of the training machine.
            data={key: value for key, value in record["data"].items() if key != "source"},
            versions=record["versions"],
            parameters=parameters,
            temperature=temperature,
            calibrated_on=calibrated_on,
            refusal=_choose_threshold(classifier, held_out, seed),
            scores={name: scores.to_dict()[name] for name in short},
            created=now(),
            **card,
        )
        write_onnx(proto, temporary, complete)
        run.write_metrics({"data": dataset.name, "split": "test"} | scores.to_dict())
    return scores


def _calibrate(classifier: Classifier, held_out: Split) -> tuple[float, int]:
    """Return the temperature, and on how many images it was fitted; 1 and 0 where too few tell.

    Without a single mistake the likeliest temperature is 0: the answers would become certainties.
    """
    if len(held_out) < MIN_CALIBRATION:
        return 1.0, 0
    probabilities = classifier.predict_proba(held_out.images)
    if (probabilities.argmax(axis=1) == held_out.labels).all():
        return 1.0, 0
    return fit_temperature(held_out.labels, probabilities), len(held_out)


def _choose_threshold(classifier: Classifier, held_out: Split, seed: int) -> dict[str, float]:
    """Return the score below which an answer is refused, and what it was chosen for.

    It keeps 99 % of digits that the network never saw: those held out, and for a network that
    refuses as many drawn ones.
    """
    if len(held_out) < MIN_CALIBRATION:
        return {}
    digits = classifier.judge(held_out.images).digit
    if not classifier.refuses:
        threshold = float(np.quantile(digits, 1 - COVERAGE))
        return {"threshold": threshold, "coverage": COVERAGE, "digits": len(digits)}
    from digitscope.synthesis.digits import draw_digits, draw_non_digits

    rng = np.random.default_rng([seed, 0, 3])  # no epoch draws from this one
    n = len(held_out)
    drawn = draw_digits(np.arange(n) % DIGITS, rng)
    others = draw_non_digits(n, rng, held_out.images, labels=held_out.labels)
    digits = np.concatenate([digits, classifier.judge(drawn).digit])
    threshold = float(np.quantile(digits, 1 - COVERAGE))
    kept = classifier.judge(others).digit >= threshold
    return {
        "threshold": threshold,
        "coverage": COVERAGE,
        "digits": 2 * n,
        "non_digits": n,
        "non_digits_kept": float(kept.mean()),
    }


@contextmanager
def timed(timings: dict[str, float], part: str) -> Iterator[None]:
    """Note the seconds of a block as a part of the time."""
    started = time.perf_counter()
    yield
    timings[part] = time.perf_counter() - started


def now() -> str:
    """Return the time, UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
