"""``digitscope compare``: two models on the same images."""

from pathlib import Path
from typing import Annotated

import typer

from digitscope.cli.common import (
    DataDirOption,
    JsonOption,
    ScoredDataOption,
    print_json,
    trained_on,
)
from digitscope.cli.evaluate import SplitOption
from digitscope.extras import require

MAX_LISTED = 10  # images per list in the table; --json has all


def command(
    a: Annotated[Path, typer.Argument(help="An .onnx file or a run's folder.")],
    b: Annotated[Path, typer.Argument(help="Another one.")],
    data: ScoredDataOption = None,
    split: SplitOption = "test",
    data_dir: DataDirOption = None,
    json: JsonOption = False,
    sheet: Annotated[
        Path | None, typer.Option(help="PNG file for a sheet of the images on which they differ.")
    ] = None,
) -> None:
    r"""Compare two models on the same images, with McNemar's exact test.

    \b
    Examples:
      digitscope compare runs/classic-1 runs/mlp-1
      digitscope compare old.onnx new.onnx --data digits --json
    """
    require("evaluate", "digitscope compare")
    from digitscope.data import load_data
    from digitscope.evaluation.comparison import compare
    from digitscope.models.classifier import load

    first, second = load(a), load(b)
    dataset = load_data(data or trained_on(first), data_dir)
    images = dataset.split(split)
    result = compare(first, second, images)
    if sheet:
        from digitscope.rendering.contact_sheet import draw_sheet

        rows = [*result.only_a, *result.only_b]
        notes = [
            f"{images.labels[i]}: {result.predicted_a[i]}|{result.predicted_b[i]}" for i in rows
        ]
        draw_sheet(images.images[rows], notes, sheet)
    if json:
        content = {"a": str(a), "b": str(b), "data": dataset.name, "split": split}
        print_json(content | result.to_dict())
        return
    print(f"{dataset.name} ({split}: {result.n:,} images)")
    print(f"  A  {result.accuracy_a:7.2%}  {a}")
    print(f"  B  {result.accuracy_b:7.2%}  {b}")
    print(
        f"  only A is right: {len(result.only_a)}; only B is right: {len(result.only_b)}; "
        f"both are wrong: {result.both_wrong}"
    )
    verdict = "they differ" if result.p_value < 0.05 else "no significant difference"
    print(f"  McNemar's exact test: p = {result.p_value:.3g}; at 5 %, {verdict}")
    for name, rows in (("A", result.only_a), ("B", result.only_b)):
        if rows:
            print(f"\n  only {name} is right    image   true        A        B")
            for i in rows[:MAX_LISTED]:
                print(
                    f"  {i:25}   {images.labels[i]:4}   {result.predicted_a[i]:6}"
                    f"   {result.predicted_b[i]:6}"
                )
            if len(rows) > MAX_LISTED:
                print(f"  ... and {len(rows) - MAX_LISTED} more; --json lists all")
    if sheet:
        print(f"\nsheet   {sheet}")
