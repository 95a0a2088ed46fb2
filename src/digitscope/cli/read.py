"""``digitscope read``: the handwritten numbers in photos, scans and screenshots."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from digitscope.cli.common import JsonOption, ThresholdOption, print_json, remark
from digitscope.cli.inputs import expand, open_input, with_progress
from digitscope.errors import DigitscopeError, Misuse

if TYPE_CHECKING:
    from PIL import Image

    from digitscope.reading import Page, Reader

SHOW_PROGRESS_FROM = 5  # pictures; for fewer there is no progress bar
InputsArgument = Annotated[
    list[str],
    typer.Argument(
        help="Pictures, folders of pictures, globs, or - for standard input.", show_default=False
    ),
]
PageModelOption = Annotated[
    str, typer.Option("--model", "-m", help="page, an .onnx file or a run's folder.")
]
DecimalOption = Annotated[
    str, typer.Option(help="The decimal mark, for values in --json: auto, . or ,")
]
DigitsOnlyOption = Annotated[
    bool, typer.Option("--digits-only", help="Leave out minus, points, commas, / and :.")
]
AnnotateOption = Annotated[
    Path | None,
    typer.Option(
        help="Draw the results on the picture: a .png for one picture, a folder for several.",
        show_default=False,
    ),
]
MapsOption = Annotated[
    Path | None,
    typer.Option(
        help="Draw the page network's maps: a .png for one picture, a folder for several.",
        show_default=False,
    ),
]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV: the grids, or a row per line.")]


def command(
    inputs: InputsArgument,
    model: PageModelOption = "page",
    threshold: ThresholdOption = None,
    decimal: DecimalOption = "auto",
    digits_only: DigitsOnlyOption = False,
    annotate: AnnotateOption = None,
    maps: MapsOption = None,
    json: JsonOption = False,
    csv: CsvOption = False,
) -> None:
    r"""Read the handwritten numbers in photos, scans and screenshots.

    Numbers are printed line by line, ruled grids row by row, with minus signs, decimal and grouping
    marks. Letters, operators and specks are left out. The picture may be turned, skewed, shadowed,
    or light on dark.

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
            _draw(picture, page, reader, name, annotate, maps, several)
        except DigitscopeError as error:
            failures.append(error)
            pages.append({"image": name, "error": str(error)})
            continue
        if json:
            pages.append({"image": name} | page.to_dict())
        else:
            _print_page(page, name, csv, several)
    if json:
        print_json(pages)
    for failure in failures:
        remark(f"digitscope: {failure}")
    if failures:
        raise typer.Exit(1)


def _print_page(page: "Page", name: str, csv: bool, several: bool) -> None:
    """Print a page as plain text or CSV, under its name if there are several."""
    if several:
        print(f"# {name}")
    text = _rows(page) if csv else page.text
    if text:
        print(text.rstrip("\n"))
    else:
        remark(f"{name}: no digits found")


def _draw(
    picture: Path | bytes,
    page: "Page",
    reader: "Reader",
    name: str,
    annotate: Path | None,
    maps: Path | None,
    several: bool,
) -> None:
    """Write the drawings of the options --annotate and --maps."""
    if annotate:
        from digitscope.rendering.annotation import annotate as draw

        _save(draw(picture, page), annotate, name, several)
    if maps:
        from digitscope.rendering.maps_picture import draw_maps

        _save(draw_maps(picture, network=reader.page, turn=page.turn), maps, name, several)


def _rows(page: "Page") -> str:
    """Return the grids as CSV; for a page without grids its lines, with a number in each cell."""
    if page.grids:
        return page.to_csv()
    return "\n".join(",".join(number.text for number in line.numbers) for line in page.lines)


def _save(drawn: "Image.Image", out: Path, name: str, several: bool) -> None:
    """Write a drawing of one of the pictures."""
    from digitscope.files import replacing

    target = out
    if several or not out.suffix:
        # The folders are part of the name, since pictures in several folders may have one name.
        stem = name.strip("./-").replace("/", "-") or "standard-input"
        target = out / f"{stem}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        drawn.save(temporary, format="PNG")
    remark(f"drawn   {target}")
