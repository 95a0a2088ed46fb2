"""``digitscope explain``: one image through the network, with the real numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitscope.cli.common import JsonOption, print_json, remark
from digitscope.cli.inputs import STDIN, expand, open_input
from digitscope.errors import BadModel, Misuse
from digitscope.extras import require

if TYPE_CHECKING:
    from digitscope.explanation import Explanation, Occlusion

FIGURES = (".png", ".svg")


def command(
    image: Annotated[
        str,
        typer.Argument(help="A picture of one digit, or - for standard input.", show_default=False),
    ],
    model: Annotated[
        str,
        typer.Option("--model", "-m", help="mlp, cnn, an .onnx file or a run's folder."),
    ] = "mlp",
    label: Annotated[
        int | None,
        typer.Option(
            min=0, max=9, help="The true digit.", show_default="the digit that the network says"
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Of the one step of Adam.", show_default="0.001"),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Hidden units to show, those that decide most.")
    ] = 6,
    occlusion: Annotated[
        bool, typer.Option("--occlusion", help="Cover the image patch by patch instead.")
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(help="Draw it, too: a .png or .svg file.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""Show with real numbers why a network says what it says of one picture.

    The picture goes through the layers, forwards to the loss, backwards to every gradient, and one
    step of Adam on. A network with convolutions, or one that learned to refuse, gets an occlusion
    map: which parts of the picture does its answer hang on?

    \b
    Examples:
      digitscope explain seven.png
      digitscope explain seven.png --label 1 --top 10
      digitscope explain seven.png --figure seven.svg
      digitscope explain seven.png --model runs/mlp-1 --json
      digitscope explain seven.png --occlusion
      digitscope explain seven.png --model cnn --figure map.png
    """
    if figure and figure.suffix.lower() not in FIGURES:
        raise Misuse(f"--figure must end in {' or '.join(FIGURES)}. Received: {figure}")
    for_layers = "--label" if label is not None else "--learning-rate" if learning_rate else ""
    if occlusion and for_layers:
        raise Misuse(f"{for_layers} is for the walk through the layers; leave out --occlusion.")
    if figure:
        require("figures", "digitscope explain --figure")
    files = expand([image])
    if len(files) != 1:
        raise Misuse(f"explain takes one picture. Received: {len(files)} in {image}")
    if figure and figure.resolve() == Path(files[0]).resolve():
        raise Misuse(f"--figure would replace the picture itself. Received: {figure}")
    result = _explain(files[0], model, label, learning_rate, occlusion, for_layers)
    name = "standard input" if image == STDIN else files[0]
    if result.refused:
        remark(
            f"{name}: probably no digit: its score of {result.score:.3f} is below the threshold of "
            f"{result.threshold:.3f}. It is explained all the same."
        )
    if json:
        print_json({"image_file": name, "model": model} | result.to_dict())
    else:
        from digitscope.rendering.walkthrough import tell

        print(tell(result, f"{name} through {model}", top))
    if figure:
        from digitscope.rendering.figures_explanation import draw

        draw(result, figure, top=top)
        remark(f"drawn   {figure}")


def _explain(
    file: str,
    model: str,
    label: int | None,
    learning_rate: float | None,
    occlusion: bool,
    for_layers: str,
) -> "Explanation | Occlusion":
    """Return the walk through the layers, or an occlusion map where it is wanted or all there is.

    Raises
    ------
    BadModel
        When an option is for the layers and the network has others.
    """
    from digitscope.explanation import LEARNING_RATE, explain, occlude
    from digitscope.image.mnist_form import to_mnist
    from digitscope.models.classifier import load

    classifier = load(model)
    digit = to_mnist(open_input(file))
    if occlusion:
        return occlude(classifier, digit)
    rate = LEARNING_RATE if learning_rate is None else learning_rate
    try:
        return explain(classifier, digit, label=label, learning_rate=rate)
    except BadModel as error:
        if for_layers:
            raise BadModel(f"{error} Leave out {for_layers} for that.") from None
        remark(f"{model} is no plain perceptron: an occlusion map instead of its layers.")
        return occlude(classifier, digit)
