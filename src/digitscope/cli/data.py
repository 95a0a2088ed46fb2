"""``digitscope data``: what there is to train on, and what it looks like."""

from pathlib import Path
from typing import Annotated, Any

import typer

from digitscope.cli.common import DataDirOption, JsonOption, print_json
from digitscope.errors import BadData, DataUnavailable

EACH = 20  # images of each digit on a sheet


def command(
    name: Annotated[
        str | None,
        typer.Argument(help="mnist, digits, synthetic or folder:PATH.", show_default="list all"),
    ] = None,
    data_dir: DataDirOption = None,
    sheet: Annotated[
        Path | None,
        typer.Option(help="Where to draw a sample sheet.", show_default="<name>-sheet.png"),
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""List the data sets, or count one and draw a sheet of samples from it.

    \b
    Examples:
      digitscope data
      digitscope data mnist --sheet mnist.png
      digitscope data synthetic
      digitscope data folder:my-digits
    """
    if name is None:
        _list(data_dir, json)
        return
    import numpy as np

    from digitscope.data import load_data
    from digitscope.data.sheet import draw_sheet

    data = load_data(name, data_dir)
    sheet = sheet or Path(f"{data.name.partition(':')[0]}-sheet.png")
    rows = np.concatenate([np.flatnonzero(data.train.labels == d)[:EACH] for d in range(10)])
    draw_sheet(data.train.images[rows], [str(d) for d in data.train.labels[rows]], sheet)
    counts = {"train": data.train.counts(), "test": data.test.counts()}
    if json:
        print_json(
            {"name": data.name, "source": data.source, "counts": counts, "sheet": str(sheet)}
        )
        return
    print(f"{data.name}: {data.source}")
    print("  digit  " + " ".join(f"{d:6}" for d in range(10)) + "     all")
    for split, numbers in counts.items():
        print(f"  {split:5}  " + " ".join(f"{n:6,}" for n in numbers) + f"  {sum(numbers):6,}")
    print(f"sheet   {sheet}")


def _list(data_dir: Path | None, json: bool) -> None:
    from digitscope.data import NAMES, find_mnist, load_data

    rows: list[dict[str, Any]] = []
    for name in NAMES:
        row: dict[str, Any] = {"name": name, "train": None, "test": None}
        try:
            if name == "mnist" and find_mnist(data_dir) is None:
                row["source"] = "not here; train downloads it once (11 MB)"
            elif name == "synthetic":
                from digitscope.data.synthetic import TEST, TRAIN

                source = "drawn from strokes, some ten seconds when it is asked for"
                row |= {"train": TRAIN, "test": TEST, "source": source}
            else:
                data = load_data(name, data_dir)
                row |= {"train": len(data.train), "test": len(data.test), "source": data.source}
        except (BadData, DataUnavailable) as error:
            row["source"] = str(error)
        rows.append(row)
    if json:
        print_json(rows)
        return
    print("name           train    test  source")
    for row in rows:
        counts = "  ".join(f"{row[s]:6,}" if row[s] else "     –" for s in ("train", "test"))
        print(f"{row['name']:12}  {counts}  {row['source']}")
    print(
        "folder:PATH        –       –  your own: subfolders 0 to 9, a CSV of path,label, or an .npz"
    )
