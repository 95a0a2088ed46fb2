"""``digitscope evaluate``: score a model file on labelled images."""

from typing import Annotated

import typer

from digitscope.cli.common import (
    DataDirOption,
    JsonOption,
    ScoredDataOption,
    describe_refusal,
    describe_scores,
    load_model,
    print_json,
    trained_on,
)

SplitOption = Annotated[str, typer.Option("--split", help="test, train or all of the data set.")]


def command(
    model: Annotated[
        str | None,
        typer.Argument(
            help="cnn, mlp, an .onnx file or a run's folder.", show_default="the newest run, or cnn"
        ),
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
      digitscope evaluate cnn --data mnist
      digitscope evaluate model.onnx --data folder:my-digits --split all --json
      digitscope evaluate cnn --data folder:bhmsds-dev.npz --split all
    """
    from digitscope.data import load_data
    from digitscope.evaluation import evaluate, score_refusal

    classifier = load_model(model)
    dataset = load_data(data or trained_on(classifier), data_dir)
    images = dataset.split(split)
    scores = evaluate(classifier, images)
    refusal = None
    if len(dataset.non_digits):
        digits, others = (classifier.judge(i).digit for i in (images.images, dataset.non_digits))
        refusal = score_refusal(digits, others, classifier.threshold)
    if json:
        content = {"model": str(classifier.path), "data": dataset.name, "split": split}
        content |= scores.to_dict()
        print_json(content | {"refusal": refusal.to_dict()} if refusal else content)
    else:
        title = f"{classifier.path} on {dataset.name} ({split}: {scores.n:,} images)"
        print(describe_scores(scores, title))
        if refusal:
            print(describe_refusal(refusal))
