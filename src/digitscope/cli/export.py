"""``digitscope export``: a trained network in other formats."""

from pathlib import Path
from typing import Annotated

import typer

from digitscope.cli.common import JsonOption, print_json
from digitscope.extras import require_training


def command(
    model: Annotated[Path, typer.Argument(help="A run's folder or a .keras file.")],
    format: Annotated[
        str, typer.Option("--format", "-f", help="onnx, litert or savedmodel.")
    ] = "onnx",
    out: Annotated[
        Path | None,
        typer.Option(help="The file or folder to write.", show_default="beside the model"),
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""Write a trained network as ONNX, LiteRT or SavedModel, and compare its answers with Keras.

    \b
    Examples:
      digitscope export runs/mlp-1 --format litert
      digitscope export model.keras --format savedmodel --out served/1
    """
    require_training("digitscope export")
    from digitscope.training.export import export

    written, difference = export(model, format=format, out=out)
    if json:
        print_json({"file": str(written), "format": format, "largest_difference": difference})
    else:
        print(f"{written}  largest difference from Keras: {difference:.1e}")
