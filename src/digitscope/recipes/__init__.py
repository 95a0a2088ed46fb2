"""What to train, as frozen dataclasses: no framework is imported for them.

::

    described.py      what a field means: help, unit, range, choices
    digit_recipe.py   classifiers of single digits, and the recipes that ship
    stream_recipe.py  what trainings on synthesised batches have in common
    page_recipe.py    the page network
    glyph_recipe.py   the glyph network
    recipe_file.py    a recipe as a JSON file
"""

from digitscope.recipes.digit_recipe import (
    RECIPES,
    Activation,
    Augmentation,
    Recipe,
    get_recipe,
)

__all__ = ["RECIPES", "Activation", "Augmentation", "Recipe", "get_recipe"]
