"""``digitscope batch``: millions of images or pictures into Parquet files, with Ray Data."""

import sys
from typing import Annotated, cast, get_args

import typer

from digitscope.cli.common import JsonOption, ThresholdOption, make_bar, print_json
from digitscope.errors import Misuse

SourceArgument = Annotated[
    str,
    typer.Argument(
        help="A folder of pictures, or .zip or .tar archives, Parquet or array files: one file, a "
        "folder or a pattern; a path or a URL (s3://, gs://, https://).",
        show_default=False,
    ),
]
OutArgument = Annotated[
    str, typer.Argument(help="The folder of the answers, a path or a URL.", show_default=False)
]
TaskOption = Annotated[
    str, typer.Option(help="predict: the digit on each image; read: every number in each picture.")
]
BatchModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A name, an .onnx file or a run's folder.",
        show_default="cnn to predict, page to read",
    ),
]
ColumnOption = Annotated[
    str,
    typer.Option(
        help="The Parquet column of the images: picture files, or 784 pixels each.",
        show_default="the one column of bytes",
    ),
]
KeyOption = Annotated[
    str,
    typer.Option(help="The Parquet column of the keys.", show_default="the file and the row"),
]
PartSizeOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Images in one file of the answers.",
        show_default="32768 to predict, 32 to read",
    ),
]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Cores to use.", show_default="all")]
AddressOption = Annotated[
    str | None,
    typer.Option(
        help="HOST:PORT of a Ray cluster to join, or auto.", show_default="this machine only"
    ),
]


def command(
    source: SourceArgument,
    out: OutArgument,
    task: TaskOption = "predict",
    model: BatchModelOption = None,
    threshold: ThresholdOption = None,
    column: ColumnOption = "",
    key: KeyOption = "",
    part_size: PartSizeOption = None,
    workers: WorkersOption = None,
    address: AddressOption = None,
    json: JsonOption = False,
) -> None:
    r"""Process many images, and write a row for each to Parquet files.

    A row has the key of the image, its digit or its numbers, confidences, whether it was refused,
    and an error if it cannot be read. The same command continues an interrupted batch; no image is
    left out or processed twice.

    \b
    Examples:
      digitscope batch scans/ answers/ --task read
      digitscope batch fields.parquet answers/ --column image --key id
      digitscope batch "s3://fields/shard-*.tar" s3://answers/2026 --address head:6379
      digitscope batch t10k-images-idx3-ubyte.gz answers/ --json
    """
    from digitscope.batch import run_batch
    from digitscope.batch.job import Task

    if task not in get_args(Task):
        raise Misuse(f"--task must be predict or read. Received: {task!r}.")
    doing = "predicting" if task == "predict" else "reading"
    with make_bar(doing, disable=not sys.stderr.isatty()) as bar:
        images = bar.add_task("", total=None)
        summary = run_batch(
            source,
            out,
            task=cast(Task, task),
            model=model,
            threshold=threshold,
            column=column,
            key=key,
            part_size=part_size,
            workers=workers,
            address=address,
            on_progress=lambda done, of: bar.update(images, completed=done, total=of),
        )
    if json:
        print_json(summary.to_dict())
        return
    print(f"{summary.images:,} images -> {summary.out}")
    print(f"  {summary.refused:,} refused, {summary.errors:,} with an error")
    if summary.done_before:
        print(f"  {summary.done_before:,} were finished before")
    print(
        f"  {summary.seconds:,.1f} s, {summary.images_per_second:,.0f} images a second on "
        f"{summary.workers} core" + "s" * (summary.workers > 1)
    )
