"""``digitscope explain``: the computation of a network for one image."""

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
        typer.Option(min=0, max=9, help="The true digit.", show_default="the network's answer"),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Learning rate of the step of Adam.", show_default="0.001"),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Number of hidden units to show, the most important first.")
    ] = 6,
    occlusion: Annotated[
        bool, typer.Option("--occlusion", help="Cover the image patch by patch instead.")
    ] = False,
    figure: Annotated[
        Path | None,
        typer.Option(help="A .png or .svg file for a figure.", show_default=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""Explain with numbers how a network gets its answer for one picture.

    The explanation shows each layer up to the loss, the gradients back to the input, and one step
    of Adam. For a network with convolutions, or one that was trained to refuse, it is an occlusion
    map: how much the answer depends on each part of the picture.

    \b
    Examples:
      digitscope explain seven.png
      digitscope explain seven.png --label 1 --top 10
      digitscope explain seven.png --figure seven.svg
      digitscope explain seven.png --model runs/mlp-1 --json
      digitscope explain seven.png --occlusion
      digitscope explain seven.png --model cnn --figure map.png
    """
    for_layers = "--label" if label is not None else "--learning-rate" if learning_rate else ""
    if occlusion and for_layers:
        raise Misuse(f"{for_layers} is for the explanation by layers; leave out --occlusion.")
    if figure:
        require("figures", "digitscope explain --figure")
    file = _check_files(image, figure)
    result = _explain(file, model, label, learning_rate, occlusion, for_layers)
    name = "standard input" if image == STDIN else file
    if result.refused:
        remark(
            f"{name}: probably not a digit: its score {result.score:.3f} is below the threshold "
            f"{result.threshold:.3f}. The explanation is of the most probable digit."
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


def _check_files(image: str, figure: Path | None) -> str:
    """Return the one input file; raise `Misuse` for several, or for a wrong file of the figure."""
    if figure and figure.suffix.lower() not in FIGURES:
        raise Misuse(f"--figure must end in {' or '.join(FIGURES)}. Received: {figure}")
    files = expand([image])
    if len(files) != 1:
        raise Misuse(f"explain takes one picture. Received: {len(files)} in {image}")
    if figure and figure.resolve() == Path(files[0]).resolve():
        raise Misuse(f"--figure must not be the picture itself. Received: {figure}")
    return files[0]


def _explain(
    file: str,
    model: str,
    label: int | None,
    learning_rate: float | None,
    occlusion: bool,
    for_layers: str,
) -> "Explanation | Occlusion":
    """Return the explanation by layers, or an occlusion map if asked for or for other networks.

    Raises
    ------
    BadModel
        When the option `for_layers` is given, and the network is not a plain perceptron.
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
            raise BadModel(f"{error} Leave out {for_layers} for an occlusion map.") from None
        remark(f"{model} is not a plain perceptron; the explanation is an occlusion map.")
        return occlude(classifier, digit)
