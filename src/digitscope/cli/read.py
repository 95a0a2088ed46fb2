"""``digitscope read``: every handwritten number in photos, scans and screenshots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from digitscope.cli.common import JsonOption, ThresholdOption, print_json, remark
from digitscope.cli.inputs import expand, open_input, with_progress
from digitscope.errors import DigitscopeError, Misuse

if TYPE_CHECKING:
    from PIL import Image

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
        typer.Option(
            "--model",
            "-m",
            help="page, an .onnx file or a run's folder.",
        ),
    ] = "page",
    threshold: ThresholdOption = None,
    decimal: Annotated[
        str, typer.Option(help="The decimal mark, for values in --json: auto, . or ,")
    ] = "auto",
    digits_only: Annotated[
        bool, typer.Option("--digits-only", help="Leave out minus, points, commas, / and :.")
    ] = False,
    annotate: Annotated[
        Path | None,
        typer.Option(
            help="Draw what was seen: a .png for one picture, a folder for several.",
            show_default=False,
        ),
    ] = None,
    maps: Annotated[
        Path | None,
        typer.Option(
            help="Draw what the page network shows: a .png for one picture, a folder for several.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV: the grids, or a row for each line.")
    ] = False,
) -> None:
    r"""Read the handwritten numbers in photos, scans and screenshots.

    Lines of numbers are printed line by line, ruled grids row by row, with their minus, decimal and
    grouping marks. Letters, operators and specks are left out. The picture may be upside down,
    skewed, shadowed, light on dark.

    \b
    Examples:
      digitscope read photo.jpg
      digitscope read form.png --csv > form.csv
      digitscope read scans/ --json > numbers.json
      digitscope read "2026-*/*.jpg" --annotate seen/
      digitscope read photo.jpg --annotate seen.png --maps maps.png
      digitscope read invoice.jpg --json --decimal ,
      curl -s https://example.org/photo.jpg | digitscope read -
    """
    if json and csv:
        raise Misuse("--json and --csv exclude each other; take one.")
    from digitscope.reading.page import Decimal

    if decimal not in get_args(Decimal):
        raise Misuse(f"--decimal must be auto, a point or a comma. Received: {decimal!r}.")
    files = expand(inputs)
    several = len(files) > 1
    for option, out in (("--annotate", annotate), ("--maps", maps)):
        if out and several and out.suffix:
            raise Misuse(f"{option} must be a folder for {len(files)} pictures. Received: {out}")
    from digitscope.reading import load_reader, read

    reader = load_reader(model)
    failures: list[DigitscopeError] = []
    pages: list[dict[str, Any]] = []
    for name in with_progress(files, least=SHOW_PROGRESS_FROM, doing="reading"):
        try:
            picture = open_input(name)
            page = read(picture, model=reader, threshold=threshold, decimal=cast(Decimal, decimal))
            page = page.digits_only() if digits_only else page
            if annotate:
                from digitscope.rendering.annotation import annotate as draw

                _save(draw(picture, page), annotate, name, several)
            if maps:
                from digitscope.rendering.maps_picture import draw_maps

                _save(draw_maps(picture, network=reader.page, turn=page.turn), maps, name, several)
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


def _save(drawn: "Image.Image", out: Path, name: str, several: bool) -> None:
    """Write a drawing of one of the pictures."""
    from digitscope.files import replacing

    target = out
    if several or not out.suffix:
        # Pictures of the same name in different folders must not meet.
        stem = name.strip("./-").replace("/", "-") or "standard-input"
        target = out / f"{stem}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        drawn.save(temporary, format="PNG")
    remark(f"drawn   {target}")
