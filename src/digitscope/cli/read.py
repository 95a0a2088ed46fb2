"""``digitscope read``: every handwritten number in photos, scans and screenshots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitscope.cli.common import JsonOption, ThresholdOption, print_json, remark
from digitscope.cli.inputs import expand, open_input, with_progress
from digitscope.errors import DigitscopeError, Misuse

if TYPE_CHECKING:
    from digitscope.reading import Page

SHOW_PROGRESS_FROM = 5  # pictures


def command(
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Pictures, folders of them, globs, or - for standard input.", show_default=False
        ),
    ],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="cnn, mlp, an .onnx file or a run's folder."),
    ] = "cnn",
    threshold: ThresholdOption = None,
    annotate: Annotated[
        Path | None,
        typer.Option(
            help="Draw what was seen: a .png for one picture, a folder for several.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV: the grids, or a row for each line.")
    ] = False,
) -> None:
    r"""Read the handwritten numbers in photos, scans and screenshots.

    Lines of numbers are printed line by line, ruled grids row by row. Letters, operators and specks
    are left out. The picture may be upside down, skewed, shadowed, light on dark.

    \b
    Examples:
      digitscope read photo.jpg
      digitscope read form.png --csv > form.csv
      digitscope read scans/ --json > numbers.json
      digitscope read "2026-*/*.jpg" --annotate seen/
      digitscope read photo.jpg --annotate seen.png
      curl -s https://example.org/photo.jpg | digitscope read -
    """
    if json and csv:
        raise Misuse("--json and --csv exclude each other; take one.")
    files = expand(inputs)
    several = len(files) > 1
    if annotate and several and annotate.suffix:
        raise Misuse(f"--annotate must be a folder for {len(files)} pictures. Received: {annotate}")
    from digitscope.classifier import load
    from digitscope.reading import read

    classifier = load(model)
    failures: list[DigitscopeError] = []
    pages: list[dict[str, Any]] = []
    for name in with_progress(files, least=SHOW_PROGRESS_FROM, doing="reading"):
        try:
            picture = open_input(name)
            page = read(picture, model=classifier, threshold=threshold)
            if annotate:
                _annotate(picture, page, annotate, name, several)
        except DigitscopeError as error:
            failures.append(error)
            if json:
                pages.append({"image": name, "error": str(error)})
            continue
        if json:
            pages.append({"image": name} | page.to_dict())
            continue
        if several:
            print(f"# {name}")
        text = _rows(page) if csv else page.text
        if text:
            print(text.rstrip("\n"))
        else:
            remark(f"{name}: no digits found")
    if json:
        print_json(pages)
    for failure in failures:
        remark(f"digitscope: {failure}")
    if failures:
        raise typer.Exit(1)


def _rows(page: "Page") -> str:
    """Return the grids as CSV; of a page without one the lines, a number in each cell."""
    if page.grids:
        return page.to_csv()
    return "\n".join(",".join(number.text for number in line.numbers) for line in page.lines)


def _annotate(picture: Path | bytes, page: "Page", out: Path, name: str, several: bool) -> None:
    from digitscope.files import replacing
    from digitscope.reading.annotate import annotate

    drawn = annotate(picture, page)
    target = out
    if several or not out.suffix:
        # Pictures of the same name in different folders must not meet.
        stem = name.strip("./-").replace("/", "-") or "standard-input"
        target = out / f"{stem}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        drawn.save(temporary, format="PNG")
    remark(f"drawn   {target}")
