"""``digitscope models``: the pretrained models and their model cards."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digitscope.cli.common import JsonOption, print_json

if TYPE_CHECKING:
    from digitscope.models.classifier import Classifier
    from digitscope.models.glyph_network import GlyphNetwork
    from digitscope.models.page_network import PageNetwork


def command(
    name: Annotated[
        str | None, typer.Argument(help="The model whose card is printed.", show_default="list all")
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""List the pretrained models, or print the card of a model.

    \b
    Examples:
      digitscope models
      digitscope models cnn
      digitscope models page
      digitscope models runs/mlp-1 --json
    """
    import dataclasses

    from digitscope.models.classifier import PRETRAINED, load
    from digitscope.reading import load_reader

    if name is not None:
        print_json(dataclasses.asdict(_open(name).card))
        return
    models = [load(model) for model in PRETRAINED]
    reader = load_reader()
    assert reader.glyph is not None
    if json:
        every: list[Classifier | PageNetwork | GlyphNetwork] = [*models, reader.page, reader.glyph]
        print_json({m.path.stem: {"path": str(m.path)} | dataclasses.asdict(m.card) for m in every})
        return
    rows = [("name", "finds", "weights", "bytes", "MNIST test", "refuses", "path")]
    for model in models:
        accuracy, refuses = f"{model.card.scores['accuracy']:.2%}", "yes" if model.refuses else "no"
        rows.append(_row(model, "the digit of an image", accuracy, refuses))
    rows.append(_row(reader.page, "the glyphs of a page"))
    rows.append(_row(reader.glyph, "the class of a glyph"))
    for name, finds, weights, size, accuracy, refuses, path in rows:
        print(f"{name:5}  {finds:21}  {weights:>9}  {size:>9}  {accuracy:>10}  {refuses:7}  {path}")


def _row(
    model: "Classifier | PageNetwork | GlyphNetwork",
    finds: str,
    accuracy: str = "–",
    refuses: str = "–",
) -> tuple[str, str, str, str, str, str, str]:
    """Return the row of a model in the list of all."""
    size = model.path.stat().st_size
    weights = f"{model.card.parameters:,}"
    return model.path.stem, finds, weights, f"{size:,}", accuracy, refuses, str(model.path)


def _open(name: str) -> "Classifier | PageNetwork | GlyphNetwork":
    """Return the named model, of any kind."""
    from digitscope.errors import BadModel, did_you_mean
    from digitscope.models.classifier import PRETRAINED, load
    from digitscope.models.glyph_network import GlyphNetwork
    from digitscope.models.page_network import PageNetwork
    from digitscope.reading import open_network

    if name == "page":
        return PageNetwork()
    if name == "glyph":
        return GlyphNetwork()
    if name in PRETRAINED:
        return load(name)
    if not Path(name).exists():
        names = [*PRETRAINED, "page", "glyph"]
        raise BadModel(
            f"no such model: {name}; expected an .onnx file, a run's folder, or one of "
            f"{', '.join(names)}." + did_you_mean(name, names)
        )
    try:
        return open_network(Path(name))
    except BadModel:
        return load(name)  # raises an error with the reason for other files
