"""Write the reference of commands and of recipes' fields; a test checks that it is up to date.

uv run python tools/command_reference.py

docs/commands.md is made from the program's own help, and the tables between the two markers in
docs/recipes.md from the descriptions of the fields.
"""

import dataclasses
import re
from pathlib import Path

import typer

from digitscope.cli import make_app
from digitscope.recipes import Augmentation, Recipe
from digitscope.recipes.described import descriptions
from digitscope.recipes.glyph_recipe import GlyphRecipe
from digitscope.recipes.page_recipe import LossWeights, PageRecipe

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
RECIPES = PAGE.with_name("recipes.md")
MARKED = re.compile(r"(<!-- fields -->\n).*?(\n<!-- end of fields -->)", re.S)
KINDS = (Recipe, Augmentation, PageRecipe, LossWeights, GlyphRecipe)
HEAD = """# Commands

Answers go to stdout, progress and remarks to stderr. A command ends with 0 when it did its work,
with 1 when it failed, and with 2 when it was misused. This page is generated from the program.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    group = typer.main.get_command(make_app())
    parts = [HEAD]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        text, _, examples = (command.help or "").partition("\b\n")
        parts.append(f"## {name}\n\n{' '.join(text.split())}\n")
        if examples:
            lines = [line.strip() for line in examples.splitlines()[1:] if line.strip()]
            parts.append("```console\n" + "\n".join(f"$ {line}" for line in lines) + "\n```\n")
        rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
        parts.append(
            "| option | what it is | default |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"
        )
    return "\n".join(parts)


def _row(parameter: object) -> str:
    options = [*getattr(parameter, "opts", []), *getattr(parameter, "secondary_opts", [])]
    is_option = options[0].startswith("-")
    names = ", ".join(f"`{o}`" for o in options) if is_option else f"`{options[0].upper()}`"
    default = getattr(parameter, "show_default", None)
    if not isinstance(default, str):
        value = getattr(parameter, "default", None)
        default = "" if value is None or value is False or callable(value) else str(value)
    help_ = re.sub(r"\s+", " ", getattr(parameter, "help", "") or "")
    return f"| {names} | {help_} | {default} |"


def recipes_page() -> str:
    """Return docs/recipes.md with its tables of fields replaced."""
    tables = "\n".join(_fields(kind) for kind in KINDS)
    text = RECIPES.read_text(encoding="utf-8")
    return MARKED.sub(lambda marks: marks[1] + tables + marks[2], text)


def _fields(kind: type) -> str:
    """Return the table of a dataclass's fields."""
    defaults = {f.name: f.default for f in dataclasses.fields(kind)}
    lines = [f"### {kind.__name__}\n", "| field | meaning | unit | values | default |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for name, about in descriptions(kind).items():
        default = defaults[name]
        shown = "" if default is dataclasses.MISSING else str(default)
        lines.append(f"| `{name}` | {about.help} | {about.unit} | {about.wanted} | {shown} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    RECIPES.write_text(recipes_page(), encoding="utf-8")
