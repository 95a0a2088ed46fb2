"""What an import loads, and which names are promised."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import digitscope
from digitscope.cli import COMMANDS

HEAVY = [
    "tensorflow",
    "keras",
    "jax",
    "sklearn",
    "scipy",
    "matplotlib",
    "cv2",
    "onnx",
    "pooch",
    "pydantic",
]
ROOT = Path(digitscope.__file__).parent

PUBLIC = {
    "RECIPES",
    "Classifier",
    "DigitscopeError",
    "Page",
    "Recipe",
    "Run",
    "__version__",
    "compare",
    "evaluate",
    "explain",
    "load",
    "load_data",
    "occlude",
    "read",
    "report",
    "resume",
    "to_mnist",
    "train",
}


def loaded(code, *arguments):
    """Return the top-level packages that are loaded after `code` has run in a fresh Python."""
    code += (
        "\nimport sys as s\ns.stderr.write('LOADED ' + ' '.join({m.split('.')[0] "
        "for m in s.modules if s.modules[m] is not None}))"
    )
    command = [sys.executable, "-I", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "LOADED " in done.stderr, done.stderr
    return set(done.stderr.rpartition("LOADED ")[2].split()), done.stdout


def test_the_public_names_are_these():
    """Names are promises: a change here is a change of the API."""
    assert set(digitscope.__all__) == set(dir(digitscope)) == PUBLIC
    for name in PUBLIC:
        assert getattr(digitscope, name) is not None
    with pytest.raises(AttributeError, match="module 'digitscope' has no attribute 'trian'"):
        digitscope.trian  # noqa: B018


def test_importing_digitscope_loads_no_third_party_package():
    before, _ = loaded("")
    after, _ = loaded("import digitscope")
    known = set(sys.stdlib_module_names) | before | {"digitscope"}
    assert after - known == set()


@pytest.mark.parametrize(
    "module",
    ["classifier", "preprocess", "pictures", "images", "errors", "model_card", "runs", "cli"],
)
def test_the_using_wing_loads_nothing_heavy(module):
    packages, _ = loaded(f"import digitscope.{module}")
    assert packages & set(HEAVY) == set()


@pytest.mark.parametrize("command", ["predict", "read"])
def test_a_command_that_reads_loads_nothing_heavy(run, tmp_path, command):
    image = Image.fromarray(np.full((80, 80), 255, np.uint8))
    image.paste(0, (36, 20, 42, 60))
    image.save(tmp_path / "one.png")
    code = (
        "import digitscope.cli\n"
        "try: digitscope.cli.main()\n"
        "except SystemExit as e: assert not e.code"
    )
    model = ["-m", run.path] if command == "predict" else []
    for inputs in ([tmp_path / "one.png"], [tmp_path / "one.png", "--json"]):
        packages, _ = loaded(code, command, *inputs, *model)
        assert packages & set(HEAVY) == {"cv2"}
        assert "onnxruntime" in packages


def test_reading_a_line_does_not_load_the_masked_arrays_of_numpy():
    """They take as long to import as OpenCV; `np.median` and `np.unique` load them."""
    _, out = loaded(
        "import sys\n"
        "from digitscope import read\n"
        "from digitscope.synthesis.faulty_pages import write_page\n"
        "before = 'numpy.ma' in sys.modules\n"
        "page = read(write_page(['407 25']))\n"
        "print(page.text, before, 'numpy.ma' in sys.modules)"
    )
    assert out == "407 25 False False\n"


@pytest.mark.parametrize(
    ("packages", "importers"),
    [
        ({"keras", "tensorflow", "jax"}, {"training"}),
        ({"matplotlib", "jinja2"}, {"rendering", "lessons"}),
        ({"fastapi", "starlette", "pydantic", "prometheus_client"}, {"service"}),
    ],
)
def test_heavy_packages_are_imported_in_few_subpackages(packages, importers):
    found = set()
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any(name.partition(".")[0] in packages for name in names):
                found.add(file.relative_to(ROOT).parts[0])
    assert found == importers


def test_a_process_imports_only_its_own_command():
    code = (
        "import sys\nfrom digitscope.cli import main\n"
        "try: main(['models'])\nexcept SystemExit: pass\n"
        "names = [m for m in sys.modules if m.startswith('digitscope.cli.')]\n"
        "print(*names, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    loaded_files = {name.rpartition(".")[2] for name in done.stderr.splitlines()[-1].split()}
    assert "models" in loaded_files
    assert not loaded_files & set(COMMANDS) - {"models"}


def test_the_service_needs_no_training_wing():
    packages, _ = loaded(
        "from digitscope import load; from digitscope.service.http.app import create_app; "
        "create_app({'mlp': load('mlp')})"
    )
    assert not packages & {"tensorflow", "keras", "jax", "sklearn", "scipy", "matplotlib"}
    assert {"fastapi", "onnxruntime"} <= packages


def test_reading_tells_nobody_and_leaves_nothing_behind(tmp_path, monkeypatch):
    """ONNX Runtime would keep a number of this device in the home, and send it with its reports."""
    home = tmp_path / "an empty home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("CI", raising=False)  # it is silent there in any case
    loaded("import digitscope; digitscope.load('mlp')")
    assert list(home.rglob("*")) == []
