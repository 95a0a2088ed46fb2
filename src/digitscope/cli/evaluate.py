"""``digitscope evaluate``: score a model file on labelled images."""

from pathlib import Path
from typing import Annotated

import typer

from digitscope.cli.common import (
    DataDirOption,
    JsonOption,
    ScoredDataOption,
    describe_scores,
    load_model,
    print_json,
    trained_on,
)

SplitOption = Annotated[str, typer.Option("--split", help="test, train or all of the data set.")]


def command(
    model: Annotated[
        Path | None,
        typer.Argument(help="An .onnx file or a run's folder.", show_default="the newest run"),
    ] = None,
    data: ScoredDataOption = None,
    split: SplitOption = "test",
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    r"""Score a model on labelled images.

    \b
    Examples:
      digitscope evaluate runs/mlp-1
      digitscope evaluate model.onnx --data folder:my-digits --split all --json
    """
    from digitscope.data import load_data
    from digitscope.evaluation import evaluate

    classifier = load_model(model)
    dataset = load_data(data or trained_on(classifier), data_dir)
    scores = evaluate(classifier, dataset.split(split))
    if json:
        content = {"model": str(classifier.path), "data": dataset.name, "split": split}
        print_json(content | scores.to_dict())
    else:
        title = f"{classifier.path} on {dataset.name} ({split}: {scores.n:,} images)"
        print(describe_scores(scores, title))
