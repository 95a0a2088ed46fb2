"""``digitscope predict``: the digit on each picture, with ONNX Runtime."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitscope.cli.common import (
    JsonOption,
    ModelOption,
    ThresholdOption,
    load_model,
    print_json,
    remark,
)
from digitscope.cli.inputs import expand, open_input, with_progress
from digitscope.errors import DigitscopeError, Misuse

if TYPE_CHECKING:
    from digitscope.image.digit import Images

BATCH_SIZE = 256  # pictures that are decoded and then classified together
SHOW_PROGRESS_FROM = 500  # pictures; for fewer there is no progress bar


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures of one digit each, folders of them, globs, - for standard input, or "
            ".npy/.npz/.idx[.gz] files.",
            show_default=False,
        ),
    ],
    model: ModelOption = None,
    threshold: ThresholdOption = None,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", "-p", help="Print all ten probabilities.")
    ] = False,
) -> None:
    r"""Print the digit on each picture, with its confidence.

    Pictures may have any size and either polarity, and show one cropped digit each. Array files
    have images in MNIST form: uint8 of shape (n, 28, 28), 0 = paper, 255 = ink. A network that was
    trained to refuse, such as cnn, refuses pictures without a digit; with --threshold 0 it always
    answers.

    \b
    Examples:
      digitscope predict seven.png
      digitscope predict scans/ --csv > digits.csv
      digitscope predict t10k-images-idx3-ubyte.gz --model runs/mlp-1 --json
    """
    if json and csv:
        raise Misuse("--json and --csv exclude each other; take one.")
    classifier = load_model(model)
    files = expand(inputs)
    if threshold is None:
        threshold = classifier.threshold if classifier.refuses else 0.0
    failures: list[DigitscopeError] = []
    answers: list[dict[str, Any]] = []
    write = _writer(json, csv, probabilities)
    for names, images in _batches(files, failures):
        for name, row, score in zip(names, *classifier.judge(images), strict=True):
            guess = int(row.argmax())
            answer: dict[str, Any] = {
                "image": name,
                "digit": guess if score >= threshold else None,
                "confidence": round(float(row[guess]), 6),
                "score": round(float(score), 6),
                "guess": guess,
            }
            if probabilities:
                answer["probabilities"] = [round(float(p), 6) for p in row]
            answers.append(answer) if json else write(answer)
    if json:
        print_json(answers)
    for failure in failures:
        remark(f"digitscope: {failure}")
    if failures:
        raise typer.Exit(1)


def _batches(
    files: list[str], failures: list[DigitscopeError]
) -> Iterator[tuple[list[str], "Images"]]:
    """Yield names and images in batches; files with errors are added to `failures` and skipped."""
    import numpy as np

    from digitscope.data.arrays import is_array_file, read_images
    from digitscope.image.mnist_form import to_mnist

    names: list[str] = []
    waiting: list[Any] = []
    for file in with_progress(files, least=SHOW_PROGRESS_FROM, doing="predicting"):
        try:
            if is_array_file(Path(file)):
                images = read_images(Path(file))
                if waiting:  # first, to keep the order of the files
                    yield names, np.stack(waiting)
                    names, waiting = [], []
                for start in range(0, len(images), BATCH_SIZE):
                    part = images[start : start + BATCH_SIZE]
                    yield [f"{file}[{start + i}]" for i in range(len(part))], part
                continue
            waiting.append(to_mnist(open_input(file)))
            names.append(file)
        except DigitscopeError as error:
            failures.append(error)
        if len(waiting) == BATCH_SIZE:
            yield names, np.stack(waiting)
            names, waiting = [], []
    if waiting:
        yield names, np.stack(waiting)


def _writer(json: bool, as_csv: bool, probabilities: bool) -> Any:
    """Return the function that prints one answer, as CSV or as plain text."""
    if as_csv:
        columns = ["image", "digit", "confidence", "score", "guess"]
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(columns + [f"p{d}" for d in range(10)] * probabilities)
        return lambda answer: table.writerow(
            [answer[name] for name in columns] + answer.get("probabilities", [])
        )

    def plain(answer: dict[str, Any]) -> None:
        if answer["digit"] is None:
            note = f"  no digit: score {answer['score']:.3f}; best guess {answer['guess']}"
            print(f"-           {answer['image']}{note}")
        else:
            print(f"{answer['digit']}  {answer['confidence']:7.2%}  {answer['image']}")
        if probabilities:
            print("   " + "  ".join(f"{d}: {p:.4f}" for d, p in enumerate(answer["probabilities"])))

    return plain
