"""``digitscope report``: the report of a run, written again."""

from pathlib import Path
from typing import Annotated

import typer

from digitscope.cli.common import JsonOption, print_json


def command(
    run: Annotated[Path, typer.Argument(help="A run's folder.")], json: JsonOption = False
) -> None:
    r"""Write report.html and the figures of a run again.

    \b
    Examples:
      digitscope report runs/mlp-1              of a digit classifier, on its test images
      digitscope report runs/page-1             of the page network, on its held-out pages
      digitscope report runs/glyph-1            of the glyph network
    """
    from digitscope.rendering import report

    page = report(run)
    if json:
        print_json({"report": str(page)})
    else:
        print(f"report  {page}")
