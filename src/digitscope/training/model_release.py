"""Final model file of a digit classifier: calibration, threshold, scores and card."""

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

MIN_CALIBRATION = 100  # least number of held-out images to fit a temperature or a threshold on
COVERAGE = 0.99  # share of held-out digits with a score above the threshold


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
        Its record contains recipe, data and versions.
    proto : onnx.ModelProto
    dataset : Dataset
        Its test images give the scores.
    held_out : Split
        Images to fit the temperature and the threshold on.
    seed : int
        Seed of the drawn digits and non-digits for the threshold.
    parameters : int
        Number of trained weights, for the card.
    check : callable, optional
        Called with the probabilities of the test images; raises an error if they are wrong.
    **card
        Further fields of `ModelCard`.
    """
    record, test = run.record, dataset.test
    # The file gets its name after all checks, with a complete card.
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
            # The card must not contain paths of the training machine.
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
    """Return the temperature and the number of images it was fitted on; 1 and 0 without a fit.

    If all images are classified correctly, the best temperature would be 0, with probabilities of 0
    and 1. So it is not fitted.
    """
    if len(held_out) < MIN_CALIBRATION:
        return 1.0, 0
    probabilities = classifier.predict_proba(held_out.images)
    if (probabilities.argmax(axis=1) == held_out.labels).all():
        return 1.0, 0
    return fit_temperature(held_out.labels, probabilities), len(held_out)


def _choose_threshold(classifier: Classifier, held_out: Split, seed: int) -> dict[str, float]:
    """Return the score below which an answer is refused, and how it was chosen.

    99 % of unseen digits have a higher score: of held-out images, and for a network with the output
    "no digit" also of the same number of drawn digits.
    """
    if len(held_out) < MIN_CALIBRATION:
        return {}
    digits = classifier.judge(held_out.images).digit
    if not classifier.refuses:
        threshold = float(np.quantile(digits, 1 - COVERAGE))
        return {"threshold": threshold, "coverage": COVERAGE, "digits": len(digits)}
    from digitscope.synthesis.digits import draw_digits, draw_non_digits

    rng = np.random.default_rng([seed, 0, 3])  # not used by any epoch
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
    """Store the duration of a ``with`` block, in seconds."""
    started = time.perf_counter()
    yield
    timings[part] = time.perf_counter() - started


def now() -> str:
    """Return the current time, UTC, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")
