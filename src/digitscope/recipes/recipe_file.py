"""A recipe as a file, which ``digitscope train --recipe`` takes.

::

    {"network": "digits", "recipe": {"name": "mlp", "learning_rate": 0.01, ...}}
"""

import json
from pathlib import Path
from typing import Any

from digitscope.errors import BadData, Misuse
from digitscope.files import write_text
from digitscope.recipes import Recipe
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.recipes.page_recipe import PageRecipe
from digitscope.recipes.stream_recipe import StreamRecipe

KINDS: dict[str, type[Recipe] | type[StreamRecipe]] = {
    "digits": Recipe,
    "page": PageRecipe,
    "glyph": GlyphRecipe,
}


def write_recipe(path: Path, recipe: Recipe | StreamRecipe) -> None:
    """Write a recipe, whole or not at all."""
    network = next(name for name, kind in KINDS.items() if isinstance(recipe, kind))
    content = {"network": network, "recipe": recipe.to_dict()}
    write_text(path, json.dumps(content, indent=2) + "\n")


def read_recipe(path: Path) -> Recipe | StreamRecipe:
    """Return the recipe in a file.

    Raises
    ------
    Misuse
        When there is no such file, or a field has a value that makes no sense.
    BadData
        When it is no recipe.

    Examples
    --------
    >>> import tempfile
    >>> from digitscope.recipes import RECIPES
    >>> file = Path(tempfile.mkdtemp()) / "mine.json"
    >>> write_recipe(file, RECIPES["mlp"].but(epochs=7))
    >>> read_recipe(file).epochs
    7
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind = KINDS[content["network"]]
        return kind.from_dict(content["recipe"])
    except FileNotFoundError:
        raise Misuse(f"no such recipe: {path}") from None
    except Misuse:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadData(
            f"{path} is no recipe: expected JSON as `digitscope tune` writes it ({error})."
        ) from None
