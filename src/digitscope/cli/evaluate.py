"""``digitscope evaluate``: scores of a model on labelled images."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digitscope.cli.common import (
    DataDirOption,
    JsonOption,
    ScoredDataOption,
    describe_refusal,
    describe_scores,
    load_model,
    print_json,
    remark,
    trained_on,
)
from digitscope.extras import require

if TYPE_CHECKING:
    from digitscope.data import Split
    from digitscope.evaluation import EvaluationDetails

SplitOption = Annotated[
    str, typer.Option("--split", help="Part of the data set: train, validation, test or all.")
]
MAX_WRITERS, MAX_CONFUSIONS = 5, 5  # in the table; --json has all
MAX_ON_SHEET = 400  # misread digits on a sheet


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
    sheet: Annotated[
        Path | None,
        typer.Option(help="PNG file for a sheet of misread digits, the most confident first."),
    ] = None,
) -> None:
    r"""Score a model on labelled images.

    \b
    Examples:
      digitscope evaluate runs/mlp-1
      digitscope evaluate cnn --data mnist
      digitscope evaluate cnn --data swiss-digits --split validation --sheet misread.png
      digitscope evaluate model.onnx --data folder:my-digits --split all --json
      digitscope evaluate cnn --data folder:bhmsds-dev.npz --split all
    """
    require("evaluate", "digitscope evaluate")
    import numpy as np

    from digitscope.data import load_data
    from digitscope.evaluation import confused_pairs, evaluate_in_detail, score_refusal

    classifier = load_model(model)
    dataset = load_data(data or trained_on(classifier), data_dir)
    if dataset.remark:
        remark(dataset.remark)
    images = dataset.split(split)
    found = evaluate_in_detail(classifier, images)
    pairs = confused_pairs(np.array(found.scores.confusion))
    refusal = None
    if len(dataset.non_digits):
        digits, others = (classifier.judge(i).digit for i in (images.images, dataset.non_digits))
        refusal = score_refusal(digits, others, classifier.threshold)
    if sheet:
        _draw(found, images, sheet)
    if json:
        content: dict[str, Any] = {"model": str(classifier.path), "data": dataset.name}
        content |= {"split": split} | found.scores.to_dict()
        content["writers"] = [writer.to_dict() for writer in found.writers]
        content["confusions"] = [{"true": t, "said": s, "count": n} for t, s, n in pairs]
        content |= {"refusal": refusal.to_dict()} if refusal else {}
        print_json(content | ({"sheet": str(sheet)} if sheet else {}))
        return
    title = f"{classifier.path} on {dataset.name} ({split}: {found.scores.n:,} images)"
    print(describe_scores(found.scores, title))
    _print_details(found, pairs)
    if refusal:
        print(describe_refusal(refusal))
    if sheet:
        n = len(found.mistakes)
        shown = f"the {MAX_ON_SHEET} most confident of {n:,}" if n > MAX_ON_SHEET else f"{n:,}"
        print(f"\nsheet   {sheet}   {shown} misread digits")


def _draw(found: "EvaluationDetails", images: "Split", sheet: Path) -> None:
    from digitscope.rendering.contact_sheet import draw_sheet

    rows = found.mistakes[:MAX_ON_SHEET]
    notes = [f"{images.labels[i]} as {found.predicted[i]}" for i in rows]
    draw_sheet(images.images[rows], notes, sheet)


def _print_details(found: "EvaluationDetails", pairs: list[tuple[int, int, int]]) -> None:
    """Print the most frequent confusions and the writers with the lowest accuracy."""
    if pairs:
        shown = ", ".join(f"{t} as {s} ({n:,})" for t, s, n in pairs[:MAX_CONFUSIONS])
        print(f"\n  confusions         {shown}")
    if found.writers:
        mean = sum(writer.accuracy for writer in found.writers) / len(found.writers)
        print(f"\n  writers            {len(found.writers):,}; mean of their accuracies {mean:.2%}")
        print("  worst writer        accuracy   95 % interval           n")
    for writer in found.writers[:MAX_WRITERS]:
        low, high = writer.accuracy_interval
        print(
            f"  {writer.writer:18}  {writer.accuracy:8.2%}   {low:7.2%} to {high:7.2%}  "
            f"{writer.n:6,}"
        )
