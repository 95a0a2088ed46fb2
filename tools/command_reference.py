"""Write docs/commands.md from the program's own help; a test checks that it is up to date.

uv run python tools/command_reference.py
"""

import re
from pathlib import Path

import typer

from digitscope.cli import make_app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
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


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
