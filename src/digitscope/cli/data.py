"""``digitscope data``: the list of data sets, and a sample sheet of each."""

from pathlib import Path
from typing import Annotated

import typer

from digitscope.cli.common import DataDirOption, JsonOption, print_json, remark
from digitscope.extras import require
from digitscope.models.glyph_classes import CLASSES

PARTS = ("train", "validation", "test")


def command(
    name: Annotated[
        str | None,
        typer.Argument(help="A data set of the list, or folder:PATH.", show_default="list all"),
    ] = None,
    data_dir: DataDirOption = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="PNG file for a sheet of samples.", show_default="<name>-sheet.png"),
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""List the data sets, or print the counts of one and draw a sheet of its samples.

    If the writers are known, each row of the sheet is by one writer.

    \b
    Examples:
      digitscope data
      digitscope data mnist --sheet mnist.png
      digitscope data swiss-digits
      digitscope data pages
      digitscope data folder:my-digits
    """
    require("evaluate", "digitscope data")
    if name is None:
        _list(data_dir, json)
        return
    if name == "pages":
        _draw_pages(data_dir, sheet or Path("pages-sheet.png"), json)
        return
    from digitscope.data import load_data
    from digitscope.rendering.contact_sheet import draw_samples

    data = load_data(name, data_dir)
    if data.remark:
        remark(data.remark)
    sheet = sheet or Path(f"{data.name.partition(':')[0]}-sheet.png")
    draw_samples(data.train, sheet)
    counts = {part: split.counts() for part, split in data.parts().items()}
    about = data.summary()
    if json:
        print_json(about.to_dict() | {"counts": counts, "sheet": str(sheet)})
        return
    print(f"{data.name}: {data.source}")
    print("  digit       " + " ".join(f"{d:6}" for d in range(10)) + "     all")
    for part, numbers in counts.items():
        print(f"  {part:10}  " + " ".join(f"{n:6,}" for n in numbers) + f"  {sum(numbers):6,}")
    if about.writers:
        print(f"writers   {about.writers:,}, each in one part only")
    if about.non_digits:
        print(f"others    {about.non_digits:,} non-digits for the test")
    if about.licence:
        print(f"licence   {about.licence}")
    if about.citation:
        print(f"cite      {about.citation}")
    print(f"sheet     {sheet}")


def _draw_pages(data_dir: Path | None, sheet: Path, json: bool) -> None:
    """Draw a sheet of synthesised pages, and print the counts of their glyphs."""
    from digitscope.data.page_sources import load_sources
    from digitscope.rendering.page_sheet import draw_pages
    from digitscope.synthesis.pages.generator import PageSource

    truths = draw_pages(PageSource(load_sources("train", data_dir)), sheet)
    labels = [glyph.label for truth in truths for glyph in truth.glyphs]
    counts = {label: labels.count(label) for label in CLASSES}
    layouts = sorted({truth.layout for truth in truths})
    if json:
        print_json(
            {"pages": len(truths), "glyphs": counts, "layouts": layouts, "sheet": str(sheet)}
        )
        return
    print(f"pages: {len(truths)} of {', '.join(layouts)}")
    print("  glyph  " + " ".join(f"{label:>4}" for label in CLASSES) + "   (* is any other mark)")
    print("         " + " ".join(f"{counts[label]:4}" for label in CLASSES))
    print(f"sheet     {sheet}")


def _list(data_dir: Path | None, json: bool) -> None:
    from digitscope.data import summarise_data

    summaries = summarise_data(data_dir)
    if json:
        print_json([summary.to_dict() for summary in summaries])
        return
    print("name            train  validation    test  writers  non-digits  licence")
    for summary in summaries:
        train, validation, test = (_number(summary.counts.get(part)) for part in PARTS)
        print(
            f"{summary.name:13}  {train:>6}  {validation:>10}  {test:>6}  "
            f"{_number(summary.writers):>7}  {_number(summary.non_digits):>10}  "
            f"{summary.licence or '–'}"
        )
        print(f"  {summary.source}")
    print(
        "pages               –           –       –        –           –  "
        "synthesised pages; the sheet shows the ground truth of every glyph"
    )
    print(
        "folder:PATH         –           –       –        –           –  "
        "your own images: subfolders 0 to 9, a CSV of path,label, or an .npz"
    )


def _number(n: int | None) -> str:
    return f"{n:,}" if n else "–"
