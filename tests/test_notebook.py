"""The notebook runs from top to bottom, and what is stored in it is what it says."""

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def script():
    loader = importlib.machinery.SourceFileLoader("notebook", str(ROOT / "tools" / "notebook"))
    spec = importlib.util.spec_from_loader("notebook", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_the_stored_notebook_was_run_and_names_no_machine(script):
    import nbformat

    notebook = nbformat.read(script.NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert sum("image/png" in output.get("data", {}) for output in outputs(notebook)) >= 5
    assert not [
        o for o in outputs(notebook) if o.output_type == "error" or o.get("name") == "stderr"
    ]
    assert str(Path.home()) not in script.NOTEBOOK.read_text(encoding="utf-8")


@pytest.mark.slow
def test_it_runs(script, tmp_path, monkeypatch, mnist_folder):
    monkeypatch.setenv("DIGITSCOPE_DATA", str(mnist_folder))
    executed = script.execute(tmp_path)
    said = "".join(o.text for o in outputs(executed) if o.output_type == "stream")
    assert "of 10,000 test images\n95 % interval" in said
    assert "one digit: 7   the page: 7 1" in said
    assert (tmp_path / "runs" / "classic-1" / "report.html").is_file()
