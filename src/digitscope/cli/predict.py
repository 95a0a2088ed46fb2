"""``digitscope predict``: which digit is on each picture, on ONNX Runtime alone."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitscope.cli.common import JsonOption, ModelOption, load_model, print_json, remark
from digitscope.errors import BadImage, DigitscopeError, Misuse

if TYPE_CHECKING:
    from digitscope.images import Images

TOGETHER = 256  # pictures decoded before the network sees them
SHOW_PROGRESS_FROM = 500  # pictures; fewer are done before a bar is read


def command(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures of one digit each, folders of them, or .npy/.npz/.idx[.gz] files.",
            show_default=False,
        ),
    ],
    model: ModelOption = None,
    json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", "-p", help="All ten probabilities.")
    ] = False,
) -> None:
    r"""Say which digit is on each picture, and how sure that is.

    Pictures may be of any size and either polarity, one cropped digit each. Array files hold
    images as MNIST does: uint8 of shape (n, 28, 28), 0 = paper, 255 = ink.

    \b
    Examples:
      digitscope predict seven.png
      digitscope predict scans/ --csv > digits.csv
      digitscope predict t10k-images-idx3-ubyte.gz --model runs/mlp-1 --json
    """
    if json and csv:
        raise Misuse("--json and --csv exclude each other; take one.")
    classifier = load_model(model)
    files = list(_expand(inputs))
    failures: list[DigitscopeError] = []
    answers: list[dict[str, Any]] = []
    write = _writer(json, csv, probabilities)
    for names, images in _batches(files, failures):
        for name, row in zip(names, classifier.predict_proba(images), strict=True):
            digit = int(row.argmax())
            answer: dict[str, Any] = {"image": name, "digit": digit}
            answer["confidence"] = round(float(row[digit]), 6)
            if probabilities:
                answer["probabilities"] = [round(float(p), 6) for p in row]
            answers.append(answer) if json else write(answer)
    if json:
        print_json(answers)
    for failure in failures:
        remark(f"digitscope: {failure}")
    if failures:
        raise typer.Exit(1)


def _expand(inputs: list[Path]) -> Iterator[Path]:
    """Give each file that is named, and each picture in each folder that is named."""
    from digitscope.pictures import SUFFIXES

    for path in inputs:
        if not path.exists():
            raise Misuse(f"no such file or folder: {path}")
        if not path.is_dir():
            yield path
            continue
        found = sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES)
        if not found:
            raise BadImage(f"{path} holds no pictures; expected {', '.join(sorted(SUFFIXES))}.")
        yield from found


def _batches(
    files: list[Path], failures: list[DigitscopeError]
) -> Iterator[tuple[list[str], "Images"]]:
    """Give names and images, a few hundred at a time; a file that fails is noted and passed."""
    import numpy as np

    from digitscope.data.arrays import is_array_file, read_images
    from digitscope.preprocess import to_mnist

    names: list[str] = []
    waiting: list[Any] = []
    for file in _with_progress(files):
        try:
            if is_array_file(file):
                images = read_images(file)
                if waiting:  # in the order in which they were named
                    yield names, np.stack(waiting)
                    names, waiting = [], []
                for start in range(0, len(images), TOGETHER):
                    part = images[start : start + TOGETHER]
                    yield [f"{file}[{start + i}]" for i in range(len(part))], part
                continue
            waiting.append(to_mnist(file))
            names.append(str(file))
        except DigitscopeError as error:
            failures.append(error)
        if len(waiting) == TOGETHER:
            yield names, np.stack(waiting)
            names, waiting = [], []
    if waiting:
        yield names, np.stack(waiting)


def _with_progress(files: list[Path]) -> Iterator[Path]:
    if len(files) < SHOW_PROGRESS_FROM or sys.stdout.isatty() or not sys.stderr.isatty():
        yield from files
        return
    from rich.console import Console
    from rich.progress import Progress

    # Rich would send what is printed meanwhile to stderr, too; the answers belong on stdout.
    with Progress(console=Console(file=sys.stderr), redirect_stdout=False) as progress:
        yield from progress.track(files, description="predicting")


def _writer(json: bool, as_csv: bool, probabilities: bool) -> Any:
    """Return what prints one answer, as CSV or for people."""
    if as_csv:
        columns = ["image", "digit", "confidence"]
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(columns + [f"p{d}" for d in range(10)] * probabilities)
        return lambda answer: table.writerow(
            [answer[name] for name in columns] + answer.get("probabilities", [])
        )

    def plain(answer: dict[str, Any]) -> None:
        print(f"{answer['digit']}  {answer['confidence']:7.2%}  {answer['image']}")
        if probabilities:
            print("   " + "  ".join(f"{d}: {p:.4f}" for d, p in enumerate(answer["probabilities"])))

    return plain
