"""The documentation is run: its Python blocks, its command lines, and the generated reference."""

import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import pytest
import typer
from PIL import Image

from digitscope.cli import make_app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def command_lines() -> list[str]:
    found = []
    for page in PAGES:
        lines = [line for block in blocks(page, "console") for line in block.splitlines()]
        lines += re.findall(r"`((?:uv run )?digitscope [^`]+)`", page.read_text(encoding="utf-8"))
        found += [line.removeprefix("$ ").removeprefix("uv run ") for line in lines]
    # Two spaces or more set a remark apart, as in the examples of --help.
    shown = {re.split(r"\s{2,}|\s#", line)[0] for line in found if line.startswith("digitscope ")}
    return sorted(line for line in shown if "<" not in line and "..." not in line)


def test_command_lines_are_found():
    assert len(command_lines()) > 20


@pytest.mark.parametrize("line", command_lines())
def test_every_command_line_in_the_docs_parses(line):
    words = shlex.split(line)[1:]
    group = typer.main.get_group(make_app())
    if words[0].startswith("-"):
        pytest.skip("an option of the program itself")
    # Parsing alone: unknown commands, options and missing arguments raise here.
    name, command, rest = group.resolve_command(group.make_context("digitscope", words), words)
    if rest:  # a bare `digitscope compare` in a sentence only names the command
        command.make_context(name, rest)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page, "python")], ids=lambda page: page.name
)
def test_python_blocks_run(page, run, tmp_path, monkeypatch):
    code = blocks(page, "python")
    monkeypatch.chdir(tmp_path)
    # No data folder and no mirror: training without a name then takes the bundled digits.
    monkeypatch.delenv("DIGITSCOPE_DATA", raising=False)
    monkeypatch.setenv("DIGITSCOPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DIGITSCOPE_MIRRORS", "http://127.0.0.1:9/")
    shutil.copytree(run.path, tmp_path / "runs" / "mlp-1")
    digit = Image.new("L", (60, 90), 250)
    digit.paste(10, (28, 20, 34, 70))
    digit.save("seven.png")
    digit.save("photo.jpg")
    names: dict[str, object] = {}
    for block in code:
        exec(compile(block, str(page), "exec"), names)


def load_script(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_reference_is_up_to_date():
    script = load_script(ROOT / "tools" / "command_reference.py")
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert written == script.page(), "run: uv run python tools/command_reference.py"
    written = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert "| `rotation` | rotation about the centre | degrees |" in written
    assert written == script.recipes_page(), "run: uv run python tools/command_reference.py"


def test_the_measured_figures_are_those_of_the_result_files():
    table = load_script(ROOT / "benchmarks" / "table.py")
    for page, (mark, _) in table.PAGES.items():
        written = page.read_text(encoding="utf-8")
        assert f"<!-- end of {mark} -->" in written
        assert written == table.updated(page), "run: uv run python benchmarks/table.py"
    results = table.load()
    missed = [row for result in results.values() for row in result["rows"] if row["met"] is False]
    assert table.whole(results).count("| **no** |") == len(missed) > 0
    assert table.headline(results).count("| `uv run ") == len(table.HEADLINE)
